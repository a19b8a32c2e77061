/**
 * Turns drafts into rows to write: values copied from the entities, keys of new rows as placeholders, and what must come before what.
 *
 * Invariant: after this has run the entities may change as they like; nothing of what will be sent changes with them.
 *
 * @module
 */
import { SessionError } from '../core/errors.js'
import { Draft, type LinkDraft } from './draft.js'
import { isSameKey, keyText, type ColumnMap, type EntityMap, type Image, type RelationMap } from './entity-map.js'
import { KeyOf, type WriteRow, type WriteStep } from './persistence.js'
import { Node, orderAfter, stepsOf, type Edge } from './plan-order.js'
import { UniqueValues } from './unique-values.js'
import type { WorkPlan } from './work-plan.js'

type Values = Record<string, unknown>

export interface PlannedRows {
  readonly steps: readonly WriteStep[]
  /** For each row of each step the draft it is the main row of, if it is one. */
  readonly draftsOf: readonly (readonly (Draft | undefined)[])[]
  /** By the index of a draft the row that sets its values; one whose junction rows alone change has none. */
  readonly rows: readonly (WriteRow | undefined)[]
  /** What an inserted row gets by a second statement, to-ones by path. */
  readonly setLater: ReadonlyMap<WriteRow, Readonly<Record<string, KeyOf>>>
}

export class PlanRows {
  readonly #plan: WorkPlan
  readonly #nodes: Node[] = []
  /** The main row of each draft that has one, by its index. */
  readonly #main: (Node | undefined)[]
  /** The updates beside soft removals and recoveries. */
  readonly #sideOf = new Map<Draft, Node>()
  readonly #setLater = new Map<WriteRow, Readonly<Record<string, KeyOf>>>()

  constructor(plan: WorkPlan) {
    this.#plan = plan
    this.#main = new Array<Node | undefined>(plan.drafts.all.length).fill(undefined)
  }

  /** @throws {SessionError} REQUIRED_MISSING · RELATION_TARGET_UNSAVED · KEY_CHANGED · INSERT_CYCLE · UNIQUE_CYCLE, before anything is sent. */
  build(): PlannedRows {
    const drafts = this.#plan.drafts.all
    drafts.forEach((draft) => draft.kind === 'insert' && this.#put(draft, {}, undefined))
    drafts.forEach((draft) => this.#fill(draft))
    if (this.#plan.hasRelations) this.#putRelations(drafts)
    const nodeOf = (draft: Draft) => this.#sideOf.get(draft) ?? this.#main[draft.index]
    new UniqueValues(drafts, nodeOf).order((giver, property) => this.#parked(giver, property))
    const steps = stepsOf(this.#nodes)
    return {
      steps: steps.map(stepOf),
      draftsOf: steps.map((nodes) => nodes.map((node) => this.#draftOf(node))),
      rows: this.#rows(),
      setLater: this.#setLater,
    }
  }

  #putRelations(drafts: readonly Draft[]): void {
    for (const link of this.#plan.links) if (!this.#plan.isDeleted(link.editor.entity)) this.#putLink(link)
    for (const draft of drafts) if (draft.kind === 'delete') this.#putUnlinks(draft)
    this.#orderDeletes(drafts)
  }

  #rows(): PlannedRows['rows'] {
    const rows = this.#main.map((node) => node?.row)
    for (const [draft, { row }] of this.#sideOf) rows[draft.index] = row
    return rows
  }

  #draftOf(node: Node): Draft | undefined {
    const { subject } = node
    return subject instanceof Draft && this.#main[subject.index] === node ? subject : undefined
  }

  #put(draft: Draft, values: Values, key: Image | undefined): Node {
    const { tracked, kind } = draft
    const { map, entity } = tracked
    const node = new Node(kind, { map, entity, key, values, version: versionOf(draft), isSupplement: false }, draft)
    this.#nodes.push(node)
    this.#main[draft.index] = node
    return node
  }

  #fill(draft: Draft): void {
    switch (draft.kind) {
      case 'insert':
        return this.#fillInsert(draft)
      case 'update':
        return this.#fillUpdate(draft)
      case 'delete':
        return void this.#put(draft, {}, draft.tracked.key)
      default:
        return this.#fillSoft(draft)
    }
  }

  #fillInsert(draft: Draft): void {
    const { map, entity } = draft.tracked
    const node = this.#main[draft.index]!
    const values = node.row.values as Values
    const { columns, getters } = map
    for (let index = 0; index < columns.length; index++) {
      const column = columns[index]!
      const value = column.isInsertable ? getters[index]!(entity) : undefined
      if (value !== undefined && !this.#isSetByRelation(draft, column.relationPath)) values[column.path] = column.copyOf(value)
    }
    if (map.toOnes.length === 0) return
    map.toOnes.forEach((relation, index) => {
      const target = relation.isPersisted ? this.#targetOf(draft, index) : undefined
      if (target === undefined && (!relation.isPersisted || relation.isNullable || isGivenAsColumn(map, relation, values))) return
      if (target === undefined || target === null) this.#assertOptional(draft, relation)
      this.#setTarget(node, relation, target ?? null)
    })
  }

  #targetOf({ tracked, parents }: Draft, index: number): unknown {
    return parents.has(index) ? parents.get(index) : tracked.map.toOnes[index]!.get(tracked.entity)
  }

  #isSetByRelation(draft: Draft, path: string | undefined): boolean {
    if (path === undefined) return false
    const index = draft.tracked.map.toOnes.findIndex((relation) => relation.path === path)
    return this.#targetOf(draft, index) !== undefined
  }

  #assertOptional({ tracked }: Draft, relation: RelationMap): void {
    if (!relation.isNullable) throw new SessionError('REQUIRED_MISSING', { entity: tracked.label, property: relation.path })
  }

  #fillUpdate(draft: Draft): void {
    const { tracked } = draft
    const { map } = tracked
    assertSameKey(draft)
    const values = this.#changedColumns(draft)
    const changed = changedToOnes(draft)
    if (isEmpty(values) && !changed.some((index) => this.#targetOf(draft, index) !== undefined)) return
    const node = this.#put(draft, values, tracked.key)
    if (changed.length === 0) return
    for (const index of changed) {
      const relation = map.toOnes[index]!
      const target = this.#targetOf(draft, index)
      if (target === null) this.#assertOptional(draft, relation)
      if (target !== undefined) this.#setTarget(node, relation, target)
    }
  }

  #changedColumns({ tracked, difference }: Draft): Values {
    const { map, entity } = tracked
    const values: Values = {}
    for (let at = 0; at < difference.columns.length; at++) {
      const column = map.columns[difference.columns[at]!]!
      const value = column.get(entity)
      if (!column.isUpdatable || isShadowed(column, map, difference)) continue
      if ((value ?? null) === null && !column.isNullable)
        throw new SessionError('REQUIRED_MISSING', { entity: tracked.label, property: column.path })
      values[column.path] = value === undefined ? null : column.copyOf(value)
    }
    return values
  }

  /** What else has changed on an entity that is soft-removed or recovered goes into an update before. */
  #fillSoft(draft: Draft): void {
    const { tracked, difference } = draft
    const { deleteDate } = tracked.map
    assertSameKey(draft)
    const values = this.#changedColumns(draft)
    if (deleteDate !== undefined) delete values[deleteDate.path]
    const node = this.#put(draft, {}, tracked.key)
    if (isEmpty(values) && difference.toOnes.length === 0) return
    const update = new Node('update', { ...node.row, values, isSupplement: false }, draft)
    this.#nodes.push(update)
    this.#sideOf.set(draft, update)
    for (const index of difference.toOnes) {
      const target = this.#targetOf(draft, index)
      if (target !== undefined) this.#setTarget(update, tracked.map.toOnes[index]!, target)
    }
    ;(node.row as { version: unknown }).version = undefined
    orderAfter(node, update, plain(''))
  }

  #setTarget(node: Node, relation: RelationMap, target: unknown): void {
    const values = node.row.values as Values
    const parent = this.#inserted(target)
    if (parent === undefined || parent === node) {
      values[relation.path] = target === null ? null : this.#keyOf(relation, target)
      if (parent === undefined) return
    } else values[relation.path] = new KeyOf(parent.row)
    const isBreakable = relation.isNullable && node.kind === 'insert'
    const edge: Edge = {
      property: relation.path,
      isUnique: false,
      breakUp: isBreakable ? () => this.#supplement(node, parent, relation) : undefined,
    }
    if (parent !== node) orderAfter(node, parent, edge)
    else if (values[relation.path] === undefined) {
      if (!isBreakable) throw new SessionError('INSERT_CYCLE', { rows: node.subject.label })
      this.#nodes.push(this.#supplement(node, parent, relation))
    }
  }

  /** Inserts without the key and sets it afterwards. */
  #supplement(node: Node, parent: Node, relation: RelationMap): Node {
    ;(node.row.values as Values)[relation.path] = null
    this.#setLater.set(node.row, { ...this.#setLater.get(node.row), [relation.path]: new KeyOf(parent.row) })
    const row: WriteRow = {
      ...node.row,
      key: new KeyOf(node.row),
      values: { [relation.path]: new KeyOf(parent.row) },
      version: undefined,
      isSupplement: true,
    }
    const supplement = new Node('update', row, node.subject)
    orderAfter(supplement, node, plain(relation.path))
    orderAfter(supplement, parent, plain(relation.path))
    return supplement
  }

  #inserted(target: unknown): Node | undefined {
    const draft = typeof target === 'object' && target !== null ? this.#plan.draftOf(target) : undefined
    const node = draft && this.#main[draft.index]
    return node?.kind === 'insert' ? node : undefined
  }

  #keyOf(relation: RelationMap, target: unknown): Image | undefined {
    const key = relation.keyOf(target)
    if (key === undefined && this.#inserted(target) === undefined)
      throw new SessionError('RELATION_TARGET_UNSAVED', {
        relation: `${relation.owner.name}.${relation.path}`,
        target: relation.target.name,
      })
    return key
  }

  #putLink(link: LinkDraft): void {
    const { relation, kind } = link
    const values: Values = {}
    const row: WriteRow = { map: relation.owner, entity: null, key: undefined, values, version: undefined, isSupplement: false }
    const node = new Node(kind, row, link)
    for (const [side, entity, map] of [
      ['owner', link.owner, relation.owner] as const,
      ['inverse', link.inverse, relation.target] as const,
    ]) {
      const parent = this.#inserted(entity)
      values[side] = parent === undefined ? map.keyOf(entity) : new KeyOf(parent.row)
      if (parent !== undefined) orderAfter(node, parent, plain(link.path))
    }
    this.#nodes.push(node)
  }

  /** All junction rows of a row that goes, by its key alone: nobody can know those that others have made. */
  #putUnlinks(draft: Draft): void {
    const { tracked } = draft
    tracked.map.collections.forEach((relation, index) => {
      if (relation.kind !== 'many-to-many') return
      const { isOwning, isCleanedByDatabase } = relation.junction!
      if (isCleanedByDatabase && tracked.baseline?.members[index]?.length === 0) return
      const values = { [isOwning ? 'owner' : 'inverse']: tracked.key }
      const row: WriteRow = { map: relation.owner, entity: null, key: undefined, values, version: undefined, isSupplement: false }
      this.#nodes.push(new Node('unlink', row, { label: draft.label, relation: isOwning ? relation : relation.inverse! }))
    })
  }

  /** A row is deleted after those that hold its key have gone, or point elsewhere. */
  #orderDeletes(drafts: readonly Draft[]): void {
    const leaving = drafts.filter(({ kind, tracked }) => kind === 'delete' && tracked.key !== undefined)
    if (!areReferredTo(leaving, drafts)) return
    const deleted = new Map(leaving.map(({ tracked, index }) => [rowId(tracked.map, tracked.key!), this.#main[index]!]))
    for (const draft of drafts) {
      const { tracked } = draft
      const node = this.#main[draft.index]
      if (node === undefined || tracked.baseline === undefined) continue
      tracked.map.toOnes.forEach((relation, index) => {
        const key = tracked.baseline!.keys[index]
        const parent = key === undefined || key === null ? undefined : deleted.get(rowId(relation.target, key))
        if (parent === undefined) return
        if (parent === node) {
          if (relation.isNullable) this.#nodes.push(this.#interim(node, relation.path)) // MariaDB deletes no row that refers to itself
          return
        }
        const breakUp = relation.isNullable && node.kind === 'delete' ? () => this.#emptied(node, parent, relation) : undefined
        orderAfter(parent, node, { property: relation.path, isUnique: false, breakUp })
      })
    }
  }

  #emptied(child: Node, parent: Node, { path }: RelationMap): Node {
    const interim = this.#interim(child, path)
    orderAfter(parent, interim, plain(path))
    return interim
  }

  /** Rows that swap unique values: one is parked at null, where the column allows that. */
  #parked(giver: Node, { path, isNullable }: { path: string; isNullable: boolean }): ((taker: Node) => Node) | undefined {
    if (!isNullable || (giver.kind !== 'update' && giver.kind !== 'delete')) return undefined
    return (taker) => {
      const interim = this.#interim(giver, path)
      orderAfter(taker, interim, plain(path))
      return interim
    }
  }

  #interim(node: Node, path: string): Node {
    const row: WriteRow = { ...node.row, values: { [path]: null }, version: undefined, isSupplement: true }
    const interim = new Node('update', row, node.subject)
    orderAfter(node, interim, plain(path))
    return interim
  }
}

function stepOf(nodes: readonly Node[]): WriteStep {
  const { kind, row, relation } = nodes[0]!
  return Object.freeze({ kind, map: row.map, relation, rows: Object.freeze(nodes.map((node) => node.row)) })
}

function isEmpty(values: Values): boolean {
  for (const _path in values) return false
  return true
}

/** Those that lead elsewhere by themselves, and those set from the other side. */
function changedToOnes({ difference, parents }: Draft): readonly number[] {
  return parents.size === 0 ? difference.toOnes : [...new Set([...difference.toOnes, ...parents.keys()])]
}

function plain(property: string): Edge {
  return { property, isUnique: false, breakUp: undefined }
}

function versionOf({ tracked, kind }: Draft): unknown {
  const { map, baseline } = tracked
  if (kind === 'insert' || map.version === undefined || baseline === undefined) return undefined
  return baseline.values[map.columns.indexOf(map.version)] ?? undefined // a row that was never given one has none to compare
}

function isGivenAsColumn(map: EntityMap, relation: RelationMap, values: Values): boolean {
  return map.columns.some((column) => column.relationPath === relation.path && values[column.path] !== undefined)
}

/** Whether any of all these rows could hold the key of one that leaves. */
function areReferredTo(leaving: readonly Draft[], all: readonly Draft[]): boolean {
  const tables = new Set(leaving.map(({ tracked }) => tracked.map.identity))
  const maps = new Set(tables.size === 0 ? [] : all.map(({ tracked }) => tracked.map))
  return [...maps].some(({ toOnes }) => toOnes.some(({ target }) => tables.has(target.identity)))
}

function rowId(map: EntityMap, key: Image): string {
  return `${map.identity} ${keyText(key)}`
}

/** @throws {SessionError} KEY_CHANGED: the statement would miss the row. */
function assertSameKey(draft: Draft): void {
  const { tracked } = draft
  if (!touchesKey(draft)) return
  for (const index of changedToOnes(draft)) assertNoKeyRelation(draft, index)
  const now = tracked.map.keyOf(tracked.entity)
  if (!isSameKey(now, tracked.key)) throw keyChanged(tracked.map.name, now, tracked.key)
}

/** Whether a relation that has changed says what a join column is to be. */
function isShadowed({ relationPath }: ColumnMap, { toOnes }: EntityMap, difference: Draft['difference']): boolean {
  return relationPath !== undefined && difference.toOnes.some((index) => toOnes[index]!.path === relationPath)
}

/** Whether the key may have changed: a relation that is part of it may lead to a row that has another key by now. */
function touchesKey({ tracked, difference, parents }: Draft): boolean {
  const { columns, keyColumns } = tracked.map
  if (difference.toOnes.length > 0 || parents.size > 0 || keyColumns.some(isByRelation)) return true
  for (let at = 0; at < difference.columns.length; at++) if (columns[difference.columns[at]!]!.isKey) return true
  return false
}

function isByRelation({ relationPath }: ColumnMap): boolean {
  return relationPath !== undefined
}

function keyChanged(entity: string, current: Image | undefined, wanted: Image | null | undefined): SessionError {
  return new SessionError('KEY_CHANGED', { entity, current: keyText(current), wanted: keyText(wanted) })
}

/** A relation may be part of the key. */
function assertNoKeyRelation({ tracked, parents }: Draft, index: number): void {
  const { map, entity, baseline } = tracked
  const relation = map.toOnes[index]!
  if (!map.keyColumns.some(({ name }) => relation.columnNames.includes(name))) return
  const target = parents.has(index) ? parents.get(index) : relation.get(entity)
  const current = target === null || target === undefined ? undefined : relation.keyOf(target)
  const wanted = baseline?.keys[index]
  if (!isSameKey(current, wanted)) throw keyChanged(`${map.name}.${relation.path}`, current, wanted)
}
