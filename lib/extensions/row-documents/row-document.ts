/**
 * One row as a JSON document: `{ model, …columns }`.
 *
 * Knows mappings and values; reads no database and no file. Embedded columns are nested, a to-one is the key of the other row, and a
 * many-to-many, on the side that owns it, the keys of its members. Invariant: names come in alphabetical order, also nested ones.
 *
 * @module
 */
import type { EntityMetadata } from 'typeorm'
import type { ColumnMetadata } from 'typeorm/metadata/ColumnMetadata.js'
import type { RelationMetadata } from 'typeorm/metadata/RelationMetadata.js'
import { jsonOf, valueFromJson } from './column-json.js'
import type { JsonObject, JsonValue } from './json-value.js'

/** Under `model` stands the name of the entity, or under `$model` where the class has a property `model` of its own. */
export type RowDocument = JsonObject

/** Under what name a document of this class says whose it is. */
export function modelKeyOf(metadata: EntityMetadata): 'model' | '$model' {
  return partsOf(metadata).some(({ path }) => path.split('.')[0] === 'model') ? '$model' : 'model'
}

type Values = Readonly<Record<string, unknown>>

/** The part of a document that one column or owning relation is. */
export interface DocumentPart {
  /** Where it is: `title`, `address.city`, or the name of a relation. */
  readonly path: string
  readonly column?: ColumnMetadata
  /** Owning: a to-one with its join columns, or a many-to-many. */
  readonly relation?: RelationMetadata
}

const parts = new WeakMap<EntityMetadata, readonly DocumentPart[]>()

/** The parts a document of this class may have. Join columns belong to their relation, unless they are properties of their own. */
export function partsOf(metadata: EntityMetadata): readonly DocumentPart[] {
  let found = parts.get(metadata)
  if (found === undefined) parts.set(metadata, (found = findParts(metadata)))
  return found
}

function findParts({ columns, relations }: EntityMetadata): readonly DocumentPart[] {
  const owning = relations.filter(({ isOwning, isManyToMany, joinColumns }) => isOwning && (isManyToMany || joinColumns.length > 0))
  const inRelation = new Set(owning.flatMap(({ joinColumns, isManyToMany }) => (isManyToMany ? [] : joinColumns)))
  const own = columns.filter(
    (column) => !column.isVirtual && !column.isVirtualProperty && !column.isDiscriminator && !inRelation.has(column),
  )
  return [
    ...own.map((column) => ({ path: column.propertyPath, column })),
    ...owning.map((relation) => ({ path: relation.propertyPath, relation })),
  ]
}

/**
 * The document of an entity. What it has not loaded is left out, as are other relations than those it owns.
 *
 * @throws What a transformer throws.
 */
export function documentOf(metadata: EntityMetadata, entity: object): RowDocument {
  const values = partsOf(metadata).map((part) => [part.path, jsonOfPart(part, valueAt(part, entity))] as const)
  return assemble(metadata, values)
}

/** As {@link documentOf}, from values by property path, as changes carry them; a to-one is its key object there. */
export function documentOfImage(metadata: EntityMetadata, image: Values): RowDocument {
  return assemble(metadata, Object.entries(jsonOfImage(metadata, image)))
}

/** Values by property path as JSON, by the same paths. Paths that are none of the mapping's are left out. */
export function jsonOfImage(metadata: EntityMetadata, image: Values): JsonObject {
  const valueOf = ({ path, relation }: DocumentPart) =>
    image[path] ?? keyOfJoinColumns(relation, (column) => image[column.propertyPath], image[path])
  const known = partsOf(metadata).map((part) => [part.path, jsonOfPart(part, valueOf(part))] as const)
  return Object.fromEntries(known.filter((entry): entry is readonly [string, JsonValue] => entry[1] !== undefined))
}

/**
 * The value that an entity has at a path, from JSON: for a to-one the key object of the other row.
 *
 * @throws {ValueRefused}
 */
export function valueOfJson({ column, relation }: DocumentPart, json: JsonValue): unknown {
  if (column !== undefined) return valueFromJson(column, json)
  if (json === null) return null
  const keyOf = (key: JsonValue) => keyFromJson(relation!, key)
  return Array.isArray(json) ? json.map(keyOf) : keyOf(json)
}

/** The columns of the other row by which a relation names it. */
export function keyColumnsOf({ joinColumns, inverseEntityMetadata, isManyToMany }: RelationMetadata): readonly ColumnMetadata[] {
  return isManyToMany ? inverseEntityMetadata.primaryColumns : joinColumns.map(({ referencedColumn }) => referencedColumn!)
}

function keyFromJson(relation: RelationMetadata, json: JsonValue): object {
  const key: Record<string, unknown> = {}
  for (const column of keyColumnsOf(relation))
    putAt(key, column.propertyPath, valueFromJson(column, jsonAt(json, column.propertyPath) ?? null))
  return key
}

/** undefined where nothing is known of it. */
function jsonOfPart({ column, relation }: DocumentPart, value: unknown): JsonValue | undefined {
  if (value === undefined) return undefined
  if (column !== undefined) return jsonOf(column, value)
  if (!relation!.isManyToMany) return value === null ? null : jsonOfKey(relation!, value as object)
  const members = (value as readonly object[]).map((member) => jsonOfKey(relation!, member))
  return members.sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1))
}

/** The key of the other row, from that entity or from a key object; a bare value is a key of one part. */
export function jsonOfKey(relation: RelationMetadata, other: unknown): JsonObject {
  const columns = keyColumnsOf(relation)
  const isBare = typeof other !== 'object' || other === null || other instanceof Date || Buffer.isBuffer(other)
  const entries = columns.map((column) => {
    const value = isBare ? other : (column.getEntityValue(other as never) as unknown)
    return [column.propertyPath, jsonOf(column, value)] as const
  })
  return nested(entries)
}

function valueAt({ column, relation }: DocumentPart, entity: object): unknown {
  if (column !== undefined) return column.getEntityValue(entity as never) as unknown
  const value = relation!.getEntityValue(entity as never) as unknown
  if (value !== undefined || relation!.isManyToMany) return value
  return keyOfJoinColumns(relation, (join) => join.getEntityValue(entity as never) as unknown, undefined)
}

/** The key of the other row, where its parts are properties of this one; null where one of them is. */
function keyOfJoinColumns(relation: RelationMetadata | undefined, valueOf: (column: ColumnMetadata) => unknown, absent: unknown): unknown {
  if (relation === undefined || relation.isManyToMany) return absent
  const values = relation.joinColumns.map(valueOf)
  if (values.includes(undefined)) return absent
  if (values.includes(null)) return null
  const key = {}
  relation.joinColumns.forEach(({ referencedColumn }, index) => putAt(key, referencedColumn!.propertyPath, values[index]))
  return key
}

function assemble(metadata: EntityMetadata, values: readonly (readonly [string, JsonValue | undefined])[]): RowDocument {
  const known = values.filter((entry): entry is readonly [string, JsonValue] => entry[1] !== undefined)
  return sorted({ ...nested(known), [modelKeyOf(metadata)]: metadata.name }) as RowDocument
}

function nested(values: readonly (readonly [string, JsonValue])[]): JsonObject {
  const document: Record<string, unknown> = {}
  for (const [path, value] of values) putAt(document, path, value)
  return document as JsonObject
}

/** Sets a value at a path, making the objects on the way. */
export function putAt(object: Record<string, unknown>, path: string, value: unknown): void {
  const names = path.split('.')
  let inner = object
  for (const name of names.slice(0, -1)) inner = (inner[name] ??= {}) as Record<string, unknown>
  inner[names.at(-1)!] = value
}

/** What a document has at a path; undefined where it has nothing. */
export function jsonAt(document: JsonValue, path: string): JsonValue | undefined {
  let found: JsonValue | undefined = document
  for (const name of path.split('.')) {
    if (typeof found !== 'object' || found === null || Array.isArray(found) || !Object.hasOwn(found, name)) return undefined
    found = (found as JsonObject)[name]
  }
  return found
}

/** The same with names in alphabetical order, whatever depth. */
export function sorted(value: JsonValue): JsonValue {
  if (Array.isArray(value)) return value.map(sorted)
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value as JsonObject).sort(([a], [b]) => (a < b ? -1 : 1))
  return Object.fromEntries(entries.map(([name, member]) => [name, sorted(member)]))
}
