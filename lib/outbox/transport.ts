/**
 * The port to another system that takes events over: a queue, a broker, a stream.
 *
 * Types only; knows no outbox table. Invariant: a result is `accepted` only when the other system has said that it keeps the event.
 *
 * @module
 */
import type { CloudEvent } from './cloud-event.js'

export interface TransportCapabilities {
  /** Whether events of one key arrive in the order they were published. */
  readonly ordered: boolean
  /** Whether an event that is published twice arrives once, at least within a time the other system sets. */
  readonly dedupe: boolean
}

/** What became of one event of a batch. */
export type PublishResult =
  | { readonly id: string; readonly isAccepted: true }
  /** It may have arrived all the same; it will be published again, unless `error` is a `PermanentError`. */
  | { readonly id: string; readonly isAccepted: false; readonly error: unknown }

export interface PublishCall {
  /** Aborts when the relay stops or the time of the batch is over: what has not been accepted by then is published again later. */
  readonly abortSignal: AbortSignal
}

/**
 * Hands events over to another system. `transportSubscription(transport)` lets a relay feed it.
 *
 * Contract, checked by one suite for all of ours: `publish` answers one result for each event, in the order of the batch; it never rejects for
 * what is wrong with one event alone; where `ordered`, an event is not published before an earlier one of its `partitionkey` in the same batch
 * has been accepted, and where that one was not, it is answered as not accepted, with the error TRANSPORT_EVENT_WAITS: it was not tried. `close` lets go of what the transport itself has made; the
 * client it was given stays open, since somebody else made it.
 */
export interface Transport {
  /** For logs and as the default name of its subscription. */
  readonly name: string
  readonly capabilities: TransportCapabilities
  publish(batch: readonly CloudEvent[], call: PublishCall): Promise<readonly PublishResult[]>
  close(): Promise<void>
}
