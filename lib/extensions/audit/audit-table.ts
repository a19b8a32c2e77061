/**
 * The table of an audit trail: one list of columns, of which entity and migration are made.
 *
 * Knows no statement.
 *
 * @module
 */
import { DataError } from '../../core/errors.js'
import { databaseFamilyOf, type DatabaseFamily } from '../../tables/database-family.js'
import type { OwnColumn, OwnTable } from '../../tables/own-table.js'

/** The name of the entity, whatever its table is called. */
export const AUDIT_ENTITY = 'AuditEntry'

const COLUMNS: readonly OwnColumn[] = [
  { name: 'seq', kind: 'sequence', isPrimary: true },
  { name: 'transaction_id', kind: 36 },
  { name: 'recorded_at', kind: 'bigint' },
  { name: 'actor', kind: 255, isNullable: true },
  { name: 'request_id', kind: 255, isNullable: true },
  { name: 'operation', kind: 10 },
  { name: 'entity', kind: 255 },
  { name: 'entity_key', kind: 255 },
  { name: 'changes', kind: 'json' },
  { name: 'relations', kind: 'json', isNullable: true },
]

export function auditTable(name: string): OwnTable {
  return {
    entity: AUDIT_ENTITY,
    name,
    columns: COLUMNS,
    indices: [
      { name: `${name}_key`, columns: ['entity', 'entity_key', 'seq'] },
      { name: `${name}_time`, columns: ['recorded_at'] },
    ],
    collation: 'C', // keys are compared here, and no rules of a language cost time
  }
}

/** @throws {DataError} AUDIT_DATABASE_UNSUPPORTED */
export function auditFamilyOf(type: string): DatabaseFamily {
  const family = databaseFamilyOf(type)
  if (family === undefined) throw new DataError('AUDIT_DATABASE_UNSUPPORTED', { type })
  return family
}
