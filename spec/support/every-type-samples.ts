/**
 * The column types of the database that DB names, with values that are hard to carry.
 *
 * @module
 */
import { databaseName } from './databases.js'
import type { TypeSample } from './every-type.js'
import { MARIADB_TYPES } from './every-type-mariadb.js'
import { POSTGRES_TYPES } from './every-type-postgres.js'
import { SQLITE_TYPES } from './every-type-sqlite.js'

const samples: Readonly<Record<ReturnType<typeof databaseName>, readonly TypeSample[]>> = {
  postgres: POSTGRES_TYPES,
  mariadb: MARIADB_TYPES,
  sqlite: SQLITE_TYPES,
  'better-sqlite3': SQLITE_TYPES,
}

export const TYPE_SAMPLES = samples[databaseName()]
