/**
 * The lazy query of a session.
 *
 * Knows what to ask for, not how it is sent. Invariant: a cursor never changes; what it fetched lives in the iteration alone, so the same
 * cursor can be run again.
 *
 * @module
 */
import type { FindOptionsOrder, FindOptionsWhere } from 'typeorm'
import { describeValue } from '../core/describe-value.js'
import { ConfigurationError, SessionError } from '../core/errors.js'
import type { HookChain } from '../core/hook-chain.js'
import type { Cursor, CursorAction, Loaded, RelationPath } from '../mapper/cursor.js'
import type { SessionHooks } from '../mapper/session.js'
import type { EntityMap } from './entity-map.js'
import { AllOf, type Query, type Where } from './persistence.js'
import type { SessionReader } from './session-reader.js'

/** How many entities an iteration holds at a time. */
const PAGE = 500

export interface CursorHost {
  readonly reader: SessionReader
  hooks(): HookChain<SessionHooks>
  inFrame<T>(fn: () => T): T
  /** @throws {SessionError} SESSION_CLOSED */
  assertUsable(method: string): void
}

export class SessionCursor<E extends object> implements Cursor<E> {
  readonly #host: CursorHost
  readonly #query: Query

  /** @param made The action that made it and what that was called with. */
  constructor(host: CursorHost, query: Query, made: readonly [CursorAction, ...unknown[]]) {
    this.#host = host
    this.#query = query
    const [action, ...args] = made
    const hooks = host.hooks()
    if (hooks.has('cursorCreated')) host.inFrame(() => hooks.runSynchronously('cursorCreated', this, action, ...args))
  }

  // ---- refining

  where(where: FindOptionsWhere<E> | FindOptionsWhere<E>[]): Cursor<E> {
    return this.#refined({ where: both(this.#query.where, checkedWhere(where) ?? {}) }, 'where', where)
  }

  order(order: FindOptionsOrder<E>): Cursor<E> {
    return this.#refined({ order: { ...this.#query.order, ...order } as FindOptionsOrder<object> }, 'order', order)
  }

  skip(count: number): Cursor<E> {
    return this.#refined({ skip: checkedCount('skip', count) }, 'skip', count)
  }

  limit(count: number): Cursor<E> {
    return this.#refined({ limit: checkedCount('limit', count) }, 'limit', count)
  }

  with<P extends RelationPath<E>>(...relations: P[]): Cursor<Loaded<E, P>> {
    const all = [...new Set([...(this.#query.relations ?? []), ...relations])]
    return this.#refined({ relations: all }, 'with', ...relations) as unknown as Cursor<Loaded<E, P>>
  }

  #refined(change: Partial<Query>, action: CursorAction, ...args: unknown[]): SessionCursor<E> {
    return new SessionCursor<E>(this.#host, { ...this.#query, ...change }, [action, this, ...args])
  }

  // ---- running

  all(): Promise<E[]> {
    return this.drain((query) => this.#host.reader.load(query))
  }

  /** As {@link all}, of entities that come another way. */
  async drain(load: (query: Query) => Promise<object[]>): Promise<E[]> {
    const entities: E[] = []
    const fetch = this.#fetchOnce(load)
    for (;;) {
      const next = await this.#next(fetch)
      if (next === undefined) return entities
      entities.push(next)
    }
  }

  then<A = E[], B = never>(
    onFulfilled?: ((entities: E[]) => A | PromiseLike<A>) | null,
    onRejected?: ((error: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    return this.all().then(onFulfilled, onRejected)
  }

  async first(): Promise<E | null> {
    const fetch = this.#fetchOnce((query) => this.#host.reader.load({ ...query, limit: Math.min(1, query.limit ?? 1) }))
    return (await this.#next(fetch)) ?? null
  }

  async one(): Promise<E> {
    const found = await this.#only('one')
    if (found === null) throw new SessionError('ENTITY_NOT_FOUND', { entity: this.#map.name, criteria: describeWhere(this.#query.where) })
    return found
  }

  oneOrNull(): Promise<E | null> {
    return this.#only('oneOrNull')
  }

  /** The second attempt finds the end, or one too many. */
  async #only(method: string): Promise<E | null> {
    const fetch = this.#fetchOnce((query) => this.#host.reader.load({ ...query, limit: Math.min(2, query.limit ?? 2) }))
    const found = await this.#next(fetch)
    if (found === undefined) return null
    if ((await this.#next(fetch)) !== undefined) throw new SessionError('RESULT_NOT_UNIQUE', { entity: this.#map.name, method })
    return found
  }

  /** How many entities match, skip and limit left out. */
  async count(): Promise<number> {
    this.#host.assertUsable('count')
    return this.#host.reader.count({ ...this.#query, skip: undefined, limit: undefined })
  }

  /** Page by page: the keys are read once, so that what the loop changes does not move rows from one page to another. */
  async *[Symbol.asyncIterator](): AsyncIterator<E> {
    const fetch = this.#fetchPages()
    for (;;) {
      const next = await this.#next(fetch)
      if (next === undefined) return
      yield next
    }
  }

  get #map(): EntityMap {
    return this.#query.map
  }

  #fetchOnce(load: (query: Query) => Promise<object[]>): () => Promise<object | undefined> {
    let rows: Iterator<object> | undefined
    return async () => {
      rows ??= (await load(this.#query))[Symbol.iterator]()
      return rows.next().value as object | undefined
    }
  }

  #fetchPages(): () => Promise<object | undefined> {
    const { map, relations, withDeleted } = this.#query
    let keys: readonly (Query['keys'] & object)[number][] | undefined
    let position = 0
    let page: object[] = []
    return async () => {
      keys ??= await this.#host.reader.keys(this.#query)
      while (page.length === 0 && position < keys.length) {
        page = (await this.#host.reader.load({ map, keys: keys.slice(position, position + PAGE), relations, withDeleted })).reverse()
        position += PAGE
      }
      return page.pop()
    }
  }

  /** One attempt to get an entity, between its hooks. */
  async #next(fetch: () => Promise<object | undefined>): Promise<E | undefined> {
    this.#host.assertUsable('find')
    const hooks = this.#host.hooks()
    if (hooks.has('beforeCursorNext')) await this.#host.inFrame(() => hooks.run('beforeCursorNext', this))
    try {
      return (await fetch()) as E | undefined
    } finally {
      if (hooks.has('afterCursorNext')) await this.#host.inFrame(() => hooks.run('afterCursorNext', this))
    }
  }

  /** As text a cursor tells what it asks for; it is no number. @throws {SessionError} CURSOR_NOT_A_VALUE */
  [Symbol.toPrimitive](hint: string): string {
    if (hint === 'string') return this.toString()
    throw new SessionError('CURSOR_NOT_A_VALUE', { entity: this.#map.name })
  }

  toString(): string {
    const { where, order, skip, limit, relations } = this.#query
    const parts = Object.entries({ where, order, skip, limit, with: relations }).filter(([, value]) => value !== undefined)
    return `Cursor of ${this.#map.name}${parts.map(([name, value]) => `; ${name} ${describeWhere(value)}`).join('')}`
  }
}

/** @throws {ConfigurationError} OPTION_INVALID for what is no condition: it would match every row. */
export function checkedWhere(where: unknown): Where | undefined {
  if (where === undefined || (typeof where === 'object' && where !== null)) return where as Where | undefined
  const wanted = 'an object of conditions, or a list of them'
  throw new ConfigurationError('OPTION_INVALID', { place: 'a cursor', option: 'where', wanted, given: describeValue(where) })
}

function checkedCount(option: string, count: number): number {
  if (Number.isInteger(count) && count >= 0) return count
  throw new ConfigurationError('OPTION_INVALID', { place: 'a cursor', option, wanted: 'a whole number from 0', given: String(count) })
}

/** Both conditions have to hold; each may be a list of alternatives. */
function both(first: Where | undefined, second: Where): Where {
  if (first === undefined) return second
  const [left, right] = [asList(first), asList(second)]
  return left.flatMap((one) => right.map((other) => merged(one, other)))
}

/** Property by property, into relations; two conditions on one property have to hold together. */
function merged(first: FindOptionsWhere<object>, second: FindOptionsWhere<object>): FindOptionsWhere<object> {
  const all: Record<string, unknown> = { ...first }
  for (const [name, condition] of Object.entries(second) as [string, unknown][]) {
    const known = all[name]
    if (known === undefined || condition === undefined)
      all[name] = condition // undefined is refused when the query is sent
    else if (isNested(known) && isNested(condition)) all[name] = merged(known, condition)
    else all[name] = new AllOf([known, condition])
  }
  return all
}

function isNested(value: unknown): value is FindOptionsWhere<object> {
  return typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype
}

function asList(where: Where): readonly FindOptionsWhere<object>[] {
  return Array.isArray(where) ? (where as readonly FindOptionsWhere<object>[]) : [where as FindOptionsWhere<object>]
}

function describeWhere(value: unknown): string {
  if (value === undefined) return 'at all'
  return JSON.stringify(value, (_name, part: unknown) => (typeof part === 'bigint' ? String(part) : part))
}
