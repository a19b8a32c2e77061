/**
 * What a column can hold, as far as ids and authors ask.
 *
 * Knows types by their names in any database. Invariant: a column with a transformer may hold anything, since only that knows.
 *
 * @module
 */
import type { ColumnMetadata } from 'typeorm/metadata/ColumnMetadata.js'

const TEXTS = new Set<unknown>([
  String,
  ...['text', 'varchar', 'varchar2', 'character varying', 'varying character', 'char', 'character', 'nvarchar', 'nvarchar2', 'nchar'],
  ...['native character', 'tinytext', 'mediumtext', 'longtext', 'clob', 'citext', 'string'],
])
const UUIDS = new Set<unknown>(['uuid', 'uniqueidentifier'])
const WHOLE_NUMBERS = new Set<unknown>([
  Number,
  BigInt,
  ...['int', 'integer', 'int2', 'int4', 'int8', 'int64', 'smallint', 'mediumint', 'bigint', 'unsigned big int', 'number'],
])

const NUMBERS = new Set<unknown>(['decimal', 'numeric', 'dec', 'fixed', 'real', 'float', 'float4', 'float8', 'double', 'double precision'])
const BOOLEANS = new Set<unknown>([Boolean, 'boolean', 'bool'])

const WHOLE_NUMBER = /^[+-]?\d+$/
/** Thirty-two hexadecimal digits; databases read more ways to part them than one. */
const UUID = /^\{?(?:[\da-f]{4}-?){7}[\da-f]{4}\}?$/i

/** @param isDrawnByUser Whether somebody else draws who may know how to make a uuid. */
export function isTextColumn(column: ColumnMetadata, isDrawnByUser: boolean): boolean {
  if (column.isArray) return false
  return TEXTS.has(column.type) || (isDrawnByUser && (UUIDS.has(column.type) || column.transformer !== undefined))
}

/** How many characters it holds; endless where the mapping does not say. */
export function textLengthOf({ length }: ColumnMetadata): number {
  return length === '' || !(Number(length) > 0) ? Infinity : Number(length)
}

export function isAuthorColumn(column: ColumnMetadata): boolean {
  if (column.isArray || column.isGenerated || column.isVersion || column.isDiscriminator || column.isVirtualProperty) return false
  return [TEXTS, UUIDS, WHOLE_NUMBERS].some((types) => types.has(column.type)) || column.transformer !== undefined
}

/** Whether numbers go into it as texts. */
export function holdsTexts(column: ColumnMetadata): boolean {
  return TEXTS.has(column.type) && column.transformer === undefined
}

/** What a value of the column looks like, where this one cannot go into it; SQLite would take it all the same, and other databases fail. */
export function wantedInstead({ type, transformer }: ColumnMetadata, value: string | number | bigint): string | undefined {
  if (transformer !== undefined) return undefined
  if (WHOLE_NUMBERS.has(type)) return WHOLE_NUMBER.test(String(value).trim()) ? undefined : 'a whole number'
  if (UUIDS.has(type)) return UUID.test(String(value)) ? undefined : 'a uuid'
  if (NUMBERS.has(type)) return String(value).trim() !== '' && Number.isFinite(Number(value)) ? undefined : 'a number'
  return BOOLEANS.has(type) && typeof value === 'string' ? 'true or false' : undefined
}
