/**
 * What the transport needs of a JetStream client: types, and reading its errors.
 *
 * Invariant: only what is used; a `JetStreamClient` of @nats-io/jetstream fits, and nothing is loaded to know that. So errors are known by
 * their names and codes.
 *
 * @module
 */
import { messageOf } from '../../core/errors.js'

export interface NatsHeaders {
  set(name: string, value: string): void
}

/** The stream's word that it keeps a message. */
export interface NatsAck {
  readonly stream: string
  readonly seq: number
  readonly duplicate?: boolean
}

/** A `JetStreamClient` of @nats-io/jetstream. */
export interface NatsJetStream {
  publish(subject: string, payload: Uint8Array, options?: { msgID?: string; timeout?: number; headers?: NatsHeaders }): Promise<NatsAck>
}

export type Refusal =
  { readonly kind: 'too large'; readonly limit: string } | { readonly kind: 'no stream' | 'no answer' | 'refused' | 'other' }

const MESSAGE_EXCEEDS_MAXIMUM = 10_054

/** What an error of the client says about the message that was published. */
export function refusalOf(error: unknown): Refusal {
  const { name, code } = (error ?? {}) as { readonly name?: unknown; readonly code?: unknown }
  const message = messageOf(error)
  if (name === 'InvalidArgumentError' && message.includes('max_payload')) return { kind: 'too large', limit: 'max_payload of the server' }
  if (name === 'JetStreamApiError')
    return code === MESSAGE_EXCEEDS_MAXIMUM ? { kind: 'too large', limit: 'max_msg_size of the stream' } : { kind: 'refused' }
  if (name === 'JetStreamNotEnabled') return { kind: 'no stream' }
  return { kind: name === 'TimeoutError' ? 'no answer' : 'other' }
}
