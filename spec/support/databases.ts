/**
 * Data sources for specs, on the database that DB names.
 *
 * Each call of `dataSourceOptions` stands for a database of its own: a temporary file, a schema in PostgreSQL or a database in MariaDB,
 * so specs run in parallel and never see each other's rows. Everything is closed and dropped by `closeAll`, at the latest after the file.
 *
 * @module
 */
import { randomBytes } from 'node:crypto'
import { mkdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import mysql from 'mysql2/promise'
import { Client } from 'pg'
import { DataSource, type DataSourceOptions } from 'typeorm'

export type DatabaseName = 'sqlite' | 'better-sqlite3' | 'postgres' | 'mariadb'

/** Any option of any driver; `memory` asks SQLite for `:memory:` and means nothing elsewhere. */
export interface ExtraOptions extends Partial<
  Pick<DataSourceOptions, 'entities' | 'subscribers' | 'synchronize' | 'logging' | 'namingStrategy'>
> {
  readonly memory?: boolean
  readonly [option: string]: unknown
}

/** One statement as sent to the driver, BEGIN, COMMIT and SAVEPOINT included. */
export interface Statement {
  readonly sql: string
  readonly parameters: readonly unknown[]
}

export interface Recording {
  readonly statements: readonly Statement[]
  /** The SQL alone, in order, without the generated schema names that PostgreSQL needs. */
  sql(): string[]
  clear(): void
  /** Gives the data source its former logger back. */
  stop(): void
}

const FOLDER = join(tmpdir(), `flushpoint-${process.pid}-${randomBytes(4).toString('hex')}`)
const open = new Set<DataSource>()
const created = new Set<string>()

export function databaseName(): DatabaseName {
  return (process.env['DB'] ?? 'sqlite') as DatabaseName
}

export function typeormMajor(): '0.3' | '1' {
  return (process.env['TYPEORM'] ?? '0.3') as '0.3' | '1'
}

/** True where one connection serves every query runner of a data source. */
export function isSingleConnection(): boolean {
  return databaseName() === 'sqlite' || databaseName() === 'better-sqlite3'
}

/** A `describe` that is skipped when the database server does not answer, or is not one of `databases`. */
export function describeDatabase(name: string, body: () => void, databases?: readonly DatabaseName[]): void {
  const runs = !process.env['DATABASE_DOWN'] && (databases?.includes(databaseName()) ?? true)
  ;(runs ? describe : describe.skip)(name, body)
}

/** Options for a new, empty database. Spread the options of an open data source to use its database twice. */
export function dataSourceOptions({ memory = false, ...extra }: ExtraOptions = {}): DataSourceOptions {
  const options = { type: databaseName(), synchronize: true, dropSchema: false, ...connection(memory), ...extra }
  return options as unknown as DataSourceOptions
}

function connection(memory: boolean): Record<string, unknown> {
  const name = `flushpoint_${Date.now().toString(36)}_${randomBytes(5).toString('hex')}`
  switch (databaseName()) {
    case 'postgres':
      return {
        url: process.env['POSTGRES_URL'],
        schema: name,
        extra: { options: `-c search_path=${name},public -c synchronous_commit=off` }, // rows of specs need not survive a crash
        uuidExtension: 'pgcrypto',
        installExtensions: false, // gen_random_uuid() is built in, and an extension would live in a schema that is dropped
      }
    case 'mariadb':
      return { url: withDatabase(process.env['MARIADB_URL'] ?? '', name), database: name, connectorPackage: 'mysql2' }
    default:
      return { database: memory ? ':memory:' : join(FOLDER, `${name}.sqlite`) }
  }
}

function withDatabase(url: string, name: string): string {
  return Object.assign(new URL(url), { pathname: `/${name}` }).toString()
}

/** Creates the database the options name, where it is not there yet. Needed before a data source that `openDataSource` does not open. */
export async function createDatabase(options: DataSourceOptions): Promise<void> {
  const { schema, database } = options as { schema?: string; database?: string }
  if (isSingleConnection()) return void mkdirSync(FOLDER, { recursive: true })
  const name = (databaseName() === 'postgres' ? schema : database) ?? ''
  if (created.has(name)) return
  created.add(name)
  await onServer([databaseName() === 'postgres' ? `CREATE SCHEMA "${name}"` : `CREATE DATABASE \`${name}\` CHARACTER SET utf8mb4`])
}

/** An initialised data source with its tables; takes finished options or only the extra ones. */
export async function openDataSource(options: DataSourceOptions | ExtraOptions = {}): Promise<DataSource> {
  const complete = 'type' in options ? (options as DataSourceOptions) : dataSourceOptions(options as ExtraOptions)
  await createDatabase(complete)
  const dataSource = new DataSource(complete)
  open.add(dataSource)
  return dataSource.initialize()
}

const used = new Map<string, { readonly options: DataSourceOptions; readonly tables: readonly string[] }>()

/**
 * As {@link openDataSource}, on the tables that an earlier test of the file has made for the same entities, empty again and with keys that count
 * from 1: on servers making them takes longest. For specs that leave the schema alone and close with {@link closeDataSources}.
 */
export async function openOnUsedTables({
  entities,
  ...extra
}: ExtraOptions & { readonly entities: readonly (new () => object)[] }): Promise<DataSource> {
  if (isSingleConnection()) return openDataSource({ entities: [...entities], ...extra })
  const name = entities.map((entity) => entity.name).join()
  const known = used.get(name)
  if (known === undefined) {
    const dataSource = await openDataSource({ entities: [...entities], ...extra })
    used.set(name, { options: dataSource.options, tables: dataSource.entityMetadatas.map(({ tablePath }) => tablePath) })
    return dataSource
  }
  await onServer(emptying(known.tables, known.options as { database?: string; schema?: string }))
  return openDataSource({ ...known.options, ...extra, synchronize: false } as DataSourceOptions)
}

/** Not by TRUNCATE, which makes files anew: it takes the servers far longer than deleting the few rows of a test. */
function emptying(tables: readonly string[], { database, schema }: { database?: string; schema?: string }): readonly string[] {
  const quote = databaseName() === 'postgres' ? '"' : '`'
  const paths = tables.map((path) =>
    path
      .split('.')
      .map((part) => `${quote}${part}${quote}`)
      .join('.'),
  )
  const deletes = paths.map((path) => `DELETE FROM ${path}`)
  if (databaseName() === 'postgres')
    return [
      `SET session_replication_role = replica; ${deletes.join('; ')}`,
      `SELECT setval(s.seqrelid::regclass, s.seqstart, false) FROM pg_sequence s JOIN pg_class c ON c.oid = s.seqrelid WHERE c.relnamespace = '"${schema!}"'::regnamespace`,
    ]
  return [
    `USE \`${database!}\``,
    'SET FOREIGN_KEY_CHECKS = 0',
    ...deletes,
    ...paths.map((path) => `ALTER TABLE ${path} AUTO_INCREMENT = 1`),
  ]
}

/** Closes every data source of this spec file. */
export async function closeDataSources(): Promise<void> {
  const dataSources = [...open].filter((dataSource) => dataSource.isInitialized)
  open.clear()
  const closed = await Promise.allSettled(dataSources.map((dataSource) => dataSource.destroy()))
  const errors = closed.flatMap((result) => (result.status === 'rejected' ? [result.reason as unknown] : []))
  if (errors.length > 0) throw new AggregateError(errors, 'Cannot close every data source of this file')
}

/** Closes every data source of this spec file and drops its databases. */
export async function closeAll(): Promise<void> {
  const closed = closeDataSources()
  await closed.catch(() => undefined) // databases are dropped all the same
  const names = [...created]
  created.clear()
  used.clear()
  if (databaseName() === 'postgres') await onServer(names.map((name) => `DROP SCHEMA IF EXISTS "${name}" CASCADE`))
  else if (databaseName() === 'mariadb') await onServer(names.map((name) => `DROP DATABASE IF EXISTS \`${name}\``))
  else rmSync(FOLDER, { recursive: true, force: true })
  await closed
}

async function onServer(statements: readonly string[]): Promise<void> {
  if (statements.length === 0) return
  if (databaseName() === 'postgres') {
    const client = new Client({ connectionString: process.env['POSTGRES_URL'] })
    await client.connect()
    try {
      for (const statement of statements) await client.query(statement)
    } finally {
      await client.end()
    }
  } else {
    const client = await mysql.createConnection(process.env['MARIADB_URL'] ?? '')
    try {
      for (const statement of statements) await client.query(statement)
    } finally {
      await client.end()
    }
  }
}

/** Captures what a data source sends from now on. Its own logger still hears everything. */
export function recordStatements(dataSource: DataSource): Recording {
  const statements: Statement[] = []
  const former = dataSource.logger
  // Query runners ask their driver for the data source and that for its logger, in 0.3 and 1 alike.
  dataSource.logger = Object.assign(Object.create(former) as typeof former, {
    logQuery: (...[sql, parameters, runner]: Parameters<typeof former.logQuery>) => {
      statements.push({ sql, parameters: [...((parameters as readonly unknown[] | undefined) ?? [])] })
      return former.logQuery(sql, parameters, runner)
    },
  })
  return {
    statements,
    sql: () => statements.map(({ sql }) => sql.replace(/"flushpoint_\w+"\./g, '')),
    clear: () => void (statements.length = 0),
    stop: () => void (dataSource.logger = former),
  }
}

afterAll(closeAll)
