/**
 * All rows of a database as texts that two databases can be compared by: values as they are stored, generated keys by the code of their row.
 *
 * @module
 */
import type { DataSource, EntityMetadata } from 'typeorm'
import { databaseName } from './databases.js'

type Raw = Record<string, string | null>
type Column = EntityMetadata['columns'][number]

interface Table {
  readonly path: string
  readonly name: string
  readonly columns: readonly Column[]
  readonly rows: readonly Raw[]
}

export interface Contents {
  /** By table, each in an order of its own. */
  readonly rows: Readonly<Record<string, readonly string[]>>
  /** What the database has made of each row, by code. */
  readonly stamps: ReadonlyMap<string, { readonly id: string | undefined; readonly version: string | undefined }>
}

export async function contentsOf(ds: DataSource): Promise<Contents> {
  const tables: Table[] = []
  for (const table of tablesOf(ds)) tables.push(await read(ds, table))
  const codes = new Map(tables.flatMap((table) => codesOf(table)))
  const rows = Object.fromEntries(tables.map((table) => [table.name, table.rows.map((row) => textOf(table, row, codes)).sort()]))
  const stamps = tables.flatMap((table) =>
    table.rows.map((row) => [bare(row['code']) ?? '', { id: bare(row['id']), version: bare(row['version']) }] as const),
  )
  return { rows, stamps: new Map(stamps) }
}

/** In the order opposite to {@link tablesOf}, so that nothing refers to what has gone. */
export function emptyTables(ds: DataSource): Promise<void> {
  return ds.transaction(async (manager) => {
    for (const { path } of tablesOf(ds).reverse()) await manager.query(`DELETE FROM ${escaped(ds, path)}`)
  })
}

/** As they are listed: those that lead to others after them, junctions last. */
function tablesOf(ds: DataSource): Omit<Table, 'rows'>[] {
  const tables = new Map<string, { path: string; name: string; columns: Column[] }>()
  for (const { tablePath, tableName, columns } of ds.entityMetadatas) {
    const table = tables.get(tablePath) ?? { path: tablePath, name: tableName, columns: [] }
    const known = new Set(table.columns.map(({ databaseName: name }) => name))
    table.columns.push(...columns.filter(({ databaseName: name }) => !known.has(name)))
    tables.set(tablePath, table)
  }
  return [...tables.values()]
}

async function read(ds: DataSource, table: Omit<Table, 'rows'>): Promise<Table> {
  const columns = table.columns.map((column) => `${stored(ds, column)} AS ${ds.driver.escape(column.databaseName)}`)
  const rows = (await ds.query(`SELECT ${columns.join(', ')} FROM ${escaped(ds, table.path)}`)) as Raw[]
  return { ...table, rows: rows.map((row) => Object.fromEntries(Object.entries(row).map(([name, value]) => [name, readable(value)]))) }
}

/** A value as text that tells all of it: on SQLite its storage class, too, and nothing is cut at a zero character. */
function stored(ds: DataSource, column: Column): string {
  const name = ds.driver.escape(column.databaseName)
  if (databaseName() === 'postgres') return `${name}::text`
  if (databaseName() === 'mariadb') return column.type === 'blob' ? `HEX(${name})` : `HEX(CAST(${name} AS CHAR))`
  return `CASE typeof(${name}) WHEN 'null' THEN NULL WHEN 'text' THEN 'text ' || hex(${name}) ELSE quote(${name}) END`
}

function readable(value: string | null): string | null {
  if (value === null || databaseName() === 'postgres') return value
  if (databaseName() === 'mariadb') return textOfDigits(value)
  return value.startsWith('text ') ? textOfDigits(value.slice(5)) : value
}

function textOfDigits(digits: string): string {
  const text = Buffer.from(digits, 'hex').toString()
  return Buffer.from(text).toString('hex').toUpperCase() === digits ? JSON.stringify(text) : digits
}

function bare(value: string | null | undefined): string | undefined {
  return value?.replace(/^"|"$/g, '')
}

function escaped(ds: DataSource, path: string): string {
  return path
    .split('.')
    .map((part) => ds.driver.escape(part))
    .join('.')
}

function codesOf({ columns, rows, path }: Table): (readonly [string, string])[] {
  const key = columns.find(isGeneratedKey)
  return key === undefined ? [] : rows.map((row) => [`${path} ${row[key.databaseName]}`, row['code']!] as const)
}

function isGeneratedKey({ isPrimary, isGenerated }: Column): boolean {
  return isPrimary && isGenerated
}

function textOf({ columns }: Table, row: Raw, codes: ReadonlyMap<string, string>): string {
  return columns.map((column) => `${column.databaseName}: ${comparable(column, row, codes)}`).join(', ')
}

function comparable(column: Column, row: Raw, codes: ReadonlyMap<string, string>): string {
  const value = row[column.databaseName] ?? null
  if (value === null) return 'NULL'
  if (isGeneratedKey(column)) return 'generated'
  const { referencedColumn, isCreateDate, isUpdateDate, isDeleteDate } = column
  if (referencedColumn !== undefined && isGeneratedKey(referencedColumn))
    return codes.get(`${referencedColumn.entityMetadata.tablePath} ${value}`) ?? `unknown ${value}`
  return isCreateDate || isUpdateDate || isDeleteDate ? dateOf(value) : value
}

/** Dates that are given lie before 2020; those that the database makes differ from one database to the other. */
function dateOf(value: string): string {
  return Number(/\d{4}/.exec(value)?.[0]) < 2020 ? value : 'now'
}
