/**
 * One row of an audit trail, as it is read.
 *
 * Invariant: values are JSON of what was stored when the row was written, whatever the mapping says today.
 *
 * @module
 */
import type { ChangeKind } from '../../mapper/change.js'
import type { JsonObject, JsonValue } from '../row-documents/json-value.js'
import { WHOLE_KEY } from './audit-key.js'
import type { StoredRow } from './audit-store.js'

/** A value before and after; what was not known, or is none, is missing: `from` of an insert, `to` of a delete. */
export interface AuditedValue {
  readonly from?: JsonValue
  readonly to?: JsonValue
}

/** The keys of the rows that came to a collection, and of those that went from it. */
export interface AuditedMembers {
  readonly added: readonly JsonObject[]
  readonly removed: readonly JsonObject[]
}

export interface AuditedChange {
  /** Rises with time; of two changes of one row the later one has the higher number. */
  readonly sequence: number
  /** Shared by the changes of one transaction. */
  readonly transactionId: string
  /** When it was written, just before the COMMIT, by the clock of the database. */
  readonly at: Date
  readonly actor: string | null
  readonly requestId: string | null
  readonly operation: ChangeKind
  /** The name of the class of the row. */
  readonly entity: string
  /** By property path: `{ id: 7 }`. */
  readonly key: JsonObject
  /**
   * By property path, a to-one as the key of the other row. Dates are in ISO form, bytes in base64, hashed values `hmac:…`. Of a transformer that
   * stores one value in many forms, as one that encrypts may, it is another form of that value than the stored one, and reads as the same.
   */
  readonly changes: Readonly<Record<string, AuditedValue>>
  readonly relations: Readonly<Record<string, AuditedMembers>>
}

export function auditedChange(row: StoredRow): AuditedChange {
  const { [WHOLE_KEY]: wholeKey, ...changes } = read(row['changes']) as Record<string, unknown>
  return Object.freeze({
    sequence: Number(row['seq']),
    transactionId: String(row['transaction_id']),
    at: new Date(Number(row['recorded_at'])),
    actor: textOrNull(row['actor']),
    requestId: textOrNull(row['request_id']),
    operation: row['operation'] as ChangeKind,
    entity: String(row['entity']),
    key: (wholeKey ?? JSON.parse(String(row['entity_key']))) as JsonObject,
    changes: changes as AuditedChange['changes'],
    relations: (row['relations'] === null ? {} : read(row['relations'])) as AuditedChange['relations'],
  })
}

/** PostgreSQL's driver has read the JSON already. */
function read(json: unknown): unknown {
  return typeof json === 'string' ? (JSON.parse(json) as unknown) : json
}

function textOrNull(value: unknown): string | null {
  return value === null || value === undefined ? null : String(value)
}
