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

// ---- tables

export async function lookAt(runner: SchemaRunner, path: string): Promise<LookAgain> {
  const before = await textAt(runner, path)
  return () => tableAt(runner, path, before)
}

/** What has become of a table that had this schema. */
export async function tableAt(runner: SchemaRunner, path: string, before: string | null): Promise<readonly SchemaChange[]> {
  return told(changeOf(nameOf(runner, path), before, await textAt(runner, path)))
}

export async function lookAtBoth(runner: SchemaRunner, path: string, newName: string): Promise<LookAgain> {
  const newPath = renamed(path, newName)
  const { table: oldTable } = nameOf(runner, path)
  const beforeSchema = await textAt(runner, path)
  return async () => {
    const afterSchema = await textAt(runner, newPath)
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

/** The schema of a table; null where there is none. */
export async function textAt(runner: SchemaRunner, path: string): Promise<string | null> {
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

export function renamed(path: string, newName: string): string {
  return `${path.slice(0, path.lastIndexOf('.') + 1)}${newName}`
}

export function lastPartOf(path: string): string {
  return path.slice(path.lastIndexOf('.') + 1)
}
