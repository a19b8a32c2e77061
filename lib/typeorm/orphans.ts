/**
 * Gives rows that TypeORM writes without an object (children of a one-to-many it never loaded) an object for hooks and changes.
 *
 * Invariant: TypeORM's subject stays without entity; what a hook sets on the stand-in is carried over as an explicit column change.
 *
 * @module
 */
import { isDeepStrictEqual } from 'node:util'
import { imageOf, type Image } from '../session/entity-map.js'
import { entityMapOf } from './entity-maps.js'
import type { Subject } from './internals.js'
import { keyText, sameKey } from './subject-diff.js'

interface StandIn {
  readonly entity: object
  readonly initial: Image
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

  /** The object that stands for the row: the member of the parent's collection, else a new one that knows only its key. */
  entityOf(subject: Subject): object {
    const id = `${subject.metadata.name} ${keyText(subject.identifier)}`
    let standIn = this.#standIns.get(id)
    if (standIn === undefined) {
      const entity = memberOf(subject) ?? Object.assign(subject.metadata.create() as object, subject.identifier)
      standIn = { entity, initial: imageOf(entityMapOf(subject.metadata), entity) }
      this.#standIns.set(id, standIn)
    }
    return standIn.entity
  }

  /** Makes what hooks set on the stand-in part of what TypeORM will write. */
  carryOver(subject: Subject): void {
    const standIn = this.#standIns.get(`${subject.metadata.name} ${keyText(subject.identifier)}`)
    if (standIn === undefined || !subject.canBeUpdated) return
    for (const column of subject.metadata.columns) {
      if (column.isVirtual || column.isPrimary || column.isDiscriminator) continue
      const value: unknown = column.getEntityValue(standIn.entity)
      if (value === undefined || isDeepStrictEqual(value, standIn.initial[column.propertyPath])) continue
      subject.changeMaps = [...subject.changeMaps.filter((map) => map.column !== column), { column, value }]
    }
  }
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
