/**
 * Sets of rows on MariaDB 10.6 and MySQL 8: one JSON document, read by `JSON_TABLE`.
 *
 * Values travel as texts and become what the column is when they are stored, as literals would. Invariant: nothing turns into NULL by
 * itself (`ERROR ON ERROR`), and rows are locked in the order of the document.
 *
 * @see https://mariadb.com/kb/en/json_table/
 * @see https://dev.mysql.com/doc/refman/8.0/en/json-table-functions.html
 * @module
 */
import type { DataSource } from 'typeorm'
import type { ColumnMetadata } from '../internals.js'
import { jsonRows } from './json-rows.js'
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
  type WriteKind,
} from './set-strategy.js'

interface MysqlDriver {
  readonly mysql: { format(sql: string, values: unknown[], stringifyObjects: boolean, timezone: string | undefined): string }
  readonly options: { readonly timezone?: string }
  normalizeType(column: ColumnMetadata): string
  isReturningSqlSupported(type: 'insert' | 'delete'): boolean
}

const NUMBERS = /^(tiny|small|medium|big)?int(eger)?$|^(dec(imal)?|numeric|fixed|float|double( precision)?|real|number|bool(ean)?|year)$/
/** As a text a FLOAT keeps six digits, also one that a row leaves as it is. */
const FLOATS = /^(float|double( precision)?|real)$/
const FLOAT = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i
const DECIMALS = /^(dec(imal)?|numeric|fixed)$/
const INTEGERS = /^(tiny|small|medium|big)?int(eger)?$/
const BINARY = /blob$|binary$/
const TEXTS = /^(var)?char$|^n(var)?char$|^national |text$|^(json|enum|set|uuid|inet[46]|date|time|datetime|timestamp)$/
const DECIMAL_KEY = 'DECIMAL(65,30)'
/** As texts these lose their offset from UTC, or are values that no text stands for. */
const UNMASKABLE = /^(date|time|datetime|timestamp|enum|set)$/
const SHORT_TEXTS = /^(tiny|medium)?text$/
/** MariaDB cuts a longer text that it copies into a shorter column; what is computed it looks at. */
const COMPUTED = (sql: string) => `COALESCE(${sql})`
const KEY_TEXTS = /^(var)?char$|^uuid$|^inet[46]$/
const ASCII = /^[\x01-\x7f]*$/ // eslint-disable-line no-control-regex -- all of ASCII but NUL

export class MysqlSets implements SetStrategy {
  readonly maxRows = 20_000
  readonly hasOwnDefaults = true
  /** What the smallest server that is left at its defaults takes is four times that. */
  readonly maxWeight = 1_000_000
  readonly #driver: MysqlDriver

  constructor(dataSource: DataSource) {
    this.#driver = dataSource.driver as unknown as MysqlDriver
  }

  codecOf(column: ColumnMetadata, role: 'key' | 'value'): Codec {
    const type = this.#driver.normalizeType(column)
    if (BINARY.test(type)) return { type: 'LONGTEXT', encode: base64, decode: (sql) => `FROM_BASE64(${sql})` }
    if (NUMBERS.test(type)) return role === 'key' ? keyNumber(column, type) : numberCodec(type)
    if (!TEXTS.test(type)) throw new Unsendable(`a column of type ${type}`)
    const timezone = this.#driver.options.timezone
    const date = (value: Date) => this.#driver.mysql.format('?', [value], false, timezone).slice(1, -1)
    if (role === 'value')
      return {
        type: 'LONGTEXT',
        encode: (value) => text(value, date),
        decode: SHORT_TEXTS.test(type) ? COMPUTED : AS_IS,
        isMaskable: !UNMASKABLE.test(type),
      }
    if (/^(date|datetime|timestamp)$/.test(type)) return { type: 'DATETIME(6)', encode: (value) => text(value, date), decode: AS_IS }
    if (!KEY_TEXTS.test(type)) throw new Unsendable(`a key of type ${type}`)
    return { type: 'VARCHAR(1024) CHARACTER SET ascii', encode: asciiKey, decode: AS_IS }
  }

  /** MySQL tells nothing, MariaDB what it has inserted, and what it has deleted by a plain DELETE. */
  tellsBy(kind: WriteKind, batch: Pick<SetBatch, 'keys' | 'version'>): 'key' | undefined {
    if (kind === 'update' || !this.#driver.isReturningSqlSupported(kind)) return undefined
    return kind === 'insert' || isListed(batch) ? 'key' : undefined
  }

  weigh(value: unknown): number {
    return typeof value === 'string' ? 2 * Buffer.byteLength(value) + 5 : 24
  }

  insert(batch: SetBatch): SetText {
    const sql = this.#sql(batch)
    return { sql: `${sql.insert(() => this.#source(batch, sql))}${sql.returning()}`, parameters: sql.parameters }
  }

  update(batch: SetBatch): SetText {
    const sql = this.#sql(batch)
    const source = this.#source(batch, sql)
    const condition = sql.match()
    return {
      sql: `UPDATE ${source} STRAIGHT_JOIN ${batch.table} AS t ON ${condition} SET ${sql.assignments('t.')}`,
      parameters: sql.parameters,
    }
  }

  /** Keys of one column are listed, so that their index is used and the deleted ones are told. */
  delete(batch: SetBatch): SetText {
    const sql = this.#sql(batch)
    const { keys, table, only } = batch
    if (isListed(batch)) {
      const [key] = keys
      const list = `${key!.name} IN (${sql.bind(key!.values)})`
      const discriminator = only === undefined ? '' : ` AND ${sql.only()}`
      // with a limit the rows are found by their key; without, a large part of a table is looked for in all of it, and all of it locked
      const order = batch.isUnique ? ` ORDER BY ${key!.name} LIMIT ${batch.size}` : ''
      return { sql: `DELETE FROM ${table} WHERE ${list}${discriminator}${order}${sql.returning()}`, parameters: sql.parameters }
    }
    return {
      sql: `DELETE t FROM ${this.#source(batch, sql)} STRAIGHT_JOIN ${table} AS t ON ${sql.match()}`,
      parameters: sql.parameters,
    }
  }

  select(batch: SetBatch, lock: boolean): SetText {
    const sql = this.#sql(batch)
    const columns = [`v.o AS ${ROW_NUMBER}`, ...batch.returning.map((name) => `t.${name}`)]
    return {
      sql: `SELECT ${columns.join(', ')} FROM ${this.#source(batch, sql)} STRAIGHT_JOIN ${batch.table} AS t ON ${sql.match()}${lock ? ' FOR UPDATE' : ''}`,
      parameters: sql.parameters,
    }
  }

  #sql(batch: SetBatch): SetSql {
    return new SetSql(batch, () => '?')
  }

  #source(batch: SetBatch, sql: SetSql): string {
    const columns = carried(batch).map(({ codec }, index) => `c${index} ${codec.type} PATH '$[${index}]' ERROR ON ERROR`)
    if (batch.masks !== undefined) columns.push(`m BIGINT PATH '$[${columns.length}]' ERROR ON ERROR`)
    return `JSON_TABLE(${sql.bind(jsonRows(batch))}, '$[*]' COLUMNS (o FOR ORDINALITY, ${columns.join(', ')})) AS v`
  }
}

/** Values of a binary key would be texts in a list, and decimals are compared with texts as floating point. */
function isListed({ keys, version }: Pick<SetBatch, 'keys' | 'version'>): boolean {
  return keys.length === 1 && version === undefined && keys[0]!.codec.decode('') === '' && keys[0]!.codec.type !== DECIMAL_KEY
}

/** An index is used only by a key of its own kind. */
function keyNumber({ unsigned }: ColumnMetadata, type: string): Codec {
  if (INTEGERS.test(type))
    return {
      type: unsigned ? 'BIGINT UNSIGNED' : 'BIGINT',
      encode: unsigned ? within(0n, 2n ** 64n - 1n) : within(-(2n ** 63n), 2n ** 63n - 1n),
      decode: AS_IS,
    }
  if (DECIMALS.test(type)) return { type: DECIMAL_KEY, encode: numeric(/^-?\d+(\.\d+)?$/), decode: AS_IS }
  throw new Unsendable(`a key of type ${type}`)
}

function numberCodec(type: string): Codec {
  const isFloat = FLOATS.test(type)
  return { type: isFloat ? 'DOUBLE' : 'LONGTEXT', encode: isFloat ? numeric(FLOAT) : number, decode: AS_IS }
}

function within(least: bigint, most: bigint): (value: unknown) => unknown {
  const whole = numeric(/^-?\d+$/)
  return (value) => {
    const found = whole(value)
    const exact = BigInt(String(found))
    if (exact >= least && exact <= most) return found
    throw new Unsendable('a key beyond what its column holds')
  }
}

/** What is read as a number is checked here: where a text is none, MariaDB makes one up and only warns. */
function numeric(pattern: RegExp): (value: unknown) => unknown {
  return (value) => {
    const found = number(value)
    if (pattern.test(String(found)) && Number.isFinite(Number(found))) return found
    throw new Unsendable('a value that is no number in a column of numbers')
  }
}

/** Two texts of collations of their own do not compare, but ASCII gives way to whatever the key has. */
function asciiKey(value: unknown): unknown {
  if (typeof value === 'string' && ASCII.test(value)) return value
  throw new Unsendable('a key that is not plain ASCII')
}

function number(value: unknown): unknown {
  if (typeof value === 'string' || (typeof value === 'number' && Number.isFinite(value))) return value
  if (typeof value === 'bigint') return String(value)
  if (typeof value === 'boolean') return value ? 1 : 0
  throw new Unsendable('a value that is no number in a column of numbers')
}

function text(value: unknown, date: (value: Date) => string): unknown {
  if (typeof value === 'string') return value
  if (value instanceof Date && !Number.isNaN(value.getTime())) return date(value)
  throw new Unsendable(`a ${typeof value} in a column of text`)
}

function base64(value: unknown): unknown {
  if (Buffer.isBuffer(value)) return value.toString('base64')
  throw new Unsendable('a binary value that is no Buffer')
}
