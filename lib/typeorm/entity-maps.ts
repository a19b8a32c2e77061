/**
 * TypeORM's metadata of one class, as the {@link EntityMap} that the session layer knows.
 *
 * Invariant: an image holds copies; a property path is the one TypeORM uses (`address.city`); an owning to-one relation is its key object.
 *
 * @module
 */
import type { EntityMetadata, ObjectLiteral } from 'typeorm'
import type { RelationMetadata } from 'typeorm/metadata/RelationMetadata.js'
import type { EntityMap, Image, PropertyMap } from '../session/entity-map.js'
import type { ColumnMetadata } from './internals.js'

const maps = new WeakMap<EntityMetadata, EntityMap>()

/** The map of a class; made once per metadata. */
export function entityMapOf(metadata: EntityMetadata): EntityMap {
  let map = maps.get(metadata)
  if (map === undefined) maps.set(metadata, (map = makeMap(metadata)))
  return map
}

function makeMap(metadata: EntityMetadata): EntityMap {
  const columns = metadata.columns.filter((column) => !column.isVirtual && !column.isDiscriminator && !isBareJoinColumn(column))
  const properties = Object.freeze([...columns.map(columnProperty), ...metadata.relationsWithJoinColumns.map(relationProperty)])
  return Object.freeze({
    target: metadata.target as EntityMap['target'],
    name: metadata.name,
    table: metadata.tableName,
    properties,
    paths: new Set(properties.map((property) => property.path)),
    automatic: properties.filter((property) => property.isAutomatic).map((property) => property.path),
    isA: (target: unknown) => isA(metadata, target),
  })
}

/** A join column TypeORM made by itself shares its property with the relation, which stands for it. */
function isBareJoinColumn(column: ColumnMetadata): boolean {
  return column.relationMetadata !== undefined && column.propertyPath === column.relationMetadata.propertyPath
}

function columnProperty(column: ColumnMetadata): PropertyMap {
  const read = valueReader(column)
  return {
    path: column.propertyPath,
    isAutomatic: column.isVersion || column.isUpdateDate,
    read: (entity) => {
      const value = read(entity)
      return typeof value === 'function' ? undefined : copyOf(value)
    },
  }
}

/** A plain column is read directly: TypeORM's accessor, made for embedded and joined columns, costs ten times as much. */
function valueReader(column: ColumnMetadata): (entity: object) => unknown {
  const { propertyName, embeddedMetadata, relationMetadata, referencedColumn } = column
  const isPlain = embeddedMetadata === undefined && relationMetadata === undefined && referencedColumn === undefined
  return isPlain ? (entity) => (entity as Record<string, unknown>)[propertyName] : (entity) => column.getEntityValue(entity) as unknown
}

function relationProperty(relation: RelationMetadata): PropertyMap {
  return { path: relation.propertyPath, isAutomatic: false, read: (entity) => relationKeyOf(relation, entity) }
}

/** The key object a to-one relation points to; null where it points to nothing, undefined where it is not loaded or the target has no key yet. */
export function relationKeyOf(relation: RelationMetadata, entity: object): unknown {
  const value: unknown = relation.getEntityValue(entity)
  if (value === undefined || value === null) return value
  if (typeof value === 'object' && !Buffer.isBuffer(value)) return keyOrNull(relation.getRelationIdMap(value))
  return relation.ensureRelationIdMap(value)
}

/** TypeORM reads an empty reference to a composite key as an object of nulls. */
function keyOrNull(key: ObjectLiteral | undefined): unknown {
  return key !== undefined && Object.values(key).every((part) => part === null) ? null : key
}

/** Copies what could be changed in place; instances of users' own classes are taken as immutable values. */
export function copyOf(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value
  if (value instanceof Date) return new Date(value)
  if (Buffer.isBuffer(value)) return Buffer.from(value)
  const prototype: unknown = Object.getPrototypeOf(value)
  if (Array.isArray(value) || prototype === Object.prototype || prototype === null || value instanceof Uint8Array)
    return structuredClone(value)
  return value
}

/** The key as TypeORM names it, frozen; empty where no part is known. */
export function keyOf(metadata: EntityMetadata, entity: object | undefined): Image {
  return Object.freeze({ ...(entity === undefined ? undefined : metadata.getEntityIdMap(entity)) })
}

function isA(metadata: EntityMetadata, target: unknown): boolean {
  const options =
    typeof target === 'object' && target !== null ? (target as { options?: { name?: string; target?: unknown } }).options : undefined
  const wanted = options === undefined ? target : (options.target ?? options.name)
  if (typeof wanted === 'string') return metadata.name === wanted || metadata.target === wanted
  if (typeof wanted !== 'function') return false
  return metadata.target === wanted || (typeof metadata.target === 'function' && metadata.target.prototype instanceof wanted)
}
