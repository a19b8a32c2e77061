/**
 * What a query read of a row that the session has an object for already.
 *
 * Invariant: filling in never replaces a value the object holds; overwriting replaces all that was read.
 *
 * @module
 */
import type { Image, RelationMap } from './entity-map.js'
import type { LoadedRow } from './persistence.js'
import { baselineOf, eachOf, membersOf, pictureOf, type Baseline, type OpenBaseline, type Tracked } from './tracked.js'

type Keys = LoadedRow['foreignKeys']

function copyOf(baseline: Baseline): OpenBaseline {
  return { values: [...baseline.values], refs: [...baseline.refs], keys: [...baseline.keys], members: [...baseline.members] }
}

/** Takes over what was never read before. */
export function fillFrom(tracked: Tracked, fresh: object, keys: Keys): void {
  const { map, entity } = tracked
  const baseline = copyOf(tracked.baseline!)
  map.columns.forEach((column, index) => {
    if (baseline.values[index] !== undefined) return
    const value = column.get(fresh)
    if (value === undefined) return
    baseline.values[index] = column.snapshotOf(value)
    if (column.get(entity) === undefined) column.set(entity, value)
  })
  map.toOnes.forEach((relation, index) => {
    if (baseline.keys[index] === undefined) baseline.keys[index] = keys[index]
    const target = relation.get(fresh)
    if (target === undefined || baseline.refs[index] !== undefined) return
    if (keys[index] !== undefined) baseline.keys[index] = keys[index]
    else if (baseline.keys[index] === undefined) baseline.keys[index] = target === null ? null : relation.keyOf(target)
    baseline.refs[index] = target
    if (relation.get(entity) === undefined) relation.set(entity, target)
  })
  map.collections.forEach((relation, index) => {
    if (baseline.members[index] !== undefined) return
    const members = membersOf(relation, fresh)
    if (members === undefined) return
    baseline.members[index] = [...members]
    if (relation.get(entity) === undefined) putMembers(relation, entity, members)
  })
  tracked.baseline = baseline
}

/** Replaces everything that was read, relations included where both sides know them. */
export function overwriteFrom(tracked: Tracked, fresh: object, keys: Keys): void {
  const { map, entity } = tracked
  const baseline = copyOf(tracked.baseline!)
  map.columns.forEach((column, index) => {
    const value = column.get(fresh)
    if (value === undefined) return
    baseline.values[index] = column.snapshotOf(value)
    column.set(entity, value)
  })
  map.toOnes.forEach((relation, index) => {
    if (keys[index] !== undefined) baseline.keys[index] = keys[index]
    const target = relation.get(fresh)
    if (target === undefined && relation.get(entity) === baseline.refs[index]) return
    baseline.refs[index] = target
    relation.set(entity, target)
  })
  map.collections.forEach((relation, index) => {
    const members = membersOf(relation, fresh)
    if (members === undefined) return
    baseline.members[index] = [...members]
    putMembers(relation, entity, members)
  })
  tracked.baseline = baseline
}

function putMembers(relation: RelationMap, entity: object, members: readonly object[]): void {
  if (relation.kind === 'inverse-one') relation.set(entity, members[0] ?? null)
  else relation.set(entity, [...members])
}

/** What is known of a row that an entity was just made from, or that its present values are taken for. */
export function firstBaseline({ map, entity }: Tracked, keys: Keys): Baseline {
  const known = eachOf(map.toOnes, (relation, index) => keys[index] ?? keyOfTarget(keys[index], relation.get(entity), relation))
  return baselineOf(pictureOf(map, entity), known)
}

function keyOfTarget(known: Image | null | undefined, target: unknown, relation: RelationMap): Image | null | undefined {
  if (known === null || target === null) return null
  return target === undefined ? undefined : relation.keyOf(target)
}
