/**
 * What flushes have done since the transaction began, and what every level has to come back to.
 *
 * Knows no SQL. Invariant: undoing a level takes back exactly the flushes made in it, the last one first, and then restores by value what
 * was pending when it began.
 *
 * @module
 */
import type { Pending, SessionWork } from './session-work.js'
import { isUnchanged, pictureOf, restore, type Picture, type Tracked } from './tracked.js'

/** Something that can be taken back. */
export interface Undoable {
  undo(): void
}

/**
 * - `flush`: a transaction a flush has begun for itself: when it fails, its work is pending again
 * - `block`: one the user has begun: objects go back to what they were
 */
export type LevelKind = 'flush' | 'block'

export interface SavedLevel {
  readonly kind: LevelKind
  readonly flushes: number
  /** How many entities had been loaded. */
  readonly loads: number
  readonly pending: Pending
  readonly pictures: ReadonlyMap<Tracked, Picture>
}

const NOTHING_PENDING: Pending = { added: [], marks: new Map() }

export class UndoLog {
  readonly #work: SessionWork
  readonly #flushes: Undoable[] = []

  constructor(work: SessionWork) {
    this.#work = work
  }

  push(flush: Undoable): void {
    this.#flushes.push(flush)
  }

  clear(): void {
    this.#flushes.length = 0
  }

  /** @param isWhole True where the level stands for everything since the session was opened. */
  save(kind: LevelKind, isWhole: boolean): SavedLevel {
    const flushes = this.#flushes.length
    const { loads } = this.#work.loading
    if (kind === 'flush' || isWhole) return { kind, flushes, loads, pending: NOTHING_PENDING, pictures: new Map() }
    const pictures = new Map<Tracked, Picture>()
    for (const tracked of this.#work.all.values()) {
      if (tracked.status === 'new' || (tracked.status === 'managed' && !isUnchanged(tracked)))
        pictures.set(tracked, pictureOf(tracked.map, tracked.entity))
    }
    return { kind, flushes, loads, pending: this.#work.pending(), pictures }
  }

  undo({ kind, flushes, loads, pending, pictures }: SavedLevel): void {
    for (const flush of this.#flushes.splice(flushes).reverse()) flush.undo()
    if (kind === 'flush') return
    this.#work.loading.expireLoadedAfter(loads)
    this.#work.restorePending(pending)
    for (const [tracked, picture] of pictures) if (this.#work.of(tracked.entity) === tracked) restore(tracked.map, tracked.entity, picture)
    this.#work.restoreValues(new Set(pictures.keys()))
  }
}
