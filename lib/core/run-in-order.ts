/**
 * Runs steps strictly one after another.
 *
 * Knows nothing of hooks. Invariant: the next step starts only when the one before has settled, and none starts after an error;
 * while every step is synchronous so is the whole, with no promise made.
 *
 * @module
 */

/** Whether a value can be awaited: a promise of any library, not only the built-in one. */
export function isThenable(value: unknown): value is PromiseLike<unknown> {
  return (
    (typeof value === 'object' || typeof value === 'function') && value !== null && typeof (value as { then?: unknown }).then === 'function'
  )
}

/** Calls `step` for each item in order; a returned promise is awaited before the next call. Stops at the first error, which is passed on as thrown. */
export function runInOrder<T>(items: readonly T[], step: (item: T) => unknown): void | Promise<void> {
  for (let index = 0; index < items.length; index++) {
    const result = step(items[index]!)
    if (isThenable(result)) return continueInOrder(result, items.slice(index + 1), step)
  }
}

async function continueInOrder<T>(first: PromiseLike<unknown>, rest: readonly T[], step: (item: T) => unknown): Promise<void> {
  await first
  for (const item of rest) await step(item)
}
