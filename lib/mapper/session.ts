/**
 * The session as hooks and callers see it, and what it knows about one entity.
 *
 * Types only: declared here, in the lower folder, and implemented in `session`, so that a hook's argument never pulls the implementation
 * into this layer. Invariant: one type everywhere; an ambient session refuses, with a code, what it cannot know.
 *
 * @module
 */
import type { DataSource, EntityManager, FindOptionsWhere } from 'typeorm'
import type { Context } from '../core/context.js'
import type { BulkStatement } from './bulk-statement.js'
import type { Change } from './change.js'
import type { Cursor, CursorAction } from './cursor.js'
import type { ChangeMap, DataKeys, EntityClass, EntityRef, Key, KeyInput, One, Values } from './entity-types.js'
import type { ExtensionFactory } from './extension-factory.js'
import type { SchemaChange } from './schema-change.js'
import type { Awaitable, Token } from './token.js'
import type { FlushPlan, FlushResult, TransactionScope, UnitOfWork } from './unit-of-work.js'

/**
 * - `new`: will be inserted · `clean`: as in the database · `dirty`: will be updated, soft-removed or recovered
 * - `deleted`: will be, or has been, deleted · `detached`: in no open session: expunged, cleared, deleted for good, or its session has ended
 */
export type EntityStatus = 'new' | 'clean' | 'dirty' | 'deleted' | 'detached'

// eslint-disable-next-line @typescript-eslint/no-explicit-any -- the default of a contravariant parameter
export interface EntityState<E extends object = any> {
  readonly entity: E
  /** The class of the entity, or a name for an EntitySchema without class. */
  readonly target: EntityClass<E> | string
  readonly status: EntityStatus
  /** The key as an object of named parts. Parts the database has not generated yet are missing; kept after a delete. */
  readonly key: Key<E>
  /** The values read from the database for this write; empty for a new entity. Columns that were not read are missing. */
  readonly original: Values<E>
  /** What differs from `original` now; in after-hooks, what was written. */
  readonly changes: ChangeMap<E>
  /** Whether this column or relation is changed; also true for a collection whose membership changed. */
  changed(name: DataKeys<E>): boolean
  readonly session: Session
}

/**
 * What extensions keep on a session, by name.
 *
 * @example
 * declare module 'flushpoint' {
 *   interface SessionInfo { changes: { created: object[] } }
 * }
 */

export interface SessionInfo {}

export interface RetryOptions {
  /** How often `fn` is tried at most; once where a transaction is open already, as in a withSession block. @defaultValue 3, at least 1 */
  readonly attempts?: number
  /** The longest wait before the second try; doubled before each further one, and a random part of it is waited. @defaultValue 50 */
  readonly delayMs?: number
}

/** What hooks, ambient code and `withSession` see. An ambient session refuses, with SESSION_IS_AMBIENT, what only one of its own can do. */
export interface Session {
  /**
   * What waits to be written at this moment. A session of one's own compares all its objects for the answer: hooks that run for each row had better
   * ask once, in `beforeFlush`.
   */
  readonly uow: UnitOfWork
  /** A plain object for extensions to share data in; it ends with the session. */
  readonly info: Partial<SessionInfo> & Record<PropertyKey, unknown>
  /** The manager that works inside this session's transaction. */
  readonly manager: EntityManager
  readonly context: Context
  /** What has been written in the present transaction, oldest first, rolled-back savepoints cut off; empty again once it has ended. */
  readonly journal: readonly Change[]
  /**
   * The journal folded to one change for each row, as `afterCommit` gets it; once the transaction has committed, still that of it, until the
   * next one begins. Folded when it is read, so that it costs nothing where nobody does.
   */
  readonly netChanges: readonly Change[]
  /** null where no transaction and no write is running, as in afterLoad of a plain query. */
  readonly scope: TransactionScope | null
  readonly dataSource: DataSource
  /**
   * Asks the application's container.
   *
   * @throws {ConfigurationError} RESOLVER_MISSING when no `resolve` was given to install or sessionSubscriber.
   */
  resolve<T>(token: Token<T>): T
  /**
   * Takes entities in, to be inserted by the next flush; in a before-hook, by the running one. Relations that cascade inserts are followed.
   * An object that was detached comes back with the changes it has; one marked for deletion stays.
   *
   * @throws {SessionError} ENTITY_NOT_MAPPED · ENTITY_IN_OTHER_SESSION · IDENTITY_TAKEN · ENTITY_STATE_WRONG once its DELETE was sent ·
   *   SESSION_ENDED · SESSION_CLOSED · SESSION_WITHOUT_TRANSACTION when nothing is running that could take them in.
   */
  add<const A extends readonly object[]>(...entities: { [I in keyof A]: One<A[I]> }): void
  /** As {@link Session.add}, for deletion; an entity that has no row yet is simply dropped. Relations that cascade removal are followed. */
  delete<const A extends readonly object[]>(...entities: { [I in keyof A]: One<A[I]> }): void
  /** Sets the delete date by the next flush. */
  softRemove<const A extends readonly object[]>(...entities: { [I in keyof A]: One<A[I]> }): void
  /** Clears the delete date by the next flush. */
  recover<const A extends readonly object[]>(...entities: { [I in keyof A]: One<A[I]> }): void
  /** Takes an entity out of the session, or out of the running flush: it is not written, and its hooks do not run. */
  expunge(entity: object): void
  /**
   * Reads the row again into the same object; pending changes of it are lost, relations that were loaded are loaded anew.
   *
   * @throws {SessionError} ROW_GONE · ENTITY_STATE_WRONG for objects that are new or not in the session.
   */
  refresh<E extends object>(entity: E): Promise<E>
  /** Lets the next query that returns these entities read their values again, unless they have pending changes by then. */
  expire(...entities: readonly object[]): void
  /**
   * Copies plain or detached values on to the session's own instance (loading it if need be, new where there is no row) and returns that instance.
   *
   * @throws {SessionError} ROWS_STALE when the values carry another version than the row.
   */
  merge<E extends object>(target: EntityRef<E>, values: Values<E>): Promise<E>
  /**
   * The entity with this key: from the session without a statement where it is known, also when it was soft-removed there; else from the
   * database, which soft-removed rows are left out of; null where nothing is.
   *
   * @throws {SessionError} KEY_INVALID when a part of the key is missing.
   */
  get<E extends object>(target: EntityRef<E>, key: KeyInput<E>): Promise<E | null>
  /** As {@link Session.get}. @throws {SessionError} ENTITY_NOT_FOUND */
  getOrFail<E extends object>(target: EntityRef<E>, key: KeyInput<E>): Promise<E>
  /** A lazy query: nothing is sent before it is awaited or iterated. Values of known entities are never overwritten by it. */
  find<E extends object>(target: EntityRef<E>, where?: FindOptionsWhere<E> | FindOptionsWhere<E>[]): Cursor<E>
  /** Runs `fn`, and what it awaits, without autoflush. */
  noAutoflush<T>(fn: () => T): T
  /**
   * Writes what is pending, or one entity with what its row needs. Outside of a transaction it begins and commits its own.
   * After an error everything is pending as before. Calls made while one waits for its turn are answered together.
   *
   * @throws {SessionError} ROWS_STALE · RELATION_TARGET_UNSAVED · REQUIRED_MISSING · KEY_CHANGED · INSERT_CYCLE · UNIQUE_CYCLE ·
   *   FLUSH_IN_HOOK · FLUSH_NEVER_SETTLES
   */
  flush(entity?: object): Promise<FlushResult>
  /** What the next flush would send, in order. Sends nothing and runs no hook. */
  explain(): Promise<FlushPlan>
  /** Runs `fn` in a transaction, or in a savepoint where one is open: undone, objects included, when `fn` throws. */
  transaction<T>(fn: (session: this) => Promise<T>): Promise<T>
  /**
   * As {@link Session.transaction}, and once more from the same state after a deadlock or a serialization failure (not after ROWS_STALE);
   * `session.info.attempt` counts from 1.
   */
  withRetry<T>(fn: (session: this) => Promise<T>, options?: RetryOptions): Promise<T>
  /** Flushes, lets these extensions be heard instead of its own while `fn` runs, flushes again, and puts its own back, also after an error. */
  withExtensions<T>(extensions: readonly SessionExtensionInput[], fn: () => Promise<T>): Promise<T>
  /**
   * The state of an entity: in an ambient session, of the running flush.
   *
   * @throws {SessionError} ENTITY_UNKNOWN when no running flush writes it · ENTITY_NOT_MAPPED
   */
  state<E extends object>(entity: E): EntityState<E>
  /** Whether the running or next flush will write this entity. */
  isModified(entity: object): boolean
  /** Adds an extension to this session alone; it hears events from the next one on. */
  registerExtension(extension: SessionExtensionInput): void
  /**
   * Calls `fn` before the outermost COMMIT is sent, after all beforeCommit hooks and what they left to write; where it adds work, that is
   * written, and the hooks run again. What it throws vetoes the commit. Dropped when its level is rolled back. A block that has written
   * nothing begins a transaction for it.
   *
   * @throws {SessionError} SESSION_WITHOUT_TRANSACTION also for a write that is its own commit
   */
  onBeforeCommit(fn: () => Awaitable): void
  /** Calls `fn` with the net changes once the outermost transaction has committed; dropped when its level is rolled back. Errors are reported, never thrown. */
  onCommit(fn: (changes: readonly Change[]) => Awaitable): void
  /** Calls `fn` with the undone changes when the level it was registered in, or one around it, is rolled back. Errors are reported, never thrown. */
  onRollback(fn: (changes: readonly Change[], scope: TransactionScope) => Awaitable): void
  /**
   * Reports what went wrong once the outcome was decided, as an after-commit hook that throws does: to `onHookError`, else as a warning. For
   * extensions whose work goes on after the hook that began it. Also where the session has ended; never throws.
   */
  reportError(error: unknown, from: { readonly hook: string; readonly extension: object }): void
  toString(): string
}

/** What `openSession` returns: only the owner may end it. On an ambient session these do not exist. */
export interface OpenSession extends Session, AsyncDisposable {
  /** BEGIN. @throws {SessionError} TRANSACTION_ALREADY_OPEN */
  begin(): Promise<void>
  /** Flushes, and commits where a transaction is open. When it fails, the transaction is rolled back. @throws {SessionError} TRANSACTION_NESTED_OPEN */
  commit(): Promise<void>
  /** Rolls back, and puts objects back to what they were at the begin; without a transaction, drops what is pending. @throws {SessionError} TRANSACTION_NESTED_OPEN */
  rollback(): Promise<void>
  /** Lets go of every entity; nothing is written, and all become detached. */
  clear(): void
  /** Rolls back what is open, lets go of every entity and gives the connection back. Closing twice is once. */
  close(): Promise<void>
}

/** The hooks of one session, all of them: what a `SessionExtension` implements, where each is described. */
export interface SessionHooks {
  readonly session: Session
  beforeFlush(entity?: object): Awaitable
  beforeWrite(): Awaitable
  afterFlush(entity?: object): Awaitable
  beforeInsert(entity: object, state: EntityState): Awaitable
  afterInsert(entity: object, state: EntityState): Awaitable
  beforeUpdate(entity: object, state: EntityState): Awaitable
  afterUpdate(entity: object, state: EntityState): Awaitable
  beforeDelete(entity: object, state: EntityState): Awaitable
  afterDelete(entity: object, state: EntityState): Awaitable
  beforeSoftRemove(entity: object, state: EntityState): Awaitable
  afterSoftRemove(entity: object, state: EntityState): Awaitable
  beforeRecover(entity: object, state: EntityState): Awaitable
  afterRecover(entity: object, state: EntityState): Awaitable
  afterLoad(entity: object, state: EntityState): Awaitable
  beforeBulk(statement: BulkStatement): Awaitable
  afterBulk(statement: BulkStatement): Awaitable
  afterBegin(scope: TransactionScope): Awaitable
  beforeCommit(): Awaitable
  afterCommit(changes: readonly Change[]): Awaitable
  afterRollback(changes: readonly Change[], scope: TransactionScope): Awaitable
  afterSchemaChange(change: SchemaChange): Awaitable
  afterAttach(entity: object): void
  afterDetach(entity: object): void
  cursorCreated(cursor: Cursor, action: CursorAction, ...args: readonly unknown[]): void
  beforeCursorNext(cursor: Cursor): Awaitable
  afterCursorNext(cursor: Cursor): Awaitable
}

/** What may be listed: a class, `Class.with(options)`, or a factory. */
export type SessionExtensionInput =
  (new (session: Session) => SessionHooks) | ExtensionFactory<SessionHooks> | ((session: Session) => SessionHooks)
