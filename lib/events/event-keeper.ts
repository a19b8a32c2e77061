/**
 * The port to whoever keeps events, so that a crash loses none: an outbox.
 *
 * Knows no table. Invariant: an event that was taken by a keeper goes to plugins through it, and by no other way.
 *
 * @module
 */
import type { Context } from '../core/context.js'
import type { DomainEvent } from './domain-event.js'
import type { OpenWork } from './open-work.js'

/** An event as it is kept. */
export interface KeptEvent {
  /** Plugins are handed what was triggered, and not what was tracked. */
  readonly kind: 'tracked' | 'triggered'
  readonly name: string
  /** What it tells: the event itself where it was tracked. */
  readonly payload: unknown
  /** When it was made, in milliseconds of this process' clock. */
  readonly createdMs: number
  readonly context: Context
}

export interface EventKeeper {
  /** Keeps an event in the transaction of open work. @returns False where that has none. @throws When it could never be kept. */
  keepWith(work: OpenWork, event: KeptEvent): boolean
  /** Whether events of this work are kept. */
  isKeeping(work: OpenWork): boolean
  /** Whether events of this name are kept that are told outside of every transaction. */
  keepsNow(name: string): boolean
  /** @throws When such an event could never be kept. */
  check(event: KeptEvent): void
  /** Keeps such events by a transaction of its own; each that cannot be kept is told to `onEventError`. */
  keepNow(events: readonly KeptEvent[]): Promise<void>
}

const KEEPER = Symbol.for('flushpoint.event-keeper')
const shared = globalThis as unknown as Record<symbol, EventKeeper | undefined>

export function setEventKeeper(keeper: EventKeeper): void {
  shared[KEEPER] = keeper
}

export function eventKeeper(): EventKeeper | undefined {
  return shared[KEEPER]
}

/** An event that was tracked, as it is kept. */
export function keptOf(event: DomainEvent, context: Context): KeptEvent {
  const { actor } = event
  return {
    kind: 'tracked',
    name: event.name,
    payload: event,
    createdMs: event.created.getTime(),
    context: { ...context, actor: actor ?? undefined } as Context, // the event's own, also where it says that nobody did it
  }
}
