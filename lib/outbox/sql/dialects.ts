/**
 * The dialect of each family of databases.
 *
 * Invariant: every family has one.
 *
 * @module
 */
import type { DatabaseFamily } from '../../tables/database-family.js'
import { mysqlDialect } from './mysql-dialect.js'
import type { OutboxDialect } from './outbox-dialect.js'
import { postgresDialect } from './postgres-dialect.js'
import { sqliteDialect } from './sqlite-dialect.js'

export const DIALECTS: Readonly<Record<DatabaseFamily, OutboxDialect>> = {
  sqlite: sqliteDialect,
  postgres: postgresDialect,
  mysql: mysqlDialect,
}
