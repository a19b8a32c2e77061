/**
 * One named receiver of outbox messages: what it wants, and what is done when it fails.
 *
 * Knows no relay. Invariant: a subscription is told from others by its name alone, for good: progress, retries and dead letters are kept under
 * it.
 *
 * @module
 */
import type { EntityManager } from 'typeorm'
import { checkOptions } from '../core/check-options.js'
import { describeValue } from '../core/describe-value.js'
import { OutboxError } from '../core/errors.js'
import { assertWhole } from '../core/whole-number.js'
import { assertDelivery, DELIVERY_KINDS, fullDelivery, type FullDelivery } from '../events/plugin-delivery.js'
import { fullRetry, type RetryPolicy } from '../events/retry-policy.js'
import type { CloudEvent } from './cloud-event.js'
import type { PublishResult, Transport } from './transport.js'

export interface HandlerCall {
  /** Aborts when the time of this attempt is over, and when the relay is stopped and out of patience. */
  readonly abortSignal: AbortSignal
  /** Counts from 1. */
  readonly attempt: number
  readonly subscription: string
  /** That of the transaction of an `exactlyOnce` subscription, whose hooks find its session by `sessionOf`; elsewhere the DataSource's own. */
  readonly manager: EntityManager
}

export type MessageHandler<T = unknown> = (event: CloudEvent<T>, call: HandlerCall) => unknown

interface CommonOptions {
  /** Its name for good, of 1 to 100 characters. */
  readonly name: string
  /** Which events it wants: a name, or several, with `*` for any characters. @defaultValue `'*'` */
  readonly events?: string | readonly string[]
  /** How long one attempt may take. @defaultValue 30,000, at least 1 */
  readonly timeoutMs?: number
  readonly retry?: RetryPolicy
  /** Whether later messages of a dead letter's key go on, or wait until it is redriven or discarded. @defaultValue `'skip'` */
  readonly onDead?: 'skip' | 'block'
}

export interface SubscriptionOptions<T = unknown> extends CommonOptions {
  readonly handle: MessageHandler<T>
  /** How many messages, of different keys, it handles side by side in each loop of a relay. @defaultValue 10, at least 1 */
  readonly concurrency?: number
  /**
   * Runs the handler in a transaction of this DataSource, together with a row that says that the message was handled: what the handler
   * writes by `call.manager` happens exactly once. When its time is over the transaction is rolled back, and what it writes late is refused.
   *
   * Sessions and transactions that it opens on the DataSource are not part of it where connections come from a pool. To work with a session of
   * your own, leave this off and write `withSession(dataSource, (session) => once(session.manager, { consumer, messageId: event.id }, fn))`:
   * what the session flushes, also after `fn`, is one transaction with the note then. @defaultValue `false`
   */
  readonly exactlyOnce?: boolean
}

export interface TransportSubscriptionOptions extends Omit<CommonOptions, 'name'> {
  /** Messages that can never be taken are dead at once, whatever this says. @defaultValue 1,000,000 attempts, at most a minute apart */
  readonly retry?: RetryPolicy
  /** @defaultValue that of the transport */
  readonly name?: string
  /** How many messages are published by one call. @defaultValue 200, 1 to 10,000 */
  readonly batchSize?: number
}

/** What a relay works with. Made by {@link subscription} and {@link transportSubscription}. */
export interface Subscription extends FullDelivery {
  readonly name: string
  readonly events: readonly string[]
  readonly deliver:
    | { readonly kind: 'handler'; readonly handle: MessageHandler }
    | { readonly kind: 'transport'; readonly transport: Transport; readonly batchSize: number }
}

/** A broker that is down for a day refuses every message, and is asked again: no message is to blame. */
const TRANSPORT_RETRY: Required<RetryPolicy> = Object.freeze({ attempts: 1_000_000, baseMs: 1_000, maxMs: 60_000 })
const COMMON_KINDS = { name: 'string', events: 'array' } as const
const TRANSPORT_KINDS = { ...COMMON_KINDS, timeoutMs: 'number', retry: 'object', onDead: ['skip', 'block'], batchSize: 'number' } as const
const MAX_NAME = 100
/** Names that begin so are those of plugins. */
export const PLUGIN_PREFIX = 'plugin:'

/**
 * A receiver of messages in a relay's process. What it throws makes the message wait for its next attempt, and later messages of the same
 * key with it; other keys and other subscriptions go on.
 *
 * Runs outside of every transaction, in the stored part of the context the event was told in. It may be called twice for one message, when
 * a process or connection ends between its work and the note of that: make it idempotent, by `event.id`, or set `exactlyOnce`.
 *
 * @throws {OutboxError} SUBSCRIPTION_INVALID
 * @throws {ConfigurationError} OPTION_UNKNOWN · OPTION_INVALID
 * @example
 * const search = subscription({
 *   name: 'search',
 *   events: 'film.*',
 *   handle: async ({ type, data }, { abortSignal }) => index.put(type, data, { abortSignal }),
 * })
 */
export function subscription<T = unknown>(options: SubscriptionOptions<T>): Subscription {
  const place = placeOf(options, 'subscription')
  checkOptions(place, { ...options, events: undefined }, { ...COMMON_KINDS, ...DELIVERY_KINDS, handle: 'function' })
  if (typeof (options as Partial<SubscriptionOptions>).handle !== 'function')
    throw new OutboxError('SUBSCRIPTION_INVALID', { given: place, wanted: 'options with a function handle(event)' })
  const { name, events, handle, ...delivery } = options
  assertDelivery(place, delivery)
  return Object.freeze({
    ...commonOf(place, { name, events }),
    ...fullDelivery(delivery),
    deliver: { kind: 'handler' as const, handle: handle as MessageHandler },
  })
}

/**
 * Feeds a transport: another system takes the messages over, and they are done as soon as it says so.
 *
 * @throws {OutboxError} SUBSCRIPTION_INVALID
 * @throws {ConfigurationError} OPTION_UNKNOWN · OPTION_INVALID
 * @example
 * Outbox.with({ subscriptions: [transportSubscription(new NatsTransport(jetstream(connection), { subject: 'films' }))] })
 */
export function transportSubscription(transport: Transport, options: TransportSubscriptionOptions = {}): Subscription {
  if (typeof (transport as Partial<Transport> | undefined)?.publish !== 'function')
    throw new OutboxError('SUBSCRIPTION_INVALID', { given: describeValue(transport), wanted: 'a transport, with publish(batch)' })
  const name = options.name ?? transport.name
  const place = placeOf({ name }, 'transportSubscription')
  checkOptions(place, { ...options, events: undefined }, TRANSPORT_KINDS)
  const { name: _name, events, batchSize = 200, ...delivery } = options
  assertWhole(place, { batchSize }, [1, 10_000])
  assertDelivery(place, delivery)
  return Object.freeze({
    ...commonOf(place, { name, events }),
    ...fullDelivery({ ...delivery, retry: fullRetry(delivery.retry, TRANSPORT_RETRY), concurrency: 1 }),
    deliver: { kind: 'transport' as const, transport, batchSize },
  })
}

/** @throws {OutboxError} SUBSCRIPTION_INVALID · SUBSCRIPTION_NAME_TAKEN */
export function assertSubscriptions(list: readonly unknown[]): asserts list is readonly Subscription[] {
  const names = new Set<string>()
  for (const one of list) {
    const { name, deliver } = (typeof one === 'object' && one !== null ? one : {}) as Partial<Subscription>
    if (deliver === undefined || name === undefined)
      throw new OutboxError('SUBSCRIPTION_INVALID', {
        given: describeValue(one),
        wanted: 'what subscription(…) or transportSubscription(…) returns',
      })
    if (names.has(name)) throw new OutboxError('SUBSCRIPTION_NAME_TAKEN', { name })
    names.add(name)
  }
}

function placeOf(options: unknown, made: string): string {
  const name: unknown = typeof options === 'object' && options !== null ? (options as { name?: unknown }).name : undefined
  return typeof name === 'string' ? `${made} "${name}"` : made
}

function commonOf(
  place: string,
  { name, events = '*' }: { readonly name: string; readonly events: CommonOptions['events'] | undefined },
): Pick<Subscription, 'name' | 'events'> {
  const isText = typeof name === 'string' && name.trim() === name && name !== '' && name.length <= MAX_NAME
  const isName = isText && name !== '*' && !name.startsWith(PLUGIN_PREFIX)
  if (!isName)
    throw new OutboxError('SUBSCRIPTION_INVALID', {
      given: place,
      wanted: `a name of 1 to ${MAX_NAME} characters, without blanks at its ends; "*" and "${PLUGIN_PREFIX}…" are taken`,
    })
  const patterns = typeof events === 'string' ? [events] : events
  if (!Array.isArray(patterns) || patterns.length === 0 || patterns.some((pattern) => typeof pattern !== 'string' || pattern === ''))
    throw new OutboxError('SUBSCRIPTION_INVALID', { given: place, wanted: 'events as a name, or a list of names' })
  return { name, events: Object.freeze([...patterns]) }
}

/** Results of a transport by id, whatever it answered. */
export function resultsById(results: readonly PublishResult[]): ReadonlyMap<string, PublishResult> {
  return new Map(results.map((result) => [result.id, result]))
}
