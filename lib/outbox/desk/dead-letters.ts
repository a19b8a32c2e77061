/**
 * Dead letters: read, tried again, or thrown away.
 *
 * Invariant: goes through them in chunks, each changed by a transaction of its own, and never touches one twice.
 *
 * @module
 */
import type { DeadLetter, LetterFilter } from '../outbox-desk.js'
import type { OutboxSettings } from '../outbox-settings.js'
import type { OutboxConnection, OutboxDatabase, Row } from '../sql/outbox-database.js'
import { finishMessages } from './finish-messages.js'
import { isMeantBy, messageCondition } from './letter-filter.js'
import { inTransaction } from './lock-conflicts.js'
import { notifyRelays } from './notify-relays.js'

const CHUNK = 1_000

interface Place {
  readonly seq: number
  readonly subscription: string
}

/** Oldest first. */
export async function readDead(database: OutboxDatabase, filter: LetterFilter, limit: number): Promise<readonly DeadLetter[]> {
  const letters: DeadLetter[] = []
  for await (const rows of deadRows(database, filter)) {
    letters.push(...rows.slice(0, limit - letters.length).map(letterOf))
    if (letters.length === limit) break
  }
  return letters
}

/** @returns How many will be tried again. */
export function redrive(settings: OutboxSettings, filter: LetterFilter): Promise<number> {
  return changeDead(settings, filter, async (connection, places) => {
    const redriven = await changeRows(
      connection,
      places,
      (table, nowMs) =>
        `UPDATE ${table} SET status = 0, attempts = 0, started = 0, available_at = 0, updated_at = ${nowMs} WHERE status = 1`,
    )
    if (redriven > 0) await notifyRelays(connection, settings)
    return redriven
  })
}

/** @returns How many are gone. */
export function discard(settings: OutboxSettings, filter: LetterFilter): Promise<number> {
  return changeDead(settings, filter, async (connection, places) => {
    const discarded = await changeRows(connection, places, (table) => `DELETE FROM ${table} WHERE status = 1`)
    const sequences = [...new Set(places.map(({ seq }) => seq))]
    await finishMessages(connection, sequences, settings.relay.retentionMs)
    if (discarded > 0) await notifyRelays(connection, settings)
    return discarded
  })
}

type Change = (connection: OutboxConnection, places: readonly Place[]) => Promise<number>

async function changeDead({ database }: OutboxSettings, filter: LetterFilter, change: Change): Promise<number> {
  let changed = 0
  for await (const rows of deadRows(database, filter))
    changed += await inTransaction(database, (connection) => change(connection, rows.map(placeOf)))
  return changed
}

async function changeRows(
  connection: OutboxConnection,
  places: readonly Place[],
  start: (table: string, nowMs: string) => string,
): Promise<number> {
  let changed = 0
  for (const name of new Set(places.map(({ subscription }) => subscription)))
    changed += await connection.runAmong(
      places.filter(({ subscription }) => subscription === name).map(({ seq }) => seq),
      ({ table, nowMs, bind, among }, some) =>
        `${start(table('outbox_delivery'), nowMs)} AND subscription = ${bind(name)} AND ${among('message_seq', some)}`,
    )
  return changed
}

/** Chunks of what the filter means, in the order of the messages. */
async function* deadRows(database: OutboxDatabase, filter: LetterFilter): AsyncGenerator<readonly Row[]> {
  const isMeant = isMeantBy(filter)
  let after: Place | undefined
  for (;;) {
    const rows = await database.read((connection) => deadAfter(connection, filter, after))
    const meant = rows.filter(isMeant)
    if (meant.length > 0) yield meant
    if (rows.length < CHUNK) return
    after = placeOf(rows.at(-1)!)
  }
}

function deadAfter(connection: OutboxConnection, filter: LetterFilter, after: Place | undefined): Promise<readonly Row[]> {
  const { subscription } = filter
  return connection.rows((parts) => {
    const { table, bind } = parts
    return (
      'SELECT d.message_seq, d.subscription, d.attempts, d.last_error, d.updated_at, m.id, m.type, m.partition_key ' +
      `FROM ${table('outbox_delivery')} d JOIN ${table('outbox_message')} m ON m.seq = d.message_seq WHERE d.status = 1` +
      (subscription === undefined ? '' : ` AND d.subscription = ${bind(subscription)}`) +
      messageCondition(parts, filter) +
      (after === undefined
        ? ''
        : ` AND (d.message_seq > ${bind(after.seq)} OR (d.message_seq = ${bind(after.seq)} AND d.subscription > ${bind(after.subscription)}))`) +
      ` ORDER BY d.message_seq, d.subscription LIMIT ${CHUNK}`
    )
  })
}

function placeOf(row: Row): Place {
  return { seq: Number(row['message_seq']), subscription: String(row['subscription']) }
}

function letterOf(row: Row): DeadLetter {
  return {
    subscription: String(row['subscription']),
    id: String(row['id']),
    sequence: Number(row['message_seq']),
    type: String(row['type']),
    partitionKey: row['partition_key'] === null ? null : String(row['partition_key']),
    attempts: Number(row['attempts']),
    lastError: String(row['last_error'] ?? ''),
    since: new Date(Number(row['updated_at'])),
  }
}
