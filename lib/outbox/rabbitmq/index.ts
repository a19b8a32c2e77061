/**
 * flushpoint/outbox/rabbitmq: events as confirmed messages of RabbitMQ.
 *
 * Every public name of this entry, listed once. Nothing in `lib` imports this file.
 *
 * @module
 */
export { type RabbitMqChannel, type RabbitMqMessageOptions } from './rabbitmq-channel.js'
export { RabbitMqTransport, type RabbitMqTransportOptions } from './rabbitmq-transport.js'
