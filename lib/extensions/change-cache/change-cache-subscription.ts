/**
 * The subscription by which the relay of an outbox delivers records to a cache.
 *
 * Knows outboxes by the shape of what they take, and imports none. Invariant: a record has the same key at every attempt, so a second
 * delivery puts nothing beside the first.
 *
 * @module
 */
import { describeValue } from '../../core/describe-value.js'
import { ConfigurationError } from '../../core/errors.js'
import { receiversOf, type EventReceiver } from '../../events/event-receivers.js'
import { assertCache } from './change-cache-options.js'
import { assertRecord, type ChangeRecord } from './change-record.js'
import { defaultChangeCache, storeRecord, type RecordCache } from './record-cache.js'
import { recordKeyIn } from './record-key.js'

/** What `Outbox.with({ subscriptions })` and `createRelay` take. */
export interface ChangeCacheSubscription {
  readonly name: string
  readonly events: readonly string[]
  readonly timeoutMs: number
  readonly retry: { readonly attempts: number; readonly baseMs: number; readonly maxMs: number }
  readonly onDead: 'skip' | 'block'
  readonly concurrency: number
  readonly exactlyOnce: boolean
  readonly deliver: { readonly kind: 'handler'; readonly handle: (event: { readonly data: unknown }) => Promise<void> }
}

export interface ChangeCacheSubscriptionOptions {
  /** Its name for good, of 1 to 100 characters: one for each cache. @defaultValue `'change-cache'` */
  readonly name?: string
}

/** What is kept in an outbox. */
export interface RecordedPayload {
  /** Records come one after another, also where one has to wait. */
  readonly partitionKey: string
  readonly key: string
  readonly record: ChangeRecord
}

const DEFAULT_NAME = 'change-cache'
const EVENT = 'change_cache.recorded'
/** A cache that is down for a day refuses every record, and is asked again: no record is to blame. */
const RETRY = Object.freeze({ attempts: 1_000_000, baseMs: 1_000, maxMs: 60_000 })

const names = new WeakMap<RecordCache, string>()

/** Under which name records for a cache are kept in outboxes; undefined where nobody delivers to it. */
export function eventNameFor(cache: RecordCache): string | undefined {
  const name = names.get(cache)
  return name === undefined ? undefined : eventOf(name)
}

function eventOf(name: string): string {
  return name === DEFAULT_NAME ? EVENT : `${EVENT}.${name}`
}

/** The receiver a change cache brings along: the one that was made for its cache, or one of a name that this DataSource has not yet. */
export function receiverFor(dataSource: object, cache: RecordCache): EventReceiver {
  const known = names.get(cache)
  if (known !== undefined) return changeCacheSubscription(cache, { name: known })
  const taken = new Set(receiversOf(dataSource).map(({ name }) => name))
  let name = DEFAULT_NAME
  for (let count = 2; taken.has(name); count++) name = `${DEFAULT_NAME}-${count}`
  return changeCacheSubscription(cache, { name })
}

/**
 * The subscription by which records for a cache go through an outbox: kept in the transaction that made them, delivered by a relay, in order,
 * again and again until the cache takes them. A `ChangeCache` brings one along; list it to give it a name of your own, or for a relay on a
 * DataSource without `ChangeCache`. Give it the very cache that `ChangeCache` has, in every process that writes or runs a relay.
 *
 * @param cache @defaultValue that of `defaultChangeCache`
 * @throws {ConfigurationError} OPTION_INVALID
 * @example
 * const cache = new Keyv(new KeyvRedis('redis://localhost'))
 * sessionSubscriber({
 *   extensions: [ChangeCache.with({ cache }), Outbox.with({ subscriptions: [changeCacheSubscription(cache)] })],
 * })
 */
export function changeCacheSubscription(
  cache: RecordCache = defaultChangeCache(),
  { name = DEFAULT_NAME }: ChangeCacheSubscriptionOptions = {},
): ChangeCacheSubscription {
  assertCache('changeCacheSubscription', cache)
  assertName(name)
  names.set(cache, name)
  return Object.freeze({
    name,
    events: Object.freeze([eventOf(name)]),
    timeoutMs: 30_000,
    retry: RETRY,
    onDead: 'block' as const,
    concurrency: 1,
    exactlyOnce: false,
    deliver: Object.freeze({ kind: 'handler' as const, handle: ({ data }: { readonly data: unknown }) => deliver(cache, data) }),
  })
}

async function deliver(cache: RecordCache, data: unknown): Promise<void> {
  const { key: given, record } = (data ?? {}) as Partial<RecordedPayload>
  const key = recordKeyIn(given) ?? String(given)
  assertRecord(key, record)
  await storeRecord(cache, { key, record })
}

function assertName(name: unknown): void {
  const isName = typeof name === 'string' && name.trim() === name && name.length > 0 && name.length <= 100
  if (isName && name !== '*' && !name.includes('*') && !name.startsWith('plugin:')) return
  throw new ConfigurationError('OPTION_INVALID', {
    place: 'changeCacheSubscription',
    option: 'name',
    wanted: 'a text of 1 to 100 characters, without blanks at its ends and without "*"',
    given: describeValue(name),
  })
}
