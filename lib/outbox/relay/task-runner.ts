/**
 * Runs the tasks of one subscription in one loop: one after another for each key, keys side by side.
 *
 * Knows no table. Invariant: no two tasks of one key run at the same time; after one that failed no later one of its key is begun; what ended
 * late is busy until it is written down, since the table still says that it is due.
 *
 * @module
 */
import { performance } from 'node:perf_hooks'
import { OutboxError } from '../../core/errors.js'
import { groupBy } from '../../core/group-by.js'
import type { ActiveSubscription } from './active-subscription.js'
import { failInOrder, type Task } from './task.js'

/** How a runner is asked to stop taking up tasks: those that run go on. */
export class Closing {
  isClosed = false
}

export interface RunnerParts {
  /** Hands tasks over: one, or several where the subscription takes batches. Settles, and never rejects, when all of them have ended. */
  deliver(tasks: readonly Task[], abortSignal: () => AbortSignal): Promise<void> | void
  /** Whether the lease still stands under which this task may begin. */
  mayBegin(task: Task): boolean
  /** Told when tasks have ended that were still running when their round was closed. */
  ended(): void
}

interface Running {
  readonly tasks: readonly Task[]
  readonly dueMs: number
  /** Waits no longer for its handler. */
  expire: () => void
  controller: AbortController | undefined
  isLate: boolean
}

export class TaskRunner {
  readonly #subscription: ActiveSubscription
  readonly #parts: RunnerParts
  readonly #running = new Set<Running>()
  /** Of those that run on after their round was closed, and of those that have ended since. */
  readonly #busyKeys = new Set<string>()
  readonly #late = new Set<Task>()
  #whenIdle: (() => void)[] = []
  #timer: NodeJS.Timeout | undefined

  constructor(subscription: ActiveSubscription, parts: RunnerParts) {
    this.#subscription = subscription
    this.#parts = parts
  }

  toString(): string {
    return `TaskRunner "${this.#subscription.name}": ${this.#running.size} running, ${this.#late.size} late, ${this.#busyKeys.size} keys busy`
  }

  /** How many more it could begin now. */
  get capacity(): number {
    return Math.max(0, this.#lanesAtOnce - this.#running.size)
  }

  get busyKeys(): readonly string[] {
    return [...this.#busyKeys]
  }

  get busySequences(): readonly number[] {
    return this.#busy.map(({ message }) => message.seq)
  }

  isBusyWith(slot: number): boolean {
    return this.#busy.some(({ message }) => message.slot === slot)
  }

  /** What has ended after its round was closed, and is not {@link written} yet. */
  get late(): readonly Task[] {
    return [...this.#late]
  }

  /** What became of these is in the table, or will never be. */
  written(tasks: readonly Task[]): void {
    for (const task of tasks)
      if (this.#late.delete(task) && task.message.partitionKey !== null) this.#busyKeys.delete(task.message.partitionKey)
  }

  get #busy(): readonly Task[] {
    return [...[...this.#running].flatMap(({ tasks }) => tasks), ...this.#late]
  }

  get #batchSize(): number {
    const { deliver } = this.#subscription
    return deliver.kind === 'transport' ? deliver.batchSize : 1
  }

  get #lanesAtOnce(): number {
    return this.#subscription.deliver.kind === 'transport' ? 1 : this.#subscription.concurrency
  }

  /** Runs tasks, given in the order of their messages. Settles when all have ended or were left out; see {@link close}. */
  async run(tasks: readonly Task[], closing: Closing): Promise<void> {
    const lanes = this.#lanesOf(tasks)
    let next = 0
    const work = async () => {
      while (next < lanes.length && !closing.isClosed) await this.#runLane(lanes[next++]!, closing)
    }
    await Promise.all(Array.from({ length: Math.min(this.capacity, lanes.length) }, work))
  }

  /** What runs now ends late: whoever waits for the round waits no longer. */
  close(closing: Closing): void {
    closing.isClosed = true
    for (const running of this.#running) {
      running.isLate = true
      for (const { message } of running.tasks) if (message.partitionKey !== null) this.#busyKeys.add(message.partitionKey)
    }
  }

  abort(reason: unknown): void {
    for (const running of this.#running) {
      running.tasks.forEach((task) => task.abandon())
      ;(running.controller ??= new AbortController()).abort(reason)
    }
  }

  /** Settles when nothing runs. */
  idle(): Promise<void> {
    if (this.#running.size === 0) return Promise.resolve()
    return new Promise((resolve) => this.#whenIdle.push(resolve))
  }

  /** Tasks that go one after another: those of one key, or a batch. What has a key that is busy is left for later. */
  #lanesOf(tasks: readonly Task[]): readonly (readonly Task[])[] {
    const busy = new Set(this.busySequences)
    const free = tasks.filter(
      ({ message: { partitionKey, seq } }) => !busy.has(seq) && (partitionKey === null || !this.#busyKeys.has(partitionKey)),
    )
    if (this.#subscription.deliver.kind === 'transport') return free.length === 0 ? [] : [free]
    return [...groupBy(free, (task) => task.message.partitionKey ?? task).values()]
  }

  async #runLane(lane: readonly Task[], closing: Closing): Promise<void> {
    const heldUp = new Set<string>()
    for (let from = 0; from < lane.length && !closing.isClosed; from += this.#batchSize) {
      const batch = lane.slice(from, from + this.#batchSize).filter((task) => this.#isNext(task, heldUp))
      if (batch.length === 0) continue
      const delivered = this.#deliver(batch)
      if (delivered !== undefined) await delivered
      for (const { state, message } of batch) if (state !== 'done' && message.partitionKey !== null) heldUp.add(message.partitionKey)
    }
  }

  /** What is not begun, or failed, holds up its key. */
  #isNext(task: Task, heldUp: Set<string>): boolean {
    const { partitionKey } = task.message
    if (task.state === 'done' || (partitionKey !== null && heldUp.has(partitionKey))) return false
    const isNext = !task.isOver && this.#parts.mayBegin(task)
    if (!isNext && partitionKey !== null) heldUp.add(partitionKey)
    return isNext
  }

  #deliver(tasks: readonly Task[]): Promise<void> | undefined {
    const dueMs = performance.now() + this.#subscription.timeoutMs
    const running: Running = { tasks, dueMs, expire: () => {}, controller: undefined, isLate: false }
    this.#running.add(running)
    tasks.forEach((task) => task.begin())
    const delivered = this.#parts.deliver(tasks, () => (running.controller ??= new AbortController()).signal)
    if (delivered === undefined) return this.#over(running)
    this.#watch()
    const expired = new Promise<void>((resolve) => (running.expire = resolve))
    return Promise.race([delivered, expired]).then(() => this.#over(running))
  }

  #over(running: Running): undefined {
    this.#running.delete(running)
    if (running.isLate) {
      for (const task of running.tasks) this.#late.add(task)
      this.#parts.ended()
    }
    if (this.#running.size > 0) return
    for (const resolve of this.#whenIdle.splice(0)) resolve()
  }

  /** One timer for all: those begun first are due first. */
  #watch(): void {
    if (this.#timer !== undefined) return
    const [first] = this.#running
    if (first === undefined) return
    this.#timer = setTimeout(() => this.#expire(), Math.max(1, first.dueMs - performance.now()))
    this.#timer.unref()
  }

  #expire(): void {
    this.#timer = undefined
    const now = performance.now()
    for (const running of [...this.#running]) {
      if (running.dueMs > now) break
      const { name, timeoutMs } = this.#subscription
      const errorOf = ({ message: { id } }: Task) => new OutboxError('HANDLER_TIMEOUT', { subscription: name, id, timeoutMs })
      failInOrder(running.tasks, errorOf)
      ;(running.controller ??= new AbortController()).abort(errorOf(running.tasks[0]!)) // it may be asked for only now
      running.expire()
    }
    this.#watch()
  }
}
