/**
 * Keeps events that belong to no transaction, and tells what fails.
 *
 * Knows no table. Invariant: never throws for what goes wrong later; whoever waits for events waits for this as well.
 *
 * @module
 */
import { reportEventFailure } from './event-failures.js'
import { eventKeeper, type KeptEvent } from './event-keeper.js'
import { inFlight } from './in-flight.js'

/**
 * Hands events to whoever keeps them, by a transaction of its own.
 *
 * @returns What nobody keeps.
 */
export function keepNow(events: readonly KeptEvent[]): readonly KeptEvent[] {
  const keeper = eventKeeper()
  if (keeper === undefined) return events
  const kept = new Set(events.filter(({ name }) => keeper.keepsNow(name)))
  if (kept.size === 0) return events
  keepInBackground(keeper.keepNow([...kept]), [...kept])
  return events.filter((event) => !kept.has(event))
}

/** Whoever waits for events waits for this, too; what fails is told for each of them. */
export function keepInBackground(keeping: Promise<void>, events: readonly KeptEvent[]): void {
  inFlight.begin()
  void keeping
    .catch((error: unknown) => events.forEach((event) => reportEventFailure(error, { event, listener: 'outbox', kind: 'outbox' })))
    .finally(() => inFlight.end())
}
