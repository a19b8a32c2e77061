/**
 * What the transport needs of a BullMQ queue: types.
 *
 * Invariant: only what is used; a `Queue` of bullmq 5 and 6 fits, and nothing is loaded to know that.
 *
 * @module
 */
import type { CloudEvent } from '../cloud-event.js'

/** How many finished jobs BullMQ keeps; `age` in seconds. */
export type BullMqKeep = { readonly count: number } | { readonly age: number; readonly count?: number; readonly limit?: number }

/** Options of BullMQ's jobs that fit events. Their id is the event's, so what would give them another is left out. */
export interface BullMqJobOptions {
  /** How often a worker tries. @defaultValue 1, by BullMQ */
  readonly attempts?: number
  readonly backoff?: number | { readonly type: string; readonly delay?: number; readonly jitter?: number }
  /** Milliseconds until a worker may take the job. */
  readonly delay?: number
  /** 0 to 2,097,151; jobs with lower numbers go first, and those with 0 before all others. */
  readonly priority?: number
  readonly removeOnComplete?: boolean | number | BullMqKeep
  readonly removeOnFail?: boolean | number | BullMqKeep
  readonly keepLogs?: number
  readonly stackTraceLimit?: number
  /** Bytes an event may have; larger ones are refused for good. */
  readonly sizeLimit?: number
}

export interface BullMqJob {
  name: string
  data: CloudEvent
  opts: BullMqJobOptions & { readonly jobId: string }
}

/** A `Queue` of bullmq. */
export interface BullMqQueue {
  readonly name: string
  /** What the queue was made with. */
  readonly defaultJobOptions?: Pick<BullMqJobOptions, 'removeOnComplete' | 'sizeLimit'>
  addBulk(jobs: BullMqJob[]): Promise<readonly { readonly id?: string | undefined }[]>
}
