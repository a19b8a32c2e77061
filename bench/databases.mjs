/**
 * The databases measured, each contender with one of its own: a SQLite database in memory, a SQLite file, a PostgreSQL schema, a database
 * of MariaDB.
 *
 * better-sqlite3 answers in microseconds, without leaving the thread: nothing shows an overhead more plainly.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const MARIADB_URL = process.env.MARIADB_URL ?? 'mysql://root@127.0.0.1:3306/test'
const POSTGRES_URL = process.env.POSTGRES_URL ?? 'postgres://postgres@127.0.0.1:5432/test'

/** Each opens as `{ options(name), close() }`, or throws where it does not answer. `samples` is how many saves of one entity make a round. */
export const DATABASES = {
  memory: {
    title: 'SQLite in memory (better-sqlite3)',
    open: async () => ({ options: () => ({ type: 'better-sqlite3', database: ':memory:' }), close: async () => undefined }),
  },
  sqlite3: {
    title: 'SQLite in memory (sqlite3)',
    open: async () => ({ options: () => ({ type: 'sqlite', database: ':memory:' }), close: async () => undefined }),
  },
  file: {
    title: 'SQLite file (better-sqlite3)',
    samples: 6, // each waits for the disk
    open: async () => {
      const folder = mkdtempSync(join(tmpdir(), 'flushpoint-bench-'))
      return {
        options: (name) => ({ type: 'better-sqlite3', database: join(folder, `${name}.sqlite`) }),
        close: async () => rmSync(folder, { recursive: true, force: true }),
      }
    },
  },
  postgres: { title: 'PostgreSQL', open: openPostgres },
  mariadb: { title: 'MariaDB', open: openMariadb },
}

async function openPostgres() {
  const { default: pg } = await import('pg')
  const client = new pg.Client({ connectionString: POSTGRES_URL, connectionTimeoutMillis: 3_000 })
  await client.connect()
  const prefix = databasePrefix()
  const created = []
  return {
    options: async (name) => {
      const schema = `${prefix}_${name}`
      await client.query(`CREATE SCHEMA "${schema}"`)
      created.push(schema)
      return { type: 'postgres', url: POSTGRES_URL, schema, installExtensions: false, poolSize: 2 }
    },
    close: async () => {
      for (const schema of created) await client.query(`DROP SCHEMA IF EXISTS "${schema}" CASCADE`)
      await client.end()
    },
  }
}

async function openMariadb() {
  const { default: mysql } = await import('mysql2/promise')
  const client = await mysql.createConnection({ uri: MARIADB_URL, connectTimeout: 3_000 })
  const prefix = databasePrefix()
  const created = []
  return {
    options: async (name) => {
      const database = `${prefix}_${name}`
      await client.query(`CREATE DATABASE \`${database}\` CHARACTER SET utf8mb4`)
      created.push(database)
      const url = Object.assign(new URL(MARIADB_URL), { pathname: `/${database}` }).toString()
      return { type: 'mariadb', url, poolSize: 2 }
    },
    close: async () => {
      for (const database of created) await client.query(`DROP DATABASE IF EXISTS \`${database}\``)
      await client.end()
    },
  }
}

function databasePrefix() {
  return `flushpoint_${Date.now().toString(36)}_bench${process.pid}`
}
