/**
 * Makes messages of events.
 *
 * Knows no connection. Invariant: what could never be stored is refused when it is told; what is not known before the INSERT is filled in last.
 *
 * @module
 */
import { uuidv7 } from 'uuidv7'
import { OutboxError } from '../core/errors.js'
import { copyOfData } from '../events/copy-of-data.js'
import { hasDeferred, resolved } from '../events/deferred.js'
import { factsOf, isDomainEvent } from '../events/domain-event.js'
import type { KeptEvent } from '../events/event-keeper.js'
import { assertJson, jsonOf } from './json-payload.js'
import type { NewMessage } from './message.js'
import { checkedHeaders } from './message-headers.js'
import { aggregateOf, checkedKey, isStorable, slotOf, type Aggregate } from './partition-key.js'
import type { OutboxSettings } from './outbox-settings.js'

/** An event that waits for its commit. */
export interface PendingMessage {
  readonly event: KeptEvent
  readonly id: string
  readonly headers: string
  /** The message, where everything was known when the event was told. */
  readonly message: NewMessage | undefined
}

/** @throws {OutboxError} OUTBOX_PAYLOAD_INVALID · OUTBOX_KEY_INVALID · OUTBOX_NAME_INVALID */
export function pendingMessage(event: KeptEvent, settings: OutboxSettings): PendingMessage {
  const { name, payload } = event
  if (!isStorable(name)) throw new OutboxError('OUTBOX_NAME_INVALID', { length: name.length })
  const pending = {
    event,
    id: uuidv7(),
    headers: JSON.stringify(checkedHeaders(name, settings.headersOf(event.context))),
    message: undefined,
  }
  const data = dataOf(payload)
  if (!hasDeferred(data)) return { ...pending, message: messageFor(pending, settings) }
  assertJson(name, data)
  return isDomainEvent(payload) ? pending : { ...pending, event: { ...event, payload: copyOfData(payload) } }
}

/** @throws {OutboxError} OUTBOX_REF_UNRESOLVED · OUTBOX_PAYLOAD_INVALID · OUTBOX_KEY_INVALID */
export function messageFor({ event, id, headers, message }: PendingMessage, settings: OutboxSettings): NewMessage {
  if (message !== undefined) return message
  const { kind, name, createdMs } = event
  const data = dataOf(event.payload)
  const payload = jsonOf(name, data)
  const known = resolved(data)
  const about = storable(aggregateOf(name, known))
  const key = checkedKey(name, settings.partitionKeyOf({ name, payload: isDomainEvent(event.payload) ? event.payload : known }))
  return {
    id,
    kind,
    type: name,
    subject: about === undefined ? null : `${about.type}:${about.id}`,
    aggregateType: about?.type ?? null,
    aggregateId: about?.id ?? null,
    partitionKey: key ?? null,
    slot: slotOf(key ?? id, settings.slots),
    payload,
    headers,
    occurredAtMs: createdMs,
  }
}

/** What does not fit its columns is left out: it is for those who route by it, and no key. */
function storable(about: Aggregate | undefined): Aggregate | undefined {
  return about !== undefined && isStorable(`${about.type}:${about.id}`) ? about : undefined
}

function dataOf(payload: unknown): unknown {
  return isDomainEvent(payload) ? factsOf(payload) : payload
}
