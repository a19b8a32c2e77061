/**
 * Which rows of one flush give up a unique value that another row of it takes.
 *
 * Knows values, not statements. Invariant: a row that takes a value comes after the row that gives it up.
 *
 * @module
 */
import { keyText, type EntityMap, type Image } from './entity-map.js'
import { KeyOf } from './persistence.js'
import { orderAfter, type Node } from './plan-order.js'
import type { Draft } from './draft.js'
import type { Tracked } from './tracked.js'

type Park = (giver: Node, property: { path: string; isNullable: boolean }) => ((taker: Node) => Node) | undefined

interface Given {
  readonly node: Node
  readonly property: { readonly path: string; readonly isNullable: boolean }
}

export class UniqueValues {
  readonly #drafts: readonly Draft[]
  readonly #nodeOf: (draft: Draft) => Node | undefined
  readonly #given = new Map<string, Given>()

  /** @param nodeOf The statement that sets an entity's values. */
  constructor(drafts: readonly Draft[], nodeOf: (draft: Draft) => Node | undefined) {
    this.#drafts = drafts
    this.#nodeOf = nodeOf
  }

  order(park: Park): void {
    if (!this.#drafts.some(takesValues)) return
    this.#drafts.forEach((draft) => this.#noteGiven(draft))
    if (this.#given.size === 0) return
    for (const draft of this.#drafts) {
      if (draft.kind === 'delete') continue
      const node = this.#nodeOf(draft)
      if (node !== undefined) this.#orderTaken(draft, node, park)
    }
  }

  /** A deleted row gives up its key and all its values, a changed one those that change. */
  #noteGiven(draft: Draft): void {
    const { tracked, kind } = draft
    const { map, baseline } = tracked
    if (baseline === undefined || kind === 'insert') return
    const node = this.#nodeOf(draft)
    if (node === undefined) return
    if (kind === 'delete' && tracked.key !== undefined) this.#give(idOf(map, 'key', [tracked.key]), node, keyPropertyOf(map))
    for (const paths of map.uniques) {
      if (kind !== 'delete' && !paths.some((path) => path in node.row.values)) continue
      const values = paths.map((path) => valueBefore(tracked, path))
      const changing = paths.find((path) => path in node.row.values) ?? paths[0]!
      if (values.every((value) => value !== undefined && value !== null))
        this.#give(idOf(map, paths.join(), values), node, propertyOf(map, changing))
    }
  }

  #give(id: string, node: Node, property: Given['property']): void {
    this.#given.set(id, { node, property })
  }

  #orderTaken({ tracked, kind }: Draft, node: Node, park: Park): void {
    const { map } = tracked
    if (kind === 'insert' && tracked.key !== undefined) this.#take(idOf(map, 'key', [tracked.key]), node, park)
    for (const paths of map.uniques) {
      if (kind !== 'insert' && !paths.some((path) => path in node.row.values)) continue
      const values = paths.map((path) => (path in node.row.values ? valueSent(node.row.values[path]) : valueBefore(tracked, path)))
      if (values.every((value) => value !== undefined && value !== null)) this.#take(idOf(map, paths.join(), values), node, park)
    }
  }

  #take(id: string, taker: Node, park: Park): void {
    const given = this.#given.get(id)
    if (given === undefined || given.node === taker) return
    const parked = park(given.node, given.property)
    orderAfter(taker, given.node, { property: given.property.path, isUnique: true, breakUp: parked && (() => parked(taker)) })
  }
}

/** Whether it could want a value that another row has. */
function takesValues({ tracked, kind }: Draft): boolean {
  return kind !== 'delete' && (tracked.map.uniques.length > 0 || (kind === 'insert' && tracked.key !== undefined))
}

function idOf(map: EntityMap, name: string, values: readonly unknown[]): string {
  return `${map.identity} ${name} ${keyText(values)}`
}

/** The key of a row that gets it by this very flush was nobody's before; one that was given may have been. */
function valueSent(value: unknown): unknown {
  if (!(value instanceof KeyOf)) return value
  const { map, entity } = value.row
  return entity === null ? undefined : map.keyOf(entity)
}

function valueBefore({ map, baseline }: Tracked, path: string): unknown {
  const column = map.columns.findIndex((one) => one.path === path)
  if (column >= 0) return baseline?.values[column]
  const relation = map.toOnes.findIndex((one) => one.path === path)
  return relation < 0 ? undefined : (baseline?.keys[relation] as Image | null | undefined)
}

function propertyOf(map: EntityMap, path: string): Given['property'] {
  const column = map.columns.find((one) => one.path === path)
  return { path, isNullable: column?.isNullable ?? map.toOnes.find((one) => one.path === path)?.isNullable ?? false }
}

function keyPropertyOf(map: EntityMap): Given['property'] {
  return { path: map.keyColumns.map((column) => column.path).join(), isNullable: false }
}
