/**
 * Finds out which rows the statements of one persistence run really changed.
 *
 * TypeORM ignores the counts its statements return. Invariant: a row counts as written only if the database said so; nothing is asked
 * that the statement itself can answer.
 *
 * @module
 */
import type { QueryRunner } from 'typeorm'
import { dataSourceOf, type Subject, type WriteBuilder } from './internals.js'

type Result = Awaited<ReturnType<WriteBuilder['execute']>>

export class AffectedRows {
  readonly #byIdentifier = new Map<object, Subject>()
  readonly #byValues = new Map<object, Subject>()
  readonly #softOrphans: Subject[]
  readonly #removed: readonly Subject[]
  readonly #written = new Set<Subject>()
  readonly #insertedValues = new Set<object>()
  readonly #running: Promise<unknown>[] = []
  readonly #runner: QueryRunner

  constructor(
    runner: QueryRunner,
    plan: { readonly updates: readonly Subject[]; readonly softs: readonly Subject[]; readonly removed: readonly Subject[] },
  ) {
    this.#runner = runner
    this.#removed = plan.removed
    for (const subject of [...plan.updates, ...plan.softs]) {
      if (subject.entity !== undefined && subject.identifier !== undefined) this.#byIdentifier.set(subject.identifier, subject)
    }
    this.#softOrphans = plan.softs.filter((subject) => subject.entity === undefined)
    for (const subject of plan.updates) if (subject.entity === undefined) this.#followValues(subject)
  }

  /** An update without entity names its row by condition only, so the value set it makes is what identifies it. */
  #followValues(subject: Subject): void {
    const createValues = subject.createValueSetAndPopChangeMap.bind(subject)
    subject.createValueSetAndPopChangeMap = () => {
      const values = createValues()
      this.#byValues.set(values, subject)
      return values
    }
  }

  wasWritten(subject: Subject): boolean {
    return this.#written.has(subject) || (subject.insertedValueSet !== undefined && this.#insertedValues.has(subject.insertedValueSet))
  }

  noteWritten(subject: Subject): void {
    this.#written.add(subject)
  }

  /** Waits for statements that are still running: TypeORM sends updates together and leaves the others alone when one fails. */
  async settled(): Promise<void> {
    await Promise.allSettled(this.#running)
  }

  /** Runs one statement of the run and notes what it touched. */
  observe(builder: WriteBuilder, execute: () => Promise<Result>): Promise<Result> {
    const { queryType, mainAlias } = builder.expressionMap
    if (queryType === 'insert') return this.#observeInsert(builder, execute)
    if (queryType === 'delete')
      return this.#observeDelete(
        builder,
        execute,
        this.#removed.filter((subject) => subject.metadata === mainAlias?.metadata),
      )
    return this.#observeUpdate(builder, execute)
  }

  async #observeInsert(builder: WriteBuilder, execute: () => Promise<Result>): Promise<Result> {
    const { valuesSet } = builder.expressionMap
    const result = await execute()
    for (const values of Array.isArray(valuesSet) ? valuesSet : [valuesSet]) this.#insertedValues.add(values as object)
    return result
  }

  /** One promise more per statement, not three: there may be thousands. */
  #observeUpdate(builder: WriteBuilder, execute: () => Promise<Result>): Promise<Result> {
    const { queryType, whereEntities, valuesSet } = builder.expressionMap
    const subject =
      this.#byIdentifier.get(whereEntities[0] as object) ?? this.#byValues.get(valuesSet as object) ?? this.#softOrphan(queryType)
    const running = execute().then((result) => {
      if (subject !== undefined && result.affected !== 0) this.#written.add(subject)
      return result
    })
    this.#running.push(running)
    return running
  }

  #softOrphan(queryType: string): Subject | undefined {
    return queryType === 'soft-delete' || queryType === 'restore' ? this.#softOrphans.shift() : undefined
  }

  async #observeDelete(builder: WriteBuilder, execute: () => Promise<Result>, subjects: readonly Subject[]): Promise<Result> {
    if (subjects.length === 0 || subjects[0]!.metadata.isJunction) return execute()
    if (subjects.length === 1) {
      const result = await execute()
      if (result.affected !== 0) this.#written.add(subjects[0]!)
      return result
    }
    const primary = subjects[0]!.metadata.primaryColumns
    if (dataSourceOf(this.#runner)!.driver.isReturningSqlSupported('delete')) {
      builder.returning(primary.map((column) => column.propertyPath))
      const result = await execute()
      this.#keepOnly(subjects, result.raw as Record<string, unknown>[])
      return result
    }
    const present = await this.#presentRows(subjects)
    const result = await execute()
    this.#keepOnly(subjects, present)
    return result
  }

  /** Where DELETE cannot return rows, the keys that are there are read in the same transaction, just before. */
  async #presentRows(subjects: readonly Subject[]): Promise<Record<string, unknown>[]> {
    const { metadata } = subjects[0]!
    const query = this.#runner.manager.createQueryBuilder(metadata.target, 'present', this.#runner).callListeners(false)
    query.select(metadata.primaryColumns.map((column) => `present.${column.propertyPath}`)).withDeleted()
    query.whereInIds(subjects.map((subject) => subject.identifier))
    if (dataSourceOf(this.#runner)!.options.type === 'mysql' && this.#runner.isTransactionActive) query.setLock('pessimistic_write')
    const rows = await query.getRawMany<Record<string, unknown>>()
    return rows.map((row) =>
      Object.fromEntries(metadata.primaryColumns.map((column) => [column.databaseName, row[`present_${column.databaseName}`]])),
    )
  }

  #keepOnly(subjects: readonly Subject[], rows: readonly Record<string, unknown>[]): void {
    const primary = subjects[0]!.metadata.primaryColumns
    const found =
      rows.length === subjects.length
        ? undefined
        : new Set(rows.map((row) => JSON.stringify(primary.map((column) => String(row[column.databaseName])))))
    for (const subject of subjects) {
      const key = JSON.stringify(primary.map((column) => String(column.getEntityValue(subject.identifier!))))
      if (found === undefined || found.has(key)) this.#written.add(subject)
    }
  }
}
