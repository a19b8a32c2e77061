/**
 * The statements behind leases: one loop's name in the tables of slots and relays.
 *
 * Keeps nothing and decides nothing. Invariant: a slot changes hands only where the database says that its lease is over or was given back, and
 * each change raises its epoch.
 *
 * @module
 */
import type { OutboxConnection } from '../sql/outbox-database.js'
import type { RelayIdentity } from './relay-identity.js'

export interface SlotRow {
  readonly subscription: string
  readonly slot: number
  readonly owner: string | null
  readonly isFree: boolean
}

/** What relays leave where it is comes to be the oldest: a glance is enough. */
const LOOKED_AT = 500

/** Epochs of held slots, by name and slot. */
export type Epochs = ReadonlyMap<string, ReadonlyMap<number, number>>

export interface HeldSlots {
  readonly epochs: Epochs
  /** What the names of all slots add up to: it changes when somebody announces a new one. */
  readonly total: number
}

export class SlotTable {
  readonly #identity: RelayIdentity
  readonly #leaseMs: number

  constructor(identity: RelayIdentity, leaseMs: number) {
    this.#identity = identity
    this.#leaseMs = leaseMs
  }

  /** Shows that this loop is alive, and what it would handle. */
  async announce(connection: OutboxConnection, names: readonly string[]): Promise<void> {
    const { owner, host, pid } = this.#identity
    const subscriptions = JSON.stringify(names)
    const isKnown = await connection.run(
      ({ table, bind, nowMs }) =>
        `UPDATE ${table('outbox_relay')} SET alive_until = ${nowMs} + ${bind(this.#leaseMs)}, subscriptions = ${bind(subscriptions)} WHERE owner = ${bind(owner)}`,
    )
    if (isKnown > 0) return
    await connection.run(
      ({ table, bind, nowMs }) =>
        `INSERT INTO ${table('outbox_relay')} (owner, host, pid, subscriptions, started_at, alive_until) ` +
        `VALUES (${bind(owner)}, ${bind(host)}, ${bind(pid)}, ${bind(subscriptions)}, ${nowMs}, ${nowMs} + ${bind(this.#leaseMs)})`,
    )
  }

  /** The highest slot of the messages that have waited longest; -1 where none waits. Writers may have more slots than this relay was told of. */
  async highestWaiting(connection: OutboxConnection): Promise<number> {
    const [row] = await connection.rows(
      ({ table }) =>
        `SELECT MAX(slot) AS highest FROM (SELECT slot FROM ${table('outbox_message')} WHERE state = 0 ORDER BY seq LIMIT ${LOOKED_AT}) AS waiting`,
    )
    return Number(row!['highest'] ?? -1)
  }

  /** Adds the slots of names that have none yet. */
  async makeSlots(connection: OutboxConnection, names: readonly string[], count: number): Promise<void> {
    const known = await connection.rows<{ subscription: string; slot: unknown }>(
      ({ table, among }) => `SELECT subscription, slot FROM ${table('outbox_slot')} WHERE ${among('subscription', names)}`,
    )
    const there = new Set(known.map(({ subscription, slot }) => `${Number(slot)} ${subscription}`))
    const missing = names.flatMap((name) =>
      Array.from({ length: count }, (_, slot) => ({ name, slot })).filter((one) => !there.has(`${one.slot} ${one.name}`)),
    )
    if (missing.length === 0) return
    await connection.insert('outbox_slot', {
      columns: [
        { name: 'subscription', type: 'text', values: missing.map(({ name }) => name) },
        { name: 'slot', type: 'int', values: missing.map(({ slot }) => slot) },
      ],
      ignoresExisting: true,
    })
  }

  async renew(connection: OutboxConnection): Promise<void> {
    await connection.run(
      ({ table, bind, nowMs }) =>
        `UPDATE ${table('outbox_slot')} SET lease_until = ${nowMs} + ${bind(this.#leaseMs)} WHERE owner = ${bind(this.#identity.owner)}`,
    )
  }

  /** Every slot of every name. */
  async all(connection: OutboxConnection): Promise<readonly SlotRow[]> {
    const rows = await connection.rows(
      ({ table, nowMs }) =>
        `SELECT subscription, slot, owner, CASE WHEN owner IS NULL OR lease_until <= ${nowMs} THEN 1 ELSE 0 END AS is_free FROM ${table('outbox_slot')} ORDER BY subscription, slot`,
    )
    return rows.map((row) => ({
      subscription: String(row['subscription']),
      slot: Number(row['slot']),
      owner: row['owner'] as string | null,
      isFree: Number(row['is_free']) === 1,
    }))
  }

  async held(connection: OutboxConnection): Promise<HeldSlots> {
    const rows = await connection.rows(
      ({ table, bind }) =>
        `SELECT subscription, slot, epoch, (SELECT SUM(1000 + LENGTH(subscription)) FROM ${table('outbox_slot')}) AS total FROM ${table('outbox_slot')} WHERE owner = ${bind(this.#identity.owner)}`,
    )
    const epochs = new Map<string, Map<number, number>>()
    for (const row of rows) {
      const name = String(row['subscription'])
      const slots = epochs.get(name) ?? new Map<number, number>()
      epochs.set(name, slots.set(Number(row['slot']), Number(row['epoch'])))
    }
    return { epochs, total: Number(rows[0]?.['total'] ?? 0) }
  }

  /** Whether slots of these names were given back, and nobody has taken them yet. */
  async hasFree(connection: OutboxConnection, names: readonly string[]): Promise<boolean> {
    const free = await connection.rows(
      ({ table, among }) => `SELECT slot FROM ${table('outbox_slot')} WHERE owner IS NULL AND ${among('subscription', names)} LIMIT 1`,
    )
    return free.length > 0
  }

  /** Every name that was ever announced. */
  async names(connection: OutboxConnection): Promise<readonly string[]> {
    const rows = await connection.rows(({ table }) => `SELECT DISTINCT subscription FROM ${table('outbox_slot')}`)
    return rows.map((row) => String(row['subscription']))
  }

  /** How many loops that are alive have each name. */
  async sharers(connection: OutboxConnection): Promise<ReadonlyMap<string, number>> {
    const alive = await connection.rows<{ subscriptions: string }>(
      ({ table, nowMs }) => `SELECT subscriptions FROM ${table('outbox_relay')} WHERE alive_until > ${nowMs}`,
    )
    const counts = new Map<string, number>()
    for (const { subscriptions } of alive)
      for (const name of JSON.parse(subscriptions) as string[]) counts.set(name, (counts.get(name) ?? 0) + 1)
    return counts
  }

  /** Takes those of these slots that are still free. */
  async take(connection: OutboxConnection, name: string, slots: readonly number[]): Promise<void> {
    if (slots.length === 0) return
    await connection.run(
      ({ table, bind, nowMs, among }) =>
        `UPDATE ${table('outbox_slot')} SET owner = ${bind(this.#identity.owner)}, lease_until = ${nowMs} + ${bind(this.#leaseMs)}, epoch = epoch + 1 ` +
        `WHERE subscription = ${bind(name)} AND ${among('slot', slots)} AND (owner IS NULL OR lease_until <= ${nowMs})`,
    )
  }

  async giveBack(connection: OutboxConnection, name: string, slots: readonly number[]): Promise<void> {
    if (slots.length === 0) return
    await connection.run(
      ({ table, bind, among }) =>
        `UPDATE ${table('outbox_slot')} SET owner = NULL, lease_until = 0 WHERE subscription = ${bind(name)} AND owner = ${bind(this.#identity.owner)} AND ${among('slot', slots)}`,
    )
  }

  /** Gives everything back, and is not alive any more. */
  async leave(connection: OutboxConnection): Promise<void> {
    const { owner } = this.#identity
    await connection.run(
      ({ table, bind }) => `UPDATE ${table('outbox_slot')} SET owner = NULL, lease_until = 0 WHERE owner = ${bind(owner)}`,
    )
    await connection.run(({ table, bind }) => `DELETE FROM ${table('outbox_relay')} WHERE owner = ${bind(owner)}`)
  }
}
