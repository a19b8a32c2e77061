/**
 * Keys of rows as lists of texts, in the order of the key's columns.
 *
 * Reads what hooks tell, and mappings only where criteria have to be told from keys. Invariant: a key that is not known completely is no
 * key.
 *
 * @module
 */
import type { BulkStatement } from '../../mapper/bulk-statement.js'
import type { EntityMetadata } from 'typeorm'

type Values = Readonly<Record<string, unknown>>

/** Each part as a text: dates in ISO form, bytes in hex, other objects as JSON. */
export function pksOf(key: Values): string[] {
  return Object.values(key).flatMap((part) => (isPlain(part) ? pksOf(part) : [textOf(part)]))
}

/** The keys that the criteria of a statement name, if they name the keys of rows and nothing but equal values for them. */
export function keysIn({ where }: BulkStatement, { primaryColumns }: EntityMetadata): string[][] | undefined {
  if (where === undefined || (typeof where === 'object' && 'sql' in where && 'parameters' in where)) return undefined
  const criteria = [where].flat() as Values[]
  const keys = criteria.map((one) => primaryColumns.map((column) => column.getEntityValue(one) as unknown))
  return criteria.length > 0 && primaryColumns.length > 0 && keys.every((key) => key.every(isValue))
    ? keys.map((key) => key.map(textOf))
    : undefined
}

/** Not an operator of TypeORM's, nor anything else that stands for more than one value. */
function isValue(part: unknown): boolean {
  if (part === undefined || part === null || typeof part === 'function') return false
  return typeof part !== 'object' || part instanceof Date || part instanceof Uint8Array
}

function isPlain(part: unknown): part is Values {
  return typeof part === 'object' && part !== null && Object.getPrototypeOf(part) === Object.prototype
}

function textOf(part: unknown): string {
  if (part instanceof Date) return part.toISOString()
  if (part instanceof Uint8Array) return Buffer.from(part).toString('hex')
  return typeof part === 'object' && part !== null ? JSON.stringify(part) : String(part)
}
