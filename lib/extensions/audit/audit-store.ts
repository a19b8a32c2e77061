/**
 * Writes and reads the rows of an audit trail.
 *
 * Knows statements, not what they are about. Invariant: what is written goes through the caller's own connection and transaction, and no
 * extension hears of it.
 *
 * @module
 */
import type { DataSource } from 'typeorm'
import { DataError } from '../../core/errors.js'
import { withoutExtensions } from '../../core/silence.js'
import { listText, type AuditDialect, type AuditedBy, type AuditRow } from './audit-dialect.js'
import { NOW_MS, type DatabaseFamily } from '../../tables/database-family.js'
import { AUDIT_ENTITY, auditFamilyOf } from './audit-table.js'
import { mysqlAudit } from './mysql-audit.js'
import { postgresAudit } from './postgres-audit.js'
import { sqliteAudit } from './sqlite-audit.js'

const DIALECTS: Readonly<Record<DatabaseFamily, AuditDialect>> = { sqlite: sqliteAudit, postgres: postgresAudit, mysql: mysqlAudit }

/** Whatever sends statements: a query runner, a manager, a DataSource. */
export interface Connection {
  readonly queryRunner?: { readonly isTransactionActive: boolean } | undefined
  query(sql: string, parameters?: unknown[]): Promise<unknown>
}

/** A row as it is read. */
export type StoredRow = Readonly<Record<string, unknown>>

/** Which rows are meant; all that is given has to fit. */
export interface RowFilter {
  readonly entities?: readonly string[] | undefined
  readonly key?: string | undefined
  readonly transactionId?: string | undefined
  /** Rows written before this one. */
  readonly beforeSequence?: number | undefined
  /** Rows written after this one. */
  readonly afterSequence?: number | undefined
  /** Rows of a later time. */
  readonly sinceMs?: number | undefined
  /** Rows of this time and earlier. */
  readonly untilMs?: number | undefined
}

interface Statement {
  readonly sql: string
  readonly parameters: unknown[]
}

type Bind = (value: unknown) => string

const INSERTED = ['transaction_id', 'recorded_at', 'actor', 'request_id', 'entity', 'operation', 'entity_key', 'changes', 'relations']

const SAVEPOINT = 'flushpoint_audit'

/** More of them would be a text that is longer than what it saves. */
const MOST_RUNS = 16

/** Rows that follow one another and differ in nothing but keys and changes; undefined where there are relations, or too many runs. */
function runsOf(rows: readonly AuditRow[]): readonly (readonly AuditRow[])[] | undefined {
  const runs: AuditRow[][] = []
  for (const row of rows) {
    if (row.relations !== undefined) return undefined
    const first = runs.at(-1)?.[0]
    if (first !== undefined && first.entity === row.entity && first.operation === row.operation) runs.at(-1)!.push(row)
    else if (runs.push([row]) > MOST_RUNS) return undefined
  }
  return runs
}

function textLength({ changes, key, relations }: AuditRow): number {
  return changes.length + key.length + (relations?.length ?? 0) + 50
}

/** Parts of the list, each short enough for a statement. */
function portionsOf(rows: readonly AuditRow[], maxTextLength: number): readonly (readonly AuditRow[])[] {
  const portions: (readonly AuditRow[])[] = []
  for (let from = 0, to = 0; from < rows.length; from = to) {
    let length = 0
    do length += textLength(rows[to++]!)
    while (to < rows.length && length + textLength(rows[to]!) <= maxTextLength)
    portions.push(from === 0 && to === rows.length ? rows : rows.slice(from, to))
  }
  return portions
}

/** Who catches the error and commits once more sends all of it again. */
async function undoneTogether(connection: Connection, send: () => Promise<void>): Promise<void> {
  await connection.query(`SAVEPOINT ${SAVEPOINT}`)
  try {
    await send()
  } catch (error) {
    await connection.query(`ROLLBACK TO SAVEPOINT ${SAVEPOINT}`).catch(() => undefined) // where the transaction is gone there is nothing to undo
    throw error
  }
  await connection.query(`RELEASE SAVEPOINT ${SAVEPOINT}`)
}

export class AuditStore {
  readonly #dialect: AuditDialect
  readonly #nowMs: string
  readonly #table: string

  /** @throws {DataError} AUDIT_DATABASE_UNSUPPORTED · AUDIT_TABLE_MISSING */
  constructor({ options, driver, entityMetadatas }: DataSource) {
    const family = auditFamilyOf(options.type)
    this.#dialect = DIALECTS[family]
    this.#nowMs = NOW_MS[family]
    const entry = entityMetadatas.find(({ name }) => name === AUDIT_ENTITY)
    if (entry === undefined) throw new DataError('AUDIT_TABLE_MISSING', {})
    this.#table = entry.tablePath
      .split('.')
      .map((part) => driver.escape(part))
      .join('.')
  }

  /** Inserts rows in their order, by one statement as long as they fit into one: all of them, or none. */
  async insert(connection: Connection, rows: readonly AuditRow[], by: AuditedBy): Promise<void> {
    const portions = portionsOf(rows, this.#dialect.maxTextLength)
    const send = async () => {
      for (const some of portions) {
        const { sql, parameters } = this.#insert(some, by)
        await connection.query(sql, parameters)
      }
    }
    const isOne = portions.length === 1 || connection.queryRunner?.isTransactionActive !== true
    await withoutExtensions(() => (isOne ? send() : undoneTogether(connection, send)))
  }

  #insert(rows: readonly AuditRow[], by: AuditedBy): Statement {
    const parameters: unknown[] = []
    const bind = (value: unknown) => this.#dialect.placeholder(parameters.push(value))
    const { fragile } = this.#dialect
    const isFragile = fragile !== undefined && rows.some(({ changes, relations = '' }) => fragile.test(changes) || fragile.test(relations))
    const runs = isFragile ? undefined : runsOf(rows)
    const selects = runs === undefined ? [this.#selectLists(rows, by, bind)] : runs.map((run) => this.#selectRun(run, by, bind))
    return { sql: `INSERT INTO ${this.#table} (${INSERTED.join(', ')}) ${selects.join(' UNION ALL ')}`, parameters }
  }

  /** Parameters are bound in the order of the text. */
  #selectRun(rows: readonly AuditRow[], by: AuditedBy, bind: Bind): string {
    const { text, pairText, pairs, fromPairs, noJson } = this.#dialect
    const { entity, operation } = rows[0]!
    const constants = [this.#who(by, bind), text(bind(entity)), text(bind(operation))]
    return `SELECT ${constants.join(', ')}, v.k, v.c, ${noJson} FROM ${fromPairs(bind(pairs(rows.map(pairText))))}`
  }

  #selectLists(rows: readonly AuditRow[], by: AuditedBy, bind: Bind): string {
    return `SELECT ${this.#who(by, bind)}, v.e, v.o, v.k, v.c, v.r FROM ${this.#dialect.fromLists(bind(`[${rows.map(listText).join()}]`))}`
  }

  #who({ transactionId, actor, requestId }: AuditedBy, bind: Bind): string {
    const { text } = this.#dialect
    return `${text(bind(transactionId))}, ${this.#nowMs}, ${text(bind(actor))}, ${text(bind(requestId))}`
  }

  /** Rows, newest first. */
  async read(connection: Connection, filter: RowFilter, limit?: number): Promise<readonly StoredRow[]> {
    const parameters: unknown[] = []
    const bind = (value: unknown) => this.#dialect.placeholder(parameters.push(value))
    const conditions = this.#conditions(filter, bind)
    const where = conditions.length === 0 ? '' : ` WHERE ${conditions.join(' AND ')}`
    const most = limit === undefined ? '' : ` LIMIT ${limit}`
    const sql = `SELECT * FROM ${this.#table}${where} ORDER BY seq DESC${most}`
    return (await withoutExtensions(() => connection.query(sql, parameters))) as readonly StoredRow[]
  }

  #conditions(filter: RowFilter, bind: (value: unknown) => string): readonly string[] {
    const { entities, key, transactionId, beforeSequence, afterSequence, sinceMs, untilMs } = filter
    const conditions: string[] = []
    if (entities !== undefined) conditions.push(`entity IN (${entities.map(bind).join(', ')})`)
    if (key !== undefined) conditions.push(`entity_key = ${bind(key)}`)
    if (transactionId !== undefined) conditions.push(`transaction_id = ${bind(transactionId)}`)
    if (beforeSequence !== undefined) conditions.push(`seq < ${bind(beforeSequence)}`)
    if (afterSequence !== undefined) conditions.push(`seq > ${bind(afterSequence)}`)
    if (sinceMs !== undefined) conditions.push(`recorded_at > ${bind(sinceMs)}`)
    if (untilMs !== undefined) conditions.push(`recorded_at <= ${bind(untilMs)}`)
    return conditions
  }
}
