/**
 * Brings events to listeners: in the order they were let go, each to the listeners in the order these were registered.
 *
 * Knows no transaction: what comes here has been committed. Invariant: it waits for no listener; one that has to wait has a queue of its own.
 *
 * @module
 */
import type { Context } from '../core/context.js'
import type { DomainEvent } from './domain-event.js'
import { asDelivery, inFlight } from './in-flight.js'
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
    asDelivery(() => queueMicrotask(() => this.#run()))
  }

  /** What listeners track meanwhile waits behind what waits already. */
  #run(): void {
    while (this.#waiting.length > 0) {
      const released = this.#waiting
      this.#waiting = []
      for (const { event, context, listeners } of released) for (const listener of listeners) listener.take(event, context)
    }
    this.#isRunning = false
    inFlight.end()
  }
}

const DELIVERY = Symbol.for('flushpoint.event-delivery')
const shared = globalThis as unknown as Record<symbol, Delivery | undefined>
export const delivery = (shared[DELIVERY] ??= new Delivery())
