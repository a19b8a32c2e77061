/**
 * Tells relays of this process that there is something to do.
 *
 * Knows no relay by name. Invariant: waking is a hint: a relay that misses it looks by itself before long.
 *
 * @module
 */
import type { DataSource } from 'typeorm'

const sleepers = new WeakMap<DataSource, Set<() => void>>()

/** @returns Takes it off again. */
export function onWakeUp(dataSource: DataSource, wake: () => void): () => void {
  let known = sleepers.get(dataSource)
  if (known === undefined) sleepers.set(dataSource, (known = new Set()))
  known.add(wake)
  return () => void known.delete(wake)
}

export function wakeRelays(dataSource: DataSource): void {
  for (const wake of sleepers.get(dataSource) ?? []) wake()
}
