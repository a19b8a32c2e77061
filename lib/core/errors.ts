/**
 * Every error flushpoint throws on purpose: its permanent code, its message and what to do about it.
 *
 * Knows nothing of sessions or databases: entries take plain text. Errors thrown by users' own hooks are not here and are never wrapped.
 * Invariant: a code is public; it is never renamed and never reused. `docs/errors.md` lists exactly these codes.
 *
 * @module
 */
export interface ErrorEntry<Data> {
  readonly message: (data: Data) => string
  readonly fix: string
}

const entry = <Data>(message: (data: Data) => string, fix: string): ErrorEntry<Data> => ({ message, fix })
const nearestOf = (nearest: string | undefined) => (nearest === undefined ? '' : `; did you mean "${nearest}"?`)

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
    ({ given }) => `Cannot take ${given} into the session: it is not an instance of an entity of this DataSource`,
    'pass an instance of a mapped class, made with new or manager.create(Entity, values)',
  ),
  ENTITY_UNKNOWN: entry<{ readonly given: string; readonly method: string }>(
    ({ given, method }) => `Cannot answer ${method} for ${given}: it is not part of a running flush`,
    'ask inside a hook of the flush that writes it; afterwards the changes of the journal tell what was written',
  ),
  RELATION_TARGET_UNSAVED: entry<{ readonly relation: string; readonly target: string }>(
    ({ relation, target }) => `Cannot write ${relation} as a hook set it: it leads to a new ${target} that nothing saves`,
    'call session.add(theNewObject) in the hook, or let the relation cascade inserts',
  ),
  KEY_CHANGED: entry<{ readonly entity: string; readonly current: string; readonly wanted: string }>(
    ({ entity, current, wanted }) =>
      `Cannot write ${entity}: a hook changed its key, current value is ${current}, wanted is ${wanted} as at the start of the flush`,
    'leave the key alone in update, delete, soft-remove and recover hooks; to give a row another key, delete it and add a new one',
  ),
  HOOK_MUST_BE_SYNCHRONOUS: entry<{ readonly hook: string; readonly extension: string }>(
    ({ hook, extension }) => `Cannot await "${hook}" of "${extension}": its caller is synchronous, but it returned a promise`,
    'do the asynchronous part in beforeFlush or in an entity hook',
  ),
  FLUSH_NEVER_SETTLES: entry<{ readonly hook: string; readonly rounds: number }>(
    ({ hook, rounds }) => `Cannot finish the flush: after ${rounds} rounds "${hook}" still added new work`,
    'make the hook idempotent: add an entity only when the change that calls for it is new',
  ),
  // ---- transactions
  TRANSACTION_ROLLBACK_ONLY: entry<{ readonly cause: string }>(
    ({ cause }) => `Cannot commit this transaction: a hook failed after its flush had sent statements (${cause})`,
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
  BULK_IMAGES_TOO_LATE: entry<{ readonly kind: string }>(
    ({ kind }) => `Cannot ask for images of this ${kind} statement now: it has been sent`,
    'call statement.wantImages(...) in beforeBulk',
  ),
  BULK_IMAGES_UNSUPPORTED: entry<{ readonly kind: string; readonly reason: string }>(
    ({ kind, reason }) => `Cannot load images for this ${kind} statement: ${reason}`,
    'write the rows with manager.save(...), or do without images for this statement',
  ),
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

/** The message of any thrown value, for use inside other messages. */
export function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown)
}
