/**
 * Which stored columns the values of rows go to, and each column's value for a row.
 *
 * Sends nothing and encodes nothing. Invariant: a join column that is a property of its own follows its relation, unless it was given itself.
 *
 * @module
 */
import type { EntityMap, RelationMap } from '../../session/entity-map.js'
import type { WriteRow } from '../../session/persistence.js'
import { columnOf } from '../column-maps.js'
import { metadataOf } from '../entity-maps.js'
import type { ColumnMetadata } from '../internals.js'
import { columnReader, isBareJoinColumn } from '../property-access.js'
import { relationOf } from '../relation-maps.js'
import { partOf, type RowValues } from '../row-values.js'

/** One stored column, and where in a row's values it is found. */
export interface Cell {
  readonly column: ColumnMetadata
  /** Of the column's own property. */
  readonly path: string | undefined
  /** The relation whose key it is part of. */
  readonly relation: RelationMap | undefined
}

export interface Cells {
  readonly all: readonly Cell[]
  /** Positions in `all`, by the paths that rows use. */
  readonly byPath: ReadonlyMap<string, readonly number[]>
}

const cellsByMap = new WeakMap<EntityMap, Cells>()

export function cellsOf(map: EntityMap): Cells {
  let cells = cellsByMap.get(map)
  if (cells === undefined) cellsByMap.set(map, (cells = makeCells(map)))
  return cells
}

function makeCells(map: EntityMap): Cells {
  const relations = new Map<ColumnMetadata, RelationMap>()
  for (const relation of map.toOnes) for (const column of relationOf(relation).joinColumns) relations.set(column, relation)
  const own = map.columns.map((one): Cell => ({ column: columnOf(one), path: one.path, relation: relations.get(columnOf(one)) }))
  const owned = new Set(own.map(({ column }) => column))
  const bare = [...relations].filter(([column]) => !owned.has(column))
  const all = [...own, ...bare.map(([column, relation]): Cell => ({ column, path: undefined, relation }))]
  const byPath = new Map<string, number[]>()
  const put = (path: string, index: number) => byPath.set(path, [...(byPath.get(path) ?? []), index])
  all.forEach(({ path, relation }, index) => {
    if (path !== undefined) put(path, index)
    if (relation !== undefined && relation.path !== path) put(relation.path, index)
  })
  return { all, byPath }
}

/** The column's value in the form entities have; undefined where the row does not give it. */
export function readCell({ column, path, relation }: Cell, row: WriteRow, values: RowValues): unknown {
  const own = path === undefined ? undefined : row.values[path]
  if (own !== undefined || relation === undefined) return own
  const target = row.values[relation.path]
  if (target === undefined || target === null) return target
  return partOf(values.targetOf(relation, target), column.referencedColumn!)
}

/** Reads the parts of the keys that rows are found by. */
export function keyReaders(
  map: EntityMap,
): readonly { readonly column: ColumnMetadata; read(row: WriteRow, values: RowValues): unknown }[] {
  return metadataOf(map).primaryColumns.map((column) => {
    const read = columnReader(column, true)
    return { column, read: (row, values) => read(values.keyOf(row)) }
  })
}

/** Columns of a relation that are properties of their own get a value by it that entities have to be told. */
export function hasOwnJoinColumns(map: EntityMap): boolean {
  return map.toOnes.some((relation) => relationOf(relation).joinColumns.some((column) => !isBareJoinColumn(column)))
}
