/**
 * The outbox of a DataSource: what was listed for it, with every option filled in.
 *
 * Knows no message. Invariant: a DataSource has one outbox, the first that is listed.
 *
 * @module
 */
import { parse } from 'node:path'
import type { DataSource } from 'typeorm'
import type { Context } from '../core/context.js'
import { receiversOf } from '../events/event-receivers.js'
import { OutboxError } from '../core/errors.js'
import { warnOnce } from '../core/warn.js'
import { isExtensionFactory } from '../mapper/extension-factory.js'
import type { SessionExtensionInput } from '../mapper/session.js'
import { installedOn, installedOnes } from '../session/installed.js'
import { ChangeColumns } from './change-columns.js'
import { namesMatching } from './name-pattern.js'
import { aggregateOf } from './partition-key.js'
import type { MessageHeaders } from './message-headers.js'
import type { OutboxOptions, OutgoingEvent } from './outbox-options.js'
import { fullRelayOptions, type FullRelayOptions } from './relay/relay-options.js'
import { OutboxDatabase } from './sql/outbox-database.js'
import type { Subscription } from './subscription.js'

export interface OutboxSettings {
  readonly dataSource: DataSource
  readonly database: OutboxDatabase
  readonly source: string
  readonly changes: ChangeColumns
  readonly slots: number
  readonly hasNotify: boolean
  readonly isEmbedded: boolean
  /** As they are listed, and those that extensions have brought along by now. */
  readonly subscriptions: readonly Subscription[]
  readonly relay: FullRelayOptions
  isKept(name: string): boolean
  partitionKeyOf(event: OutgoingEvent): string | number | undefined
  headersOf(context: Context): MessageHeaders
}

/** Marks the class, and with it all below it. */
export const OUTBOX_BRAND = Symbol.for('flushpoint.outbox')

const DEFAULT_SLOTS = 32
const HEADERS = ['actor', 'requestId', 'tenant', 'traceparent'] as const

const optionsByInput = new WeakMap<object, OutboxOptions>()
const settingsByInput = new WeakMap<object, WeakMap<DataSource, OutboxSettings>>()

/** Remembers what an outbox was listed with. */
export function rememberOptions(input: object, options: OutboxOptions): void {
  optionsByInput.set(input, options)
}

/** The outbox of a DataSource; undefined where it lists none. */
export function settingsOf(dataSource: DataSource): OutboxSettings | undefined {
  const inputs = installedOn(dataSource)?.extensions.filter(isOutbox) ?? []
  const [input] = inputs
  if (inputs.length > 1)
    warnOnce(
      'EXTENSION_LISTED_TWICE',
      'Outbox',
      'A DataSource lists an Outbox more than once: only the first one counts, with its options and subscriptions.',
    )
  return input === undefined ? undefined : settingsFor(dataSource, input)
}

/** @throws {OutboxError} OUTBOX_NOT_LISTED */
export function settingsOrFail(dataSource: DataSource): OutboxSettings {
  const settings = settingsOf(dataSource)
  if (settings === undefined) throw new OutboxError('OUTBOX_NOT_LISTED', { database: dataSource.options.type })
  return settings
}

/** The outboxes of all DataSources that are connected. */
export function openOutboxes(): readonly OutboxSettings[] {
  const all = installedOnes().filter(({ dataSource, extensions }) => dataSource.isInitialized && extensions.some(isOutbox))
  return all.map(({ dataSource }) => settingsOf(dataSource)!)
}

export function isOutbox(input: SessionExtensionInput): boolean {
  const listed: unknown = isExtensionFactory(input) ? input.extension : input
  return typeof listed === 'function' && (listed.prototype as { [OUTBOX_BRAND]?: true } | undefined)?.[OUTBOX_BRAND] === true
}

function settingsFor(dataSource: DataSource, input: object): OutboxSettings {
  let known = settingsByInput.get(input)
  if (known === undefined) settingsByInput.set(input, (known = new WeakMap()))
  let settings = known.get(dataSource)
  if (settings === undefined) known.set(dataSource, (settings = makeSettings(dataSource, optionsByInput.get(input) ?? {})))
  return settings
}

function makeSettings(dataSource: DataSource, options: OutboxOptions): OutboxSettings {
  const listed = Object.freeze([...(options.subscriptions ?? [])])
  return Object.freeze({
    dataSource,
    database: new OutboxDatabase(dataSource),
    source: options.source ?? sourceOf(dataSource),
    changes: new ChangeColumns(options.changes ?? []),
    slots: options.slots ?? DEFAULT_SLOTS,
    hasNotify: options.notify === true && dataSource.options.type === 'postgres',
    isEmbedded: options.worker !== 'none',
    get subscriptions() {
      return withReceivers(listed, dataSource)
    },
    relay: fullRelayOptions('Outbox.with({ relay })', options.relay ?? {}),
    isKept: namesMatching(options.events ?? ['*']),
    partitionKeyOf: options.partitionKey ?? defaultKey,
    headersOf: options.headers ?? defaultHeaders,
  })
}

/** What extensions have brought along by now belongs to every relay, whichever subscriptions it was given. */
export function withReceivers(listed: readonly Subscription[], dataSource: DataSource): readonly Subscription[] {
  const received = receiversOf(dataSource).filter(({ name }) => !listed.some((one) => one.name === name))
  return received.length === 0 ? listed : [...listed, ...received]
}

/** The driver knows its database also where that is part of a URL. */
function sourceOf({ options, driver }: DataSource): string {
  const database: unknown = driver.database ?? (options as { database?: unknown }).database
  return typeof database === 'string' && database !== ':memory:' ? `/${parse(database).name}` : '/'
}

function defaultKey({ name, payload }: OutgoingEvent): string | number | undefined {
  const own: unknown = typeof payload === 'object' && payload !== null ? (payload as { partitionKey?: unknown }).partitionKey : undefined
  if (typeof own === 'string' || typeof own === 'number') return own
  const about = aggregateOf(name, payload)
  return about === undefined ? undefined : `${about.type}:${about.id}`
}

function defaultHeaders(context: Context): MessageHeaders {
  const headers: Record<string, string> = {}
  for (const name of HEADERS) {
    const value: unknown = (context as Readonly<Record<string, unknown>>)[name]
    if (typeof value === 'string' || typeof value === 'number') headers[name] = String(value)
  }
  return headers
}
