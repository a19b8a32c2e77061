/**
 * One entity of a session with what is known of its row.
 *
 * Compares and copies through the entity's map; decides nothing. Invariant: a picture is never changed once it was taken, so that it can
 * serve as baseline, as what a flush has sent, and as what a rollback restores.
 *
 * @module
 */
import type { EntityMap, Image, RelationMap } from './entity-map.js'
import { isSameKey, keyLabel } from './entity-map.js'

/** How an entity looked at one moment; each list goes with the map's of the same kind. */
export interface Picture {
  readonly values: readonly unknown[]
  /** What the to-ones led to. */
  readonly refs: readonly unknown[]
  /** Members of the other relations; undefined where they were not loaded. */
  readonly members: readonly (readonly object[] | undefined)[]
}

/** A picture of what is in the database, with the keys its row holds for the to-ones, loaded or not. */
export interface Baseline extends Picture {
  readonly keys: readonly (Image | null | undefined)[]
}

/** Every baseline is made here: objects with one hidden class are read several times faster, and each flush reads them all. */
export function baselineOf({ values, refs, members }: Picture, keys: Baseline['keys']): Baseline {
  return { values, refs, keys, members }
}

/** `new`: has no row · `managed`: has one · `deleted`: its DELETE was sent, the transaction is open */
export type TrackedStatus = 'new' | 'managed' | 'deleted'

/** Whoever may own entities; two of them never share one. */
export interface Owner {
  toString(): string
}

export class Tracked {
  readonly entity: object
  readonly map: EntityMap
  /** The open session it belongs to; undefined once it is detached. */
  owner: Owner | undefined
  status: TrackedStatus
  /** Undefined while it has no row. */
  baseline: Baseline | undefined
  /** The key of its row; of a new one, the key it was given. */
  key: Image | undefined
  /** True when its values are to be read again by the next query that returns it. */
  isExpired = false
  /** True while its INSERT is on the way. */
  isInFlight = false
  /** How it looked when the flush that deleted it was over. */
  asDeleted: Picture | undefined
  /** Its place among those that were loaded. */
  loadedAs = 0
  /** Its place among those that were added. */
  order = 0
  /** Why it is written although nobody called add or delete for it. */
  because: 'changed' | 'cascade' = 'changed'

  constructor(entity: object, map: EntityMap, status: TrackedStatus) {
    this.entity = entity
    this.map = map
    this.status = status
  }

  /** "Article {"id":7}", for messages. */
  get label(): string {
    return this.key === undefined ? `new ${this.map.name}` : `${this.map.name} ${keyLabel(this.key)}`
  }
}

const NONE: readonly never[] = Object.freeze([])

export function pictureOf(map: EntityMap, entity: object): Picture {
  return openBaselineOf(map, entity)
}

/** A baseline in the making: its lists are filled before anybody else sees it. */
export type OpenBaseline = { -readonly [P in keyof Baseline]: Baseline[P] extends readonly (infer I)[] ? I[] : Baseline[P] }

/** The baseline `was` again, with what has been read since `is` took its place. */
export function withReadSince(was: Baseline, is: Baseline, now: Baseline | undefined): Baseline {
  if (now === undefined || now === is) return was
  const merged = <T>(before: readonly T[], after: readonly T[], read: readonly T[]) =>
    before.map((known, index) => (known === undefined && after[index] === undefined ? read[index]! : known))
  const values = merged(was.values, is.values, now.values)
  const refs = merged(was.refs, is.refs, now.refs)
  const members = merged(was.members, is.members, now.members)
  return baselineOf({ values, refs, members }, merged(was.keys, is.keys, now.keys))
}

/** How an entity looks now, without foreign keys. */
export function openBaselineOf(map: EntityMap, entity: object): OpenBaseline {
  const refs = map.toOnes.length === 0 ? NONE : map.toOnes.map((relation) => relation.get(entity))
  const members = map.collections.length === 0 ? NONE : map.collections.map((relation) => membersOf(relation, entity))
  return baselineOf({ values: valuesOf(map, entity), refs, members }, NONE) as OpenBaseline
}

function valuesOf({ columns, getters }: EntityMap, entity: object): readonly unknown[] {
  const values = new Array<unknown>(getters.length)
  for (let index = 0; index < values.length; index++) {
    const value = getters[index]!(entity)
    values[index] = typeof value === 'object' ? columns[index]!.snapshotOf(value) : value
  }
  return values
}

/** As `map`; the many entities without relations share one empty list. */
export function eachOf<T, R>(items: readonly T[], fn: (item: T, index: number) => R): readonly R[] {
  return items.length === 0 ? NONE : items.map(fn)
}

/** The members an entity holds now, copied; one at most of an inverse one-to-one. */
export function membersOf(relation: RelationMap, entity: object): readonly object[] | undefined {
  const value = relation.get(entity)
  if (value === undefined) return undefined
  if (Array.isArray(value)) return value.filter((member: unknown) => typeof member === 'object' && member !== null) as object[]
  return value === null ? [] : [value as object]
}

/** Whether an entity still looks like its baseline. This runs for every entity of a session on every flush. */
export function isUnchanged({ map, entity, baseline }: Tracked): boolean {
  if (baseline === undefined) return false
  const { getters, toOnes, collections } = map
  const { values } = baseline
  for (let index = 0; index < getters.length; index++) {
    const value = getters[index]!(entity)
    const known = values[index]
    if (value !== known && !map.columns[index]!.isSame(value, known)) return false
  }
  for (let index = 0; index < toOnes.length; index++) {
    const target = toOnes[index]!.get(entity)
    if (target !== baseline.refs[index] && isOtherTarget(toOnes[index]!, target, baseline.keys[index])) return false
  }
  for (let index = 0; index < collections.length; index++) {
    if (!hasSameMembers(collections[index]!, collections[index]!.get(entity), baseline.members[index])) return false
  }
  return true
}

/** Whether a to-one leads to another row than the one whose key is known; undefined says nothing about it. */
export function isOtherTarget(relation: RelationMap, target: unknown, known: Image | null | undefined): boolean {
  if (target === undefined || !relation.isPersisted) return false
  if (target === null) return known !== null
  const key = relation.keyOf(target)
  return key === undefined || known === null || known === undefined || !isSameKey(key, known)
}

function hasSameMembers({ isPersisted }: RelationMap, now: unknown, known: readonly object[] | undefined): boolean {
  if (now === undefined || !isPersisted) return true
  if (known === undefined) return false
  if (!Array.isArray(now)) return now === null ? known.length === 0 : known.length === 1 && known[0] === now
  if (now.length !== known.length) return false
  for (let index = 0; index < now.length; index++) if (now[index] !== known[index]) return isPermutation(now as object[], known)
  return true
}

function isPermutation(now: readonly object[], known: readonly object[]): boolean {
  const left = new Set(known)
  return left.size === new Set(now).size && now.every((member) => left.has(member))
}

export interface MemberChange {
  readonly index: number
  readonly added: readonly object[]
  readonly removed: readonly object[]
}

/** What differs from the baseline; of a new entity, everything that is set. */
export interface Difference {
  readonly columns: readonly number[]
  readonly toOnes: readonly number[]
  readonly members: readonly MemberChange[]
}

const NO_DIFFERENCE: Difference = { columns: NONE, toOnes: NONE, members: NONE }

/** @param like Returned itself where nothing else differs: rows that are changed alike share what says so. */
export function differenceOf(tracked: Tracked, like = NO_DIFFERENCE): Difference {
  return difference(changedColumns(tracked, like.columns), tracked, like)
}

/** As {@link differenceOf}, of the relations alone. */
export function relationDifferenceOf(tracked: Tracked): Difference {
  return difference(NONE, tracked, NO_DIFFERENCE)
}

function difference(columns: readonly number[], tracked: Tracked, like: Difference): Difference {
  const toOnes = changedToOnes(tracked)
  const members = changedMembers(tracked)
  const isAlike = columns === like.columns && toOnes === like.toOnes && members === like.members
  return isAlike ? like : { columns, toOnes, members }
}

function changedColumns({ map, entity, baseline }: Tracked, like: readonly number[]): readonly number[] {
  const { columns, getters } = map
  let changed: number[] | undefined // made where it becomes another list
  let count = 0
  for (let index = 0; index < getters.length; index++) {
    const value = getters[index]!(entity)
    const known = baseline?.values[index]
    if (value === known || (baseline !== undefined && columns[index]!.isSame(value, known))) continue
    if (changed === undefined && like[count] !== index) changed = like.slice(0, count)
    changed?.push(index)
    count++
  }
  if (changed !== undefined) return changed
  return count === like.length ? like : count === 0 ? NONE : like.slice(0, count)
}

function changedToOnes({ map, entity, baseline }: Tracked): readonly number[] {
  if (map.toOnes.length === 0) return NONE
  const changed: number[] = []
  map.toOnes.forEach((relation, index) => {
    const target = relation.get(entity)
    const isChanged =
      baseline === undefined
        ? target !== undefined && relation.isPersisted
        : target !== baseline.refs[index] && isOtherTarget(relation, target, baseline.keys[index])
    if (isChanged) changed.push(index)
  })
  return changed.length === 0 ? NONE : changed
}

/** The collections that have other members than the baseline says. */
export function changedMembers({ map, entity, baseline }: Tracked): readonly MemberChange[] {
  if (map.collections.length === 0) return NONE
  const changed: MemberChange[] = []
  map.collections.forEach((relation, index) => {
    const now = membersOf(relation, entity)
    const known = baseline === undefined ? NONE : baseline.members[index]
    if (now === undefined || known === undefined || !relation.isPersisted) return
    const change = { index, added: without(now, known), removed: without(known, now) }
    if (change.added.length > 0 || change.removed.length > 0) changed.push(change)
  })
  return changed.length === 0 ? NONE : changed
}

function without(members: readonly object[], others: readonly object[]): readonly object[] {
  if (members.length === 0) return members
  const excluded = new Set(others)
  return [...new Set(members)].filter((member) => !excluded.has(member))
}

/** Whether it holds members although its rows were never read: what they replace is not known yet. */
export function hasUnreadMembers({ map, entity, baseline }: Tracked): boolean {
  return map.collections.some((relation, index) => baseline?.members[index] === undefined && relation.get(entity) !== undefined)
}

/** The columns of a deleted entity that were changed after its flush: nothing could write them. */
export function changedAfterDelete({ map, entity, asDeleted }: Tracked): readonly string[] {
  if (asDeleted === undefined) return []
  return map.columns.filter((column, index) => !column.isSame(column.get(entity), asDeleted.values[index])).map(({ path }) => path)
}

/** How it looks now: its baseline where it looks like that. */
export function presentPicture(tracked: Tracked): Picture {
  return isUnchanged(tracked) ? tracked.baseline! : pictureOf(tracked.map, tracked.entity)
}

/** Makes an entity look like the picture again, in place. */
export function restore(map: EntityMap, entity: object, picture: Picture): void {
  map.columns.forEach((column, index) => {
    const value = column.get(entity)
    if (!column.isSame(value, picture.values[index])) column.set(entity, column.valueOf(picture.values[index]))
    else if (value === null && picture.values[index] === undefined) column.set(entity, undefined)
  })
  map.toOnes.forEach((relation, index) => {
    if (relation.get(entity) !== picture.refs[index]) relation.set(entity, picture.refs[index])
  })
  map.collections.forEach((relation, index) => restoreMembers(relation, entity, picture.members[index]))
}

function restoreMembers(relation: RelationMap, entity: object, members: readonly object[] | undefined): void {
  const now = relation.get(entity)
  if (members === undefined) {
    if (now !== undefined) relation.set(entity, undefined)
  } else if (relation.kind === 'inverse-one') {
    if ((now ?? undefined) !== members[0]) relation.set(entity, members[0] ?? null)
  } else if (!Array.isArray(now)) relation.set(entity, [...members])
  else if (now.length !== members.length || now.some((member, index) => member !== members[index])) now.splice(0, now.length, ...members)
}

/** A picture by property path; to-ones as the keys given. */
export function imageOfPicture(map: EntityMap, picture: Picture, keys: readonly (Image | null | undefined)[]): Image {
  const image: Record<string, unknown> = {}
  const { columns, toOnes } = map
  for (let index = 0; index < columns.length; index++) {
    const column = columns[index]!
    const known = picture.values[index]
    const value = typeof known === 'object' ? column.copyOf(column.valueOf(known)) : known
    if (value !== undefined) image[column.path] = value
  }
  for (let index = 0; index < toOnes.length; index++) if (keys[index] !== undefined) image[toOnes[index]!.path] = keys[index]
  return Object.freeze(image)
}

/** The key as far as it is known: of its row, or the parts that were set. */
export function trackedKeyOf(tracked: Tracked | undefined, map: EntityMap, entity: object): Image {
  if (tracked?.key !== undefined) return tracked.key
  const parts = map.keyColumns.map((column) => [column.path, column.get(entity)] as const)
  return Object.freeze(Object.fromEntries(parts.filter(([, value]) => value !== undefined && value !== null)))
}
