/**
 * Keys of rows as lists of texts, in the order of the key's columns.
 *
 * Reads what hooks tell, and mappings only where criteria have to be told from keys. Invariant: a key that is not known completely is no
 * key.
 *
 * @module
 */
import type { EntityMetadata } from 'typeorm'
import type { BulkStatement } from '../../mapper/bulk-statement.js'
import type { Change, RelationChange } from '../../mapper/change.js'
import { memberKey } from '../../session/net-changes.js'

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

/** For each to-many relation that was changed, the keys of what came and what went. */
export type MemberKeys = Readonly<Record<string, { readonly added: readonly Values[]; readonly removed: readonly Values[] }>>

export function memberKeysOf({ relations }: Change, metadata: EntityMetadata): MemberKeys | undefined {
  const changed = Object.entries(relations as Readonly<Record<string, RelationChange>>)
  if (changed.length === 0) return undefined
  const told = changed.map(([path, { added, removed }]) => {
    const members = metadata.findRelationWithPropertyPath(path)!.inverseEntityMetadata
    const keys = (all: readonly object[]) => all.map((member) => keyOfMember(member, members))
    return [path, { added: keys(added), removed: keys(removed) }] as const
  })
  return Object.fromEntries(told)
}

/** TypeORM takes the key off an entity that it deletes; what was remembered of it are texts. */
function keyOfMember(member: object, metadata: EntityMetadata): Values {
  const key = metadata.getEntityIdMap(member)
  if (key !== undefined) return key
  const remembered = memberKey(member)
  return typeof remembered === 'string' ? (JSON.parse(remembered) as Values) : {}
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
