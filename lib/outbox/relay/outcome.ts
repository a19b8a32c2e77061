/**
 * What became of the tasks of one round, fixed at the moment the round was closed.
 *
 * Plain data. Invariant: a task is in one outcome of its round; one that was still running then is told of again when it has ended.
 *
 * @module
 */
import { groupBy } from '../../core/group-by.js'
import { isPermanentError } from '../permanent-error.js'
import type { OutboxMessage } from '../message.js'
import type { ActiveSubscription } from './active-subscription.js'
import { retryDelayMs } from './retry-delay.js'
import type { Task } from './task.js'

/** A delivery that is to be tried again, or never. */
export interface Failure {
  readonly subscription: ActiveSubscription
  readonly message: OutboxMessage
  readonly attempt: number
  readonly error: unknown
  readonly isDead: boolean
  readonly delayMs: number
}

export interface Done {
  readonly subscription: ActiveSubscription
  readonly message: OutboxMessage
}

/** A new message, and what of it is left. */
export interface IntakeOutcome {
  readonly message: OutboxMessage
  readonly done: readonly Done[]
  readonly failed: readonly Failure[]
  /** Names of subscriptions that will find it in the table. */
  readonly waiting: readonly string[]
}

export interface RoundOutcome {
  readonly intake: readonly IntakeOutcome[]
  /** Of deliveries that had a row. */
  readonly done: readonly Done[]
  readonly failed: readonly Failure[]
  /** Their begin was written down, and they were not begun, or were given up without an end. */
  readonly unbegun: readonly Done[]
}

function failureOf({ subscription, message, attempt, error }: Task): Failure {
  const isDead = isPermanentError(error) || attempt >= subscription.retry.attempts
  return { subscription, message, attempt, error, isDead, delayMs: isDead ? 0 : retryDelayMs(subscription.retry, attempt) }
}

export interface RoundParts {
  /** Tasks of earlier rounds that have ended since. */
  readonly late: readonly Task[]
  /** Subscriptions that no task was made for, and that want a message all the same. */
  othersFor(message: OutboxMessage, own: readonly Task[]): readonly string[]
}

/** Taken at one moment: what ends later is told of later. */
export function roundOutcome(fresh: readonly OutboxMessage[], tasks: readonly Task[], { late, othersFor }: RoundParts): RoundOutcome {
  const bySequence = groupBy(
    tasks.filter(({ hasRow }) => !hasRow),
    ({ message }) => message.seq,
  )
  const intake = fresh.map((message) => {
    const own = bySequence.get(message.seq) ?? []
    return intakeOutcome(message, own, othersFor(message, own))
  })
  return { intake, ...endedOutcome([...late, ...tasks.filter(({ hasRow }) => hasRow)]) }
}

function intakeOutcome(message: OutboxMessage, tasks: readonly Task[], others: readonly string[]): IntakeOutcome {
  return {
    message,
    done: tasks.filter(({ state }) => state === 'done'),
    failed: tasks.filter(({ state }) => state === 'failed').map(failureOf),
    waiting: [...tasks.filter(({ isOver }) => !isOver).map(({ subscription }) => subscription.name), ...others],
  }
}

function endedOutcome(tasks: readonly Task[]): Omit<RoundOutcome, 'intake'> {
  return {
    done: tasks.filter(({ state }) => state === 'done'),
    failed: tasks.filter(({ state }) => state === 'failed').map(failureOf),
    unbegun: tasks.filter(({ state, isNoted }) => state === 'waiting' && isNoted),
  }
}
