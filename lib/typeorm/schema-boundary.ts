/**
 * The wraps around what query runners do to the schema: where `afterSchemaChange` is told.
 *
 * Operations are wrapped once per class of query runners, since a runner is made for every save; statements on the runner itself, where
 * somebody listens. Invariant: an operation that is part of another one is told as that, and where nobody listens each wrap is a look-up
 * and the original call.
 *
 * @module
 */
import type { QueryRunner } from 'typeorm'
import { FrameSlot } from '../core/async-frame.js'
import { currentSilence } from '../core/silence.js'
import type { SchemaChange } from '../mapper/schema-change.js'
import type { UnitSession } from '../session/session-base.js'
import { installedUnitOf, unitOf } from './data-source-patch.js'
import { installationFor } from './installation.js'
import { dataSourceOf } from './internals.js'
import type { RunnerUnit } from './runner-unit.js'
import { lookAtEntities, lookAtRenamed, lookAtTable, type Look, type LookAgain, type SchemaRunner } from './schema-looks.js'
import { foldingOf, lookAtStatement } from './schema-statement-looks.js'
import { schemaStatementOf } from './schema-statements.js'

const HOOK = 'afterSchemaChange'
const WRAPPED = Symbol.for('flushpoint.schema-boundary')

type Run = () => Promise<unknown>
type Operation = (this: SchemaRunner, ...args: readonly unknown[]) => Promise<unknown>

/** The operation that this call is part of: what it calls on the same runner is its own doing. */
const outermost = new FrameSlot<QueryRunner>('schema-operation')

/** Listens to the operations of a query runner, and to its statements where somebody wants to hear; where there are no tables, to nothing. */
export function watchSchema(runner: QueryRunner): void {
  const prototype = Object.getPrototypeOf(runner) as Record<string | symbol, unknown>
  if (!Object.hasOwn(prototype, WRAPPED)) {
    if (typeof prototype['loadTables'] !== 'function') return
    prototype[WRAPPED] = true
    for (const [look, names] of OPERATIONS) for (const name of names) wrapOperation(prototype, name, look)
  }
  watchStatements(runner as SchemaRunner)
}

function wrapOperation(prototype: Record<string, unknown>, name: string, look: Look): void {
  const operation = prototype[name] as Operation | undefined
  if (typeof operation !== 'function') return
  prototype[name] = function (this: SchemaRunner, ...args: readonly unknown[]) {
    const run = () => operation.apply(this, args as unknown[])
    const unit = hearingUnit(this)
    return unit === undefined ? run() : operate(unit, run, () => look(this, args))
  }
}

/** Around all other wraps of `query`: what looks at tables sends statements of its own. */
function watchStatements(runner: SchemaRunner & { [WRAPPED]?: boolean }): void {
  const dataSource = dataSourceOf(runner)!
  const installation = installationFor(dataSource)
  if (installation.schemaListeners.length === 0 || Object.hasOwn(runner, WRAPPED)) return
  if (installation.isConnecting) unitOf(runner, installation)
  Object.defineProperty(runner, WRAPPED, { value: true })
  const fold = foldingOf(dataSource)
  const query = runner.query.bind(runner) as (...args: readonly unknown[]) => Promise<unknown>
  runner.query = ((...args: readonly unknown[]) => {
    const statement = schemaStatementOf(String(args[0]), fold)
    const unit = statement === undefined ? undefined : hearingUnit(runner)
    return unit === undefined
      ? query(...args)
      : operate(
          unit,
          () => query(...args),
          () => lookAtStatement(runner, statement!),
        )
  }) as QueryRunner['query']
}

/** The unit of a runner whose operations somebody may listen to. Schemas that are only written down as SQL are no change. */
function hearingUnit(runner: SchemaRunner): RunnerUnit | undefined {
  if (runner.sqlMemoryMode === true || currentSilence() !== undefined || outermost.get() === runner) return undefined
  const dataSource = dataSourceOf(runner)
  if (dataSource === undefined) return undefined
  const installation = installationFor(dataSource)
  const isHeard = installation.schemaListeners.length > 0
  const unit = installation.isConnecting && isHeard ? unitOf(runner, installation) : installedUnitOf(runner)
  return (unit?.session?.hooks.has(HOOK) ?? isHeard) ? unit : undefined
}

type LookFirst = () => Promise<LookAgain>

async function operate(unit: RunnerUnit, run: Run, look: LookFirst): Promise<unknown> {
  await unit.opened?.beginAround('')
  if (!unit.runner.isTransactionActive) return operateAlone(unit, run, look)
  const session = unit.sessionInTransaction()!
  const level = unit.currentLevel
  const tell = (change: SchemaChange) => session.hooks.run(HOOK, change)
  const observed = () => (session.hooks.has(HOOK) ? observe(unit, session, { run, look, tell }) : run())
  return level === undefined ? observed() : unit.runIn(level, observed)
}

/** Without a transaction an operation stands once it has run: every hook hears of it, and the caller of the first that fails. */
async function operateAlone(unit: RunnerUnit, run: Run, look: LookFirst): Promise<unknown> {
  const session = unit.beginWrite()
  if (!session.hooks.has(HOOK)) {
    unit.endWrite(session)
    return run()
  }
  let isDone = false
  const errors: unknown[] = []
  const failed = (error: unknown, extension: object) => {
    if (errors.push(error) > 1) unit.installation.reportHookError(error, { hook: HOOK, extension, session })
  }
  const tell = (change: SchemaChange) => session.hooks.runIsolated(HOOK, [change], failed)
  try {
    const result = await observe(unit, session, { run, look, tell, done: () => (isDone = true) })
    if (!session.ended) await session.writePending()
    if (errors.length > 0) throw errors[0]
    return result
  } finally {
    unit.endWrite(session)
    if (!session.ended) await (isDone ? session.committed() : session.rolledBack())
  }
}

interface Observed {
  readonly run: Run
  readonly look: LookFirst
  tell(change: SchemaChange): void | Promise<void>
  done?(): void
}

async function observe({ runner }: RunnerUnit, session: UnitSession, { run, look, tell, done }: Observed): Promise<unknown> {
  const lookAgain = await look()
  const result = await outermost.run(runner, run)
  done?.()
  for (const change of await lookAgain()) await session.inFrame(() => tell(change))
  return result
}

const ALTERING = [
  'changeTableComment',
  ...['addColumn', 'addColumns', 'renameColumn', 'changeColumn', 'changeColumns', 'dropColumn', 'dropColumns'],
  ...['createPrimaryKey', 'updatePrimaryKeys', 'dropPrimaryKey'],
  ...['UniqueConstraint', 'CheckConstraint', 'ExclusionConstraint', 'ForeignKey'].flatMap((part) => [
    ...[`create${part}`, `create${part}s`, `drop${part}`, `drop${part}s`],
  ]),
  ...['createIndex', 'createIndices', 'dropIndex', 'dropIndices'],
]

const OPERATIONS: readonly (readonly [Look, readonly string[]])[] = [
  [lookAtTable, ['createTable', 'dropTable', ...ALTERING]],
  [lookAtRenamed, ['renameTable']],
  [lookAtEntities, ['clearDatabase', 'dropSchema']],
]
