/**
 * Asks the database for single columns of rows known by key: what it made of them, and whether they are there.
 *
 * Invariant: no listener hears of it, soft-deleted rows count, and values are told apart by key, never by position.
 *
 * @module
 */
import type { EntityMetadata, QueryRunner, SelectQueryBuilder } from 'typeorm'
import { SessionError } from '../core/errors.js'
import { keyLabel, keyText, type Image } from '../session/entity-map.js'
import { KeyOf, type WriteRow, type WriteStep } from '../session/persistence.js'
import { entityMapOf, metadataOf } from './entity-maps.js'
import { dataSourceOf, driverTypeOf, type ColumnMetadata } from './internals.js'
import { columnReader } from './property-access.js'
import { chunksOfKeys } from './row-reader.js'
import type { RowValues } from './row-values.js'
import { isSameKey } from './sets/told-rows.js'

export interface WantedRow {
  readonly metadata: EntityMetadata
  readonly key: Image
  readonly version?: unknown
}

type Raw = Record<string, unknown>

const MYSQL_FAMILY = new Set(['mysql', 'mariadb'])

/** The row's values of these columns, by property path; undefined where the row is gone. */
export async function readColumns(
  runner: QueryRunner,
  row: WantedRow,
  columns: readonly ColumnMetadata[],
): Promise<Record<string, unknown> | undefined> {
  const { driver } = dataSourceOf(runner)!
  const [raw] = await query(runner, columns, [row]).getRawMany<Raw>()
  if (raw === undefined) return undefined
  return Object.fromEntries(
    columns.map((column, index) => [column.propertyPath, driver.prepareHydratedValue(raw[`c${index}`], column) as unknown]),
  )
}

/** Those of the rows that are there with the version they are wanted in. */
export async function presentRows<R extends WantedRow>(runner: QueryRunner, rows: readonly R[]): Promise<R[]> {
  const present: R[] = []
  for (const metadata of new Set(rows.map((row) => row.metadata)))
    for (const some of chunksOfKeys(rows.filter((row) => row.metadata === metadata))) present.push(...(await presentAmong(runner, some)))
  return present
}

/** Whether rows of such a step have to be there already. */
export function isFinding({ kind, relation }: Pick<WriteStep, 'kind' | 'relation'>): boolean {
  return relation === undefined && kind !== 'insert'
}

/** Those of the rows that are gone or have another version. */
export async function missingAmong(runner: QueryRunner, values: RowValues, rows: readonly WriteRow[]): Promise<readonly WriteRow[]> {
  const wanted = rows.map((row): WantedRow & { row: WriteRow } => ({
    row,
    metadata: metadataOf(row.map),
    key: values.keyOf(row),
    version: row.version,
  }))
  const present = new Set(await presentRows(runner, wanted))
  return wanted.filter((one) => !present.has(one)).map(({ row }) => row)
}

/** The error for rows that were missed, and for all that would be missed after them. */
export async function staleError(
  runner: QueryRunner,
  values: RowValues,
  { missed, rest }: { missed: readonly WriteRow[]; rest: readonly WriteStep[] },
): Promise<SessionError> {
  const later = rest.filter(isFinding).flatMap(({ rows }) => rows)
  // rows of this very plan are not there yet, and second updates find what the first ones found
  const stored = later.filter((row) => !row.isSupplement && !(row.key instanceof KeyOf))
  const stale = [...missed, ...(await missingAmong(runner, values, stored))]
  const names = new Set(stale.map((row) => nameOf(row, values))) // one row may be written twice in a flush
  return new SessionError('ROWS_STALE', { count: names.size, rows: [...names].join(', ') })
}

function nameOf(row: WriteRow, values: RowValues): string {
  const version = row.version === undefined ? '' : ` (version ${String(row.version)} wanted)`
  return `${row.map.name} ${keyLabel(values.keyOf(row))}${version}`
}

async function presentAmong<R extends WantedRow>(runner: QueryRunner, rows: readonly R[]): Promise<R[]> {
  const { driver } = dataSourceOf(runner)!
  const { metadata } = rows[0]!
  const { primaryColumns, versionColumn } = metadata
  const columns = versionColumn === undefined ? primaryColumns : [...primaryColumns, versionColumn]
  const versions = new Map<string, unknown>()
  const keys: (readonly unknown[])[] = []
  const builder = query(runner, columns, rows)
  // a plain read may be of a snapshot that still has the row
  if (runner.isTransactionActive && MYSQL_FAMILY.has(driverTypeOf(dataSourceOf(runner)!))) builder.setLock('pessimistic_read')
  for (const raw of await builder.getRawMany<Raw>()) {
    const values = columns.map((column, index) => driver.prepareHydratedValue(raw[`c${index}`], column) as unknown)
    const parts = values.slice(0, primaryColumns.length)
    keys.push(parts)
    versions.set(keyText(parts), values[primaryColumns.length])
  }
  return rows.filter(({ key, version }) => {
    const parts = primaryColumns.map((column) => columnReader(column, true)(key))
    const same = versions.has(keyText(parts)) ? parts : keys.find((other) => isSameKey(entityMapOf(metadata), parts, other))
    const text = keyText(same ?? parts)
    return versions.has(text) && (version === undefined || String(versions.get(text)) === String(version))
  })
}

function query(runner: QueryRunner, columns: readonly ColumnMetadata[], rows: readonly WantedRow[]): SelectQueryBuilder<object> {
  const { driver } = dataSourceOf(runner)!
  const { metadata } = rows[0]!
  const name = (column: ColumnMetadata) => `${driver.escape('wanted')}.${driver.escape(column.databaseName)}`
  const builder = dataSourceOf(runner)!
    .createQueryBuilder(runner)
    .select([])
    .from<object>(metadata.target as never, 'wanted')
    .withDeleted()
    .callListeners(false)
  for (const [index, column] of columns.entries()) builder.addSelect(name(column), `c${index}`)
  const parameters: Raw = {}
  const conditions = rows.map(({ key }, at) => {
    const parts = metadata.primaryColumns.map((column, part) => {
      parameters[`key_${at}_${part}`] = driver.preparePersistentValue(columnReader(column, true)(key), column)
      return `${name(column)} = :key_${at}_${part}`
    })
    return parts.join(' AND ')
  })
  return builder.where(`(${conditions.join(' OR ')})`, parameters)
}
