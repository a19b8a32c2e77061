/**
 * Messages that may have ended a process: how they are begun, and when they are given up.
 *
 * Knows no table. Invariant: a message that was begun and not ended is begun again only where no other one of that kind runs in this process, so
 * that none is blamed for another; those that were begun least often come first.
 *
 * @module
 */
import { OutboxError } from '../../core/errors.js'
import { PermanentError } from '../permanent-error.js'
import type { ActiveSubscription } from './active-subscription.js'
import type { DueDelivery } from './delivery-reader.js'
import { enterSolitude, leaveSolitude } from './solitude.js'
import { Task } from './task.js'

/** How often a message may end its process before it is dead. */
const MAX_UNFINISHED = 3

interface Due {
  readonly task: Task
  /** How often it was begun and not ended. */
  readonly unfinished: number
}

export class Suspects {
  readonly #wake: () => void
  #upTo = 0
  #alone: Task | undefined
  /** Subscriptions whose suspects have waited while others were begun: theirs is the next turn. */
  readonly #passedOver = new Set<string>()

  /** @param wake Called when a suspect that was not begun may be begun now. */
  constructor(wake: () => void) {
    this.#wake = wake
  }

  /** Somebody went away without a word: messages up to this sequence may be why. */
  suspect(upTo: number): void {
    this.#upTo = Math.max(this.#upTo, upTo)
  }

  /** Whether its begin has to be written down before. */
  isSuspect({ message }: Task): boolean {
    return message.seq <= this.#upTo
  }

  /** What of the due deliveries of a subscription is begun now. */
  choose(rows: readonly DueDelivery[], subscription: ActiveSubscription): readonly Task[] {
    const due = rows.map((row) => dueOf(row, subscription))
    const over = due.flatMap(({ task }) => (task.isOver ? [task] : []))
    const { normal, suspicious } = sorted(due)
    if (suspicious.length === 0) return [...over, ...normal]
    const alone = this.#nextAlone(suspicious, { name: subscription.name, hasOthers: normal.length > 0 })
    return [...over, ...(alone === undefined ? normal : [alone])]
  }

  /** Those of these tasks whose begin has to be written down. */
  toNote(tasks: readonly Task[]): readonly Task[] {
    return tasks.filter((task) => task.hasRow && !task.isOver && (this.isSuspect(task) || task === this.#alone))
  }

  /** What became of these is written down, or will never be. */
  written(tasks: readonly Task[]): void {
    if (this.#alone !== undefined && tasks.includes(this.#alone)) this.#leave(this.#alone)
  }

  /** Nothing comes of this round. */
  giveUp(): void {
    if (this.#alone?.state === 'waiting') this.#leave(this.#alone)
  }

  #nextAlone(suspicious: readonly Due[], { name, hasOthers }: { readonly name: string; readonly hasOthers: boolean }): Task | undefined {
    const isTurn = this.#alone === undefined && (!hasOthers || this.#passedOver.has(name))
    const task = leastBegun(suspicious)
    if (!isTurn || !enterSolitude(task, this.#wake)) {
      this.#passedOver.add(name)
      return undefined
    }
    this.#passedOver.delete(name)
    this.#alone = task
    return task
  }

  #leave(task: Task): void {
    this.#alone = undefined
    leaveSolitude(task)
  }
}

/** What nobody suspects, and of the others those that are the first of their key; what is behind one of these waits. */
function sorted(due: readonly Due[]): { readonly normal: readonly Task[]; readonly suspicious: readonly Due[] } {
  const normal: Task[] = []
  const suspicious: Due[] = []
  const last = new Map<string, 'normal' | 'suspicious'>()
  for (const one of due) {
    const { task, unfinished } = one
    const key = task.message.partitionKey
    const before = key === null ? undefined : last.get(key)
    if (task.isOver || before === 'suspicious') continue
    if (unfinished === 0) normal.push(task)
    else if (before === undefined) suspicious.push(one)
    if (key !== null) last.set(key, unfinished === 0 ? 'normal' : 'suspicious')
  }
  return { normal, suspicious }
}

/** Of two that were begun equally often the older one. */
function leastBegun(suspicious: readonly Due[]): Task {
  return suspicious.reduce((least, one) => (one.unfinished < least.unfinished ? one : least)).task
}

function dueOf({ message, attempts, started }: DueDelivery, subscription: ActiveSubscription): Due {
  const task = new Task({ subscription, message, attempt: attempts + 1, hasRow: true })
  const unfinished = started - attempts
  if (!subscription.wants(message)) task.succeed()
  if (unfinished >= MAX_UNFINISHED) {
    const { name } = subscription
    const cause = new OutboxError('HANDLER_KILLED_ITS_PROCESS', { subscription: name, id: message.id, times: unfinished })
    task.fail(new PermanentError(cause.message, { cause }))
  }
  return { task, unfinished }
}
