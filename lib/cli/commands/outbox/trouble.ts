/**
 * When somebody should look at an outbox.
 *
 * Prints nothing. Invariant: a sentence for each trouble of each subscription; none where all is well.
 *
 * @module
 */
import type { OutboxStatus, SubscriptionStatus } from '../../../outbox/outbox-desk.js'
import { counted, duration } from '../../screen/printable.js'

export function troubleOf({ subscriptions, relays }: OutboxStatus, maxAgeMs: number): readonly string[] {
  const attended = new Set(relays.flatMap((relay) => relay.subscriptions))
  return subscriptions.flatMap((subscription) => [
    ...deadOf(subscription),
    ...lateOf(subscription, maxAgeMs),
    ...(attended.has(subscription.name) ? [] : leftOf(subscription)),
  ])
}

function deadOf({ name, dead }: SubscriptionStatus): string[] {
  return dead === 0 ? [] : [`${name} has ${counted(dead, 'dead letter')}`]
}

function lateOf({ name, oldestAgeMs }: SubscriptionStatus, maxAgeMs: number): string[] {
  if (oldestAgeMs === null || oldestAgeMs <= maxAgeMs) return []
  return [`the oldest message of ${name} has waited for ${duration(oldestAgeMs)}, wanted are at most ${duration(maxAgeMs)}`]
}

function leftOf({ name, backlog }: SubscriptionStatus): string[] {
  return backlog === 0
    ? []
    : [`${counted(backlog, 'message')} of ${name} ${backlog === 1 ? 'waits' : 'wait'}, and no relay that is alive handles it`]
}
