/**
 * TypeORM's metadata of one relation, as the {@link RelationMap} that the session layer knows.
 *
 * Refuses to know the maps of classes before somebody asks: metadata go round in circles. Invariant: no relation is loaded by reading it.
 *
 * @module
 */
import type { EntityMetadata } from 'typeorm'
import type { RelationMetadata } from 'typeorm/metadata/RelationMetadata.js'
import type { Cascade, EntityMap, Image, Junction, RelationKind, RelationMap } from '../session/entity-map.js'
import { keyReader } from './column-maps.js'
import { isObject, relationReader, relationWriter } from './property-access.js'

type MapOf = (metadata: EntityMetadata) => EntityMap

const maps = new WeakMap<RelationMetadata, RelationMap>()
const relations = new WeakMap<RelationMap, RelationMetadata>()

/** The map of a relation; made once per metadata. */
export function relationMapOf(relation: RelationMetadata, mapOf: MapOf): RelationMap {
  let map = maps.get(relation)
  if (map === undefined) {
    maps.set(relation, (map = Object.freeze(makeMap(relation, mapOf))))
    relations.set(map, relation)
  }
  return map
}

/** The metadata a map was made from. */
export function relationOf(map: RelationMap): RelationMetadata {
  return relations.get(map)!
}

function makeMap(relation: RelationMetadata, mapOf: MapOf): RelationMap {
  const kind = kindOf(relation)
  const isToOne = kind === 'to-one'
  return {
    path: relation.propertyPath,
    kind,
    isNullable: isToOne ? relation.joinColumns.every((column) => column.isNullable) : relation.isNullable,
    isLazy: relation.isLazy,
    isPersisted: relation.persistenceEnabled,
    cascades: cascadesOf(relation),
    orphans: (isToOne ? undefined : relation.inverseRelation?.orphanedRowAction) ?? 'nullify',
    onDelete: isToOne && relation.createForeignKeyConstraints ? relation.onDelete : undefined,
    columnNames: (isToOne ? relation.joinColumns : (relation.junctionEntityMetadata?.columns ?? [])).map((column) => column.databaseName),
    junction: junctionOf(relation),
    get: relationReader(relation),
    set: relationWriter(relation),
    keyOf: isToOne ? targetKeyReader(relation) : () => undefined,
    get owner() {
      return mapOf(relation.entityMetadata)
    },
    get target() {
      return mapOf(relation.inverseEntityMetadata)
    },
    get inverse() {
      return relation.inverseRelation === undefined ? undefined : relationMapOf(relation.inverseRelation, mapOf)
    },
  }
}

function kindOf(relation: RelationMetadata): RelationKind {
  if (relation.isManyToMany) return 'many-to-many'
  if (relation.isOneToMany) return 'one-to-many'
  return relation.isOneToOneNotOwner ? 'inverse-one' : 'to-one'
}

function cascadesOf(relation: RelationMetadata): Readonly<Record<Cascade, boolean>> {
  return Object.freeze({
    insert: relation.isCascadeInsert,
    update: relation.isCascadeUpdate,
    remove: relation.isCascadeRemove,
    softRemove: relation.isCascadeSoftRemove,
    recover: relation.isCascadeRecover,
  })
}

function junctionOf(relation: RelationMetadata): Junction | undefined {
  const { junctionEntityMetadata: metadata } = relation
  if (metadata === undefined) return undefined
  const own = relation.isOwning ? metadata.ownerColumns : metadata.inverseColumns
  const foreignKey = metadata.foreignKeys.find(({ columns }) => columns.every((column) => own.includes(column)))
  return Object.freeze({
    table: metadata.tableName,
    isOwning: relation.isOwning,
    isCleanedByDatabase: foreignKey?.onDelete === 'CASCADE',
  })
}

/** Null is no target and stays null; a bare key is taken as the key's single part. */
function targetKeyReader(relation: RelationMetadata): RelationMap['keyOf'] {
  let read: ReturnType<typeof keyReader> | undefined // made late: the columns it refers to may refer back
  return (target) => {
    if (target === undefined || target === null) return target as undefined
    if (typeof target === 'function') return undefined
    if (!isObject(target)) return relation.ensureRelationIdMap(target) as Image
    read ??= keyReader(relation.joinColumns.map((column) => column.referencedColumn!))
    return read(target)
  }
}
