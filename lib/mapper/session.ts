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
import type { ChangeMap, DataKeys, EntityRef, Key, KeyInput, One, Values } from './entity-types.js'
import type { ExtensionFactory } from './extension-factory.js'
import type { Awaitable, Token } from './token.js'
import type { FlushPlan, FlushResult, TransactionScope, UnitOfWork } from './unit-of-work.js'

/**
 * - `new`: will be inserted · `clean`: as in the database · `dirty`: will be updated, soft-removed or recovered
 * - `deleted`: will be, or has been, deleted · `detached`: its session has ended
 */
export type EntityStatus = 'new' | 'clean' | 'dirty' | 'deleted' | 'detached'

// eslint-disable-next-line @typescript-eslint/no-explicit-any -- the default of a contravariant parameter
export interface EntityState<E extends object = any> {
  readonly entity: E
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

/** What hooks, ambient code and `withSession` see. */
export interface Session {
  readonly uow: UnitOfWork
  /** A plain object for extensions to share data in; it ends with the session. */
  readonly info: Partial<SessionInfo> & Record<PropertyKey, unknown>
  /** The manager that works inside this session's transaction. */
  readonly manager: EntityManager
  readonly context: Context
  /** What has been written so far, oldest first, rolled-back savepoints cut off. */
  readonly journal: readonly Change[]
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
   * Takes entities into the running flush, or, outside of one, into the flush before the commit. Cascades apply.
   *
   * @throws {SessionError} ENTITY_NOT_MAPPED · SESSION_ENDED · SESSION_WITHOUT_TRANSACTION when nothing is running that could take them in.
   */
  add<const A extends readonly object[]>(...entities: { [I in keyof A]: One<A[I]> }): void
  /** As {@link Session.add}, for deletion; an entity the running flush was to insert is simply dropped from it. */
  delete<const A extends readonly object[]>(...entities: { [I in keyof A]: One<A[I]> }): void
  softRemove<const A extends readonly object[]>(...entities: { [I in keyof A]: One<A[I]> }): void
  recover<const A extends readonly object[]>(...entities: { [I in keyof A]: One<A[I]> }): void
  /** Takes an entity out of the running flush: it is not written, and its hooks do not run. */
  expunge(entity: object): void
  refresh<E extends object>(entity: E): Promise<E>
  /** Copies plain or detached values on to the session's own instance (loading it if need be) and returns that instance. */
  merge<E extends object>(target: EntityRef<E>, values: Values<E>): Promise<E>
  get<E extends object>(target: EntityRef<E>, key: KeyInput<E>): Promise<E | null>
  getOrFail<E extends object>(target: EntityRef<E>, key: KeyInput<E>): Promise<E>
  find<E extends object>(target: EntityRef<E>, where?: FindOptionsWhere<E> | FindOptionsWhere<E>[]): Cursor<E>
  flush(entity?: object): Promise<FlushResult>
  explain(): Promise<FlushPlan>
  /** Runs `fn` in a savepoint of this session's transaction: undone alone when `fn` throws. */
  transaction<T>(fn: (session: this) => Promise<T>): Promise<T>
  /**
   * The state of an entity of the running flush.
   *
   * @throws {SessionError} ENTITY_UNKNOWN when no running flush writes it.
   */
  state<E extends object>(entity: E): EntityState<E>
  /** Whether the running or next flush will write this entity. */
  isModified(entity: object): boolean
  /** Adds an extension to this session alone; it hears events from the next one on. */
  registerExtension(extension: SessionExtensionInput): void
  /** Calls `fn` with the net changes once the outermost transaction has committed; dropped when its level is rolled back. Errors are reported, never thrown. */
  onCommit(fn: (changes: readonly Change[]) => Awaitable): void
  /** Calls `fn` with the undone changes when the level it was registered in, or one around it, is rolled back. Errors are reported, never thrown. */
  onRollback(fn: (changes: readonly Change[], scope: TransactionScope) => Awaitable): void
}

/** What `openSession` returns: only the owner may end it. On an ambient session these do not exist. */
export interface OpenSession extends Session, AsyncDisposable {
  begin(): Promise<void>
  commit(): Promise<void>
  rollback(): Promise<void>
  clear(): void
  close(): Promise<void>
}

/** The hooks of one session, all of them: what a `SessionExtension` implements, where each is described. */
export interface SessionHooks {
  readonly session: Session
  beforeFlush(entity?: object): Awaitable
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
  afterAttach(entity: object): void
  afterDetach(entity: object): void
  cursorCreated(cursor: Cursor, action: CursorAction, ...args: readonly unknown[]): void
  beforeCursorNext(cursor: Cursor): Awaitable
  afterCursorNext(cursor: Cursor): Awaitable
}

/** What may be listed: a class, `Class.with(options)`, or a factory. */
export type SessionExtensionInput =
  (new (session: Session) => SessionHooks) | ExtensionFactory<SessionHooks> | ((session: Session) => SessionHooks)
