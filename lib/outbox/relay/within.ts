/**
 * Waits no longer than so long.
 *
 * Invariant: no timer is left behind.
 *
 * @module
 */

/** Settles with `work`, or when its time is over. */
export async function within(work: Promise<unknown>, timeoutMs: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const elapsed = new Promise<void>((resolve) => (timer = setTimeout(resolve, timeoutMs)))
  try {
    await Promise.race([work, elapsed])
  } finally {
    clearTimeout(timer)
  }
}
