/**
 * What a relay has done since it was made.
 *
 * Invariant: numbers only go up.
 *
 * @module
 */
export interface RelayCounters {
  /** Messages handled, counted once for each subscription. */
  handled: number
  /** Attempts that failed. */
  failed: number
  /** Messages given up. */
  dead: number
}
