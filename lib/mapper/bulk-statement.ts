/**
 * A write by query, which has no entities.
 *
 * Types only; implemented in `session`. Invariant: `affected` and `changes` are undefined until the statement has run.
 *
 * @module
 */
import type { FindOptionsWhere } from 'typeorm'
import type { Change } from './change.js'
import type { EntityClass, EntityRef, Values } from './entity-types.js'

export type BulkKind = 'insert' | 'update' | 'delete' | 'softDelete' | 'restore' | 'upsert'

/** `keys`: which rows · `before`: their values as they were · `both`: also as they are afterwards. */
export type BulkImages = 'keys' | 'before' | 'both'

/** A condition that is no plain object: SQL as the builder wrote it, with its parameters. */
export interface SqlCondition {
  readonly sql: string
  readonly parameters: readonly unknown[]
}

// eslint-disable-next-line @typescript-eslint/no-explicit-any -- the default of a parameter users narrow with `is`
export interface BulkStatement<E extends object = any> {
  readonly kind: BulkKind
  /** The entity class, or a name for an EntitySchema without class and for junction tables. */
  readonly target: EntityClass<E> | string
  readonly where: FindOptionsWhere<E> | FindOptionsWhere<E>[] | SqlCondition | undefined
  readonly values: Values<E> | readonly Values<E>[] | undefined
  /** Of an insert: whether rows that exist already are left as they are, as `orIgnore()` of a query builder asks. */
  readonly orIgnore: boolean
  /** Of an upsert: whether it was made by `orUpdate()` of a query builder, and not by `upsert`. */
  readonly orUpdate: boolean
  /** How many rows the database says it changed; MySQL counts an upserted row that existed twice. */
  readonly affected: number | undefined
  /**
   * In beforeBulk: asks for per-row images; the strongest wish of the chain wins. They are loaded in the transaction of the statement
   * (one of its own where none is active) and enter the journal.
   *
   * @throws {SessionError} BULK_IMAGES_TOO_LATE when called after beforeBulk; BULK_IMAGES_UNSUPPORTED when the rows of this statement cannot be
   * told: catch it to go on without.
   */
  wantImages(images: BulkImages): void
  /**
   * In beforeBulk: asks for a transaction around the statement where none is active, so that beforeCommit hooks take part in its commit.
   *
   * @throws {SessionError} BULK_IMAGES_TOO_LATE when called after beforeBulk.
   */
  wantTransaction(): void
  /** The rows, once afterBulk runs and images were asked for. */
  readonly changes: readonly Change<E>[] | undefined
  /** True when the statement is for this class or one below it. */
  is<T extends E>(target: EntityRef<T>): this is BulkStatement<T>
}
