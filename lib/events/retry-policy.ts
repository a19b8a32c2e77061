/**
 * How often what failed is tried again, and how long it waits.
 *
 * Knows no relay. Invariant: a policy that is worked with has every number, each within its range.
 *
 * @module
 */
import { checkOptions } from '../core/check-options.js'
import { assertWhole, LONGEST_TIMER_MS } from '../core/whole-number.js'

export interface RetryPolicy {
  /** How often a message is tried before it is dead. @defaultValue 12, at least 1 */
  readonly attempts?: number
  /** The longest wait before the second attempt; doubled before each further one, and a random part of it is waited. @defaultValue 1,000 */
  readonly baseMs?: number
  /** The longest wait of all. @defaultValue 900,000 */
  readonly maxMs?: number
}

const DEFAULTS: Required<RetryPolicy> = Object.freeze({ attempts: 12, baseMs: 1_000, maxMs: 900_000 })

/** @throws {ConfigurationError} OPTION_UNKNOWN · OPTION_INVALID */
export function assertRetry(place: string, retry: RetryPolicy): void {
  checkOptions(place, retry, { attempts: 'number', baseMs: 'number', maxMs: 'number' })
  assertWhole(place, { 'retry.attempts': retry.attempts }, [1, 1_000_000])
  assertWhole(place, { 'retry.baseMs': retry.baseMs }, [0, LONGEST_TIMER_MS])
  assertWhole(place, { 'retry.maxMs': retry.maxMs }, [0, Number.MAX_SAFE_INTEGER])
}

/** With a value for all that is not given, or given as undefined. */
export function fullRetry(retry: RetryPolicy = {}, defaults = DEFAULTS): Required<RetryPolicy> {
  const { attempts = defaults.attempts, baseMs = defaults.baseMs, maxMs = defaults.maxMs } = retry
  return Object.freeze({ attempts, baseMs, maxMs })
}
