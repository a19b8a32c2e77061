/**
 * TypeORM as the {@link Persistence} of one session: one query runner, with loading, writing and transactions on it.
 *
 * Hands each task to the file that knows it. Invariant: everything a session sends goes through this runner, so that one transaction holds it.
 *
 * @module
 */
import type { EntityManager, QueryRunner } from 'typeorm'
import type { IsolationLevel } from 'typeorm/driver/types/IsolationLevel.js'
import { runInFrame, type SlotValue } from '../core/async-frame.js'
import { describeValue } from '../core/describe-value.js'
import { SessionError } from '../core/errors.js'
import type { EntityRef } from '../mapper/entity-types.js'
import type { EntityMap, Image } from '../session/entity-map.js'
import type { ListenedRow, LoadSink, Persistence, Query, StepText, WriteStep, Written } from '../session/persistence.js'
import { EntityLoader } from './entity-loader.js'
import { entityMapOf, metadataOf } from './entity-maps.js'
import { driverTypeOf } from './internals.js'
import type { MapperHooks } from './mappers.js'
import { hasRowListeners, notifyOfRows } from './row-listeners.js'
import { explainSteps, writeSteps } from './step-writer.js'
import { unitOf } from './data-source-patch.js'
import type { OpenedSession, RunnerUnit } from './runner-unit.js'
import { runAsTurn, takeTurn, type Turn } from './turns.js'
import { sessionFrame } from './unit-frame.js'

let protections = 0

export class TypeormPersistence implements Persistence {
  #runnerUnit: RunnerUnit
  #entityLoader: EntityLoader | undefined
  /** True where the unit's transaction is somebody else's, inside which the session was opened. */
  #isJoined: boolean
  #session: OpenedSession | undefined
  #reserved: (() => void) | undefined

  constructor(unit: RunnerUnit, isJoined: boolean) {
    this.#runnerUnit = unit
    this.#isJoined = isJoined
  }

  /** Once the transaction it was opened in has ended, a session has a runner of its own like any other. */
  get #unit(): RunnerUnit {
    if (this.#isJoined && !this.#runnerUnit.isOpen) {
      const { installation } = this.#runnerUnit
      this.#runnerUnit = unitOf(installation.dataSource.createQueryRunner(), installation)
      this.#isJoined = this.#runnerUnit.isOpen
      this.#entityLoader = undefined
      if (!this.#isJoined && this.#session !== undefined) this.#runnerUnit.attach(this.#session)
    }
    return this.#runnerUnit
  }

  get #loader(): EntityLoader {
    const { installation, runner } = this.#unit
    return (this.#entityLoader ??= new EntityLoader(installation.dataSource, runner))
  }

  /** The session this persistence is for; told once, when both are made. */
  bind(session: OpenedSession): void {
    this.#session = session
    if (!this.#isJoined) this.#unit.attach(session)
  }

  get runner(): QueryRunner {
    return this.#unit.runner
  }

  get manager(): EntityManager {
    return this.#unit.manager
  }

  get statements(): number {
    return this.#unit.statements
  }

  get writes(): number {
    return this.#unit.writes
  }

  get isInTransaction(): boolean {
    return this.#unit.holds(this.#session!)
  }

  get beginning(): Promise<void> | undefined {
    return this.#unit.beginning
  }

  // ---- describing

  describe(target: EntityRef): EntityMap {
    const { dataSource } = this.#unit.installation
    if (!dataSource.hasMetadata(target as never)) throw new SessionError('ENTITY_NOT_MAPPED', { given: describeValue(target) })
    return entityMapOf(dataSource.getMetadata(target as never))
  }

  mapOf(entity: object): EntityMap | undefined {
    const metadata = this.#unit.installation.mappers.metadataOf(entity)
    return metadata === undefined ? undefined : entityMapOf(metadata)
  }

  hooksOf(map: EntityMap): MapperHooks {
    return this.#unit.installation.mappers.hooksOf(metadataOf(map))
  }

  // ---- reading

  load(query: Query, sink: LoadSink): Promise<object[]> {
    return this.#loader.load(query, sink)
  }

  count(query: Query): Promise<number> {
    return this.#loader.count(query)
  }

  keys(query: Query): Promise<readonly Image[]> {
    return this.#loader.keys(query)
  }

  // ---- writing

  execute(steps: readonly WriteStep[]): Promise<Written> {
    return writeSteps(this.runner, steps)
  }

  explain(steps: readonly WriteStep[]): readonly StepText[] {
    return explainSteps(this.runner, steps)
  }

  hasListeners(maps: Iterable<EntityMap>): boolean {
    return hasRowListeners(this.#unit.installation.dataSource, maps)
  }

  notify(when: 'before' | 'after', rows: readonly ListenedRow[]): Promise<number> {
    return notifyOfRows(this.runner, when, rows)
  }

  // ---- transactions

  /** A begin that fails, as by a hook, leaves nothing open. */
  async begin(isolationLevel: IsolationLevel | undefined): Promise<void> {
    const depth = this.#unit.levels.length
    try {
      await this.#begin(isolationLevel)
    } catch (error) {
      if (this.#unit.levels.length > depth) await this.rollback().catch(() => undefined)
      throw error
    }
  }

  async #begin(isolationLevel: IsolationLevel | undefined): Promise<void> {
    const unit = this.#unit
    if (!this.#isJoined) return unit.runner.startTransaction(isolationLevel)
    const giveTurn = this.#reserved ?? (await unit.reserveNested())
    this.#reserved = undefined
    return unit.beginJoined(this.#session!, giveTurn)
  }

  /** In the session's own frame, which tells whose level is to end. */
  commit(): Promise<void> {
    return runInFrame(this.frame(), () => this.runner.commitTransaction())
  }

  rollback(): Promise<void> {
    return runInFrame(this.frame(), () => this.runner.rollbackTransaction())
  }

  async transaction<T>(isolationLevel: IsolationLevel | undefined, fn: () => Promise<T>): Promise<T> {
    if (!this.isInTransaction && this.#isJoined) return this.#joinedTransaction(fn)
    return isolationLevel === undefined ? this.manager.transaction(() => fn()) : this.manager.transaction(isolationLevel, () => fn())
  }

  async #joinedTransaction<T>(fn: () => Promise<T>): Promise<T> {
    await this.begin(undefined)
    try {
      const result = await runInFrame(this.frame(), fn)
      await this.commit()
      return result
    } catch (error) {
      if (this.isInTransaction) await this.rollback().catch(() => undefined)
      throw error
    }
  }

  isRetryable(error: unknown): boolean {
    if (!(error instanceof Error)) return false
    const { code, errno } = (error as { driverError?: { code?: unknown; errno?: unknown } }).driverError ?? {}
    return RETRYABLE.has(String(code)) || RETRYABLE.has(String(errno)) || this.isRetryable(error.cause)
  }

  async protect(): Promise<{ undo(): Promise<void>; release(): Promise<void> }> {
    const name = `flushpoint_flush_${++protections}`
    await this.runner.query(`SAVEPOINT ${name}`)
    const release = async () => void (await this.runner.query(`RELEASE SAVEPOINT ${name}`))
    const undo = async () => {
      await this.runner.query(`ROLLBACK TO SAVEPOINT ${name}`)
      await release()
      this.#unit.failedStatement = undefined
    }
    return { undo, release }
  }

  doom(cause: unknown): void {
    this.#unit.doom(cause)
  }

  /** A session inside of somebody else's transaction gets its place there before its turn: whoever has the place may need a turn to end. */
  async inTurn<T>(frame: () => readonly SlotValue[], fn: () => Promise<T>): Promise<T> {
    if (!this.isInTransaction && this.#isJoined) this.#reserved ??= await this.#unit.reserveNested()
    try {
      return await takeTurn(this.#unit, () => {
        const turn: Turn = { unit: this.#unit, level: this.#unit.currentLevel, isOver: false }
        return runAsTurn(turn, frame(), fn)
      })
    } finally {
      this.#reserved?.()
      this.#reserved = undefined
    }
  }

  frame(): readonly SlotValue[] {
    return [sessionFrame(this.#unit.installation.dataSource, this.#unit, () => this.#depth())]
  }

  /** Where the session's outermost level is on the runner, counted from 1. */
  #depth(): number | undefined {
    if (!this.#isJoined) return this.#unit.isOpen ? 1 : undefined
    const index = this.#unit.levels.findIndex((level) => level.session === this.#session)
    return index < 0 ? undefined : index + 1
  }

  async release(): Promise<void> {
    if (!this.runner.isReleased) await this.runner.release()
  }

  toString(): string {
    return `TypeORM on ${driverTypeOf(this.#unit.installation.dataSource)}`
  }
}

/** Serialization failures and deadlocks: SQLSTATE of PostgreSQL, codes and numbers of MySQL and MariaDB (the last one of snapshots), SQLite's busy. */
const RETRYABLE = new Set([
  '40001',
  '40P01',
  'ER_LOCK_DEADLOCK',
  'ER_LOCK_WAIT_TIMEOUT',
  '1213',
  '1205',
  'ER_CHECKREAD',
  '1020',
  'SQLITE_BUSY',
  'SQLITE_BUSY_SNAPSHOT',
])
