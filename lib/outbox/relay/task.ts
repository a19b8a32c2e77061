/**
 * One message on its way to one subscription.
 *
 * Knows no table. Invariant: a task that has ended does not change any more.
 *
 * @module
 */
import type { OutboxMessage } from '../message.js'
import type { ActiveSubscription } from './active-subscription.js'

/**
 * - `waiting`: not begun, not to be begun now, or given up without an end · `running`: its handler has it · `done` · `failed`, with `error`
 */
export type TaskState = 'waiting' | 'running' | 'done' | 'failed'

export class Task {
  readonly subscription: ActiveSubscription
  readonly message: OutboxMessage
  /** Counts from 1. */
  readonly attempt: number
  /** Whether it has a row of its own in the table of deliveries. */
  readonly hasRow: boolean
  /** Whether that row says that it was begun. */
  isNoted = false
  #state: TaskState = 'waiting'
  #error: unknown
  #isAbandoned = false
  #isHeld = false

  constructor({ subscription, message, attempt, hasRow }: Pick<Task, 'subscription' | 'message' | 'attempt' | 'hasRow'>) {
    this.subscription = subscription
    this.message = message
    this.attempt = attempt
    this.hasRow = hasRow
  }

  toString(): string {
    return `Task ${this.#state}: ${this.message.type} ${this.message.id} for "${this.subscription.name}", attempt ${this.attempt}`
  }

  get state(): TaskState {
    return this.#state
  }

  get error(): unknown {
    return this.#error
  }

  get isOver(): boolean {
    return this.#state === 'done' || this.#state === 'failed'
  }

  begin(): void {
    this.#isHeld = false
    if (!this.isOver) this.#state = 'running'
  }

  /** It waits for something it is tried with: failing before it is begun once more is no attempt. */
  hold(): void {
    this.#isHeld = true
  }

  succeed(): void {
    if (!this.isOver) this.#state = 'done'
  }

  fail(error: unknown): void {
    if (this.isOver) return
    this.#state = this.#isAbandoned || this.#isHeld ? 'waiting' : 'failed'
    this.#error = error
  }

  /** It was not tried: it waits as before. */
  postpone(): void {
    if (!this.isOver) this.#state = 'waiting'
  }

  /** The relay has no more time for it: failing now is no attempt. */
  abandon(): void {
    this.#isAbandoned = true
  }
}

/** Fails what was tried: of each key the first that is not done; the later ones have waited behind it. */
export function failInOrder(tasks: readonly Task[], errorOf: (task: Task) => unknown): void {
  const heldUp = new Set<string>()
  for (const task of tasks) {
    const { partitionKey } = task.message
    if (task.state === 'done') continue
    if (partitionKey !== null && heldUp.has(partitionKey)) task.postpone()
    else task.fail(errorOf(task))
    if (partitionKey !== null) heldUp.add(partitionKey)
  }
}
