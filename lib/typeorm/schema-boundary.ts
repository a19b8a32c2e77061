/**
 * The wraps around the operations of query runners on the schema: where `afterSchemaChange` is told.
 *
 * Wrapped once per class of query runners, since a runner is made for every save; inert where nobody listens. Invariant: what is told is what
 * the database said before and after the outermost operation, never what its arguments promise.
 *
 * @module
 */
import type { QueryRunner, Table } from 'typeorm'
import { FrameSlot } from '../core/async-frame.js'
import { currentSilence } from '../core/silence.js'
import { tableNameOf, type TableName } from '../core/table-name.js'
import type { SchemaChange } from '../mapper/schema-change.js'
import type { UnitSession } from '../session/session-base.js'
import { installedUnitOf, unitOf } from './data-source-patch.js'
import { installationFor } from './installation.js'
import { dataSourceOf, hasSingleConnection } from './internals.js'
import type { RunnerUnit } from './runner-unit.js'
import { schemaText } from './schema-text.js'

const HOOK = 'afterSchemaChange'
const WRAPPED = Symbol.for('flushpoint.schema-boundary')

type Run = () => Promise<unknown>
type Operation = (this: SchemaRunner, ...args: readonly unknown[]) => Promise<unknown>
interface SchemaRunner extends QueryRunner {
  readonly sqlMemoryMode?: boolean
  loadTables(paths: readonly string[]): Promise<Table[]>
}

/** Looks at the tables an operation is about. @returns Looks again, and tells what is another one. */
type Look = (runner: SchemaRunner, args: readonly unknown[]) => Promise<() => Promise<readonly SchemaChange[]>>

/** The operation that this call is part of: what it calls on the same runner is its own doing. */
const outermost = new FrameSlot<QueryRunner>('schema-operation')

/** Wraps the class of a query runner; does nothing when that is done already, or where there are no tables. */
export function wrapSchemaOperations(runner: QueryRunner): void {
  const prototype = Object.getPrototypeOf(runner) as Record<string | symbol, unknown>
  if (Object.hasOwn(prototype, WRAPPED) || typeof prototype['loadTables'] !== 'function') return
  prototype[WRAPPED] = true
  for (const [look, names] of OPERATIONS) for (const name of names) wrap(prototype, name, look)
}

function wrap(prototype: Record<string, unknown>, name: string, look: Look): void {
  const operation = prototype[name] as Operation | undefined
  if (typeof operation !== 'function') return
  prototype[name] = function (this: SchemaRunner, ...args: readonly unknown[]) {
    const run = () => operation.apply(this, args as unknown[])
    const unit = hearingUnit(this)
    return unit === undefined ? run() : operate(unit, run, () => look(this, args))
  }
}

/** The unit of a runner whose operations somebody may listen to. Schemas that are only written down as SQL are no change. */
function hearingUnit(runner: SchemaRunner): RunnerUnit | undefined {
  if (runner.sqlMemoryMode === true || currentSilence() !== undefined || outermost.get() === runner) return undefined
  const dataSource = dataSourceOf(runner)
  if (dataSource === undefined) return undefined
  const installation = installationFor(dataSource)
  const isEarly = installation.isConnecting && installation.hasLayers && installation.hearsSchemaChanges
  const unit = isEarly ? unitOf(runner, installation) : installedUnitOf(runner)
  return (unit?.session?.hooks.has(HOOK) ?? installation.hearsSchemaChanges) ? unit : undefined
}

type LookFirst = () => ReturnType<Look>

async function operate(unit: RunnerUnit, run: Run, look: LookFirst): Promise<unknown> {
  await unit.opened?.beginAround('')
  if (!unit.runner.isTransactionActive) return operateAlone(unit, run, look)
  const session = unit.sessionInTransaction()!
  const level = unit.currentLevel
  const observed = () => (session.hooks.has(HOOK) ? observe(unit, session, { run, look, done: () => undefined }) : run())
  return level === undefined ? observed() : unit.runIn(level, observed)
}

/** Without a transaction an operation stands once it has run, whatever its hooks say. */
async function operateAlone(unit: RunnerUnit, run: Run, look: LookFirst): Promise<unknown> {
  const session = unit.beginWrite()
  if (!session.hooks.has(HOOK)) {
    unit.endWrite(session)
    return run()
  }
  let isDone = false
  try {
    const result = await observe(unit, session, { run, look, done: () => (isDone = true) })
    if (!session.ended) await session.writePending()
    return result
  } finally {
    unit.endWrite(session)
    if (!session.ended) await (isDone ? session.committed() : session.rolledBack())
  }
}

interface Observed {
  readonly run: Run
  readonly look: LookFirst
  done(): void
}

async function observe({ runner }: RunnerUnit, session: UnitSession, { run, look, done }: Observed): Promise<unknown> {
  const lookAgain = await look()
  const result = await outermost.run(runner, run)
  done()
  for (const change of await lookAgain()) await session.inFrame(() => session.hooks.run(HOOK, change))
  return result
}

// ---- what changed

const lookAtTable: Look = async (runner, [target]) => {
  const path = pathOf(runner, target)
  const before = await textOf(runner, path)
  return async () => told(changeOf(nameOf(runner, path), before, await textOf(runner, path)))
}

const lookAtRenamed: Look = async (runner, [target, newName]) => {
  const path = pathOf(runner, target)
  const newPath = `${path.slice(0, path.lastIndexOf('.') + 1)}${String(newName)}`
  const { table: oldTable } = nameOf(runner, path)
  const beforeSchema = await textOf(runner, path)
  return async () => {
    const afterSchema = await textOf(runner, newPath)
    if (beforeSchema === null || afterSchema === null || beforeSchema === afterSchema) return []
    return told({ kind: 'renameTable', ...nameOf(runner, newPath), oldTable, beforeSchema, afterSchema })
  }
}

/** What drops whole databases does not say which tables; those of entities can be looked for. */
const lookAtEntities: Look = async (runner) => {
  const before = await entityTables(runner)
  return async () => {
    const left = await entityTables(runner)
    const gone = [...before].filter(([key]) => !left.has(key))
    return gone.flatMap(([, { text, ...name }]) => told(changeOf(name, text, null)))
  }
}

function changeOf(name: TableName, before: string | null, after: string | null): SchemaChange | undefined {
  if (before === after) return undefined
  if (after === null) return { kind: 'dropTable', ...name, beforeSchema: before!, afterSchema: null }
  if (before === null) return { kind: 'createTable', ...name, beforeSchema: null, afterSchema: after }
  return { kind: 'alterTable', ...name, beforeSchema: before, afterSchema: after }
}

function told(change: SchemaChange | undefined): readonly SchemaChange[] {
  return change === undefined ? [] : [Object.freeze(change)]
}

async function textOf(runner: SchemaRunner, path: string): Promise<string | null> {
  const [table] = await runner.loadTables([path])
  return table === undefined ? null : schemaText(table, dataSourceOf(runner)!.driver)
}

async function entityTables(runner: SchemaRunner): Promise<Map<string, TableName & { readonly text: string }>> {
  const { driver, entityMetadatas } = dataSourceOf(runner)!
  const paths = entityMetadatas.filter(({ tableType }) => tableType !== 'view').map(({ tablePath }) => tablePath)
  const tables = await runner.loadTables([...new Set(paths)])
  return new Map(
    tables.map((table) => [table.name, { ...tableNameOf(driver.parseTableName(table), driver), text: schemaText(table, driver) }]),
  )
}

function nameOf(runner: SchemaRunner, path: string): TableName {
  const { driver } = dataSourceOf(runner)!
  return tableNameOf(driver.parseTableName(path), driver)
}

/** Taken before the operation, since some rename the table object they were given. On SQLite its name is a path already. */
function pathOf(runner: SchemaRunner, target: unknown): string {
  if (typeof target === 'string') return target
  const dataSource = dataSourceOf(runner)!
  if (hasSingleConnection(dataSource)) return (target as Table).name
  const { tableName, schema, database } = dataSource.driver.parseTableName(target as Table)
  return dataSource.driver.buildTableName(tableName, schema, database)
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
