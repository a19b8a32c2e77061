/**
 * What a session is opened with.
 *
 * Types and their check only. Invariant: unknown names are refused where they are written.
 *
 * @module
 */
import type { IsolationLevel } from 'typeorm/driver/types/IsolationLevel.js'
import { checkOptions, type OptionKinds } from '../core/check-options.js'
import type { Context } from '../core/context.js'
import { checkExtensionList } from '../mapper/extension-list.js'
import type { SessionExtensionInput } from '../mapper/session.js'
import { SESSION_LEVEL } from './session-extension.js'

export interface SessionOptions {
  /** Session extensions of this session, chained after those of its DataSource. @defaultValue `[]` */
  extensions?: readonly SessionExtensionInput[]
  /** Flushes before each query that is sent, so that it sees what is pending. @defaultValue `false` */
  autoflush?: boolean
  /** Reads entities again when they are next queried after a commit. @defaultValue `false` */
  expireOnCommit?: boolean
  /** Who and why; merged over the context the session is opened in. @defaultValue `{}` */
  context?: Context
  /** For each transaction this session begins. In withSession, reads then begin it as well. @defaultValue the database's own */
  isolationLevel?: IsolationLevel
  /** Once aborted, nothing more is sent: loads, flushes and commits throw its reason. @defaultValue none */
  abortSignal?: AbortSignal
  /** Undoes a failing flush inside a transaction to a savepoint of its own, at two statements more per flush. @defaultValue that of the DataSource */
  savepoints?: boolean
}

const ISOLATION_LEVELS = ['READ UNCOMMITTED', 'READ COMMITTED', 'REPEATABLE READ', 'SERIALIZABLE'] as const

const KINDS: OptionKinds = {
  extensions: 'array',
  autoflush: 'boolean',
  expireOnCommit: 'boolean',
  context: 'object',
  isolationLevel: ISOLATION_LEVELS,
  abortSignal: 'object',
  savepoints: 'boolean',
} satisfies Record<keyof SessionOptions, OptionKinds[string]>

/**
 * A copy of the options that nobody else can change.
 *
 * @throws {ConfigurationError} OPTION_UNKNOWN · OPTION_INVALID, and those of a wrong extension list.
 */
export function checkedSessionOptions(place: string, options: SessionOptions): SessionOptions {
  checkOptions(place, options, KINDS)
  const extensions = Object.freeze([...(options.extensions ?? [])])
  checkExtensionList(extensions, SESSION_LEVEL)
  return Object.freeze({ ...options, extensions })
}
