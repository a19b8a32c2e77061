/**
 * Looks at tables before and after an operation on the schema, and tells what has become of them.
 *
 * Asks TypeORM for the tables and runs nothing itself. Invariant: what is told is what the database said, never what an operation's
 * arguments promise.
 *
 * @module
 */
import type { QueryRunner, Table } from 'typeorm'
import { tableNameOf, type TableName } from '../core/table-name.js'
import type { SchemaChange } from '../mapper/schema-change.js'
import { dataSourceOf, hasSingleConnection } from './internals.js'
import type { SchemaStatement } from './schema-statements.js'
import { schemaText } from './schema-text.js'

export interface SchemaRunner extends QueryRunner {
  readonly sqlMemoryMode?: boolean
  loadTables(paths: readonly string[]): Promise<Table[]>
}

/** Looks again, and tells what is another one. */
export type LookAgain = () => Promise<readonly SchemaChange[]>
/** Looks at the tables an operation with these arguments is about. */
export type Look = (runner: SchemaRunner, args: readonly unknown[]) => Promise<LookAgain>

export const lookAtTable: Look = (runner, [target]) => lookAt(runner, pathOf(runner, target))

export const lookAtRenamed: Look = (runner, [target, newName]) => lookAtBoth(runner, pathOf(runner, target), String(newName))

/** What is about whole databases, or an index alone, does not say which tables; those of entities can be looked for. */
export const lookAtEntities: Look = async (runner) => {
  const before = await entityTables(runner)
  return async () => {
    const after = await entityTables(runner)
    return [...before].flatMap(([key, { text, ...name }]) => told(changeOf(name, text, after.get(key)?.text ?? null)))
  }
}

// ---- statements

/** What TypeORM's migrations call the table that takes another's place, on databases that cannot alter one. */
const STAND_IN = 'temporary_'
/** The schemas of tables that are being replaced. */
const replaced = new WeakMap<QueryRunner, Map<string, string | null>>()

export function lookAtStatement(runner: SchemaRunner, { verb, table, newName }: SchemaStatement): Promise<LookAgain> {
  if (table === undefined) return lookAtEntities(runner, [])
  const replaces = hasSingleConnection(dataSourceOf(runner)!)
  if (replaces && isStandIn(table))
    return newName === undefined ? Promise.resolve(nothing) : lookAtReplacement(runner, renamed(table, newName))
  if (replaces && newName !== undefined && isStandIn(newName)) return setAside(runner, table)
  if (newName !== undefined) return lookAtBoth(runner, table, newName)
  return replaces && verb !== 'alter' ? lookAtReplaceable(runner, table, verb) : lookAt(runner, table)
}

/** A table that makes room for its stand-in, or comes back beside it, is the same table with another schema. */
async function lookAtReplaceable(runner: SchemaRunner, path: string, verb: 'create' | 'drop'): Promise<LookAgain> {
  const hasStandIn = (await textOf(runner, renamed(path, STAND_IN + lastPartOf(path)))) !== null
  if (hasStandIn && verb === 'drop') return setAside(runner, path)
  return hasStandIn && replaced.get(runner)?.has(path) === true ? lookAtReplacement(runner, path) : lookAt(runner, path)
}

async function setAside(runner: SchemaRunner, path: string): Promise<LookAgain> {
  const asides = replaced.get(runner) ?? new Map<string, string | null>()
  replaced.set(runner, asides.set(path, await textOf(runner, path)))
  return nothing
}

function lookAtReplacement(runner: SchemaRunner, path: string): Promise<LookAgain> {
  return Promise.resolve(async () => {
    const before = replaced.get(runner)?.get(path) ?? null
    replaced.get(runner)?.delete(path)
    return told(changeOf(nameOf(runner, path), before, await textOf(runner, path)))
  })
}

const nothing: LookAgain = () => Promise.resolve([])

function isStandIn(path: string): boolean {
  return lastPartOf(path).startsWith(STAND_IN)
}

// ---- tables

async function lookAt(runner: SchemaRunner, path: string): Promise<LookAgain> {
  const before = await textOf(runner, path)
  return async () => told(changeOf(nameOf(runner, path), before, await textOf(runner, path)))
}

async function lookAtBoth(runner: SchemaRunner, path: string, newName: string): Promise<LookAgain> {
  const newPath = renamed(path, newName)
  const { table: oldTable } = nameOf(runner, path)
  const beforeSchema = await textOf(runner, path)
  return async () => {
    const afterSchema = await textOf(runner, newPath)
    if (beforeSchema === null || afterSchema === null || beforeSchema === afterSchema) return []
    return told({ kind: 'renameTable', ...nameOf(runner, newPath), oldTable, beforeSchema, afterSchema })
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

function renamed(path: string, newName: string): string {
  return `${path.slice(0, path.lastIndexOf('.') + 1)}${newName}`
}

function lastPartOf(path: string): string {
  return path.slice(path.lastIndexOf('.') + 1)
}
