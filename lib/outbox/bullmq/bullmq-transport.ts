/**
 * Hands events to a queue of BullMQ, each as a job.
 *
 * Knows the queue by type alone. Invariant: the id of a job is the id of its event, so that the queue itself finds out what it has already.
 *
 * @module
 */
import { describeValue } from '../../core/describe-value.js'
import { OutboxError } from '../../core/errors.js'
import type { CloudEvent } from '../cloud-event.js'
import { OpenBatches } from '../open-batches.js'
import { publishPerKey } from '../per-key-order.js'
import { accepted, tooLarge } from '../publish-result.js'
import { ANYTHING, checkTransportOptions, NAME, OF_EVENT, textFor, type OfEvent } from '../transport-options.js'
import type { PublishCall, PublishResult, Transport, TransportCapabilities } from '../transport.js'
import { untilAborted } from '../until-aborted.js'
import type { BullMqJob, BullMqJobOptions, BullMqQueue } from './bullmq-queue.js'

export interface BullMqTransportOptions {
  /** For logs and as the default name of its subscription. @defaultValue `bullmq:` and the name of the queue */
  readonly name?: string
  /** What workers see as `job.name`. @defaultValue the event's type */
  readonly jobName?: OfEvent
  /** Go before the queue's own `defaultJobOptions`. @defaultValue none */
  readonly jobOptions?: BullMqJobOptions
}

const PLACE = 'BullMqTransport'
const JOB_OPTIONS = Object.fromEntries(
  ['attempts', 'backoff', 'delay', 'priority', 'removeOnComplete', 'removeOnFail', 'keepLogs', 'stackTraceLimit', 'sizeLimit'].map(
    (option) => [option, ANYTHING],
  ),
)

/**
 * Adds each event to a queue of BullMQ as a job: its id is the event's, its data the whole `CloudEvent`.
 *
 * Duplicates: BullMQ adds no job while it keeps one of the same id, be it waiting, active, completed or failed. So an event that is published
 * again is dropped for as long as `removeOnComplete` and `removeOnFail`, of the job or of its worker, let the first job live; by default for good,
 * which lets Redis grow. With `removeOnComplete: true` it comes back once the first job is completed, and `capabilities.dedupe` is false. Keep
 * jobs for longer than the outbox tries: `removeOnComplete: { age: 86_400 }`.
 *
 * Order: a batch is added in one round trip and in its order, yet `capabilities.ordered` is false. Jobs of one key are handled in order only by a
 * single worker with concurrency 1 and without retries, delays or priorities, and where Redis refuses some jobs of a batch, later ones are in
 * the queue before them.
 *
 * The queue stays open when the transport is closed. Give Redis `maxmemory-policy noeviction` and an append-only file: it must not forget what
 * it has accepted.
 *
 * @throws {OutboxError} TRANSPORT_CLIENT_INVALID
 * @throws {ConfigurationError} OPTION_UNKNOWN · OPTION_INVALID
 * @example
 * const queue = new Queue('films', { connection: { host: 'redis' } })
 * const transport = new BullMqTransport(queue, { jobOptions: { attempts: 5, removeOnComplete: { age: 86_400 } } })
 */
export class BullMqTransport implements Transport {
  readonly name: string
  readonly capabilities: TransportCapabilities
  readonly #queue: BullMqQueue
  readonly #jobName: OfEvent | undefined
  readonly #jobOptions: BullMqJobOptions
  readonly #sizeLimit: number | undefined
  readonly #batches: OpenBatches

  constructor(queue: BullMqQueue, options: BullMqTransportOptions = {}) {
    if (typeof (queue as Partial<BullMqQueue> | undefined)?.addBulk !== 'function') throw notAQueue(queue)
    checkTransportOptions(PLACE, options, { checks: { name: NAME, jobName: OF_EVENT, jobOptions: ANYTHING } })
    const { jobOptions = {}, jobName } = options
    checkTransportOptions(`${PLACE}, jobOptions`, jobOptions, { checks: JOB_OPTIONS })
    const { removeOnComplete, sizeLimit } = { ...queue.defaultJobOptions, ...jobOptions }
    this.name = options.name ?? `bullmq:${queue.name}`
    this.capabilities = Object.freeze({ ordered: false, dedupe: !isNothingKept(removeOnComplete) })
    this.#queue = queue
    this.#jobName = jobName
    this.#jobOptions = Object.freeze({ ...jobOptions })
    this.#sizeLimit = sizeLimit
    this.#batches = new OpenBatches(this.name)
  }

  publish(batch: readonly CloudEvent[], call: PublishCall): Promise<readonly PublishResult[]> {
    return this.#batches.run(batch, async () => (await this.#allAtOnce(batch, call)) ?? (await this.#oneByOne(batch, call)))
  }

  /** Waits for what is being published. The queue stays open. */
  close(): Promise<void> {
    return this.#batches.close()
  }

  /** Undefined where the queue has not taken all of it, and has not said which: what it has taken it knows when it is asked again. */
  async #allAtOnce(batch: readonly CloudEvent[], { abortSignal }: PublishCall): Promise<readonly PublishResult[] | undefined> {
    if (batch.length === 1) return undefined
    try {
      await untilAborted(abortSignal, (orAborted) => orAborted(() => this.#add(batch)))
      return batch.map(accepted)
    } catch {
      return undefined
    }
  }

  #oneByOne(batch: readonly CloudEvent[], { abortSignal }: PublishCall): Promise<readonly PublishResult[]> {
    return publishPerKey(batch, { transport: this.name, abortSignal, send: (event) => this.#add([event]) })
  }

  async #add(events: readonly CloudEvent[]): Promise<void> {
    const jobs = await this.#queue.addBulk(events.map((event) => this.#jobOf(event)))
    events.forEach((event, index) => {
      const id = jobs[index]?.id
      if (id === event.id) return
      const reason = 'the queue has another job in its place, as the option deduplication makes it'
      throw new OutboxError('TRANSPORT_EVENT_REFUSED', { transport: this.name, type: event.type, reason })
    })
  }

  #jobOf(event: CloudEvent): BullMqJob {
    if (this.#sizeLimit !== undefined) {
      const bytes = Buffer.byteLength(JSON.stringify(event))
      const limit = `sizeLimit of the jobs (${this.#sizeLimit})`
      if (bytes > this.#sizeLimit) throw tooLarge(event, { transport: this.name, bytes, limit })
    }
    const name = this.#jobName === undefined ? event.type : textFor(event, this.#jobName)
    return { name, data: event, opts: { ...this.#jobOptions, jobId: event.id } }
  }
}

function isNothingKept(removeOnComplete: BullMqJobOptions['removeOnComplete']): boolean {
  const count = typeof removeOnComplete === 'object' ? removeOnComplete.count : removeOnComplete
  return count === true || count === 0
}

function notAQueue(given: unknown): OutboxError {
  return new OutboxError('TRANSPORT_CLIENT_INVALID', { transport: PLACE, given: describeValue(given), wanted: 'a Queue of bullmq' })
}
