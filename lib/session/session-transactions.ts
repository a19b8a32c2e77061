/**
 * When a session's transactions begin, what for, and how they end.
 *
 * Knows no entities. Invariant: a transaction that a flush began ends with that flush; one that surrounds a block begins before its first write.
 *
 * @module
 */
import type { IsolationLevel } from 'typeorm/driver/types/IsolationLevel.js'
import { FrameSlot } from '../core/async-frame.js'
import { SessionError } from '../core/errors.js'
import type { Persistence } from './persistence.js'
import type { LevelKind, SavedLevel, UndoLog } from './undo-log.js'

const inside = new FrameSlot<ReadonlySet<SessionTransactions>>('inside-transaction')

/** What the BEGIN is for that is being sent in this call: several may wait for each other. */
const purpose = new FrameSlot<LevelKind | 'whole'>('begin-purpose')

const ending = new FrameSlot<ReadonlySet<SessionTransactions>>('ending-transaction')

const READS = /^\s*(select|show|explain|pragma)\b/i

export interface TransactionParts {
  readonly persistence: Persistence
  readonly log: UndoLog
  /** True where one transaction is to surround everything the session writes. */
  readonly isBlock: boolean
  readonly isolationLevel: IsolationLevel | undefined
}

export class SessionTransactions {
  readonly #persistence: Persistence
  readonly #log: UndoLog
  readonly isBlock: boolean
  readonly #isolationLevel: IsolationLevel | undefined
  #beginning: Promise<void> | undefined
  #last: Promise<void> = Promise.resolve()
  /** The transactions of `run` that have begun and not ended. */
  readonly #running = new Set<Promise<unknown>>()

  constructor({ persistence, log, isBlock, isolationLevel }: TransactionParts) {
    this.#persistence = persistence
    this.#log = log
    this.isBlock = isBlock
    this.#isolationLevel = isolationLevel
  }

  begin(kind: LevelKind | 'whole'): Promise<void> {
    return purpose.run(kind, () => this.#persistence.begin(this.#isolationLevel))
  }

  /** The one around the block, one that is being begun, or one for this flush alone. */
  async beginForFlush(): Promise<'session' | 'flush'> {
    await this.#persistence.beginning
    if (this.#persistence.isInTransaction) return 'session'
    if (!this.isBlock) {
      await this.begin('flush')
      return 'flush'
    }
    await this.beginAround('')
    return 'session'
  }

  /** In a block the first statement that may write begins the transaction; one that only reads does where an isolation level was asked for. */
  beginAround(sql: string | undefined): Promise<void> | undefined {
    if (!this.isBlock || this.#persistence.isInTransaction) return this.#beginning
    const isRead = sql === undefined || READS.test(sql)
    if (isRead && this.#isolationLevel === undefined) return this.#beginning
    return (this.#beginning ??= this.begin('whole').finally(() => (this.#beginning = undefined)))
  }

  /** What the level that has just begun comes back to when it is rolled back. */
  saveLevel(isOutermost: boolean): SavedLevel {
    const kind = (isOutermost ? purpose.get() : undefined) ?? 'block'
    return this.#log.save(kind === 'flush' ? 'flush' : 'block', kind === 'whole')
  }

  /** The error that a commit fails with is the one to tell, whatever the rollback says. */
  async commit(check: () => void): Promise<void> {
    try {
      check()
      await this.#persistence.commit()
    } catch (error) {
      if (this.#persistence.isInTransaction) await this.#persistence.rollback().catch(() => undefined)
      throw error
    }
  }

  /** Whether the present call is part of a function of {@link run}. */
  get isInside(): boolean {
    return inside.get()?.has(this) === true
  }

  /** Waits for the transactions that are still running, awaited by their callers or not. */
  async settled(): Promise<void> {
    while (this.#running.size > 0) await Promise.allSettled(this.#running)
  }

  async run<T>(depth: number, fn: () => Promise<T>): Promise<T> {
    await this.beginAround('')
    const isolationLevel = depth === 0 && !this.isBlock ? this.#isolationLevel : undefined
    const whole: Promise<T> = this.#persistence.transaction(isolationLevel, () => {
      this.#running.add(whole)
      return inside.run(new Set([...(inside.get() ?? []), this]), fn)
    })
    try {
      return await whole
    } finally {
      this.#running.delete(whole)
    }
  }

  /**
   * Begins and ends follow one another, each after the transactions that run already; those that its hooks ask for do not wait.
   *
   * @throws {SessionError} TRANSACTION_NESTED_OPEN · FLUSH_IN_HOOK where it would wait for itself.
   */
  async alone(method: string, fn: () => Promise<void>): Promise<void> {
    const isInHook = ending.get()?.has(this) === true
    if (this.isInside) throw new SessionError('TRANSACTION_NESTED_OPEN', { method })
    if (isInHook && this.#persistence.isInTransaction) throw new SessionError('FLUSH_IN_HOOK', { method })
    if (isInHook) return fn()
    const run = async () => {
      await this.settled()
      await ending.run(new Set([...(ending.get() ?? []), this]), fn)
    }
    const turn = this.#last.then(run)
    this.#last = turn.then(nothing, nothing)
    return turn
  }
}

function nothing(): void {
  // how it ended is told to whoever asked for it
}
