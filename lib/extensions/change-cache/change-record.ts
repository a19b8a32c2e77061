/**
 * What one commit has changed, as it is kept in a cache.
 *
 * Types and their check. Invariant: a record is JSON, and says by itself which files it makes, without any mapping.
 *
 * @module
 */
import { DataError } from '../../core/errors.js'
import { describeValue } from '../../core/describe-value.js'
import type { RowDocument } from '../row-documents/row-document.js'

/** One row, as it was just before the commit. */
export interface RecordedRow {
  readonly model: string
  /** Its key as one text. */
  readonly id: string
  /** What the row is called, for people. */
  readonly obj_as_str: string
  readonly data: RowDocument
}

export interface CreatedRow extends RecordedRow {
  /** Whether it has a file of its own. */
  readonly is_root: boolean
}

export interface DeletedRow {
  readonly model: string
  readonly id: string
}

export interface RecordedRows {
  /** Every row that was created, root or not. */
  readonly created: readonly CreatedRow[]
  /** Roots whose files are to be written anew, each once. */
  readonly updated: readonly RecordedRow[]
  /** Roots that are gone. */
  readonly deleted: readonly DeletedRow[]
}

/** Who did it. */
export interface RecordAuthor {
  readonly username: string
  readonly email: string
}

export interface ChangeRecord extends RecordAuthor, RecordedRows {
  /** When it was made, in ISO form. */
  readonly time: string
}

/** Text columns of whoever reads a record, by the list they are in. */
const ROW_TEXTS = {
  created: ['model', 'id', 'obj_as_str'],
  updated: ['model', 'id', 'obj_as_str'],
  deleted: ['model', 'id'],
} as const satisfies Record<keyof RecordedRows, readonly string[]>

/** @throws {DataError} CHANGE_RECORD_INVALID when a cache holds something else under the key. */
export function assertRecord(key: string, value: unknown): asserts value is ChangeRecord {
  const refuse = (reason: string) => new DataError('CHANGE_RECORD_INVALID', { key, reason })
  if (!isObject(value)) throw refuse(`it is ${describeValue(value)}`)
  for (const name of ['username', 'email']) if (typeof value[name] !== 'string') throw refuse(`it has no ${name}`)
  for (const [list, texts] of Object.entries(ROW_TEXTS)) {
    const rows = value[list]
    if (!Array.isArray(rows)) throw refuse(`it has no list "${list}"`)
    for (const row of rows as unknown[]) {
      const isRow = isObject(row) && texts.every((name) => typeof row[name] === 'string') && (list === 'deleted' || isObject(row['data']))
      if (!isRow) throw refuse(`something in its list "${list}" is no row`)
    }
  }
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
