/**
 * Puts flushpoint on one DataSource and its query runners, and takes it off again.
 *
 * Patches instances only. Invariant: a wrapper is inert once it is uninstalled, and a method is restored only while it is still ours, so
 * other packages may have wrapped it before or after.
 *
 * @module
 */
import { Mutex } from 'async-mutex'
import type { DataSource, EntityManager, QueryRunner } from 'typeorm'
import { TransactionError } from '../core/errors.js'
import type { Session } from '../mapper/session.js'
import { asWork } from '../session/current-session.js'
import { installationFor, installationOf, type Installation } from './installation.js'
import { dataSourceOf, driverTypeOf } from './internals.js'
import { runQuery } from './runner-queries.js'
import { begin, commit, release, rollback } from './runner-transactions.js'
import { RunnerUnit } from './runner-unit.js'
import { inTransactionFrame, isUndoneAround, openUnitOf, unitFrameOf, type FramedUnit } from './unit-frame.js'

type Method = (...args: never[]) => unknown
type QueryArguments = Parameters<QueryRunner['query']>

/** Kept on the runner itself: a weak map of objects that live for one save costs more, at garbage collection, than the save's hooks. */
const UNIT = Symbol('flushpoint.unit')
const BARE = Symbol('flushpoint.bare')
type Attached = QueryRunner & { [UNIT]?: RunnerUnit; [BARE]?: boolean }

const undo = new WeakMap<DataSource, (() => void)[]>()

/** Wraps one method of one object; `undo` restores it if it is still ours. */
function patch<O extends object, K extends keyof O & string>(owner: O, name: K, wrap: (original: O[K]) => O[K]): () => void {
  const isOwn = Object.hasOwn(owner, name)
  const original = owner[name]
  const ours = wrap(((...args: never[]) => (original as Method).apply(owner, args)) as O[K])
  owner[name] = ours
  return () => {
    if (owner[name] !== ours) return
    if (isOwn) owner[name] = original
    else delete (owner as Record<string, unknown>)[name]
  }
}

/**
 * Wraps what a DataSource makes query runners and transactions with; does nothing when that is done already.
 *
 * @param made Is shown every runner that is made, also while the DataSource connects.
 */
export function patchDataSource(dataSource: DataSource, made: (runner: QueryRunner) => void): void {
  if (undo.has(dataSource)) return
  installationFor(dataSource)
  undo.set(dataSource, [
    patch(dataSource, 'createQueryRunner', (original) => {
      installationFor(dataSource).makeRunner = original
      return (mode) => {
        const runner = createRunner(dataSource, () => original(mode))
        made(runner)
        return runner
      }
    }),
    patchManager(dataSource, dataSource.manager, undefined),
  ])
}

/** Restores what is still ours; on a single connection not before those who were promised a turn have had it. */
export function unpatchDataSource(dataSource: DataSource): void {
  const installation = installationFor(dataSource)
  if (installation.isDraining) {
    installation.queue!.onIdle = () => {
      installation.queue!.onIdle = undefined
      if (!installation.hasLayers) unpatchDataSource(dataSource)
    }
    return
  }
  undo.get(dataSource)?.forEach((restore) => restore())
  undo.delete(dataSource)
}

/** `manager.transaction` runs its function in a frame, so that what it calls can be told from everybody else. */
function patchManager(dataSource: DataSource, manager: EntityManager, unit: RunnerUnit | undefined): () => void {
  return patch(manager, 'transaction', (original) => {
    const transaction = (...args: never[]) => {
      const installation = installationFor(dataSource)
      if (!installation.isActive && !installation.isDraining) return (original as Method)(...args)
      const joined = unit ?? unitToJoin(installation)
      const marks = [asWork(() => workOf(dataSource))]
      const run = () => inTransactionFrame(() => (original as Method)(...args) as Promise<unknown>, { dataSource, unit: joined }, marks)
      const beginning = joined instanceof RunnerUnit && !joined.isOpen ? joined.opened?.beginAround('') : undefined
      if (beginning !== undefined) return beginning.then(() => runNested(joined as RunnerUnit, run))
      return joined instanceof RunnerUnit ? runNested(joined, run) : run()
    }
    return transaction as EntityManager['transaction']
  })
}

/** The session of the transaction that the present call belongs to, also while that is over. */
function workOf(dataSource: DataSource): Session | 'undone' | undefined {
  if (isUndoneAround(dataSource)) return 'undone'
  const unit = openUnitOf(dataSource)
  return unit === undefined ? undefined : installedUnitOf(unit.runner)?.sessionInTransaction()
}

/**
 * Nested transactions called side by side take turns: TypeORM names savepoints by depth, so that parallel ones would end each other's.
 */
function runNested(unit: RunnerUnit, run: () => Promise<unknown>): Promise<unknown> {
  const around = unit.levelOfCall ?? unit.currentLevel
  if (around === undefined) return run()
  const turns = (around.nested ??= new Mutex())
  return unit.runIn(around, () => turns.runExclusive(run))
}

/**
 * The unit that a call through the DataSource's own manager belongs to here.
 *
 * @throws {TransactionError} GLOBAL_MANAGER_REFUSED by that policy, inside a transaction or hook.
 */
function unitToJoin(installation: Installation): FramedUnit | undefined {
  const unit = openUnitOf(installation.dataSource)
  if (unit === undefined) return undefined
  if (installation.globalManager === 'refuse')
    throw new TransactionError('GLOBAL_MANAGER_REFUSED', { driver: driverTypeOf(installation.dataSource) })
  return installation.globalManager === 'join' || installation.queue !== undefined ? unit : undefined
}

function createRunner(dataSource: DataSource, create: () => QueryRunner): QueryRunner {
  const installation = installationFor(dataSource)
  if (!installation.isActive && !installation.isDraining) return create()
  const joined = unitToJoin(installation)
  if (joined !== undefined) return joined.join()
  const runner = installation.queue === undefined ? create() : createUnshared(installation, create)
  const unit = unitOf(runner, installation)
  const frame = unitFrameOf(dataSource)
  if (frame !== undefined && frame.unit === undefined) frame.unit = unit
  return runner
}

/** A runner of TypeORM's own for one write that nobody can observe: it gets no unit, and nothing of it is followed. */
export function createBareRunner(installation: Installation): QueryRunner {
  const runner: Attached = installation.makeRunner?.() ?? installation.dataSource.createQueryRunner()
  if (runner[UNIT] === undefined) runner[BARE] = true
  return runner
}

/**
 * Single-connection drivers remember one runner and hand it to everybody; each unit of work needs one of its own. Statements prepared by
 * one (better-sqlite3) serve them all, as they are prepared on the connection.
 */
function createUnshared(installation: Installation, create: () => QueryRunner): QueryRunner {
  const driver = installation.dataSource.driver as { queryRunner?: QueryRunner | undefined }
  driver.queryRunner = undefined
  const runner = create() as QueryRunner & { stmtCache?: unknown }
  driver.queryRunner = undefined
  if (runner.stmtCache !== undefined) runner.stmtCache = installation.preparedStatements ??= runner.stmtCache
  return runner
}

/** The unit of a runner, which is made and attached when it is first asked for. */
export function unitOf(runner: QueryRunner, installation: Installation): RunnerUnit {
  const known = (runner as Attached)[UNIT]
  if (known?.installation === installation) return known
  const unit = new RunnerUnit(runner, installation)
  ;(runner as Attached)[UNIT] = unit
  patchRunner(runner, unit)
  return unit
}

/** The unit of a runner of an installed DataSource, or of one whose transaction was begun while it was. */
export function installedUnitOf(runner: QueryRunner | undefined): RunnerUnit | undefined {
  if (runner === undefined) return undefined
  const attached = (runner as Attached)[UNIT]
  if (attached?.isOpen === true) return attached.installation.isConnecting ? undefined : attached
  if ((runner as Attached)[BARE] === true) return undefined
  const installation = installationOf(dataSourceOf(runner))
  return installation === undefined ? undefined : unitOf(runner, installation)
}

/** Written out, not through {@link patch}: it happens for every save, and nothing is ever restored on a runner. */
function patchRunner(runner: QueryRunner, unit: RunnerUnit): void {
  const { startTransaction, commitTransaction, rollbackTransaction, release: releaseRunner, query } = runner
  const isActive = () => unit.installation.isActive || unit.isOpen || unit.installation.isDraining
  const send = ((...args: QueryArguments) => query.apply(runner, args)) as QueryRunner['query']
  runner.startTransaction = (isolation) =>
    isActive() ? begin(unit, () => startTransaction.call(runner, isolation)) : startTransaction.call(runner, isolation)
  runner.commitTransaction = () => (isActive() ? commit(unit, () => commitTransaction.call(runner)) : commitTransaction.call(runner))
  runner.rollbackTransaction = () =>
    isActive() ? rollback(unit, () => rollbackTransaction.call(runner)) : rollbackTransaction.call(runner)
  runner.release = () => (isActive() ? release(unit, () => releaseRunner.call(runner)) : releaseRunner.call(runner))
  runner.query = ((...args: QueryArguments) => (isActive() ? runQuery(unit, send, args) : send(...args))) as QueryRunner['query']
  const manager = runner.manager as EntityManager | undefined // a runner made by the driver alone has none
  if (manager !== undefined) patchManager(unit.installation.dataSource, manager, unit)
}
