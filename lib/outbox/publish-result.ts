/**
 * What a transport answers for one event.
 *
 * Knows no queue or broker. Invariant: results are frozen, and one that will never be accepted carries a `PermanentError`.
 *
 * @module
 */
import { OutboxError } from '../core/errors.js'
import type { CloudEvent } from './cloud-event.js'
import { PermanentError } from './permanent-error.js'
import type { PublishResult } from './transport.js'

export function accepted({ id }: CloudEvent): PublishResult {
  return Object.freeze({ id, isAccepted: true })
}

export function notAccepted({ id }: CloudEvent, error: unknown): PublishResult {
  return Object.freeze({ id, isAccepted: false, error })
}

export interface Excess {
  readonly transport: string
  readonly bytes: number
  /** Who sets the limit, and which where it is known: `max_payload of the server (1048576)`. */
  readonly limit: string
  /** The refusal, as the other system said it. */
  readonly cause?: unknown
}

/** Trying again would not help: its `cause` is the error of the catalogue, and the cause of that one what the other system has said. */
export function tooLarge({ type }: CloudEvent, { transport, bytes, limit, cause }: Excess): PermanentError {
  const told = new OutboxError('TRANSPORT_EVENT_TOO_LARGE', { transport, type, bytes, limit }, cause === undefined ? {} : { cause })
  return new PermanentError(told.message, { cause: told })
}
