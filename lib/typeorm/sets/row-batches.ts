/**
 * Turns the rows of one step into batches, each of them one statement: which columns, which values, what is asked back.
 *
 * Knows no SQL beyond names. Invariant: a batch holds all its rows' values when it is made, and rows that cannot travel together go into
 * batches of their own or are refused as a whole before the first is sent.
 *
 * @module
 */
import { randomUUID } from 'node:crypto'
import type { DataSource, EntityMetadata } from 'typeorm'
import type { EntityMap } from '../../session/entity-map.js'
import type { WriteRow, WriteStep } from '../../session/persistence.js'
import { columnMapOf, columnOf } from '../column-maps.js'
import { metadataOf } from '../entity-maps.js'
import type { ColumnMetadata } from '../internals.js'
import { relationOf } from '../relation-maps.js'
import { UnknownKey, type RowValues } from '../row-values.js'
import { cellsOf, keyReaders, readCell, type Cell } from './row-cells.js'
import { Unsendable, type FixedColumn, type FixedValue, type SetBatch, type SetColumn, type SetStrategy } from './set-strategy.js'

/** A batch with what is needed to understand its answer. */
export interface RowBatch {
  readonly kind: 'insert' | 'update' | 'delete'
  readonly map: EntityMap
  readonly rows: readonly WriteRow[]
  readonly batch: SetBatch
  /** The columns of `batch.returning`; the first ones are the key where rows are told by key. */
  readonly returned: readonly ColumnMetadata[]
  /** Of those, what only the database knows. */
  readonly reads: readonly ColumnMetadata[]
  /** Of an insert: the key column that counts up, by which rows that come back are told apart. */
  readonly counted: ColumnMetadata | undefined
  /** Values made here, by property path, one for each row. */
  readonly made: ReadonlyMap<string, readonly unknown[]>
}

interface Source {
  readonly column: ColumnMetadata
  readonly role: 'key' | 'value'
  /** Whether nothing is not nothing any more once it was transformed. */
  readonly makesSomething?: boolean
  read(row: WriteRow): unknown
}

/** 2 ** 53 - 1 is the last whole number that JSON and JavaScript agree on. */
const MASK_BITS = 52

/** Classes whose generated keys have once not counted up. */
const uncounted = new WeakSet<EntityMap>()

export function goAloneFromNowOn(map: EntityMap): void {
  uncounted.add(map)
}

export class RowBatches {
  readonly #dataSource: DataSource
  readonly #strategy: SetStrategy
  readonly #values: RowValues

  constructor(dataSource: DataSource, strategy: SetStrategy, values: RowValues) {
    this.#dataSource = dataSource
    this.#strategy = strategy
    this.#values = values
  }

  /** @throws {Unsendable} before the first batch of a group is given, or for a value later on. */
  *of(step: WriteStep): Generator<RowBatch> {
    const heavy: WriteRow[] = []
    for (const rows of this.#groups(step)) {
      const make = this.#makerFor(step, rows)
      for (let start = 0; start < rows.length; start += this.#strategy.maxRows)
        yield* this.#fitting(rows.slice(start, start + this.#strategy.maxRows), make, heavy)
    }
    if (heavy.length > 0) throw new Unsendable('a row too heavy for a set')
  }

  /** Halves what is too heavy for one statement; a row that is so by itself is left for the end. */
  *#fitting(rows: readonly WriteRow[], make: (rows: readonly WriteRow[]) => RowBatch, heavy: WriteRow[]): Generator<RowBatch> {
    const made = make(rows)
    if (this.#weightOf(made.batch) <= this.#strategy.maxWeight) return yield made
    if (rows.length === 1) return void heavy.push(...rows)
    const middle = rows.length >> 1
    yield* this.#fitting(rows.slice(0, middle), make, heavy)
    yield* this.#fitting(rows.slice(middle), make, heavy)
  }

  #weightOf({ keys, version, columns }: SetBatch): number {
    let weight = 0
    for (const { values } of [...keys, ...(version === undefined ? [] : [version]), ...columns])
      for (const value of values) weight += this.#strategy.weigh(value)
    return weight
  }

  // ---- which rows go together

  #groups({ kind, map, relation, rows }: WriteStep): Iterable<readonly WriteRow[]> {
    if (kind === 'insert') return this.#sameDefaults(map, rows)
    if (relation !== undefined) return grouped(rows, ({ values }) => `${'owner' in values} ${'inverse' in values}`)
    const unmaskable = kind === 'delete' ? [] : this.#unmaskable(map, rows)
    if (map.version === undefined && unmaskable.length === 0) return [rows]
    return grouped(rows, (row) => `${row.version === undefined} ${unmaskable.map((cell) => isGivenIn(row, cell)).join()}`)
  }

  #unmaskable(map: EntityMap, rows: readonly WriteRow[]): readonly Cell[] {
    const given = this.#given(map, rows, (column) => column.isUpdate)
    return given.filter(({ column }) => this.#strategy.codecOf(column, 'value').isMaskable === false)
  }

  /** A column that the database fills in, by a default of which the entity may know nothing, is named for all rows of a statement, or for none. */
  #sameDefaults(map: EntityMap, rows: readonly WriteRow[]): Iterable<readonly WriteRow[]> {
    const { all } = cellsOf(map)
    const filled = all.filter(({ column }) => columnMapOf(column).isFilledIn || (this.#strategy.hasOwnDefaults && column.isInsert))
    const left = filled.filter((cell) => !this.#isTransformed(cell))
    if (left.length === 0) return [rows]
    return grouped(rows, (row) => left.map((cell) => (isGivenIn(row, cell) ? '1' : '0')).join(''))
  }

  // ---- making one

  #makerFor(step: WriteStep, group: readonly WriteRow[]): (rows: readonly WriteRow[]) => RowBatch {
    const { kind, relation } = step
    if (relation !== undefined) return this.#junctionMaker(step, group)
    if (kind === 'insert') return this.#insertMaker(step, group)
    return kind === 'delete' ? (rows) => this.#delete(step, rows) : this.#updateMaker(step, group)
  }

  #insertMaker({ map }: WriteStep, group: readonly WriteRow[]): (rows: readonly WriteRow[]) => RowBatch {
    const metadata = metadataOf(map)
    const given = this.#given(map, group, (column) => column.isInsert)
    const isGiven = new Set(given.map(({ column }) => column))
    const transformed = cellsOf(map).all.filter((cell) => cell.column.isInsert && !isGiven.has(cell.column) && this.#isTransformed(cell))
    const isMissing = (cell: Cell | undefined) =>
      cell === undefined || (this.#isTransformed(cell) && !group.every((row) => isGivenIn(row, cell)))
    const missing = map.columns
      .map(columnOf)
      .filter((column) => columnMapOf(column).isFilledIn && isMissing(given.find((cell) => cell.column === column)))
    const drawn = missing.filter((column) => column.isGenerated && column.generationStrategy === 'uuid')
    const reads = missing.filter((column) => !column.isVersion && !column.isDiscriminator && !drawn.includes(column))
    for (const column of isGiven) if (column.generatedIdentity === 'ALWAYS') throw new Unsendable('a given key that is always generated')
    const counted = reads.find((column) => column.isPrimary)
    if (counted !== undefined && (!counted.isGenerated || reads.some((column) => column.isPrimary && column !== counted)))
      throw new Unsendable('a key that the database makes by a default')
    if (counted !== undefined && uncounted.has(map)) throw new Unsendable('keys that do not count up')
    if (reads.length > 0 && this.#strategy.tellsBy('insert', NO_KEYS) === undefined)
      throw new Unsendable('values that this database does not give back')
    const fixed = this.#insertedAlike(metadata, isGiven)
    if (given.length + transformed.length + drawn.length === 0) throw new Unsendable('rows without a value')
    return (rows) => {
      const made = new Map(drawn.map((column) => [column.propertyPath, rows.map(() => randomUUID() as unknown)]))
      const columns = [
        ...given.map((cell) => this.#insertedColumn(cell, rows)),
        ...transformed.map((cell) => this.#insertedColumn(cell, rows)),
        ...drawn.map((column) => this.#drawnColumn(column, made.get(column.propertyPath)!)),
      ]
      const returned = reads.length === 0 ? [] : counted === undefined ? [...metadata.primaryColumns, ...reads] : reads
      return this.#rowBatch({ kind: 'insert', map, rows, returned, reads, counted, made }, { columns, fixed })
    }
  }

  #insertedAlike({ versionColumn, discriminatorColumn, discriminatorValue }: EntityMetadata, given: Set<ColumnMetadata>): FixedColumn[] {
    const fixed: FixedColumn[] = []
    if (versionColumn !== undefined && !given.has(versionColumn)) fixed.push(this.#fixed(versionColumn, { value: 1 }))
    if (discriminatorColumn !== undefined) fixed.push(this.#fixed(discriminatorColumn, { value: discriminatorValue }))
    return fixed
  }

  #updateMaker({ map, kind }: WriteStep, group: readonly WriteRow[]): (rows: readonly WriteRow[]) => RowBatch {
    const metadata = metadataOf(map)
    const given = this.#given(map, group, (column) => column.isUpdate)
    const isGiven = new Set(given.map(({ column }) => column))
    const rules = updateRules(metadata, kind, group[0]!.isSupplement)
    if (given.length === 0 && (kind === 'update' || rules.size === 0)) throw new Unsendable('rows without a value')
    const fixed = [...rules].filter(([column]) => !isGiven.has(column)).map(([column, rule]) => this.#fixed(column, rule))
    const [first] = group as [WriteRow]
    const isAlwaysGiven = (column: ColumnMetadata) =>
      isGiven.has(column) && given.some((cell) => cell.column === column && group.every((row) => isGivenIn(row, cell)))
    const isRead = (column: ColumnMetadata) =>
      column.asExpression !== undefined ||
      (!first.isSupplement && isReadAfterUpdate(column, first, rules.get(column)) && !isAlwaysGiven(column))
    const reads = map.columns.map(columnOf).filter(isRead)
    return (rows) => {
      const sources = given.map((cell) => this.#sourceOf(cell))
      const columns = sources.map((source) => ({ ...this.#column(source, rows), otherwise: rules.get(source.column) }))
      const masks = given.length === 0 ? undefined : this.#masks(given, rows)
      const finding = this.#finding(map, rows)
      return this.#rowBatch(
        { kind: 'update', map, rows, reads, ...this.#told('update', { ...finding, reads }, metadata) },
        { ...finding, columns, masks, fixed },
      )
    }
  }

  #delete({ map }: WriteStep, rows: readonly WriteRow[]): RowBatch {
    const finding = this.#finding(map, rows)
    const told = this.#told('delete', { ...finding, reads: [] }, metadataOf(map))
    return this.#rowBatch({ kind: 'delete', map, rows, ...told }, finding)
  }

  #junctionMaker({ kind, map, relation }: WriteStep, group: readonly WriteRow[]): (rows: readonly WriteRow[]) => RowBatch {
    const metadata = relationOf(relation!).junctionEntityMetadata!
    const { values } = group[0]!
    const role = kind === 'link' ? 'value' : 'key'
    const sources = (['owner', 'inverse'] as const)
      .filter((side) => side in values)
      .flatMap((side) =>
        metadata[`${side}Columns`].map((column): Source => ({
          column,
          role,
          read: (row) => this.#values.junctionPart(row.values[side], column),
        })),
      )
    return (rows) => {
      const columns = sources.map((source) => this.#column(source, rows))
      const parts = kind === 'link' ? { columns } : { keys: columns }
      return this.#rowBatch({ kind: kind === 'link' ? 'insert' : 'delete', map, rows, metadata }, parts)
    }
  }

  #rowBatch(
    {
      kind,
      map,
      rows,
      metadata = metadataOf(map),
      returned = [],
      reads = [],
      ...rest
    }: Pick<RowBatch, 'kind' | 'map' | 'rows'> &
      Partial<Pick<RowBatch, 'returned' | 'reads' | 'counted' | 'made'>> & { metadata?: EntityMetadata; tells?: boolean },
    parts: Partial<SetBatch>,
  ): RowBatch {
    const { driver } = this.#dataSource
    const batch: SetBatch = {
      table: metadata.tablePath
        .split('.')
        .map((part) => (part === '' ? part : driver.escape(part)))
        .join('.'),
      size: rows.length,
      keys: [],
      isUnique: metadata === metadataOf(map),
      version: undefined,
      columns: [],
      masks: undefined,
      fixed: [],
      only: kind === 'insert' || metadata !== metadataOf(map) ? undefined : this.#discriminators(metadata),
      returning: returned.map((column) => driver.escape(column.databaseName)),
      tells: rest.tells ?? false,
      ...parts,
    }
    return { kind, map, rows, batch, returned, reads, counted: rest.counted, made: rest.made ?? NOTHING_MADE }
  }

  #discriminators({
    discriminatorColumn,
    parentEntityMetadata,
    discriminatorValue,
    childEntityMetadatas,
  }: EntityMetadata): SetBatch['only'] {
    if (discriminatorColumn === undefined || (parentEntityMetadata as EntityMetadata | undefined) === undefined) return undefined
    const values = [discriminatorValue, ...childEntityMetadatas.map((child) => child.discriminatorValue)]
    return { name: this.#dataSource.driver.escape(discriminatorColumn.databaseName), values }
  }

  // ---- columns

  /** The cells that any of the rows gives a value for. */
  #given(map: EntityMap, rows: readonly WriteRow[], isWritable: (column: ColumnMetadata) => boolean): readonly Cell[] {
    const { all, byPath } = cellsOf(map)
    const paths = new Set<string>()
    for (const { values } of rows) for (const path in values) paths.add(path)
    const found = new Set([...paths].flatMap((path) => byPath.get(path) ?? []))
    return all.filter(({ column }, index) => found.has(index) && isWritable(column))
  }

  /** Undefined where every row gives all of the cells. */
  #masks(cells: readonly Cell[], rows: readonly WriteRow[]): readonly number[] | undefined {
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

  #finding(map: EntityMap, rows: readonly WriteRow[]): Pick<SetBatch, 'keys' | 'version'> {
    const keys = keyReaders(map).map(({ column, read }) =>
      this.#column({ column, role: 'key', read: (row) => read(row, this.#values) }, rows),
    )
    const { versionColumn } = metadataOf(map)
    if (versionColumn === undefined || rows[0]!.version === undefined) return { keys, version: undefined }
    return { keys, version: this.#column({ column: versionColumn, role: 'key', read: (row) => row.version }, rows) }
  }

  /** Whether found rows are told, and by which columns. */
  #told(
    kind: 'update' | 'delete',
    { reads, ...finding }: Pick<SetBatch, 'keys' | 'version'> & { reads: readonly ColumnMetadata[] },
    { primaryColumns }: EntityMetadata,
  ): { tells: boolean; returned: readonly ColumnMetadata[] } {
    const by = this.#strategy.tellsBy(kind, finding)
    const tells = by !== undefined && (kind === 'delete' || finding.version !== undefined || reads.length > 0)
    if (!tells) return { tells, returned: [] }
    return { tells, returned: by === 'key' ? [...primaryColumns, ...reads] : reads }
  }

  #sourceOf(cell: Cell): Source {
    return { column: cell.column, role: 'value', read: (row) => readCell(cell, row, this.#values) }
  }

  #column({ column, role, read, makesSomething = false }: Source, rows: readonly WriteRow[]): SetColumn {
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
  #insertedColumn(cell: Cell, rows: readonly WriteRow[]): SetColumn {
    const column = this.#column({ ...this.#sourceOf(cell), makesSomething: this.#isTransformed(cell) }, rows)
    if (!cell.column.isNullable && column.values.includes(null)) throw new Unsendable('a row without a value that it needs')
    return column
  }

  /** A transformer may make something of nothing. */
  #isTransformed({ column }: Cell): boolean {
    if (column.transformer === undefined) return false
    const made: unknown = this.#dataSource.driver.preparePersistentValue(undefined, column)
    return made !== undefined && made !== null
  }

  #drawnColumn(column: ColumnMetadata, drawn: readonly unknown[]): SetColumn {
    const { driver } = this.#dataSource
    const codec = this.#strategy.codecOf(column, 'value')
    const values = drawn.map((value) => codec.encode(driver.preparePersistentValue(value, column)))
    return { name: driver.escape(column.databaseName), codec, values }
  }

  #fixed(column: ColumnMetadata, fixed: FixedValue): FixedColumn {
    return { name: this.#dataSource.driver.escape(column.databaseName), fixed }
  }
}

const NO_KEYS = { keys: [], version: undefined }
const NOTHING_MADE: ReadonlyMap<string, readonly unknown[]> = new Map()

function grouped(rows: readonly WriteRow[], nameOf: (row: WriteRow) => string): Iterable<readonly WriteRow[]> {
  const groups = new Map<string, WriteRow[]>()
  for (const row of rows) {
    const name = nameOf(row)
    const group = groups.get(name)
    if (group === undefined) groups.set(name, [row])
    else group.push(row)
  }
  return groups.values()
}

function isGivenIn({ values }: WriteRow, { path, relation }: Cell): boolean {
  return (path !== undefined && values[path] !== undefined) || (relation !== undefined && values[relation.path] !== undefined)
}

/** What happens to columns by the mere fact of an update. */
function updateRules(
  { versionColumn, updateDateColumn, deleteDateColumn }: EntityMetadata,
  kind: WriteStep['kind'],
  isSupplement: boolean,
): ReadonlyMap<ColumnMetadata, FixedValue> {
  const rules = new Map<ColumnMetadata, FixedValue>()
  if (versionColumn !== undefined) rules.set(versionColumn, isSupplement ? 'same' : 'increment')
  if (updateDateColumn !== undefined) rules.set(updateDateColumn, isSupplement ? 'same' : 'now')
  if (deleteDateColumn !== undefined && kind === 'softRemove') rules.set(deleteDateColumn, 'now')
  if (deleteDateColumn !== undefined && kind === 'recover') rules.set(deleteDateColumn, 'null')
  return rules
}

/** The version needs no reading where the old one is known. */
function isReadAfterUpdate(column: ColumnMetadata, { version }: WriteRow, rule: FixedValue | undefined): boolean {
  if (column.isVersion) return typeof version !== 'number'
  return column.isUpdateDate || column.onUpdate !== undefined || rule === 'now'
}
