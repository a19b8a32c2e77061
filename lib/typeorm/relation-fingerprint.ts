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
