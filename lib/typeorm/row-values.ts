/**
 * The values of rows to write in the nested form that TypeORM's builders take, with keys of rows that are written before them filled in.
 *
 * Sends nothing. Invariant: a key that is not known is never written as NULL: it is an error, or, where a plan is only shown, a placeholder.
 *
 * @module
 */
import { SessionError } from '../core/errors.js'
import type { EntityMap, Image, RelationMap } from '../session/entity-map.js'
import { KeyOf, type WriteRow } from '../session/persistence.js'
import { metadataOf } from './entity-maps.js'
import type { ColumnMetadata } from './internals.js'
import { columnReader, isBareJoinColumn, isObject, setPath } from './property-access.js'
import { relationOf } from './relation-maps.js'

export type Nested = Record<string, unknown>

interface ToOne {
  readonly map: RelationMap
  /** Join columns that are properties of their own, beside the relation. */
  readonly joins: readonly { readonly path: string; readonly referenced: ColumnMetadata }[]
}

const toOnesByMap = new WeakMap<EntityMap, ReadonlyMap<string, ToOne>>()

function toOnesOf(map: EntityMap): ReadonlyMap<string, ToOne> {
  let toOnes = toOnesByMap.get(map)
  if (toOnes === undefined) toOnesByMap.set(map, (toOnes = new Map(map.toOnes.map((toOne) => [toOne.path, describe(toOne)]))))
  return toOnes
}

function describe(map: RelationMap): ToOne {
  const joins = relationOf(map).joinColumns.filter((column) => !isBareJoinColumn(column))
  return { map, joins: joins.map((column) => ({ path: column.propertyPath, referenced: column.referencedColumn! })) }
}

/** Stands for a key that is not known yet, where a plan is only shown. */
export class UnknownKey {
  readonly #name: string

  constructor(name: string) {
    this.#name = name
  }

  toString(): string {
    return this.#name
  }
}

/** What is known of the rows of one plan so far. */
export class RowValues {
  readonly #written = new Map<WriteRow, Nested>()
  readonly #made: ReadonlyMap<WriteRow, Image> | undefined
  readonly #placeholder: ((key: KeyOf) => unknown) | undefined

  /**
   * @param placeholder - Stands for a key that is not known yet; without it that is an error.
   * @param made - What the database made of rows that were written and not remembered: they are put together when another row refers to them.
   */
  constructor(placeholder?: (key: KeyOf) => unknown, made?: ReadonlyMap<WriteRow, Image>) {
    this.#placeholder = placeholder
    this.#made = made
  }

  /** The row's values; join columns that are properties of their own follow their relation. */
  nest(row: WriteRow): Nested {
    const nested: Nested = {}
    const toOnes = toOnesOf(row.map)
    for (const [path, value] of Object.entries(row.values)) {
      const toOne = toOnes.get(path)
      if (toOne === undefined) setPath(nested, path, value)
      else this.#nestTarget({ row, toOne, value }, nested)
    }
    return nested
  }

  #nestTarget({ row, toOne, value }: { row: WriteRow; toOne: ToOne; value: unknown }, nested: Nested): void {
    const { map, joins } = toOne
    const key = this.targetOf(map, value)
    setPath(nested, map.path, key)
    for (const { path, referenced } of joins) if (row.values[path] === undefined) setPath(nested, path, partOf(key, referenced))
  }

  /** Values of join columns that only their relation gave. */
  joined(row: WriteRow, nested: Nested): Image {
    const image: Record<string, unknown> = {}
    for (const { map, joins } of toOnesOf(row.map).values()) {
      if (row.values[map.path] === undefined) continue
      for (const { path, referenced } of joins)
        if (row.values[path] === undefined) image[path] = partOf(readPath(nested, map.path), referenced)
    }
    return image
  }

  /** Notes a row as written, so that others can refer to it. */
  remember(row: WriteRow, nested: Nested, made: Image): void {
    for (const [path, value] of Object.entries(made)) setPath(nested, path, value)
    this.#written.set(row, nested)
  }

  #writtenOf(row: WriteRow): Nested | undefined {
    const made = this.#written.has(row) ? undefined : this.#made?.get(row)
    if (made !== undefined) this.remember(row, this.nest(row), made)
    return this.#written.get(row)
  }

  /** The key object a to-one leads to. */
  targetOf(relation: RelationMap, value: unknown): unknown {
    return value instanceof KeyOf ? this.#targetKey(relation, value) : value
  }

  /** The key to find the row by. */
  keyOf(row: WriteRow): Image {
    return row.key instanceof KeyOf ? this.#ownKey(row.map, row.key) : row.key!
  }

  /** The part of one side of a junction row that a column of the junction refers to. */
  junctionPart(side: unknown, column: ColumnMetadata): unknown {
    const referenced = column.referencedColumn!
    if (!(side instanceof KeyOf)) return partOf(side, referenced)
    const nested = this.#writtenOf(side.row)
    if (nested !== undefined) return partOf(nested, referenced)
    return this.#unknown(side, referenced.entityMetadata.name)
  }

  #targetKey(relation: RelationMap, key: KeyOf): Image {
    const nested = this.#writtenOf(key.row)
    const found = nested && relation.keyOf(nested)
    if (found !== undefined) return found
    const columns = relationOf(relation).joinColumns.map((column) => column.referencedColumn!)
    return this.#placeholders(key, columns, `${relation.owner.name}.${relation.path}`)
  }

  #ownKey(map: EntityMap, key: KeyOf): Image {
    const nested = this.#writtenOf(key.row)
    return (nested && map.keyOf(nested)) ?? this.#placeholders(key, metadataOf(map).primaryColumns, map.name)
  }

  #placeholders(key: KeyOf, columns: readonly ColumnMetadata[], place: string): Image {
    const image: Nested = {}
    for (const column of columns) setPath(image, column.propertyPath, this.#unknown(key, place))
    return image
  }

  #unknown(key: KeyOf, place: string): unknown {
    if (this.#placeholder === undefined) {
      throw new SessionError('RELATION_TARGET_UNSAVED', { relation: place, target: key.row.map.name })
    }
    return this.#placeholder(key)
  }
}

export function partOf(target: unknown, referenced: ColumnMetadata): unknown {
  return isObject(target) ? columnReader(referenced, true)(target) : target
}

export function readPath(nested: Nested, path: string): unknown {
  let value: unknown = nested
  for (const name of path.split('.')) value = (value as Nested | null | undefined)?.[name]
  return value
}
