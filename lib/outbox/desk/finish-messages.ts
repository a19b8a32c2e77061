/**
 * Ends messages that nobody has anything more to do with.
 *
 * Invariant: whoever adds or takes away the last delivery of a message locks the message first, or does so before looking what is left: of two
 * that end with it at the same moment one sees that it was the last.
 *
 * @module
 */
import type { OutboxConnection } from '../sql/outbox-database.js'

/**
 * Deletes those of these messages that were handed out and have no delivery left, or keeps them as done where they are to be kept.
 *
 * @returns How many.
 */
export async function finishMessages(connection: OutboxConnection, sequences: readonly number[], retentionMs: number): Promise<number> {
  await lockHandedOut(connection, sequences)
  return endMessages(connection, await withoutDeliveries(connection, sequences), { retentionMs, from: 1 })
}

/** Those of these messages that nobody has a delivery of. */
export async function withoutDeliveries(connection: OutboxConnection, sequences: readonly number[]): Promise<readonly number[]> {
  const left = await connection.rowsAmong<{ seq: unknown }>(
    sequences,
    ({ table, among }, some) => `SELECT DISTINCT message_seq AS seq FROM ${table('outbox_delivery')} WHERE ${among('message_seq', some)}`,
  )
  const isLeft = new Set(left.map(({ seq }) => Number(seq)))
  return sequences.filter((seq) => !isLeft.has(seq))
}

/** Of these messages those in the state `from`: everybody is done with them. @returns How many. */
export function endMessages(
  connection: OutboxConnection,
  sequences: readonly number[],
  { retentionMs, from }: { readonly retentionMs: number; readonly from: 0 | 1 },
): Promise<number> {
  return connection.runAmong(sequences, ({ table, nowMs, among }, some) =>
    retentionMs > 0
      ? `UPDATE ${table('outbox_message')} SET state = 2, done_at = ${nowMs} WHERE state = ${from} AND ${among('seq', some)}`
      : `DELETE FROM ${table('outbox_message')} WHERE state = ${from} AND ${among('seq', some)}`,
  )
}

/** By a write, since SQLite has no other way, and gives a transaction that has read before it writes no second chance. */
async function lockHandedOut(connection: OutboxConnection, sequences: readonly number[]): Promise<void> {
  await connection.runAmong(
    sequences,
    ({ table, among }, some) => `UPDATE ${table('outbox_message')} SET state = 1 WHERE state = 1 AND ${among('seq', some)}`,
  )
}
