/**
 * What leaves an outbox: CloudEvents 1.0 in JSON.
 *
 * Types only. Invariant: names of attributes are those of the specification and its extensions (`partitionkey`, `sequence`, `traceparent`);
 * attributes of our own are lower case letters and digits, as it demands.
 *
 * @module
 */

/** Source: CloudEvents 1.0.2, with the extensions Partitioning, Sequence and Distributed Tracing. */
export interface CloudEvent<T = unknown> {
  readonly specversion: '1.0'
  /** A UUIDv7, drawn when the event was recorded. With `source` it is unique: what arrives twice has the same. */
  readonly id: string
  /** Who sends: the outbox' `source`. */
  readonly source: string
  /** The event's name. */
  readonly type: string
  /** What it is about, such as `film:7`; missing where nothing was named. */
  readonly subject?: string
  /** When the event was made, in UTC, by the clock of its process. */
  readonly time: string
  readonly datacontenttype: 'application/json'
  /** Events of one key keep their order. */
  readonly partitionkey?: string
  /** Counts up within an outbox, with gaps; padded with zeros to 20 digits, so that it sorts as text. */
  readonly sequence: string
  /** Of the trace the transaction was part of. */
  readonly traceparent?: string
  /** Who did it, which request, which tenant: as the outbox' `headers` took them from the context. */
  readonly actor?: string
  readonly requestid?: string
  readonly tenant?: string
  readonly data: T
}
