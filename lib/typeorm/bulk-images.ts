/**
 * Loads the rows a bulk statement changes, before and after, and tells them as changes.
 *
 * Runs inside the statement's transaction. Invariant: which rows are meant is settled by their keys before the statement runs, since
 * afterwards its condition may no longer hold for them.
 *
 * @module
 */
import { isDeepStrictEqual } from 'node:util'
import type { EntityMetadata, ObjectLiteral, QueryRunner } from 'typeorm'
import { SessionError } from '../core/errors.js'
import type { ChangeKind } from '../mapper/change.js'
import type { BulkImages, BulkKind } from '../mapper/bulk-statement.js'
import { imageOf, keyText, type EntityMap, type Image } from '../session/entity-map.js'
import type { RowWritten } from '../session/row-change.js'
import { keyQuery } from './bulk-condition.js'
import { entityMapOf, keyOf } from './entity-maps.js'
import { dataSourceOf, type ColumnMetadata, type WriteBuilder } from './internals.js'
import { chunksOfKeys, readRows, rowQuery } from './row-reader.js'

export interface ImageRequest {
  readonly builder: WriteBuilder
  readonly metadata: EntityMetadata
  readonly runner: QueryRunner
  readonly kind: BulkKind
  readonly images: BulkImages
}

type Result = Awaited<ReturnType<WriteBuilder['execute']>>
type Finish = (result: Result) => Promise<readonly RowWritten[]>

const LOCKS = new Set(['postgres', 'cockroachdb', 'mysql', 'mariadb'])
const KINDS: Readonly<Record<BulkKind, ChangeKind>> = {
  insert: 'insert',
  update: 'update',
  delete: 'delete',
  softDelete: 'softRemove',
  restore: 'recover',
  upsert: 'update',
}

/**
 * Reads what must be read before the statement runs.
 *
 * @returns What to call with its result, for the changes.
 * @throws {SessionError} BULK_IMAGES_UNSUPPORTED when the driver does not tell the keys of inserted rows.
 */
export function loadImages(request: ImageRequest): Promise<Finish> {
  if (request.metadata.isJunction && request.images !== 'keys') return loadImages({ ...request, images: 'keys' }) // its rows are nothing but keys
  if (request.kind === 'insert') return Promise.resolve((result) => inserted(request, result))
  return request.kind === 'upsert' ? beforeUpsert(request) : beforeUpdate(request)
}

/** Why the rows of a statement cannot be told, or undefined where they can. */
export function unsupportedReason({ builder, metadata, kind }: Pick<ImageRequest, 'builder' | 'metadata' | 'kind'>): string | undefined {
  const { expressionMap } = builder
  if (metadata.primaryColumns.length === 0) return 'its table has no primary key'
  if (kind === 'insert' && expressionMap.onIgnore) return 'rows it ignores cannot be told from rows it inserts'
  if ((kind === 'insert' || kind === 'upsert') && rowsOf(builder).length === 0) return 'its rows come from a query'
  if (kind === 'insert') return unknownKeys(builder, metadata)
  if (kind === 'upsert') return unknownConflict(builder, metadata)
  const setsKey = kind === 'update' && metadata.primaryColumns.some((column) => column.getEntityValue(valuesOf(builder)) !== undefined)
  return setsKey ? 'it changes the primary key' : undefined
}

function unknownKeys(builder: WriteBuilder, metadata: EntityMetadata): string | undefined {
  if (!builder.expressionMap.updateEntity) return 'it asks for no keys of its new rows'
  return isExpression(builder, metadata.primaryColumns) ? 'an expression makes its keys' : undefined
}

function unknownConflict(builder: WriteBuilder, metadata: EntityMetadata): string | undefined {
  const { conflict } = (builder.expressionMap.onUpdate ?? {}) as { conflict?: string | string[] }
  if (conflict === undefined) return 'it names no conflict columns'
  const columns = [conflict].flat().map((name) => metadata.findColumnWithDatabaseName(name))
  const known = columns.filter((column) => column !== undefined)
  if (known.length < columns.length) return 'its conflict is named by a constraint'
  return isExpression(builder, known) ? 'an expression makes its conflict columns' : undefined
}

function isExpression(builder: WriteBuilder, columns: readonly ColumnMetadata[]): boolean {
  return rowsOf(builder).some((row) => columns.some((column) => typeof column.getEntityValue(row) === 'function'))
}

function rowsOf(builder: WriteBuilder): ObjectLiteral[] {
  const { valuesSet } = builder.expressionMap
  return Array.isArray(valuesSet) ? valuesSet : valuesSet === undefined ? [] : [valuesSet]
}

function valuesOf(builder: WriteBuilder): ObjectLiteral {
  return rowsOf(builder)[0] ?? {}
}

async function beforeUpdate(request: ImageRequest): Promise<Finish> {
  const { runner, builder, metadata, images, kind } = request
  const lock = LOCKS.has(dataSourceOf(runner)!.options.type) && runner.isTransactionActive ? ' FOR UPDATE' : ''
  const rows = (await runner.query(...keyQuery(builder, metadata, lock))) as ObjectLiteral[]
  const keys = rows.map((row) => hydratedKey(runner, metadata, row))
  const entities = images === 'keys' ? keys.map((key) => withKey(metadata, key)) : await readRows(runner, metadata, keys)
  const before = entities.map((entity) => ({
    entity,
    key: keyOf(metadata, entity),
    image: Object.freeze(imageOf(mapOf(metadata, entity), entity)),
  }))
  return async () => {
    const changeKind = KINDS[kind]
    if (changeKind === 'delete')
      return before.map(({ entity, key, image }) => row(metadata, { kind: 'delete', entity, key, before: image, after: null }))
    const after = images === 'both' ? await imagesByKey(runner, metadata, keys) : undefined
    const set = setValues(metadata, valuesOf(builder))
    return before.map(({ entity, key, image }) =>
      row(metadata, { kind: changeKind, entity, key, before: image, after: after?.get(keyText(key)) ?? { ...image, ...set } }),
    )
  }
}

async function beforeUpsert(request: ImageRequest): Promise<Finish> {
  const existing = await loadByConflict(request)
  return async () => {
    const { metadata } = request
    const now = await loadByConflict(request)
    return [...now].map(([conflict, entity]) => {
      const known = existing.get(conflict)
      const before = known === undefined ? null : Object.freeze(imageOf(mapOf(metadata, known), known))
      return row(metadata, {
        kind: before === null ? 'insert' : 'update',
        entity,
        key: keyOf(metadata, entity),
        before,
        after: imageOf(mapOf(metadata, entity), entity),
      })
    })
  }
}

/** The rows that are there now for the conflict columns of each value set, by the text of those columns. */
async function loadByConflict({ builder, metadata, runner }: ImageRequest): Promise<Map<string, object>> {
  const names = (builder.expressionMap.onUpdate as unknown as { conflict: string | string[] }).conflict
  const columns = [names].flat().map((name) => metadata.findColumnWithDatabaseName(name)!)
  const textOf = (entity: object) => keyText(columns.map((column) => column.getEntityValue(entity) as unknown))
  const wheres = rowsOf(builder).map(
    (values) => Object.assign({}, ...columns.map((column) => column.createValueMap(column.getEntityValue(values)))) as ObjectLiteral,
  )
  const found = new Map<string, object>()
  for (const some of chunksOfKeys(wheres)) {
    const query = rowQuery(runner, metadata).where(some)
    for (const entity of await query.getMany()) found.set(textOf(entity), entity)
  }
  return found
}

async function inserted({ builder, metadata, runner, images, kind }: ImageRequest, result: Result): Promise<readonly RowWritten[]> {
  const values = rowsOf(builder)
  const keys = (result.identifiers ?? []) as (ObjectLiteral | undefined)[]
  const known = keys.filter((key): key is ObjectLiteral => key !== undefined && Object.keys(key).length > 0)
  if (known.length !== values.length)
    throw new SessionError('BULK_IMAGES_UNSUPPORTED', { kind, reason: 'the driver does not tell the keys of the new rows' })
  const loaded =
    images === 'both'
      ? new Map((await readRows(runner, metadata, known)).map((entity) => [keyText(keyOf(metadata, entity)), entity]))
      : undefined
  const map = entityMapOf(metadata)
  return values.map((value, index) => {
    const key = keyOf(metadata, known[index])
    const entity = loaded?.get(keyText(key)) ?? Object.assign(metadata.create() as object, value, known[index])
    return row(metadata, { kind: 'insert', entity, key, before: null, after: imageOf(map, entity) })
  })
}

function row(
  metadata: EntityMetadata,
  parts: { kind: ChangeKind; entity: object; key: Image; before: Image | null; after: Image | null },
): RowWritten {
  const { before, after } = parts
  const changed =
    after === null
      ? []
      : before === null
        ? Object.keys(after)
        : Object.keys(after).filter((path) => !isDeepStrictEqual(before[path], after[path]))
  return Object.freeze({
    ...parts,
    after: after === null ? null : Object.freeze(after),
    map: mapOf(metadata, parts.entity),
    changed,
    relations: {},
  })
}

/** The map of the class a row is of, which in single-table inheritance may be one below that of the statement. */
function mapOf(metadata: EntityMetadata, entity: object): EntityMap {
  const dataSource = dataSourceOf(metadata)!
  return entityMapOf(
    metadata.target !== entity.constructor && dataSource.hasMetadata(entity.constructor)
      ? dataSource.getMetadata(entity.constructor)
      : metadata,
  )
}

/** Values set to SQL expressions are not known without reading them back. */
function setValues(metadata: EntityMetadata, values: ObjectLiteral): Image {
  return imageOf(entityMapOf(metadata), values)
}

function hydratedKey(runner: QueryRunner, metadata: EntityMetadata, raw: ObjectLiteral): ObjectLiteral {
  const key: ObjectLiteral = {}
  for (const column of metadata.primaryColumns)
    column.setEntityValue(key, dataSourceOf(runner)!.driver.prepareHydratedValue(raw[column.databaseName], column))
  return key
}

function withKey(metadata: EntityMetadata, key: ObjectLiteral): object {
  return Object.assign(metadata.create() as object, key)
}

async function imagesByKey(runner: QueryRunner, metadata: EntityMetadata, keys: readonly ObjectLiteral[]): Promise<Map<string, Image>> {
  const entities = await readRows(runner, metadata, keys)
  return new Map(entities.map((entity) => [keyText(keyOf(metadata, entity)), imageOf(mapOf(metadata, entity), entity)]))
}
