/**
 * What the worker command needs of a relay: types.
 *
 * @module
 */
export interface RelayOptions {
  readonly loops?: number
  readonly batchSize?: number
}

/** Numbers since the relay was started. */
export interface RelayCounters {
  readonly handled: number
  readonly failed: number
  readonly dead: number
  readonly leaseLosses: number
}

export interface WorkerRelay {
  readonly counters: RelayCounters
  start(): Promise<void>
  /** Lets what is in hand end, for so long at most. */
  stop(options: { readonly timeoutMs: number }): Promise<void>
}
