/**
 * Waits no longer than until a signal aborts, for what cannot be aborted itself.
 *
 * Knows not what is waited for. Invariant: one listener on the signal for each block, and none after it; what comes too late is heard by nobody.
 *
 * @module
 */

/** Begins something and waits for it; rejects with the signal's reason as soon as that aborts, and begins nothing afterwards. */
export type OrAborted = <T>(begin: () => Promise<T>) => Promise<T>

/** Runs `fn`, which waits for things through the function it is given. */
export async function untilAborted<T>(abortSignal: AbortSignal, fn: (orAborted: OrAborted) => Promise<T>): Promise<T> {
  let hear = (): void => undefined
  const aborted = new Promise<undefined>((resolve) => (hear = () => resolve(undefined)))
  abortSignal.addEventListener('abort', hear, { once: true })
  try {
    return await fn(async (begin) => {
      abortSignal.throwIfAborted()
      const ended = await Promise.race([begin().then((value) => ({ value })), aborted])
      if (ended === undefined) throw abortSignal.reason as unknown
      return ended.value
    })
  } finally {
    abortSignal.removeEventListener('abort', hear)
  }
}
