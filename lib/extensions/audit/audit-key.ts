/**
 * Keys of rows as one text each, by which an audit trail finds them.
 *
 * Knows mappings and values. Invariant: one row has one text, whichever form drivers and callers give its key in: numbers as such, bigints
 * too where a number can hold them, uuids in small letters.
 *
 * @module
 */
import { createHash } from 'node:crypto'
import type { EntityMetadata } from 'typeorm'
import type { ColumnMetadata } from 'typeorm/metadata/ColumnMetadata.js'
import { jsonOf } from '../row-documents/column-json.js'
import type { JsonValue } from '../row-documents/json-value.js'

/** What fits into the column. */
const MAX_LENGTH = 255
const DIGEST = 'sha256:'

/** Neither `point` nor `interval`. */
const INTEGERS = /(?<!po)int(?!erval)|serial|year/i

type KeyWriter = (key: object) => string | undefined

const writers = new WeakMap<EntityMetadata, KeyWriter>()

/**
 * The canonical JSON of the key of an entity or of a key object; undefined where a part is missing. Members of relations may be either.
 */
export function keyJsonOf(metadata: EntityMetadata, key: object): string | undefined {
  let write = writers.get(metadata)
  if (write === undefined) writers.set(metadata, (write = keyWriter(metadata)))
  return write(key)
}

function keyWriter({ primaryColumns }: EntityMetadata): KeyWriter {
  const [only] = primaryColumns
  const parts = primaryColumns.map((column) => ({ column, label: `${JSON.stringify(column.propertyPath)}:` }))
  const isPlain = primaryColumns.length === 1 && only!.relationMetadata === undefined && only!.embeddedMetadata === undefined
  if (isPlain && only!.transformer === undefined) return plainWriter(only!)
  return (key) => {
    const texts: string[] = []
    for (const { column, label } of parts) {
      const value = partOf(column, key)
      if (value === undefined || value === null) return undefined
      texts.push(label + JSON.stringify(canonical(column, jsonOf(column, value))))
    }
    return `{${texts.join()}}`
  }
}

function plainWriter(column: ColumnMetadata): KeyWriter {
  const { propertyName } = column
  const label = `{${JSON.stringify(propertyName)}:`
  return (key) => {
    const value = (key as Readonly<Record<string, unknown>>)[propertyName]
    if (typeof value === 'number' && Number.isSafeInteger(value)) return `${label}${value}}`
    return value === undefined || value === null ? undefined : `${label}${JSON.stringify(canonical(column, jsonOf(column, value)))}}`
  }
}

/** A key that is a relation is an object that has the other row's key, or that key itself. */
function partOf(column: ColumnMetadata, key: object): unknown {
  const { relationMetadata: relation, referencedColumn } = column
  const value = column.getEntityValue(key as never) as unknown
  if (relation === undefined || typeof value !== 'object' || value === null) return value
  return referencedColumn?.getEntityValue(value as never) as unknown
}

/** Whether a key of this column has one form alone, however it is given. */
export function isSpeltOneWay({ type }: ColumnMetadata): boolean {
  return type === Number || type === 'uuid' || INTEGERS.test(String(type))
}

/** @see module */
export function canonical({ type }: ColumnMetadata, json: JsonValue): JsonValue {
  if (type === 'uuid' && typeof json === 'string') return json.toLowerCase()
  const isInteger = type === Number || INTEGERS.test(String(type))
  return isInteger && typeof json === 'string' && /^-?\d+$/.test(json) && Number.isSafeInteger(Number(json)) ? Number(json) : json
}

/** What is stored of the JSON of a key: itself, or its digest where it is too long. */
export function storedKeyOf(json: string): string {
  return json.length <= MAX_LENGTH ? json : DIGEST + createHash('sha256').update(json).digest('hex')
}

/** Under this name `changes` carry a key of which the digest alone is stored. */
export const WHOLE_KEY = '$key'

export function isDigest(stored: string): boolean {
  return stored.startsWith(DIGEST)
}

/** A key as callers give it, as an object of its parts; undefined where that cannot be done. */
export function keyObjectOf({ primaryColumns }: EntityMetadata, given: unknown): object | undefined {
  if (given === null || given === undefined || typeof given === 'function') return undefined
  const isBare = typeof given !== 'object' || given instanceof Date || Buffer.isBuffer(given)
  if (!isBare) return given
  return primaryColumns.length === 1 ? (primaryColumns[0]!.createValueMap(given) as object) : undefined
}
