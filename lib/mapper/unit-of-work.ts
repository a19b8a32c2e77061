/**
 * What a flush will write and what it did, as plain data; and the scope it happens in.
 *
 * Types only; implemented in `session`. Invariant: an entity is in at most one of the five sets.
 *
 * @module
 */
import type { ChangeKind, RelationChange } from './change.js'
import type { EntityClass } from './entity-types.js'

/** A to-many relation of one entity whose members a flush will change, whatever rows that means. */
export interface RelationEdit extends RelationChange {
  readonly entity: object
  /** The class of the entity, or a name for an EntitySchema without class. */
  readonly target: EntityClass | string
  /** The property that holds the members. */
  readonly relation: string
}

/** What the next, or the running, flush will write. Sets are copies: they do not change after they were read. */
export interface UnitOfWork {
  readonly new: ReadonlySet<object>
  readonly dirty: ReadonlySet<object>
  readonly deleted: ReadonlySet<object>
  readonly softRemoved: ReadonlySet<object>
  readonly recovered: ReadonlySet<object>
  /**
   * The collections whose members will change, of entities that stay; those of new ones included. Found out when it is first read. In an
   * ambient session a member that was taken out is an object that knows its key alone, unless it takes part in the flush, and a collection
   * that a hook has set without TypeORM having read it is missing. In a session of its own, outside of a flush, so is one that was assigned
   * without having been loaded; and members that are deleted themselves are never told.
   */
  readonly relations: readonly RelationEdit[]
  toString(): string
}

/** Where a session stands: in a transaction, in a savepoint of one, or in a single write that commits by itself. */
export interface TransactionScope {
  readonly kind: 'transaction' | 'savepoint' | 'write'
  /** 1 for the transaction, one more for each savepoint inside; 0 for a write. */
  readonly depth: number
  readonly parent: TransactionScope | null
}

export interface PlanStep {
  readonly kind: ChangeKind | 'link' | 'unlink'
  readonly table: string
  readonly columns: readonly string[]
  readonly rows: readonly {
    readonly entity: object | null
    readonly because: 'changed' | 'cascade' | 'hook' | 'orphan'
    readonly properties: readonly string[]
  }[]
  readonly sql: string
  readonly parameters: readonly unknown[]
  readonly path: 'set' | 'row'
  readonly reason?: string
}

export interface FlushPlan {
  readonly steps: readonly PlanStep[]
  readonly isEmpty: boolean
  toString(): string
}

export interface FlushResult {
  readonly inserted: number
  readonly updated: number
  readonly deleted: number
  readonly softRemoved: number
  readonly recovered: number
  readonly statements: number
  readonly durationMs: number
}
