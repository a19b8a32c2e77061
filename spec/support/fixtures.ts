/**
 * Whole tables as texts, and folders of files of rows.
 *
 * Reads tables by statements of its own: what is compared was never in the hands of what is tested.
 *
 * @module
 */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import type { DataSource, EntityMetadata } from 'typeorm'
import { databaseName } from './databases.js'

/** All tables, by name, their rows as texts in which nothing is rounded, in order. */
export async function allRows(ds: DataSource): Promise<Record<string, readonly string[]>> {
  const found: Record<string, readonly string[]> = {}
  for (const metadata of ds.entityMetadatas.filter(({ tableType }) => tableType !== 'view'))
    found[metadata.tableName] = (await rowsOf(ds, metadata)).sort()
  return found
}

async function rowsOf(ds: DataSource, { tablePath, columns }: EntityMetadata): Promise<string[]> {
  const table = tablePath
    .split('.')
    .map((part) => ds.driver.escape(part))
    .join('.')
  const stored = columns.filter(({ isVirtualProperty }) => !isVirtualProperty)
  const types = new Map(stored.map((column) => [column.databaseName, ds.driver.normalizeType(column)]))
  const shown = [...types].sort().flatMap(([name, type], at) => {
    return wordings(ds.driver.escape(name), type).map((wording, by) => `${wording} AS v${at}_${by}`)
  })
  const rows = (await ds.query(`SELECT ${shown.join(', ')} FROM ${table}`)) as object[]
  return rows.map((row) => JSON.stringify(row))
}

function wordings(column: string, type: string): readonly string[] {
  switch (databaseName()) {
    case 'postgres':
      return [`${column}::text`]
    case 'mariadb':
      return [`HEX(${column})`, ...(/float|double|real/.test(type) ? [`${column} + 0e0`] : [])] // which HEX would round
    default:
      return [`typeof(${column})`, `hex(${column})`, `quote(${column})`]
  }
}

const made: string[] = []

/** A folder of its own, removed after the file. */
export function emptyFolder(): string {
  const dir = mkdtempSync(join(tmpdir(), 'flushpoint-data-'))
  made.push(dir)
  return dir
}

afterAll(() => made.splice(0).forEach((dir) => rmSync(dir, { recursive: true, force: true })))

/** By path, as texts; hidden ones too. */
export function filesIn(dir: string): Record<string, string> {
  const paths = readdirSync(dir, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())
  const entries = paths.map(({ parentPath, name }) => [
    join(parentPath, name).slice(dir.length + 1),
    readFileSync(join(parentPath, name), 'utf8'),
  ])
  return Object.fromEntries(entries.sort()) as Record<string, string>
}

/** A folder with these files; what is no text is written as JSON. */
export function folderOf(files: Readonly<Record<string, unknown>>): string {
  const dir = emptyFolder()
  for (const [path, content] of Object.entries(files)) putFile(dir, path, content)
  return dir
}

export function putFile(dir: string, path: string, content: unknown): void {
  mkdirSync(dirname(join(dir, path)), { recursive: true })
  writeFileSync(join(dir, path), typeof content === 'string' || Buffer.isBuffer(content) ? content : JSON.stringify(content))
}
