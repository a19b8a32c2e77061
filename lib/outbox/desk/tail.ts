/**
 * Events as they are recorded.
 *
 * Changes nothing, and is no relay: it reads the table of messages now and then. Invariant: no event is told twice; one that was handled by all
 * and deleted between two looks is not told.
 *
 * @module
 */
import { performance } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import type { CloudEvent } from '../cloud-event.js'
import { cloudEventOf, MESSAGE_COLUMNS, messageOf, sequenceOf } from '../message.js'
import { namesMatching } from '../name-pattern.js'
import type { OutboxConnection, OutboxDatabase, Row, SqlParts } from '../sql/outbox-database.js'
import { LateCommits } from './late-commits.js'

/** What is tailed: everything is given. */
export interface TailOptions {
  readonly count: number
  readonly type: string
  readonly follow: boolean
  readonly abortSignal: AbortSignal | undefined
}

const CHUNK = 500
const LEAST_WAIT_MS = 100
const MOST_WAIT_MS = 1_000
/** Of the newest messages there are when it begins: older gaps are those of rollbacks and deletions. */
const LOOKED_BACK = 100

export async function* tail(database: OutboxDatabase, { count, type, follow, abortSignal }: TailOptions): AsyncGenerator<CloudEvent> {
  if (isAborted(abortSignal)) return
  const isWanted = namesMatching([type])
  const late = await database.read(begin)
  for (const row of await lastOnes(database, { count, isWanted, last: late.last })) yield eventOf(row)
  if (!follow) return
  for (let waitMs = LEAST_WAIT_MS; !isAborted(abortSignal);) {
    const rows = await database.read((connection) => news(connection, late))
    for (const row of rows) {
      if (isAborted(abortSignal)) return
      if (isWanted(String(row['type']))) yield eventOf(row)
    }
    waitMs = rows.length > 0 ? LEAST_WAIT_MS : Math.min(waitMs * 2, MOST_WAIT_MS)
    if (rows.length < CHUNK) await pause(waitMs, abortSignal)
  }
}

/** Everything there is now counts as seen. */
async function begin(connection: OutboxConnection): Promise<LateCommits> {
  const rows = await connection.rows(({ table }) => `SELECT seq FROM ${table('outbox_message')} ORDER BY seq DESC LIMIT ${LOOKED_BACK}`)
  const newest = rows.map(sequenceOf).reverse()
  const late = new LateCommits((newest[0] ?? 1) - 1)
  for (const sequence of newest) late.seen(sequence, performance.now())
  return late
}

interface LastOnes {
  readonly count: number
  readonly last: number
  isWanted(type: string): boolean
}

/** In ascending order. */
async function lastOnes(database: OutboxDatabase, { count, last, isWanted }: LastOnes): Promise<readonly Row[]> {
  const found: Row[] = []
  for (let below = last + 1; found.length < count;) {
    const rows = await database.read((connection) => messages(connection, ({ bind }) => `seq < ${bind(below)} ORDER BY seq DESC`))
    found.push(...rows.filter((row) => isWanted(String(row['type']))).slice(0, count - found.length))
    if (rows.length < CHUNK) break
    below = sequenceOf(rows.at(-1)!)
  }
  return found.reverse()
}

async function news(connection: OutboxConnection, late: LateCommits): Promise<readonly Row[]> {
  const nowMs = performance.now()
  const missing = late.missing(nowMs)
  const turnedUp = missing.length === 0 ? [] : await messages(connection, ({ among }) => `${among('seq', missing)} ORDER BY seq`)
  const rows = [...turnedUp, ...(await messages(connection, ({ bind }) => `seq > ${bind(late.last)} ORDER BY seq`))]
  for (const row of rows) late.seen(sequenceOf(row), nowMs)
  return rows
}

function messages(connection: OutboxConnection, which: (parts: SqlParts) => string): Promise<readonly Row[]> {
  return connection.rows((parts) => `SELECT ${MESSAGE_COLUMNS} FROM ${parts.table('outbox_message')} WHERE ${which(parts)} LIMIT ${CHUNK}`)
}

function eventOf(row: Row): CloudEvent {
  return cloudEventOf(messageOf(row))
}

function isAborted(abortSignal: AbortSignal | undefined): boolean {
  return abortSignal?.aborted === true
}

async function pause(ms: number, abortSignal: AbortSignal | undefined): Promise<void> {
  await sleep(ms, undefined, { ...(abortSignal && { signal: abortSignal }) }).catch((error: unknown) => {
    if (!isAborted(abortSignal)) throw error
  })
}
