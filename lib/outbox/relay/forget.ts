/**
 * Forgets subscriptions that nobody has any more, so that nothing is kept for them.
 *
 * Goes by the database's clock. Invariant: a name goes only when for `forgetAfterMs` nobody has held one of its slots, and nobody who is alive
 * announces it; dead letters stay, since they are for people.
 *
 * @module
 */
import { warn } from '../../core/warn.js'
import { finishMessages } from '../desk/finish-messages.js'
import { inTransaction } from '../desk/lock-conflicts.js'
import type { OutboxConnection, OutboxDatabase } from '../sql/outbox-database.js'
import { INTAKE } from './names.js'
import type { RelayOptions } from './relay-options.js'

export interface ForgetOptions extends Required<Pick<RelayOptions, 'forgetAfterMs' | 'retentionMs' | 'leaseMs'>> {
  /** How often in a row each name was found to be due; kept by the caller from call to call. */
  readonly sightings: Map<string, number>
}

export interface Forgotten {
  readonly name: string
  /** How many deliveries waited for it. */
  readonly deliveries: number
}

/** How many deliveries go by one transaction. */
const CHUNK = 1_000
/** How often this is called. */
/** How often a relay looks for what is over. */
export const SWEEP_MS = 60_000

export async function forget(database: OutboxDatabase, options: ForgetOptions): Promise<readonly Forgotten[]> {
  const { names, nowMs } = await database.read((connection) => readNames(connection, options.forgetAfterMs))
  const untilMs = nowMs - options.forgetAfterMs
  for (const { name, hasUndated } of names) if (hasUndated) await date(database, name)
  const due = names.filter(({ seenMs, isAnnounced, hasUndated }) => seenMs <= untilMs && !isAnnounced && !hasUndated)
  const forgotten: Forgotten[] = []
  for (const { name, seenMs } of seenOften(due, options)) {
    const deliveries = await forgetName(database, name, { untilMs, retentionMs: options.retentionMs })
    if (deliveries === undefined) continue
    forgotten.push({ name, deliveries })
    const since = new Date(seenMs).toISOString()
    warn('OUTBOX_SUBSCRIPTION_FORGOTTEN', `"${name}" is forgotten, and ${deliveries} messages for it: no relay has had it since ${since}`)
  }
  return forgotten
}

/** Where the clock has jumped, everybody looks as if he had gone; whoever is alive shows that before a lease is over. */
function seenOften(due: readonly KnownName[], { sightings, leaseMs }: ForgetOptions): readonly KnownName[] {
  const before = new Map(sightings)
  sightings.clear()
  for (const { name } of due) sightings.set(name, (before.get(name) ?? 0) + 1)
  return due.filter(({ name }) => sightings.get(name)! > Math.ceil(leaseMs / SWEEP_MS))
}

interface KnownName {
  readonly name: string
  /** When it was alive last: a lease was not over yet, or a delivery was written. */
  readonly seenMs: number
  readonly isAnnounced: boolean
  /** Whether some of what would tell that was written without a time. */
  readonly hasUndated: boolean
}

interface Known {
  readonly names: readonly KnownName[]
  readonly nowMs: number
}

async function readNames(connection: OutboxConnection, forgetAfterMs: number): Promise<Known> {
  const nowMs = await connection.nowMs()
  const announced = await readAnnounced(connection, nowMs - forgetAfterMs)
  const slots = await connection.rows(
    ({ table, bind }) =>
      `SELECT subscription, MIN(lease_until) AS least, MAX(lease_until) AS newest FROM ${table('outbox_slot')} ` +
      `WHERE subscription <> ${bind(INTAKE)} GROUP BY subscription`,
  )
  const withSlots = slots.map((row) => nameOf(row, announced))
  const known = new Set(withSlots.map(({ name }) => name))
  const others = (await readAddressed(connection)).filter((name) => !known.has(name))
  const withoutSlots: KnownName[] = []
  for (const name of others) withoutSlots.push(...(await readWaiting(connection, name)).map((row) => nameOf(row, announced)))
  return { names: [...withSlots, ...withoutSlots], nowMs }
}

function nameOf(row: Readonly<Record<string, unknown>>, announced: ReadonlySet<string>): KnownName {
  const name = String(row['subscription'])
  return { name, seenMs: Number(row['newest']), isAnnounced: announced.has(name), hasUndated: Number(row['least']) === 0 }
}

async function readAnnounced(connection: OutboxConnection, sinceMs: number): Promise<ReadonlySet<string>> {
  const rows = await connection.rows<{ subscriptions: string }>(
    ({ table, bind }) => `SELECT subscriptions FROM ${table('outbox_relay')} WHERE alive_until > ${bind(sinceMs)}`,
  )
  return new Set(rows.flatMap(({ subscriptions }) => JSON.parse(subscriptions) as string[]))
}

/** The names that deliveries are for, from one to the next, since the table may be large. */
async function readAddressed(connection: OutboxConnection): Promise<readonly string[]> {
  const names: string[] = []
  for (let last = ''; ;) {
    const [row] = await connection.rows(
      ({ table, bind }) => `SELECT MIN(subscription) AS name FROM ${table('outbox_delivery')} WHERE subscription > ${bind(last)}`,
    )
    const name = row?.['name']
    if (typeof name !== 'string') return names
    names.push((last = name))
  }
}

/** What waits for a name that has no slots: redriven after it was forgotten, for one. */
async function readWaiting(connection: OutboxConnection, name: string): Promise<readonly Readonly<Record<string, unknown>>[]> {
  return connection.rows(
    ({ table, bind }) =>
      `SELECT subscription, MIN(updated_at) AS least, MAX(updated_at) AS newest FROM ${table('outbox_delivery')} ` +
      `WHERE subscription = ${bind(name)} AND status = 0 GROUP BY subscription`,
  )
}

/** Slots that were given back, and deliveries of which nobody has written when: from now on their time counts. */
async function date(database: OutboxDatabase, name: string): Promise<void> {
  await inTransaction(database, async (connection) => {
    await connection.run(
      ({ table, bind, nowMs }) =>
        `UPDATE ${table('outbox_slot')} SET lease_until = ${nowMs} WHERE subscription = ${bind(name)} AND owner IS NULL AND lease_until = 0`,
    )
    if ((await countSlots(connection, name)) > 0) return
    await connection.run(
      ({ table, bind, nowMs }) =>
        `UPDATE ${table('outbox_delivery')} SET updated_at = ${nowMs} WHERE subscription = ${bind(name)} AND status = 0 AND updated_at = 0`,
    )
  })
}

interface Forgetting {
  readonly untilMs: number
  readonly retentionMs: number
}

/** @returns Undefined where somebody has it again, or has forgotten it meanwhile. */
async function forgetName(database: OutboxDatabase, name: string, { untilMs, retentionMs }: Forgetting): Promise<number | undefined> {
  for (let forgotten = 0; ;) {
    const { deleted, slots } = await inTransaction(database, async (connection) => {
      if (!(await lockUnused(connection, name, untilMs))) return { deleted: 0, slots: 0 }
      const sequences = await deletePending(connection, name)
      await finishMessages(connection, sequences, retentionMs)
      return { deleted: sequences.length, slots: sequences.length < CHUNK ? await deleteSlots(connection, name) : 0 }
    })
    forgotten += deleted
    if (deleted < CHUNK) return forgotten + slots > 0 ? forgotten : undefined
  }
}

function deleteSlots(connection: OutboxConnection, name: string): Promise<number> {
  return connection.run(({ table, bind }) => `DELETE FROM ${table('outbox_slot')} WHERE subscription = ${bind(name)}`)
}

/** Nobody can take a slot before the transaction ends; whoever has held one loses it. */
async function lockUnused(connection: OutboxConnection, name: string, untilMs: number): Promise<boolean> {
  const unused = await connection.run(
    ({ table, bind }) =>
      `UPDATE ${table('outbox_slot')} SET epoch = epoch + 1 WHERE subscription = ${bind(name)} AND lease_until <= ${bind(untilMs)}`,
  )
  return unused === (await countSlots(connection, name))
}

async function countSlots(connection: OutboxConnection, name: string): Promise<number> {
  const [row] = await connection.rows(
    ({ table, bind }) => `SELECT COUNT(*) AS slots FROM ${table('outbox_slot')} WHERE subscription = ${bind(name)}`,
  )
  return Number(row!['slots'])
}

async function deletePending(connection: OutboxConnection, name: string): Promise<readonly number[]> {
  const rows = await connection.rows(
    ({ table, bind }) =>
      `SELECT message_seq FROM ${table('outbox_delivery')} WHERE subscription = ${bind(name)} AND status = 0 ORDER BY message_seq LIMIT ${CHUNK}`,
  )
  const sequences = rows.map((row) => Number(row['message_seq']))
  await connection.runAmong(
    sequences,
    ({ table, bind, among }, some) =>
      `DELETE FROM ${table('outbox_delivery')} WHERE subscription = ${bind(name)} AND status = 0 AND ${among('message_seq', some)}`,
  )
  return sequences
}
