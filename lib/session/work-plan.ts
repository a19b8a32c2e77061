/**
 * Which rows the next flush writes, and why: what was added, marked and changed, with what cascades, memberships and orphan rules make of it.
 *
 * Reads the entities and changes none; orders nothing (see `plan-order.ts`). Invariant: one draft per entity, and every draft has one kind.
 *
 * @module
 */
import { SessionError } from '../core/errors.js'
import type { ChangeKind } from '../mapper/change.js'
import type { RelationEdit } from '../mapper/unit-of-work.js'
import { Draft, Drafts, editsOf, type Because, type LinkDraft } from './draft.js'
import { isCascading, isSameKey, keyText, type EntityMap, type Image, type RelationMap } from './entity-map.js'
import { trackedOf, type SessionWork } from './session-work.js'
import { differenceOf, isOtherTarget, isUnchanged, membersOf, relationDifferenceOf, Tracked, type Difference } from './tracked.js'

export interface PlanOptions {
  /** Takes a new object in that a cascade reached; where nobody does, it is known to this plan alone. */
  readonly attach?: (entity: object) => Tracked
  /** Writes this entity alone, with what its row needs. */
  readonly focus?: Tracked | undefined
}

export class WorkPlan {
  readonly drafts = new Drafts()
  readonly links: LinkDraft[] = []
  readonly #editors = new Set<Tracked>()
  readonly #work: SessionWork
  readonly #options: PlanOptions
  /** Of what is drafted: those whose collections have other members. */
  readonly #edited: Draft[] = []
  /** New ones that are not to be written. */
  readonly #skipped = new Set<Tracked>()
  /** New ones whose relations are still to be followed: a list, since chains may be longer than the stack. */
  readonly #unexplored: Draft[] = []
  readonly #linked = new Map<string, LinkDraft>()
  readonly #ids = new Map<object, string>()
  readonly #reached = new Map<object, Tracked>()
  /** What differs in the changed entity drafted last: most are changed alike. */
  #alike: Difference | undefined

  constructor(work: SessionWork, options: PlanOptions) {
    this.#work = work
    this.#options = options
    this.#takeLeaving()
    this.#takeChanged()
    this.#takeMembers()
    this.#unlinkDeleted()
  }

  of(entity: object): Tracked | undefined {
    return this.#work.of(entity) ?? this.#reached.get(entity)
  }

  draftOf(entity: object): Draft | undefined {
    const tracked = this.of(entity)
    return tracked && this.drafts.get(tracked)
  }

  /** Whether anything is sent for it, in its own row or in junction rows. */
  isWritten({ tracked, kind, difference, parents }: Draft): boolean {
    if (kind !== 'update' || difference.columns.length > 0 || difference.toOnes.length > 0 || parents.size > 0) return true
    return this.#editors.has(tracked)
  }

  isDeleted(entity: object): boolean {
    return this.draftOf(entity)?.kind === 'delete'
  }

  /** The collections whose members change, of entities that stay. */
  get relationEdits(): readonly RelationEdit[] {
    const isLeftOut = (member: object) => this.isDeleted(member) || this.#work.isDropped(member)
    return this.#edited.flatMap((draft) => editsOf(draft, { isLeftOut, isPartial: this.#options.focus !== undefined }))
  }

  /** Whether nothing is waiting. */
  get isEmpty(): boolean {
    const { added, marks } = this.#work
    const { focus } = this.#options
    const isAsked = focus === undefined ? added.size > 0 || marks.size > 0 : added.has(focus) || marks.has(focus)
    return !isAsked && this.drafts.all.length === 0
  }

  /** Whether it stands as it is: it gives the session nothing, takes nothing out, and waits for no promise. */
  get isClosed(): boolean {
    return this.#reached.size === 0 && this.unreached.length === 0 && !this.#work.hasLazyRelations
  }

  /** Whether what it writes may lead to other rows. */
  get hasRelations(): boolean {
    return this.#work.hasRelations
  }

  /** New entities that a cascade once took in and that no relation leads to any more. */
  get unreached(): readonly Tracked[] {
    if (!this.hasRelations) return []
    return [...this.#work.added].filter(
      (tracked) => tracked.because === 'cascade' && this.drafts.get(tracked) === undefined && !this.#work.marks.has(tracked),
    )
  }

  #isInFocus(tracked: Tracked): boolean {
    return this.#options.focus === undefined || this.#options.focus === tracked
  }

  // ---- who leaves

  #takeLeaving(): void {
    const isAlone = !this.hasRelations
    this.#work.marks.forEach((mark, tracked) => {
      if (!this.#isInFocus(tracked)) return
      if (isAlone && tracked.status === 'managed') this.#make(tracked, mark, 'changed')
      else this.#leave(tracked, mark, 'changed')
    })
  }

  #leave(tracked: Tracked, kind: 'delete' | 'softRemove' | 'recover', because: Because): void {
    const known = this.drafts.get(tracked)
    if (known !== undefined && (known.kind === kind || known.kind === 'delete')) return
    if (tracked.status === 'deleted') return
    if (tracked.status === 'new') return void this.#skipped.add(tracked)
    this.#draft(tracked, kind, because)
    const cascade = kind === 'delete' ? 'remove' : kind
    for (const relation of [...tracked.map.toOnes, ...tracked.map.collections]) {
      if (!isCascading(relation, cascade)) continue
      for (const target of this.#loadedTargets(tracked, relation)) this.#leave(target, kind, 'cascade')
    }
  }

  *#loadedTargets(tracked: Tracked, relation: RelationMap): Iterable<Tracked> {
    const { map, baseline, entity } = tracked
    const index = map.collections.indexOf(relation)
    const before = index < 0 ? [baseline?.refs[map.toOnes.indexOf(relation)]] : (baseline?.members[index] ?? [])
    for (const target of membersOf(relation, entity) ?? before) {
      const known = typeof target === 'object' && target !== null ? this.of(target) : undefined
      if (known !== undefined && !this.#hasMovedAway(known, relation, tracked)) yield known
    }
  }

  /** A child that was given another parent is not its old parent's any more, whatever that one's collection says. */
  #hasMovedAway(child: Tracked, relation: RelationMap, parent: Tracked): boolean {
    if (relation.kind !== 'one-to-many' && relation.kind !== 'inverse-one') return false
    const toOne = child.map.toOnes[this.#toOneOf(child, relation)]
    const present = toOne?.get(child.entity)
    return toOne !== undefined && present !== parent.entity && isOtherTarget(toOne, present, toOne.keyOf(parent.entity))
  }

  #draft(tracked: Tracked, kind: ChangeKind, because: Because): Draft {
    const known = this.drafts.get(tracked)
    if (known === undefined) return this.#make(tracked, kind, because)
    if (known.kind === 'update') known.kind = kind
    return known
  }

  /** For an entity that has none. */
  #make(tracked: Tracked, kind: ChangeKind, because: Because): Draft {
    const isWhole = kind === 'insert' || kind === 'delete'
    const draft = new Draft(tracked, kind, isWhole ? relationDifferenceOf(tracked) : differenceOf(tracked, this.#alike))
    draft.because = because
    return this.#put(draft)
  }

  #put(draft: Draft): Draft {
    this.drafts.add(draft)
    if (draft.difference.members.length > 0) this.#edited.push(draft)
    return draft
  }

  // ---- who is new or changed

  #takeChanged(): void {
    this.#work.added.forEach((tracked) => {
      if (this.#isInFocus(tracked) && tracked.because !== 'cascade' && !this.#skipped.has(tracked)) this.#makeNew(tracked)
    })
    const isAnyLeaving = this.#work.marks.size > 0
    this.#work.all.forEach((tracked) => {
      if (tracked.status !== 'managed' || !this.#isInFocus(tracked)) return
      if (isAnyLeaving && this.#work.marks.get(tracked) === 'delete') return
      if (!isUnchanged(tracked)) this.#takeUpdated(tracked, isAnyLeaving ? this.drafts.get(tracked) : undefined)
    })
    for (let next = this.#unexplored.pop(); next !== undefined; next = this.#unexplored.pop()) this.#explore(next.tracked, next.difference)
  }

  /** @param known Its draft, where it has one because it leaves. */
  #takeUpdated(tracked: Tracked, known: Draft | undefined): void {
    if (known?.kind === 'delete') return
    const { difference } = known ?? this.#make(tracked, 'update', tracked.because)
    this.#alike = difference
    if (hasRelations(difference)) this.#explore(tracked, difference)
  }

  #takeNew(tracked: Tracked): void {
    if (this.drafts.get(tracked) === undefined && !this.#skipped.has(tracked)) this.#makeNew(tracked)
  }

  #makeNew(tracked: Tracked): void {
    const draft = this.#make(tracked, 'insert', tracked.because)
    if (hasRelations(draft.difference)) this.#unexplored.push(draft)
  }

  /** Follows relations to what they lead to now and did not before. */
  #explore({ map, entity }: Tracked, difference: Difference): void {
    for (const index of difference.toOnes) {
      const target = map.toOnes[index]!.get(entity)
      if (typeof target === 'object' && target !== null) this.#reach(target, map.toOnes[index]!)
    }
    for (const { index, added } of difference.members) {
      const relation = map.collections[index]!
      if (this.#options.focus !== undefined && relation.kind !== 'many-to-many') continue
      for (const member of added) this.#reach(member, relation)
    }
  }

  /** What is new there is taken in where the relation cascades inserts; what has a key is a mere reference. */
  #reach(target: object, relation: RelationMap): void {
    const map = this.#mapOfTarget(target, relation)
    assertTarget(map, relation)
    const known = this.of(target)
    if (this.#work.isDropped(target)) return
    if (known !== undefined) {
      if (known.status === 'new') this.#takeNew(known)
      return
    }
    const before = trackedOf(target)
    if (before?.owner !== undefined)
      throw new SessionError('ENTITY_IN_OTHER_SESSION', { entity: before.label, owner: String(before.owner), wanted: 'another session' })
    if (before?.baseline !== undefined) return
    const key = map.keyOf(target)
    if (key !== undefined && (target.constructor === Object || this.#work.isReference(target, relation))) return
    if (!relation.cascades.insert || target.constructor === Object)
      throw new SessionError('RELATION_TARGET_UNSAVED', { relation: `${relation.owner.name}.${relation.path}`, target: map.name })
    this.#takeNew(this.#attach(target, map))
  }

  #attach(target: object, map: EntityMap): Tracked {
    const { attach } = this.#options
    if (attach !== undefined) return attach(target)
    const tracked = new Tracked(target, map, 'new')
    tracked.because = 'cascade'
    this.#reached.set(target, tracked)
    return tracked
  }

  #mapOfTarget(target: object, relation: RelationMap): EntityMap {
    return target.constructor === Object ? relation.target : this.#work.mapOf(target)
  }

  // ---- what memberships mean for the other rows

  #takeMembers(): void {
    const edited = [...this.#edited]
    for (const { tracked, difference, kind } of edited) {
      if (kind === 'delete') continue
      for (const { index, added } of difference.members) {
        const relation = tracked.map.collections[index]!
        if (relation.kind === 'many-to-many') for (const member of added) this.#link('link', tracked, { relation, member })
        else if (this.#options.focus === undefined) for (const member of added) this.#adopt(member, relation, tracked)
      }
    }
    for (const { tracked, difference, kind } of edited) {
      for (const { index, removed } of difference.members) {
        const relation = tracked.map.collections[index]!
        if (kind === 'delete' && relation.kind === 'many-to-many') continue
        if (relation.kind === 'many-to-many') for (const member of removed) this.#link('unlink', tracked, { relation, member })
        else if (this.#options.focus === undefined) for (const member of removed) this.#lose(member, relation, tracked)
      }
    }
  }

  /** A member of a one-to-many holds the key of its parent. */
  #adopt(member: object, relation: RelationMap, parent: Tracked): void {
    if (this.#work.isDropped(member)) return
    const child = this.of(member) ?? this.#known(member, relation.target)
    if (child === undefined)
      throw new SessionError('RELATION_TARGET_UNSAVED', {
        relation: `${relation.owner.name}.${relation.path}`,
        target: relation.target.name,
      })
    const draft = this.drafts.get(child)
    if (draft?.kind === 'delete') return
    const index = this.#toOneOf(child, relation)
    const toOne = child.map.toOnes[index]!
    const present = toOne.get(child.entity)
    const known = child.baseline?.keys[index]
    const isSetElsewhere = child.baseline !== undefined && present !== parent.entity && isOtherTarget(toOne, present, known)
    const isThereAlready = child.baseline !== undefined && present !== null && !isOtherTarget(toOne, parent.entity, known)
    if (!isSetElsewhere && !isThereAlready) (draft ?? this.#draft(child, 'update', 'cascade')).setParent(index, parent.entity)
  }

  /** A member that stands for a row of the session, or was detached and comes back. */
  #known(member: object, map: EntityMap): Tracked | undefined {
    const key = map.keyOf(member)
    const known = key === undefined ? undefined : this.#work.find(map, key)
    const detached = trackedOf(member)
    if (known !== undefined || detached?.baseline === undefined) return known
    return this.#options.attach === undefined ? detached : this.#options.attach(member)
  }

  #lose(member: object, relation: RelationMap, parent: Tracked): void {
    const child = this.of(member)
    if (child === undefined || child.status !== 'managed') return
    const index = this.#toOneOf(child, relation)
    const draft = this.drafts.get(child)
    if (draft?.kind === 'delete' || draft?.parents.has(index)) return
    const inverse = child.map.toOnes[index]!
    const present = inverse.get(child.entity)
    if (present !== parent.entity && this.#isOthers(child, index, parent)) return
    if (relation.orphans === 'delete') this.#leave(child, 'delete', 'orphan')
    else if (relation.orphans === 'soft-delete') this.#leaveSoftly(child)
    else if (relation.orphans === 'nullify') (draft ?? this.#draft(child, 'update', 'orphan')).setParent(index, null)
  }

  #leaveSoftly(orphan: Tracked): void {
    if (orphan.map.deleteDate === undefined)
      throw new SessionError('SOFT_REMOVE_UNSUPPORTED', { entity: orphan.map.name, method: 'softRemove' })
    this.#leave(orphan, 'softRemove', 'orphan')
  }

  /** Whether a child that a collection has lost is another parent's by now, or nobody's. */
  #isOthers(child: Tracked, index: number, parent: Tracked): boolean {
    const toOne = child.map.toOnes[index]!
    const key = toOne.keyOf(parent.entity)
    const present = toOne.get(child.entity)
    if (present !== undefined) return isOtherTarget(toOne, present, key)
    const known = child.baseline!.keys[index]
    return known !== undefined && !isSameKey(known, key)
  }

  #toOneOf(child: Tracked, relation: RelationMap): number {
    return child.map.toOnes.findIndex(({ path }) => path === relation.inverse?.path)
  }

  // ---- junction rows

  #link(kind: LinkDraft['kind'], editor: Tracked, { relation, member }: { relation: RelationMap; member: object }): void {
    if (kind === 'link' && (this.isDeleted(member) || this.#work.isDropped(member))) return
    const isOwning = relation.junction!.isOwning
    const owner = isOwning ? editor.entity : member
    const inverse = isOwning ? member : editor.entity
    const owning = isOwning ? relation : relation.inverse!
    const pair = `${owning.junction!.table} ${this.#idOf(owner, owning.owner)} ${this.#idOf(inverse, owning.target)}`
    const known = this.#linked.get(pair)
    if (known === undefined) {
      const { path } = relation
      const link: LinkDraft = {
        ...{ kind, relation: owning, owner, inverse, editor, path, member },
        get label() {
          return `${editor.label}.${path}`
        },
      }
      this.#linked.set(pair, link)
      this.links.push(link)
      this.#editors.add(editor)
    } else if (known.kind !== kind) this.links.splice(this.links.indexOf(known), 1)
  }

  #idOf(entity: object, map: EntityMap): string {
    const key: Image | undefined = map.keyOf(entity)
    if (key !== undefined) return keyText(key)
    let id = this.#ids.get(entity)
    if (id === undefined) this.#ids.set(entity, (id = `new ${this.#ids.size}`))
    return id
  }

  #unlinkDeleted(): void {
    if (!this.hasRelations) return
    for (const { tracked, kind } of this.drafts.all) {
      if (kind !== 'delete' || tracked.map.collections.length === 0) continue
      tracked.map.collections.forEach((relation, index) => {
        if (relation.kind !== 'many-to-many') return
        for (const member of tracked.baseline?.members[index] ?? []) this.#link('unlink', tracked, { relation, member })
      })
    }
  }
}

function hasRelations({ toOnes, members }: Difference): boolean {
  return toOnes.length > 0 || members.length > 0
}

/** A key of another class would be written as if it were one of the right class. */
function assertTarget(map: EntityMap, relation: RelationMap): void {
  if (map === relation.target || map.isA(relation.target.target)) return
  throw new SessionError('RELATION_TARGET_WRONG', {
    relation: `${relation.owner.name}.${relation.path}`,
    given: map.name,
    wanted: relation.target.name,
  })
}
