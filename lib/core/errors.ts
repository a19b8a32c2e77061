/**
 * Every error flushpoint throws on purpose: its permanent code, its message and what to do about it.
 *
 * Knows nothing of sessions or databases: entries take plain text. Errors thrown by users' own hooks are not here and are never wrapped.
 * Invariant: a code is public; it is never renamed and never reused. `docs/errors.md` lists exactly these codes.
 *
 * @module
 */
import { AUDIT_ERRORS } from './audit-errors.js'
import { CHANGE_CACHE_ERRORS } from './change-cache-errors.js'
import { CLI_ERRORS } from './cli-errors.js'
import { DATA_ERRORS } from './data-errors.js'
import { describeValue } from './describe-value.js'
import { entry, nearestOf, type ErrorEntry } from './error-entry.js'
import { EVENT_ERRORS } from './event-errors.js'
import { OUTBOX_ERRORS } from './outbox-errors.js'
import { SIGNAL_ERRORS } from './signal-errors.js'
import { TRANSPORT_ERRORS } from './transport-errors.js'
import { VALIDATION_ERRORS } from './validation-errors.js'

export const ERRORS = {
  // ---- declarations: thrown where the list or the options are written
  EXTENSION_NOT_LISTABLE: entry<{ readonly given: string; readonly level: string }>(
    ({ given, level }) => `Cannot list ${given} as an extension: wanted is a ${level} class, Class.with(options) or a factory function`,
    'list the class itself, not an instance; to pass options use Class.with(options), to share one instance use a factory: () => shared',
  ),
  EXTENSION_WRONG_LEVEL: entry<{ readonly extension: string; readonly wanted: string; readonly given: string }>(
    ({ extension, wanted, given }) => `Cannot list "${extension}" here: it extends ${given}, wanted is ${wanted}`,
    'a MapperExtension belongs into @Extensions(...) or mapper(Entity, { extensions }), a SessionExtension into sessionSubscriber({ extensions })',
  ),
  EXTENSION_WITHOUT_HOOK: entry<{ readonly extension: string; readonly level: string }>(
    ({ extension, level }) => `Cannot use "${extension}": it overrides no hook of ${level}, so it would never be called`,
    'override at least one hook, or take the class off the list',
  ),
  EXTENSION_HOOK_UNKNOWN: entry<{
    readonly extension: string
    readonly name: string
    readonly level: string
    readonly nearest: string | undefined
    readonly hookOf: string | undefined
  }>(
    ({ extension, name, level, nearest, hookOf }) =>
      hookOf === undefined
        ? `Cannot use "${extension}": "${name}" looks like a hook but is none of ${level}${nearestOf(nearest)}`
        : `Cannot use "${extension}": "${name}" is a hook of ${hookOf}, current class is a ${level}`,
    'rename it to the hook you mean; names that begin with before or after are reserved for hooks',
  ),
  EXTENSION_OPTION_UNKNOWN: entry<{ readonly extension: string; readonly option: string; readonly nearest: string | undefined }>(
    ({ extension, option, nearest }) => `Cannot build "${extension}": it has no option "${option}"${nearestOf(nearest)}`,
    'remove the option or correct its name; the static optionNames of the class lists what it knows',
  ),
  EXTENSION_OPTION_MISSING: entry<{ readonly extension: string; readonly option: string }>(
    ({ extension, option }) => `Cannot build "${extension}": its option "${option}" is required and was not given`,
    'list the class as Class.with({ ... }) with every required option',
  ),
  EXTENSION_FACTORY_RESULT: entry<{ readonly given: string; readonly level: string }>(
    ({ given, level }) => `Cannot use what the extension factory returned: wanted is an instance of ${level}, current value is ${given}`,
    'return an instance of a class that extends it, synchronously',
  ),
  OPTION_UNKNOWN: entry<{ readonly place: string; readonly option: string; readonly nearest: string | undefined }>(
    ({ place, option, nearest }) => `Cannot apply the options of ${place}: "${option}" is not one of them${nearestOf(nearest)}`,
    'remove the option or correct its name',
  ),
  OPTION_INVALID: entry<{ readonly place: string; readonly option: string; readonly wanted: string; readonly given: string }>(
    ({ place, option, wanted, given }) => `Cannot apply the options of ${place}: "${option}" must be ${wanted}, current value is ${given}`,
    'pass a value of the wanted kind, or leave the option out for its default',
  ),
  MAPPER_TARGET_INVALID: entry<{ readonly given: string }>(
    ({ given }) => `Cannot declare extensions for ${given}: wanted is an entity class or an EntitySchema`,
    'pass the entity class or the EntitySchema that the DataSource maps',
  ),
  INSTALL_TARGET_INVALID: entry<{ readonly given: string }>(
    ({ given }) => `Cannot install flushpoint on ${given}: wanted is a DataSource`,
    'pass the DataSource itself: install(dataSource, options)',
  ),
  RESOLVER_MISSING: entry<{ readonly token: string }>(
    ({ token }) => `Cannot resolve "${token}": this DataSource was given no resolve function`,
    'call install(dataSource, { resolve: token => container.get(token) }) before the first hook runs',
  ),
  SAVEPOINTS_UNSUPPORTED: entry<{ readonly driver: string }>(
    ({ driver }) => `Cannot use savepoints: true with the driver "${driver}": it has no nested transactions`,
    'leave the option out; a failing flush then marks the transaction rollback-only',
  ),
  // ---- sessions
  SESSION_NOT_FOUND: entry<{ readonly source: string }>(
    ({ source }) => `Cannot find a session for ${source}: no transaction, write or hook of a DataSource with flushpoint is running on it`,
    'call it inside dataSource.transaction(...) with the manager given there, or inside a hook; trySessionOf returns undefined instead of throwing',
  ),
  SESSION_SOURCE_INVALID: entry<{ readonly given: string }>(
    ({ given }) => `Cannot look for a session in ${given}: wanted is an EntityManager, QueryRunner, Repository or an object with a manager`,
    'pass the manager or repository that does the work',
  ),
  SESSION_ENDED: entry<{ readonly method: string }>(
    ({ method }) => `Cannot call ${method} on this session: its transaction has ended`,
    'do the work inside the transaction, or start a new one: session.dataSource.transaction(...)',
  ),
  SESSION_IS_AMBIENT: entry<{ readonly method: string }>(
    ({ method }) => `Cannot call ${method} on an ambient session: it knows what is being written, not what was loaded`,
    'use session.manager for queries and saves inside this transaction',
  ),
  SESSION_WITHOUT_TRANSACTION: entry<{ readonly method: string }>(
    ({ method }) => `Cannot call ${method} here: no transaction and no write is running that could take the work in`,
    'use session.manager.save(...) or do the work inside dataSource.transaction(...)',
  ),
  ENTITY_NOT_MAPPED: entry<{ readonly given: string }>(
    ({ given }) => `Cannot use ${given} in this session: it is no entity of this DataSource`,
    'pass a mapped class, or an instance of one, made with new or manager.create(Entity, values); objects of an EntitySchema without a target are told by no class: give the schema a target',
  ),
  ENTITY_UNKNOWN: entry<{ readonly given: string; readonly method: string }>(
    ({ given, method }) => `Cannot answer ${method} for ${given}: it is not part of a running flush`,
    'ask inside a hook of the flush that writes it; afterwards the changes of the journal tell what was written',
  ),
  RELATION_TARGET_UNSAVED: entry<{ readonly relation: string; readonly target: string }>(
    ({ relation, target }) => `Cannot write ${relation}: it leads to a new ${target} that nothing saves`,
    'call session.add(theNewObject), in a hook as well, or let the relation cascade inserts',
  ),
  RELATION_TARGET_WRONG: entry<{ readonly relation: string; readonly given: string; readonly wanted: string }>(
    ({ relation, given, wanted }) => `Cannot write ${relation}: it leads to ${given}, wanted is ${wanted}`,
    'assign an entity of the class the relation is declared with, or of one below it',
  ),
  KEY_CHANGED: entry<{ readonly entity: string; readonly current: string; readonly wanted: string }>(
    ({ entity, current, wanted }) =>
      `Cannot write ${entity}: its key was changed, current value is ${current}, wanted is ${wanted} as it was loaded or at the start of the flush`,
    'leave the key of a row that exists alone, in hooks as well; to give a row another key, delete it and add a new one',
  ),
  HOOK_MUST_BE_SYNCHRONOUS: entry<{ readonly hook: string; readonly extension: string }>(
    ({ hook, extension }) => `Cannot await "${hook}" of "${extension}": its caller is synchronous, but it returned a promise`,
    'do the asynchronous part in beforeFlush or in an entity hook',
  ),
  FLUSH_NEVER_SETTLES: entry<{ readonly hook: string; readonly rounds: number }>(
    ({ hook, rounds }) => `Cannot finish the flush: after ${rounds} rounds "${hook}" still added new work`,
    'make the hook idempotent: add an entity only when the change that calls for it is new',
  ),
  // ---- sessions of their own
  SESSION_UNSUPPORTED: entry<Record<never, never>>(
    () => 'Cannot open a session on this DataSource: it comes from another copy of TypeORM, or one whose insides are not known',
    'install one copy of typeorm, of a version this package supports; the ambient way works there with the limits its warning lists',
  ),
  SESSION_CLOSED: entry<{ readonly method: string }>(
    ({ method }) => `Cannot call ${method} on this session: it is closed`,
    'open another one with openSession(dataSource), or do the work before the block of withSession ends',
  ),
  SESSION_NONE: entry<Record<never, never>>(
    () => 'Cannot tell the current session: this code runs in no withSession block and in no hook',
    'call it inside withSession(dataSource, fn), or use tryCurrentSession, which answers undefined',
  ),
  ENTITY_IN_OTHER_SESSION: entry<{ readonly entity: string; readonly owner: string; readonly wanted: string }>(
    ({ entity, owner, wanted }) => `Cannot take ${entity} into ${wanted}: it belongs to ${owner}, which is open`,
    'expunge it there first, or copy its values with session.merge(Entity, values)',
  ),
  ENTITY_STATE_WRONG: entry<{ readonly entity: string; readonly method: string; readonly current: string; readonly wanted: string }>(
    ({ entity, method, current, wanted }) => `Cannot call ${method} for ${entity}: current state is ${current}, wanted is ${wanted}`,
    'session.state(entity).status tells the state; add takes new and detached objects in, refresh and expunge need one that is in the session',
  ),
  SOFT_REMOVE_UNSUPPORTED: entry<{ readonly entity: string; readonly method: string }>(
    ({ entity, method }) => `Cannot call ${method} for ${entity}: its class has no delete date`,
    'give the class a @DeleteDateColumn, or use session.delete',
  ),
  DELETED_CHANGED: entry<{ readonly entity: string; readonly properties: string }>(
    ({ entity, properties }) => `Cannot write ${properties} of ${entity}: its row is deleted, and it was changed after that`,
    'expunge it and add a new object instead, or change it before it is deleted',
  ),
  IDENTITY_TAKEN: entry<{ readonly entity: string; readonly key: string }>(
    ({ entity, key }) => `Cannot take this ${entity} into the session: another object stands for ${key} already`,
    'use session.merge(Entity, values) to copy its values on to that object, or expunge that one first',
  ),
  ENTITY_NOT_FOUND: entry<{ readonly entity: string; readonly criteria: string }>(
    ({ entity, criteria }) => `Cannot find ${entity} ${criteria}: no row matches`,
    'use get, first or oneOrNull where nothing is an answer',
  ),
  RESULT_NOT_UNIQUE: entry<{ readonly entity: string; readonly method: string }>(
    ({ entity, method }) => `Cannot answer ${method} for ${entity}: more than one row matches, wanted is one`,
    'narrow the condition, or use first or all',
  ),
  CURSOR_NOT_A_VALUE: entry<{ readonly entity: string }>(
    ({ entity }) => `Cannot use a cursor of ${entity} as a value: it is a query that has not run`,
    'await it for its entities, or call first(), one() or count()',
  ),
  ROW_GONE: entry<{ readonly entity: string; readonly key: string }>(
    ({ entity, key }) => `Cannot refresh ${entity} ${key}: its row is not in the database any more`,
    'expunge the object; session.get answers null for rows that are gone',
  ),
  ROWS_STALE: entry<{ readonly rows: string; readonly count: number }>(
    ({ rows, count }) =>
      `Cannot write ${count === 1 ? 'a row' : `${count} rows`} that somebody else has changed or removed since it was loaded: ${rows}`,
    'refresh these entities, apply the change again and flush; session.expunge leaves one out',
  ),
  ROWS_NOT_INSERTED: entry<{ readonly entity: string; readonly sent: number; readonly inserted: number }>(
    ({ entity, sent, inserted }) => `Cannot insert ${entity}: ${sent} rows were sent and ${inserted} inserted`,
    'look for a trigger or rule on the table that swallows rows: which ones are missing cannot be told',
  ),
  KEYS_NOT_TOLD: entry<{ readonly entity: string }>(
    ({ entity }) => `Cannot tell which key each ${entity} was given: the keys made by the database do not count up`,
    'flush again: from now on these rows are inserted one by one',
  ),
  ROWS_NOT_LOCKABLE: entry<{ readonly entity: string }>(
    ({ entity }) => `Cannot lock the rows of ${entity}: it is a view that does not show rows of one table as they are`,
    'flush again: from now on these rows are changed one by one, without locking them first',
  ),
  AUTOFLUSH_FAILED: entry<{ readonly query: string; readonly cause: string }>(
    ({ query, cause }) => `Cannot run a query of ${query}: the autoflush before it failed (${cause})`,
    'mend what the cause says, or run the query inside session.noAutoflush(...) to leave pending work alone',
  ),
  FLUSH_IN_HOOK: entry<{ readonly method: string }>(
    ({ method }) => `Cannot call ${method} inside a hook of a flush: the flush is running`,
    'session.add and session.delete in before-hooks join the running flush; what after-hooks leave is flushed before the commit',
  ),
  REQUIRED_MISSING: entry<{ readonly entity: string; readonly property: string }>(
    ({ entity, property }) => `Cannot write ${entity}: its "${property}" is required, current value is nothing`,
    'set it before the flush, or declare it nullable',
  ),
  INSERT_CYCLE: entry<{ readonly rows: string }>(
    ({ rows }) => `Cannot insert or delete rows that need each other: ${rows}`,
    'make one of the relations nullable, so that it can be set by a second statement',
  ),
  UNIQUE_CYCLE: entry<{ readonly rows: string; readonly properties: string }>(
    ({ rows, properties }) => `Cannot swap the unique "${properties}" of ${rows} in one flush: each row waits for the other's value`,
    'flush once with an interim value, or make the column nullable so that one row can be parked there',
  ),
  KEY_INVALID: entry<{ readonly entity: string; readonly given: string; readonly wanted: string }>(
    ({ entity, given, wanted }) => `Cannot look for ${entity} by ${given}: wanted is ${wanted}`,
    'pass the value of a single key column, or an object with every part of the key: { id: 7 }',
  ),
  QUERY_PROPERTY_UNKNOWN: entry<{
    readonly entity: string
    readonly property: string
    readonly nearest: string | undefined
    readonly place: 'where' | 'order' | 'with'
  }>(
    ({ entity, property, nearest, place }) => `Cannot use "${property}" in ${place}: ${entity} has no such property${nearestOf(nearest)}`,
    'name a column or relation of the entity as its class declares it',
  ),
  QUERY_VALUE_UNDEFINED: entry<{ readonly entity: string; readonly property: string }>(
    ({ entity, property }) => `Cannot look for ${entity} by "${property}": it has no value, not even null, and would match every row`,
    'leave the property out of the condition, or pass null to find rows without a value',
  ),
  TRANSACTION_ALREADY_OPEN: entry<{ readonly scope: string }>(
    ({ scope }) => `Cannot begin: this session is in a ${scope} already`,
    'use session.transaction(fn) for a savepoint inside it',
  ),
  TRANSACTION_NESTED_OPEN: entry<{ readonly method: string }>(
    ({ method }) => `Cannot call ${method} here: a session.transaction(...) is still running, and it would end that from within`,
    'return from the function to commit, or throw to roll back',
  ),
  // ---- transactions
  TRANSACTION_ROLLBACK_ONLY: entry<{ readonly cause: string }>(
    ({ cause }) => `Cannot commit this transaction: a flush failed after it had sent statements (${cause})`,
    'let the error reach the transaction, retry it as a whole, or set savepoints: true so that only the failing flush is undone',
  ),
  TRANSACTION_ROLLED_BACK: entry<{ readonly cause: string }>(
    ({ cause }) =>
      `Cannot commit this transaction: the server has given it up after a failed statement (${cause}) and would answer COMMIT with ROLLBACK`,
    'do not swallow errors of statements; to survive one, run it in a nested manager.transaction(...), which is a savepoint',
  ),
  TRANSACTION_ENDED_BY_SERVER: entry<{ readonly cause: string }>(
    ({ cause }) => `Cannot go on in this transaction: the server has rolled it back (${cause})`,
    'let the error reach the transaction and retry it as a whole',
  ),
  TRANSACTION_ALREADY_ENDED: entry<{ readonly what: string }>(
    ({ what }) => `Cannot send ${what}: the transaction it was called in has ended before its turn came`,
    'await every write before the transaction ends; Promise.all rejects at the first error while the other writes still wait: write one after another, pass an array to save, or use Promise.allSettled',
  ),
  TRANSACTION_LEVEL_NOT_STARTED: entry<{ readonly cause: string }>(
    ({ cause }) => `Cannot commit this nested transaction: it was never started (${cause})`,
    'roll the nested level back; the outer transaction is intact',
  ),
  GLOBAL_MANAGER_REFUSED: entry<{ readonly driver: string }>(
    ({ driver }) =>
      `Cannot use the global manager of this "${driver}" DataSource here: a transaction is running and globalManager is 'refuse'`,
    "use the manager of the transaction (session.manager, event.manager), or choose globalManager: 'join'",
  ),
  CONNECTION_DEADLOCK: entry<{ readonly waiting: string; readonly waitedMs: number }>(
    ({ waiting, waitedMs }) =>
      `Cannot run ${waiting}: it waits for a transaction that this same code opened by hand on the only connection, for ${waitedMs} ms already`,
    'use the manager of that query runner (queryRunner.manager), or open the transaction with dataSource.transaction(...), which global writes join',
  ),
  // ---- bulk statements
  BULK_IMAGES_TOO_LATE: entry<{ readonly kind: string; readonly method: 'wantImages' | 'wantTransaction' }>(
    ({ kind, method }) => `Cannot call ${method} of this ${kind} statement now: it has been sent`,
    'call it in beforeBulk',
  ),
  BULK_IMAGES_UNSUPPORTED: entry<{ readonly kind: string; readonly reason: string }>(
    ({ kind, reason }) => `Cannot load images for this ${kind} statement: ${reason}`,
    'write the rows with manager.save(...), or do without images for this statement',
  ),
  ...SIGNAL_ERRORS,
  ...EVENT_ERRORS,
  ...CLI_ERRORS,
  ...OUTBOX_ERRORS,
  ...VALIDATION_ERRORS,
  ...AUDIT_ERRORS,
  ...CHANGE_CACHE_ERRORS,
  ...DATA_ERRORS,
  ...TRANSPORT_ERRORS,
} as const

export type ErrorCode = keyof typeof ERRORS
export type ErrorData<Code extends ErrorCode> = Parameters<(typeof ERRORS)[Code]['message']>[0]

/** What all errors of flushpoint share. `code` is permanent, `fix` says what to do, `cause` is the error behind it, if any. */
export class FlushpointError<C extends string = string> extends Error {
  override readonly name: string = 'FlushpointError'
  readonly code: C
  readonly fix: string

  constructor(code: C, data: C extends ErrorCode ? ErrorData<C> : never, options?: ErrorOptions) {
    const { message, fix } = ERRORS[code as ErrorCode] as ErrorEntry<unknown>
    const text = message(data)
    super(`${text}${text.endsWith('?') ? '' : '.'} Fix: ${fix} [${code}]`, options)
    this.code = code
    this.fix = fix
  }
}

/** A declaration or an option that can never work; thrown where it is written, or when the DataSource is initialised. */
export class ConfigurationError<C extends ErrorCode = ErrorCode> extends FlushpointError<C> {
  override readonly name = 'ConfigurationError'
}

/** A receiver, a sender or a name of a signal that can never work; thrown where it is given. */
export class SignalDefinitionError<C extends ErrorCode = ErrorCode> extends FlushpointError<C> {
  override readonly name = 'SignalDefinitionError'
}

/** An event, its type, a listener or a plugin that can never work; thrown where it is given. */
export class EventError<C extends ErrorCode = ErrorCode> extends FlushpointError<C> {
  override readonly name = 'EventError'
}

/** An outbox, its relay or a transport that cannot do what it was asked to. */
export class OutboxError<C extends ErrorCode = ErrorCode> extends FlushpointError<C> {
  override readonly name = 'OutboxError'
}

/** Rows of a flush that are not valid, an audit trail that cannot answer, or files of rows that cannot be read or written. */
export class DataError<C extends ErrorCode = ErrorCode> extends FlushpointError<C> {
  override readonly name = 'DataError'
}

/** The command line was used wrongly, or what it was pointed at cannot be used. */
export class CliError<C extends ErrorCode = ErrorCode> extends FlushpointError<C> {
  override readonly name = 'CliError'
}

/** The session was asked for something its present state does not allow. */
export class SessionError<C extends ErrorCode = ErrorCode> extends FlushpointError<C> {
  override readonly name = 'SessionError'
}

/** The transaction cannot be begun, continued or committed. */
export class TransactionError<C extends ErrorCode = ErrorCode> extends FlushpointError<C> {
  override readonly name = 'TransactionError'
}

/**
 * Whether an error is flushpoint's and has this code. Works across two loaded copies of the package, where `instanceof` does not.
 *
 * @example
 * if (hasErrorCode(error, 'TRANSACTION_ROLLBACK_ONLY')) retry()
 */
export function hasErrorCode<C extends string>(error: unknown, code: C): error is FlushpointError<C> {
  return (
    error instanceof Error &&
    (error as Partial<FlushpointError>).code === code &&
    typeof (error as Partial<FlushpointError>).fix === 'string'
  )
}

/** The message of any thrown value, for use inside other messages. Anything can be thrown, also what cannot be made a text. */
export function messageOf(thrown: unknown): string {
  try {
    return String(thrown instanceof Error ? thrown.message : thrown)
  } catch {
    return describeValue(thrown)
  }
}
