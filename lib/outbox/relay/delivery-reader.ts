/**
 * Reads what is to be handed over.
 *
 * Changes nothing. Invariant: messages come in the order of their sequence, and never one of a key behind one that waits for its retry.
 *
 * @module
 */
import { MESSAGE_COLUMNS, messageOf, type OutboxMessage } from '../message.js'
import type { OutboxConnection, Row, SqlParts } from '../sql/outbox-database.js'

/** A message with the row that waits for one subscription. */
export interface DueDelivery {
  readonly message: OutboxMessage
  readonly attempts: number
  /** How often it was begun, as far as that was written down. */
  readonly started: number
}

export interface DueQuery {
  readonly name: string
  readonly slots: readonly number[]
  /** Whether dead ones hold up their key. */
  readonly blocksOnDead: boolean
  readonly busyKeys: readonly string[]
  readonly busySequences: readonly number[]
  readonly limit: number
}

/** Messages nobody has looked at, of these slots. */
export async function readNew(connection: OutboxConnection, slots: readonly number[], limit: number): Promise<readonly OutboxMessage[]> {
  if (slots.length === 0) return []
  const rows = await connection.rows(
    ({ table, among }) =>
      `SELECT ${MESSAGE_COLUMNS} FROM ${table('outbox_message')} WHERE state = 0 AND ${among('slot', slots)} ORDER BY seq LIMIT ${limit}`,
  )
  return rows.map(messageOf)
}

/** Deliveries of one subscription that are due. */
export async function readDue(connection: OutboxConnection, query: DueQuery): Promise<readonly DueDelivery[]> {
  if (query.slots.length === 0) return []
  const rows = await connection.rows((parts) => dueSql(parts, query))
  return rows.map((row) => ({ message: messageOf(row), attempts: Number(row['attempts']), started: Number(row['started']) }))
}

const COLUMNS = MESSAGE_COLUMNS.split(', ')
  .map((column) => `m.${column}`)
  .join(', ')

/** What has failed holds up its key also when it is due again: asked for twice, the time may be another one, and the later message due alone. */
function dueSql(parts: SqlParts, { name, slots, blocksOnDead, busyKeys, busySequences, limit }: DueQuery): string {
  const { table, bind, nowMs, byKey, among } = parts
  const holdsUp = `(w.status = 0 AND w.available_at > 0)${blocksOnDead ? ' OR w.status = 1' : ''}`
  return [
    `SELECT ${COLUMNS}, d.attempts, d.started FROM ${table('outbox_delivery')} d JOIN ${table('outbox_message')} m ON m.seq = d.message_seq`,
    `WHERE d.subscription = ${bind(name)} AND d.status = 0 AND d.available_at <= ${nowMs} AND ${among('d.slot', slots)}`,
    ...(busyKeys.length === 0 ? [] : [`AND (d.partition_key IS NULL OR NOT ${among('d.partition_key', busyKeys)})`]),
    ...(busySequences.length === 0 ? [] : [`AND NOT ${among('d.message_seq', busySequences)}`]),
    `AND (d.partition_key IS NULL OR NOT EXISTS (SELECT 1 FROM ${table('outbox_delivery')} w${byKey} WHERE w.subscription = d.subscription`,
    `AND w.partition_key = d.partition_key AND w.message_seq < d.message_seq AND (${holdsUp}))) ORDER BY d.message_seq LIMIT ${limit}`,
  ].join(' ')
}

/** The keys of deliveries that wait, of these slots of a subscription. */
export async function readWaitingKeys(
  connection: OutboxConnection,
  { name, slots, blocksOnDead }: Pick<DueQuery, 'name' | 'slots' | 'blocksOnDead'>,
): Promise<readonly string[]> {
  if (slots.length === 0) return []
  const rows = await connection.rows<Row>(
    ({ table, bind, among }) =>
      `SELECT DISTINCT partition_key FROM ${table('outbox_delivery')} WHERE subscription = ${bind(name)} AND ${among('slot', slots)} ` +
      `AND partition_key IS NOT NULL${blocksOnDead ? '' : ' AND status = 0'}`,
  )
  return rows.map((row) => String(row['partition_key']))
}

/** Which of these keys of a subscription have deliveries that wait. */
export async function readStillWaiting(
  connection: OutboxConnection,
  { name, keys, blocksOnDead }: { readonly name: string; readonly keys: readonly string[]; readonly blocksOnDead: boolean },
): Promise<ReadonlySet<string>> {
  const rows = await connection.rowsAmong<Row, string>(
    keys,
    ({ table, bind, byKey, among }, some) =>
      `SELECT DISTINCT partition_key FROM ${table('outbox_delivery')}${byKey} WHERE subscription = ${bind(name)} AND ${among('partition_key', some)}` +
      `${blocksOnDead ? '' : ' AND status = 0'}`,
  )
  return new Set(rows.map((row) => String(row['partition_key'])))
}

/** The highest sequence there is. */
export async function readLastSequence(connection: OutboxConnection): Promise<number> {
  const [row] = await connection.rows<{ last: unknown }>(({ table }) => `SELECT MAX(seq) AS last FROM ${table('outbox_message')}`)
  return Number(row?.last ?? 0)
}
