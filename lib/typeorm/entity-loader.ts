/**
 * Loads the entities, the keys or the number of rows that a query finds, on one query runner.
 *
 * Refuses to know what becomes of them. Invariant: a limit counts entities, and a collection is loaded whole or not at all, whatever the
 * conditions say of its members.
 *
 * @module
 */
import type { DataSource, EntityMetadata, FindManyOptions, ObjectLiteral, QueryRunner, SelectQueryBuilder } from 'typeorm'
import { keyText, type Image } from '../session/entity-map.js'
import type { LoadSink, Query } from '../session/persistence.js'
import { metadataOf } from './entity-maps.js'
import { findPartsOf, type FindParts } from './find-parts.js'
import { hydrateInto } from './hydration.js'
import { driverTypeOf } from './internals.js'
import { setPath } from './property-access.js'

type Builder = SelectQueryBuilder<ObjectLiteral>

const MAX_KEYS = 1000
/** A chain of OR, which composite keys need, is one level of depth for each key. SQLite refuses more than 1,000 levels. */
const MAX_COMPOSITE_KEYS = 250
/** How many parameters a statement may have: less than each database's own limit, as other parameters may join. */
const PARAMETERS: Readonly<Record<string, number>> = {
  postgres: 30_000,
  mysql: 30_000,
  mariadb: 30_000,
  sqlite: 30_000,
  'better-sqlite3': 30_000,
  mssql: 2000,
}
const FEWEST_PARAMETERS = 900
/** These take no offset without a limit. */
const NEEDS_LIMIT = new Set(['mysql', 'mariadb', 'aurora-mysql', 'sap', 'spanner'])

export class EntityLoader {
  readonly #dataSource: DataSource
  readonly #runner: QueryRunner

  constructor(dataSource: DataSource, runner: QueryRunner) {
    this.#dataSource = dataSource
    this.#runner = runner
  }

  /**
   * The instances the sink answers for the rows found, in order. No listener of TypeORM's hears of it.
   *
   * @throws {SessionError} QUERY_PROPERTY_UNKNOWN · KEY_INVALID, before anything is sent.
   */
  async load(query: Query, sink: LoadSink): Promise<object[]> {
    const metadata = metadataOf(query.map)
    const parts = findPartsOf(metadata, query)
    if (query.keys !== undefined) return this.#loadByKeys({ ...query, keys: query.keys }, parts, sink)
    if (query.limit === 0) return []
    const builder = this.#builder(metadata, query, { where: parts.where, order: parts.order, relations: parts.relations })
    if ((parts.isFilteredByMembers && selectsRelations(builder)) || (isPaged(query) && joinsMembers(builder))) {
      return this.#loadByKeys({ ...query, keys: await this.#keysFound(metadata, query, parts) }, parts, sink)
    }
    if (isPaged(query)) this.#page(orderedByKey(builder), query)
    return hydrateInto(builder, sink).getMany()
  }

  /**
   * How many rows match; skip and limit are not looked at.
   *
   * @throws {SessionError} QUERY_PROPERTY_UNKNOWN · KEY_INVALID, before anything is sent.
   */
  async count(query: Query): Promise<number> {
    const metadata = metadataOf(query.map)
    const { where } = findPartsOf(metadata, query)
    const builder = () => this.#builder(metadata, query, { where, loadEagerRelations: false })
    if (query.keys === undefined) return builder().getCount()
    let count = 0
    for (const some of this.#chunks(metadata, query.keys)) count += await builder().andWhereInIds(some).getCount()
    return count
  }

  /**
   * The keys of the rows that match, in order, and by key where the order leaves it open.
   *
   * @throws {SessionError} QUERY_PROPERTY_UNKNOWN · KEY_INVALID, before anything is sent.
   */
  async keys(query: Query): Promise<readonly Image[]> {
    const metadata = metadataOf(query.map)
    const parts = findPartsOf(metadata, query)
    if (query.keys !== undefined) return query.keys
    return query.limit === 0 ? [] : this.#keysFound(metadata, query, parts)
  }

  /** A row that is met several times, for its members, counts at its first place; only then is the page cut here. */
  async #keysFound(metadata: EntityMetadata, query: Query, { where, order, isOrderedByMembers }: FindParts): Promise<Image[]> {
    const builder = this.#builder(metadata, query, { where, order, loadEagerRelations: false })
    selectKeys(orderedByKey(builder), metadata)
    if (!isOrderedByMembers) this.#page(builder, query)
    const { driver } = this.#dataSource
    const keys = new Map<string, Image>()
    for (const row of await builder.getRawMany<Record<string, unknown>>()) {
      const key: Record<string, unknown> = {}
      metadata.primaryColumns.forEach((column, index) =>
        setPath(key, column.propertyPath, driver.prepareHydratedValue(row[keyAlias(index)], column)),
      )
      const text = textOf(metadata, key)
      if (!keys.has(text)) keys.set(text, key)
    }
    const { skip = 0, limit = Infinity } = query
    return isOrderedByMembers ? [...keys.values()].slice(skip, skip + limit) : [...keys.values()]
  }

  async #loadByKeys(query: Query & { keys: readonly Image[] }, { relations }: FindParts, sink: LoadSink): Promise<object[]> {
    const metadata = metadataOf(query.map)
    const rows = new RowsByKey(metadata, query, sink)
    for (const some of this.#chunks(metadata, query.keys)) {
      const builder = this.#builder(metadata, query, { relations }).andWhereInIds(some)
      rows.found(await hydrateInto(builder, rows).getMany())
    }
    return rows.inOrder()
  }

  #builder(metadata: EntityMetadata, { withDeleted = false }: Query, given: Partial<Record<keyof FindManyOptions, unknown>>): Builder {
    const options = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined))
    return this.#runner.manager
      .createQueryBuilder<ObjectLiteral>(metadata.target, metadata.name, this.#runner)
      .setFindOptions({ ...options, relationLoadStrategy: 'join', withDeleted })
  }

  #page(builder: Builder, { skip, limit }: Query): void {
    const needsLimit = limit === undefined && skip !== undefined && NEEDS_LIMIT.has(driverTypeOf(this.#dataSource))
    builder.offset(skip).limit(needsLimit ? Number.MAX_SAFE_INTEGER : limit)
  }

  /** Each key once, as many together as one statement takes. */
  #chunks(metadata: EntityMetadata, keys: readonly Image[]): Image[][] {
    const { length: parts } = metadata.primaryColumns
    const parameters = PARAMETERS[driverTypeOf(this.#dataSource)] ?? FEWEST_PARAMETERS
    const size = Math.min(parts > 1 ? MAX_COMPOSITE_KEYS : MAX_KEYS, Math.floor(parameters / parts))
    const unique = [...new Map(keys.map((key) => [textOf(metadata, key), key])).values()]
    return Array.from({ length: Math.ceil(unique.length / size) }, (_none, index) => unique.slice(index * size, (index + 1) * size))
  }
}

/** Passes rows on, and remembers which key each had in the database: on the session's instance it may have been changed since. */
class RowsByKey implements LoadSink {
  readonly #metadata: EntityMetadata
  readonly #query: Query & { keys: readonly Image[] }
  readonly #sink: LoadSink
  readonly #textOf = new Map<object, string>()
  readonly #found = new Map<string, object>()

  constructor(metadata: EntityMetadata, query: Query & { keys: readonly Image[] }, sink: LoadSink) {
    this.#metadata = metadata
    this.#query = query
    this.#sink = sink
  }

  take(row: Parameters<LoadSink['take']>[0]): object {
    const text = row.map.isA(this.#query.map.target) ? textOf(this.#metadata, row.entity) : undefined
    const instance = this.#sink.take(row)
    if (text !== undefined) this.#textOf.set(instance, text)
    return instance
  }

  found(instances: readonly object[]): void {
    for (const instance of instances) this.#found.set(this.#textOf.get(instance) ?? textOf(this.#metadata, instance), instance)
  }

  inOrder(): object[] {
    const wanted = this.#query.keys.map((key) => textOf(this.#metadata, key))
    const foldedOf = this.#foldedOf(new Set(wanted))
    return wanted.map((text) => this.#found.get(text) ?? foldedOf.get(text.toLowerCase())).filter((instance) => instance !== undefined)
  }

  /** Databases compare some keys without regard to case; a row found so was asked for by no key of exactly its text. */
  #foldedOf(wanted: ReadonlySet<string>): ReadonlyMap<string, object> {
    const folded = new Map<string, object>()
    for (const [text, instance] of this.#found) if (!wanted.has(text)) folded.set(text.toLowerCase(), instance)
    return folded
  }
}

function isPaged({ skip, limit }: Query): boolean {
  return skip !== undefined || limit !== undefined
}

function selectsRelations({ expressionMap }: Builder): boolean {
  return expressionMap.selects.length > 1
}

function joinsMembers(builder: Builder): boolean {
  return builder.expressionMap.joinAttributes.some((join) => join.isMany)
}

function textOf(metadata: EntityMetadata, key: object): string {
  return keyText(metadata.primaryColumns.map((column) => column.getEntityValue(key) as unknown))
}

function keyAlias(index: number): string {
  return `key_${index}`
}

/** Adds the key to the order in force, be that the query's or the entity's own. */
function orderedByKey(builder: Builder): Builder {
  const { expressionMap, alias } = builder
  const orders = { ...expressionMap.allOrderBys }
  for (const column of expressionMap.mainAlias!.metadata.primaryColumns) orders[`${alias}.${column.propertyPath}`] ??= 'ASC'
  expressionMap.orderBys = orders
  return builder
}

/** Of a SELECT DISTINCT everything it is ordered by must be selected too. */
function selectKeys(builder: Builder, metadata: EntityMetadata): void {
  const paths = metadata.primaryColumns.map((column) => `${builder.alias}.${column.propertyPath}`)
  builder.select([])
  paths.forEach((path, index) => builder.addSelect(path, keyAlias(index)))
  if (!joinsMembers(builder)) return
  const others = Object.keys(builder.expressionMap.orderBys).filter((path) => !paths.includes(path))
  others.forEach((path, index) => builder.addSelect(path, `order_${index}`))
  builder.distinct()
}
