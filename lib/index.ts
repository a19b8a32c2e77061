/**
 * flushpoint: sessions, mapper extensions and reliable events for TypeORM.
 *
 * Every public name of the main entry, listed once. Nothing in `lib` imports this file.
 *
 * @module
 */
export { currentContext, withContext, type Context, type ContextTypes, type DefaultContext } from './core/context.js'
export { ConfigurationError, FlushpointError, hasErrorCode, SessionError, TransactionError, type ErrorCode } from './core/errors.js'
export { withoutExtensions, type SilenceOptions } from './core/silence.js'
export type { BulkImages, BulkKind, BulkStatement, SqlCondition } from './mapper/bulk-statement.js'
export type { Change, ChangeKind, ChangeVariant, OfEntity, RelationChange, RelationChanges } from './mapper/change.js'
export type { Cursor, CursorAction, Loaded, RelationPath } from './mapper/cursor.js'
export type { ChangeMap, DataKeys, EntityClass, EntityRef, Key, KeyInput, One, Values } from './mapper/entity-types.js'
export type { ExtensionFactory, OptionNames } from './mapper/extension-factory.js'
export { MapperExtension, type Mapper } from './mapper/mapper-extension.js'
export { Extensions, mapper, type MapperExtensionInput } from './mapper/registry.js'
export type { SchemaChange, SchemaChangeKind, TableAltered, TableCreated, TableDropped, TableRenamed } from './mapper/schema-change.js'
export type {
  EntityState,
  EntityStatus,
  OpenSession,
  RetryOptions,
  Session,
  SessionExtensionInput,
  SessionHooks,
  SessionInfo,
} from './mapper/session.js'
export type { Awaitable, Resolve, Token } from './mapper/token.js'
export type { FlushPlan, FlushResult, PlanStep, RelationEdit, TransactionScope, UnitOfWork } from './mapper/unit-of-work.js'
export { closeAll, currentSession, flushAll, tryCurrentSession, withScope, type ScopeOptions } from './session/current-session.js'
export type { HookFailure, InstallOptions } from './session/install-options.js'
export { SessionExtension } from './session/session-extension.js'
export type { SessionOptions } from './session/session-options.js'
export { openSession, withSession } from './typeorm/open-session.js'
export { sessionOf, stateOf, trySessionOf, type SessionSource } from './typeorm/session-of.js'
export { install, sessionSubscriber } from './typeorm/subscriber.js'
