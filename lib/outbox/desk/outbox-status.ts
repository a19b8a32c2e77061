/**
 * How an outbox stands: its subscriptions and the relays at work.
 *
 * Invariant: ages and lives are told by the database's clock alone. The figures are read one after another while relays go on, so that a
 * message on its way may be in two of them, or in none.
 *
 * @module
 */
import { namesMatching } from '../name-pattern.js'
import type { OutboxStatus, RelayMember, SubscriptionStatus } from '../outbox-desk.js'
import type { OutboxSettings } from '../outbox-settings.js'
import { INTAKE } from '../relay/names.js'
import type { OutboxConnection, Row } from '../sql/outbox-database.js'
import { knownSubscriptions } from './known-subscriptions.js'

export function readStatus(settings: OutboxSettings): Promise<OutboxStatus> {
  return settings.database.read(async (connection) => {
    const names = await knownSubscriptions(connection, settings)
    const waiting = await readNewMessages(connection)
    const deliveries = await readDeliveries(connection)
    const nowMs = await connection.nowMs()
    const isWantedBy = new Map(settings.subscriptions.map(({ name, events }) => [name, namesMatching(events)]))
    return {
      messages: await countMessages(connection),
      subscriptions: names.map((name) => {
        const wants = isWantedBy.get(name) ?? (() => true)
        return statusOf(name, { fresh: waiting.filter(({ type }) => wants(type)), own: deliveries.get(name), nowMs })
      }),
      relays: await readRelays(connection),
    }
  })
}

/** Messages that nobody has looked at, by their type. */
interface NewMessages {
  readonly type: string
  readonly count: number
  readonly oldestMs: number
}

/** What the table of deliveries tells of one subscription. */
interface Deliveries {
  readonly pending: number
  readonly retrying: number
  readonly dead: number
  /** Of the pending ones; Infinity without one. */
  readonly oldestMs: number
}

const NONE: Deliveries = { pending: 0, retrying: 0, dead: 0, oldestMs: Infinity }

interface Figures {
  readonly fresh: readonly NewMessages[]
  readonly own: Deliveries | undefined
  readonly nowMs: number
}

function statusOf(name: string, { fresh, own = NONE, nowMs }: Figures): SubscriptionStatus {
  const backlog = fresh.reduce((sum, { count }) => sum + count, own.pending)
  const oldestMs = Math.min(own.oldestMs, ...fresh.map((one) => one.oldestMs))
  return {
    name,
    backlog,
    retrying: own.retrying,
    dead: own.dead,
    oldestAgeMs: backlog === 0 ? null : Math.max(0, nowMs - oldestMs),
  }
}

async function countMessages(connection: OutboxConnection): Promise<number> {
  const [row] = await connection.rows(({ table }) => `SELECT COUNT(*) AS count FROM ${table('outbox_message')}`)
  return Number(row!['count'])
}

async function readNewMessages(connection: OutboxConnection): Promise<readonly NewMessages[]> {
  const rows = await connection.rows(
    ({ table }) =>
      `SELECT type, COUNT(*) AS count, MIN(occurred_at) AS oldest FROM ${table('outbox_message')} WHERE state = 0 GROUP BY type`,
  )
  return rows.map((row) => ({ type: String(row['type']), count: Number(row['count']), oldestMs: Number(row['oldest']) }))
}

async function readDeliveries(connection: OutboxConnection): Promise<ReadonlyMap<string, Deliveries>> {
  const rows = await connection.rows(
    ({ table, nowMs }) =>
      'SELECT d.subscription, SUM(CASE WHEN d.status = 0 THEN 1 ELSE 0 END) AS pending, SUM(CASE WHEN d.status = 1 THEN 1 ELSE 0 END) AS dead, ' +
      `SUM(CASE WHEN d.status = 0 AND (d.attempts > 0 OR d.available_at > ${nowMs}) THEN 1 ELSE 0 END) AS retrying, ` +
      `MIN(CASE WHEN d.status = 0 THEN m.occurred_at END) AS oldest FROM ${table('outbox_delivery')} d ` +
      `JOIN ${table('outbox_message')} m ON m.seq = d.message_seq GROUP BY d.subscription`,
  )
  return new Map(rows.map((row) => [String(row['subscription']), deliveriesOf(row)]))
}

function deliveriesOf(row: Row): Deliveries {
  return {
    pending: Number(row['pending']),
    retrying: Number(row['retrying']),
    dead: Number(row['dead']),
    oldestMs: row['oldest'] === null ? Infinity : Number(row['oldest']),
  }
}

async function readRelays(connection: OutboxConnection): Promise<readonly RelayMember[]> {
  const slots = await connection.rows(
    ({ table, nowMs, bind }) =>
      `SELECT owner, COUNT(*) AS slots FROM ${table('outbox_slot')} WHERE lease_until > ${nowMs} AND subscription <> ${bind(INTAKE)} GROUP BY owner`,
  )
  const slotsOf = new Map(slots.map((row) => [row['owner'], Number(row['slots'])]))
  const rows = await connection.rows(
    ({ table, nowMs }) =>
      `SELECT owner, host, pid, subscriptions, ${nowMs} - started_at AS alive_for FROM ${table('outbox_relay')} ` +
      `WHERE alive_until > ${nowMs} ORDER BY started_at, owner`,
  )
  return rows.map((row) => relayOf(row, slotsOf.get(row['owner']) ?? 0))
}

function relayOf(row: Row, slots: number): RelayMember {
  return {
    owner: String(row['owner']),
    host: String(row['host']),
    pid: Number(row['pid']),
    subscriptions: (JSON.parse(String(row['subscriptions'])) as readonly string[]).filter((name) => name !== INTAKE),
    slots,
    aliveForMs: Math.max(0, Number(row['alive_for'])),
  }
}
