/**
 * The wraps around TypeORM's persistence classes: where a run begins and ends, and where its hooks fire.
 *
 * Wrapped once per loaded TypeORM, and inert for every DataSource without flushpoint. Invariant: with flushpoint off, each wrap is one
 * look-up and the original call.
 *
 * @module
 */
import type { QueryRunner } from 'typeorm'
import { FrameSlot } from '../core/async-frame.js'
import { withoutExtensions } from '../core/silence.js'
import { installationOf, type Installation } from './installation.js'
import { createBareRunner, installedUnitOf } from './data-source-patch.js'
import { dataSourceOf, type BroadcasterResult, type Executor, type Internals, type PersistRun } from './internals.js'
import { dropFalseDiffs } from './subject-diff.js'
import { openUnitOf } from './unit-frame.js'
import type { Level, RunnerUnit } from './runner-unit.js'
import { afterSql, beforeSql, isRunning, isSilenced, noteWritten, runFlush } from './runner-flush.js'
import { writeInSets } from './subject-writer.js'

const WRAPPED = Symbol.for('flushpoint.flush-boundary')
const diffRead = new FrameSlot<boolean>('diff-read')

/** On the options a run of save or remove hands to its executors: the level of the caller's transaction it was called in. */
const JOINED = Symbol('flushpoint.joined')

/** Whether the present call is TypeORM reading what save or remove will be compared with, not the user loading entities. */
export function isDiffRead(): boolean {
  return diffRead.get() === true
}

/** Wraps the classes of the loaded TypeORM; does nothing when that is done already. */
export function wrapPersistence(internals: Internals): void {
  const prototype = internals.SubjectExecutor.prototype as Executor & Record<symbol, boolean | undefined>
  if (prototype[WRAPPED] === true) return
  prototype[WRAPPED] = true
  wrapExecutor(prototype, internals)
  wrapPersistRun(internals.EntityPersistExecutor.prototype)
  wrapDiffRead(internals)
}

function wrapExecutor(prototype: Executor, internals: Internals): void {
  const { execute, recompute, broadcastBeforeEventsForAll, broadcastAfterEventsForAll } = prototype
  prototype.execute = function (this: Executor) {
    const unit = installedUnitOf(this.queryRunner)
    if (unit === undefined) return execute.call(this)
    if (unit.installation.fastWrites) writeInSets(this, (subject) => noteWritten(this, subject))
    const options = this.options as { [JOINED]?: Level } | undefined
    const joined = options !== undefined && JOINED in options ? options[JOINED] : unit.currentLevel
    if (!isSilenced(this)) return runFlush({ unit, executor: this, internals, joined, proceed: () => execute.call(this) })
    unit.assertStillIn(joined, 'a save')
    return execute.call(this)
  }
  prototype.recompute = function (this: Executor) {
    recompute.call(this)
    if (installationOf(dataSourceOf(this.queryRunner)) !== undefined) dropFalseDiffs(this)
  }
  prototype.broadcastBeforeEventsForAll = function (this: Executor) {
    return isRunning(this) ? awaited(beforeSql(this)) : broadcastBeforeEventsForAll.call(this)
  }
  prototype.broadcastAfterEventsForAll = function (this: Executor) {
    return isRunning(this) ? awaited(afterSql(this)) : broadcastAfterEventsForAll.call(this)
  }
}

/** TypeORM awaits the promises; a count of 0 keeps it from recomputing what has just been planned. */
function awaited(promise: Promise<void>): BroadcasterResult {
  return { count: 0, promises: [promise], wait: () => promise } as unknown as BroadcasterResult
}

/** A save without a runner gets one from here rather than from TypeORM, so that its transaction is known to be its own. */
function wrapPersistRun(prototype: PersistRun): void {
  const { execute } = prototype
  prototype.execute = function (this: PersistRun) {
    const installation = installationOf(dataSourceOf(this))
    if (installation === undefined) return execute.call(this)
    if (Array.isArray(this.entity)) this.entity = [...new Set(this.entity as object[])] // TypeORM would insert one listed twice as two rows
    if (this.queryRunner !== undefined) return runJoined(this, this.queryRunner, () => execute.call(this))
    const run = () => withOwnRunner(this, installation, () => execute.call(this))
    return this.options?.listeners === false ? withoutExtensions(run) : run()
  }
}

/** A run inside a caller's transaction must never begin one of its own: by then the caller's would have ended. */
function runJoined(run: PersistRun, runner: QueryRunner, execute: () => Promise<void>): Promise<void> {
  const unit = installedUnitOf(runner)
  const beginning = unit?.opened?.beginAround('')
  return beginning === undefined ? joined(run, unit, execute) : beginning.then(() => joined(run, unit, execute))
}

function joined(run: PersistRun, unit: RunnerUnit | undefined, execute: () => Promise<void>): Promise<void> {
  const level = unit?.currentLevel
  run.options = { ...run.options, [JOINED]: level }
  if (unit === undefined || level === undefined) return execute()
  run.options = { ...run.options, transaction: false }
  return unit.runIn(level, execute)
}

async function withOwnRunner(run: PersistRun, installation: Installation, execute: () => Promise<void>): Promise<void> {
  const isUnobserved = installation.isUnobserved && openUnitOf(installation.dataSource) === undefined
  const runner = isUnobserved ? unobservedRunner(installation) : installation.dataSource.createQueryRunner()
  const unit = installedUnitOf(runner)
  if (unit?.isOpen === false) unit.ownedByWrite = true
  run.queryRunner = runner
  try {
    await runJoined(run, runner, execute)
  } finally {
    delete run.queryRunner
    await runner.release()
    if (isUnobserved && unit?.isOpen === false) installation.spareRunner = runner
  }
}

function unobservedRunner(installation: Installation): QueryRunner {
  if (installation.queue === undefined) return createBareRunner(installation)
  return takeSpare(installation) ?? installation.dataSource.createQueryRunner()
}

/** On a single connection a runner is a mere handle, so where nobody can keep hold of it the same one serves again. */
function takeSpare(installation: Installation): QueryRunner | undefined {
  const spare = installation.spareRunner
  installation.spareRunner = undefined
  return spare
}

/** afterLoad is for what users load: TypeORM's read before a save fires it too, with relations cut down to keys. */
function wrapDiffRead(internals: Internals): void {
  const { prototype } = internals.SubjectDatabaseEntityLoader as unknown as {
    prototype: { load(mode: string): Promise<void>; queryRunner: Executor['queryRunner'] }
  }
  const { load } = prototype
  prototype.load = function (mode) {
    const installation = installationOf(dataSourceOf(this.queryRunner))
    return installation === undefined || !installation.firesAfterLoad
      ? load.call(this, mode)
      : diffRead.run(true, () => load.call(this, mode))
  }
}
