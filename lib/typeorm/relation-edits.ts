/**
 * Which collections of the entities that TypeORM is about to save have other members than their rows say.
 *
 * Compares what TypeORM has read for its own comparison; reads nothing itself. Invariant: a collection that is not loaded, or whose rows
 * were not read, has no edits.
 *
 * @module
 */
import type { RelationMetadata } from 'typeorm/metadata/RelationMetadata.js'
import type { RelationEdit } from '../mapper/unit-of-work.js'
import { keyText } from '../session/entity-map.js'
import { rememberMemberKey } from '../session/net-changes.js'
import { keyOf } from './entity-maps.js'
import type { Subject } from './internals.js'
import { Orphans } from './orphans.js'

export interface Participants {
  isExcluded(entity: object): boolean
  /** The object that stands for a row TypeORM writes without one. */
  standInFor(orphan: Subject): object
}

export function relationEditsOf(subjects: readonly Subject[], participants: Participants): readonly RelationEdit[] {
  const finder = new MemberFinder(subjects, participants)
  const edits = new Map<object, readonly RelationEdit[]>() // one entity may have been given twice
  for (const subject of subjects) {
    const { entity, metadata } = subject
    if (entity === undefined || subject.mustBeRemoved || participants.isExcluded(entity) || edits.has(entity)) continue
    const collections = [...metadata.oneToManyRelations, ...metadata.manyToManyRelations]
    const found = collections.map((relation) => editOf(subject, relation, finder))
    edits.set(
      entity,
      found.filter((edit) => edit !== undefined),
    )
  }
  return [...edits.values()].flat()
}

function editOf(subject: Subject, relation: RelationMetadata, finder: MemberFinder): RelationEdit | undefined {
  const now = presentMembers(relation, subject.entity!)
  const before = knownMembers(relation, subject)
  if (!relation.persistenceEnabled || now === undefined || before === undefined) return undefined
  const known = byKey(relation, before)
  const present = byKey(relation, now)
  const added = [...new Set(now)].filter((member) => !known.has(textOf(relation, member)) && finder.isWritten(relation, member))
  const lost = relation.isOneToMany && relation.inverseRelation?.orphanedRowAction === 'disable' ? [] : [...known]
  const removed = lost.filter(([key]) => !present.has(key)).map(([, member]) => finder.find(relation, member))
  if (added.length === 0 && removed.length === 0) return undefined
  const target = subject.metadata.target as RelationEdit['target']
  return Object.freeze({ entity: subject.entity!, target, relation: relation.propertyPath, added, removed })
}

/** Null means that all members go; undefined says nothing about them. */
function presentMembers(relation: RelationMetadata, entity: object): readonly object[] | undefined {
  const value: unknown = relation.getEntityValue(entity)
  if (value === null) return []
  return Array.isArray(value) ? (value as unknown[]).filter(isObject) : undefined
}

/** As read for this run; undefined where the row is there and nobody has read them. */
function knownMembers(relation: RelationMetadata, subject: Subject): readonly object[] | undefined {
  const { databaseEntity, databaseEntityLoaded, identifier } = subject
  if (databaseEntity === undefined) return identifier === undefined || databaseEntityLoaded ? [] : undefined
  const value: unknown = relation.getEntityValue(databaseEntity)
  return Array.isArray(value) ? (value as unknown[]).filter(isObject) : undefined
}

function byKey(relation: RelationMetadata, members: readonly object[]): ReadonlyMap<string, object> {
  return new Map(members.map((member) => [textOf(relation, member), member]))
}

function textOf({ inverseEntityMetadata }: RelationMetadata, member: object): string {
  return keyText(keyOf(inverseEntityMetadata, member))
}

/** Finds the objects of rows of which TypeORM has read the keys alone. */
class MemberFinder {
  readonly #subjects: readonly Subject[]
  readonly #participants: Participants
  #byRow: ReadonlyMap<string, object> | undefined

  constructor(subjects: readonly Subject[], participants: Participants) {
    this.#subjects = subjects
    this.#participants = participants
  }

  /** A new one that was taken out of the flush has no row to lead to. */
  isWritten({ inverseEntityMetadata }: RelationMetadata, member: object): boolean {
    return !this.#participants.isExcluded(member) || inverseEntityMetadata.getEntityIdMap(member) !== undefined
  }

  /** The object itself, where it takes part in this run, else one with that key. */
  find({ inverseEntityMetadata }: RelationMetadata, key: object): object {
    this.#byRow ??= this.#participating()
    const id = keyOf(inverseEntityMetadata, key)
    const member = this.#byRow.get(rowOf(inverseEntityMetadata, id)) ?? (inverseEntityMetadata.create() as object)
    for (const column of inverseEntityMetadata.primaryColumns)
      if (column.getEntityValue(member) === undefined) column.setEntityValue(member, column.getEntityValue(key))
    rememberMemberKey(member, id)
    return member
  }

  #participating(): ReadonlyMap<string, object> {
    const found = new Map<string, object>()
    for (const subject of this.#subjects) {
      const entity = subject.entity ?? (Orphans.isOrphan(subject) ? this.#participants.standInFor(subject) : undefined)
      const id = subject.identifier ?? subject.metadata.getEntityIdMap(entity)
      if (entity !== undefined && id !== undefined) found.set(rowOf(subject.metadata, id), entity)
    }
    return found
  }
}

function rowOf({ tablePath }: Subject['metadata'], id: object): string {
  return `${tablePath} ${keyText(id)}`
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null
}
