/**
 * Tells what listeners and plugins throw, since nobody is left whom it could stop.
 *
 * Knows no delivery. Invariant: never throws itself, and never prints what an event tells.
 *
 * @module
 */
import { describeValue } from '../core/describe-value.js'
import { EventError, messageOf } from '../core/errors.js'
import { isThenable } from '../core/run-in-order.js'
import type { Connection } from '../core/signal.js'
import { warn } from '../core/warn.js'
import { connection } from './connection.js'

/** Where an error came from. */
export interface EventFailure {
  /** The event as it was delivered: a DomainEvent, or what a plugin was handed. */
  readonly event: { readonly name: string }
  /** The name of the listener's function, the slug of the plugin, or of the subscription of an outbox. */
  readonly listener: string
  readonly kind: 'listener' | 'plugin' | 'outbox'
  /** Of a relay: which attempt has failed, from 1, and whether it was the last. */
  readonly attempt?: number
  readonly isDead?: boolean
}

export type EventErrorHandler = (error: unknown, failure: EventFailure) => unknown

const HANDLERS = Symbol.for('flushpoint.event-error-handlers')
const shared = globalThis as unknown as Record<symbol, Set<{ readonly handle: EventErrorHandler }> | undefined>
const handlers = (shared[HANDLERS] ??= new Set())

/**
 * Hears what listeners and plugins throw. While nobody listens it becomes a process warning, EVENT_LISTENER_FAILED, which names event and
 * listener.
 *
 * @returns Takes it off again.
 * @throws {EventError} EVENT_LISTENER_INVALID when it is no function.
 * @example
 * onEventError((error, { event, listener }) => logger.error({ error, event: event.name, listener }))
 */
export function onEventError(handle: EventErrorHandler): Connection {
  if (typeof handle !== 'function') throw new EventError('EVENT_LISTENER_INVALID', { given: describeValue(handle) })
  const entry = { handle }
  handlers.add(entry)
  return connection(() => void handlers.delete(entry))
}

/** How many would hear of a failure. */
export function eventFailureListeners(): number {
  return handlers.size
}

export function reportEventFailure(error: unknown, failure: EventFailure): void {
  if (handlers.size === 0) return say(error, failure)
  for (const { handle } of [...handlers]) {
    try {
      const result = handle(error, failure)
      if (isThenable(result)) void Promise.resolve(result).catch(sayHandlerFailed)
    } catch (another) {
      sayHandlerFailed(another)
    }
  }
}

function say(error: unknown, { event, listener, kind }: EventFailure): void {
  const who = kind === 'listener' ? `The listener ${listener}` : `The ${kind === 'plugin' ? 'plugin' : 'subscription'} "${listener}"`
  warn('EVENT_LISTENER_FAILED', `${who} failed at "${event.name}": ${textOf(error)}`)
}

function sayHandlerFailed(error: unknown): void {
  warn('EVENT_LISTENER_FAILED', `A handler of onEventError failed: ${textOf(error)}`)
}

/** Anything can be thrown, also what cannot be made a text. */
function textOf(error: unknown): string {
  try {
    return messageOf(error)
  } catch {
    return describeValue(error)
  }
}
