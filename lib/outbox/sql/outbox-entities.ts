/**
 * The tables of an outbox as entities and as a migration.
 *
 * Knows no statement. Invariant: both are made of `tables.ts` alone, and say the same of every table.
 *
 * @module
 */
import type { DataSourceOptions, EntitySchema, MigrationInterface } from 'typeorm'
import { checkOptions } from '../../core/check-options.js'
import { assertSchema, assertTableName, entitySchemasOf } from '../../tables/table-entities.js'
import { tableMigration } from '../../tables/table-migration.js'
import { familyOf, OUTBOX_TABLES } from './tables.js'

export interface OutboxEntityOptions {
  /**
   * The schema (PostgreSQL) or database (MySQL, MariaDB) of the tables; the migration creates it where it is not there yet. SQLite has none.
   *
   * @defaultValue that of the connection
   */
  readonly schema?: string
}

/**
 * The entities of an outbox, for the `entities` of the DataSource, for `synchronize` and for `migration:generate`.
 *
 * @param type The type of the database, as in the options of the DataSource; TypeORM 1.x has none called `sqlite`.
 * @throws {OutboxError} OUTBOX_DATABASE_UNSUPPORTED
 * @throws {ConfigurationError} OPTION_UNKNOWN · OPTION_INVALID
 * @example
 * new DataSource({ type: 'postgres', entities: [Film, ...outboxEntities('postgres')], … })
 */
export function outboxEntities(type: DataSourceOptions['type'] | 'sqlite', options: OutboxEntityOptions = {}): EntitySchema[] {
  checkOptions('outboxEntities', options, { schema: 'string' })
  const place = { family: familyOf(type), schema: options.schema }
  assertSchema('outboxEntities', place)
  return entitySchemasOf(OUTBOX_TABLES, place)
}

/**
 * A migration that creates the tables of an outbox, for projects that do not `synchronize`; `down` drops them.
 *
 * @param timestamp Of the migration: TypeORM runs migrations in this order; milliseconds since 1970, of 13 digits. @defaultValue 1793491200000
 * @param options As given to `outboxEntities`.
 * @throws {ConfigurationError} OPTION_UNKNOWN · OPTION_INVALID
 * @throws {OutboxError} OUTBOX_DATABASE_UNSUPPORTED when it runs.
 * @example
 * export const CreateOutbox = outboxMigration(1793491200000) // a file in your migrations folder, or an entry of `migrations`
 */
export function outboxMigration(timestamp = 1793491200000, options: OutboxEntityOptions = {}): new () => MigrationInterface {
  const place = 'outboxMigration'
  checkOptions(place, options, { schema: 'string' })
  assertTableName(place, 'schema', options.schema)
  return tableMigration({ place, subject: 'Outbox', timestamp, tables: OUTBOX_TABLES, schema: options.schema, familyOf })
}
