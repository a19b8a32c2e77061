/**
 * Keys that wait behind a message which failed.
 *
 * Invariant: what blocks a key is its first failed message, as relays see it; a dead letter does so only where this process knows that the
 * subscription, or plugin, blocks on these.
 *
 * @module
 */
import type { BlockedKey } from '../outbox-desk.js'
import type { OutboxSettings } from '../outbox-settings.js'
import { activePlugins } from '../relay/active-subscription.js'
import { ownSubscriptionsOf } from '../relay/own-subscriptions.js'
import type { Row, SqlParts } from '../sql/outbox-database.js'

/** By subscription and key. */
export async function readBlockedKeys(settings: OutboxSettings, subscription: string | undefined): Promise<readonly BlockedKey[]> {
  const known = [...settings.subscriptions, ...ownSubscriptionsOf(settings.dataSource), ...activePlugins()]
  const blocking = [...new Set(known.filter(({ onDead }) => onDead === 'block').map(({ name }) => name))]
  const rows = await settings.database.read((connection) => connection.rows((parts) => blockedSql(parts, blocking, subscription)))
  return rows.filter((row) => subscription === undefined || row['subscription'] === subscription).map(blockedKeyOf)
}

/** `h`: the first failed message of each key; `f`: its row; `d`: the rows that wait, that one included. */
function blockedSql(parts: SqlParts, blocking: readonly string[], subscription: string | undefined): string {
  const deliveries = parts.table('outbox_delivery')
  return (
    'SELECT h.subscription, h.partition_key, h.seq, f.status, f.available_at, f.last_error, COUNT(*) AS waiting ' +
    `FROM (${firstFailed(parts, blocking, subscription)}) h ` +
    `JOIN ${deliveries} f ON f.message_seq = h.seq AND f.subscription = h.subscription ` +
    `JOIN ${deliveries} d ON d.subscription = h.subscription AND d.partition_key = h.partition_key AND d.message_seq >= h.seq ` +
    'AND (d.status = 0 OR d.message_seq = h.seq) ' +
    'GROUP BY h.subscription, h.partition_key, h.seq, f.status, f.available_at, f.last_error ORDER BY h.subscription, h.partition_key'
  )
}

function firstFailed({ table, nowMs, among, bind }: SqlParts, blocking: readonly string[], subscription: string | undefined): string {
  return (
    `SELECT subscription, partition_key, MIN(message_seq) AS seq FROM ${table('outbox_delivery')} WHERE partition_key IS NOT NULL ` +
    `AND ((status = 0 AND (attempts > 0 OR available_at > ${nowMs})) OR (status = 1 AND ${among('subscription', blocking)}))` +
    (subscription === undefined ? '' : ` AND subscription = ${bind(subscription)}`) +
    ' GROUP BY subscription, partition_key'
  )
}

function blockedKeyOf(row: Row): BlockedKey {
  const isDead = Number(row['status']) === 1
  return {
    subscription: String(row['subscription']),
    partitionKey: String(row['partition_key']),
    reason: isDead ? 'dead' : 'retry',
    waiting: Number(row['waiting']),
    oldestSequence: Number(row['seq']),
    nextAttemptAt: isDead ? null : new Date(Number(row['available_at'])),
    lastError: String(row['last_error'] ?? ''),
  }
}
