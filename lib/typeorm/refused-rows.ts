/**
 * Says of an error that the database gave for a statement of a flush which entity and property it is about.
 *
 * Asks nobody: what the error tells is compared with what was sent. Invariant: the error stays the one TypeORM made, with one line more, and
 * no value is told that the error does not tell itself, keys excepted.
 *
 * @module
 */
import { QueryFailedError, type EntityMetadata } from 'typeorm'
import { keyLabel } from '../session/entity-map.js'
import type { WriteRow, WriteStep } from '../session/persistence.js'
import { metadataOf } from './entity-maps.js'
import type { ColumnMetadata } from './internals.js'
import { relationOf } from './relation-maps.js'
import type { RowValues } from './row-values.js'
import { readCell, cellsOf } from './sets/row-cells.js'

/** What an error tells. */
interface Refusal {
  /** Counted from 1. */
  readonly row?: number | undefined
  /** Names of columns in the database. */
  readonly columns?: readonly string[] | undefined
  /** Of an index or constraint. */
  readonly constraint?: string | undefined
  /** Values of the columns, as texts. */
  readonly values?: readonly string[] | undefined
  /** The whole row, as PostgreSQL shows it. */
  readonly picture?: string | undefined
  readonly isMissing?: boolean | undefined
  /** A value is there twice. */
  readonly isDuplicate?: boolean | undefined
}

export interface SentStatement {
  readonly step: WriteStep
  readonly rows: readonly WriteRow[]
  readonly values: RowValues
}

const told = new WeakSet<Error>()

/** Adds a line to the message of a QueryFailedError; does nothing to other errors. */
export function tellRows(error: unknown, sent: SentStatement): void {
  if (!(error instanceof QueryFailedError) || told.has(error)) return
  told.add(error)
  error.message += `\nRefused in ${placeOf(refusalOf(error), sent)}`
}

function placeOf(refusal: Refusal, { step, rows, values }: SentStatement): string {
  const metadata = step.relation === undefined ? metadataOf(step.map) : relationOf(step.relation).junctionEntityMetadata!
  const columns = columnsOf(refusal, metadata)
  const properties = columns.length === 0 ? '' : `, ${columns.map(({ propertyPath }) => propertyPath).join(', ')}`
  const name = step.relation === undefined ? step.map.name : `${step.relation.owner.name}.${step.relation.path}`
  const row = step.kind === 'insert' ? refusal.row : undefined // of a joined update MariaDB always says the first
  const known = { ...refusal, row, columns: columns.map((one) => one.databaseName) }
  const index = step.relation === undefined ? rowOf(known, rows, values) : undefined
  const kind = VERBS[step.kind]
  if (index === undefined) return `${kind} ${rows.length === 1 ? `one row of ${name}` : `${rows.length} rows of ${name}`}${properties}`
  const found = rows[index]!
  const place = step.rows.length === 1 ? '' : ` (row ${step.rows.indexOf(found) + 1} of ${step.rows.length})`
  return `${kind} ${name}${keyOf(found, values)}${place}${properties}`
}

const VERBS: Readonly<Record<WriteStep['kind'], string>> = {
  insert: 'the insert of',
  update: 'the update of',
  delete: 'the delete of',
  softRemove: 'the soft removal of',
  recover: 'the recovery of',
  link: 'the links of',
  unlink: 'the unlinking of',
}

function keyOf(row: WriteRow, values: RowValues): string {
  if (row.key !== undefined) return ` ${keyLabel(values.keyOf(row))}`
  const key = row.map.keyOf(values.nest(row))
  return key === undefined ? '' : ` ${keyLabel(key)}`
}

function columnsOf({ columns = [], constraint }: Refusal, metadata: EntityMetadata): readonly ColumnMetadata[] {
  if (columns.length > 0) return metadata.columns.filter(({ databaseName }) => columns.includes(databaseName))
  if (constraint === undefined) return []
  const named = [...metadata.uniques, ...metadata.indices, ...metadata.foreignKeys].find(({ name }) => name === constraint)
  if (named !== undefined) return named.columns
  const words = metadata.checks.find(({ name }) => name === constraint)?.expression.split(/[^\p{L}\p{N}_$]+/u)
  if (words !== undefined) return metadata.columns.filter(({ databaseName }) => words.includes(databaseName))
  return constraint === 'PRIMARY' || constraint === `PK_${metadata.tableName}` ? metadata.primaryColumns : []
}

// ---- which row

function rowOf(
  { row, columns = [], values: wanted, picture, isMissing, isDuplicate }: Refusal,
  rows: readonly WriteRow[],
  values: RowValues,
): number | undefined {
  if (rows.length === 1) return 0
  if (row !== undefined && row >= 1 && row <= rows.length) return row - 1
  const cells = cellsOf(rows[0]!.map).all.filter(({ column }) => columns.includes(column.databaseName))
  const textsOf = (one: WriteRow) => cells.map((cell) => textOf(readCell(cell, one, values)))
  if (picture !== undefined) return onlyIndex(rows, (one) => isPictured(one, picture, values))
  if (cells.length === 0) return wanted?.length === 1 ? onlyIndex(rows, (one) => holds(one, wanted[0]!)) : undefined
  if (isMissing === true) return onlyIndex(rows, (one) => textsOf(one).includes(undefined))
  if (wanted !== undefined) return onlyIndex(rows, (one) => isSame(textsOf(one), wanted))
  return isDuplicate === true ? secondOfTwo(rows.map((one) => textsOf(one))) : undefined
}

/** The one row that gives such a value, in whatever column. */
function holds({ values }: WriteRow, text: string): boolean {
  return Object.values(values).some((value) => typeof value !== 'object' && textOf(value) === text)
}

/** PostgreSQL cuts what is longer, at 64 bytes. */
const SHOWN_WHOLE = 20

/** Whether all that is sent as a short text or a whole number is in the picture, the key included. */
function isPictured(row: WriteRow, picture: string, values: RowValues): boolean {
  const key = row.key === undefined ? [] : Object.values(values.keyOf(row))
  const sent = [...key, ...cellsOf(row.map).all.map((cell) => readCell(cell, row, values))]
  const shown = sent.filter((one) => Number.isInteger(one) || (typeof one === 'string' && one !== '' && one.length <= SHOWN_WHOLE))
  return shown.length > 0 && shown.every((one) => picture.includes(`, ${String(one)}, `))
}

/** Two that match leave it open which one is meant, unless they are what is wrong: then it is the later one. */
function onlyIndex(rows: readonly WriteRow[], isMeant: (row: WriteRow) => boolean): number | undefined {
  const found = rows.flatMap((row, index) => (isMeant(row) ? [index] : []))
  return found.length > 0 && found.length <= 2 ? found.at(-1) : undefined
}

function secondOfTwo(texts: readonly (readonly (string | undefined)[])[]): number | undefined {
  const seen = new Set<string>()
  for (const [index, one] of texts.entries()) {
    if (one.includes(undefined)) continue
    const text = JSON.stringify(one)
    if (seen.has(text)) return index
    seen.add(text)
  }
  return undefined
}

function isSame(texts: readonly (string | undefined)[], wanted: readonly string[]): boolean {
  return [...texts].sort().join('\0') === [...wanted].sort().join('\0') || texts.join('-') === wanted[0]
}

function textOf(value: unknown): string | undefined {
  if (value === undefined || value === null) return undefined
  if (value instanceof Date) return value.toISOString()
  return typeof value === 'object' ? JSON.stringify(value) : String(value as string | number)
}

// ---- what errors say

interface DriverError {
  readonly message?: string
  /** MySQL and MariaDB. */
  readonly sqlMessage?: string
  /** PostgreSQL. */
  readonly column?: string
  readonly constraint?: string
  readonly detail?: string
  readonly code?: string
}

function refusalOf({ driverError }: QueryFailedError): Refusal {
  const error = driverError as DriverError
  if (error.sqlMessage !== undefined) return ofMysql(error.sqlMessage)
  const sqlite = /(UNIQUE|NOT NULL) constraint failed: (.+)$/.exec(error.message ?? '')
  if (sqlite !== null)
    return {
      columns: sqlite[2]!.split(', ').map((name) => name.slice(name.lastIndexOf('.') + 1)),
      isMissing: sqlite[1] === 'NOT NULL',
      isDuplicate: sqlite[1] === 'UNIQUE',
    }
  const check = /CHECK constraint failed: (.+)$/.exec(error.message ?? '')
  return check === null ? ofPostgres(error) : { constraint: check[1]! }
}

const NOT_NULL_VIOLATION = '23502'

function ofPostgres({ column, constraint, detail = '', code, message = '' }: DriverError): Refusal {
  if (column !== undefined) return { columns: [column], isMissing: code === NOT_NULL_VIOLATION }
  const key = /^Key \((.+?)\)=\((.*)\)/s.exec(detail)
  if (key !== null) return { columns: key[1]!.split(', ').map((name) => name.replaceAll('"', '')), values: key[2]!.split(', '), constraint }
  const picture = /^Failing row contains \((.*)\)/s.exec(detail)
  if (picture !== null) return { constraint, picture: `, ${picture[1]!}, ` }
  const value = /(?:: |^value )"(.*?)"(?:$| is out of range)/s.exec(message)
  return { constraint, values: value === null ? undefined : [value[1]!] }
}

function ofMysql(message: string): Refusal {
  const duplicate = /^Duplicate entry '(.*)' for key '(?:[^']*\.)?([^'.]+)'$/s.exec(message)
  if (duplicate !== null) return { values: [duplicate[1]!], constraint: duplicate[2]! }
  const column = /column (?:`[^`]*`\.)*[`']([^`']+)[`']/i.exec(message)?.[1]
  const row = /at row (\d+)$/.exec(message)?.[1]
  const value = /^Incorrect .+? value: '(.*)' for column/s.exec(message)?.[1]
  const constraint = /CONSTRAINT `([^`]+)` (?:FOREIGN KEY|failed)/.exec(message)?.[1]
  return {
    columns: column === undefined ? undefined : [column],
    row: row === undefined ? undefined : Number(row),
    values: value === undefined ? undefined : [value],
    constraint,
    isMissing: /cannot be null$/.test(message),
  }
}
