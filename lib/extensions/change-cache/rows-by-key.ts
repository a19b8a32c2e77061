/**
 * Which row was read for which key: databases give keys back in their own form, a UUID in lower case, a text padded, a time in another zone.
 *
 * Knows keys alone, and asks through a reader. Invariant: a key is given the row that the database finds by it, or none; keys that read back as
 * they were written cost no further query, whether their rows are there or not.
 *
 * @module
 */
import type { EntityMetadata } from 'typeorm'
import { groupBy } from '../../core/group-by.js'
import { rowIdOf, type ReadRow, type RowReader } from './row-reader.js'

type Values = Readonly<Record<string, unknown>>

/** Kinds of columns whose keys always read back as they were written, where they are given as this kind of value. */
const EXACT: Readonly<Record<string, readonly unknown[]>> = {
  number: [Number, 'int', 'integer', 'int2', 'int4', 'int8', 'smallint', 'mediumint', 'tinyint', 'bigint'],
  string: [String, 'varchar', 'character varying', 'nvarchar', 'text'],
}
const CANONICAL_UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/
const NUMBER = /^[+-]?\d+(?:\.\d+)?$/

/** Whether a key, as it was given, is for certain how the row tells it. */
export function isExactKey({ primaryColumns, connection }: EntityMetadata, key: Values): boolean {
  const foldsCase = ['mysql', 'mariadb'].includes(connection.options.type)
  return primaryColumns.every((column) => {
    const value = column.getEntityValue(key) as unknown
    if (column.type === 'uuid') return typeof value === 'string' && CANONICAL_UUID.test(value)
    if (typeof value === 'string' && foldsCase) return false
    return column.transformer === undefined && (EXACT[typeof value]?.includes(column.type) ?? false)
  })
}

/** The rows of these keys, by {@link rowIdOf} of the key that was asked for. */
export async function rowsByKey(
  reader: RowReader,
  metadata: EntityMetadata,
  keys: readonly Values[],
): Promise<ReadonlyMap<string, ReadRow>> {
  const rows = await reader.withKeys(metadata, keys)
  const byRowId = new Map(rows.map((row) => [row.rowId, row]))
  const found = new Map<string, ReadRow>()
  const others = new Map<string, Values>()
  for (const key of keys) {
    const rowId = rowIdOf(metadata, key)
    const row = byRowId.get(rowId)
    if (row !== undefined) found.set(rowId, row)
    else if (!isExactKey(metadata, key)) others.set(rowId, key)
  }
  if (others.size === 0) return found
  const isTaken = new Set(found.values())
  const loosely = groupBy(
    rows.filter((row) => !isTaken.has(row)),
    ({ entity }) => looseText(metadata, entity),
  )
  const askers = groupBy(others.values(), (key) => looseText(metadata, key))
  for (const [rowId, key] of others) {
    const text = looseText(metadata, key)
    const alike = loosely.get(text) ?? []
    const isSure = alike.length === 1 && askers.get(text)?.length === 1
    const [row] = isSure ? alike : await reader.withKeys(metadata, [key])
    if (row !== undefined) found.set(rowId, row)
  }
  return found
}

/** The same for most forms of one value. */
function looseText({ primaryColumns }: EntityMetadata, key: object): string {
  return JSON.stringify(primaryColumns.map((column) => looseValue(column.getEntityValue(key as never))))
}

function looseValue(value: unknown): string {
  if (value instanceof Date) return `at ${value.getTime()}`
  const text = String(value).trim()
  if (NUMBER.test(text)) return text.replace(/^\+|(?<=\.\d*)0+$/g, '').replace(/\.$/, '')
  const atMs = /^\d{4}-\d\d-\d\d[T ]/.test(text) ? Date.parse(text) : NaN
  return Number.isNaN(atMs) ? text.toLowerCase() : `at ${atMs}`
}
