/**
 * Sets of rows on SQLite: one JSON document as the only parameter, read by `json_each`.
 *
 * Needs SQLite 3.35 (RETURNING), for binary values 3.41 (`unhex`). Invariant: a value is stored as the type it would have been bound as; what
 * would differ is refused.
 *
 * @see https://www.sqlite.org/json1.html
 * @see https://www.sqlite.org/lang_update.html#update_from
 * @module
 */
import type { ColumnMetadata } from '../internals.js'
import { jsonRows, textOf } from './json-rows.js'
import {
  AS_IS,
  carried,
  ROW_NUMBER,
  SetSql,
  Unsendable,
  type Codec,
  type SetBatch,
  type SetStrategy,
  type SetText,
} from './set-strategy.js'

/** These take a number as its text, and drivers differ in how they bind one. */
const TEXT_TYPES = /char|clob|text|^string$|simple-/i

const NUMBER: Codec = { type: '', encode: numberOrText, decode: AS_IS }
const TEXT: Codec = { type: '', encode: text, decode: AS_IS }
const BLOB: Codec = { type: '', encode: hex, decode: (sql) => `unhex(${sql})` }

export class SqliteSets implements SetStrategy {
  readonly maxRows = 20_000
  readonly hasOwnDefaults = false
  readonly maxWeight = 32_000_000

  codecOf({ type }: ColumnMetadata): Codec {
    const name = typeof type === 'string' ? type : (type as { name: string }).name
    if (name === 'jsonb') throw new Unsendable('a column of type jsonb')
    if (/blob|binary|buffer/i.test(name)) return BLOB
    return TEXT_TYPES.test(name) ? TEXT : NUMBER
  }

  tellsBy(): 'key' {
    return 'key'
  }

  weigh(value: unknown): number {
    return typeof value === 'string' ? value.length + 3 : 8
  }

  insert(batch: SetBatch): SetText {
    return this.#statement(batch, (sql, source) => sql.insert(source))
  }

  update(batch: SetBatch): SetText {
    return this.#statement(
      batch,
      (sql, source) => `UPDATE ${batch.table} AS t SET ${sql.assignments()} FROM ${source()} WHERE ${sql.match('+')}`,
    )
  }

  delete(batch: SetBatch): SetText {
    const { keys, version, table, only } = batch
    const found = [...keys, ...(version === undefined ? [] : [version])].map(({ name }) => name)
    return this.#statement(batch, (sql, source) => {
      const values = carried(batch).map(({ codec }, index) => codec.decode(`v.c${index}`))
      const names = found.length === 1 ? found[0]! : `(${found.join(', ')})`
      return `DELETE FROM ${table} WHERE ${names} IN (SELECT ${values.join(', ')} FROM ${source()})${only === undefined ? '' : ` AND ${sql.only()}`}`
    })
  }

  select(batch: SetBatch): SetText {
    const sql = new SetSql(batch, () => '?')
    const columns = [`v.o AS ${ROW_NUMBER}`, ...batch.returning.map((name) => `t.${name}`)]
    const source = `${rowsOf(batch, sql.bind(documentOf(batch)))} AS v`
    return {
      sql: `SELECT ${columns.join(', ')} FROM ${source} CROSS JOIN ${batch.table} AS t WHERE ${sql.match()}`,
      parameters: sql.parameters,
    }
  }

  /**
   * With a table expression in front, drivers give back the rows of RETURNING; without, the count. Either way the rows are read once and kept
   * (a subquery with a limit is), so that no statistics make SQLite read the whole document again for each row of the table.
   */
  #statement(batch: SetBatch, write: (sql: SetSql, source: () => string) => string): SetText {
    const sql = new SetSql(batch, () => '?')
    const rows = (limit = '') => rowsOf(batch, sql.bind(documentOf(batch)), limit)
    if (batch.returning.length === 0) return { sql: write(sql, () => `${rows(' LIMIT -1')} AS v`), parameters: sql.parameters }
    return {
      sql: `WITH flushpoint_rows AS MATERIALIZED ${rows()} ${write(sql, () => 'flushpoint_rows AS v')}${sql.returning()}`,
      parameters: sql.parameters,
    }
  }
}

/** A single column needs no row around it. */
function isBare(batch: SetBatch): boolean {
  return carried(batch).length === 1 && batch.masks === undefined
}

function documentOf(batch: SetBatch): string {
  return isBare(batch) ? textOf(carried(batch)[0]!.values) : jsonRows(batch)
}

function rowsOf(batch: SetBatch, placeholder: string, limit = ''): string {
  if (isBare(batch)) return `(SELECT value AS c0, key + 1 AS o FROM json_each(${placeholder})${limit})`
  const names = carried(batch).map((_column, index) => `json_extract(value, '$[${index}]') AS c${index}`)
  if (batch.masks !== undefined) names.push(`json_extract(value, '$[${names.length}]') AS m`)
  return `(SELECT ${[...names, 'key + 1 AS o'].join(', ')} FROM json_each(${placeholder})${limit})`
}

function text(value: unknown): unknown {
  if (typeof value === 'string') return value
  throw new Unsendable(`a ${typeof value} in a column of text`)
}

function numberOrText(value: unknown): unknown {
  if (typeof value === 'string' || (typeof value === 'number' && Number.isFinite(value))) return value
  if (typeof value === 'bigint') return String(value)
  throw new Unsendable(`a value that JSON does not carry`)
}

function hex(value: unknown): unknown {
  if (Buffer.isBuffer(value)) return value.toString('hex')
  throw new Unsendable('a binary value that is no Buffer')
}
