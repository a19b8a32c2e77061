/**
 * How an outbox is to work.
 *
 * Types and their check. Invariant: what can never work is refused where it is written.
 *
 * @module
 */
import { checkOptions } from '../core/check-options.js'
import type { Context } from '../core/context.js'
import { describeValue } from '../core/describe-value.js'
import { ConfigurationError } from '../core/errors.js'
import { assertChanges, type ChangesEntry } from './change-columns.js'
import { fullRelayOptions, type RelayOptions } from './relay/relay-options.js'
import { assertSubscriptions, type Subscription } from './subscription.js'
import { assertWhole } from '../core/whole-number.js'

/** An event on its way into the outbox. */
export interface OutgoingEvent {
  readonly name: string
  readonly payload: unknown
}

export interface OutboxOptions {
  /** Who sends, in every event: a URI of the application. @defaultValue `/` and the name of the database */
  readonly source?: string
  /** Which events are kept: names with `*` for any characters. What is not kept is delivered in this process alone. @defaultValue `['*']` */
  readonly events?: readonly string[]
  /**
   * Entities whose net changes are kept as events `<table>.insert`, `.update`, `.delete`, `.softRemove`, `.recover` with
   * `{ key, before, after, changes, relations }`, in order for each row. `{ entity: Film, columns: ['title'] }` tells these alone and the key,
   * `{ entity: Film, except: ['notes'] }` all others; names are property paths (`address.city`), relations have one too. Where entries are for
   * one class and for one above it, the nearest counts. An update that changes nothing that is told is not told.
   *
   * Columns with `select: false` are never told. Values that JSON has no word for are told as what comes nearest, see `ChangePayload`; none makes
   * a save fail.
   *
   * Statements by query (`update`, `insert` and so on) are told as well: their rows are read before and after, in their transaction. Nothing is told
   * of a statement whose rows cannot be found that way: one that sets the primary key or makes it by an expression, `orIgnore()`, an upsert that
   * names no conflict columns, INSERT … SELECT; nor of `clear()` and of raw SQL.
   * @defaultValue none
   */
  readonly changes?: readonly ChangesEntry[]
  /**
   * What keeps an order: events for which it answers the same text are handled one after another. Undefined is no order.
   * @defaultValue the event's own `partitionKey`, else, where the payload has an `id`, the name up to its last dot with that: `build:7`
   */
  readonly partitionKey?: (event: OutgoingEvent) => string | number | undefined
  /**
   * What of the context is stored with an event, and is the context of its handlers: texts alone.
   * @defaultValue `requestId`, `tenant`, `traceparent`, and `actor`, as far as these are texts or numbers
   */
  readonly headers?: (context: Context) => Readonly<Record<string, string>>
  /** Among how many slots the keys are divided, and at most as many relay loops can share them. @defaultValue 32, 1 to 1024 */
  readonly slots?: number
  /** Wakes relays of other processes by NOTIFY, on PostgreSQL; not through a pooler in transaction mode. @defaultValue `false` */
  readonly notify?: boolean
  /** Who handles messages: a relay in this process, which starts by itself, or only relays that are started by hand. @defaultValue `'embedded'` */
  readonly worker?: 'embedded' | 'none'
  /** What relays of this DataSource hand messages to, besides the plugins. @defaultValue none */
  readonly subscriptions?: readonly Subscription[]
  /** How relays of this DataSource work. */
  readonly relay?: RelayOptions
}

export const OUTBOX_OPTION_NAMES = {
  source: 'optional',
  events: 'optional',
  changes: 'optional',
  partitionKey: 'optional',
  headers: 'optional',
  slots: 'optional',
  notify: 'optional',
  worker: 'optional',
  subscriptions: 'optional',
  relay: 'optional',
} as const satisfies Record<keyof OutboxOptions, 'optional'>

/** What a column for names holds. */
const MAX_TEXT = 255

/** @throws {ConfigurationError} OPTION_UNKNOWN · OPTION_INVALID · @throws {OutboxError} SUBSCRIPTION_INVALID · SUBSCRIPTION_NAME_TAKEN */
export function checkOutboxOptions(options: OutboxOptions): void {
  checkOptions('Outbox.with', options, {
    source: 'string',
    events: 'array',
    changes: 'array',
    partitionKey: 'function',
    headers: 'function',
    slots: 'number',
    notify: 'boolean',
    worker: ['embedded', 'none'],
    subscriptions: 'array',
    relay: 'object',
  })
  assertWhole('Outbox.with', { slots: options.slots }, [1, 1024])
  assertTexts('source', options.source === undefined ? [] : [options.source])
  assertTexts('events', options.events ?? [])
  fullRelayOptions('Outbox.with({ relay })', options.relay ?? {})
  assertChanges(options.changes ?? [])
  assertSubscriptions(options.subscriptions ?? [])
}

/** @throws {ConfigurationError} OPTION_INVALID */
function assertTexts(option: string, given: readonly unknown[]): void {
  const wrong = given.find((text) => typeof text !== 'string' || text === '' || text.length > MAX_TEXT)
  if (wrong === undefined && !given.includes(undefined)) return
  const current = typeof wrong === 'string' ? `a text of ${wrong.length} characters` : describeValue(wrong)
  throw new ConfigurationError('OPTION_INVALID', {
    place: 'Outbox.with',
    option,
    wanted: `texts of 1 to ${MAX_TEXT} characters`,
    given: current,
  })
}
