/**
 * Reads rows as documents, as they are in the database at that moment.
 *
 * Knows keys and mappings, no change. Soft-removed rows are read like others; columns with `select: false` never are. Invariant: one SELECT
 * for each class, kind of key and 500 rows, and one more for each many-to-many.
 *
 * @module
 */
import type { EntityManager, EntityMetadata, ObjectLiteral } from 'typeorm'
import type { ColumnMetadata } from 'typeorm/metadata/ColumnMetadata.js'
import type { RelationMetadata } from 'typeorm/metadata/RelationMetadata.js'
import { plainValue } from '../../core/plain-values.js'
import { keyTextOf } from '../data-folder/key-text.js'
import { documentOf, documentOfImage, keyColumnsOf, partsOf, type RowDocument } from '../row-documents/row-document.js'
import { metadataOfRow } from './root-classes.js'

export interface ReadRow {
  readonly metadata: EntityMetadata
  readonly entity: object
  readonly document: RowDocument
  /** The same for two readings of one row. */
  readonly rowId: string
  /** Its key as one text, as names of files have it. */
  readonly keyText: string
}

type Values = Readonly<Record<string, unknown>>

const CHUNK = 500
const ALIAS = 'row'
const LINK = 'link'

/** What tells one row from all others, from its key. */
export function rowIdOf(metadata: EntityMetadata, key: Values): string {
  return `${metadata.tablePath} ${keyTextOfKey(metadata, key)}`
}

/** The key as one text, as {@link ReadRow} has it. */
export function keyTextOfKey(metadata: EntityMetadata, key: Values): string {
  return keyTextOf(metadata, documentOfImage(metadata, key))
}

/** Whether a relation names other rows by their key, and by nothing else. */
export function isByKey(relation: RelationMetadata): boolean {
  const { primaryColumns } = relation.inverseEntityMetadata
  const columns = keyColumnsOf(relation)
  return columns.length === primaryColumns.length && columns.every((column) => primaryColumns.includes(column))
}

/** A column as SQL names it, and the one that says how its values are sent. */
interface Match {
  readonly sql: string
  readonly column: ColumnMetadata
}

export class RowReader {
  readonly #manager: EntityManager

  constructor(manager: EntityManager) {
    this.#manager = manager
  }

  /** The rows with these keys, or with other columns by which a relation names them. */
  withKeys(
    metadata: EntityMetadata,
    keys: readonly object[],
    columns: readonly ColumnMetadata[] = metadata.primaryColumns,
  ): Promise<ReadRow[]> {
    const matches = columns.map((column) => ({ sql: this.#column(ALIAS, column), column }))
    return this.#chunked(metadata, valuesOf(keys, columns), (rows) => this.#condition(matches, rows))
  }

  /** The rows whose relation leads to one of these others. */
  pointingAt(relation: RelationMetadata, others: readonly object[]): Promise<ReadRow[]> {
    const columns = keyColumnsOf(relation)
    const values = valuesOf(others, columns)
    if (relation.isManyToMany) return this.#chunked(relation.entityMetadata, values, (rows) => this.#linked(relation, rows))
    const matches = relation.joinColumns.map((join) => ({ sql: this.#column(ALIAS, join), column: join.referencedColumn! }))
    return this.#chunked(relation.entityMetadata, values, (rows) => this.#condition(matches, rows))
  }

  async #chunked(metadata: EntityMetadata, keys: readonly Values[], where: (keys: readonly Values[]) => Condition): Promise<ReadRow[]> {
    const found: ReadRow[] = []
    for (let at = 0; at < keys.length; at += CHUNK)
      for (const row of await this.#read(metadata, where(keys.slice(at, at + CHUNK)))) found.push(row)
    return found
  }

  async #read(metadata: EntityMetadata, { sql, parameters }: Condition): Promise<ReadRow[]> {
    const relations = partsOf(metadata).flatMap(({ relation }) => relation ?? [])
    const manyToManys = relations.filter(({ isManyToMany }) => isManyToMany).map(({ propertyPath }) => propertyPath)
    const query = this.#manager
      .createQueryBuilder<ObjectLiteral>(metadata.target, ALIAS)
      .withDeleted()
      .callListeners(false)
      .where(sql, parameters)
    if (manyToManys.length > 0) query.loadAllRelationIds({ relations: manyToManys, disableMixedMap: true })
    const { entities, raw } = (await query.getRawAndEntities()) as { readonly entities: object[]; readonly raw: Values[] }
    return entities.map((entity, index) => this.#row(metadata, entity, raw[index]!))
  }

  #row(asked: EntityMetadata, entity: object, raw: Values): ReadRow {
    const metadata = metadataOfRow(asked, entity)
    for (const { relation } of partsOf(metadata)) if (relation?.isManyToMany === false) this.#setKey(relation, entity, raw)
    const document = documentOf(metadata, entity)
    const keyText = keyTextOf(metadata, document)
    return { metadata, entity, document, keyText, rowId: `${metadata.tablePath} ${keyText}` }
  }

  /** TypeORM reads the columns of a to-one, and shows them only where they are joined. */
  #setKey(relation: RelationMetadata, entity: object, raw: Values): void {
    const key = {}
    let isNull = false
    for (const { databaseName, referencedColumn } of relation.joinColumns) {
      const value: unknown = this.#driver.prepareHydratedValue(raw[`${ALIAS}_${databaseName}`], referencedColumn!)
      if (value === undefined) return
      if (value === null) isNull = true
      referencedColumn!.setEntityValue(key, value)
    }
    relation.setEntityValue(entity, isNull ? null : key)
  }

  get #driver() {
    return this.#manager.connection.driver
  }

  #column(alias: string, { databaseName }: ColumnMetadata): string {
    return `${this.#driver.escape(alias)}.${this.#driver.escape(databaseName)}`
  }

  #linked({ joinColumns, inverseJoinColumns, junctionEntityMetadata }: RelationMetadata, rows: readonly Values[]): Condition {
    const table = junctionEntityMetadata!.tablePath
      .split('.')
      .map((part) => this.#driver.escape(part))
      .join('.')
    const own = joinColumns.map((join) => `${this.#column(LINK, join)} = ${this.#column(ALIAS, join.referencedColumn!)}`)
    const others = inverseJoinColumns.map((join) => ({ sql: this.#column(LINK, join), column: join.referencedColumn! }))
    const { sql, parameters } = this.#condition(others, rows)
    return { sql: `EXISTS (SELECT 1 FROM ${table} ${this.#driver.escape(LINK)} WHERE ${own.join(' AND ')} AND (${sql}))`, parameters }
  }

  /** Values are sent as an INSERT would send them. */
  #condition(matches: readonly Match[], rows: readonly Values[]): Condition {
    const parameters: Record<string, unknown> = {}
    let count = 0
    const put = (value: unknown, column: ColumnMetadata) => {
      const name = `key_${count++}`
      parameters[name] = this.#driver.preparePersistentValue(value, column)
      return `:${name}`
    }
    const [only, ...more] = matches
    if (more.length === 0) {
      const list = rows.map((row) => put(only!.column.getEntityValue(row), only!.column))
      return { sql: `${only!.sql} IN (${list.join(', ')})`, parameters }
    }
    const each = rows.map((row) => matches.map(({ sql, column }) => `${sql} = ${put(column.getEntityValue(row), column)}`).join(' AND '))
    return { sql: each.map((one) => `(${one})`).join(' OR '), parameters }
  }
}

interface Condition {
  readonly sql: string
  readonly parameters: Values
}

/** Those that have a value for each column, each once. */
function valuesOf(keys: readonly object[], columns: readonly ColumnMetadata[]): readonly Values[] {
  const found = new Map<string, Values>()
  for (const key of keys) {
    const values = columns.map((column) => column.getEntityValue(key as never) as unknown)
    if (values.every((value) => value !== undefined && value !== null))
      found.set(JSON.stringify(values.map((value) => String(plainValue(value)))), key as Values)
  }
  return [...found.values()]
}
