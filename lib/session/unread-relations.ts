/**
 * What a flush has to read before it can be planned: memberships that are replaced or deleted without having been loaded.
 *
 * Sends nothing itself. Invariant: it asks for each relation of each entity once, and for nothing that a plan could do without.
 *
 * @module
 */
import { isCascading, type EntityMap, type Image, type RelationMap } from './entity-map.js'
import type { Query } from './persistence.js'
import type { SessionWork } from './session-work.js'
import { hasUnreadMembers, type Tracked } from './tracked.js'
import type { Draft } from './draft.js'
import { WorkPlan } from './work-plan.js'

const CASCADES: Readonly<Partial<Record<string, 'remove' | 'softRemove' | 'recover'>>> = {
  delete: 'remove',
  softRemove: 'softRemove',
  recover: 'recover',
}

/**
 * One query per class and set of relations; empty when a plan can be made.
 *
 * @param plan The one that was made of what is known so far, if there is one.
 */
export function unreadQueries(work: SessionWork, focus: Tracked | undefined, plan?: WorkPlan): readonly Query[] {
  if (!work.hasRelations) return []
  const wanted = new Map<string, { readonly map: EntityMap; readonly relations: readonly string[]; readonly keys: Image[] }>()
  const want = ({ map, key }: Tracked, relations: readonly RelationMap[]) => {
    if (relations.length === 0 || key === undefined) return
    const paths = relations.map(({ path }) => path)
    const name = `${map.name} ${paths.join()}`
    if (!wanted.has(name)) wanted.set(name, { map, relations: paths, keys: [] })
    wanted.get(name)!.keys.push(key)
  }
  if ([...work.maps].some(({ collections }) => collections.length > 0)) {
    for (const tracked of focus === undefined ? work.all.values() : [focus]) if (hasUnreadMembers(tracked)) want(tracked, replaced(tracked))
  }
  for (const [tracked, relations] of leaving(work, focus, plan)) want(tracked, relations)
  return [...wanted.values()].map((query) => ({ ...query, withDeleted: true }))
}

/** Collections that were assigned although nobody has read what they replace. */
function replaced({ map, entity, baseline, status }: Tracked): readonly RelationMap[] {
  if (baseline === undefined || status !== 'managed') return []
  return map.collections.filter((relation, index) => baseline.members[index] === undefined && relation.get(entity) !== undefined)
}

/** Of rows that go: links that only the junction knows, and what a removal cascades to. */
function* leaving(
  work: SessionWork,
  focus: Tracked | undefined,
  plan: WorkPlan | undefined,
): Iterable<readonly [Tracked, readonly RelationMap[]]> {
  if (work.marks.size === 0 && ![...work.maps].some(({ collections }) => collections.some(losesRows))) return
  for (const { tracked, kind } of plan?.drafts.all ?? draftsOf(work, focus)) {
    const cascade = CASCADES[kind]
    const { map, baseline } = tracked
    if (cascade === undefined || baseline === undefined) continue
    const isWanted = (relation: RelationMap) => isCascading(relation, cascade) || (kind === 'delete' && relation.kind === 'many-to-many')
    const toOnes = map.toOnes.filter(
      (relation, index) => isWanted(relation) && baseline.refs[index] === undefined && baseline.keys[index] != null,
    )
    const collections = map.collections.filter((relation, index) => isWanted(relation) && baseline.members[index] === undefined)
    yield [tracked, [...toOnes, ...collections]]
  }
}

function losesRows({ orphans }: RelationMap): boolean {
  return orphans === 'delete' || orphans === 'soft-delete'
}

/** A plan that cannot be made says so when it is made for the flush. */
function draftsOf(work: SessionWork, focus: Tracked | undefined): readonly Draft[] {
  try {
    return new WorkPlan(work, { focus }).drafts.all
  } catch {
    return []
  }
}
