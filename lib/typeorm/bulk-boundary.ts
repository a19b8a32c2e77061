/**
 * The wrap around `execute` of TypeORM's write builders: where bulk statements get their hooks.
 *
 * `manager.update`, `delete`, `insert`, `upsert`, `softDelete`, `restore` and `increment` all end there. Invariant: statements that
 * TypeORM's own persistence sends are only observed; a builder that calls no listeners is left alone.
 *
 * @module
 */
import type { EntityMetadata } from 'typeorm'
import { currentSilence } from '../core/silence.js'
import type { BulkKind } from '../mapper/bulk-statement.js'
import type { UnitSession } from '../session/session-base.js'
import { BulkWrite } from '../session/bulk-write.js'
import { Flush } from '../session/flush.js'
import { conditionOf, rememberConditions } from './bulk-condition.js'
import { loadImages, unsupportedReason } from './bulk-images.js'
import { installedUnitOf } from './data-source-patch.js'
import { entityMapOf } from './entity-maps.js'
import { installationOf, type Installation } from './installation.js'
import { dataSourceOf, type Internals, type WriteBuilder } from './internals.js'
import { NO_MAPPER_HOOKS, type MapperHooks } from './mappers.js'
import type { Level, RunnerUnit } from './runner-unit.js'
import { runAsTurn, takeTurn } from './turns.js'

type Result = Awaited<ReturnType<WriteBuilder['execute']>>

const WRAPPED = Symbol.for('flushpoint.bulk-boundary')

/** Wraps the write builders of the loaded TypeORM; does nothing when that is done already. */
export function wrapWriteBuilders(internals: Internals): void {
  for (const { prototype } of internals.writeBuilders) {
    const marked = prototype as WriteBuilder & Record<symbol, boolean | undefined>
    if (marked[WRAPPED] === true) continue
    marked[WRAPPED] = true
    rememberConditions(prototype)
    const { execute } = prototype
    prototype.execute = function (this: WriteBuilder) {
      const installation = installationOf(dataSourceOf(this)) ?? installedUnitOf(this.queryRunner)?.installation
      return installation === undefined ? execute.call(this) : around(this, installation, () => execute.call(this))
    }
  }
}

function around(builder: WriteBuilder, installation: Installation, execute: WriteBuilder['execute']): Promise<Result> {
  const { expressionMap, queryRunner } = builder
  if (!expressionMap.callListeners) {
    const writing = installedUnitOf(queryRunner)?.writing
    return writing === undefined ? execute() : writing.observe(builder, execute)
  }
  const alias = expressionMap.mainAlias
  if (alias?.hasMetadata !== true || currentSilence() !== undefined || isSentByFlush(queryRunner)) return execute()
  const mapperHooks = alias.metadata.isJunction ? NO_MAPPER_HOOKS : installation.mappers.hooksOf(alias.metadata)
  if (installation.extensions.length === 0 && !listens(mapperHooks) && installedUnitOf(queryRunner)?.session === undefined) return execute()
  return withRunner({ builder, installation, metadata: alias.metadata, mapperHooks, execute })
}

function listens(hooks: { has(hook: string): boolean }): boolean {
  return hooks.has('beforeBulk') || hooks.has('afterBulk')
}

/** Tree strategies send statements with listeners on from inside a flush; those are not the user's. */
function isSentByFlush(runner: WriteBuilder['queryRunner']): boolean {
  return Flush.innermost?.phase === 'sql' && installedUnitOf(runner)?.writing !== undefined
}

interface Bulk {
  readonly builder: WriteBuilder
  readonly installation: Installation
  readonly metadata: EntityMetadata
  readonly mapperHooks: MapperHooks
  readonly execute: WriteBuilder['execute']
}

/** Hooks and statement must share a runner, so a builder without one gets it here. */
async function withRunner(bulk: Bulk): Promise<Result> {
  const { builder, installation } = bulk
  const isOwn = builder.queryRunner === undefined
  const runner = (builder.queryRunner ??= installation.dataSource.createQueryRunner('master'))
  const unit = installedUnitOf(runner)!
  try {
    await unit.opened?.beginAround('')
    return await (runner.isTransactionActive ? runBulk(bulk, unit, unit.sessionInTransaction()!) : runOwnCommit(bulk, unit))
  } finally {
    if (isOwn) {
      delete builder.queryRunner
      await runner.release()
    }
  }
}

async function runOwnCommit(bulk: Bulk, unit: RunnerUnit): Promise<Result> {
  const session = unit.beginWrite()
  let isDone = false
  try {
    const result = await runBulk(bulk, unit, session)
    if (!session.ended) await session.writePending()
    isDone = true
    return result
  } finally {
    unit.endWrite(session)
    if (!session.ended) await (isDone ? session.committed() : session.rolledBack())
  }
}

/** A bulk statement takes its turn among the flushes of its runner: between its images and its rows nothing else is written. */
function runBulk(bulk: Bulk, unit: RunnerUnit, session: UnitSession): Promise<Result> {
  if (!listens(session.hooks) && !listens(bulk.mapperHooks)) {
    // a flush that is undone to its own savepoint must not take a statement beside it along
    return unit.installation.savepoints ? takeTurn(unit, () => bulk.execute()) : bulk.execute()
  }
  const level = unit.currentLevel
  const run = () =>
    takeTurn(unit, () => runAsTurn({ unit, level, isOver: false }, session.frame(), () => runHooked(bulk, { unit, session, level })))
  return level === undefined ? run() : unit.runIn(level, run)
}

async function runHooked(
  bulk: Bulk,
  { unit, session, level }: { unit: RunnerUnit; session: UnitSession; level: Level | undefined },
): Promise<Result> {
  const statement = describe(bulk)
  unit.assertStillIn(level, `a bulk ${statement.kind}`)
  await session.hooks.run('beforeBulk', statement)
  await bulk.mapperHooks.run('beforeBulk', statement, session)
  unit.assertStillIn(level, `a bulk ${statement.kind}`)
  statement.send()
  const sending = { unit, session, statement }
  return statement.needsTransaction && !unit.runner.isTransactionActive ? sendInTransaction(bulk, sending) : sendAndTell(bulk, sending)
}

async function sendInTransaction(bulk: Bulk, sending: Sending): Promise<Result> {
  const { unit } = sending
  unit.promoteWrite()
  await unit.runner.startTransaction()
  try {
    const result = await sendAndTell(bulk, sending)
    await unit.runner.commitTransaction()
    return result
  } catch (error) {
    await unit.runner.rollbackTransaction().catch(() => undefined)
    throw error
  }
}

interface Sending {
  readonly unit: RunnerUnit
  readonly session: UnitSession
  readonly statement: BulkWrite
}

async function sendAndTell(bulk: Bulk, { unit, session, statement }: Sending): Promise<Result> {
  const { builder, metadata, mapperHooks, execute } = bulk
  const finish =
    statement.images === undefined
      ? undefined
      : await loadImages({ builder, metadata, runner: unit.runner, kind: statement.kind, images: statement.images })
  const counted = await countingInserts(unit, builder, execute)
  const changes = finish === undefined ? undefined : session.recordWritten(await finish(counted.result))
  statement.finish(counted.affected, changes)
  await mapperHooks.run('afterBulk', statement, session)
  await session.hooks.run('afterBulk', statement)
  return counted.result
}

/** InsertResult drops the number of affected rows, so it is taken from the statement on its way. */
async function countingInserts(
  unit: RunnerUnit,
  builder: WriteBuilder,
  execute: WriteBuilder['execute'],
): Promise<{ result: Result; affected: number | undefined }> {
  if (builder.expressionMap.queryType !== 'insert') {
    const result = await execute()
    return { result, affected: result.affected ?? undefined }
  }
  const counting = unit.countNextInsert()
  try {
    const result = await execute()
    return { result, affected: counting.affected }
  } finally {
    counting.stop()
  }
}

function describe({ builder, metadata }: Bulk): BulkWrite {
  const { valuesSet, onIgnore } = builder.expressionMap
  const kind = kindOf(builder)
  const hasCondition = kind !== 'insert' && kind !== 'upsert'
  return new BulkWrite({
    kind,
    target: metadata.isJunction ? metadata.tableName : (metadata.target as BulkWrite['target']),
    where: hasCondition ? conditionOf(builder, metadata) : undefined,
    values: valuesSet as BulkWrite['values'],
    orIgnore: kind === 'insert' && Boolean(onIgnore),
    orUpdate: kind === 'upsert' && !isMadeByUpsert(builder),
    unsupported: unsupportedReason({ builder, metadata, kind }),
    isA: (target) => entityMapOf(metadata).isA(target),
  })
}

function kindOf({ expressionMap }: WriteBuilder): BulkKind {
  switch (expressionMap.queryType) {
    case 'soft-delete':
      return 'softDelete'
    case 'restore':
    case 'update':
    case 'delete':
      return expressionMap.queryType
    default:
      return (expressionMap.onUpdate as unknown) === undefined ? 'insert' : 'upsert'
  }
}

/** `upsert` says which kind of statement it wants; `orUpdate()` leaves that to the driver. */
function isMadeByUpsert({ expressionMap }: WriteBuilder): boolean {
  return (expressionMap.onUpdate as { readonly upsertType?: string } | undefined)?.upsertType !== undefined
}
