/**
 * One statement for one row, made by TypeORM's public builders: insert, update, delete, and the rows of junctions.
 *
 * Sends nothing. Invariant: no listener hears of such a statement, and its condition is the row's whole key, with the version where one is
 * expected.
 *
 * @module
 */
import type { DataSource, EntityMetadata, QueryRunner, WhereExpressionBuilder } from 'typeorm'
import type { KeyOf, StepText, WriteRow, WriteStep } from '../session/persistence.js'
import { columnOf } from './column-maps.js'
import { metadataOf } from './entity-maps.js'
import { dataSourceOf, type ColumnMetadata } from './internals.js'
import { columnReader, setPath } from './property-access.js'
import { relationOf } from './relation-maps.js'
import { RowValues, readPath, type Nested } from './row-values.js'

export interface RowStatement {
  readonly builder: {
    execute(): Promise<unknown>
    getQueryAndParameters(): [string, unknown[]]
    setParameters(parameters: Record<string, unknown>): unknown
  }
  /** The values as the builder got them. */
  readonly nested: Nested
  /** Columns whose values the database makes and nobody knows without asking. */
  readonly reads: readonly ColumnMetadata[]
}

export class RowStatements {
  readonly #runner: QueryRunner
  readonly #values: RowValues
  readonly #dataSource: DataSource

  constructor(runner: QueryRunner, values: RowValues) {
    this.#runner = runner
    this.#values = values
    this.#dataSource = dataSourceOf(runner)!
  }

  of({ kind, relation }: Pick<WriteStep, 'kind' | 'relation'>, row: WriteRow): RowStatement {
    switch (kind) {
      case 'insert':
        return this.#insert(row)
      case 'delete':
        return this.#delete(row)
      case 'link':
      case 'unlink':
        return this.#junction(kind, row, relationOf(relation!).junctionEntityMetadata!)
      default:
        return this.#update(kind, row)
    }
  }

  #builder() {
    return this.#dataSource.createQueryBuilder(this.#runner)
  }

  #insert(row: WriteRow): RowStatement {
    const nested = this.#values.nest(row)
    const metadata = metadataOf(row.map)
    const builder = this.#builder()
      .insert()
      .into(metadata.target, columnsToName(metadata, nested))
      .values(nested)
      .updateEntity(false)
      .callListeners(false)
    const reads = row.map.columns.filter((column) => column.isFilledIn && isUnknown(readPath(nested, column.path))).map(columnOf)
    const isReturning = this.#dataSource.driver.isReturningSqlSupported('insert')
    const asked = reads.filter((column) => !isKnownAtOnce(column) && (isReturning || !isMadeHere(column)))
    if (isReturning) builder.returning(asked.map((column) => column.propertyPath))
    return { builder, nested, reads: asked }
  }

  #update(kind: string, row: WriteRow): RowStatement {
    const { map } = row
    const nested = this.#values.nest(row)
    if (kind === 'softRemove' && row.values[map.deleteDate!.path] === undefined)
      setPath(nested, map.deleteDate!.path, () => 'CURRENT_TIMESTAMP')
    if (kind === 'recover') setPath(nested, map.deleteDate!.path, null)
    const reads = updateReads(row, nested)
    if (row.isSupplement) for (const column of automaticOf(row)) setPath(nested, column.propertyPath, () => this.#escape(column))
    const builder = this.#builder().update(metadataOf(map).target).set(nested).updateEntity(false).callListeners(false)
    this.#find(builder, row)
    if (reads.length > 0 && this.#dataSource.driver.isReturningSqlSupported('update'))
      builder.returning(reads.map((column) => column.propertyPath))
    return { builder, nested, reads }
  }

  #delete(row: WriteRow): RowStatement {
    const builder = this.#builder().delete().from(metadataOf(row.map).target).callListeners(false)
    this.#find(builder, row)
    return { builder, nested: {}, reads: [] }
  }

  #junction(kind: 'link' | 'unlink', row: WriteRow, metadata: EntityMetadata): RowStatement {
    const nested: Nested = {}
    for (const [side, columns] of [
      ['owner', metadata.ownerColumns],
      ['inverse', metadata.inverseColumns],
    ] as const)
      if (side in row.values)
        for (const column of columns) nested[column.propertyName] = this.#values.junctionPart(row.values[side], column)
    if (kind === 'link') {
      const builder = this.#builder().insert().into(metadata.tablePath).values(nested).updateEntity(false).callListeners(false)
      return { builder, nested, reads: [] }
    }
    const builder = this.#builder().delete().from(metadata.tablePath).callListeners(false)
    this.#where(
      builder,
      metadata.columns.filter(({ propertyName }) => propertyName in nested).map((column) => [column, nested[column.propertyName]]),
    )
    return { builder, nested, reads: [] }
  }

  #find(builder: WhereExpressionBuilder, row: WriteRow): void {
    const { primaryColumns, versionColumn } = metadataOf(row.map)
    const key = this.#values.keyOf(row)
    const wanted: [ColumnMetadata, unknown][] = primaryColumns.map((column) => [column, columnReader(column, true)(key)])
    if (row.version !== undefined && versionColumn !== undefined) wanted.push([versionColumn, row.version])
    this.#where(builder, wanted)
  }

  #where(builder: WhereExpressionBuilder, wanted: readonly (readonly [ColumnMetadata, unknown])[]): void {
    const { driver } = this.#dataSource
    for (const [index, [column, value]] of wanted.entries()) {
      const name = `flushpoint_${index}`
      if (typeof value === 'function') builder.andWhere(`${this.#escape(column)} = ${(value as () => string)()}`)
      else builder.andWhere(`${this.#escape(column)} = :${name}`, { [name]: driver.preparePersistentValue(value, column) as unknown })
    }
  }

  #escape(column: ColumnMetadata): string {
    return this.#dataSource.driver.escape(column.databaseName)
  }
}

/** TypeORM drops values of generated columns on some databases unless every column is named. */
function columnsToName(metadata: EntityMetadata, nested: Nested): string[] | undefined {
  const isGiven = metadata.generatedColumns.some((column) => readPath(nested, column.propertyPath) !== undefined)
  if (!isGiven) return undefined
  const isNamed = (column: ColumnMetadata) =>
    column.isInsert && (!column.isGenerated || column.generationStrategy === 'uuid' || readPath(nested, column.propertyPath) !== undefined)
  return metadata.columns.filter(isNamed).map((column) => column.propertyPath)
}

/** Nobody gave it, or it was given as SQL. */
function isUnknown(value: unknown): boolean {
  return value === undefined || typeof value === 'function'
}

/** A first version is 1, and a discriminator belongs to the class. */
function isKnownAtOnce(column: ColumnMetadata): boolean {
  return column.isVersion || column.isDiscriminator
}

/** Told by the driver, or made by TypeORM, where the database cannot return it. */
function isMadeHere(column: ColumnMetadata): boolean {
  return column.isGenerated && column.generationStrategy !== 'rowid'
}

function automaticOf({ map }: WriteRow): ColumnMetadata[] {
  const { versionColumn, updateDateColumn } = metadataOf(map)
  return [versionColumn, updateDateColumn].filter((column) => column !== undefined)
}

/** The version needs no reading where the old one is known. */
function updateReads(row: WriteRow, nested: Nested): ColumnMetadata[] {
  return row.map.columns.map(columnOf).filter((column) => {
    const value = readPath(nested, column.propertyPath)
    if (column.asExpression !== undefined) return true
    if (typeof value === 'function') return column.relationMetadata === undefined
    if (value !== undefined || row.isSupplement) return false
    return column.isVersion ? typeof row.version !== 'number' : column.isUpdateDate || column.onUpdate !== undefined
  })
}

/** The statement of a step's first row, with `<key of …>` for keys that are not known yet. */
export function explainRow(runner: QueryRunner, step: WriteStep): Pick<StepText, 'sql' | 'parameters'> {
  const unknown: Record<string, unknown> = {}
  const values = new RowValues((key: KeyOf) => {
    const name = `flushpoint_key_${Object.keys(unknown).length}`
    unknown[name] = String(key)
    return () => `:${name}`
  })
  const { builder } = new RowStatements(runner, values).of(step, step.rows[0]!)
  builder.setParameters(unknown)
  const [sql, parameters] = builder.getQueryAndParameters()
  return { sql, parameters }
}
