/**
 * The names an outbox knows: announced by relays, listed by this DataSource, or with messages of their own.
 *
 * @module
 */
import type { OutboxSettings } from '../outbox-settings.js'
import { INTAKE } from '../relay/names.js'
import type { OutboxConnection } from '../sql/outbox-database.js'

/** Sorted. */
export async function knownSubscriptions(connection: OutboxConnection, { subscriptions }: OutboxSettings): Promise<readonly string[]> {
  const rows = await connection.rows<{ name: string }>(
    ({ table }) => `SELECT subscription AS name FROM ${table('outbox_slot')} UNION SELECT subscription FROM ${table('outbox_delivery')}`,
  )
  const names = new Set([...rows, ...subscriptions].map(({ name }) => name))
  names.delete(INTAKE)
  return [...names].sort()
}
