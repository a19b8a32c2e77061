/**
 * Everything a session reads: by key, by query, again.
 *
 * Knows no SQL; what is read becomes the session's own instances in {@link SessionWork}. Invariant: a query never replaces a value an entity
 * holds, and afterLoad runs once for each entity that was not in the session before.
 *
 * @module
 */
import { FrameSlot } from '../core/async-frame.js'
import { messageOf, SessionError } from '../core/errors.js'
import { describeValue } from '../core/describe-value.js'
import type { EntityRef } from '../mapper/entity-types.js'
import type { EntityState } from '../mapper/session.js'
import { keyLabel, type EntityMap, type Image } from './entity-map.js'
import type { FlushOwner } from './flush.js'
import type { Persistence, Query } from './persistence.js'
import type { SessionWork } from './session-work.js'
import { Merge } from './merge.js'
import { membersOf, type Tracked } from './tracked.js'

const noAutoflush = new FrameSlot<boolean>('no-autoflush')

export interface ReaderHost extends FlushOwner {
  /** Flushes when this session does so before queries. */
  autoflush(): Promise<void> | undefined
  throwIfAborted(): void
  /** Begins a transaction that is to surround reads, too. */
  beginAround(): Promise<void> | undefined
  stateOf(tracked: Tracked): EntityState
  inFrame<T>(fn: () => T): T
}

export class SessionReader {
  readonly #host: ReaderHost
  readonly #work: SessionWork
  readonly #persistence: Persistence

  constructor(host: ReaderHost, work: SessionWork, persistence: Persistence) {
    this.#host = host
    this.#work = work
    this.#persistence = persistence
  }

  /** Runs `fn` without autoflush. */
  static withoutAutoflush<T>(fn: () => T): T {
    return noAutoflush.run(true, fn)
  }

  // ---- queries of the user's

  load(query: Query): Promise<object[]> {
    return this.loadBy(query, () => this.#persistence.load(query, this.#work.loading))
  }

  /** As a query of the user's, sent another way. */
  async loadBy(query: Query, send: () => Promise<object[]>): Promise<object[]> {
    await this.#beforeQuery(query)
    const rows = await send()
    await this.announceLoaded()
    return rows
  }

  async count(query: Query): Promise<number> {
    await this.#beforeQuery(query)
    return this.#persistence.count(query)
  }

  async keys(query: Query): Promise<readonly Image[]> {
    await this.#beforeQuery(query)
    return this.#persistence.keys(query)
  }

  async #beforeQuery({ map }: Query): Promise<void> {
    this.#host.throwIfAborted()
    if (noAutoflush.get() !== true) {
      try {
        await this.#host.autoflush()
      } catch (error) {
        throw new SessionError('AUTOFLUSH_FAILED', { query: map.name, cause: messageOf(error) }, { cause: error })
      }
    }
    await this.#host.beginAround()
  }

  // ---- reads of the session's own

  async read(query: Query): Promise<object[]> {
    const rows = await this.#persistence.load(query, this.#work.loading)
    await this.announceLoaded()
    return rows
  }

  /** Runs afterLoad for what has come into the session, one after another. */
  async announceLoaded(): Promise<void> {
    const { hooks } = this.#host
    for (const tracked of this.#work.loading.takeLoaded()) {
      const mapperHooks = hooks.has('afterLoad') || this.#work.size > 0 ? this.#persistence.hooksOf(tracked.map) : undefined
      if (mapperHooks?.has('afterLoad') !== true && !hooks.has('afterLoad')) continue
      const state = this.#host.stateOf(tracked)
      await this.#host.inFrame(async () => {
        await mapperHooks?.run('afterLoad', tracked.entity, state, this.#host.session)
        await hooks.run('afterLoad', tracked.entity, state)
      })
    }
  }

  /** The entity a key stands for, if that can be told without a statement. */
  known(target: EntityRef, key: unknown): { readonly map: EntityMap; readonly key: Image; readonly entity: object | null | undefined } {
    const map = this.#persistence.describe(target)
    const image = keyImage(map, key)
    const tracked = this.#work.find(map, image)
    if (tracked === undefined || tracked.isExpired) return { map, key: image, entity: undefined }
    return { map, key: image, entity: tracked.map.isA(map.target) ? tracked.entity : null }
  }

  /** An expired entity whose row is gone leaves the session. */
  forgetGone(map: EntityMap, key: Image): void {
    const tracked = this.#work.find(map, key)
    if (tracked?.isExpired === true) this.#work.expunge(tracked.entity)
  }

  /** @throws {SessionError} ROW_GONE */
  async refresh(tracked: Tracked): Promise<void> {
    const { map, entity, key } = tracked
    const relations = [...map.toOnes, ...map.collections]
      .filter((relation) => membersOf(relation, entity) !== undefined)
      .map(({ path }) => path)
    this.#host.throwIfAborted()
    await this.#host.beginAround()
    const rows = await this.#work.loading.overwriting(tracked, () => this.read({ map, keys: [key!], relations, withDeleted: true }))
    if (rows.length === 0) throw new SessionError('ROW_GONE', { entity: map.name, key: keyLabel(key) })
    tracked.isExpired = false
  }

  /** The session's object for these values, loaded or new, with the values copied on to it. */
  merge(target: EntityRef, values: object, add: (entity: object) => void): Promise<object> {
    const describe = (ref: EntityRef) => this.#persistence.describe(ref)
    return new Merge({ work: this.#work, describe, load: (query) => this.load(query), add }).into(target, values)
  }
}

/** @throws {SessionError} KEY_INVALID */
function keyImage(map: EntityMap, key: unknown): Image {
  const paths = map.keyColumns.map((column) => column.path)
  const wanted =
    paths.length === 1
      ? `a value for "${paths[0]!}", or { ${paths[0]!}: … }`
      : `an object with ${paths.map((path) => `"${path}"`).join(' and ')}`
  const invalid = () => new SessionError('KEY_INVALID', { entity: map.name, given: describeValue(key), wanted })
  if (key === undefined || key === null || Number.isNaN(key)) throw invalid()
  if (typeof key === 'object' && !(key instanceof Date) && !Buffer.isBuffer(key)) {
    const image = map.keyOf(key)
    if (image === undefined) throw invalid()
    return image
  }
  if (paths.length !== 1) throw invalid()
  const probe = {}
  map.keyColumns[0]!.set(probe, key)
  return map.keyOf(probe) ?? Object.freeze({ [paths[0]!]: key })
}
