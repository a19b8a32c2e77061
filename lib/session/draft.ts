/**
 * What a plan is made of: entities that will be written, and junction rows that come or go.
 *
 * Knows why, not how: rows and their order are made of it (see `plan-rows.ts`). Invariant: a draft keeps its place among those of its plan.
 *
 * @module
 */
import type { ChangeKind } from '../mapper/change.js'
import type { PlanStep, RelationEdit } from '../mapper/unit-of-work.js'
import type { RelationMap } from './entity-map.js'
import type { Difference, Tracked } from './tracked.js'

export type Because = PlanStep['rows'][number]['because']

/** To-ones set from the other side, by index: the parent, or null where the parent has lost it. */
export type Parents = ReadonlyMap<number, object | null>

const NO_PARENTS: Parents = new Map()

/** One entity that will be written. */
export class Draft {
  readonly tracked: Tracked
  kind: ChangeKind
  because: Because = 'changed'
  /** Of an entity that is new or deleted its relations alone: its columns are written all or none. */
  readonly difference: Difference
  /** Its place among the drafts of its plan. */
  index = -1
  #parents: Map<number, object | null> | undefined = undefined

  constructor(tracked: Tracked, kind: ChangeKind, difference: Difference) {
    this.tracked = tracked
    this.kind = kind
    this.difference = difference
  }

  get parents(): Parents {
    return this.#parents ?? NO_PARENTS
  }

  setParent(toOne: number, parent: object | null): void {
    this.#parents ??= new Map()
    this.#parents.set(toOne, parent)
  }

  get label(): string {
    return this.tracked.label
  }

  /** It is no row of a junction. */
  get relation(): undefined {
    return undefined
  }
}

/** The drafts of one plan, in the order they were made, one for each entity. */
export class Drafts {
  readonly #all: Draft[] = []
  /** Made when an entity is first asked for: where no relation leads to another, none ever is. */
  #byEntity: Map<Tracked, Draft> | undefined

  get all(): readonly Draft[] {
    return this.#all
  }

  get(tracked: Tracked): Draft | undefined {
    this.#byEntity ??= new Map(this.#all.map((draft) => [draft.tracked, draft]))
    return this.#byEntity.get(tracked)
  }

  /** Of an entity that has none yet. */
  add(draft: Draft): void {
    draft.index = this.#all.push(draft) - 1
    this.#byEntity?.set(draft.tracked, draft)
  }
}

export interface EditLimits {
  /** Whether one entity alone is flushed: then its one-to-many members are left for later. */
  readonly isPartial: boolean
  /** Whether nothing leads to this member, since it is deleted or was taken out of the session. */
  isLeftOut(member: object): boolean
}

/** The collections of an entity that stays whose members change. */
export function editsOf(
  { tracked: { map, entity }, difference, kind }: Pick<Draft, 'tracked' | 'difference' | 'kind'>,
  { isPartial, isLeftOut }: EditLimits,
): readonly RelationEdit[] {
  if (kind === 'delete') return []
  return difference.members.flatMap((members) => {
    const { path, kind: relationKind, orphans } = map.collections[members.index]!
    if (relationKind === 'inverse-one' || (relationKind === 'one-to-many' && isPartial)) return []
    const added = members.added.filter((member) => !isLeftOut(member))
    const removed = relationKind === 'one-to-many' && orphans === 'disable' ? [] : [...members.removed]
    if (added.length === 0 && removed.length === 0) return []
    return [Object.freeze({ entity, target: map.target, relation: path, added, removed })]
  })
}

/** One row of a junction that comes or goes. */
export interface LinkDraft {
  readonly kind: 'link' | 'unlink'
  /** The many-to-many as its owning side sees it. */
  readonly relation: RelationMap
  readonly owner: object
  readonly inverse: object
  /** The entity whose collection was edited, and how the relation is called there. */
  readonly editor: Tracked
  readonly path: string
  readonly member: object
  /** What it is called in messages. */
  readonly label: string
}
