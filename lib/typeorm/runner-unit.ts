/**
 * One query runner with flushpoint on it: the levels of its transaction and the session that belongs to them.
 *
 * Knows when a session begins and ends, not how flushes run. Invariant: `levels` tells what the server has open, whatever TypeORM's own
 * flags say; a session exists for as long as its outermost level.
 *
 * @module
 */
import { Mutex } from 'async-mutex'
import type { EntityManager, QueryRunner } from 'typeorm'
import { TransactionError } from '../core/errors.js'
import { AmbientSession, type AmbientHost } from '../session/ambient-session.js'
import type { WorkKind } from '../session/pending-work.js'
import type { UnitSession } from '../session/session-base.js'
import type { QueueHolder } from './connection-queue.js'
import type { Installation } from './installation.js'
import { depthOf } from './internals.js'
import type { SubjectSource } from './subject-source.js'
import type { TurnKeeper } from './turns.js'
import { unitFrame, unitFrameOf, type FramedLevel, type FramedUnit } from './unit-frame.js'

/** One BEGIN or SAVEPOINT. */
export interface Level extends FramedLevel {
  /** Set when this level can only be rolled back, with the reason. */
  doomedBy?: unknown
  /** Saves and removes that were called in it and have not settled. */
  running?: Set<Promise<unknown>>
  /** Transactions nested in it take turns. */
  nested?: Mutex
  /** True once its ROLLBACK is on its way: nothing may be sent in it any more. */
  isEnding?: boolean
  /** Set when the level was asked for but never reached the server. */
  readonly neverStarted?: unknown
  /** A session opened inside this unit's transaction, whose outermost level this is. */
  session?: OpenedSession | undefined
  /** Lets the next of the transactions side by side begin. */
  giveTurn?: () => void
}

/** What a session of its own is asked for besides. */
export interface OpenedSession extends UnitSession {
  /** Its outermost level was released into a transaction around it: what becomes of it is decided there. */
  releaseInto(outer: UnitSession): void
  /** Begins the session's transaction where one is to surround everything it writes. */
  beginAround(sql: string | undefined): Promise<void> | undefined
}

export class RunnerUnit implements FramedUnit, QueueHolder, TurnKeeper {
  readonly runner: QueryRunner
  readonly installation: Installation
  readonly levels: Level[] = []
  /** Gives the single connection back; set while this unit holds it. */
  giveBack: (() => void) | undefined
  /** True for the runner that TypeORM's save or remove made for itself. */
  ownedByWrite = false
  /** How many callers have been lent this runner and will release it. */
  lent = 0
  /** The first statement of the transaction that failed. */
  failedStatement: unknown
  /** Set when the server has ended the transaction by itself. */
  endedByServer: unknown
  /** True while a transaction statement of TypeORM's own runs. */
  isControlling = false
  /** The persistence run whose SQL is being sent. */
  writing: SubjectSource | undefined
  /** How many persistence runs have sent statements: tells whether a failed hook left any behind. */
  writes = 0
  statements = 0
  /** One transaction of an opened session at a time, where no connection queue sees to that. */
  outermost?: Mutex
  /** Settles when the outermost transaction that was asked for last is open, or has failed to begin. */
  beginning: Promise<void> | undefined
  /** The statement of an opened session that is running, or waits to be sent; settles without an error. */
  lastSent: Promise<void> | undefined
  turns?: NonNullable<TurnKeeper['turns']>
  /** How many flushes the boundary is running on this runner, nested ones counted. */
  flushing = 0
  /** Set while a bulk insert wants to know how many rows it made. */
  insertCount: { affected: number | undefined } | undefined
  #session: UnitSession | undefined
  /** A session that was opened on this runner: it outlives transactions. */
  #opened: OpenedSession | undefined
  #joining: { readonly session: OpenedSession; readonly giveTurn: () => void } | undefined
  #promotes = false
  /** Sessions of writes without a transaction, inside which a hook has begun one. */
  readonly #suspended: UnitSession[] = []
  #transaction: object | undefined

  constructor(runner: QueryRunner, installation: Installation) {
    this.runner = runner
    this.installation = installation
  }

  get manager(): EntityManager {
    return this.runner.manager
  }

  get transaction(): object | undefined {
    return this.#transaction
  }

  get depth(): number {
    this.adopt()
    return this.levels.length
  }

  get isOpen(): boolean {
    return this.levels.length > 0
  }

  /** The session of the open transaction or write, if one has been needed already. */
  get session(): UnitSession | undefined {
    return this.#joined ?? this.#opened ?? this.#session
  }

  /** The session of the innermost level, where that is one opened inside this transaction. */
  get #joined(): OpenedSession | undefined {
    for (let index = this.levels.length - 1; index >= 0; index--)
      if (this.levels[index]!.session !== undefined) return this.levels[index]!.session
    return undefined
  }

  /** Waits until no other transaction nested in the level of this call is open. @returns Lets the next one begin. */
  reserveNested(): Promise<() => void> {
    const around = this.levelOfCall ?? this.currentLevel!
    return (around.nested ??= new Mutex()).acquire()
  }

  /** Begins a level that belongs to a session opened inside this transaction. */
  async beginJoined(session: OpenedSession, giveTurn: () => void): Promise<void> {
    this.#joining = { session, giveTurn }
    try {
      await this.runner.startTransaction()
    } catch (error) {
      giveTurn()
      throw error
    }
  }

  /** The level that the present call was made in, where that can be told. */
  get levelOfCall(): Level | undefined {
    const frame = unitFrameOf(this.installation.dataSource)
    return frame?.unit === this && frame.depth !== undefined ? this.levels[frame.depth - 1] : undefined
  }

  /** Whether a level of this session is open. */
  holds(session: UnitSession): boolean {
    return this.#opened === session ? this.isOpen : this.levels.some((level) => level.session === session)
  }

  /** What the level that has just begun is to be. */
  takeJoining(): Level {
    const joining = this.#joining
    this.#joining = undefined
    return joining ?? {}
  }

  /** The session that was opened on this runner, if it was not made by a transaction. */
  get opened(): OpenedSession | undefined {
    return this.#opened
  }

  attach(session: OpenedSession): void {
    this.#opened = session
  }

  join(): QueryRunner {
    this.lent++
    return this.runner
  }

  /** The session of the open transaction, made now if nobody needed it before. */
  sessionInTransaction(): UnitSession | undefined {
    const opened = this.#joined ?? this.#opened
    if (opened !== undefined) return opened
    this.adopt()
    if (!this.isOpen) {
      // a listener of TypeORM's own afterTransactionStart writes before the level is noted
      if (this.isControlling && this.runner.isTransactionActive) this.#session ??= this.newSession()
      return this.#session
    }
    if (this.#session === undefined) {
      this.#session = this.newSession()
      this.levels.forEach(() => this.#session!.beginLevel())
    }
    return this.#session
  }

  /** A session for one write that commits by itself. */
  beginWrite(): UnitSession {
    const session = this.#opened ?? (this.#session = this.newSession())
    session.beginWrite()
    return session
  }

  endWrite(session: UnitSession): void {
    if (this.#session === session) this.#session = undefined
  }

  /** Lets the next BEGIN continue the session of a write instead of opening one beside it. */
  promoteWrite(): void {
    this.#promotes = true
  }

  newSession(): AmbientSession {
    return new AmbientSession(this.#host())
  }

  #host(): AmbientHost {
    const { installation } = this
    return {
      dataSource: installation.dataSource,
      manager: this.manager,
      extensions: installation.isConnecting ? installation.schemaListeners : installation.extensions,
      resolve: (token) => installation.resolve(token),
      isMapped: (entity) => installation.targetsOfPlainObjects.has(entity) || installation.mappers.metadataOf(entity) !== undefined,
      write: (kind, entities) => this.#write(kind, entities),
      savepoint: (fn) => this.manager.transaction(() => fn()),
      frame: () => [unitFrame(installation.dataSource, this)],
      reportHookError: (error, failure) => installation.reportHookError(error, failure),
    }
  }

  /** Entities of several classes go in one run, so that the database sees them in dependency order. */
  async #write(kind: WorkKind, entities: readonly object[]): Promise<void> {
    const plain = entities.filter((entity) => this.installation.targetsOfPlainObjects.has(entity))
    const mapped = entities.filter((entity) => !plain.includes(entity))
    const { manager } = this
    const verb = ({ save: 'save', delete: 'remove', softRemove: 'softRemove', recover: 'recover' } as const)[kind]
    if (mapped.length > 0) await (manager[verb] as (entities: object[]) => Promise<unknown>).call(manager, [...mapped])
    for (const entity of plain) {
      await (manager[verb] as (target: unknown, entity: object) => Promise<unknown>).call(
        manager,
        this.installation.targetsOfPlainObjects.get(entity),
        entity,
      )
    }
  }

  /** Takes notice of levels that were begun before this runner had flushpoint on it. */
  adopt(): void {
    if (!this.runner.isTransactionActive || this.isControlling) return
    while (this.levels.length < Math.max(1, depthOf(this.runner))) this.pushLevel({})
  }

  pushLevel(level: Level): void {
    const frame = unitFrameOf(this.installation.dataSource)
    if (this.levels.length === 0) {
      if (this.#session?.scope?.kind === 'write' && !this.#promotes) this.#suspended.push(this.#takeSession())
      this.#promotes = false
      this.#transaction = {}
      if (frame?.unit === this && frame.transaction === undefined) frame.transaction = this.#transaction
    }
    this.levels.push(level)
    if (frame?.unit === this && !frame.isLasting && frame.depth === this.levels.length) frame.level ??= level
  }

  #takeSession(): UnitSession {
    const session = this.#session!
    this.#session = undefined
    return session
  }

  popLevel(outcome: NonNullable<FramedLevel['outcome']>): Level | undefined {
    const level = this.levels.pop()
    if (level !== undefined) level.outcome = outcome
    level?.giveTurn?.()
    return level
  }

  /** The outermost level has ended: what belonged to it is forgotten, and the connection is free for others. */
  endTransaction(): UnitSession | undefined {
    const session = this.session
    this.levels.length = 0
    this.lent = 0
    this.failedStatement = undefined
    this.endedByServer = undefined
    this.#session = this.#suspended.pop()
    this.#transaction = undefined
    this.giveBack?.()
    this.giveBack = undefined
    return session
  }

  /** Counts the rows of the next INSERT, until stopped. */
  countNextInsert(): { readonly affected: number | undefined; stop(): void } {
    const outer = this.insertCount
    const count: { affected: number | undefined } = { affected: undefined }
    this.insertCount = count
    return {
      get affected() {
        return count.affected
      },
      stop: () => (this.insertCount = outer),
    }
  }

  /** The innermost level that is open. */
  get currentLevel(): Level | undefined {
    this.adopt()
    return this.levels.at(-1)
  }

  /** Runs something that belongs in a level, which does not end before it has settled. */
  async runIn<T>(level: Level, run: () => Promise<T>): Promise<T> {
    const running = run()
    level.running ??= new Set()
    level.running.add(running)
    try {
      return await running
    } finally {
      level.running.delete(running)
    }
  }

  /** @throws {TransactionError} TRANSACTION_ALREADY_ENDED when what was called in this level would be sent outside of it. */
  assertStillIn(level: Level | undefined, what: string): void {
    if (level === undefined) return
    const around = this.levels.slice(0, this.levels.indexOf(level) + 1)
    if (around.length === 0 || around.some((one) => one.isEnding)) throw new TransactionError('TRANSACTION_ALREADY_ENDED', { what })
  }

  /** Makes the present level good for nothing but a rollback. */
  doom(cause: unknown): void {
    this.adopt()
    const level = this.levels.at(-1)
    if (level !== undefined) level.doomedBy ??= cause
  }

  toString(): string {
    return `RunnerUnit (depth ${this.levels.length}${this.#session === undefined ? '' : `; ${String(this.#session)}`})`
  }
}
