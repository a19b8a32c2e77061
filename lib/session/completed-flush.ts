/**
 * What a flush has made of the entities it wrote, and the way back.
 *
 * Applied once, right after the SQL. Invariant: the baseline becomes what was sent plus what the database made of it, never the present
 * state of the object, so that what was changed meanwhile is still a change; undoing leaves every value alone that the flush did not set.
 *
 * @module
 */
import type { RelationChange } from '../mapper/change.js'
import type { Draft } from './draft.js'
import type { Image } from './entity-map.js'
import { rememberMemberKey } from './net-changes.js'
import { followOnOtherSide } from './other-side.js'
import { KeyOf, type Written } from './persistence.js'
import type { PlannedRows } from './plan-rows.js'
import type { RowWritten } from './row-change.js'
import { ColumnPlaces, SealedRow } from './sealed-row.js'
import type { SessionWork } from './session-work.js'
import type { Tracked } from './tracked.js'
import type { WorkPlan } from './work-plan.js'

const NOTHING: Image = Object.freeze({})

export interface SealedPlan {
  /** The drafts that are written, in the order of their statements. */
  readonly ordered: readonly Draft[]
  readonly plan: WorkPlan
  readonly planned: PlannedRows
  /** True when one entity alone is flushed: then its one-to-many members are left for later. */
  readonly isPartial: boolean
}

export class CompletedFlush {
  readonly #work: SessionWork
  readonly #sealed: SealedPlan
  readonly #rows: readonly SealedRow[]
  /** What was done to relations, to be taken back. */
  readonly #undo: (() => void)[] = []
  #isApplied = false
  #written: readonly SealedRow[] = []
  #writtenOf: ReadonlyMap<object, RowWritten> | undefined

  /** Takes copies of everything that will be sent. */
  constructor(work: SessionWork, sealed: SealedPlan) {
    this.#work = work
    this.#sealed = sealed
    const { ordered, plan, planned } = sealed
    const all = ordered.length === plan.drafts.all.length ? ordered : [...new Set([...ordered, ...plan.drafts.all])]
    this.#rows = all.map((draft) => new SealedRow(draft, planned.rows[draft.index]))
  }

  get written(): readonly RowWritten[] {
    return this.#written
  }

  /** The way a row was written, for the state that hooks see. */
  writtenOf(tracked: Tracked): RowWritten | undefined {
    this.#writtenOf ??= new Map(this.#written.map((row) => [row.entity, row]))
    return this.#writtenOf.get(tracked.entity)
  }

  /** The statements have run. */
  apply(written: Written): void {
    const { plan } = this.#sealed
    const made = this.#madeByDatabase(written)
    this.#fillIn(made)
    this.#rows.forEach((row) => {
      if (row.kind === 'delete') return row.leave(this.#work)
      this.#completeBaseline(row)
      row.settle(this.#work)
    })
    this.#followLinks()
    const isWritten = ({ draft }: SealedRow) => plan.isWritten(draft)
    this.#written = this.#rows.every(isWritten) ? this.#rows : this.#rows.filter(isWritten)
    this.#tellRelations()
    this.#isApplied = true
  }

  #fillIn(made: readonly (Image | undefined)[]): void {
    let places: ColumnPlaces | undefined
    this.#rows.forEach((row) => {
      const image = made[row.draft.index]
      if (row.kind === 'delete' || (image === undefined && row.kind !== 'insert')) return
      if (places?.map !== row.map) places = new ColumnPlaces(row.map)
      row.fillIn(image ?? NOTHING, places)
    })
  }

  /** By the index of the draft; an entity may have been written by several rows. */
  #madeByDatabase(written: Written): readonly (Image | undefined)[] {
    const { plan, planned } = this.#sealed
    const made = new Array<Image | undefined>(this.#rows.length).fill(undefined)
    if (written.size === 0) return made
    planned.steps.forEach(({ rows }, step) => {
      const drafts = planned.draftsOf[step]!
      rows.forEach((row, index) => {
        const image = row.entity === null ? undefined : written.get(row)
        if (image === undefined) return
        const { index: at } = drafts[index] ?? plan.draftOf(row.entity!)!
        made[at] = made[at] === undefined ? image : { ...made[at], ...image }
      })
    })
    return made
  }

  #followLinks(): void {
    for (const { kind, editor, member, relation, inverse } of this.#sealed.plan.links) {
      const other = this.#work.of(member)
      const side = member === inverse ? relation.inverse : relation
      const undo = other && side && followOnOtherSide(other, side, { editor: editor.entity, isLinked: kind === 'link' })
      if (undo !== undefined) this.#undo.push(undo)
    }
  }

  #tellRelations(): void {
    if (this.#sealed.plan.links.length === 0) return
    const relationsOf = this.#relations()
    for (const row of this.#written) {
      const relations = relationsOf.get(row.tracked)
      if (relations !== undefined) row.relations = Object.freeze(relations)
    }
  }

  /** By the entity whose collection was edited. */
  #relations(): ReadonlyMap<Tracked, Record<string, RelationChange>> {
    const all = new Map<Tracked, Record<string, { added: object[]; removed: object[] }>>()
    for (const { editor, path, kind, member, inverse, relation } of this.#sealed.plan.links) {
      let relations = all.get(editor)
      if (relations === undefined) all.set(editor, (relations = {}))
      const members = (relations[path] ??= { added: [], removed: [] })
      ;(kind === 'link' ? members.added : members.removed).push(member)
      const key = (member === inverse ? relation.target : relation.owner).keyOf(member)
      if (key !== undefined) rememberMemberKey(member, key)
    }
    return all
  }

  // ---- what the baseline says of relations

  #completeBaseline(row: SealedRow): void {
    const { map, was } = row
    const is = row.is!
    if (map.toOnes.length > 0) {
      is.keys = map.toOnes.map((_relation, index) => this.#keyWritten(row, index))
      this.#takeKeysByColumn(row)
    }
    if (!this.#sealed.isPartial) return
    map.collections.forEach((relation, index) => {
      if (relation.kind !== 'many-to-many') is.members[index] = was === undefined ? is.members[index] && [] : was.members[index]
    })
  }

  #keyWritten(one: SealedRow, index: number): Image | null | undefined {
    const { map, row, was } = one
    const relation = map.toOnes[index]!
    const later = row === undefined ? undefined : this.#sealed.planned.setLater.get(row)
    const sentKey = later?.[relation.path] ?? row?.values[relation.path]
    if (sentKey === undefined) return was === undefined ? (keyByColumn(one, index) ?? null) : was.keys[index]
    const key = sentKey instanceof KeyOf ? relation.keyOf(sentKey.row.entity) : (sentKey as Image | null)
    this.#followParent(one, index)
    followByColumn(one, relation.path, key)
    return key
  }

  /** A to-one set from the other side leads to the parent that was written. */
  #followParent({ draft, map, entity, is }: SealedRow, index: number): void {
    const relation = map.toOnes[index]!
    const parent = draft.parents.get(index)
    const sent = is!.refs[index]
    if (parent === undefined || sent === undefined || sent === parent || relation.get(entity) !== sent) return
    relation.set(entity, parent)
    is!.refs[index] = parent
    this.#undo.push(() => relation.get(entity) === parent && relation.set(entity, sent))
  }

  /** Foreign keys that were written as plain columns. */
  #takeKeysByColumn(one: SealedRow): void {
    const { map, row } = one
    for (const { path, relationPath } of map.columns) {
      if (relationPath === undefined || row === undefined || !(path in row.values) || relationPath in row.values) continue
      const index = map.toOnes.findIndex((relation) => relation.path === relationPath)
      one.is!.keys[index] = keyByColumn(one, index)
      this.#dropStaleTarget(one, index)
    }
  }

  #dropStaleTarget({ map, entity, is }: SealedRow, index: number): void {
    const relation = map.toOnes[index]!
    const target = is!.refs[index]
    if (target === undefined || relation.get(entity) !== target) return
    relation.set(entity, undefined)
    is!.refs[index] = undefined
    this.#undo.push(() => relation.get(entity) === undefined && relation.set(entity, target))
  }

  /** Takes everything back: the work is pending again, values the flush has set are gone, all others stay. */
  undo(): void {
    if (!this.#isApplied) return
    this.#isApplied = false
    for (const step of this.#undo.reverse()) step()
    const rows = this.#rows.toReversed()
    for (const row of rows) row.undo(this.#work)
    for (const row of rows) row.empty()
  }
}

/** A join column declared as a property follows what was written by its relation. */
function followByColumn({ map, entity, is }: SealedRow, path: string, key: Image | null | undefined): void {
  if (Object.keys(key ?? NOTHING).length > 1) return
  map.columns.forEach((column, index) => {
    if (column.relationPath !== path) return
    const value = key === null || key === undefined ? null : Object.values(key)[0]
    const held = column.get(entity)
    const snapshot = column.snapshotOf(value)
    if (column.isSame(held, is!.values[index]) || column.isSame(held, snapshot)) column.set(entity, value)
    is!.values[index] = snapshot
  })
}

function keyByColumn({ map, row }: SealedRow, index: number): Image | null | undefined {
  const relation = map.toOnes[index]!
  const columns = map.columns.filter((column) => column.relationPath === relation.path)
  if (columns.length !== 1 || row === undefined) return undefined
  const value = row.values[columns[0]!.path]
  return value === null || value === undefined ? (value as null | undefined) : relation.keyOf(value)
}
