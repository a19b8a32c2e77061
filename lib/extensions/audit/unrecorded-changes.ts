/**
 * The changes of a session that the trail does not tell yet.
 *
 * As `UntoldChanges`, without a look at each of many, and not folded. Invariant: a change is told once, in whatever transaction or
 * level of the session.
 *
 * @module
 */
import type { Change } from '../../mapper/change.js'

/** Up to where the journal was told. */
interface Mark {
  readonly count: number
  readonly last: WeakRef<Change>
}

export class UnrecordedChanges {
  readonly #marks: Mark[] = []

  /** What the journal has got since it was last asked for. */
  take(journal: readonly Change[]): readonly Change[] {
    for (let mark = this.#marks.at(-1); mark !== undefined && !isIn(journal, mark); mark = this.#marks.at(-1)) this.#marks.pop()
    const from = this.#marks.at(-1)?.count ?? 0
    if (from === journal.length) return []
    this.#marks.push({ count: journal.length, last: new WeakRef(journal.at(-1)!) })
    return from === 0 ? journal : journal.slice(from)
  }
}

/** False where it was undone, or is of a transaction that is over; what is garbage by now is in no journal. */
function isIn(journal: readonly Change[], { count, last }: Mark): boolean {
  const change = last.deref()
  return change !== undefined && journal[count - 1] === change
}
