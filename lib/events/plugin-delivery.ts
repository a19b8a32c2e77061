/**
 * How a relay hands messages over, to a plugin and to whoever else it has, and what of that can never work.
 *
 * Knows no relay. Invariant: a number outside of its range is refused where it is given, not at the first message.
 *
 * @module
 */
import { checkOptions, type OptionKinds } from '../core/check-options.js'
import { assertWhole, LONGEST_TIMER_MS } from '../core/whole-number.js'
import { assertRetry, fullRetry, type RetryPolicy } from './retry-policy.js'

/** Without an outbox nothing of it counts. */
export interface PluginDelivery {
  /** How long one attempt may take. @defaultValue 30,000, at least 1 */
  readonly timeoutMs?: number
  readonly retry?: RetryPolicy
  /** Whether events of a dead one's key go on or wait. @defaultValue `'skip'` */
  readonly onDead?: 'skip' | 'block'
  /** How many events, of different keys, it is handed side by side. @defaultValue 10, 1 to 10,000 */
  readonly concurrency?: number
  /** Runs `processEvent` in a transaction, `manager`, together with a note that the event was processed. @defaultValue `false` */
  readonly exactlyOnce?: boolean
}

/** How something is handed over, with nothing left open. */
export interface FullDelivery extends Required<PluginDelivery> {
  readonly retry: Required<RetryPolicy>
}

export const DELIVERY_KINDS = {
  timeoutMs: 'number',
  retry: 'object',
  onDead: ['skip', 'block'],
  concurrency: 'number',
  exactlyOnce: 'boolean',
} as const satisfies Record<keyof PluginDelivery, OptionKinds[string]>

/** @throws {ConfigurationError} OPTION_UNKNOWN · OPTION_INVALID */
export function assertDelivery(place: string, delivery: PluginDelivery): void {
  checkOptions(place, delivery, DELIVERY_KINDS)
  assertRetry(place, delivery.retry ?? {})
  assertWhole(place, { timeoutMs: delivery.timeoutMs }, [1, LONGEST_TIMER_MS])
  assertWhole(place, { concurrency: delivery.concurrency }, [1, 10_000])
}

/** With a value for all that is not given, or given as undefined. */
export function fullDelivery(delivery: PluginDelivery = {}): FullDelivery {
  const { timeoutMs = 30_000, retry, onDead = 'skip', concurrency = 10, exactlyOnce = false } = delivery
  return { timeoutMs, retry: fullRetry(retry), onDead, concurrency, exactlyOnce }
}
