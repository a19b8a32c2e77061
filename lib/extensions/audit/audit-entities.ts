/**
 * The table of an audit trail as an entity and as a migration.
 *
 * Knows no statement. Invariant: both are made of `audit-table.ts` alone, and say the same.
 *
 * @module
 */
import type { DataSourceOptions, EntitySchema, MigrationInterface } from 'typeorm'
import { checkOptions } from '../../core/check-options.js'
import type { OwnTable } from '../../tables/own-table.js'
import { assertSchema, assertTableName, entitySchemasOf } from '../../tables/table-entities.js'
import { tableMigration } from '../../tables/table-migration.js'
import { auditFamilyOf, auditTable } from './audit-table.js'

export interface AuditEntityOptions {
  /** The name of the table. @defaultValue `'audit_entry'` */
  readonly table?: string
  /**
   * The schema (PostgreSQL) or database (MySQL, MariaDB) of the table; the migration creates it where it is not there yet. SQLite has none.
   *
   * @defaultValue that of the connection
   */
  readonly schema?: string
}

const AUDIT_TABLE = 'audit_entry'

/**
 * The entity of an audit trail, called `AuditEntry`, for the `entities` of the DataSource, for `synchronize` and for `migration:generate`.
 *
 * @param type The type of the database, as in the options of the DataSource; TypeORM 1.x has none called `sqlite`.
 * @throws {DataError} AUDIT_DATABASE_UNSUPPORTED
 * @throws {ConfigurationError} OPTION_UNKNOWN · OPTION_INVALID
 * @example
 * new DataSource({ type: 'postgres', entities: [Film, ...auditEntities('postgres')], … })
 */
export function auditEntities(type: DataSourceOptions['type'] | 'sqlite', options: AuditEntityOptions = {}): EntitySchema[] {
  const table = checkedTable('auditEntities', options)
  const place = { family: auditFamilyOf(type), schema: options.schema }
  assertSchema('auditEntities', place)
  return entitySchemasOf([table], place)
}

/** @throws {ConfigurationError} OPTION_UNKNOWN · OPTION_INVALID */
function checkedTable(place: string, options: AuditEntityOptions): OwnTable {
  checkOptions(place, options, { table: 'string', schema: 'string' })
  assertTableName(place, 'table', options.table)
  assertTableName(place, 'schema', options.schema)
  return auditTable(options.table ?? AUDIT_TABLE)
}

/**
 * A migration that creates the table of an audit trail, for projects that do not `synchronize`; `down` drops it.
 *
 * @param timestamp Of the migration: TypeORM runs migrations in this order; milliseconds since 1970, of 13 digits. @defaultValue 1793491200001
 * @param options As given to `auditEntities`.
 * @throws {ConfigurationError} OPTION_UNKNOWN · OPTION_INVALID
 * @throws {DataError} AUDIT_DATABASE_UNSUPPORTED when it runs.
 * @example
 * export const CreateAudit = auditMigration(1793491200001) // a file in your migrations folder, or an entry of `migrations`
 */
export function auditMigration(timestamp = 1793491200001, options: AuditEntityOptions = {}): new () => MigrationInterface {
  const place = 'auditMigration'
  const tables = [checkedTable(place, options)]
  return tableMigration({ place, subject: 'Audit', timestamp, tables, schema: options.schema, familyOf: auditFamilyOf })
}
