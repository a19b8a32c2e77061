/**
 * flushpoint/outbox/nats: events as messages of NATS JetStream.
 *
 * Every public name of this entry, listed once. Nothing in `lib` imports this file.
 *
 * @module
 */
export { type NatsAck, type NatsHeaders, type NatsJetStream } from './jetstream.js'
export { NatsTransport, type NatsTransportOptions } from './nats-transport.js'
