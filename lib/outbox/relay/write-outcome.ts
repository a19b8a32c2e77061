/**
 * Gets the outcome of a round into the tables, if need be by several tries.
 *
 * Decides nothing. Invariant: leases count as renewed only where the transaction that renewed them is committed.
 *
 * @module
 */
import type { OutboxSettings } from '../outbox-settings.js'
import { acknowledge, type Acknowledged } from './acknowledge.js'
import { isPluginOff } from './active-subscription.js'
import type { Leases } from './leases.js'
import { INTAKE } from './names.js'
import type { RoundOutcome } from './outcome.js'

/** How often it is tried before the round is given up: what was handled then is handled again. */
const ATTEMPTS = 5

export async function writeOutcome(
  outcome: RoundOutcome,
  { settings, leases }: { readonly settings: OutboxSettings; readonly leases: Leases },
): Promise<Acknowledged> {
  const { retentionMs } = settings.relay
  for (let attempt = 1; ; attempt++) {
    try {
      const { written, fence } = await settings.database.transaction(async (connection) => {
        const fence = await leases.fence(connection)
        const others = fence.others.filter((name) => name !== INTAKE && !isPluginOff(name))
        return { fence, written: await acknowledge(connection, outcome, { isHeld: fence.isHeld, others, retentionMs }) }
      })
      fence.committed()
      return written
    } catch (error) {
      if (attempt === ATTEMPTS || !settings.dataSource.isInitialized) throw error
      await new Promise((resolve) => setTimeout(resolve, 20 * 2 ** attempt))
    }
  }
}
