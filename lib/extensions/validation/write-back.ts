/**
 * Puts what schemas make of values on entities.
 *
 * Invariant: only columns are set that the entity has, or that are missing on a new one; never a key, and never a relation.
 *
 * @module
 */
import { isDeepStrictEqual, types } from 'node:util'
import type { Candidate } from './counted-issues.js'
import { partsOf, valueOf } from './subject.js'

export function writeBack({ entity, metadata, isNew }: Candidate, output: unknown): void {
  for (const { path, column } of partsOf(metadata).values()) {
    if (column === undefined || column.isPrimary || column.relationMetadata !== undefined) continue
    const own = valueOf({ path, column, relation: undefined }, entity)
    const made = valueAt(output, path)
    if (made === undefined || (own === undefined && !isNew) || isDeepStrictEqual(made, own)) continue
    column.setEntityValue(entity, made)
  }
}

function valueAt(output: unknown, path: string): unknown {
  let found = output
  for (const name of path.split('.')) {
    if (typeof found !== 'object' || found === null || !Object.hasOwn(found, name)) return undefined
    found = (found as Readonly<Record<string, unknown>>)[name]
  }
  return found
}

/** Equal to a document as long as that stays as it is; never to one with values of classes, which may change where nobody sees it. */
export function copyOf(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.map(copyOf)
  if (types.isDate(value)) return new Date(value)
  if (Object.getPrototypeOf(value) !== Object.prototype) return Symbol('no copy')
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, copyOf(member)]))
}
