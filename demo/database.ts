/**
 * The database of the demo: a file beside it, or a schema or database of its own on the server that DB names.
 *
 * @module
 */
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { DataSource, type DataSourceOptions } from 'typeorm'

const NAME = 'demo_flushpoint'
const FILE = join(__dirname, 'catalogue.sqlite')
const {
  DB = 'sqlite',
  POSTGRES_URL = 'postgres://postgres@127.0.0.1:5432/test',
  MARIADB_URL = 'mysql://root@127.0.0.1:3306/test',
} = process.env

/** Connection options for `DB=sqlite` (the default), `better-sqlite3`, `postgres` or `mariadb`. */
export function database(): DataSourceOptions {
  if (DB === 'postgres') return { ...server(), schema: NAME } as DataSourceOptions
  if (DB === 'mariadb')
    return { ...server(), database: NAME, url: Object.assign(new URL(MARIADB_URL), { pathname: NAME }).href } as DataSourceOptions
  return { type: DB as 'better-sqlite3', database: FILE }
}

function server(): DataSourceOptions {
  if (DB === 'postgres') return { type: DB, url: POSTGRES_URL }
  return { type: 'mariadb', url: MARIADB_URL }
}

/** Removes what an earlier run has left. */
export async function emptyDatabase(): Promise<void> {
  if (DB !== 'postgres' && DB !== 'mariadb') return rmSync(FILE, { force: true })
  const root = await new DataSource(server()).initialize()
  const kind = DB === 'postgres' ? 'SCHEMA' : 'DATABASE'
  await root.query(`DROP ${kind} IF EXISTS ${NAME}${DB === 'postgres' ? ' CASCADE' : ''}`)
  await root.query(`CREATE ${kind} ${NAME}${DB === 'postgres' ? '' : ' CHARACTER SET utf8mb4'}`)
  await root.destroy()
}
