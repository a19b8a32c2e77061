/**
 * Receivers that an extension brings along, for whatever outbox keeps events of its DataSource: nobody has to list them.
 *
 * Knows no outbox: what it holds has the shape that a relay works with. Invariant: a DataSource has one receiver of each name, the first.
 *
 * @module
 */
import type { FullDelivery } from './plugin-delivery.js'

export interface EventReceiver extends FullDelivery {
  readonly name: string
  readonly events: readonly string[]
  readonly deliver: { readonly kind: 'handler'; readonly handle: (event: { readonly data: unknown }) => Promise<void> }
}

const RECEIVERS = Symbol.for('flushpoint.event-receivers')
const shared = globalThis as unknown as Record<symbol, WeakMap<object, Map<string, EventReceiver>> | undefined>
const receivers = (shared[RECEIVERS] ??= new WeakMap())

/** Has relays of this DataSource, in this process, hand events to it, whether they run already or not. */
export function receiveEvents(dataSource: object, receiver: EventReceiver): void {
  const known = receivers.get(dataSource) ?? new Map<string, EventReceiver>()
  receivers.set(dataSource, known)
  if (!known.has(receiver.name)) known.set(receiver.name, receiver)
}

export function receiversOf(dataSource: object): readonly EventReceiver[] {
  return [...(receivers.get(dataSource)?.values() ?? [])]
}
