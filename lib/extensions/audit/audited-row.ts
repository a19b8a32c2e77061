/**
 * One row that an audit trail is asked about: its class, its key, and how it looks now.
 *
 * Reads, and never writes. Invariant: values are JSON as in the trail, so that the two can be put together.
 *
 * @module
 */
import type { EntityManager, EntityMetadata, ObjectLiteral } from 'typeorm'
import type { ColumnMetadata } from 'typeorm/metadata/ColumnMetadata.js'
import type { RelationMetadata } from 'typeorm/metadata/RelationMetadata.js'
import { DataError } from '../../core/errors.js'
import { describeValue } from '../../core/describe-value.js'
import { withoutExtensions } from '../../core/silence.js'
import { valueFromJson, ValueRefused } from '../row-documents/column-json.js'
import type { JsonObject, JsonValue } from '../row-documents/json-value.js'
import { putAt } from '../row-documents/row-document.js'
import { isSpeltOneWay, keyJsonOf, keyObjectOf } from './audit-key.js'
import { nearestEntity } from './audit-options.js'
import type { AuditPlan } from './audit-plan.js'
import type { AuditedChange } from './audited-change.js'

export interface AuditedRow {
  readonly metadata: EntityMetadata
  /** Canonical JSON. */
  readonly key: string
}

/** How a row looks: key as the database spells it, values by path, and the keys of the members of the many-to-many it owns; keys as canonical JSON. */
export interface RowState {
  readonly metadata: EntityMetadata
  readonly key: string
  readonly values: Map<string, JsonValue>
  readonly members: Map<string, Set<string>>
}

/** What names a class: the class itself, a schema, or a name. */
export function isTarget(given: unknown): boolean {
  return (
    typeof given === 'function' ||
    typeof given === 'string' ||
    (typeof given === 'object' && given !== null && typeof (given as { options?: { columns?: unknown } }).options?.columns === 'object')
  )
}

/** @throws {DataError} AUDIT_ENTITY_UNKNOWN */
export function metadataFor({ dataSource }: AuditPlan, target: unknown): EntityMetadata {
  if ((isTarget(target) || typeof target === 'object') && dataSource.hasMetadata(target as never))
    return dataSource.getMetadata(target as never)
  throw new DataError('AUDIT_ENTITY_UNKNOWN', {
    given: typeof target === 'string' ? `"${target}"` : describeValue(target),
    nearest: nearestEntity(dataSource, target),
  })
}

/** @throws {DataError} AUDIT_ENTITY_UNKNOWN · AUDIT_KEY_INVALID */
export function rowFor(plan: AuditPlan, target: unknown, key: unknown): AuditedRow {
  const metadata = metadataFor(plan, target)
  const object = keyObjectOf(metadata, key)
  const json = object === undefined ? undefined : keyJsonOf(metadata, object)
  if (json === undefined) throw new DataError('AUDIT_KEY_INVALID', { entity: metadata.name, given: describeValue(key) })
  return { metadata, key: json }
}

/** @throws {DataError} AUDIT_ENTITY_UNKNOWN · AUDIT_KEY_INVALID */
export function rowOfEntity(plan: AuditPlan, entity: object): AuditedRow {
  return rowFor(plan, entity.constructor, entity)
}

/** @throws {DataError} AUDIT_ENTITY_UNKNOWN */
export function rowOfChange(plan: AuditPlan, { entity, key }: AuditedChange): AuditedRow {
  const metadata = metadataFor(plan, entity)
  return { metadata, key: keyJsonOf(metadata, keyFromJson(metadata.primaryColumns, key))! }
}

/** The names that rows of a class go by: of single-table inheritance, those of all classes in the table. */
export function namesOf(metadata: EntityMetadata, { dataSource }: AuditPlan): readonly string[] {
  if (metadata.inheritancePattern !== 'STI' && metadata.tableType !== 'entity-child') return [metadata.name]
  return dataSource.entityMetadatas
    .filter(({ tablePath, isJunction }) => tablePath === metadata.tablePath && !isJunction)
    .map(({ name }) => name)
}

/** The many-to-many that a row owns and the trail keeps. */
export function ownedCollections(metadata: EntityMetadata, plan: AuditPlan): readonly RelationMetadata[] {
  const audited = plan.classOf(metadata)
  return metadata.relations.filter(
    ({ isManyToMany, isOwning, propertyPath }) => isManyToMany && isOwning && audited.keepsRelation(propertyPath),
  )
}

/** A key object as entities have it, for conditions and references. */
export function keyFromJson(columns: readonly ColumnMetadata[], key: JsonObject): ObjectLiteral {
  const object: Record<string, unknown> = {}
  for (const column of columns) {
    const value = valueFromJson(column, key[column.propertyPath] ?? null)
    const { relationMetadata: relation, referencedColumn } = column
    if (relation === undefined) putAt(object, column.propertyPath, value)
    else putAt(object, `${relation.propertyPath}.${referencedColumn!.propertyPath}`, value)
  }
  return object
}

/** How a row looks now, also when it is soft-removed; undefined where there is none. */
export async function presentState(manager: EntityManager, row: AuditedRow, plan: AuditPlan): Promise<RowState | undefined> {
  const { metadata } = row
  const relations = [...metadata.relationsWithJoinColumns, ...ownedCollections(metadata, plan)].map(({ propertyPath }) => propertyPath)
  const entity = await presentEntity(manager, row, relations)
  return entity === undefined ? undefined : stateOf(entity, concreteOf(entity, metadata, plan), plan)
}

/**
 * The row with its key as the database spells it: it may take other letter cases, blanks or forms of a date for the same, and the trail does not.
 * Where no such row is there now, as it was given.
 */
export async function asSpelt(manager: EntityManager, row: AuditedRow): Promise<AuditedRow> {
  const { metadata, key } = row
  if (metadata.primaryColumns.every(isSpeltOneWay)) return row
  const relations = metadata.relationsWithJoinColumns.filter(({ joinColumns }) => joinColumns.some(({ isPrimary }) => isPrimary))
  const entity = await presentEntity(
    manager,
    row,
    relations.map(({ propertyPath }) => propertyPath),
  )
  return { metadata, key: (entity === undefined ? undefined : keyJsonOf(metadata, entity)) ?? key }
}

async function presentEntity(
  manager: EntityManager,
  { metadata, key }: AuditedRow,
  relations: readonly string[],
): Promise<object | undefined> {
  const family = familyOf(metadata)
  const where = whereOf(family, key)
  if (where === undefined) return undefined
  const entity = await withoutExtensions(() =>
    manager
      .getRepository<ObjectLiteral>(family.target)
      .createQueryBuilder('audited')
      .setFindOptions({
        where,
        loadEagerRelations: false,
        loadRelationIds: { relations: relations.filter((path) => family.findRelationWithPropertyPath(path)), disableMixedMap: true },
        withDeleted: true,
      })
      .callListeners(false)
      .getOne(),
  )
  return entity ?? undefined
}

/** undefined where no row can have that key. */
function whereOf({ primaryColumns }: EntityMetadata, key: string): ObjectLiteral | undefined {
  try {
    return keyFromJson(primaryColumns, JSON.parse(key) as JsonObject)
  } catch (error) {
    if (error instanceof ValueRefused) return undefined
    throw error
  }
}

/** A row may be asked for by a class above or beside its own. */
function familyOf(metadata: EntityMetadata): EntityMetadata {
  const parent = metadata.parentEntityMetadata as EntityMetadata | undefined
  return parent === undefined || parent.tablePath !== metadata.tablePath ? metadata : familyOf(parent)
}

function concreteOf(entity: object, metadata: EntityMetadata, { dataSource }: AuditPlan): EntityMetadata {
  return dataSource.hasMetadata(entity.constructor) ? dataSource.getMetadata(entity.constructor) : metadata
}

function stateOf(entity: object, metadata: EntityMetadata, plan: AuditPlan): RowState {
  const values = new Map<string, JsonValue>()
  for (const one of plan.classOf(metadata).parts) {
    const { column, relation } = one.part
    const value = (column ?? relation)!.getEntityValue(entity as never) as unknown
    if (value !== undefined) values.set(one.path, JSON.parse(one.text(value)) as JsonValue)
  }
  const members = new Map<string, Set<string>>()
  for (const relation of ownedCollections(metadata, plan)) {
    const list = (relation.getEntityValue(entity as never) ?? []) as readonly object[]
    members.set(relation.propertyPath, new Set(list.map((member) => keyJsonOf(relation.inverseEntityMetadata, member)!)))
  }
  return { metadata, key: keyJsonOf(metadata, entity)!, values, members }
}
