/**
 * Hands a message to a receiver whose effects happen once, together with the note of that.
 *
 * Knows no receiver. Invariant: an attempt's transaction is over before the next attempt at its message begins; an attempt that never came
 * to call its receiver is none.
 *
 * @module
 */
import type { DataSource, EntityManager } from 'typeorm'
import { once } from '../inbox.js'
import { untilAborted } from '../until-aborted.js'
import type { Task } from './task.js'

export interface OnceParts {
  readonly task: Task
  readonly abortSignal: AbortSignal
  call(manager: EntityManager): unknown
}

/** Attempts whose transaction is not over in this process, also where their time is: a statement may still be on its way. */
const open = new WeakMap<DataSource, Map<string, Promise<unknown>>>()

/** Rejects with what the receiver throws, or with the reason of the signal, when the transaction is over. */
export async function handOverOnce(dataSource: DataSource, parts: OnceParts): Promise<void> {
  const { task, abortSignal } = parts
  task.hold()
  const attempts = openOn(dataSource)
  const name = `${task.message.id} ${task.subscription.name}`
  for (let earlier = attempts.get(name); earlier !== undefined; earlier = attempts.get(name)) await unlessAborted(abortSignal, earlier)
  const attempt = attemptOnce(dataSource, parts)
  const over = attempt.catch(() => undefined).then(() => void attempts.delete(name))
  attempts.set(name, over)
  await attempt
}

async function attemptOnce(dataSource: DataSource, { task, abortSignal, call }: OnceParts): Promise<void> {
  const { subscription, message } = task
  try {
    await once(dataSource, { consumer: subscription.name, messageId: message.id, abortSignal }, async (manager) => {
      task.begin()
      await call(manager)
      if (task.isOver) throw task.error // its time was over just now
    })
  } catch (error) {
    if (!abortSignal.aborted && !isLockTimeout(error)) task.begin() // then it is to blame
    throw error
  }
}

function openOn(dataSource: DataSource): Map<string, Promise<unknown>> {
  let attempts = open.get(dataSource)
  if (attempts === undefined) open.set(dataSource, (attempts = new Map()))
  return attempts
}

function unlessAborted(abortSignal: AbortSignal, waited: Promise<unknown>): Promise<unknown> {
  return untilAborted(abortSignal, (orAborted) => orAborted(() => waited))
}

/** What a database says when it has waited for somebody else for as long as it is willing to. */
const LOCK_TIMEOUTS = new Set<unknown>(['55P03', 'ER_LOCK_WAIT_TIMEOUT', 'SQLITE_BUSY'])

function isLockTimeout(error: unknown): boolean {
  return LOCK_TIMEOUTS.has((error as { driverError?: { code?: unknown } } | null | undefined)?.driverError?.code)
}
