/**
 * TypeORM's metadata of one column, as the {@link ColumnMap} that the session layer knows.
 *
 * Invariant: a map reads and writes the column's own property; only a key that is a relation is read through that relation.
 *
 * @module
 */
import type { ColumnMap, Image } from '../session/entity-map.js'
import { valueHandlingOf } from './column-values.js'
import { dataSourceOf, type ColumnMetadata } from './internals.js'
import { columnReader, columnWriter, isBareJoinColumn, setPath, type Reader } from './property-access.js'

const maps = new WeakMap<ColumnMetadata, ColumnMap>()
const columns = new WeakMap<ColumnMap, ColumnMetadata>()

/** The map of a column; made once per metadata. */
export function columnMapOf(column: ColumnMetadata): ColumnMap {
  let map = maps.get(column)
  if (map === undefined) {
    maps.set(column, (map = Object.freeze(makeMap(column))))
    columns.set(map, column)
  }
  return map
}

/** The metadata a map was made from. */
export function columnOf(map: ColumnMap): ColumnMetadata {
  return columns.get(map)!
}

/** The property a column is known by: a bare join column has only its relation's. */
export function pathOf(column: ColumnMetadata): string {
  return isBareJoinColumn(column) ? column.relationMetadata!.propertyPath : column.propertyPath
}

function makeMap(column: ColumnMetadata): ColumnMap {
  const values = valueHandlingOf(column)
  const isMade = column.asExpression !== undefined || column.isTreeLevel
  return {
    path: pathOf(column),
    name: column.databaseName,
    isAutomatic: column.isVersion || column.isUpdateDate,
    isKey: column.isPrimary,
    isNullable: column.isNullable || isSomethingForNull(column),
    isFilledIn: isMade || column.isDiscriminator || isFilledIn(column),
    isUpdatable: column.isUpdate && !isMade,
    isInsertable: column.isInsert && !isMade && !column.isDiscriminator,
    relationPath: column.relationMetadata?.propertyPath,
    read: imageReader(column, values.copyOf),
    get: columnReader(column, column.isPrimary),
    set: isBareJoinColumn(column) ? leaveToRelation : columnWriter(column),
    ...values,
  }
}

function isFilledIn(column: ColumnMetadata): boolean {
  if (column.isDeleteDate) return false
  return (
    column.isGenerated ||
    column.generatedIdentity !== undefined ||
    column.isCreateDate ||
    column.isUpdateDate ||
    column.isVersion ||
    (column.default !== undefined && column.default !== null)
  )
}

/** Whether a transformer stores a value where the entity has null. */
function isSomethingForNull({ transformer }: ColumnMetadata): boolean {
  if (transformer === undefined) return false
  try {
    const made: unknown = [transformer].flat().reduce<unknown>((value, one) => one.to(value) as unknown, null)
    return made !== null && made !== undefined
  } catch {
    return false
  }
}

/** The value for images: TypeORM's own accessor prefers a relation to the join column beside it, and so do images. */
function imageReader(column: ColumnMetadata, copy: (value: unknown) => unknown): Reader {
  const { embeddedMetadata, relationMetadata, referencedColumn } = column
  const isPlain = embeddedMetadata === undefined && relationMetadata === undefined && referencedColumn === undefined
  const read = isPlain ? columnReader(column, false) : (entity: object) => column.getEntityValue(entity) as unknown
  return (entity) => {
    const value = read(entity)
    return typeof value === 'function' ? undefined : copy(value)
  }
}

/** To put a key part here would change the object the relation leads to. */
function leaveToRelation(): void {}

/** A uuid is the same in capitals, and databases that have the type answer with small letters. */
function keyPartReader(column: ColumnMetadata): Reader {
  const read = columnReader(column, true)
  if (dataSourceOf(column.entityMetadata)?.driver.normalizeType(column) !== 'uuid') return read
  return (entity) => {
    const value = read(entity)
    return typeof value === 'string' ? value.toLowerCase() : value
  }
}

/** Reads a key made of these columns, in the nested form TypeORM gives keys; undefined while a part is missing. */
export function keyReader(keyColumns: readonly ColumnMetadata[]): (entity: object) => Image | undefined {
  const parts = keyColumns.map((column) => ({ path: column.propertyPath, read: keyPartReader(column) }))
  if (parts.length === 1 && !parts[0]!.path.includes('.')) {
    const { path, read } = parts[0]!
    return (entity) => {
      const value = read(entity)
      return value === undefined || value === null ? undefined : { [path]: value }
    }
  }
  return (entity) => {
    const key: Record<string, unknown> = {}
    for (const { path, read } of parts) {
      const value = read(entity)
      if (value === undefined || value === null) return undefined
      setPath(key, path, value)
    }
    return key
  }
}
