/**
 * Values of columns as JSON, and back.
 *
 * Knows one column at a time, and no row. What JSON holds is what the database stores: transformers have been applied, so that what they
 * encrypt stays encrypted. Invariant: `storedFromJson` of `jsonOf` is the value that TypeORM reads for the column, before its transformers.
 *
 * @module
 */
import type { ColumnMetadata } from 'typeorm/metadata/ColumnMetadata.js'
import { describeValue } from '../../core/describe-value.js'
import { plainValue } from '../../core/plain-values.js'
import type { JsonValue } from './json-value.js'

/** A value that is none of its column's. */
export class ValueRefused extends Error {
  override readonly name = 'ValueRefused'
  readonly wanted: string
  readonly given: string

  constructor(wanted: string, given: unknown) {
    super(`wanted is ${wanted}, given is ${describeValue(given)}`)
    this.wanted = wanted
    this.given = describeValue(given)
  }
}

type Kind = 'bytes' | 'instant' | 'boolean' | 'integer' | 'decimal' | 'number' | 'list' | 'json' | 'text' | 'other'

const KINDS: Readonly<Record<Exclude<Kind, 'other' | 'list'>, readonly string[]>> = {
  bytes: ['blob', 'tinyblob', 'mediumblob', 'longblob', 'bytea', 'binary', 'varbinary'],
  instant: ['datetime', 'timestamp', 'timestamptz', 'timestamp with time zone', 'timestamp without time zone', 'datetime2'],
  boolean: ['boolean', 'bool'],
  integer: ['int', 'integer', 'int2', 'int4', 'int8', 'int64', 'smallint', 'mediumint', 'bigint', 'unsigned big int', 'tinyint', 'year'],
  decimal: ['decimal', 'numeric', 'dec', 'fixed', 'money'],
  number: ['float', 'float4', 'float8', 'double', 'double precision', 'real'],
  json: ['json', 'jsonb', 'simple-json'],
  text: ['text', 'varchar', 'character varying', 'char', 'character', 'nvarchar', 'nchar', 'tinytext', 'mediumtext', 'longtext', 'clob'],
}
const kindByType = new Map(Object.entries(KINDS).flatMap(([kind, types]) => types.map((type) => [type, kind as Kind])))
const CONSTRUCTORS = new Map<unknown, Kind>([
  [Date, 'instant'],
  [Boolean, 'boolean'],
  [Number, 'number'],
  [BigInt, 'integer'],
  [String, 'text'],
  [Buffer, 'bytes'],
])

function kindOf({ type, isArray }: ColumnMetadata): Kind {
  if (isArray || type === 'simple-array') return 'list'
  return CONSTRUCTORS.get(type) ?? kindByType.get(type as string) ?? 'other'
}

/**
 * A value as an entity has it, as JSON: dates in ISO form, bytes in base64, numbers that JSON has not as texts. A value that only its
 * class can take apart is what comes nearest to it.
 *
 * @throws What a transformer throws.
 */
export function jsonOf(column: ColumnMetadata, value: unknown): JsonValue {
  const stored = [column.transformer ?? []].flat().reduce<unknown>((current, { to }) => to(current) as unknown, value)
  return storedToJson(column, stored)
}

/** As {@link jsonOf}, of a value as TypeORM reads it from the database, before its transformers. */
export function storedToJson(column: ColumnMetadata, stored: unknown): JsonValue {
  const { toPostgres } = (stored ?? {}) as { toPostgres?: unknown }
  if (typeof toPostgres === 'function') return String(toPostgres.call(stored, String)) // an interval of pg's
  return plainValue(stored) as JsonValue
}

/**
 * The value as an entity would have it.
 *
 * @throws {ValueRefused} when it is none of the column's.
 */
export function valueFromJson(column: ColumnMetadata, json: JsonValue): unknown {
  return [column.transformer ?? []]
    .flat()
    .reduceRight<unknown>((current, { from }) => from(current) as unknown, storedFromJson(column, json))
}

/**
 * As {@link valueFromJson}, before its transformers.
 *
 * @throws {ValueRefused}
 */
export function storedFromJson(column: ColumnMetadata, json: JsonValue): unknown {
  if (json === null) {
    if (!column.isNullable && !column.isGenerated && kindOf(column) !== 'json')
      throw new ValueRefused('a value, since the column is not nullable', null)
    return null
  }
  return READ[kindOf(column)](json, column)
}

type Read = (json: Exclude<JsonValue, null>, column: ColumnMetadata) => unknown

const NOT_FINITE = new Set<unknown>(['NaN', 'Infinity', '-Infinity'])

const READ: Readonly<Record<Kind, Read>> = {
  bytes: (json) => {
    if (typeof json !== 'string' || Buffer.from(json, 'base64').toString('base64') !== json) throw new ValueRefused('bytes in base64', json)
    return Buffer.from(json, 'base64')
  },
  instant: (json) => {
    const date = typeof json === 'string' && /^[+-]?\d{4,6}-\d\d-\d\d/.test(json) ? new Date(json) : undefined
    if (date === undefined || Number.isNaN(date.getTime())) throw new ValueRefused('a date and time in ISO form', json)
    return date
  },
  boolean: (json) => check(json, typeof json === 'boolean', 'true or false'),
  integer: (json) => {
    if (typeof json === 'boolean') return json // TypeORM reads a tinyint(1) as one
    return check(json, Number.isInteger(json) || (typeof json === 'string' && /^-?\d+$/.test(json)), 'a whole number')
  },
  decimal: (json) =>
    check(json, isNumber(json) || (typeof json === 'string' && /^[^\s\d]?-?[^\s\d]?[\d.,]+(e[+-]?\d+)?$|^NaN$/i.test(json)), 'a number'),
  number: (json) => {
    if (NOT_FINITE.has(json)) return Number(json)
    return check(json, isNumber(json) || (typeof json === 'string' && json.trim() !== '' && Number.isFinite(Number(json))), 'a number')
  },
  list: (json) => check(json, Array.isArray(json), 'a list'),
  json: (json) => json,
  text: (json) => check(json, typeof json === 'string', 'a text'),
  other: (json, { enum: members }) => {
    if (members !== undefined && members.length > 0)
      return check(
        json,
        members.some((member) => String(member) === String(json)) && typeof json !== 'object',
        `one of ${members.join(', ')}`,
      )
    return json
  },
}

function check(json: JsonValue, isRight: boolean, wanted: string): JsonValue {
  if (!isRight) throw new ValueRefused(wanted, json)
  return json
}

function isNumber(json: JsonValue): boolean {
  return typeof json === 'number'
}
