/**
 * Counts what is being delivered, for those who want to wait until nothing is.
 *
 * Knows not what it counts. Invariant: each begin has one end.
 *
 * @module
 */
import { FrameSlot } from '../core/async-frame.js'
import type { Context } from '../core/context.js'
import { withContext } from '../core/context.js'
import { EventError } from '../core/errors.js'
import { isInTransaction, outsideOfWork } from './open-work.js'

const delivering = new FrameSlot<true>('event-delivery')

class InFlight {
  #count = 0
  #waiting: (() => void)[] = []

  begin(): void {
    this.#count++
  }

  end(): void {
    if (--this.#count > 0) return
    for (const resolve of this.#waiting.splice(0)) resolve()
  }

  async settled(): Promise<void> {
    while (this.#count > 0) await new Promise<void>((resolve) => this.#waiting.push(resolve))
  }
}

const IN_FLIGHT = Symbol.for('flushpoint.events-in-flight')
const shared = globalThis as unknown as Record<symbol, InFlight | undefined>
export const inFlight = (shared[IN_FLIGHT] ??= new InFlight())

/** Runs what delivers: outside of the transaction and the request it is called in, and known as a delivery. */
export function asDelivery<T>(fn: () => T): T {
  return outsideOfWork(() => delivering.run(true, fn))
}

/** Runs `fn` in the context of whoever let the event go; nothing else of that one's call is around it. */
export function inContextOf<T>(context: Context, fn: () => T): T {
  return Object.keys(context).length === 0 ? fn() : withContext(context, fn)
}

/**
 * Waits until nothing is being delivered, to listeners or plugins, events included that are tracked meanwhile. Events that wait for a commit
 * are not waited for, nor is what was begun by listeners and plugins that have been taken off. For tests, and for the end of a program.
 *
 * @throws {EventError} EVENTS_AWAIT_THEMSELVES inside a listener or plugin, and inside an open transaction, which listeners that write may
 *   wait for.
 * @example
 * process.once('SIGTERM', () => void server.close(async () => {
 *   await eventsSettled()
 *   await dataSource.destroy()
 * }))
 */
export async function eventsSettled(): Promise<void> {
  if (delivering.get() === true) throw new EventError('EVENTS_AWAIT_THEMSELVES', { where: 'a listener or plugin' })
  if (isInTransaction()) throw new EventError('EVENTS_AWAIT_THEMSELVES', { where: 'a transaction' })
  await inFlight.settled()
}
