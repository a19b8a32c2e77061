/**
 * The part of the error catalogue that the audit trail throws.
 *
 * Invariant: as in `errors.ts`, of which it is a part; no value of a row is in it.
 *
 * @module
 */
import { entry, nearestOf } from './error-entry.js'

export const AUDIT_ERRORS = {
  AUDIT_DATABASE_UNSUPPORTED: entry<{ readonly type: string }>(
    ({ type }) =>
      `Cannot keep an audit trail in a database of the type "${type}": wanted is sqlite, better-sqlite3, postgres, mysql or mariadb`,
    'keep it in one of these',
  ),
  AUDIT_TABLE_MISSING: entry<Record<never, never>>(
    () => 'Cannot find the table of the audit trail: the DataSource maps no AuditEntry',
    "add it to its entities: [...auditEntities('postgres')], with the type of your database, and to a migration: auditMigration(…)",
  ),
  AUDIT_WITHOUT_TRANSACTION: entry<Record<never, never>>(
    () => 'Cannot audit a write that is to have no transaction: its audit rows could not share its fate',
    'leave { transaction: false } out, or write inside of dataSource.transaction',
  ),
  AUDIT_ENTITY_UNKNOWN: entry<{ readonly given: string; readonly nearest: string | undefined }>(
    ({ given, nearest }) => `Cannot look for ${given} in the audit trail: the DataSource does not map it${nearestOf(nearest)}`,
    'pass an instance of an entity class, or the class, EntitySchema or name together with the key',
  ),
  AUDIT_KEY_INVALID: entry<{ readonly entity: string; readonly given: string }>(
    ({ entity, given }) => `Cannot look for a row of ${entity} in the audit trail: its key is ${given}, a part of which is missing`,
    'pass the key as a value, or as an object with every part of it',
  ),
  AUDIT_SESSION_MISSING: entry<Record<never, never>>(
    () => 'Cannot revert a change without a session: the desk was made of a DataSource',
    'make it of a session: auditOf(session).revert(change), in withSession, openSession or a transaction',
  ),
  AUDIT_REVERT_CONFLICT: entry<{ readonly entity: string; readonly key: string; readonly fields: string }>(
    ({ entity, key, fields }) => `Cannot revert the change of ${entity} ${key}: ${fields} changed again since`,
    'revert the later changes first, newest first, or pass { force: true } to overwrite them',
  ),
  AUDIT_REVERT_ROW_GONE: entry<{ readonly entity: string; readonly key: string }>(
    ({ entity, key }) => `Cannot revert the change of ${entity} ${key}: the row is gone`,
    'revert its deletion first',
  ),
  AUDIT_REVERT_ROW_EXISTS: entry<{ readonly entity: string; readonly key: string }>(
    ({ entity, key }) =>
      `Cannot revert the deletion of ${entity} ${key}: a row with this key is there again, or the session holds an object with it`,
    'delete that row first, or revert the change that brought it back; in a session, expunge what stands for a row that is gone',
  ),
  AUDIT_REVERT_NEEDS_SESSION: entry<{ readonly entity: string; readonly key: string }>(
    ({ entity, key }) => `Cannot revert the deletion of ${entity} ${key} by TypeORM's own save: it would draw another key`,
    'revert it in a session of its own: withSession(dataSource, (session) => auditOf(session).revert(change))',
  ),
  AUDIT_REVERT_VALUES_MISSING: entry<{ readonly entity: string; readonly key: string; readonly fields: string }>(
    ({ entity, key, fields }) => `Cannot revert the change of ${entity} ${key}: the audit trail does not hold the values of ${fields}`,
    'set them by hand; with { force: true } the deletion of a row is reverted without them, as far as the table allows',
  ),
  AUDIT_REVERT_MEMBERS_GONE: entry<{ readonly entity: string; readonly key: string; readonly relation: string }>(
    ({ entity, key, relation }) => `Cannot revert the change of ${entity} ${key}: rows that were members of ${relation} are gone`,
    'revert their deletion first, or pass { force: true } to go on without them',
  ),
} as const
