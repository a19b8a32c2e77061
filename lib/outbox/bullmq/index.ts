/**
 * flushpoint/outbox/bullmq: events as jobs of BullMQ.
 *
 * Every public name of this entry, listed once. Nothing in `lib` imports this file.
 *
 * @module
 */
export { BullMqTransport, type BullMqTransportOptions } from './bullmq-transport.js'
export { type BullMqJob, type BullMqJobOptions, type BullMqKeep, type BullMqQueue } from './bullmq-queue.js'
