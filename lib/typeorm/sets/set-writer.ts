/**
 * Sends the rows of a step in as few statements as the database takes, and understands what comes back.
 *
 * Makes no SQL. Invariant: what comes back is attached by number or key, never by its position; only keys that count up are told apart by
 * their order, which is that of the batch.
 *
 * @module
 */
import { QueryFailedError, type DataSource, type QueryRunner } from 'typeorm'
import { SessionError } from '../../core/errors.js'
import type { EntityMap } from '../../session/entity-map.js'
import type { WriteRow, WriteStep } from '../../session/persistence.js'
import { metadataOf } from '../entity-maps.js'
import { dataSourceOf, type ColumnMetadata } from '../internals.js'
import { tellRows } from '../refused-rows.js'
import { readColumns } from '../stale-rows.js'
import type { WrittenRows } from '../written-rows.js'
import { hasOwnJoinColumns, keyReaders } from './row-cells.js'
import { changeAloneFromNowOn, insertAloneFromNowOn, RowBatches, type RowBatch } from './row-batches.js'
import type { SetStrategy, SetText } from './set-strategy.js'
import { byKey, byNumber, byOrder, missing, type Raw, type Told } from './told-rows.js'

type Values = Record<string, unknown>

interface Answer {
  readonly records: readonly Raw[]
  readonly affected: number
}

/** What one statement has written. */
export interface SentRows {
  readonly rows: readonly WriteRow[]
  readonly missed: readonly WriteRow[]
}

export class SetWriter {
  readonly #runner: QueryRunner
  readonly #strategy: SetStrategy
  readonly #written: WrittenRows
  readonly #dataSource: DataSource
  readonly #batches: RowBatches

  constructor(runner: QueryRunner, strategy: SetStrategy, written: WrittenRows) {
    this.#runner = runner
    this.#strategy = strategy
    this.#written = written
    this.#dataSource = dataSourceOf(runner)!
    this.#batches = new RowBatches(this.#dataSource, strategy, written.values)
  }

  /**
   * Writes the rows of the step; yields those of each statement, and which of them were gone or had another version. With `goesOn` the others
   * are written nevertheless; without it, what comes after the first of them is looked for and not written.
   *
   * @throws {Unsendable} when rows, those not yielded yet, have to be written one by one.
   */
  async *write(step: WriteStep, goesOn: boolean): AsyncGenerator<SentRows> {
    let isStopped = false
    for (const one of this.#batches.of(step)) {
      const missed: readonly WriteRow[] = await (isStopped ? this.#missingOf(one) : this.#send(step, one, goesOn)).catch(
        (error: unknown) => {
          tellRows(error, { step, rows: one.rows, values: this.#written.values })
          throw step.relation === undefined && one.kind !== 'insert' && isUnlockable(error) ? refuseLocks(one.map, error) : error
        },
      )
      isStopped ||= missed.length > 0 && !goesOn
      yield { rows: one.rows, missed }
    }
  }

  async #send(step: WriteStep, one: RowBatch, goesOn: boolean): Promise<readonly WriteRow[]> {
    const { kind, batch } = one
    if (kind === 'insert') {
      await this.#inserted(step, one, await this.#query(this.#strategy.insert(batch)))
      return []
    }
    const isSilent = this.#strategy.tellsBy(kind, batch) === undefined
    const missedBefore = isSilent && this.#mustTell(step, one) ? missing(one.rows, await this.#found(one, true)) : []
    if (missedBefore.length > 0 && !goesOn) return missedBefore
    const answer = await this.#query(kind === 'update' ? this.#strategy.update(batch) : this.#strategy.delete(batch))
    if (step.relation !== undefined) return []
    const missed = missedBefore.length > 0 ? missedBefore : await this.#missed(one, answer)
    if (kind === 'update' && missed.length < one.rows.length) await this.#updated(step, one, { answer, missed: new Set(missed) })
    return missed
  }

  /** Afterwards nobody could tell a row that was found from one that was not. */
  #mustTell({ relation }: WriteStep, { kind, batch }: RowBatch): boolean {
    return relation === undefined && (kind === 'delete' || batch.version !== undefined)
  }

  async #query({ sql, parameters }: SetText): Promise<Answer> {
    const { records, raw, affected } = await this.#runner.query(sql, [...parameters], true)
    const rows = (records as Raw[] | undefined) ?? (Array.isArray(raw) ? (raw as Raw[]) : [])
    return { records: rows, affected: affected ?? rows.length }
  }

  // ---- rows that are missed

  async #missed(one: RowBatch, answer: Answer): Promise<readonly WriteRow[]> {
    const { batch, rows, kind } = one
    const isTold = batch.tells
    if ((isTold ? answer.records.length : answer.affected) === rows.length) return []
    if (isTold) return missing(rows, this.#identified(one, answer.records))
    if (kind === 'delete') return []
    const gone = missing(rows, await this.#found(one, true)) // a plain read may be of a snapshot that still has the row
    if (gone.length > 0 || this.#strategy.tellsBy('update', batch) === undefined) return gone
    return this.#passedOver(one)
  }

  /** A trigger or rule has kept rows that are there from being updated: the same once more, asking which. */
  async #passedOver(one: RowBatch): Promise<readonly WriteRow[]> {
    const { driver } = this.#dataSource
    const keys = metadataOf(one.map).primaryColumns.map((column) => driver.escape(column.databaseName))
    const telling = { ...one.batch, tells: true, returning: keys }
    return missing(one.rows, this.#identified(one, (await this.#query(this.#strategy.update(telling))).records))
  }

  /** The rows that are there, by their numbers. */
  async #found(one: RowBatch, lock: boolean): Promise<Told> {
    const { records } = await this.#query(this.#strategy.select({ ...one.batch, columns: [], masks: undefined, returning: [] }, lock))
    return byNumber(one.rows, records)
  }

  async #missingOf(one: RowBatch): Promise<readonly WriteRow[]> {
    return one.kind === 'insert' ? [] : missing(one.rows, await this.#found(one, true))
  }

  // ---- what comes back

  #identified(one: RowBatch, records: readonly Raw[]): Told {
    const { rows, kind, counted, map, batch } = one
    if (counted !== undefined) return byOrder(rows, records, counted.databaseName) ?? refuseKeys(map)
    if (kind !== 'insert' && this.#strategy.tellsBy(kind, batch) === 'number') return byNumber(rows, records)
    const readers = keyReaders(map)
    return byKey(rows, records, {
      map,
      ofRecord: (raw) => readers.map(({ column }) => this.#hydrated(raw, column)),
      ofRow: (row, index) => this.#keyParts(one, row, index),
    })
  }

  #keyParts({ kind, map, made }: RowBatch, row: WriteRow, index: number): readonly unknown[] {
    const { values } = this.#written
    if (kind !== 'insert') return keyReaders(map).map(({ read }) => read(row, values))
    const nested = values.nest(row)
    return keyReaders(map).map(({ column }) => made.get(column.propertyPath)?.[index] ?? (column.getEntityValue(nested) as unknown))
  }

  #hydrated(raw: Raw, column: ColumnMetadata): unknown {
    return this.#dataSource.driver.prepareHydratedValue(raw[column.databaseName], column) as unknown
  }

  // ---- noting

  async #inserted({ relation }: WriteStep, one: RowBatch, { records, affected }: Answer): Promise<void> {
    const { rows, map, reads, made } = one
    const count = reads.length > 0 ? records.length : affected
    if (count !== rows.length) throw new SessionError('ROWS_NOT_INSERTED', { entity: map.name, sent: rows.length, inserted: count })
    if (relation !== undefined) return
    const told = reads.length === 0 ? undefined : this.#identified(one, records)
    const alike = insertedAlike(map)
    const isJoined = hasOwnJoinColumns(map)
    for (const [index, row] of rows.entries()) {
      const raw = told?.get(row)
      const read = told === undefined || raw !== undefined ? this.#readsOf(one, raw) : await this.#readAlone(one, row)
      const image: Values = {}
      keepNotGiven(image, row, alike)
      keepNotGiven(image, row, read)
      for (const [path, values] of made) image[path] = values[index]
      this.#note(row, image, isJoined)
    }
  }

  /** The database has made another key of the one that was given. */
  async #readAlone({ reads, map }: RowBatch, row: WriteRow): Promise<Values> {
    const key = map.keyOf(this.#written.values.nest(row))
    return (key && (await readColumns(this.#runner, { metadata: metadataOf(map), key }, reads))) ?? {}
  }

  async #updated(
    { kind, map }: WriteStep,
    one: RowBatch,
    { answer, missed }: { answer: Answer; missed: ReadonlySet<WriteRow> },
  ): Promise<void> {
    const { reads } = one
    const rows = one.rows.filter((row) => !missed.has(row))
    const told = reads.length === 0 ? undefined : await this.#readBack(one, answer)
    const isJoined = hasOwnJoinColumns(map)
    for (const row of rows) {
      const image: Values = {}
      const { version, values, isSupplement } = row
      if (map.version !== undefined && typeof version === 'number' && !isSupplement && values[map.version.path] === undefined)
        image[map.version.path] = version + 1
      if (kind === 'recover') image[map.deleteDate!.path] = null
      Object.assign(image, this.#readsOf(one, told?.get(row)))
      this.#note(row, image, isJoined)
    }
  }

  async #readBack(one: RowBatch, { records }: Answer): Promise<Told> {
    const { batch, reads } = one
    if (this.#strategy.tellsBy('update', batch) !== undefined) {
      const found = this.#identified(one, records)
      if (found.size === records.length) return found
    }
    const { driver } = this.#dataSource
    const returning = reads.map((column) => driver.escape(column.databaseName))
    const reading = { ...batch, version: undefined, columns: [], masks: undefined, returning }
    return byNumber(one.rows, (await this.#query(this.#strategy.select(reading, false))).records)
  }

  #readsOf({ reads }: RowBatch, raw: Raw | undefined): Values {
    const image: Values = {}
    if (raw !== undefined) for (const column of reads) image[column.propertyPath] = this.#hydrated(raw, column)
    return image
  }

  #note(row: WriteRow, image: Values, isJoined: boolean): void {
    if (isJoined) this.#written.note(row, this.#written.values.nest(row), image)
    else this.#written.noteLater(row, image)
  }
}

function keepNotGiven(image: Values, { values }: WriteRow, made: Values): void {
  for (const path in made) if (values[path] === undefined) image[path] = made[path]
}

const FEATURE_NOT_SUPPORTED = '0A000'

/** PostgreSQL locks the rows of a view only where it can tell which rows of a table they are. */
function isUnlockable(error: unknown): boolean {
  if (!(error instanceof QueryFailedError)) return false
  const { code, message } = error.driverError as Error & { code?: string }
  return code === FEATURE_NOT_SUPPORTED && message.includes('FOR ')
}

function refuseLocks(map: EntityMap, cause: unknown): SessionError {
  changeAloneFromNowOn(map)
  return new SessionError('ROWS_NOT_LOCKABLE', { entity: map.name }, { cause })
}

function refuseKeys(map: EntityMap): never {
  insertAloneFromNowOn(map)
  throw new SessionError('KEYS_NOT_TOLD', { entity: map.name })
}

/** A first version is 1, and a discriminator belongs to the class. */
function insertedAlike(map: EntityMap): Values {
  const { versionColumn, discriminatorColumn, discriminatorValue } = metadataOf(map)
  const alike: Values = {}
  if (versionColumn !== undefined) alike[versionColumn.propertyPath] = 1
  if (discriminatorColumn?.isVirtual === false) alike[discriminatorColumn.propertyPath] = discriminatorValue
  return alike
}
