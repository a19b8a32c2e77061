/**
 * What the transport needs of a RabbitMQ channel: types.
 *
 * Invariant: only what is used; a `ConfirmChannel` of amqplib fits, and nothing is loaded to know that.
 *
 * @module
 */

/** Properties of a message, as amqplib names them. */
export interface RabbitMqMessageOptions {
  readonly messageId: string
  readonly type: string
  /** Seconds since 1970. */
  readonly timestamp: number
  readonly contentType: string
  readonly persistent: boolean
  readonly mandatory: boolean
  readonly correlationId?: string
  readonly headers: Record<string, string>
}

type Listener = (...args: unknown[]) => void

/** A `ConfirmChannel` of amqplib. */
export interface RabbitMqChannel {
  /** False when its buffer is full: `drain` tells when there is room again. */
  publish(
    exchange: string,
    routingKey: string,
    content: Buffer,
    options: RabbitMqMessageOptions,
    callback: (error: unknown) => void,
  ): boolean
  /** Only channels with confirms have it. */
  waitForConfirms(): Promise<unknown>
  on(event: string, listener: Listener): unknown
  removeListener(event: string, listener: Listener): unknown
  close(): Promise<unknown>
}
