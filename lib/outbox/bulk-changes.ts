/**
 * Asks for the rows that a statement by query writes, where changes of these are told.
 *
 * Knows no message: rows that were asked for are in the journal of the session. Invariant: a statement whose rows cannot be found is sent all the
 * same.
 *
 * @module
 */
import type { DataSource } from 'typeorm'
import { hasErrorCode } from '../core/errors.js'
import type { BulkStatement } from '../mapper/bulk-statement.js'
import type { OutboxSettings } from './outbox-settings.js'

/** @throws {ConfigurationError} OPTION_INVALID when `changes` names columns that are none. */
export function wantChangesOf(statement: BulkStatement, dataSource: DataSource, { changes }: OutboxSettings): void {
  if (!changes.has(statement.target, dataSource) || !hasKnownKeys(statement, dataSource)) return
  try {
    statement.wantImages('both')
  } catch (error) {
    if (!hasErrorCode(error, 'BULK_IMAGES_UNSUPPORTED')) throw error
  }
}

/** A key that is an expression of SQL, which a function stands for, is known to the database alone. */
function hasKnownKeys({ kind, target, values }: BulkStatement, dataSource: DataSource): boolean {
  if (kind !== 'insert' && kind !== 'upsert') return true
  const rows = (Array.isArray(values) ? values : [values ?? {}]) as readonly object[]
  const { primaryColumns } = dataSource.getMetadata(target)
  return !rows.some((row) => primaryColumns.some((column) => typeof column.getEntityValue(row) === 'function'))
}
