/**
 * Sets of rows on PostgreSQL: one array for each column, joined by `unnest … WITH ORDINALITY`.
 *
 * Rows to change are locked in the order of their keys first, by the same statement, so that two flushes wait for each other instead of
 * deadlocking. Invariant: the type of a carrying array is the column's own in the table, without its length or precision, since a cast
 * would shorten where an assignment refuses.
 *
 * @see https://www.postgresql.org/docs/current/functions-array.html
 * @see https://www.postgresql.org/docs/current/queries-table-expressions.html#QUERIES-TABLEFUNCTIONS
 * @module
 */
import type { DataSource } from 'typeorm'
import type { ColumnMetadata } from '../internals.js'
import {
  AS_IS,
  carried,
  ROW_NUMBER,
  SetSql,
  Unsendable,
  type Codec,
  type SetBatch,
  type SetColumn,
  type SetStrategy,
  type SetText,
  type WriteKind,
} from './set-strategy.js'

/** Carried as the column's own type, whatever the entity says it is. */
const OWN = ''

interface Driver {
  escape(name: string): string
  readonly spatialTypes: readonly string[]
  normalizeType(column: ColumnMetadata): string
}

export class PostgresSets implements SetStrategy {
  readonly maxRows = 20_000
  readonly hasOwnDefaults = true
  readonly maxWeight = 64_000_000
  readonly #driver: Driver

  constructor(dataSource: DataSource) {
    this.#driver = dataSource.driver as unknown as Driver
  }

  codecOf(column: ColumnMetadata): Codec {
    const named = this.#driver.normalizeType(column)
    if (this.#driver.spatialTypes.includes(named)) throw new Unsendable(`a column of type ${named}`)
    if (!column.isArray && named !== 'box') return { type: OWN, encode: named === 'bytea' ? scalar : noBytes, decode: AS_IS } // an array of boxes has another delimiter
    if (column.isArray) return { type: 'text', encode: arrayLiteral, decode: this.#arrayReader(column) }
    return { type: 'text', encode: scalar, decode: (sql) => `${sql}::${named}` }
  }

  /** An array of arrays would be taken apart, so they travel as texts; the record of a table knows what its columns are. */
  #arrayReader({ databaseName, entityMetadata: { tablePath } }: ColumnMetadata): (sql: string) => string {
    const escaped = (name: string) => this.#driver.escape(name)
    const table = tablePath.split('.').map(escaped).join('.')
    const name = `'${databaseName.replaceAll("'", "''")}'`
    return (sql) => `(json_populate_record(NULL::${table}, json_build_object(${name}, ${sql}))).${escaped(databaseName)}`
  }

  tellsBy(kind: WriteKind): 'number' | 'key' {
    return kind === 'insert' ? 'key' : 'number'
  }

  weigh(value: unknown): number {
    return typeof value === 'string' ? value.length + 3 : 12
  }

  insert(batch: SetBatch): SetText {
    const sql = this.#sql(batch)
    return { sql: `${sql.insert(() => source(batch, sql))}${sql.returning()}`, parameters: sql.parameters }
  }

  update(batch: SetBatch): SetText {
    const sql = this.#sql(batch)
    const rows = source(batch, sql)
    const returning = batch.tells ? ` RETURNING ${rowAnd(batch)}` : ''
    return {
      sql: `UPDATE ${batch.table} AS t SET ${sql.assignments()} FROM ${rows} WHERE ${sql.match()} AND ${locked(batch, 'NO KEY UPDATE')}${returning}`,
      parameters: sql.parameters,
    }
  }

  delete(batch: SetBatch): SetText {
    const sql = this.#sql(batch)
    const rows = source(batch, sql)
    return {
      sql: `DELETE FROM ${batch.table} AS t USING ${rows} WHERE ${sql.match()} AND ${locked(batch, 'UPDATE')}${batch.tells ? ` RETURNING ${rowAnd(batch)}` : ''}`,
      parameters: sql.parameters,
    }
  }

  select(batch: SetBatch, lock: boolean): SetText {
    const sql = this.#sql(batch)
    const rows = source(batch, sql)
    return {
      sql: `SELECT ${rowAnd(batch)} FROM ${batch.table} AS t JOIN ${rows} ON ${sql.match()} ORDER BY v.o${lock ? ' FOR UPDATE OF t' : ''}`,
      parameters: sql.parameters,
    }
  }

  #sql(batch: SetBatch): SetSql {
    return new SetSql(batch, (position) => `$${position}`)
  }
}

function rowAnd({ returning }: SetBatch): string {
  return [`v.o AS ${ROW_NUMBER}`, ...returning.map((name) => `t.${name}`)].join(', ')
}

/** True, once the rows are locked in the order of their keys: a subquery that depends on nothing runs first. The keys are the first parameters. */
function locked({ table, keys }: SetBatch, strength: string): string {
  const names = keys.map(({ name }) => `t.${name}`)
  const arrays = keys.map((key, index) => arrayOf(key, table, `$${index + 1}`))
  const [only] = keys
  const from =
    keys.length === 1 && only!.codec.decode('') === ''
      ? `${table} AS t WHERE ${names[0]!} = ANY(${arrays[0]!})`
      : `${table} AS t JOIN unnest(${arrays.join(', ')}) AS k(${keys.map((_key, index) => `c${index}`).join(', ')}) ON ${keys
          .map(({ name, codec }, index) => `t.${name} = ${codec.decode(`k.c${index}`)}`)
          .join(' AND ')}`
  return `(SELECT count(*) FROM (SELECT 1 FROM ${from} ORDER BY ${names.join(', ')} FOR ${strength} OF t) AS l) >= 0`
}

function source(batch: SetBatch, sql: SetSql): string {
  const columns = carried(batch)
  const arrays = columns.map((column) => arrayOf(column, batch.table, sql.bind(column.values)))
  const names = columns.map((_column, index) => `c${index}`)
  if (batch.masks !== undefined) {
    arrays.push(`${sql.bind(batch.masks)}::bigint[]`)
    names.push('m')
  }
  return `unnest(${arrays.join(', ')}) WITH ORDINALITY AS v(${[...names, 'o'].join(', ')})`
}

/** A bare parameter takes the type of what it stands beside: here an array of what the table's column is, without its length. */
function arrayOf({ codec, name }: SetColumn, table: string, placeholder: string): string {
  if (codec.type !== OWN) return `${placeholder}::${codec.type}[]`
  return `COALESCE((SELECT array_agg(x.${name}) FROM ${table} AS x WHERE false), ${placeholder})`
}

/** Alone, bytes are the text they spell; in an array they are their digits. */
function noBytes(value: unknown): unknown {
  if (ArrayBuffer.isView(value)) throw new Unsendable('bytes in a column of another type')
  return scalar(value)
}

/** The driver makes of an element what it would make of the value alone, but for arrays. */
function scalar(value: unknown): unknown {
  if (Array.isArray(value)) throw new Unsendable('an array in a column of no array type')
  return value
}

/** The text of an array, as the driver would write it. */
function arrayLiteral(value: unknown): string {
  if (typeof value === 'string') return value
  if (!Array.isArray(value)) throw new Unsendable('a value that is no array')
  return `{${value.map(arrayElement).join(',')}}`
}

function arrayElement(value: unknown): string {
  if (value === null || value === undefined) return 'NULL'
  if (Array.isArray(value)) return arrayLiteral(value)
  if (typeof value === 'string') return `"${value.replace(/["\\]/g, '\\$&')}"`
  if (typeof value === 'number' || typeof value === 'bigint' || typeof value === 'boolean') return `"${String(value)}"`
  throw new Unsendable('an array of values that are no numbers, texts or booleans')
}
