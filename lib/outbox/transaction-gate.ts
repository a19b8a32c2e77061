/**
 * Ends a transaction from outside while code that belongs to it may still run.
 *
 * Knows not whose code that is. Invariant: what was sent before the gate was closed is rolled back; what is sent by that query runner
 * afterwards is refused, and is in nobody's transaction.
 *
 * @module
 */
import type { QueryRunner } from 'typeorm'
import { TransactionError } from '../core/errors.js'

type Query = QueryRunner['query']

const ROLLBACK = /^ROLLBACK\b/

export class TransactionGate {
  readonly #runner: QueryRunner
  readonly #isFollowed: boolean
  readonly #running = new Set<Promise<unknown>>()
  #state: 'open' | 'closing' | 'closed' = 'open'

  /**
   * @param runner One that nobody else uses.
   * @param isFollowed Whether flushpoint is on it: then its release rolls back, and waits for no code of the transaction.
   */
  constructor(runner: QueryRunner, isFollowed: boolean) {
    this.#runner = runner
    this.#isFollowed = isFollowed
    const query = runner.query as (...args: unknown[]) => Promise<unknown>
    runner.query = ((...args: unknown[]) => this.#pass(args[0], () => query.apply(runner, args))) as Query
  }

  /** Settles when the transaction is rolled back; waits for the statement that is being sent, and for nothing else. */
  async close(): Promise<void> {
    this.#state = 'closing'
    while (this.#running.size > 0) await Promise.allSettled(this.#running)
    await this.#rollBack().catch(() => undefined) // a connection that cannot roll back is lost, and with it the transaction
    this.#state = 'closed'
    Object.assign(this.#runner, { isReleased: this.#runner.isReleased || this.#isFollowed })
  }

  #pass(sql: unknown, send: () => Promise<unknown>): Promise<unknown> {
    const isOwn = this.#state === 'closing' && ROLLBACK.test(String(sql))
    if (this.#state !== 'open' && !isOwn) return Promise.reject(new TransactionError('TRANSACTION_ALREADY_ENDED', { what: 'a statement' }))
    const sent = send()
    if (this.#state === 'open') this.#follow(sent)
    return sent
  }

  #follow(sent: Promise<unknown>): void {
    const over = () => void this.#running.delete(sent)
    this.#running.add(sent)
    sent.then(over, over)
  }

  /** Whoever hangs in a transaction inside this one has borrowed the runner, and will not give it back. */
  async #rollBack(): Promise<void> {
    const runner = this.#runner
    while (runner.isTransactionActive) await (this.#isFollowed ? runner.release() : runner.rollbackTransaction())
    if (this.#isFollowed) runner.release = () => Promise.resolve() // it is given back
  }
}
