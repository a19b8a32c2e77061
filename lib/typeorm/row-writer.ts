/**
 * Writes rows one by one, tells what the database made of each, and whether a row was gone.
 *
 * Knows no entity, only the rows' values. Invariant: statements go out one after another in the order of the rows, and none goes out after
 * one has missed its row.
 *
 * @module
 */
import type { QueryRunner } from 'typeorm'
import { SessionError } from '../core/errors.js'
import type { Image } from '../session/entity-map.js'
import type { WriteRow, WriteStep } from '../session/persistence.js'
import { metadataOf } from './entity-maps.js'
import { dataSourceOf, driverTypeOf, type ColumnMetadata } from './internals.js'
import { tellRows } from './refused-rows.js'
import { readPath, type Nested, type RowValues } from './row-values.js'
import { RowStatements, type RowStatement } from './row-statements.js'
import { isFinding, missingAmong, readColumns } from './stale-rows.js'
import { isKeptByTree, TreeWriter } from './tree-writer.js'
import type { WrittenRows } from './written-rows.js'

type Values = Record<string, unknown>
interface Sent {
  readonly raw?: unknown
  readonly affected?: number | null
}

export class RowWriter {
  readonly #runner: QueryRunner
  readonly #written: WrittenRows
  readonly #values: RowValues
  readonly #statements: RowStatements
  readonly #trees: TreeWriter

  constructor(runner: QueryRunner, written: WrittenRows) {
    this.#runner = runner
    this.#written = written
    this.#values = written.values
    this.#statements = new RowStatements(runner, this.#values)
    this.#trees = new TreeWriter(runner, this.#values)
  }

  /** @returns The rows that were gone or had another version; without `goesOn` those after the first are looked for, not written. */
  async writeAll(step: WriteStep, rows: readonly WriteRow[], goesOn: boolean): Promise<readonly WriteRow[]> {
    const missed: WriteRow[] = []
    for (const [index, row] of rows.entries()) {
      if (await this.#writeTold(step, row)) continue
      missed.push(row)
      if (!goesOn) return [row, ...(isFinding(step) ? await missingAmong(this.#runner, this.#values, rows.slice(index + 1)) : [])]
    }
    return missed
  }

  async #writeTold(step: WriteStep, row: WriteRow): Promise<boolean> {
    try {
      return await this.write(step, row)
    } catch (error) {
      tellRows(error, { step, rows: [row], values: this.#values })
      throw error
    }
  }

  /** @returns False where the row to write was gone or had another version. */
  async write(step: WriteStep, row: WriteRow): Promise<boolean> {
    if (isKeptByTree(step, row)) return this.#writeTree(step, row)
    const statement = this.#statements.of(step, row)
    const sent = (await statement.builder.execute()) as Sent
    if (step.kind === 'insert') await this.#inserted(row, statement, sent)
    if (!isFinding(step)) return true
    if (sent.affected === 0 && !(await this.#isUntouched(step, row))) return false
    if (step.kind !== 'delete') await this.#updated(step, row, { statement, sent })
    return true
  }

  async #writeTree(step: WriteStep, row: WriteRow): Promise<boolean> {
    const isPresent = step.kind === 'insert' || (await this.#isPresent(row))
    if (!isPresent) return false
    const made = await this.#trees.write(step.kind, row)
    if (step.kind !== 'delete') this.#note(row, this.#values.nest(row), made)
    return true
  }

  /** MySQL may be told to count only rows whose values really became others. */
  async #isUntouched(step: WriteStep, row: WriteRow): Promise<boolean> {
    if (step.kind === 'delete' || row.version !== undefined || !/mysql|mariadb/.test(driverTypeOf(dataSourceOf(this.#runner)!)))
      return false
    return this.#isPresent(row)
  }

  async #inserted(row: WriteRow, { nested, reads, builder }: RowStatement, { raw }: Sent): Promise<void> {
    const { driver } = dataSourceOf(this.#runner)!
    const { map } = row
    const metadata = metadataOf(map)
    const made: Values = {}
    const { versionColumn: version, discriminatorColumn } = metadata
    if (version !== undefined && readPath(nested, version.propertyPath) === undefined) made[version.propertyPath] = 1
    if (discriminatorColumn?.isVirtual === false) made[discriminatorColumn.propertyPath] = metadata.discriminatorValue
    if (driver.isReturningSqlSupported('insert')) Object.assign(made, this.#returned(reads, assertInserted(row, reads, raw)))
    else {
      const told = driver.createGeneratedMap(metadata, raw, 0, 1) ?? {}
      const local = (builder as unknown as { expressionMap: { locallyGenerated: Record<number, object> } }).expressionMap
        .locallyGenerated[0]
      for (const column of metadata.generatedColumns) {
        const value: unknown = (local && column.getEntityValue(local)) ?? column.getEntityValue(told)
        if (value !== undefined && readPath(nested, column.propertyPath) === undefined)
          made[column.propertyPath] = driver.prepareHydratedValue(value, column) as unknown
      }
    }
    this.#note(row, nested, made)
    if (reads.length > 0 && !driver.isReturningSqlSupported('insert')) await this.#readBack(row, nested, reads)
  }

  async #updated(step: WriteStep, row: WriteRow, { statement, sent }: { statement: RowStatement; sent: Sent }): Promise<void> {
    const { nested, reads } = statement
    const { map } = row
    const made: Values = {}
    if (map.version !== undefined && typeof row.version === 'number' && !row.isSupplement && row.values[map.version.path] === undefined)
      made[map.version.path] = row.version + 1
    if (step.kind === 'recover') made[map.deleteDate!.path] = null
    const isReturning = dataSourceOf(this.#runner)!.driver.isReturningSqlSupported('update')
    if (isReturning) Object.assign(made, this.#returned(reads, sent.raw))
    this.#note(row, nested, made)
    if (reads.length > 0 && !isReturning) await this.#readBack(row, nested, reads)
  }

  /** One row per statement, so that the first is the row. */
  #returned(reads: readonly ColumnMetadata[], raw: unknown): Values {
    const { driver } = dataSourceOf(this.#runner)!
    const first = (Array.isArray(raw) ? (raw[0] as unknown) : raw) as Values | undefined
    if (first === undefined) return {}
    return Object.fromEntries(
      reads.map((column) => [column.propertyPath, driver.prepareHydratedValue(first[column.databaseName], column) as unknown]),
    )
  }

  async #readBack(row: WriteRow, nested: Nested, reads: readonly ColumnMetadata[]): Promise<void> {
    const key = row.key === undefined ? row.map.keyOf(nested) : this.#values.keyOf(row)
    const found = key && (await readColumns(this.#runner, { metadata: metadataOf(row.map), key }, reads))
    if (found !== undefined) this.#note(row, nested, found)
  }

  #note(row: WriteRow, nested: Nested, made: Image): void {
    this.#written.note(row, nested, made)
  }

  async #isPresent(row: WriteRow): Promise<boolean> {
    return (await missingAmong(this.#runner, this.#values, [row])).length === 0
  }
}

/** A trigger may have swallowed the row. */
function assertInserted({ map }: WriteRow, reads: readonly ColumnMetadata[], raw: unknown): unknown {
  if (reads.length > 0 && Array.isArray(raw) && raw.length === 0)
    throw new SessionError('ROWS_NOT_INSERTED', { entity: map.name, sent: 1, inserted: 0 })
  return raw
}
