/**
 * Transactions beside those of relays, which lock the same rows.
 *
 * Invariant: what the database gave up for the sake of somebody else's transaction is tried again; every other error is thrown at once.
 *
 * @module
 */
import { retry } from '../../session/retry.js'
import type { OutboxConnection, OutboxDatabase } from '../sql/outbox-database.js'

/** Deadlocks, serialization failures and busy files: codes of PostgreSQL, MySQL and MariaDB, SQLite. */
const CONFLICTS = new Set(['40001', '40P01', 'ER_LOCK_DEADLOCK', 'ER_CHECKREAD', 'SQLITE_BUSY', 'SQLITE_BUSY_SNAPSHOT'])

/** A transaction that begins anew after a conflict. */
export function inTransaction<T>(database: OutboxDatabase, fn: (connection: OutboxConnection) => Promise<T>): Promise<T> {
  return retry(() => database.transaction(fn), { attempts: 5, isRetryable: isConflict })
}

function isConflict(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  const { code } = (error as { driverError?: { code?: unknown } }).driverError ?? {}
  return CONFLICTS.has(String(code)) || isConflict(error.cause)
}
