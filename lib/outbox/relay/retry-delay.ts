/**
 * How long a failed message waits.
 *
 * Invariant: never longer than the policy's longest wait.
 *
 * @module
 */
import type { RetryPolicy } from '../../events/retry-policy.js'

/**
 * Exponential backoff with full jitter. Source: M. Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015.
 *
 * @param attempt The attempt that failed, from 1.
 */
export function retryDelayMs({ baseMs, maxMs }: Required<RetryPolicy>, attempt: number, random = Math.random): number {
  return Math.round(random() * Math.min(maxMs, baseMs * 2 ** Math.min(attempt - 1, 60)))
}
