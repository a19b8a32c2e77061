/**
 * The other side of a many-to-many whose junction rows a flush has written.
 *
 * Where it is loaded it follows, in memory and as baseline, so that both sides tell the same and neither is written twice. Invariant: what
 * was not loaded stays so, and what somebody has edited meanwhile stays edited.
 *
 * @module
 */
import type { RelationMap } from './entity-map.js'
import { baselineOf, type Tracked } from './tracked.js'

/** @returns Takes it back. */
export function followOnOtherSide(
  member: Tracked,
  relation: RelationMap,
  change: { editor: object; isLinked: boolean },
): (() => void) | undefined {
  const { map, entity, baseline } = member
  const index = map.collections.indexOf(relation)
  const known = baseline?.members[index]
  if (baseline === undefined || known === undefined || known.includes(change.editor) === change.isLinked) return undefined
  const now = relation.get(entity)
  const members = Array.isArray(now) ? (now as object[]) : undefined
  member.baseline = baselineOf({ ...baseline, members: baseline.members.with(index, moved(known, change)) }, baseline.keys)
  const isMoved = members !== undefined && members.includes(change.editor) !== change.isLinked
  if (isMoved) members.splice(0, members.length, ...moved(members, change))
  return () => {
    member.baseline = baseline
    if (isMoved) members.splice(0, members.length, ...moved(members, { ...change, isLinked: !change.isLinked }))
  }
}

function moved(members: readonly object[], { editor, isLinked }: { editor: object; isLinked: boolean }): readonly object[] {
  return isLinked ? [...members, editor] : members.filter((member) => member !== editor)
}
