/**
 * Writes down what became of a round.
 *
 * Knows no handler. Invariant: by one transaction, and only for slots that are still held by the database; what is lost is left as it was,
 * for whoever holds it now.
 *
 * @module
 */
import { messageOf as textOfError } from '../../core/errors.js'
import { groupBy } from '../../core/group-by.js'
import { endMessages, withoutDeliveries } from '../desk/finish-messages.js'
import type { OutboxConnection } from '../sql/outbox-database.js'
import { readStillWaiting } from './delivery-reader.js'
import { INTAKE } from './names.js'
import type { Done, Failure, IntakeOutcome, RoundOutcome } from './outcome.js'

type IsHeld = (name: string, slot: number) => boolean

/** What was written, for those who count. */
export interface Acknowledged {
  readonly handled: number
  readonly failures: readonly Failure[]
  /** Keys that have got deliveries in the table, with their slot. */
  readonly blocked: readonly (SubscriptionKey & { readonly slot: number })[]
  /** Keys that have none any more. */
  readonly freed: readonly SubscriptionKey[]
}

export interface SubscriptionKey {
  readonly name: string
  readonly key: string
}

export interface AcknowledgeParts {
  readonly isHeld: IsHeld
  /** Subscriptions nobody here knows, which get every message by the table. */
  readonly others: readonly string[]
  readonly retentionMs: number
}

const MAX_ERROR = 1_000
/** NUL and half characters, which PostgreSQL refuses. */
const UNSTORABLE = /\0|\p{Surrogate}/gu

export async function acknowledge(
  connection: OutboxConnection,
  outcome: RoundOutcome,
  { isHeld, others, retentionMs }: AcknowledgeParts,
): Promise<Acknowledged> {
  const intake = outcome.intake
    .filter(({ message }) => isHeld(INTAKE, message.slot))
    .map((one) => ({ ...one, waiting: [...new Set([...one.waiting, ...others])] })) // who has just come may be in both
  const isStillHeld = ({ subscription, message }: Done) => isHeld(subscription.name, message.slot)
  const done = outcome.done.filter(isStillHeld)
  const failed = outcome.failed.filter((failure) => isStillHeld(failure))
  const rows = intake.flatMap(rowsOf)
  const needsTime = rows.some(({ attempts }) => attempts > 0) // when a message failed, or died, is told
  await insertRows(connection, rows, needsTime ? await connection.nowMs() : 0)
  await handedOut(
    connection,
    intake.filter((one) => hasRest(one)).map(({ message }) => message.seq),
  )
  const finished = intake.filter((one) => !hasRest(one)).map(({ message }) => message.seq)
  await endMessages(connection, finished, { retentionMs, from: 0 })
  await removeRows(connection, done, retentionMs)
  for (const failure of failed) await updateRow(connection, failure)
  await noteBegun(connection, outcome.unbegun.filter(isStillHeld), -1)
  const removed = [...done, ...failed.filter(({ isDead, subscription: { onDead } }) => isDead && onDead === 'skip')]
  return {
    handled: done.length + intake.reduce((sum, one) => sum + one.done.length, 0),
    failures: [...failed, ...intake.flatMap((one) => one.failed)],
    blocked: rows.flatMap(({ name, key, slot, isBlocking }) => (isBlocking && key !== null ? [{ name, key, slot }] : [])),
    freed: await freedKeys(connection, removed),
  }
}

/** Nobody but the database knows whether the last delivery of a key has gone: dead ones come back when they are redriven. */
async function freedKeys(connection: OutboxConnection, removed: readonly Done[]): Promise<readonly SubscriptionKey[]> {
  const freed: SubscriptionKey[] = []
  for (const [subscription, own] of groupBy(removed, (one) => one.subscription)) {
    const { name, onDead } = subscription
    const keys = [...new Set(own.flatMap(({ message: { partitionKey } }) => partitionKey ?? []))]
    const still = await readStillWaiting(connection, { name, keys, blocksOnDead: onDead === 'block' })
    freed.push(...keys.filter((key) => !still.has(key)).map((key) => ({ name, key })))
  }
  return freed
}

function hasRest({ failed, waiting }: IntakeOutcome): boolean {
  return failed.length > 0 || waiting.length > 0
}

interface NewRow {
  readonly seq: number
  readonly name: string
  readonly slot: number
  readonly key: string | null
  readonly status: 0 | 1
  readonly attempts: number
  readonly delayMs: number
  readonly error: string | null
  /** Whether later messages of its key wait behind it. */
  readonly isBlocking: boolean
}

function rowsOf({ message, failed, waiting }: IntakeOutcome): readonly NewRow[] {
  const { seq, slot, partitionKey: key } = message
  return [
    ...waiting.map((name) => ({ seq, name, slot, key, status: 0 as const, attempts: 0, delayMs: 0, error: null, isBlocking: true })),
    ...failed.map(({ subscription: { name, onDead }, attempt, isDead, delayMs, error }) => ({
      seq,
      name,
      slot,
      key,
      status: isDead ? (1 as const) : (0 as const),
      attempts: attempt,
      delayMs,
      error: errorText(error),
      isBlocking: !isDead || onDead === 'block',
    })),
  ]
}

/** What a handler threw is the user's own text: it is kept for operators, cut to what the column holds. */
function errorText(error: unknown): string {
  return `${nameOf(error)}${textOfError(error)}`.slice(0, MAX_ERROR).replace(UNSTORABLE, '\ufffd')
}

function nameOf(error: unknown): string {
  try {
    return error instanceof Error && error.name !== 'Error' ? `${error.name}: ` : ''
  } catch {
    return ''
  }
}

async function insertRows(connection: OutboxConnection, rows: readonly NewRow[], now: number): Promise<void> {
  if (rows.length === 0) return
  await connection.insert('outbox_delivery', {
    columns: [
      { name: 'message_seq', type: 'bigint', values: rows.map(({ seq }) => seq) },
      { name: 'subscription', type: 'text', values: rows.map(({ name }) => name) },
      { name: 'slot', type: 'int', values: rows.map(({ slot }) => slot) },
      { name: 'partition_key', type: 'text', values: rows.map(({ key }) => key) },
      { name: 'status', type: 'int', values: rows.map(({ status }) => status) },
      { name: 'attempts', type: 'int', values: rows.map(({ attempts }) => attempts) },
      { name: 'started', type: 'int', values: rows.map(({ attempts }) => attempts) },
      { name: 'available_at', type: 'bigint', values: rows.map(({ delayMs }) => (delayMs > 0 ? now + delayMs : 0)) },
      { name: 'last_error', type: 'text', values: rows.map(({ error }) => error) },
      { name: 'updated_at', type: 'bigint', values: rows.map(() => now) },
    ],
  })
}

async function handedOut(connection: OutboxConnection, sequences: readonly number[]): Promise<void> {
  await connection.runAmong(
    sequences,
    ({ table, among }, some) => `UPDATE ${table('outbox_message')} SET state = 1 WHERE ${among('seq', some)}`,
  )
}

/** Two subscriptions that end with a message at the same moment must see each other: the later one waits for the earlier. */
async function removeRows(connection: OutboxConnection, done: readonly Done[], retentionMs: number): Promise<void> {
  if (done.length === 0) return
  const sequences = [...new Set(done.map(({ message }) => message.seq))].sort((a, b) => a - b)
  for (const [name, some] of groupBy(done, ({ subscription }) => subscription.name))
    await connection.runAmong(
      some.map(({ message }) => message.seq),
      ({ table, among, bind }, seqs) =>
        `DELETE FROM ${table('outbox_delivery')} WHERE ${among('message_seq', seqs)} AND subscription = ${bind(name)}`,
    )
  const ended = await withoutDeliveries(connection, await lockHandedOut(connection, sequences))
  await endMessages(connection, ended, { retentionMs, from: 1 })
}

async function lockHandedOut(connection: OutboxConnection, sequences: readonly number[]): Promise<readonly number[]> {
  const locked = await connection.rowsAmong<{ seq: unknown }>(
    sequences,
    ({ table, among, forUpdate }, some) =>
      `SELECT seq FROM ${table('outbox_message')} WHERE ${among('seq', some)} AND state = 1 ORDER BY seq${forUpdate}`,
  )
  return locked.map(({ seq }) => Number(seq))
}

async function updateRow(connection: OutboxConnection, { subscription, message, attempt, isDead, delayMs, error }: Failure): Promise<void> {
  await connection.run(
    ({ table, bind, nowMs: now }) =>
      `UPDATE ${table('outbox_delivery')} SET status = ${isDead ? 1 : 0}, attempts = ${bind(attempt)}, started = ${bind(attempt)}, ` +
      `available_at = ${now} + ${bind(delayMs)}, last_error = ${bind(errorText(error))}, updated_at = ${now} ` +
      `WHERE message_seq = ${bind(message.seq)} AND subscription = ${bind(subscription.name)}`,
  )
}

/** Writes down that these are begun, before they are: a message that ends its process is found by that. Taken back where they were not. */
export async function noteBegun(connection: OutboxConnection, begun: readonly Done[], by: 1 | -1 = 1): Promise<void> {
  for (const [name, own] of groupBy(begun, ({ subscription }) => subscription.name))
    await connection.runAmong(
      own.map(({ message }) => message.seq),
      ({ table, among, bind }, some) =>
        `UPDATE ${table('outbox_delivery')} SET started = started + ${by} WHERE ${among('message_seq', some)} AND subscription = ${bind(name)}`,
    )
}
