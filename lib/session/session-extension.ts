/**
 * Hooks for one session: flush, transaction, every entity, bulk statements, cursors.
 *
 * Knows nothing of how they are run. Invariant: every method here does nothing, so an extension overrides only what it needs, and only
 * overridden hooks are ever called.
 *
 * @module
 */
import type { DataSource } from 'typeorm'
import { HookChain } from '../core/hook-chain.js'
import { SESSION_HOOKS } from '../mapper/hook-names.js'
import type { BulkStatement } from '../mapper/bulk-statement.js'
import type { Change } from '../mapper/change.js'
import type { Cursor, CursorAction } from '../mapper/cursor.js'
import { extensionFactory, type ExtensionFactory, type OptionNames } from '../mapper/extension-factory.js'
import type { ExtensionLevel } from '../mapper/extension-list.js'
import type { SchemaChange } from '../mapper/schema-change.js'
import type { EntityState, Session, SessionHooks } from '../mapper/session.js'
import type { Awaitable } from '../mapper/token.js'
import type { TransactionScope } from '../mapper/unit-of-work.js'

/**
 * Base class of session extensions; list subclasses with `sessionSubscriber({ extensions: [A, B] })` or `install(dataSource, …)`.
 *
 * Built once per session, which in the ambient way is one transaction on one query runner, or one write where there is none; keep what
 * belongs to it on `this`. Hooks run strictly one after another in listed order, before and after alike, around the mapper hooks.
 *
 * @example
 * class ChangeLog extends SessionExtension {
 *   override afterCommit(changes: readonly Change[]) { for (const change of changes) console.log(change.kind, change.table, change.key) }
 * }
 */
export abstract class SessionExtension implements SessionHooks {
  /** The options this class knows, when it wants them checked where it is listed: `{ table: 'required', limit: 'optional' }`. */
  static readonly optionNames?: OptionNames

  /**
   * Called when the class is put on a DataSource whose mappings are known, once for each time it is listed there: the place to refuse options
   * that do not fit the mappings. An error rejects `initialize()`, or is thrown by `install`. Not called for extensions that one session alone has.
   *
   * @param options As given to `with`; undefined where the class is listed bare.
   */
  static checkInstall?(dataSource: DataSource, options: unknown): void

  readonly session: Session

  constructor(session: Session) {
    this.session = session
  }

  /**
   * This class together with its options, to be listed.
   *
   * @throws {ConfigurationError} EXTENSION_OPTION_UNKNOWN · EXTENSION_OPTION_MISSING when the class declares `optionNames` and they do not fit.
   * @example
   * sessionSubscriber({ extensions: [Audit.with({ table: 'audit' })] })
   */
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- owner and options take the types of the subclass
  static with<C extends new (session: any, options: any) => SessionExtension>(
    this: C,
    options: ConstructorParameters<C>[1],
  ): ExtensionFactory<InstanceType<C>> {
    return extensionFactory<InstanceType<C>>(this as never, options)
  }

  /* eslint-disable @typescript-eslint/no-unused-vars -- the names are the documentation */

  /**
   * Once per flush, before anything is planned or sent; `session.uow` is complete. Change, add, delete, expunge: all of it joins this flush.
   * `entity` is given only by `session.flush(entity)`.
   */
  beforeFlush(entity?: object): Awaitable {}
  /**
   * Once per flush that writes something, after all before-hooks, mapper ones too, and before its first statement: `session.uow` is what will
   * be written, and `session.state(entity).changes` how. The place to look at the whole; an error vetoes the flush, with nothing sent. Columns
   * set here are still written; for work added here before-hooks run, and then this one again, at most 100 rounds.
   */
  beforeWrite(): Awaitable {}
  /** Once per successful flush, after all after-hooks, in the same transaction; `session.uow` is empty. */
  afterFlush(entity?: object): Awaitable {}
  /** Per new entity, before its mapper hooks and before any statement. Own columns and relations set here are written. */
  beforeInsert(entity: object, state: EntityState): Awaitable {}
  /** Per inserted entity, after its mapper hooks; keys are known, the transaction is open. */
  afterInsert(entity: object, state: EntityState): Awaitable {}
  /** Per changed entity, before its mapper hooks and before any statement; also when only a many-to-many changed. */
  beforeUpdate(entity: object, state: EntityState): Awaitable {}
  /** Per updated entity, after its mapper hooks. */
  afterUpdate(entity: object, state: EntityState): Awaitable {}
  /** Per entity to delete, before its mapper hooks and before any statement. */
  beforeDelete(entity: object, state: EntityState): Awaitable {}
  /** Per deleted entity, after its mapper hooks; `state.key` still tells the key. */
  afterDelete(entity: object, state: EntityState): Awaitable {}
  /** Per entity to soft-remove; columns set here are written with it. */
  beforeSoftRemove(entity: object, state: EntityState): Awaitable {}
  /** Per soft-removed entity. */
  afterSoftRemove(entity: object, state: EntityState): Awaitable {}
  /** Per entity to recover; columns set here are written with it. */
  beforeRecover(entity: object, state: EntityState): Awaitable {}
  /** Per recovered entity. */
  afterRecover(entity: object, state: EntityState): Awaitable {}
  /** Per entity a query has loaded, before the caller gets it; not for the reads TypeORM makes inside save. */
  afterLoad(entity: object, state: EntityState): Awaitable {}
  /** Before a statement that writes by query, before the mapper's hook. Here alone may `statement.wantImages` be called. */
  beforeBulk(statement: BulkStatement): Awaitable {}
  /** After it has run, after the mapper's hook. Not called when the statement fails. */
  afterBulk(statement: BulkStatement): Awaitable {}
  /** After BEGIN or SAVEPOINT has been sent. An error here fails the begin. */
  afterBegin(scope: TransactionScope): Awaitable {}
  /** Before the outermost COMMIT is sent; entities added here are flushed first, and it runs again for them, at most 100 rounds. An error vetoes the commit. */
  beforeCommit(): Awaitable {}
  /**
   * After the outermost transaction, or a write without one, has committed. `changes` are the net changes, one per row at most;
   * empty where the transaction changed nothing.
   * Cannot change the outcome: every hook runs, errors are reported to `onHookError`. An ambient session has ended: new work needs a new transaction; one of its own goes on.
   */
  afterCommit(changes: readonly Change[]): Awaitable {}
  /** After a rollback, of a savepoint too: `changes` were undone, `scope` is the level that ended. Cannot change the outcome. */
  afterRollback(changes: readonly Change[], scope: TransactionScope): Awaitable {}
  /**
   * After an operation of a query runner that has created, dropped, renamed or altered a table: called by hand, by a migration or by
   * `synchronize`, also while the DataSource is initialised. Once for each table whose schema is really another one now; what TypeORM does
   * inside one operation (temporary tables, the columns of `addColumns`) is told as that one. Of `clearDatabase` and `dropSchema` the tables of
   * entities are told.
   *
   * SQL that is sent as text by `query`, as generated migrations do, is told by the tables it names, as the database folds their names: each
   * statement on a table or an index is an operation, and one table for several statements only where SQLite has to replace it. Extensions
   * that one session alone has hear of operations, not of texts. Not seen in texts: statements after the first of one text, and of `DROP TABLE`
   * and `DROP INDEX` what goes with them (`CASCADE`, the foreign keys of other tables); of `DROP INDEX` and `ALTER INDEX` without a table, tables
   * that are no entity's; `SET SCHEMA` and other moves out of a schema; `SELECT … INTO`, temporary and virtual tables; what functions, triggers and `DO`
   * do; statements with a comment among their first words, and names with dots or single quotes in them. On SQLite a table called `temporary_…`
   * after one that is there is taken for its stand-in, as in TypeORM's migrations, and not told.
   *
   * The schemas were read from the database just before and just after. Outside of a transaction the operation stands already; inside one
   * `session.onCommit` waits for the commit. An error goes to the caller of the operation, so that a migration fails by it; outside of a
   * transaction the hooks of other extensions are called all the same, and further errors are reported to `onHookError`. MySQL and
   * MariaDB commit with every such operation by themselves: a rollback takes back what was registered here, and not the table.
   *
   * Not allowed here: to end the transaction. Operations on the schema are, and told in turn.
   *
   * While the DataSource is initialised only extensions that override this are there, listed as classes or by `with`, and not by functions:
   * what those need may not be. They hear this and the end of its transaction (beforeCommit, afterCommit, afterRollback); rows that
   * migrations write are not told.
   *
   * Costs two reads of the table's schema for each operation where somebody overrides it, and nothing elsewhere.
   */
  afterSchemaChange(change: SchemaChange): Awaitable {}
  /** When an entity is taken into the session by add, delete, softRemove or recover. Synchronous: a returned promise is an error. */
  afterAttach(entity: object): void {}
  /** When an entity is taken out by expunge, or its deletion is committed; not for clear and close. Synchronous: a returned promise is an error. */
  afterDetach(entity: object): void {}
  /** When `session.find` makes a cursor or a refinement makes another. Synchronous: a returned promise is an error. */
  cursorCreated(cursor: Cursor, action: CursorAction, ...args: readonly unknown[]): void {}
  /** Before each attempt of a cursor to fetch an entity. */
  beforeCursorNext(cursor: Cursor): Awaitable {}
  /** After each attempt, also one that failed or found the end. */
  afterCursorNext(cursor: Cursor): Awaitable {}
  /* eslint-enable @typescript-eslint/no-unused-vars */
}

export const SESSION_LEVEL: ExtensionLevel = { name: 'SessionExtension', base: SessionExtension, hooks: SESSION_HOOKS }

/** A chain that nobody listens on. */
export const NO_SESSION_HOOKS = new HookChain<SessionHooks>([], SessionExtension.prototype)
