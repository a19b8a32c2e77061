/**
 * Hands messages that are still kept to a subscription once more.
 *
 * Invariant: what still waits for the subscription is not handed to it a second time, and what is recorded while a replay runs is no part of
 * it.
 *
 * @module
 */
import { ConfigurationError, OutboxError } from '../../core/errors.js'
import { describeValue } from '../../core/describe-value.js'
import { nearestName } from '../../core/nearest-name.js'
import { sequenceOf } from '../message.js'
import { namesMatching } from '../name-pattern.js'
import type { LetterFilter, ReplayFrom } from '../outbox-desk.js'
import type { OutboxSettings } from '../outbox-settings.js'
import { readLastSequence } from '../relay/delivery-reader.js'
import type { OutboxConnection, Row } from '../sql/outbox-database.js'
import { knownSubscriptions } from './known-subscriptions.js'
import { isMeantBy, messageCondition } from './letter-filter.js'
import { inTransaction } from './lock-conflicts.js'
import { notifyRelays } from './notify-relays.js'

const CHUNK = 1_000

export type ReplayFilter = LetterFilter & { readonly subscription: string }

/** Messages from `first` to `last`, recorded at `sinceMs` or later. */
interface Range {
  readonly first: number
  readonly last: number
  readonly sinceMs: number | undefined
}

/** @throws {OutboxError} SUBSCRIPTION_UNKNOWN */
export async function replay(settings: OutboxSettings, from: ReplayFrom, filter: ReplayFilter): Promise<number> {
  const { database } = settings
  let range = await database.read(async (connection) => {
    await assertKnown(connection, settings, filter.subscription)
    return rangeOf(connection, from)
  })
  const isMeant = meantFor(settings, filter)
  let replayed = 0
  while (range.first <= range.last) {
    const rows = await database.read((connection) => handled(connection, range, filter))
    const sequences = rows.filter(isMeant).map(sequenceOf)
    if (sequences.length > 0)
      replayed += await inTransaction(database, (connection) =>
        handOutAgain(connection, settings, { sequences, name: filter.subscription }),
      )
    if (rows.length < CHUNK) break
    range = { ...range, first: sequenceOf(rows.at(-1)!) + 1 }
  }
  return replayed
}

/** @throws {ConfigurationError} OPTION_INVALID */
export function checkReplayFrom(place: string, from: ReplayFrom): void {
  const { sequence, time } = (typeof from === 'object' && from !== null ? from : {}) as { sequence?: unknown; time?: unknown }
  const isSequence = time === undefined && Number.isSafeInteger(sequence) && (sequence as number) >= 0
  const isTime = sequence === undefined && time instanceof Date && !Number.isNaN(time.getTime())
  if (isSequence || isTime) return
  const wanted = '{ sequence } with a whole number, or { time } with a valid date'
  throw new ConfigurationError('OPTION_INVALID', { place, option: 'from', wanted, given: describeFrom(from, sequence ?? time) })
}

function describeFrom(from: unknown, value: unknown): string {
  if (value === undefined) return describeValue(from)
  if (value instanceof Date) return 'an invalid date'
  return typeof value === 'number' ? `{ sequence: ${value} }` : `an object with ${describeValue(value)}`
}

/** @throws {OutboxError} SUBSCRIPTION_UNKNOWN */
async function assertKnown(connection: OutboxConnection, settings: OutboxSettings, name: string): Promise<void> {
  const names = await knownSubscriptions(connection, settings)
  if (!names.includes(name)) throw new OutboxError('SUBSCRIPTION_UNKNOWN', { name, nearest: nearestName(name, names) })
}

async function rangeOf(connection: OutboxConnection, from: ReplayFrom): Promise<Range> {
  const last = await readLastSequence(connection)
  return 'sequence' in from ? { first: from.sequence, last, sinceMs: undefined } : { first: 0, last, sinceMs: from.time.getTime() }
}

/** What a subscription of this DataSource does not want is not handed to it; what others want they decide when they get it. */
function meantFor({ subscriptions }: OutboxSettings, filter: ReplayFilter): (row: Row) => boolean {
  const { subscription: name, ...others } = filter
  const isMeant = isMeantBy(others)
  const own = subscriptions.find((one) => one.name === name)
  if (own === undefined) return isMeant
  const wants = namesMatching(own.events)
  return (row) => wants(String(row['type'])) && isMeant(row)
}

/** Messages this subscription is done with, or was never handed. */
function handled(connection: OutboxConnection, { first, last, sinceMs }: Range, filter: ReplayFilter): Promise<readonly Row[]> {
  return connection.rows((parts) => {
    const { table, bind } = parts
    return (
      `SELECT m.seq, m.id, m.type, m.partition_key FROM ${table('outbox_message')} m WHERE m.seq >= ${bind(first)} AND m.seq <= ${bind(last)}` +
      (sinceMs === undefined ? '' : ` AND m.occurred_at >= ${bind(sinceMs)}`) +
      ` AND (m.state = 2 OR (m.state = 1 AND NOT EXISTS (SELECT 1 FROM ${table('outbox_delivery')} d ` +
      `WHERE d.message_seq = m.seq AND d.subscription = ${bind(filter.subscription)})))${messageCondition(parts, filter)} ` +
      `ORDER BY m.seq LIMIT ${CHUNK}`
    )
  })
}

/** The messages are locked first: a relay that ends one of them now sees afterwards that it has a delivery again. */
async function handOutAgain(
  connection: OutboxConnection,
  settings: OutboxSettings,
  { sequences, name }: { readonly sequences: readonly number[]; readonly name: string },
): Promise<number> {
  await connection.runAmong(
    sequences,
    ({ table, among }, some) =>
      `UPDATE ${table('outbox_message')} SET state = 1, done_at = NULL WHERE state IN (1, 2) AND ${among('seq', some)}`,
  )
  const kept = await connection.rowsAmong(
    sequences,
    ({ table, among }, some) =>
      `SELECT seq, slot, partition_key FROM ${table('outbox_message')} WHERE state = 1 AND ${among('seq', some)} ORDER BY seq`,
  )
  if (kept.length === 0) return 0
  await notifyRelays(connection, settings)
  return connection.insert('outbox_delivery', {
    constants: { subscription: name },
    columns: [
      { name: 'message_seq', type: 'bigint', values: kept.map(sequenceOf) },
      { name: 'slot', type: 'int', values: kept.map((row) => Number(row['slot'])) },
      { name: 'partition_key', type: 'text', values: kept.map((row) => row['partition_key']) },
    ],
    ignoresExisting: true,
  })
}
