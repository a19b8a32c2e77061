/**
 * One data source for a spec file and sessions on it, which are closed after each test.
 *
 * @module
 */
import { openSession, type OpenSession, type SessionOptions } from 'flushpoint'
import type { DataSource, ObjectLiteral } from 'typeorm'
import { databaseName, isSingleConnection, openDataSource, recordStatements, type ExtraOptions, type Statement } from './databases.js'
import { hooks, type Hooks } from './hooks.js'
import { plainSql } from './plain-sql.js'
import { TIES } from './ties.js'

export interface Sessions {
  readonly ds: DataSource
  /** A session with these hooks. */
  open(own?: Hooks, options?: SessionOptions): OpenSession
  /** What `fn` sends, in order, by its first words: `INSERT Memo`, `BEGIN`. */
  sent(fn: () => Promise<unknown>): Promise<string[]>
  /** As above, the SQL itself; `statements` get it with its parameters. */
  sqlOf(fn: () => Promise<unknown>, statements?: Statement[]): Promise<string[]>
  /** Saves without sessions. */
  save<E extends object>(type: new () => E, ...rows: Partial<E>[]): Promise<E[]>
  /** What a plain manager reads, ordered by key; soft-removed rows included. */
  rows<E extends ObjectLiteral>(type: new () => E, ...relations: string[]): Promise<E[]>
  /** One column of all rows, ordered by key. */
  column<E extends ObjectLiteral, P extends keyof E>(type: new () => E, property: P): Promise<E[P][]>
}

type EntityClasses = readonly (new () => object)[]

/** After each test sessions are closed and tables are empty. */
export function useSessions(entities: EntityClasses = TIES, extra: ExtraOptions = {}): Sessions {
  let ds: DataSource
  const opened: OpenSession[] = []
  beforeAll(async () => void (ds = await openDataSource({ entities: [...entities] as never, ...extra })))
  afterEach(async () => {
    for (const session of opened.splice(0)) await session.close()
    await emptyTables(ds)
  })
  const sqlOf = async (fn: () => Promise<unknown>, statements: Statement[] = []) => {
    const recording = recordStatements(ds)
    await fn().finally(() => recording.stop())
    statements.push(...recording.statements)
    return recording.sql()
  }
  const rows = <E extends ObjectLiteral>(type: new () => E, ...relations: string[]) => {
    const order = Object.fromEntries(ds.getMetadata(type).primaryColumns.map((column) => [column.propertyPath, 'ASC']))
    const wanted = Object.fromEntries(relations.map((relation) => [relation, true]))
    return ds.manager.find<E>(type, { order: order as any, relations: wanted as any, withDeleted: true })
  }
  return {
    get ds() {
      return ds
    },
    open: (own = {}, options = {}) => {
      const session = openSession(ds, { ...options, extensions: [hooks(own), ...(options.extensions ?? [])] })
      opened.push(session)
      return session
    },
    sqlOf,
    sent: async (fn) => (await sqlOf(fn)).map((sql) => briefly(sql)),
    save: (type, ...values) => ds.manager.save(values.map((one) => Object.assign(new type(), one))),
    rows,
    column: async (type, property) => (await rows(type)).map((row) => row[property]),
  }
}

/** `INSERT INTO "memo"(…)` → `INSERT memo`, `START TRANSACTION` → `BEGIN`. */
export function briefly(sql: string): string {
  const text = plainSql(sql)
    .replace(/["`]/g, '')
    .replace(/flushpoint_\w+\./g, '')
  if (/^(START|BEGIN)/.test(text)) return 'BEGIN'
  const write = /^(INSERT(?: OR IGNORE)?) INTO (\w+)|^(UPDATE) (\w+)|^(DELETE) FROM (\w+)|^(SELECT)\b.*? FROM (\w+)/s.exec(text)
  if (write === null) return text.split(' ').slice(0, 2).join(' ')
  return write.slice(1).filter(Boolean).join(' ')
}

/** Rows may refer to each other in circles, so their constraints have to look away. */
export async function emptyTables(ds: DataSource): Promise<void> {
  const runner = ds.createQueryRunner()
  const tables = ds.entityMetadatas.map(({ tablePath }) =>
    tablePath
      .split('.')
      .map((part) => ds.driver.escape(part))
      .join('.'),
  )
  try {
    if (databaseName() === 'postgres') return void (await runner.query(`TRUNCATE ${tables.join(', ')} CASCADE`))
    await runner.query(isSingleConnection() ? 'PRAGMA foreign_keys = OFF' : 'SET FOREIGN_KEY_CHECKS = 0')
    for (const table of tables) await runner.query(`DELETE FROM ${table}`)
    await runner.query(isSingleConnection() ? 'PRAGMA foreign_keys = ON' : 'SET FOREIGN_KEY_CHECKS = 1')
  } finally {
    await runner.release()
  }
}

export function make<E extends object>(type: new () => E, values: Partial<E>): E {
  return Object.assign(new type(), values)
}

/** The error a promise or a call ends with; fails when there is none. */
export async function errorOf(action: Promise<unknown> | (() => unknown)): Promise<Error & { code?: string; fix?: string }> {
  try {
    await (typeof action === 'function' ? action() : action)
  } catch (error) {
    return error as Error & { code?: string; fix?: string }
  }
  throw new Error('Expected an error, got none')
}
