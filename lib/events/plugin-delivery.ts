/**
 * How a relay hands events over to a plugin, and what of that can never work.
 *
 * Knows no relay. Invariant: a number outside of its range is refused when the plugin is registered, not at its first event.
 *
 * @module
 */
import { checkOptions } from '../core/check-options.js'
import { assertWhole } from '../core/whole-number.js'

/** Without an outbox nothing of it counts. */
export interface PluginDelivery {
  /** How long one attempt may take. @defaultValue 30,000, at least 1 */
  readonly timeoutMs?: number
  /**
   * How often it is tried, and the shortest first and longest wait between, in milliseconds. @defaultValue 12, at least 1; 1,000 and 900,000, at
   * least 0
   */
  readonly retry?: { readonly attempts?: number; readonly baseMs?: number; readonly maxMs?: number }
  /** Whether events of a dead one's key go on or wait. @defaultValue `'skip'` */
  readonly onDead?: 'skip' | 'block'
  /** How many events, of different keys, it is handed side by side. @defaultValue 10, 1 to 10,000 */
  readonly concurrency?: number
  /** Runs `processEvent` in a transaction, `manager`, together with a note that the event was processed. @defaultValue `false` */
  readonly exactlyOnce?: boolean
}

const MOST_MS = 2 ** 31 - 1

/** @throws {ConfigurationError} OPTION_UNKNOWN · OPTION_INVALID */
export function assertDelivery(slug: string, delivery: PluginDelivery): void {
  const place = `the delivery of plugin "${slug}"`
  checkOptions(place, delivery, {
    timeoutMs: 'number',
    retry: 'object',
    onDead: ['skip', 'block'],
    concurrency: 'number',
    exactlyOnce: 'boolean',
  })
  const { timeoutMs, retry = {}, concurrency } = delivery
  checkOptions(place, retry, { attempts: 'number', baseMs: 'number', maxMs: 'number' })
  assertWhole(place, { timeoutMs }, [1, MOST_MS])
  assertWhole(place, { concurrency }, [1, 10_000])
  assertWhole(place, { 'retry.attempts': retry.attempts }, [1, 1_000_000])
  assertWhole(place, { 'retry.baseMs': retry.baseMs }, [0, MOST_MS])
  assertWhole(place, { 'retry.maxMs': retry.maxMs }, [0, Number.MAX_SAFE_INTEGER])
}
