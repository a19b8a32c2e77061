/**
 * Stops relays before their DataSource goes.
 *
 * Knows a DataSource by its public methods alone. Invariant: `destroy` does what it did, after that, and is given back when the last relay has
 * stopped.
 *
 * @module
 */
import type { DataSource } from 'typeorm'

export interface Stoppable {
  stop(options: { readonly timeoutMs: number }): Promise<void>
  /** Told when the DataSource is gone. */
  gone?(): void
}

/** How long a handler may hold up the end of the connection. */
const PATIENCE_MS = 2_000

interface Guard {
  readonly relays: Set<Stoppable>
  readonly restore: () => void
}

const guards = new WeakMap<DataSource, Guard>()

/** @returns Takes it off again. */
export function stopBeforeDestroy(dataSource: DataSource, relay: Stoppable): () => void {
  const guard = guards.get(dataSource) ?? guarded(dataSource)
  guard.relays.add(relay)
  return () => {
    guard.relays.delete(relay)
    if (guard.relays.size > 0) return
    guard.restore()
    guards.delete(dataSource)
  }
}

function guarded(dataSource: DataSource): Guard {
  const relays = new Set<Stoppable>()
  const isOwn = Object.hasOwn(dataSource, 'destroy')
  const { destroy } = dataSource
  const ours = async () => {
    const present = [...relays]
    await Promise.all(present.map((relay) => relay.stop({ timeoutMs: PATIENCE_MS }).catch(() => undefined)))
    await destroy.call(dataSource)
    for (const relay of present) relay.gone?.()
  }
  dataSource.destroy = ours
  const restore = () => {
    if (dataSource.destroy !== ours) return
    if (isOwn) dataSource.destroy = destroy
    else delete (dataSource as Partial<DataSource>).destroy
  }
  const guard = { relays, restore }
  guards.set(dataSource, guard)
  return guard
}
