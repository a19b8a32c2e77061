/**
 * TypeORM's metadata of one class, as the {@link EntityMap} that the session layer knows.
 *
 * Invariant: an image holds copies; a property path is the one TypeORM uses (`address.city`); an owning to-one relation is its key object.
 *
 * @module
 */
import type { EntityMetadata, ObjectLiteral } from 'typeorm'
import type { RelationMetadata } from 'typeorm/metadata/RelationMetadata.js'
import type { EntityMap, Image, PropertyMap, RelationMap } from '../session/entity-map.js'
import { columnMapOf, keyReader, pathOf } from './column-maps.js'
import type { ColumnMetadata } from './internals.js'
import { isBareJoinColumn } from './property-access.js'
import { relationMapOf } from './relation-maps.js'

const maps = new WeakMap<EntityMetadata, EntityMap>()
const metadatas = new WeakMap<EntityMap, EntityMetadata>()

/** The map of a class; made once per metadata. */
export function entityMapOf(metadata: EntityMetadata): EntityMap {
  let map = maps.get(metadata)
  if (map === undefined) {
    maps.set(metadata, (map = makeMap(metadata)))
    metadatas.set(map, metadata)
  }
  return map
}

/** The metadata a map was made from. */
export function metadataOf(map: EntityMap): EntityMetadata {
  return metadatas.get(map)!
}

function makeMap(metadata: EntityMetadata): EntityMap {
  const imaged = metadata.columns.filter((column) => !column.isVirtual && !column.isDiscriminator && !isBareJoinColumn(column))
  const properties: readonly PropertyMap[] = Object.freeze([
    ...imaged.map(columnMapOf),
    ...metadata.relationsWithJoinColumns.map(relationProperty),
  ])
  return Object.freeze({
    target: metadata.target as EntityMap['target'],
    name: metadata.name,
    table: metadata.tableName,
    identity: rootOf(metadata).tablePath,
    properties,
    paths: new Set(properties.map((property) => property.path)),
    automatic: properties.filter((property) => property.isAutomatic).map((property) => property.path),
    ...columnsOf(metadata),
    ...relationsOf(metadata),
    uniques: uniquesOf(metadata),
    isTree: metadata.treeType !== undefined || (metadata.closureJunctionTable as EntityMetadata | undefined) !== undefined,
    create: () => metadata.create(undefined, { fromDeserializer: true }) as object,
    keyOf: keyReader(metadata.primaryColumns),
    isA: (target: unknown) => isA(metadata, target),
  })
}

function columnsOf(metadata: EntityMetadata): Pick<EntityMap, 'columns' | 'getters' | 'keyColumns' | 'version' | 'deleteDate'> {
  const columns = metadata.columns.filter((column) => isProperty(column) && !isOfChild(metadata, column.target)).map(columnMapOf)
  const mapOf = (column: ColumnMetadata | undefined) => (column === undefined ? undefined : columnMapOf(column))
  return {
    columns: Object.freeze(columns),
    getters: Object.freeze(columns.map(({ get }) => get)),
    keyColumns: Object.freeze(metadata.primaryColumns.map(columnMapOf)),
    version: mapOf(metadata.versionColumn),
    deleteDate: mapOf(metadata.deleteDateColumn),
  }
}

/** A stored column that instances carry as a property of their own; a discriminator only where the class declares it. */
function isProperty(column: ColumnMetadata): boolean {
  return !column.isVirtual && !column.isVirtualProperty && !isBareJoinColumn(column)
}

/** The root of a single-table inheritance lists what its children declare too. */
function isOfChild(metadata: EntityMetadata, target: unknown): boolean {
  return metadata.childEntityMetadatas.some((child) => child.target === target)
}

function relationsOf(metadata: EntityMetadata): Pick<EntityMap, 'toOnes' | 'collections'> {
  const own = metadata.relations.filter((relation) => !isOfChild(metadata, relation.target))
  const mapOf = (relation: RelationMetadata): RelationMap => relationMapOf(relation, entityMapOf)
  return {
    toOnes: Object.freeze(own.filter((relation) => relation.isWithJoinColumn).map(mapOf)),
    collections: Object.freeze(own.filter((relation) => !relation.isWithJoinColumn).map(mapOf)),
  }
}

/** Partial indices are no constraint on all rows, and of an inheritance the discriminator is the same for all rows of a class. */
function uniquesOf(metadata: EntityMetadata): readonly (readonly string[])[] {
  const constraints = [
    ...metadata.uniques.map(({ columns }) => columns),
    ...metadata.indices.filter(({ isUnique, where }) => isUnique && !where).map(({ columns }) => columns),
    ...metadata.ownerOneToOneRelations.map(({ joinColumns }) => joinColumns),
  ]
  const key = textOf(metadata.primaryColumns.map(uniquePathOf))
  const found = new Map<string, readonly string[]>()
  for (const columns of constraints) {
    const paths = Object.freeze([...new Set(columns.filter((column) => !column.isDiscriminator).map(uniquePathOf))])
    if (paths.length > 0 && textOf(paths) !== key) found.set(textOf(paths), paths)
  }
  return Object.freeze([...found.values()])
}

function uniquePathOf(column: ColumnMetadata): string {
  return column.relationMetadata?.propertyPath ?? pathOf(column)
}

function textOf(paths: readonly string[]): string {
  return [...paths].sort().join()
}

function rootOf(metadata: EntityMetadata): EntityMetadata {
  let root = metadata
  while ((root.parentEntityMetadata as EntityMetadata | undefined) !== undefined) root = root.parentEntityMetadata
  return root
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
