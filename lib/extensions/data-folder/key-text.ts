/**
 * The key of a row as one text.
 *
 * Invariant: two keys of one entity never have the same text.
 *
 * @module
 */
import type { EntityMetadata } from 'typeorm'
import { plainValue } from '../../core/plain-values.js'

/**
 * `7`; `7,de` for a key of two parts. Takes a document, or an object with the key; where a transformer changes the key these differ, and the
 * document is the one to pass.
 */
export function keyTextOf(metadata: EntityMetadata, keyObject: object): string {
  const parts = metadata.primaryColumns.map((column) => textOf(column.getEntityValue(keyObject as never)))
  if (parts.length === 1) return parts[0]!
  return parts.map((part) => part.replaceAll('%', '%25').replaceAll(',', '%2C')).join(',')
}

function textOf(value: unknown): string {
  const plain = plainValue(value)
  return typeof plain === 'object' && plain !== null ? JSON.stringify(plain) : String(plain)
}
