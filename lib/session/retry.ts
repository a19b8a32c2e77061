/**
 * Tries something again that failed because of somebody else's work.
 *
 * Knows no database. Invariant: an error that would come again is thrown at once, and the last one is thrown as it is.
 *
 * @module
 */
import { randomInt } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'

export interface RetryRule {
  readonly attempts?: number | undefined
  readonly delayMs?: number | undefined
  isRetryable(error: unknown): boolean
}

/** Waits a random part of a doubling delay between tries ("full jitter", AWS Architecture Blog, 2015). */
export async function retry<T>(fn: (attempt: number) => Promise<T>, { attempts = 3, delayMs = 50, isRetryable }: RetryRule): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await fn(attempt)
    } catch (error) {
      if (attempt >= attempts || !isRetryable(error)) throw error
      await sleep(randomInt(Math.max(1, delayMs * 2 ** (attempt - 1)) + 1))
    }
  }
}
