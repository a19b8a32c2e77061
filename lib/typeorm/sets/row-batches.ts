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
import type { RowValues } from '../row-values.js'
import { cellsOf, type Cell } from './row-cells.js'
import { isGivenIn, SetColumns, type Source } from './set-columns.js'
import { Unsendable, type FixedColumn, type FixedValue, type SetBatch, type SetStrategy } from './set-strategy.js'

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

/** Classes whose generated keys have once not counted up. */
const uncounted = new WeakSet<EntityMap>()
/** Classes whose rows once could not be locked: those of views that do not show rows of a table as they are. */
const unlockable = new WeakSet<EntityMap>()

export function insertAloneFromNowOn(map: EntityMap): void {
  uncounted.add(map)
}

export function changeAloneFromNowOn(map: EntityMap): void {
  unlockable.add(map)
}

export class RowBatches {
  readonly #dataSource: DataSource
  readonly #strategy: SetStrategy
  readonly #values: RowValues
  readonly #columns: SetColumns

  constructor(dataSource: DataSource, strategy: SetStrategy, values: RowValues) {
    this.#dataSource = dataSource
    this.#strategy = strategy
    this.#values = values
    this.#columns = new SetColumns(dataSource, strategy, values)
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
    if (relation === undefined && unlockable.has(map)) throw new Unsendable('rows that cannot be locked')
    if (relation !== undefined) return grouped(rows, ({ values }) => `${'owner' in values} ${'inverse' in values}`)
    const unmaskable = kind === 'delete' ? [] : this.#unmaskable(map, rows)
    if (map.version === undefined && unmaskable.length === 0) return [rows]
    return grouped(rows, (row) => `${row.version === undefined} ${unmaskable.map((cell) => isGivenIn(row, cell)).join()}`)
  }

  #unmaskable(map: EntityMap, rows: readonly WriteRow[]): readonly Cell[] {
    const given = this.#columns.given(map, rows, (column) => column.isUpdate)
    return given.filter(({ column }) => this.#strategy.codecOf(column, 'value').isMaskable === false)
  }

  /** A column that the database fills in, by a default of which the entity may know nothing, is named for all rows of a statement, or for none. */
  #sameDefaults(map: EntityMap, rows: readonly WriteRow[]): Iterable<readonly WriteRow[]> {
    const { all } = cellsOf(map)
    const filled = all.filter(({ column }) => columnMapOf(column).isFilledIn || (this.#strategy.hasOwnDefaults && column.isInsert))
    const left = filled.filter((cell) => !this.#columns.isTransformed(cell))
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
    const given = this.#columns.given(map, group, (column) => column.isInsert)
    const isGiven = new Set(given.map(({ column }) => column))
    const transformed = cellsOf(map).all.filter(
      (cell) => cell.column.isInsert && !isGiven.has(cell.column) && this.#columns.isTransformed(cell),
    )
    const isMissing = (cell: Cell | undefined) =>
      cell === undefined || (this.#columns.isTransformed(cell) && !group.every((row) => isGivenIn(row, cell)))
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
        ...given.map((cell) => this.#columns.insertedColumn(cell, rows)),
        ...transformed.map((cell) => this.#columns.insertedColumn(cell, rows)),
        ...drawn.map((column) => this.#columns.drawnColumn(column, made.get(column.propertyPath)!)),
      ]
      const returned = reads.length === 0 ? [] : counted === undefined ? [...metadata.primaryColumns, ...reads] : reads
      return this.#rowBatch({ kind: 'insert', map, rows, returned, reads, counted, made }, { columns, fixed })
    }
  }

  #insertedAlike({ versionColumn, discriminatorColumn, discriminatorValue }: EntityMetadata, given: Set<ColumnMetadata>): FixedColumn[] {
    const fixed: FixedColumn[] = []
    if (versionColumn !== undefined && !given.has(versionColumn)) fixed.push(this.#columns.fixed(versionColumn, { value: 1 }))
    if (discriminatorColumn !== undefined) fixed.push(this.#columns.fixed(discriminatorColumn, { value: discriminatorValue }))
    return fixed
  }

  #updateMaker({ map, kind }: WriteStep, group: readonly WriteRow[]): (rows: readonly WriteRow[]) => RowBatch {
    const metadata = metadataOf(map)
    const given = this.#columns.given(map, group, (column) => column.isUpdate)
    const isGiven = new Set(given.map(({ column }) => column))
    const rules = updateRules(metadata, kind, group[0]!.isSupplement)
    if (given.length === 0 && (kind === 'update' || rules.size === 0)) throw new Unsendable('rows without a value')
    const fixed = [...rules].filter(([column]) => !isGiven.has(column)).map(([column, rule]) => this.#columns.fixed(column, rule))
    const [first] = group as [WriteRow]
    const isAlwaysGiven = (column: ColumnMetadata) =>
      isGiven.has(column) && given.some((cell) => cell.column === column && group.every((row) => isGivenIn(row, cell)))
    const isRead = (column: ColumnMetadata) =>
      column.asExpression !== undefined ||
      (!first.isSupplement && isReadAfterUpdate(column, first, rules.get(column)) && !isAlwaysGiven(column))
    const reads = map.columns.map(columnOf).filter(isRead)
    return (rows) => {
      const sources = given.map((cell) => this.#columns.sourceOf(cell))
      const columns = sources.map((source) => ({ ...this.#columns.column(source, rows), otherwise: rules.get(source.column) }))
      const masks = given.length === 0 ? undefined : this.#columns.masks(given, rows)
      const finding = this.#columns.finding(map, rows)
      return this.#rowBatch(
        { kind: 'update', map, rows, reads, ...this.#told('update', { ...finding, reads }, metadata) },
        { ...finding, columns, masks, fixed },
      )
    }
  }

  #delete({ map }: WriteStep, rows: readonly WriteRow[]): RowBatch {
    const finding = this.#columns.finding(map, rows)
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
      const columns = sources.map((source) => this.#columns.column(source, rows))
      const parts = kind === 'link' ? { columns } : { keys: columns }
      return this.#rowBatch({ kind: kind === 'link' ? 'insert' : 'delete', map, rows, metadata }, parts)
    }
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
