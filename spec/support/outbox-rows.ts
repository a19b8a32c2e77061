/**
 * Rows of an outbox as relays leave them, without a relay.
 *
 * @module
 */
import { randomUUID } from 'node:crypto'
import type { DataSource } from 'typeorm'

export interface DeliveryRow {
  readonly status?: 'pending' | 'dead'
  readonly attempts?: number
  readonly started?: number
  /** When it is due, from now on; missing for at once. */
  readonly inMs?: number
  readonly error?: string
  readonly updatedAt?: number
}

export interface MessageRow {
  readonly id?: string
  readonly type?: string
  readonly key?: string
  readonly state?: 'new' | 'out' | 'done'
  /** How long ago it was recorded; negative for a time to come. */
  readonly ageMs?: number
  /** How long ago everybody was done with it. */
  readonly doneMs?: number
  readonly data?: unknown
  /** By subscription. With some, the message is out. */
  readonly to?: Readonly<Record<string, DeliveryRow>>
}

const STATES = { new: 0, out: 1, done: 2 } as const

/** @returns Their sequences. */
export async function fill(dataSource: DataSource, rows: readonly MessageRow[]): Promise<readonly number[]> {
  const withIds = rows.map((row) => ({ id: randomUUID(), ...row }))
  await insert(dataSource, 'OutboxMessage', withIds.map(messageColumns))
  const stored = await dataSource.query<{ seq: unknown; id: string }[]>('SELECT seq, id FROM outbox_message')
  const seqOf = new Map(stored.map(({ id, seq }) => [id, Number(seq)]))
  const deliveries = withIds.flatMap((row) =>
    Object.entries(row.to ?? {}).map(([name, delivery]) => deliveryColumns(seqOf.get(row.id)!, name, { ...delivery, key: row.key })),
  )
  await insert(dataSource, 'OutboxDelivery', deliveries)
  return withIds.map(({ id }) => seqOf.get(id)!)
}

async function insert(dataSource: DataSource, entity: string, rows: readonly object[]): Promise<void> {
  for (let from = 0; from < rows.length; from += 500) await dataSource.getRepository(entity).insert(rows.slice(from, from + 500) as never)
}

function messageColumns({ id, type = 'film.released', key, ageMs = 0, doneMs, to, data = {}, ...row }: MessageRow) {
  const state = row.state ?? (to === undefined ? 'new' : 'out')
  return {
    id,
    kind: 'tracked',
    type,
    source: '/specs',
    partition_key: key ?? null,
    slot: 3,
    state: STATES[state],
    payload: JSON.stringify(data),
    headers: '{}',
    occurred_at: Date.now() - ageMs,
    done_at: state === 'done' ? Date.now() - (doneMs ?? 0) : null,
  }
}

function deliveryColumns(seq: number, subscription: string, row: DeliveryRow & { readonly key: string | undefined }) {
  return {
    message_seq: seq,
    subscription,
    slot: 3,
    partition_key: row.key ?? null,
    status: row.status === 'dead' ? 1 : 0,
    attempts: row.attempts ?? 0,
    started: row.started ?? 0,
    available_at: row.inMs === undefined ? 0 : Date.now() + row.inMs,
    last_error: row.error ?? null,
    updated_at: row.updatedAt ?? 0,
  }
}

/** `3 search pending` for each row of outbox_delivery, in order. */
export async function deliveriesOf(dataSource: DataSource): Promise<readonly string[]> {
  const rows = await dataSource.query<{ message_seq: unknown; subscription: string; status: unknown }[]>(
    'SELECT message_seq, subscription, status FROM outbox_delivery ORDER BY message_seq, subscription',
  )
  return rows.map((row) => `${Number(row.message_seq)} ${row.subscription} ${Number(row.status) === 1 ? 'dead' : 'pending'}`)
}

/** `3 out` for each row of outbox_message, in order. */
export async function statesOf(dataSource: DataSource): Promise<readonly string[]> {
  const names = Object.keys(STATES)
  const rows = await dataSource.query<{ seq: unknown; state: unknown }[]>('SELECT seq, state FROM outbox_message ORDER BY seq')
  return rows.map(({ seq, state }) => `${Number(seq)} ${names[Number(state)]!}`)
}

export interface SlotRow {
  readonly owner?: string
  /** How long it is held from now on; negative for a lease that is over. */
  readonly leaseMs?: number
}

/** Announces subscriptions as relays do, each with these slots. */
export async function announce(dataSource: DataSource, names: readonly string[], slots: readonly SlotRow[] = [{}]): Promise<void> {
  const rows = names.flatMap((subscription) =>
    slots.map(({ owner = null, leaseMs }, slot) => ({
      subscription,
      slot,
      owner,
      lease_until: leaseMs === undefined ? 0 : Date.now() + leaseMs,
    })),
  )
  await insert(dataSource, 'OutboxSlot', rows)
}

export interface RelayRow {
  readonly owner: string
  readonly subscriptions?: readonly string[]
  readonly startedMs?: number
  readonly aliveMs?: number
}

/** A relay that began so long ago, and counts as alive for so long from now on. */
export async function joinRelay(
  dataSource: DataSource,
  { owner, subscriptions = [], startedMs = 0, aliveMs = 60_000 }: RelayRow,
): Promise<void> {
  await insert(dataSource, 'OutboxRelay', [
    {
      owner,
      host: 'a',
      pid: 7,
      subscriptions: JSON.stringify(subscriptions),
      started_at: Date.now() - startedMs,
      alive_until: Date.now() + aliveMs,
    },
  ])
}
