/**
 * The relation signals of one session: which collections gain and lose members in a flush, told before its first statement and again after
 * its last.
 *
 * Reads the unit of work and the journal, as any extension may; which flush is running it asks the session layer. Invariant: what is told
 * before is told after only if it was written.
 *
 * @module
 */
import { SessionError } from '../core/errors.js'
import type { Session } from '../mapper/session.js'
import { Flush, MAX_ROUNDS } from '../session/flush.js'
import { familyOf, type RelationSignalName } from './families.js'
import type { RelationPayload } from './payloads.js'
import { EditSet, WrittenEdits, type Edit } from './relation-edits.js'

/** What was told before, and where the journal stood then. */
interface Told {
  readonly edits: readonly Edit<RelationPayload>[]
  readonly mark: number
}

const NAMES: readonly RelationSignalName[] = ['preRelationAdd', 'postRelationAdd', 'preRelationRemove', 'postRelationRemove']

export class RelationSignals {
  readonly #session: Session
  /** By flush: a save inside a hook is one of its own. */
  readonly #told = new WeakMap<Flush, Told>()

  constructor(session: Session) {
    this.#session = session
  }

  /** Nobody listens, as a rule, and then nothing is read. */
  static get areHeard(): boolean {
    return NAMES.some((name) => !familyOf(name).isEmpty)
  }

  /** Receivers may edit collections themselves: that is told as well, until nothing is new. */
  async before(): Promise<void> {
    const flush = Flush.current(this.#session)
    if (!RelationSignals.areHeard || flush === undefined) return
    const mark = this.#session.journal.length
    const known = new EditSet()
    const edits: Edit<RelationPayload>[] = []
    let isNews = true
    for (let round = 0; isNews; round++) {
      const found = this.#editsOf(flush).filter((edit) => known.add(edit))
      if (found.length > 0 && round === MAX_ROUNDS)
        throw new SessionError('FLUSH_NEVER_SETTLES', { hook: `preRelation${found[0]!.kind}`, rounds: MAX_ROUNDS })
      edits.push(...found)
      for (const edit of found) await send(`preRelation${edit.kind}`, edit)
      isNews = found.some((edit) => isHeard(`preRelation${edit.kind}`, edit))
    }
    if (edits.length > 0) this.#told.set(flush, { edits, mark })
  }

  async after(): Promise<void> {
    const flush = Flush.current(this.#session)
    const told = flush && this.#told.get(flush)
    if (told === undefined) return
    const written = new WrittenEdits(this.#session.journal.slice(told.mark))
    for (const edit of told.edits) if (written.has(edit)) await send(`postRelation${edit.kind}`, edit)
  }

  #editsOf({ unitOfWork }: Flush): readonly Edit<RelationPayload>[] {
    return unitOfWork.relations.flatMap(({ entity: instance, target: sender, relation: relationName, added, removed }) => {
      if (typeof sender === 'string') return []
      const about = { sender, instance, relationName, session: this.#session }
      return [
        ...removed.map((child) => ({ kind: 'Remove', payload: { ...about, child } }) as const),
        ...added.map((child) => ({ kind: 'Add', payload: { ...about, child } }) as const),
      ]
    })
  }
}

function isHeard(name: RelationSignalName, { payload }: Edit<RelationPayload>): boolean {
  return familyOf(name).receiversFor(payload.sender).length > 0
}

function send(name: RelationSignalName, { payload }: Edit<RelationPayload>): void | Promise<void> {
  return familyOf(name).of(payload.sender).dispatch(payload)
}
