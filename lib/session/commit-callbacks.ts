/**
 * What waits for the end of a session's transaction: functions to call before its commit, after it, or when a level is rolled back.
 *
 * Knows no transaction. Invariant: what was registered in a level that is undone is dropped, and who asked for that rollback is told.
 *
 * @module
 */
import { describeValue } from '../core/describe-value.js'
import { ConfigurationError, SessionError } from '../core/errors.js'
import type { Change } from '../mapper/change.js'
import type { Awaitable } from '../mapper/token.js'
import type { TransactionScope } from '../mapper/unit-of-work.js'
import { MAX_ROUNDS } from './flush.js'

export type BeforeCommitCallback = () => Awaitable
export type CommitCallback = (changes: readonly Change[]) => Awaitable
export type RollbackCallback = (changes: readonly Change[], scope: TransactionScope) => Awaitable

/** How many waited at one moment. */
export interface CallbackCounts {
  readonly befores: number
  readonly commits: number
  readonly rollbacks: number
}

interface BeforesRun {
  inFrame<T>(fn: () => T): T
  settle(): Promise<void> | undefined
}

export class CommitCallbacks {
  static readonly NONE: CallbackCounts = Object.freeze({ befores: 0, commits: 0, rollbacks: 0 })
  readonly befores: BeforeCommitCallback[] = []
  readonly commits: CommitCallback[] = []
  readonly rollbacks: RollbackCallback[] = []
  /** How many of `befores` have been called; counts go on over them, so that a level's count stays true. */
  #called = 0

  get counts(): CallbackCounts {
    return { befores: this.#called + this.befores.length, commits: this.commits.length, rollbacks: this.rollbacks.length }
  }

  /**
   * Calls what waits for the commit, and `settle` where that may have left work, until nothing waits. What fails waits on, so that nobody can
   * commit without it.
   *
   * @throws {SessionError} FLUSH_NEVER_SETTLES
   */
  async runBefores({ inFrame, settle }: BeforesRun): Promise<void> {
    for (let round = 0; this.befores.length > 0; round++) {
      if (round === MAX_ROUNDS) throw new SessionError('FLUSH_NEVER_SETTLES', { hook: 'onBeforeCommit', rounds: MAX_ROUNDS })
      await inFrame(() => this.#runPresent())
      await settle()
    }
  }

  async #runPresent(): Promise<void> {
    for (let left = this.befores.length; left > 0; left--) {
      const next = this.befores[0]
      await next?.()
      if (next === undefined || this.befores[0] !== next) return // undone by what it called
      this.befores.shift()
      this.#called++
    }
  }

  /** Drops what was registered since. @returns Whoever wants to know of the rollback. */
  undo({ befores, commits, rollbacks }: CallbackCounts): readonly RollbackCallback[] {
    this.befores.splice(Math.max(0, befores - this.#called))
    this.commits.splice(commits)
    return this.rollbacks.splice(rollbacks)
  }

  /** The outermost transaction is committed. @returns Whoever waits for that. */
  committed(): readonly CommitCallback[] {
    this.befores.length = 0
    this.rollbacks.length = 0
    return this.commits.splice(0)
  }
}

/** @throws {ConfigurationError} OPTION_INVALID */
export function assertFunction(place: string, given: unknown): void {
  if (typeof given !== 'function')
    throw new ConfigurationError('OPTION_INVALID', { place, option: 'fn', wanted: 'a function', given: describeValue(given) })
}

/** Calls every callback, whatever the others do. */
export async function callIsolated<F extends object>(
  callbacks: readonly F[],
  call: (fn: F) => unknown,
  onError: (error: unknown, fn: F) => void,
): Promise<void> {
  for (const fn of callbacks) {
    try {
      await call(fn)
    } catch (error) {
      onError(error, fn)
    }
  }
}
