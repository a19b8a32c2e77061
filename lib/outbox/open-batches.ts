/**
 * The batches a transport is publishing, so that it can be closed behind the last of them.
 *
 * Knows not how they are published. Invariant: once closed none begins, and an empty one never does.
 *
 * @module
 */
import { OutboxError } from '../core/errors.js'
import type { CloudEvent } from './cloud-event.js'
import { notAccepted } from './publish-result.js'
import type { PublishResult } from './transport.js'

type Publish = () => Promise<readonly PublishResult[]>

export class OpenBatches {
  readonly #transport: string
  readonly #running = new Set<Promise<unknown>>()
  #isClosed = false

  /** @param transport Its name, for messages. */
  constructor(transport: string) {
    this.#transport = transport
  }

  /** Closed, and none is running any more. */
  get isOver(): boolean {
    return this.#isClosed && this.#running.size === 0
  }

  /** Publishes a batch; what rejects is the result of each of its events. */
  async run(batch: readonly CloudEvent[], publish: Publish): Promise<readonly PublishResult[]> {
    if (batch.length === 0) return []
    const refuse = (error: unknown) => batch.map((event) => notAccepted(event, error))
    if (this.#isClosed) return refuse(new OutboxError('TRANSPORT_CLOSED', { transport: this.#transport }))
    const running = publish().catch(refuse)
    this.#running.add(running)
    try {
      return await running
    } finally {
      this.#running.delete(running)
    }
  }

  /** Waits for those that run. */
  async close(): Promise<void> {
    this.#isClosed = true
    await Promise.all(this.#running)
  }
}
