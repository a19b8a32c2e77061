/**
 * Which keys of which subscriptions have messages in the table of deliveries: newer ones must get in line behind them.
 *
 * Invariant: as exact as its holder's leases: of relays nobody else adds rows for slots that this loop holds; what is brought back at the desk is
 * learned when it is met.
 *
 * @module
 */
import type { OutboxConnection } from '../sql/outbox-database.js'
import { readWaitingKeys } from './delivery-reader.js'

export class BlockedKeys {
  readonly #keys = new Set<string>()

  /** Adds those that wait in the table. */
  async learn(connection: OutboxConnection, query: Parameters<typeof readWaitingKeys>[1]): Promise<void> {
    for (const key of await readWaitingKeys(connection, query)) this.block(query.name, key)
  }

  isBlocked(name: string, key: string | null): boolean {
    return key !== null && this.#keys.has(idOf(name, key))
  }

  block(name: string, key: string): void {
    this.#keys.add(idOf(name, key))
  }

  free(name: string, key: string): void {
    this.#keys.delete(idOf(name, key))
  }

  clear(): void {
    this.#keys.clear()
  }
}

function idOf(name: string, key: string): string {
  return `${name}\n${key}`
}
