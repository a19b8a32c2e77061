/**
 * Hands events to a stream of NATS JetStream.
 *
 * Knows the client by type alone. Invariant: the message id is the id of the event, so that the stream itself drops what it has already.
 *
 * @module
 */
import { describeValue } from '../../core/describe-value.js'
import { messageOf, OutboxError } from '../../core/errors.js'
import type { CloudEvent } from '../cloud-event.js'
import { OpenBatches } from '../open-batches.js'
import { publishPerKey } from '../per-key-order.js'
import { tooLarge } from '../publish-result.js'
import { checkTransportOptions, FUNCTION, NAME, OF_EVENT, textFor, TIMEOUT_MS, type OfEvent } from '../transport-options.js'
import type { PublishCall, PublishResult, Transport, TransportCapabilities } from '../transport.js'
import { refusalOf, type NatsAck, type NatsHeaders, type NatsJetStream } from './jetstream.js'

export interface NatsTransportOptions {
  /** For logs and as the default name of its subscription. @defaultValue `nats:` and the subject, or `nats` where that is a function */
  readonly name?: string
  /** Where events are sent; a stream has to take it. */
  readonly subject: OfEvent
  /**
   * `headers` of the NATS package: with it messages have the headers `content-type`, `traceparent` and `partitionkey`, which only that package
   * can make. @defaultValue none: the event itself tells both keys
   */
  readonly headers?: () => NatsHeaders
  /** Milliseconds to wait for the stream's word. @defaultValue the client's: 5000, if it was given no other */
  readonly timeoutMs?: number
}

const PLACE = 'NatsTransport'
const CHECKS = { name: NAME, subject: OF_EVENT, headers: FUNCTION, timeoutMs: TIMEOUT_MS }
const CONTENT_TYPE = 'application/cloudevents+json'

/**
 * Publishes each event to a stream of NATS JetStream, as a CloudEvent in structured mode, and waits for the stream's word that it keeps it.
 *
 * Duplicates: the event's id is the message id, so a stream drops what is published again within its `duplicate_window` (2 minutes, if it was
 * made without another); after that the event arrives again.
 *
 * Order: an event waits for the stream's word on the earlier ones of its `partitionkey`; others are under way meanwhile. A consumer keeps that
 * order where nothing is redelivered, or with `max_ack_pending: 1`.
 *
 * An event whose subject no stream takes is not accepted, nor is one that a stream with `discard: 'new'` has no room for: both are published
 * again. One that is larger than the server's `max_payload` (1 MiB, if it was configured to no other) or the stream's `max_msg_size` is refused
 * for good.
 *
 * The connection stays open when the transport is closed. Let it reconnect for as long as it takes, by `maxReconnectAttempts: -1`; its default
 * gives up after ten times.
 *
 * @throws {OutboxError} TRANSPORT_CLIENT_INVALID
 * @throws {ConfigurationError} OPTION_UNKNOWN · OPTION_INVALID
 * @example
 * const connection = await connect({ servers: 'nats', maxReconnectAttempts: -1 })
 * const transport = new NatsTransport(jetstream(connection), { subject: ({ type }) => `events.${type}`, headers })
 */
export class NatsTransport implements Transport {
  readonly name: string
  readonly capabilities: TransportCapabilities = Object.freeze({ ordered: true, dedupe: true })
  readonly #client: NatsJetStream
  readonly #subject: OfEvent
  readonly #newHeaders: (() => NatsHeaders) | undefined
  readonly #timeoutMs: number | undefined
  readonly #batches: OpenBatches

  constructor(client: NatsJetStream, options: NatsTransportOptions) {
    if (!isJetStream(client)) {
      const wanted = 'a JetStreamClient, as jetstream(connection) makes it: a connection alone keeps nothing'
      throw new OutboxError('TRANSPORT_CLIENT_INVALID', { transport: PLACE, given: describeValue(client), wanted })
    }
    checkTransportOptions(PLACE, options, { checks: CHECKS, required: ['subject'] })
    const { subject, headers, timeoutMs } = options
    this.name = options.name ?? (typeof subject === 'string' ? `nats:${subject}` : 'nats')
    this.#client = client
    this.#subject = subject
    this.#newHeaders = headers
    this.#timeoutMs = timeoutMs
    this.#batches = new OpenBatches(this.name)
  }

  publish(batch: readonly CloudEvent[], { abortSignal }: PublishCall): Promise<readonly PublishResult[]> {
    return this.#batches.run(batch, () => publishPerKey(batch, { transport: this.name, abortSignal, send: (event) => this.#send(event) }))
  }

  /** Waits for what is being published. The connection stays open. */
  close(): Promise<void> {
    return this.#batches.close()
  }

  async #send(event: CloudEvent): Promise<void> {
    const subject = textFor(event, this.#subject)
    const payload = Buffer.from(JSON.stringify(event))
    const { type } = event
    let ack: NatsAck
    try {
      ack = await this.#client.publish(subject, payload, {
        msgID: event.id,
        ...(this.#timeoutMs !== undefined && { timeout: this.#timeoutMs }),
        ...(this.#newHeaders !== undefined && { headers: headersOf(event, this.#newHeaders()) }),
      })
    } catch (error) {
      throw this.#explained(error, { event, subject, bytes: payload.length })
    }
    if (isAck(ack)) return
    const reason = `what answers on "${subject}" is no stream`
    throw new OutboxError('TRANSPORT_EVENT_REFUSED', { transport: this.name, type, reason })
  }

  #explained(error: unknown, { event, subject, bytes }: { event: CloudEvent; subject: string; bytes: number }): unknown {
    const refusal = refusalOf(error)
    const [transport, { type }, options] = [this.name, event, { cause: error }]
    switch (refusal.kind) {
      case 'too large':
        return tooLarge(event, { transport, bytes, limit: refusal.limit, cause: error })
      case 'no stream':
        return new OutboxError('TRANSPORT_EVENT_UNROUTABLE', { transport, type, target: `the subject "${subject}"` }, options)
      case 'no answer':
        return new OutboxError('TRANSPORT_EVENT_UNANSWERED', { transport, type }, options)
      case 'refused':
        return new OutboxError('TRANSPORT_EVENT_REFUSED', { transport, type, reason: messageOf(error) }, options)
      case 'other':
        return error
    }
  }
}

/** A connection has a `publish`, too, but that one tells nobody whether anything was kept. */
function isJetStream(client: unknown): boolean {
  const { publish, subscribe } = (client ?? {}) as { readonly publish?: unknown; readonly subscribe?: unknown }
  return typeof publish === 'function' && subscribe === undefined
}

function isAck({ stream, seq }: Partial<NatsAck>): boolean {
  return typeof stream === 'string' && stream !== '' && typeof seq === 'number'
}

function headersOf({ partitionkey, traceparent }: CloudEvent, headers: NatsHeaders): NatsHeaders {
  headers.set('content-type', CONTENT_TYPE)
  if (traceparent !== undefined) headers.set('traceparent', visible(traceparent))
  if (partitionkey !== undefined) headers.set('partitionkey', visible(partitionkey))
  return headers
}

/** Percent-encoded as headers of CloudEvents are: `"`, `%` and whatever is no visible ASCII character. Half a surrogate becomes U+FFFD. */
function visible(text: string): string {
  return text.replace(/[^!#$&-~]+/gu, (rest) => encodeURIComponent(Buffer.from(rest).toString()))
}
