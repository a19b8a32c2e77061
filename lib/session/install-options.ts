/**
 * What a DataSource is given when flushpoint is put on it.
 *
 * Types and their check only. Invariant: unknown names are refused where they are written.
 *
 * @module
 */
import { checkOptions, type OptionKinds } from '../core/check-options.js'
import { checkExtensionList } from '../mapper/extension-list.js'
import type { Session, SessionExtensionInput } from '../mapper/session.js'
import type { Resolve } from '../mapper/token.js'
import { SESSION_LEVEL } from './session-extension.js'

/** Where an error came from that could not change the outcome. */
export interface HookFailure {
  /** `afterCommit`, `afterRollback`, `onCommit`, `onRollback`, or the name of a TypeORM event. */
  readonly hook: string
  readonly extension: object
  readonly session: Session
}

export interface InstallOptions {
  /** Session extensions, chained in this order. @defaultValue `[]` */
  extensions?: readonly SessionExtensionInput[]
  /** Hears what after-commit and after-rollback hooks throw. @defaultValue a process warning and a line in TypeORM's log */
  onHookError?: (error: unknown, failure: HookFailure) => void
  /** Undoes a failing flush inside a caller's transaction to a savepoint of its own, at two statements more per flush. @defaultValue `false` */
  savepoints?: boolean
  /**
   * What the DataSource's own manager, and repositories made from it, do inside a transaction or hook.
   *
   * `native`: what TypeORM does (join on single-connection drivers, stay outside elsewhere) · `join`: take part, on every driver ·
   * `refuse`: throw GLOBAL_MANAGER_REFUSED, on every driver. @defaultValue `'native'`
   */
  globalManager?: 'native' | 'join' | 'refuse'
  /**
   * Has `save`, `remove`, `softRemove` and `recover` of many entities write them in as few statements as the database takes, as sessions do.
   * On databases without a strategy for that, and for trees, nothing changes. @defaultValue `false`
   */
  fastWrites?: boolean
  /** Where `mapper.resolve` and `session.resolve` look. In Nest: `token => moduleRef.get(token, { strict: false })`. */
  resolve?: Resolve
}

const KINDS: OptionKinds = {
  extensions: 'array',
  onHookError: 'function',
  savepoints: 'boolean',
  fastWrites: 'boolean',
  globalManager: ['native', 'join', 'refuse'],
  resolve: 'function',
} satisfies Record<keyof InstallOptions, OptionKinds[string]>

/**
 * A copy of the options that nobody else can change.
 *
 * @throws {ConfigurationError} OPTION_UNKNOWN · OPTION_INVALID, and those of a wrong extension list.
 */
export function checkedInstallOptions(place: string, options: InstallOptions): InstallOptions {
  checkOptions(place, options, KINDS)
  const extensions = Object.freeze([...(options.extensions ?? [])])
  checkExtensionList(extensions, SESSION_LEVEL)
  return Object.freeze({ ...options, extensions })
}
