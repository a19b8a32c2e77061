/**
 * Brings events to listeners: in the order they were let go, to each listener in the order it was registered.
 *
 * Knows no transaction: what comes here has been committed. Invariant: one event at a time, except for listeners that take several; what is
 * let go meanwhile waits behind what waits already.
 *
 * @module
 */
import type { Context } from '../core/context.js'
import { runInOrder } from '../core/run-in-order.js'
import type { DomainEvent } from './domain-event.js'
import { asDelivery, inContextOf, inFlight } from './in-flight.js'
import type { Listener } from './listener.js'

interface Released {
  readonly event: DomainEvent
  readonly context: Context
  /** Those who listened when it was let go. */
  readonly listeners: readonly Listener[]
}

class Delivery {
  #listeners: readonly Listener[] = []
  #waiting: Released[] = []
  #isRunning = false

  add(listener: Listener): void {
    this.#listeners = [...this.#listeners, listener]
  }

  remove(listener: Listener): void {
    this.#listeners = this.#listeners.filter((one) => one !== listener)
  }

  /** Delivers an event, never before the caller has gone on. */
  release(event: DomainEvent, context: Context): void {
    const listeners = this.#listeners
    if (listeners.length === 0) return
    this.#waiting.push({ event, context, listeners })
    if (this.#isRunning) return
    this.#isRunning = true
    inFlight.begin()
    asDelivery(() => queueMicrotask(() => void this.#run()))
  }

  async #run(): Promise<void> {
    while (this.#waiting.length > 0) {
      const released = this.#waiting
      this.#waiting = []
      for (const one of released) {
        const delivered = this.#deliver(one)
        if (delivered !== undefined) await delivered
      }
    }
    this.#isRunning = false
    inFlight.end()
  }

  #deliver({ event, context, listeners }: Released): void | Promise<void> {
    return inContextOf(context, () => runInOrder(listeners, (listener) => listener.take(event)))
  }
}

const DELIVERY = Symbol.for('flushpoint.event-delivery')
const shared = globalThis as unknown as Record<symbol, Delivery | undefined>
export const delivery = (shared[DELIVERY] ??= new Delivery())
