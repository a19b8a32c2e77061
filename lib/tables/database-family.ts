/**
 * The databases that tables of our own may be in, by what they understand.
 *
 * Knows no table. Invariant: what is read from `DataSource.options.type` is told here, and nowhere else that writes statements for such tables.
 *
 * @module
 */
export type DatabaseFamily = 'sqlite' | 'postgres' | 'mysql'

const FAMILIES: Readonly<Record<string, DatabaseFamily>> = {
  sqlite: 'sqlite',
  'better-sqlite3': 'sqlite',
  postgres: 'postgres',
  mysql: 'mysql',
  mariadb: 'mysql',
}

/** undefined for a database that no statement was ever written for. */
export function databaseFamilyOf(type: string): DatabaseFamily | undefined {
  return FAMILIES[type]
}

/** The time of the database, in milliseconds since 1970. A statement that asks twice may be told two times. */
export const NOW_MS: Readonly<Record<DatabaseFamily, string>> = {
  sqlite: "CAST(ROUND((julianday('now') - 2440587.5) * 86400000) AS INTEGER)", // days are counted in fractions that miss a millisecond
  postgres: '(extract(epoch from statement_timestamp()) * 1000)::bigint',
  mysql: "(TIMESTAMPDIFF(MICROSECOND, '1970-01-01', UTC_TIMESTAMP(3)) DIV 1000)", // UNIX_TIMESTAMP(…) of a local time would jump with summer time
}
