/**
 * Looks once, before any spec, whether the chosen database answers.
 *
 * When it does not, database specs are skipped and one line says so; with REQUIRE_SERVICES=1 the run fails instead.
 * Loaded by plain Node, so it imports none of our files.
 *
 * @module
 */
import mysql from 'mysql2/promise'
import { Client } from 'pg'

const HOUR_MS = 3_600_000

export default async function globalSetup(): Promise<void> {
  const database = process.env['DB'] ?? 'sqlite'
  process.env['POSTGRES_URL'] ??= 'postgres://postgres@127.0.0.1:5432/test'
  process.env['MARIADB_URL'] ??= 'mysql://root@127.0.0.1:3306/test'
  delete process.env['DATABASE_DOWN']
  try {
    if (database === 'postgres') await sweepPostgres(process.env['POSTGRES_URL'])
    if (database === 'mariadb') await sweepMariadb(process.env['MARIADB_URL'])
  } catch (error) {
    const reason = `${database} does not answer (${reasonOf(error)})`
    if (process.env['REQUIRE_SERVICES'] === '1') throw new Error(`Cannot run the specs as ${reason}`, { cause: error })
    process.env['DATABASE_DOWN'] = reason
    process.stderr.write(`${reason}: its specs are skipped. Set POSTGRES_URL or MARIADB_URL to run them.\n`)
  }
}

async function sweepPostgres(url: string): Promise<void> {
  const client = new Client({ connectionString: url, connectionTimeoutMillis: 3_000 })
  await client.connect()
  const { rows } = await client.query<{ name: string }>(`SELECT nspname AS name FROM pg_namespace WHERE nspname LIKE 'flushpoint\\_%'`)
  for (const { name } of rows.filter(isLeftover)) await client.query(`DROP SCHEMA IF EXISTS "${name}" CASCADE`)
  await client.end()
}

async function sweepMariadb(url: string): Promise<void> {
  const connection = await mysql.createConnection({ uri: url, connectTimeout: 3_000 })
  const [rows] = await connection.query<mysql.RowDataPacket[]>(
    `SELECT schema_name AS name FROM information_schema.schemata WHERE schema_name LIKE 'flushpoint\\_%'`,
  )
  for (const { name } of (rows as { name: string }[]).filter(isLeftover)) await connection.query(`DROP DATABASE IF EXISTS \`${name}\``)
  await connection.end()
}

/** True for what an interrupted run left behind; a run in progress is never older than an hour. */
function isLeftover({ name }: { name: string }): boolean {
  const created = parseInt(name.split('_')[1] ?? '', 36)
  return Date.now() - created > HOUR_MS
}

/** The message, or the code where the message is empty (an AggregateError of refused connections). */
function reasonOf(error: unknown): string {
  const { message, code } = error as { message?: string; code?: string }
  return message || code || String(error)
}
