/**
 * Turns the values that rows have for a column into what a set of rows carries.
 *
 * Knows no SQL beyond names, and not which columns are wanted. Invariant: a column holds one value for each row, in the order of the rows.
 *
 * @module
 */
import type { DataSource } from 'typeorm'
import type { EntityMap } from '../../session/entity-map.js'
import type { WriteRow } from '../../session/persistence.js'
import { metadataOf } from '../entity-maps.js'
import type { ColumnMetadata } from '../internals.js'
import { UnknownKey, type RowValues } from '../row-values.js'
import { cellsOf, keyReaders, readCell, type Cell } from './row-cells.js'
import { Unsendable, type FixedColumn, type FixedValue, type SetBatch, type SetColumn, type SetStrategy } from './set-strategy.js'

export interface Source {
  readonly column: ColumnMetadata
  readonly role: 'key' | 'value'
  /** Whether nothing is not nothing any more once it was transformed. */
  readonly makesSomething?: boolean
  read(row: WriteRow): unknown
}

/** 2 ** 53 - 1 is the last whole number that JSON and JavaScript agree on. */
const MASK_BITS = 52

export class SetColumns {
  readonly #dataSource: DataSource
  readonly #strategy: SetStrategy
  readonly #values: RowValues

  constructor(dataSource: DataSource, strategy: SetStrategy, values: RowValues) {
    this.#dataSource = dataSource
    this.#strategy = strategy
    this.#values = values
  }

  /** The cells that any of the rows gives a value for. */
  given(map: EntityMap, rows: readonly WriteRow[], isWritable: (column: ColumnMetadata) => boolean): readonly Cell[] {
    const { all, byPath } = cellsOf(map)
    const paths = new Set<string>()
    for (const { values } of rows) for (const path in values) paths.add(path)
    const found = new Set([...paths].flatMap((path) => byPath.get(path) ?? []))
    return all.filter(({ column }, index) => found.has(index) && isWritable(column))
  }

  /** Undefined where every row gives all of the cells. */
  masks(cells: readonly Cell[], rows: readonly WriteRow[]): readonly number[] | undefined {
    const full = 2 ** cells.length - 1
    const masks = rows.map((row) => {
      let mask = 0
      for (const [index, cell] of cells.entries()) if (isGivenIn(row, cell)) mask += 2 ** index
      return mask
    })
    if (masks.every((mask) => mask === full)) return undefined
    if (cells.length > MASK_BITS) throw new Unsendable(`more than ${MASK_BITS} columns, not the same ones in all rows`)
    return masks
  }

  finding(map: EntityMap, rows: readonly WriteRow[]): Pick<SetBatch, 'keys' | 'version'> {
    const keys = keyReaders(map).map(({ column, read }) =>
      this.column({ column, role: 'key', read: (row) => read(row, this.#values) }, rows),
    )
    const { versionColumn } = metadataOf(map)
    if (versionColumn === undefined || rows[0]!.version === undefined) return { keys, version: undefined }
    return { keys, version: this.column({ column: versionColumn, role: 'key', read: (row) => row.version }, rows) }
  }

  sourceOf(cell: Cell): Source {
    return { column: cell.column, role: 'value', read: (row) => readCell(cell, row, this.#values) }
  }

  column({ column, role, read, makesSomething = false }: Source, rows: readonly WriteRow[]): SetColumn {
    const { driver } = this.#dataSource
    const codec = this.#strategy.codecOf(column, role)
    const values = rows.map((row) => {
      const value = read(row)
      if ((value === undefined && !makesSomething) || (value === null && (column.transformer === undefined || role === 'key'))) return null
      if (typeof value === 'function') throw new Unsendable('a value given as SQL')
      if (value instanceof UnknownKey) return String(value)
      const prepared: unknown = driver.preparePersistentValue(value, column)
      return prepared === undefined || prepared === null ? null : codec.encode(prepared)
    })
    return { name: driver.escape(column.databaseName), codec, values }
  }

  /** What a row leaves out is null in a set, where alone it would be what the table says. */
  insertedColumn(cell: Cell, rows: readonly WriteRow[]): SetColumn {
    const column = this.column({ ...this.sourceOf(cell), makesSomething: this.isTransformed(cell) }, rows)
    if (!cell.column.isNullable && column.values.includes(null)) throw new Unsendable('a row without a value that it needs')
    return column
  }

  /** A transformer may make something of nothing. */
  isTransformed({ column }: Cell): boolean {
    if (column.transformer === undefined) return false
    const made: unknown = this.#dataSource.driver.preparePersistentValue(undefined, column)
    return made !== undefined && made !== null
  }

  drawnColumn(column: ColumnMetadata, drawn: readonly unknown[]): SetColumn {
    const { driver } = this.#dataSource
    const codec = this.#strategy.codecOf(column, 'value')
    const values = drawn.map((value) => codec.encode(driver.preparePersistentValue(value, column)))
    return { name: driver.escape(column.databaseName), codec, values }
  }

  fixed(column: ColumnMetadata, fixed: FixedValue): FixedColumn {
    return { name: this.#dataSource.driver.escape(column.databaseName), fixed }
  }
}

export function isGivenIn({ values }: WriteRow, { path, relation }: Cell): boolean {
  return (path !== undefined && values[path] !== undefined) || (relation !== undefined && values[relation.path] !== undefined)
}
