/**
 * What relays of this process were given instead of what is listed.
 *
 * Keeps no relay. Invariant: of one name the latest counts.
 *
 * @module
 */
import type { DataSource } from 'typeorm'
import type { Subscription } from '../subscription.js'

const own = new WeakMap<DataSource, Map<string, Subscription>>()

export function noteOwnSubscriptions(dataSource: DataSource, subscriptions: readonly Subscription[]): void {
  const known = own.get(dataSource) ?? new Map<string, Subscription>()
  own.set(dataSource, known)
  for (const subscription of subscriptions) known.set(subscription.name, subscription)
}

export function ownSubscriptionsOf(dataSource: DataSource): readonly Subscription[] {
  return [...(own.get(dataSource)?.values() ?? [])]
}
