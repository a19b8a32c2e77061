/**
 * Notices whether relations of entities were edited, cheaply.
 *
 * Invariant: compares objects by identity only and never triggers a lazy relation.
 *
 * @module
 */
import type { Subject } from './internals.js'

export type Fingerprint = readonly unknown[]

/** What the relations of an entity hold now: references, and copies of collections. */
export function fingerprintOf(subject: Subject): Fingerprint {
  if (subject.entity === undefined) return []
  const entity = subject.entity
  return subject.metadata.relations.map((relation) => {
    const value: unknown = relation.getEntityValue(entity)
    return Array.isArray(value) ? [...(value as unknown[])] : value
  })
}

export function sameFingerprint(a: Fingerprint, b: Fingerprint): boolean {
  return a.length === b.length && a.every((value, index) => sameValue(value, b[index]))
}

function sameValue(a: unknown, b: unknown): boolean {
  if (!Array.isArray(a) || !Array.isArray(b)) return Object.is(a, b)
  return a.length === b.length && a.every((member, index) => Object.is(member, b[index]))
}

/** The objects a fingerprint refers to. */
export function membersOf(fingerprint: Fingerprint): ReadonlySet<unknown> {
  return new Set(fingerprint.flat())
}

export interface UnsavedTarget {
  readonly relation: string
  readonly target: string
}

/**
 * A new object that a relation leads to now and did not before, and that nothing in the plan will save: TypeORM would drop it silently.
 */
export function unsavedTargetOf(subject: Subject, before: Fingerprint, plan: ReadonlySet<object>): UnsavedTarget | undefined {
  const known = membersOf(before)
  for (const relation of subject.metadata.relations) {
    const value: unknown = relation.getEntityValue(subject.entity!)
    const members = (Array.isArray(value) ? value : [value]) as unknown[]
    const isUnsaved = (member: unknown) =>
      typeof member === 'object' &&
      member !== null &&
      !known.has(member) &&
      !plan.has(member) &&
      relation.inverseEntityMetadata.getEntityIdMap(member) === undefined
    if (relation.persistenceEnabled && members.some(isUnsaved)) {
      return { relation: `${subject.metadata.name}.${relation.propertyPath}`, target: relation.inverseEntityMetadata.name }
    }
  }
  return undefined
}
