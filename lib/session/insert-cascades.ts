/**
 * Takes an object into a session together with what its relations cascade to.
 *
 * The same rule as the plan's: what is known, or only a key, stays a reference. Invariant: nothing that has a row is ever made new here, and
 * what comes back brings along what it held when it left, so that what was taken from it since is seen.
 *
 * @module
 */
import { trackedOf, type SessionWork } from './session-work.js'
import type { RelationMap } from './entity-map.js'
import { membersOf, type Tracked } from './tracked.js'

export function addWithCascades(work: SessionWork, entity: object): void {
  const waiting = [work.add(entity)]
  for (let tracked = waiting.pop(); tracked !== undefined; tracked = waiting.pop()) {
    for (const relation of [...tracked.map.toOnes, ...tracked.map.collections]) {
      if (!Object.values(relation.cascades).includes(true)) continue
      for (const target of targetsOf(tracked, relation)) {
        if (work.of(target) === undefined && isTakenIn(work, target, relation)) waiting.push(work.add(target, 'cascade'))
      }
    }
  }
}

/** What it holds now, and what it held when it was last read or written. */
function targetsOf({ map, entity, baseline }: Tracked, relation: RelationMap): readonly object[] {
  const before =
    baseline === undefined
      ? []
      : [baseline.refs[map.toOnes.indexOf(relation)], ...(baseline.members[map.collections.indexOf(relation)] ?? [])]
  const all: unknown[] = [...(membersOf(relation, entity) ?? []), ...before]
  return all.filter((target): target is object => typeof target === 'object' && target !== null && target.constructor !== Object)
}

function isTakenIn(work: SessionWork, target: object, relation: RelationMap): boolean {
  if (work.isDropped(target)) return false
  const known = trackedOf(target)
  if (known !== undefined) return known.owner === undefined && known.baseline !== undefined && !work.hasOther(known)
  return relation.cascades.insert && !work.isReference(target, relation)
}

/** What is to be deleted, soft-removed or recovered comes back first, if it was detached. */
export function bringBack(work: SessionWork, entity: object): void {
  if (work.of(entity) === undefined && trackedOf(entity)?.baseline !== undefined) addWithCascades(work, entity)
}
