/**
 * Takes away what an outbox has no more use for.
 *
 * Goes by the database's clock. Invariant: chunks of {@link CHUNK} rows, each by a transaction of its own, so that nobody waits for long; what
 * was used again in the meantime stays.
 *
 * @module
 */
import { finishMessages } from '../desk/finish-messages.js'
import { inTransaction } from '../desk/lock-conflicts.js'
import { sequenceOf } from '../message.js'
import type { OutboxDatabase, Row } from '../sql/outbox-database.js'
import type { RelayOptions } from './relay-options.js'

export type SweepOptions = Required<Pick<RelayOptions, 'retentionMs' | 'inboxRetentionMs' | 'leaseMs'>>

/** How many rows of each kind. */
export interface SweepResult {
  /** Kept long enough after everybody had handled them. */
  readonly deletedMessages: number
  /** Handled by everybody without anybody having noticed. */
  readonly finishedMessages: number
  readonly forgottenInboxRows: number
  /** Loops that ended without a word, long ago. */
  readonly deletedRelays: number
}

const CHUNK = 1_000
/** For so many leases a relay that is gone is still told of. */
const LEASES_REMEMBERED = 10

export async function sweep(database: OutboxDatabase, { retentionMs, inboxRetentionMs, leaseMs }: SweepOptions): Promise<SweepResult> {
  const nowMs = await database.read((connection) => connection.nowMs())
  return {
    finishedMessages: await finishForgotten(database, retentionMs),
    deletedMessages: await deleteDone(database, nowMs - retentionMs),
    forgottenInboxRows: await forgetInboxRows(database, nowMs - inboxRetentionMs),
    deletedRelays: await deleteRelays(database, nowMs - leaseMs * LEASES_REMEMBERED),
  }
}

/**
 * Goes through done messages in their own order, which their table has an index for, and ends with a chunk of which nothing is due. What was
 * replayed is done late for its sequence: what lies behind it may wait as long as it does.
 */
async function deleteDone(database: OutboxDatabase, untilMs: number): Promise<number> {
  let deleted = 0
  for (let after = -1; ;) {
    const rows = await database.read((connection) =>
      connection.rows(
        ({ table, bind }) =>
          `SELECT seq, done_at FROM ${table('outbox_message')} WHERE state = 2 AND seq > ${bind(after)} ORDER BY seq LIMIT ${CHUNK}`,
      ),
    )
    const due = rows.filter((row) => Number(row['done_at']) <= untilMs).map(sequenceOf)
    deleted += await deleteMessages(database, due, untilMs)
    if (due.length === 0 || rows.length < CHUNK) return deleted
    after = sequenceOf(rows.at(-1)!)
  }
}

async function deleteMessages(database: OutboxDatabase, sequences: readonly number[], untilMs: number): Promise<number> {
  if (sequences.length === 0) return 0
  return inTransaction(database, (connection) =>
    connection.runAmong(
      sequences,
      ({ table, among, bind }, some) =>
        `DELETE FROM ${table('outbox_message')} WHERE state = 2 AND ${among('seq', some)} AND done_at <= ${bind(untilMs)}`,
    ),
  )
}

/** Two subscriptions that end with a message at the same moment may both have seen each other. */
async function finishForgotten(database: OutboxDatabase, retentionMs: number): Promise<number> {
  let finished = 0
  for (let after = -1; ;) {
    const rows = await database.read((connection) =>
      connection.rows(
        ({ table, bind }) =>
          `SELECT m.seq FROM ${table('outbox_message')} m WHERE m.state = 1 AND m.seq > ${bind(after)} AND NOT EXISTS ` +
          `(SELECT 1 FROM ${table('outbox_delivery')} d WHERE d.message_seq = m.seq) ORDER BY m.seq LIMIT ${CHUNK}`,
      ),
    )
    if (rows.length > 0)
      finished += await inTransaction(database, (connection) => finishMessages(connection, rows.map(sequenceOf), retentionMs))
    if (rows.length < CHUNK) return finished
    after = sequenceOf(rows.at(-1)!)
  }
}

async function forgetInboxRows(database: OutboxDatabase, untilMs: number): Promise<number> {
  let forgotten = 0
  for (;;) {
    const rows = await database.read((connection) =>
      connection.rows(
        ({ table, bind }) =>
          `SELECT consumer, message_id FROM ${table('inbox_message')} WHERE processed_at <= ${bind(untilMs)} ORDER BY processed_at LIMIT ${CHUNK}`,
      ),
    )
    const deleted = rows.length > 0 ? await deleteInboxRows(database, rows, untilMs) : 0
    forgotten += deleted
    if (rows.length < CHUNK || deleted === 0) return forgotten
  }
}

function deleteInboxRows(database: OutboxDatabase, rows: readonly Row[], untilMs: number): Promise<number> {
  const consumers = [...new Set(rows.map((row) => String(row['consumer'])))]
  return inTransaction(database, async (connection) => {
    let deleted = 0
    for (const consumer of consumers)
      deleted += await connection.runAmong(
        rows.filter((row) => row['consumer'] === consumer).map((row) => String(row['message_id'])),
        ({ table, among, bind }, some) =>
          `DELETE FROM ${table('inbox_message')} WHERE consumer = ${bind(consumer)} AND ${among('message_id', some)} AND processed_at <= ${bind(untilMs)}`,
      )
    return deleted
  })
}

function deleteRelays(database: OutboxDatabase, untilMs: number): Promise<number> {
  return inTransaction(database, (connection) =>
    connection.run(({ table, bind }) => `DELETE FROM ${table('outbox_relay')} WHERE alive_until < ${bind(untilMs)}`),
  )
}
