/**
 * Tells relays of other processes that there is something to do again.
 *
 * Invariant: heard when the transaction commits, and not before; where NOTIFY was not opted for, they look by themselves before long.
 *
 * @module
 */
import type { OutboxSettings } from '../outbox-settings.js'
import type { OutboxConnection } from '../sql/outbox-database.js'

/** What relays of other processes listen to, on PostgreSQL. */
export const NOTIFY_CHANNEL = 'flushpoint_outbox'

export async function notifyRelays(connection: OutboxConnection, { hasNotify }: OutboxSettings): Promise<void> {
  if (hasNotify) await connection.rows(({ bind }) => `SELECT pg_notify(${bind(NOTIFY_CHANNEL)}, '')`)
}
