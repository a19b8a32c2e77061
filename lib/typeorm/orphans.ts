/**
 * Gives rows that TypeORM writes without an object (children of a one-to-many it never loaded) an object for hooks and changes.
 *
 * Invariant: TypeORM's subject stays without entity; what a hook sets on the stand-in is carried over as an explicit column change.
 *
 * @module
 */
import { isDeepStrictEqual } from 'node:util'
import type { ObjectLiteral, QueryRunner } from 'typeorm'
import type { RelationMetadata } from 'typeorm/metadata/RelationMetadata.js'
import { imageOf, keyText, type Image } from '../session/entity-map.js'
import { entityMapOf, keyOf } from './entity-maps.js'
import type { Subject } from './internals.js'
import { readRows } from './row-reader.js'
import { sameKey } from './subject-diff.js'

interface StandIn {
  readonly entity: object
  /** How the stand-in looked before hooks: only what differs from that is carried over. */
  readonly initial: Image
  /** Where its relations led before hooks, emptied ones to null. */
  readonly targets: ReadonlyMap<RelationMetadata, unknown>
  /** The row as it is in the database, or what is known of it. */
  readonly row: Image
}

export class Orphans {
  readonly #standIns = new Map<string, StandIn>()

  /** Whether this subject is a row without object that is an entity all the same. */
  static isOrphan(subject: Subject): boolean {
    return (
      subject.entity === undefined &&
      subject.identifier !== undefined &&
      !subject.metadata.isJunction &&
      !subject.metadata.isClosureJunction
    )
  }

  /** Reads the rows that have no stand-in yet, so that hooks get instances of the right class with their values. */
  async read(runner: QueryRunner, subjects: readonly Subject[]): Promise<void> {
    const unread = subjects.filter((subject) => Orphans.isOrphan(subject) && !this.#standIns.has(idOf(subject)))
    for (const metadata of new Set(unread.map((subject) => subject.metadata))) {
      const orphans = unread.filter((subject) => subject.metadata === metadata)
      const keys = orphans.map((subject) => subject.identifier!)
      const rows = new Map((await readRows(runner, metadata, keys)).map((row) => [keyText(metadata.getEntityIdMap(row)), row]))
      for (const subject of orphans) this.#put(subject, rows.get(keyText(subject.identifier)))
    }
  }

  /** The object that stands for the row: the member of the parent's collection, else the row as read, else one that knows only its key. */
  entityOf(subject: Subject): object {
    return this.#of(subject).entity
  }

  rowOf(subject: Subject): Image {
    return this.#of(subject).row
  }

  #of(subject: Subject): StandIn {
    return this.#standIns.get(idOf(subject)) ?? this.#put(subject, undefined)
  }

  #put(subject: Subject, read: object | undefined): StandIn {
    const map = entityMapOf(subject.metadata)
    const row = Object.freeze(read === undefined ? keyAndParentOf(subject) : imageOf(map, read))
    const entity = memberOf(subject) ?? read ?? Object.assign(subject.metadata.create() as object, subject.identifier)
    const initial = imageOf(map, entity)
    for (const { relation, value } of subject.changeMaps) if (relation !== undefined && value === null) empty(entity, relation)
    const targets = new Map(
      subject.metadata.relationsWithJoinColumns.map((relation) => [relation, relation.getEntityValue(entity) as unknown]),
    )
    const standIn = { entity, initial, row, targets }
    this.#standIns.set(idOf(subject), standIn)
    return standIn
  }

  /** Makes what hooks set on the stand-in part of what TypeORM will write. */
  carryOver(subject: Subject): void {
    const standIn = this.#standIns.get(idOf(subject))
    if (standIn === undefined || !(subject.canBeUpdated || subject.canBeSoftRemoved)) return
    for (const [relation, before] of standIn.targets) {
      const value: unknown = relation.getEntityValue(standIn.entity)
      if (value === undefined || value === before) continue
      subject.changeMaps = [...subject.changeMaps.filter((map) => map.relation !== relation), { relation, value: value as ObjectLiteral }]
      subject.canBeUpdated = true
    }
    for (const column of subject.metadata.columns) {
      if (column.isVirtual || column.isPrimary || column.isDiscriminator || column.relationMetadata !== undefined) continue
      const value: unknown = column.getEntityValue(standIn.entity)
      if (value === undefined || isDeepStrictEqual(value, standIn.initial[column.propertyPath])) continue
      subject.changeMaps = [...subject.changeMaps.filter((map) => map.column !== column), { column, value }]
      subject.canBeUpdated = true
    }
  }
}

/** TypeORM's own setter merges into an object that is there, so that nothing would be emptied. */
function empty(entity: object, relation: RelationMetadata): void {
  if (relation.embeddedMetadata !== undefined) relation.setEntityValue(entity, null)
  else (entity as Record<string, unknown>)[relation.isLazy ? `__${relation.propertyName}__` : relation.propertyName] = null
}

function idOf(subject: Subject): string {
  return `${subject.metadata.name} ${keyText(subject.identifier)}`
}

/** What is known of a row nobody read: its key, and the parent that is about to lose it. */
function keyAndParentOf(subject: Subject): Image {
  const parent = subject.parentSubject
  const lost = subject.changeMaps.find(
    ({ relation, value }) => value === null && relation?.inverseEntityMetadata === parent?.metadata,
  )?.relation
  if (lost === undefined || parent?.entity === undefined) return { ...subject.identifier }
  return { ...subject.identifier, [lost.propertyPath]: keyOf(parent.metadata, parent.entity) }
}

function memberOf(subject: Subject): object | undefined {
  const parent = subject.parentSubject
  if (parent?.entity === undefined) return undefined
  for (const relation of parent.metadata.oneToManyRelations) {
    if (relation.inverseEntityMetadata !== subject.metadata) continue
    const members: unknown = relation.getEntityValue(parent.entity)
    const found = Array.isArray(members)
      ? members.find((member: object) => sameKey(subject.metadata.getEntityIdMap(member), subject.identifier))
      : undefined
    if (found !== undefined) return found as object
  }
  return undefined
}
