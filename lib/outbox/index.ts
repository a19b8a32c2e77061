/**
 * flushpoint/outbox: events that survive a crash.
 *
 * Every public name of this entry, listed once. Nothing in `lib` imports this file.
 *
 * @module
 */
import { startEmbeddedRelays } from './embedded-relay.js'

export { OutboxError } from '../core/errors.js'
export { ref } from '../events/deferred.js'
export type { ChangedColumns, ChangesEntry } from './change-columns.js'
export type { ChangePayload } from './change-events.js'
export type { CloudEvent } from './cloud-event.js'
export { embeddedRelayOf } from './embedded-relay.js'
export { once, type OnceOptions, type OnceResult } from './inbox.js'
export type {
  BlockedKey,
  DeadLetter,
  LetterFilter,
  OutboxDesk,
  OutboxStatus,
  RelayMember,
  ReplayFrom,
  SubscriptionStatus,
} from './outbox-desk.js'
export { outboxOf } from './outbox-of.js'
export type { OutboxOptions, OutgoingEvent } from './outbox-options.js'
export { Outbox } from './outbox.js'
export type { FullDelivery } from '../events/plugin-delivery.js'
export type { RetryPolicy } from '../events/retry-policy.js'
export { PermanentError } from './permanent-error.js'
export { createRelay, type CreateRelayOptions, type HealthLimits, type Relay, type RelayHealth, type StopOptions } from './relay.js'
export type { RelayCounters } from './relay/relay-counters.js'
export type { RelayOptions } from './relay/relay-options.js'
export { outboxEntities, outboxMigration, type OutboxEntityOptions } from './sql/outbox-entities.js'
export {
  subscription,
  transportSubscription,
  type HandlerCall,
  type MessageHandler,
  type Subscription,
  type SubscriptionOptions,
  type TransportSubscriptionOptions,
} from './subscription.js'
export type { PublishCall, PublishResult, Transport, TransportCapabilities } from './transport.js'

startEmbeddedRelays()
