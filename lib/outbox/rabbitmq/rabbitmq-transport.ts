/**
 * Hands events to an exchange of RabbitMQ, each as a persistent message that the broker confirms.
 *
 * Knows the channel by type alone. Invariant: nothing is sent on a channel without confirms, and a message that no queue took is not accepted
 * unless that was asked for.
 *
 * @module
 */
import { describeValue } from '../../core/describe-value.js'
import { messageOf, OutboxError } from '../../core/errors.js'
import type { CloudEvent } from '../cloud-event.js'
import { OpenBatches } from '../open-batches.js'
import { publishPerKey } from '../per-key-order.js'
import { tooLarge } from '../publish-result.js'
import { BOOLEAN, checkTransportOptions, NAME, OF_EVENT, textFor, type OfEvent } from '../transport-options.js'
import type { PublishCall, PublishResult, Transport, TransportCapabilities } from '../transport.js'
import { untilAborted } from '../until-aborted.js'
import { ConfirmedChannel, type Fate, type Message } from './confirmed-channel.js'
import type { RabbitMqChannel } from './rabbitmq-channel.js'

export interface RabbitMqTransportOptions {
  /** For logs and as the default name of its subscription. @defaultValue `rabbitmq:` and the name of the exchange */
  readonly name?: string
  /** Where events are sent. An empty text is the default exchange, whose routing keys are names of queues. */
  readonly exchange: string
  /** @defaultValue the event's type */
  readonly routingKey?: OfEvent
  /**
   * Whether an event that no queue takes is not accepted. With `false` it counts as accepted and is gone, as suits an exchange where nobody
   * may be listening. @defaultValue `true`
   */
  readonly mandatory?: boolean
}

const PLACE = 'RabbitMqTransport'
const CHECKS = {
  name: NAME,
  exchange: { wanted: 'a text', fits: (value: unknown) => typeof value === 'string' },
  routingKey: OF_EVENT,
  mandatory: BOOLEAN,
}
const CONTENT_TYPE = 'application/cloudevents+json'
const SHORT_TEXT_BYTES = 255
const TOO_LARGE = /message size (\d+).* larger than.* max size (\d+)/

/**
 * Publishes each event on a `ConfirmChannel` of amqplib, as a persistent message: a CloudEvent in structured mode
 * (`application/cloudevents+json`), with its `id` as `messageId`, its `type`, `timestamp`, `requestid` as `correlationId`, and the headers
 * `source`, `sequence`, `subject`, `partitionkey` and `traceparent` as far as it has them.
 *
 * An event is accepted when the broker has confirmed it: a durable queue keeps it then. It is not where the broker refuses it (a queue at its
 * `x-max-length` with `overflow: reject-publish`), where no queue took it, and where the channel closed before the confirm came.
 *
 * Order: an event waits for the confirms of the earlier ones of its `partitionkey`; others are under way meanwhile. A queue keeps that order for
 * one consumer (`x-single-active-consumer` where there are several). Duplicates: RabbitMQ knows none; what is published again arrives again,
 * with the same `messageId`.
 *
 * A channel closes with its connection, and when the broker refuses something outright, such as an exchange that is not there. Pass a function,
 * and it is asked for a new one then. Its channels belong to the transport, which closes them; a channel that was passed itself stays open.
 * The transport listens to errors of its channel, which become results; those of the connection are yours to listen to.
 *
 * @throws {OutboxError} TRANSPORT_CLIENT_INVALID
 * @throws {ConfigurationError} OPTION_UNKNOWN · OPTION_INVALID
 * @example
 * const connection = await amqp.connect(url, { recovery: true })
 * connection.on('error', (error) => logger.warn(error))
 * const transport = new RabbitMqTransport(() => connection.createConfirmChannel(), { exchange: 'events' })
 */
export class RabbitMqTransport implements Transport {
  readonly name: string
  readonly capabilities: TransportCapabilities = Object.freeze({ ordered: true, dedupe: false })
  readonly #source: RabbitMqChannel | (() => Promise<RabbitMqChannel>)
  readonly #exchange: string
  readonly #routingKey: OfEvent | undefined
  readonly #isMandatory: boolean
  readonly #batches: OpenBatches
  #channel: ConfirmedChannel | undefined
  #opening: Promise<ConfirmedChannel> | undefined

  constructor(channel: RabbitMqChannel | (() => Promise<RabbitMqChannel>), options: RabbitMqTransportOptions) {
    if (typeof channel !== 'function') checkChannel(channel)
    checkTransportOptions(PLACE, options, { checks: CHECKS, required: ['exchange'] })
    const { exchange, routingKey, mandatory = true } = options
    this.name = options.name ?? `rabbitmq:${exchange}`
    this.#source = channel
    this.#exchange = exchange
    this.#routingKey = routingKey
    this.#isMandatory = mandatory
    this.#batches = new OpenBatches(this.name)
    if (typeof channel !== 'function') this.#channel = new ConfirmedChannel(channel)
  }

  publish(batch: readonly CloudEvent[], { abortSignal }: PublishCall): Promise<readonly PublishResult[]> {
    return this.#batches.run(batch, async () => {
      const channel = await untilAborted(abortSignal, (orAborted) => orAborted(() => this.#openChannel()))
      return publishPerKey(batch, {
        transport: this.name,
        abortSignal,
        send: async (event) => {
          const message = this.#messageOf(event)
          this.#demandConfirmed(event, message, await channel.send(message, abortSignal))
        },
      })
    })
  }

  /** Waits for what is being published, then closes the channel where a function has made it. */
  async close(): Promise<void> {
    await this.#batches.close()
    await this.#channel?.letGo({ close: typeof this.#source === 'function' })
  }

  async #openChannel(): Promise<ConfirmedChannel> {
    if (this.#channel?.isOpen === true || typeof this.#source !== 'function') return this.#channel!
    const ask = this.#source
    this.#opening ??= this.#take(ask).finally(() => (this.#opening = undefined))
    return this.#opening
  }

  /** A channel that comes when nobody needs it any more is closed again. */
  async #take(ask: () => Promise<RabbitMqChannel>): Promise<ConfirmedChannel> {
    const given = await ask()
    checkChannel(given)
    const channel = new ConfirmedChannel(given)
    if (this.#batches.isOver) await channel.letGo({ close: true })
    return (this.#channel = channel)
  }

  #messageOf(event: CloudEvent): Message {
    const { id, type, time, requestid } = event
    return {
      exchange: this.#exchange,
      routingKey: this.#routingKey === undefined ? type : textFor(event, this.#routingKey),
      content: Buffer.from(JSON.stringify(event)),
      options: {
        messageId: id,
        type,
        timestamp: Math.floor(Date.parse(time) / 1_000),
        contentType: CONTENT_TYPE,
        persistent: true,
        mandatory: this.#isMandatory,
        // a longer one fits no property; the event has it all the same
        ...(requestid !== undefined && Buffer.byteLength(requestid) <= SHORT_TEXT_BYTES && { correlationId: requestid }),
        headers: headersOf(event),
      },
    }
  }

  #demandConfirmed(event: CloudEvent, { routingKey, content }: Message, fate: Fate): void {
    const [transport, type] = [this.name, event.type]
    switch (fate.kind) {
      case 'confirmed':
        return
      case 'returned':
        throw new OutboxError('TRANSPORT_EVENT_UNROUTABLE', { transport, type, target: `the routing key "${routingKey}"` })
      case 'nacked': {
        const reason = 'the broker did not confirm it, as where a queue is full'
        throw new OutboxError('TRANSPORT_EVENT_REFUSED', { transport, type, reason }, { cause: fate.error })
      }
      case 'channel closed': {
        const [, bytes, limit] = TOO_LARGE.exec(messageOf(fate.error)) ?? []
        if (Number(bytes) === content.length)
          throw tooLarge(event, { transport, bytes: content.length, limit: `max_message_size of the broker (${limit})`, cause: fate.error })
        const cause = fate.error === undefined ? 'it has been closed, or its connection is gone' : messageOf(fate.error)
        throw new OutboxError('TRANSPORT_CHANNEL_CLOSED', { transport, cause }, { cause: fate.error })
      }
    }
  }
}

function headersOf({ source, sequence, subject, partitionkey, traceparent }: CloudEvent): Record<string, string> {
  return {
    source,
    sequence,
    ...(subject !== undefined && { subject }),
    ...(partitionkey !== undefined && { partitionkey }),
    ...(traceparent !== undefined && { traceparent }),
  }
}

function checkChannel(given: RabbitMqChannel): void {
  const { publish, waitForConfirms } = (given ?? {}) as Partial<RabbitMqChannel>
  if (typeof publish === 'function' && typeof waitForConfirms === 'function') return
  const wanted = 'a ConfirmChannel of amqplib, or a function that opens one: without confirms nobody knows what the broker keeps'
  throw new OutboxError('TRANSPORT_CLIENT_INVALID', { transport: PLACE, given: describeValue(given), wanted })
}
