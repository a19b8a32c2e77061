/**
 * Tells junction rows as what they mean: members that came to or went from a collection.
 *
 * Invariant: read before the SQL, since TypeORM empties its change maps while it writes; a removed member that nobody loaded is an
 * instance that knows only its key.
 *
 * @module
 */
import type { EntityMetadata } from 'typeorm'
import type { RelationMetadata } from 'typeorm/metadata/RelationMetadata.js'
import type { RelationChange } from '../mapper/change.js'
import { rememberMemberKey } from '../session/net-changes.js'
import { keyOf } from './entity-maps.js'
import type { ColumnMetadata, Subject } from './internals.js'
import { sameKey } from './subject-diff.js'

export type CollectionChanges = Readonly<Record<string, RelationChange>>

interface Members {
  readonly added: object[]
  readonly removed: object[]
}

/** For each owner what happened to its many-to-many collections; the owner is the side whose collection was edited. */
export function collectionChangesOf(subjects: readonly Subject[]): ReadonlyMap<Subject, CollectionChanges> {
  const found = new Map<Subject, Record<string, Members>>()
  for (const junction of subjects) {
    const owner = junction.parentSubject
    if (!junction.metadata.isJunction || owner === undefined || !(junction.mustBeInserted || junction.mustBeRemoved)) continue
    const relation = relationOf(junction, owner)
    if (relation === undefined) continue
    let collections = found.get(owner)
    if (collections === undefined) found.set(owner, (collections = {}))
    const members = (collections[relation.propertyPath] ??= { added: [], removed: [] })
    const member = memberOf(junction, relation)
    if (junction.mustBeRemoved) members.removed.push(member)
    else members.added.push(member)
  }
  return found
}

function relationOf(junction: Subject, owner: Subject): RelationMetadata | undefined {
  const candidates = owner.metadata.manyToManyRelations.filter((relation) => relation.junctionEntityMetadata === junction.metadata)
  if (candidates.length < 2) return candidates[0]
  return candidates.find((relation) => pointsTo(junction, relation.isOwning ? 'ownerColumns' : 'inverseColumns', owner))
}

/** Only a self-referencing many-to-many has both sides on one class; then the columns tell which side was edited. */
function pointsTo(junction: Subject, side: 'ownerColumns' | 'inverseColumns', owner: Subject): boolean {
  return junction.metadata[side].every((column) => {
    const change = junction.changeMaps.find((map) => map.column === column)
    if (change !== undefined) return change.value === owner
    return sameKey(valueIn(junction, column), column.referencedColumn!.getEntityValue(owner.entity!))
  })
}

function valueIn(junction: Subject, column: ColumnMetadata): unknown {
  return junction.identifier === undefined ? undefined : column.getEntityValue(junction.identifier)
}

function memberOf(junction: Subject, relation: RelationMetadata): object {
  const columns = relation.isOwning ? junction.metadata.inverseColumns : junction.metadata.ownerColumns
  const value: unknown = junction.changeMaps.find((map) => map.column === columns[0])?.value
  const metadata = relation.inverseEntityMetadata
  const entity = entityIn(value)
  if (entity !== undefined) return remembered(entity, metadata)
  const standIn = metadata.create() as object
  for (const column of columns) column.referencedColumn!.setEntityValue(standIn, valueIn(junction, column))
  return remembered(loadedMember(junction.parentSubject!, relation, standIn) ?? standIn, metadata)
}

/** The member itself where it is still in the collection, as when its owner is deleted. */
function loadedMember(owner: Subject, relation: RelationMetadata, standIn: object): object | undefined {
  const members: unknown = owner.entity === undefined ? undefined : relation.getEntityValue(owner.entity)
  if (!Array.isArray(members)) return undefined
  const { inverseEntityMetadata } = relation
  return (members as object[]).find((member) => inverseEntityMetadata.compareEntities(member, standIn))
}

function entityIn(value: unknown): object | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  return '@instanceof' in value ? ((value as Subject).entity ?? undefined) : value
}

function remembered(member: object, metadata: EntityMetadata): object {
  const key = keyOf(metadata, member)
  if (Object.keys(key).length > 0) rememberMemberKey(member, key)
  return member
}
