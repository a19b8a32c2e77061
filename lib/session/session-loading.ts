/**
 * What queries bring into a session.
 *
 * Decides what becomes of a hydrated row: a new entity of the session, or values for the one it has. Invariant: one object per row, whatever
 * the query, and values that are there stay, unless they were asked to be read again.
 *
 * @module
 */
import { fillFrom, firstBaseline, overwriteFrom } from './loaded-values.js'
import type { LoadedRow, LoadSink } from './persistence.js'
import type { EntityMap, Image } from './entity-map.js'
import { baselineOf, isUnchanged, Tracked } from './tracked.js'

/** What loading needs to know of a session's entities. */
export interface KnownEntities {
  readonly marks: ReadonlyMap<Tracked, unknown>
  find(map: EntityMap, key: Image): Tracked | undefined
  of(entity: object): Tracked | undefined
  managed(): Iterable<Tracked>
  enroll(tracked: Tracked): void
  /** What is known of a row is about to change. */
  changing(): void
}

export class SessionLoading implements LoadSink {
  readonly #work: KnownEntities
  #loaded: Tracked[] = []
  #loads = 0
  readonly #overwriting = new Set<Tracked>()

  constructor(work: KnownEntities) {
    this.#work = work
  }

  /** What a query has hydrated becomes, or fills in, the session's own instance. */
  take({ map, entity, foreignKeys }: LoadedRow): object {
    const key = map.keyOf(entity)
    if (key === undefined) return entity
    const known = this.#work.find(map, key)
    if (known === undefined) {
      const tracked = new Tracked(entity, map, 'managed')
      tracked.key = key
      tracked.loadedAs = ++this.#loads
      tracked.baseline = firstBaseline(tracked, foreignKeys)
      this.#work.enroll(tracked)
      this.#loaded.push(tracked)
      return entity
    }
    if (known.baseline !== undefined) this.#update(known, entity, foreignKeys)
    return known.entity
  }

  #update(known: Tracked, fresh: object, foreignKeys: LoadedRow['foreignKeys']): void {
    this.#work.changing()
    if (this.#overwriting.has(known)) overwriteFrom(known, fresh, foreignKeys)
    else if (known.isExpired && !this.#work.marks.has(known) && isUnchanged(known)) {
      overwriteFrom(known, fresh, foreignKeys)
      known.isExpired = false
    } else fillFrom(known, fresh, foreignKeys)
  }

  /** Runs a query that replaces what this entity holds, pending changes included. */
  async overwriting<T>(tracked: Tracked, load: () => Promise<T>): Promise<T> {
    this.#overwriting.add(tracked)
    try {
      return await load()
    } finally {
      this.#overwriting.delete(tracked)
    }
  }

  /** The entities taken in since the last call. */
  takeLoaded(): readonly Tracked[] {
    const loaded = this.#loaded
    this.#loaded = []
    return loaded
  }

  /** A lazy relation has been read: what the database says is the baseline, whatever the entity holds by now. */
  relationLoaded(entity: object, path: string, value: unknown): void {
    const tracked = this.#work.of(entity)
    if (tracked?.baseline === undefined) return
    this.#work.changing()
    const { map, baseline } = tracked
    const one = map.toOnes.findIndex((relation) => relation.path === path)
    const many = map.collections.findIndex((relation) => relation.path === path)
    if (one >= 0 && baseline.refs[one] === undefined)
      tracked.baseline = baselineOf({ ...baseline, refs: baseline.refs.with(one, value) }, baseline.keys)
    if (many >= 0 && baseline.members[many] === undefined) {
      const members = Array.isArray(value) ? [...(value as object[])] : value === null ? [] : [value as object]
      tracked.baseline = baselineOf({ ...baseline, members: baseline.members.with(many, members) }, baseline.keys)
    }
  }

  /** How many entities have been loaded so far. */
  get loads(): number {
    return this.#loads
  }

  /** What was read inside of a transaction that is undone may never have been true. */
  expireLoadedAfter(loads: number): void {
    for (const tracked of this.#work.managed()) if (tracked.loadedAs > loads) tracked.isExpired = true
  }
}
