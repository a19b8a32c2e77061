/**
 * Sends an outbox' statements over one DataSource.
 *
 * Knows how to reach the database, not what for. Invariant: no extension and no listener hears of these statements; on a single connection
 * they take their turn like every other unit of work, and never see rows of a transaction that is open there.
 *
 * @module
 */
import type { DataSource, EntityManager, QueryRunner } from 'typeorm'
import { OutboxError } from '../../core/errors.js'
import { withoutExtensions } from '../../core/silence.js'
import { NOW_MS } from '../../tables/database-family.js'
import { DIALECTS } from './dialects.js'
import type { Binding, InsertRows, OutboxDialect } from './outbox-dialect.js'
import { familyOf, OUTBOX_TABLES, type TableName } from './tables.js'

export type Row = Readonly<Record<string, unknown>>

/** What a statement is written with. */
export interface SqlParts extends Binding {
  readonly nowMs: string
  readonly byKey: string
  readonly forUpdate: string
  /** A table, escaped, with its schema. */
  table(name: TableName): string
  among(column: string, values: readonly (number | string)[]): string
}

/** Rows to insert; what is the same in all of them may be given once. */
type NewRows = Pick<InsertRows, 'columns' | 'ignoresExisting'> & Partial<Pick<InsertRows, 'constants'>>

type Write = (parts: SqlParts) => string

/** Stands for a parameter until the text is finished. */
const MARK = /⟦(\d+)⟧/g

interface Statement {
  readonly text: string
  readonly parameters: readonly unknown[]
}

/** One connection, for as long as `fn` of {@link OutboxDatabase} runs. */
export class OutboxConnection {
  readonly #database: OutboxDatabase
  readonly #runner: QueryRunner

  constructor(database: OutboxDatabase, runner: QueryRunner) {
    this.#database = database
    this.#runner = runner
  }

  async rows<R = Row>(write: Write): Promise<readonly R[]> {
    const { text, parameters } = this.#database.statement(write)
    return (await this.#runner.query(text, [...parameters])) as readonly R[]
  }

  /** @returns How many rows were changed. */
  async run(write: Write): Promise<number> {
    const { text, parameters } = this.#database.statement(write)
    const { affected } = (await this.#runner.query(text, [...parameters], true)) as { affected?: number | null }
    return affected ?? 0
  }

  /** As {@link run}, by as many statements as the list of values needs. */
  async runAmong<V extends number | string>(
    values: readonly V[],
    write: (parts: SqlParts, values: readonly V[]) => string,
  ): Promise<number> {
    let affected = 0
    for (const some of chunks(values, this.#database.dialect.valuesPerList)) affected += await this.run((parts) => write(parts, some))
    return affected
  }

  async rowsAmong<R = Row, V extends number | string = number>(
    values: readonly V[],
    write: (parts: SqlParts, values: readonly V[]) => string,
  ): Promise<readonly R[]> {
    const found: R[] = []
    for (const some of chunks(values, this.#database.dialect.valuesPerList))
      found.push(...(await this.rows<R>((parts) => write(parts, some))))
    return found
  }

  /** The time of the database. */
  async nowMs(): Promise<number> {
    const [row] = await this.rows(({ nowMs }) => `SELECT ${nowMs} AS now`)
    return Number(row!['now'])
  }

  /** Inserts rows, in the order of the lists. @returns How many. */
  async insert(name: TableName, rows: NewRows): Promise<number> {
    const { dialect } = this.#database
    const count = rows.columns[0]!.values.length
    const folded = { ...rows, ...(count > 1 ? foldConstants(rows) : { constants: rows.constants ?? {} }) }
    let inserted = 0
    for (let from = 0; from < count; from += dialect.rowsPerInsert) {
      const columns = folded.columns.map((column) => ({ ...column, values: column.values.slice(from, from + dialect.rowsPerInsert) }))
      inserted += await this.run((parts) => dialect.insert(parts, { ...folded, columns, table: parts.table(name) }))
    }
    return inserted
  }
}

/** What is the same in every row is sent once. */
function foldConstants({ constants, columns }: NewRows): Pick<InsertRows, 'constants' | 'columns'> {
  const isSame = ({ values }: InsertRows['columns'][number]) => values.every((value) => value === values[0])
  const varying = columns.filter((column) => !isSame(column))
  const kept = varying.length > 0 ? varying : columns.slice(0, 1)
  const same = columns.filter((column) => !kept.includes(column))
  return { constants: { ...constants, ...Object.fromEntries(same.map(({ name, values }) => [name, values[0]])) }, columns: kept }
}

function chunks<V>(values: readonly V[], size: number): readonly (readonly V[])[] {
  if (values.length <= size) return values.length === 0 ? [] : [values]
  return Array.from({ length: Math.ceil(values.length / size) }, (_, index) => values.slice(index * size, (index + 1) * size))
}

export class OutboxDatabase {
  readonly dataSource: DataSource
  readonly dialect: OutboxDialect
  readonly #nowMs: string
  readonly #isPostgres: boolean
  readonly #isSingleConnection: boolean
  /** Its default isolation locks gaps between rows, over which relays that share the work would wait for each other in circles. */
  readonly #isMysql: boolean
  readonly #tables = new Map<TableName, string>()

  /** @throws {OutboxError} OUTBOX_DATABASE_UNSUPPORTED */
  constructor(dataSource: DataSource) {
    const family = familyOf(dataSource.options.type)
    this.dataSource = dataSource
    this.dialect = DIALECTS[family]
    this.#nowMs = NOW_MS[family]
    this.#isPostgres = family === 'postgres'
    this.#isSingleConnection = family === 'sqlite'
    this.#isMysql = family === 'mysql'
  }

  /** @throws {OutboxError} OUTBOX_TABLES_MISSING */
  assertTables(): void {
    const missing = OUTBOX_TABLES.filter(({ entity }) => !this.dataSource.hasMetadata(entity))
    if (missing.length > 0) throw new OutboxError('OUTBOX_TABLES_MISSING', { missing: missing.map(({ entity }) => entity).join(', ') })
  }

  /** Parameters go by their place in the finished text, in whichever order they were bound. */
  statement(write: Write): Statement {
    const bound: unknown[] = []
    const bind = (value: unknown) => `⟦${bound.push(value) - 1}⟧`
    const { byKey, forUpdate } = this.dialect
    const among: SqlParts['among'] = (column, values) => (values.length === 0 ? '1 = 0' : this.dialect.among({ bind }, column, values))
    const parameters: unknown[] = []
    const text = write({ bind, nowMs: this.#nowMs, byKey, forUpdate, among, table: (name) => this.#table(name) }).replace(
      MARK,
      (_, index: string) => {
        parameters.push(bound[Number(index)])
        return this.#isPostgres ? `$${parameters.length}` : '?'
      },
    )
    return { text, parameters }
  }

  #table(name: TableName): string {
    let path = this.#tables.get(name)
    if (path === undefined) {
      const { entity } = OUTBOX_TABLES.find((one) => one.name === name)!
      if (!this.dataSource.hasMetadata(entity)) throw new OutboxError('OUTBOX_TABLES_MISSING', { missing: entity })
      const { tablePath } = this.dataSource.getMetadata(entity)
      path = tablePath
        .split('.')
        .map((part) => this.dataSource.driver.escape(part))
        .join('.')
      this.#tables.set(name, path)
    }
    return path
  }

  /** Statements of somebody else's transaction. */
  on(runner: QueryRunner): OutboxConnection {
    return new OutboxConnection(this, runner)
  }

  /** A transaction of its own. */
  transaction<T>(fn: (connection: OutboxConnection) => Promise<T>): Promise<T> {
    const run = (manager: EntityManager) => fn(this.on(manager.queryRunner!))
    return withoutExtensions(() => (this.#isMysql ? this.dataSource.transaction('READ COMMITTED', run) : this.dataSource.transaction(run)))
  }

  /** Statements that only read, or of which each may stand alone. */
  async read<T>(fn: (connection: OutboxConnection) => Promise<T>): Promise<T> {
    if (this.#isSingleConnection) return this.transaction(fn)
    return withoutExtensions(async () => {
      const runner = this.dataSource.createQueryRunner()
      try {
        return await fn(this.on(runner))
      } finally {
        await runner.release()
      }
    })
  }
}
