/**
 * One channel to RabbitMQ for as long as it is open: sends, and waits for the confirm of each message.
 *
 * Knows no events. Invariant: a message is sent only while the channel has room, and `send` resolves only when the broker has confirmed it and
 * has not sent it back before.
 *
 * @module
 */
import type { RabbitMqChannel, RabbitMqMessageOptions } from './rabbitmq-channel.js'

export interface Message {
  readonly exchange: string
  readonly routingKey: string
  readonly content: Buffer
  readonly options: RabbitMqMessageOptions
}

/** What became of a message that went out. */
export type Fate =
  | { readonly kind: 'confirmed' | 'returned' }
  | { readonly kind: 'nacked'; readonly error: unknown }
  /** `error` says why the channel closed, where it was told. */
  | { readonly kind: 'channel closed'; readonly error: unknown }

interface Flight {
  isReturned: boolean
}

export class ConfirmedChannel {
  readonly #channel: RabbitMqChannel
  /** By message id; one that is sent twice at a time is on two flights. */
  readonly #flights = new Map<string, Set<Flight>>()
  #closed: { readonly error: unknown } | undefined
  #lastError: unknown
  #full: { readonly until: Promise<void>; readonly end: () => void } | undefined

  constructor(channel: RabbitMqChannel) {
    this.#channel = channel
    channel.on('error', this.#onError)
    channel.on('return', this.#onReturn)
    channel.on('drain', this.#onDrain)
    channel.on('close', this.#onClose)
  }

  get isOpen(): boolean {
    return this.#closed === undefined
  }

  /** Sends nothing where the signal has aborted before there was room; the caller knows then. */
  async send(message: Message, abortSignal: AbortSignal): Promise<Fate> {
    while (this.#full !== undefined) await this.#full.until
    abortSignal.throwIfAborted()
    if (this.#closed !== undefined) return { kind: 'channel closed', ...this.#closed }
    const { messageId } = message.options
    const flight: Flight = { isReturned: false }
    const flights = this.#flights.get(messageId) ?? new Set()
    this.#flights.set(messageId, flights.add(flight))
    try {
      const error = await this.#confirmOf(message)
      return this.#fateOf(flight, error)
    } finally {
      flights.delete(flight)
      if (flights.size === 0) this.#flights.delete(messageId)
    }
  }

  /** Stops listening, and closes the channel where it is asked to. */
  async letGo({ close }: { readonly close: boolean }): Promise<void> {
    if (this.#closed !== undefined) return
    this.#onClose()
    // a channel that cannot be closed has closed meanwhile
    if (close) await this.#channel.close().catch(() => undefined)
    this.#channel.removeListener('error', this.#onError)
    this.#channel.removeListener('return', this.#onReturn)
    this.#channel.removeListener('drain', this.#onDrain)
    this.#channel.removeListener('close', this.#onClose)
  }

  /** Null for an ack, else the error. */
  #confirmOf({ exchange, routingKey, content, options }: Message): Promise<unknown> {
    return new Promise((resolve, reject) => {
      try {
        if (!this.#channel.publish(exchange, routingKey, content, options, resolve)) this.#waitForRoom()
      } catch (error) {
        // amqplib throws it on a channel that is closed or closing; other errors are about this message alone
        if ((error as { readonly name?: unknown }).name !== 'IllegalOperationError') return reject(error as Error)
        this.#lastError ??= error
        this.#onClose()
        resolve(error)
      }
    })
  }

  /** Asked a turn after the callback: by then the channel has said whether it has closed. */
  #fateOf(flight: Flight, error: unknown): Fate {
    if (error !== null && error !== undefined)
      return this.#closed === undefined ? { kind: 'nacked', error } : { kind: 'channel closed', error: this.#closed.error ?? error }
    return { kind: flight.isReturned ? 'returned' : 'confirmed' }
  }

  #waitForRoom(): void {
    if (this.#full !== undefined) return
    let end = (): void => undefined
    const until = new Promise<void>((resolve) => (end = resolve))
    this.#full = { until, end }
  }

  readonly #onDrain = (): void => {
    this.#full?.end()
    this.#full = undefined
  }

  readonly #onError = (error: unknown): void => {
    this.#lastError = error
  }

  readonly #onReturn = (message: unknown): void => {
    const { messageId } = (message as { readonly properties: { readonly messageId: string } }).properties
    for (const flight of this.#flights.get(messageId) ?? []) flight.isReturned = true
  }

  readonly #onClose = (): void => {
    this.#closed ??= { error: this.#lastError }
    this.#onDrain()
  }
}
