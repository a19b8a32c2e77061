/**
 * The entities of one session: who is in it, in which state, and what is to become of it.
 *
 * Sends nothing and plans nothing. Invariant: an entity belongs to one open session at most; a marked one is never new; what
 * {@link assertLegal} refuses changes nothing.
 *
 * @module
 */
import { SessionError } from '../core/errors.js'
import { describeValue } from '../core/describe-value.js'
import type { EntityStatus } from '../mapper/session.js'
import { keyLabel, type EntityMap, type Image, type RelationMap } from './entity-map.js'
import { IdentityMap } from './identity-map.js'
import { assertLegal, type EntityCondition, type GuardedMethod } from './state-rules.js'
import { SessionLoading } from './session-loading.js'
import { isUnchanged, restore, Tracked, type Owner } from './tracked.js'
import { firstBaseline } from './loaded-values.js'

export type Mark = 'delete' | 'softRemove' | 'recover'

/** What is known of an entity outlives its session, so that it can be taken into another one. */
const everTracked = new WeakMap<object, Tracked>()

export function trackedOf(entity: object): Tracked | undefined {
  return everTracked.get(entity)
}

/** What waited at one moment, to come back to. */
export interface Pending {
  readonly added: readonly Tracked[]
  readonly marks: ReadonlyMap<Tracked, Mark>
}

export interface WorkHost {
  readonly owner: Owner
  mapOf(entity: object): EntityMap | undefined
  /** Work is about to be given to it or taken away, or what it knows of a row to change. */
  changing(): void
  attached(entity: object): void
  detached(entity: object): void
}

export class SessionWork {
  readonly loading: SessionLoading = new SessionLoading(this)
  readonly #host: WorkHost
  readonly #tracked = new Map<object, Tracked>()
  readonly #identities = new IdentityMap()
  readonly #maps = new Set<EntityMap>()
  readonly #dropped = new WeakSet<object>()
  readonly #deleted = new Set<Tracked>()
  #new = new Set<Tracked>()
  #isInOrder = true
  #added = 0
  readonly #marks = new Map<Tracked, Mark>()

  constructor(host: WorkHost) {
    this.#host = host
  }

  // ---- asking

  /** Every entity that has a row, as far as this session knows. */
  *managed(): Iterable<Tracked> {
    for (const tracked of this.#tracked.values()) if (tracked.status === 'managed') yield tracked
  }

  get all(): ReadonlyMap<object, Tracked> {
    return this.#tracked
  }

  /** In the order of add, also those that have come back. */
  get added(): ReadonlySet<Tracked> {
    if (!this.#isInOrder) this.#new = new Set([...this.#new].sort((a, b) => a.order - b.order))
    this.#isInOrder = true
    return this.#new
  }

  get marks(): ReadonlyMap<Tracked, Mark> {
    return this.#marks
  }

  /** Of all classes that have ever been in it. */
  get maps(): ReadonlySet<EntityMap> {
    return this.#maps
  }

  /** Whether entities of any of these classes may lead to others. */
  get hasRelations(): boolean {
    for (const { toOnes, collections } of this.#maps) if (toOnes.length > 0 || collections.length > 0) return true
    return false
  }

  /** Whether what entities hold may change without anybody's doing: a promise that was assigned shows its value later. */
  get hasLazyRelations(): boolean {
    for (const { toOnes, collections } of this.#maps) if (toOnes.some(isLazy) || collections.some(isLazy)) return true
    return false
  }

  /** Deleted before it had a row: no cascade takes it in again. */
  isDropped(entity: object): boolean {
    return this.#dropped.has(entity)
  }

  /** Those whose DELETE was sent in the open transaction. */
  get deleted(): ReadonlySet<Tracked> {
    return this.#deleted
  }

  get size(): number {
    return this.#tracked.size
  }

  of(entity: object): Tracked | undefined {
    return this.#tracked.get(entity)
  }

  find(map: EntityMap, key: Image): Tracked | undefined {
    return this.#identities.find(map, key)
  }

  mapOf(entity: object): EntityMap {
    const map = typeof entity === 'object' && entity !== null ? this.#host.mapOf(entity) : undefined
    if (map === undefined) throw new SessionError('ENTITY_NOT_MAPPED', { given: describeValue(entity) })
    return map
  }

  conditionOf(entity: object): EntityCondition {
    const tracked = this.#tracked.get(entity)
    if (tracked === undefined) return everTracked.get(entity)?.baseline === undefined ? 'transient' : 'detached'
    if (tracked.status !== 'managed') return tracked.status
    if (this.#marks.has(tracked)) return 'leaving'
    return isUnchanged(tracked) ? 'clean' : 'dirty'
  }

  statusOf(entity: object): EntityStatus {
    const condition = this.conditionOf(entity)
    if (condition === 'transient' || condition === 'detached') return 'detached'
    if (condition !== 'leaving') return condition
    return this.#marks.get(this.#tracked.get(entity)!) === 'delete' ? 'deleted' : 'dirty'
  }

  /** Whether an object outside of the session only stands for a row that is there already. */
  isReference(entity: object, relation: RelationMap): boolean {
    const map = this.mapOf(entity)
    const key = map.keyOf(entity)
    if (key === undefined) return false
    return this.find(map, key) !== undefined || !relation.cascades.insert || map.keyColumns.some((column) => column.isFilledIn)
  }

  /** Whether another object stands for its row here. */
  hasOther({ map, key }: Tracked): boolean {
    return key !== undefined && this.find(map, key) !== undefined
  }

  // ---- taking in and out

  /** Comes before every change of what is waiting, or known of a row; not before those users make on their entities. */
  changing(): void {
    this.#host.changing()
  }

  add(entity: object, because: Tracked['because'] = 'changed'): Tracked {
    const map = this.mapOf(entity)
    this.#guard('add', entity, map)
    this.changing()
    this.#dropped.delete(entity)
    const present = this.#tracked.get(entity)
    if (present !== undefined) {
      this.#marks.delete(present)
      if (because === 'changed') present.because = because
      return present
    }
    const tracked = this.#adopt(entity, map)
    tracked.because = because
    if (tracked.status === 'new') {
      tracked.order = ++this.#added
      this.#new.add(tracked)
    }
    this.#host.attached(entity)
    return tracked
  }

  /** Takes in an object that is in no open session: as it was known before, else as a new one. */
  #adopt(entity: object, map: EntityMap): Tracked {
    const before = everTracked.get(entity)
    const tracked = before?.baseline === undefined ? new Tracked(entity, map, 'new') : before
    if (tracked.status === 'new') tracked.key = map.keyOf(entity)
    this.enroll(tracked)
    return tracked
  }

  /** Puts an entity that is in no other session into this one. */
  enroll(tracked: Tracked): void {
    const { key } = tracked
    if (key !== undefined) {
      const holder = this.#identities.find(tracked.map, key)
      if (holder !== undefined && this.#givesUpKey(holder)) this.#identities.replace(tracked, key)
      else this.#identities.put(tracked, key)
    }
    tracked.owner = this.#host.owner
    this.#maps.add(tracked.map)
    this.#tracked.set(tracked.entity, tracked)
    everTracked.set(tracked.entity, tracked)
  }

  #givesUpKey(holder: Tracked): boolean {
    return holder.status === 'deleted' || this.#marks.get(holder) === 'delete'
  }

  /** @returns Takes the mark off again. */
  mark(mark: Mark, entity: object): () => void {
    const map = this.mapOf(entity)
    if (mark !== 'delete' && map.deleteDate === undefined)
      throw new SessionError('SOFT_REMOVE_UNSUPPORTED', { entity: map.name, method: mark })
    this.#guard(mark, entity, map)
    this.changing()
    const tracked = this.#tracked.get(entity) ?? this.#attachKnown(entity, map)
    if (tracked.status === 'new' && !tracked.isInFlight) {
      this.expunge(entity)
      this.#dropped.add(entity)
      return () => void this.add(entity)
    }
    const before = this.#marks.get(tracked)
    this.#marks.delete(tracked)
    if (tracked.status !== 'deleted') this.#marks.set(tracked, mark)
    return () => (before === undefined ? void this.#marks.delete(tracked) : this.remark(tracked, before))
  }

  /** What was deleted while its INSERT was on the way, which then failed, is not to be inserted any more. */
  dropMarkedNew(): void {
    for (const [tracked, mark] of this.#marks) {
      if (tracked.status !== 'new' || tracked.isInFlight) continue
      if (mark === 'delete') this.expunge(tracked.entity)
      else this.#marks.delete(tracked)
    }
  }

  /** Takes out again what was added and has no row. */
  unadd(entity: object): void {
    const tracked = this.#tracked.get(entity)
    if (tracked?.status === 'new') this.forget(tracked)
  }

  /** An object nobody has loaded, but with a key: its present values are taken for those of its row. */
  #attachKnown(entity: object, map: EntityMap): Tracked {
    const before = everTracked.get(entity)
    if (before?.baseline === undefined) {
      const tracked = new Tracked(entity, map, 'managed')
      tracked.key = map.keyOf(entity)
      tracked.baseline = firstBaseline(tracked, [])
      this.enroll(tracked)
    } else this.enroll(before)
    this.#host.attached(entity)
    return this.#tracked.get(entity)!
  }

  expunge(entity: object): void {
    this.#guard('expunge', entity, this.mapOf(entity))
    const tracked = this.#tracked.get(entity)
    if (tracked === undefined) return
    this.changing()
    this.forget(tracked)
    this.#host.detached(entity)
  }

  /** Takes an entity out without a word. */
  forget(tracked: Tracked): void {
    this.#tracked.delete(tracked.entity)
    if (tracked.status !== 'deleted') this.#identities.remove(tracked)
    this.#new.delete(tracked)
    this.#marks.delete(tracked)
    this.#deleted.delete(tracked)
    tracked.owner = undefined
    if (tracked.status === 'deleted') tracked.baseline = undefined
    if (tracked.baseline === undefined) everTracked.delete(tracked.entity)
  }

  clear(): void {
    this.changing()
    for (const tracked of [...this.#tracked.values()]) this.forget(tracked)
  }

  guard(method: GuardedMethod, entity: object): Tracked {
    this.#guard(method, entity, this.mapOf(entity))
    return this.#tracked.get(entity)!
  }

  #guard(method: GuardedMethod, entity: object, map: EntityMap): void {
    const before = everTracked.get(entity)
    if (before?.owner !== undefined && before.owner !== this.#host.owner) {
      const { label, owner } = before
      throw new SessionError('ENTITY_IN_OTHER_SESSION', { entity: label, owner: String(owner), wanted: String(this.#host.owner) })
    }
    const condition = this.conditionOf(entity)
    const isKnownByKey = condition === 'transient' && method !== 'add' && map.keyOf(entity) !== undefined
    const key = map.keyOf(entity)
    assertLegal(method, isKnownByKey ? 'detached' : condition, () =>
      key === undefined ? `new ${map.name}` : `${map.name} ${keyLabel(key)}`,
    )
  }

  // ---- what a flush or rollback makes of it

  /** The row of an entity is there, as `tracked.baseline` says. */
  becomeManaged(tracked: Tracked): void {
    if (tracked.status !== 'managed') {
      this.#deleted.delete(tracked)
      this.#new.delete(tracked)
      tracked.status = 'managed'
    }
    this.#marks.delete(tracked)
    if (tracked.key !== undefined && tracked.owner === this.#host.owner) this.#identities.replace(tracked, tracked.key)
  }

  /** Puts a mark back that a flush has taken off. */
  remark(tracked: Tracked, mark: Mark): void {
    if (this.#tracked.has(tracked.entity)) this.#marks.set(tracked, mark)
  }

  becomeDeleted(tracked: Tracked): void {
    this.#deleted.add(tracked)
    this.#marks.delete(tracked)
    this.#identities.remove(tracked)
    tracked.status = 'deleted'
  }

  /** Back to having no row, in the session. */
  becomeNew(tracked: Tracked, key: Image | undefined): void {
    this.#identities.remove(tracked)
    tracked.status = 'new'
    tracked.key = key
    tracked.baseline = undefined
    if (!this.#tracked.has(tracked.entity)) return
    this.#new.add(tracked)
    this.#isInOrder = false
    if (key !== undefined) this.#identities.replace(tracked, key)
  }

  /**
   * Deleted rows are gone for good once the transaction has committed.
   *
   * @param tell Called for each, where anybody hears of it.
   */
  dropDeleted(tell: ((entity: object) => void) | undefined): void {
    const deleted = [...this.#deleted]
    this.#deleted.clear()
    for (const tracked of deleted) {
      if (this.#tracked.get(tracked.entity) !== tracked) continue
      this.forget(tracked)
      tell?.(tracked.entity)
    }
  }

  pending(): Pending {
    return { added: [...this.#new], marks: new Map(this.#marks) }
  }

  /** Goes back to what waited then; entities that were added later leave the session. */
  restorePending({ added, marks }: Pending): void {
    this.changing()
    const kept = new Set(added)
    for (const tracked of [...this.#new]) if (!kept.has(tracked)) this.forget(tracked)
    for (const tracked of added) {
      if (this.#tracked.has(tracked.entity) || tracked.owner !== undefined) continue
      this.enroll(tracked)
      this.#new.add(tracked)
      this.#isInOrder = false
    }
    this.#marks.clear()
    for (const [tracked, mark] of marks) if (this.#tracked.has(tracked.entity)) this.#marks.set(tracked, mark)
  }

  /** Puts back the loaded values of everything that was changed, except of these. */
  restoreValues(except: ReadonlySet<Tracked>): void {
    for (const tracked of this.managed()) {
      if (!except.has(tracked) && !isUnchanged(tracked)) restore(tracked.map, tracked.entity, tracked.baseline!)
    }
  }

  expireAll(): void {
    for (const tracked of this.managed()) tracked.isExpired = true
  }
}

function isLazy(relation: RelationMap): boolean {
  return relation.isLazy
}
