/**
 * How the lazy relations of a session's entities are read when they are first awaited: as a find of that session.
 *
 * Knows no promise properties; those are the ORM layer's. Invariant: what is read becomes the session's own instances, and the membership
 * read is the baseline.
 *
 * @module
 */
import type { EntityMap } from './entity-map.js'
import type { LoadedRow } from './persistence.js'
import { SessionCursor, type CursorHost } from './session-cursor.js'
import type { SessionWork } from './session-work.js'

export class LazyReading {
  readonly #work: SessionWork
  readonly #cursors: CursorHost

  constructor(work: SessionWork, cursors: CursorHost) {
    this.#work = work
    this.#cursors = cursors
  }

  readonly sink = { take: (row: LoadedRow): object => this.#work.loading.take(row) }

  around(map: EntityMap, load: () => Promise<object[]>): Promise<object[]> {
    const cursor = new SessionCursor(this.#cursors, { map }, ['find', map.target])
    return cursor.drain((query) => this.#cursors.reader.loadBy(query, load))
  }

  relationLoaded(entity: object, path: string, value: unknown): void {
    this.#work.loading.relationLoaded(entity, path, value)
  }
}
