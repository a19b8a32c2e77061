/**
 * What a session needs of an ORM: descriptions, loading, writing, transactions. Declared here, implemented in `typeorm`.
 *
 * Plain data both ways; the ORM's metadata never cross it. Invariant: a step is written from its rows alone, never from the entities, which
 * may have changed meanwhile.
 *
 * @module
 */
import type { EntityManager, FindOptionsOrder, FindOptionsWhere } from 'typeorm'
import type { IsolationLevel } from 'typeorm/driver/types/IsolationLevel.js'
import type { SlotValue } from '../core/async-frame.js'
import type { HookChain } from '../core/hook-chain.js'
import type { ChangeKind } from '../mapper/change.js'
import type { EntityRef } from '../mapper/entity-types.js'
import type { MapperExtension } from '../mapper/mapper-extension.js'
import type { EntityMap, Image, RelationMap } from './entity-map.js'

// ---- reading

export type Where = FindOptionsWhere<object> | readonly FindOptionsWhere<object>[]

/** Conditions on one property that have to hold together; stands where a single one would. */
export class AllOf {
  readonly conditions: readonly unknown[]

  constructor(conditions: readonly unknown[]) {
    this.conditions = conditions
  }
}

/** One query. Where `keys` are given the rows come in that order and `where`, `order`, `skip` and `limit` are not set. */
export interface Query {
  readonly map: EntityMap
  readonly where?: Where | undefined
  readonly keys?: readonly Image[] | undefined
  readonly order?: FindOptionsOrder<object> | undefined
  readonly skip?: number | undefined
  /** Counts entities, not rows of a join. */
  readonly limit?: number | undefined
  /** Dotted paths. Eager relations are loaded besides. */
  readonly relations?: readonly string[] | undefined
  readonly withDeleted?: boolean | undefined
}

/** One entity as a query has just hydrated it, its relations already replaced by the session's own instances. */
export interface LoadedRow {
  readonly map: EntityMap
  readonly entity: object
  /** For each of `map.toOnes` the key the row holds: null where it is empty, undefined where the query did not read it. */
  readonly foreignKeys: readonly (Image | null | undefined)[]
}

/** Where loaded rows go. */
export interface LoadSink {
  /** @returns The session's instance for the row: the one given, or the one it had already. */
  take(row: LoadedRow): object
}

// ---- writing

/** Stands for the key of a row that is inserted by an earlier step of the same plan. */
export class KeyOf {
  readonly row: WriteRow

  constructor(row: WriteRow) {
    this.row = row
  }

  toString(): string {
    return `<key of ${this.row.map.name}>`
  }

  /** A row leads to its map and that to everything: as text it is only named. */
  toJSON(): string {
    return this.toString()
  }
}

export type StepKind = ChangeKind | 'link' | 'unlink'

export interface WriteRow {
  readonly map: EntityMap
  /** For messages and listeners only. */
  readonly entity: object | null
  /** The row to find; undefined for an insert, and for a junction row. */
  readonly key: Image | KeyOf | undefined
  /** By property path, columns in their entity form, to-ones as key objects or {@link KeyOf}; a junction row has `owner` and `inverse`, an unlink of all rows one of them. */
  readonly values: Readonly<Record<string, unknown>>
  /** The version the row must still have; undefined where it is not versioned. */
  readonly version: unknown
  /** True for the second update of a row in one flush: it must leave version and update date alone. */
  readonly isSupplement: boolean
}

export interface WriteStep {
  readonly kind: StepKind
  readonly map: EntityMap
  /** Of link and unlink: the many-to-many, seen from its owning side. */
  readonly relation: RelationMap | undefined
  readonly rows: readonly WriteRow[]
}

/** What the database made of a row, by property path: generated keys, defaults, dates, version. Only what is not in its values. */
export type Written = ReadonlyMap<WriteRow, Image>

/** One statement as it would be sent; of rows that go one by one, the first one's. */
export interface StepText {
  readonly step: WriteStep
  /** The rows it stands for. */
  readonly rows: readonly WriteRow[]
  readonly sql: string
  readonly parameters: readonly unknown[]
  readonly path: 'set' | 'row'
  readonly reason: string | undefined
}

/** One row as listeners of the ORM hear of it. */
export interface ListenedRow {
  readonly kind: ChangeKind
  readonly map: EntityMap
  readonly entity: object
  readonly key: Image | undefined
  readonly before: Image | null
  readonly changed: readonly string[]
}

export interface Persistence {
  readonly manager: EntityManager
  /** How many statements this session's runner has sent so far. */
  readonly statements: number
  /** How many flushes of the ORM's own, by save or remove, have sent statements. */
  readonly writes: number
  readonly isInTransaction: boolean
  /** Settles when the transaction that somebody is just beginning is open, or has failed to begin. */
  readonly beginning: Promise<void> | undefined

  /** @throws {SessionError} ENTITY_NOT_MAPPED */
  describe(target: EntityRef): EntityMap
  mapOf(entity: object): EntityMap | undefined
  hooksOf(map: EntityMap): HookChain<MapperExtension>

  load(query: Query, sink: LoadSink): Promise<object[]>
  count(query: Query): Promise<number>
  /** The keys alone, in order; for results too large to hold. */
  keys(query: Query): Promise<readonly Image[]>

  /**
   * Sends the steps in order.
   *
   * @throws {SessionError} ROWS_STALE when rows were gone or had another version; it names all of them.
   */
  execute(steps: readonly WriteStep[]): Promise<Written>
  /** How the steps would be sent, in their order; sends nothing. */
  explain(steps: readonly WriteStep[]): readonly StepText[]
  /** Whether the ORM's own listeners would hear of rows of these classes. */
  hasListeners(maps: Iterable<EntityMap>): boolean
  /** Runs the ORM's own listeners and subscribers; all have settled when it returns or throws. @returns How many were called. */
  notify(when: 'before' | 'after', rows: readonly ListenedRow[]): Promise<number>

  /** BEGIN; the session is told of it, as of all levels, by its unit. */
  begin(isolationLevel: IsolationLevel | undefined): Promise<void>
  commit(): Promise<void>
  rollback(): Promise<void>
  /** BEGIN … COMMIT around `fn`, or SAVEPOINT … RELEASE where a transaction is open; rolled back when it throws. */
  transaction<T>(isolationLevel: IsolationLevel | undefined, fn: () => Promise<T>): Promise<T>
  /** Whether the database gave this error because of somebody else's work, so that the same may succeed another time. */
  isRetryable(error: unknown): boolean
  /** A savepoint that is no level: it holds one flush. */
  protect(): Promise<{ undo(): Promise<void>; release(): Promise<void> }>
  /** Makes the present level good for nothing but a rollback. */
  doom(cause: unknown): void
  /** Runs `fn` when every flush and bulk statement called before on this runner is over. */
  inTurn<T>(frame: () => readonly SlotValue[], fn: () => Promise<T>): Promise<T>
  /** What makes this session's runner the one that calls inside `fn` belong to. */
  frame(): readonly SlotValue[]
  release(): Promise<void>
}
