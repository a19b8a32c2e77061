/**
 * Hands every entity a marked query hydrates to a {@link LoadSink}, and puts what the sink answers in its place.
 *
 * Refuses to know what the sink does with it. Invariant: a query without the mark pays one property look-up for each row group, and an
 * entity whose key was not read is left as TypeORM made it.
 *
 * @module
 */
import { DataSource, type EntityMetadata, type ObjectLiteral, type SelectQueryBuilder } from 'typeorm'
import type { Driver } from 'typeorm/driver/Driver.js'
import type { Alias } from 'typeorm/query-builder/Alias.js'
import type { EntityMap, Image } from '../session/entity-map.js'
import type { LoadSink } from '../session/persistence.js'
import { entityMapOf } from './entity-maps.js'
import type { ColumnMetadata } from './internals.js'
import { setPath } from './property-access.js'
import { relationOf } from './relation-maps.js'

type RawRow = Readonly<Record<string, unknown>>
type Replace = (transformer: Transformer, from: { readonly row: RawRow; readonly alias: Alias }, entity: object) => object

/** RawSqlResultsToEntityTransformer, with the members TypeORM declares protected. One is made for each query. */
interface Transformer {
  readonly expressionMap: { [REPLACE]?: Replace }
  readonly driver: Driver
  buildAlias(aliasName: string, columnName: string): string
  transformRawResultsGroup(rows: RawRow[], alias: Alias): object | undefined
}

const WRAPPED = Symbol.for('flushpoint.hydration')
const REPLACE = Symbol.for('flushpoint.hydrate')

let isKnownLayout: boolean | undefined

/**
 * Wraps the hydration of the loaded TypeORM; does nothing when that is done already.
 *
 * @returns False where it is not ours to wrap: a second copy of TypeORM, or an unknown layout.
 */
export function wrapHydration(dataSource: DataSource): boolean {
  if (!(dataSource instanceof DataSource)) return false
  isKnownLayout ??= wrap()
  return isKnownLayout
}

function wrap(): boolean {
  const prototype = transformerPrototype()
  if (typeof prototype?.transformRawResultsGroup !== 'function' || typeof prototype.buildAlias !== 'function') return false
  if (prototype[WRAPPED] === true) return true
  prototype[WRAPPED] = true
  const { transformRawResultsGroup } = prototype
  prototype.transformRawResultsGroup = function (this: Transformer, rows, alias) {
    const entity = transformRawResultsGroup.call(this, rows, alias)
    const replace = this.expressionMap[REPLACE]
    return replace === undefined || entity === undefined ? entity : replace(this, { row: rows[0]!, alias }, entity)
  }
  return true
}

function transformerPrototype(): (Transformer & Record<symbol, boolean | undefined>) | undefined {
  try {
    // eslint-disable-next-line @typescript-eslint/no-require-imports -- a static import would make an unknown layout fail at load
    const module_ = require('typeorm/query-builder/transformer/RawSqlResultsToEntityTransformer.js') as Record<
      string,
      { prototype?: Transformer & Record<symbol, boolean | undefined> } | undefined
    >
    return module_['RawSqlResultsToEntityTransformer']?.prototype
  } catch {
    return undefined
  }
}

/**
 * Marks one query: whatever it hydrates goes through the sink. TypeORM's own load listeners are left out, since they never end on objects
 * that refer to each other in a circle.
 *
 * The mark sits on the expression map, which TypeORM hands to the transformer as it is; clones it makes for pages only build SQL.
 */
export function hydrateInto<E extends ObjectLiteral>(builder: SelectQueryBuilder<E>, sink: LoadSink): SelectQueryBuilder<E> {
  const hydration = new Hydration(sink)
  ;(builder.expressionMap as Transformer['expressionMap'])[REPLACE] = (...given) => hydration.replace(...given)
  return builder.callListeners(false)
}

interface JoinColumn {
  /** The name of its value in a raw row. */
  readonly rawName: string
  readonly referenced: ColumnMetadata
  readonly path: string
  readonly isNested: boolean
}

/** How the rows of one alias become entities of one class. */
interface Plan {
  readonly map: EntityMap
  /** For each of the map's to-ones. */
  readonly references: readonly (readonly JoinColumn[])[]
}

/** One marked query. */
class Hydration {
  readonly #sink: LoadSink
  readonly #plans = new Map<string, Map<EntityMetadata, Plan>>()

  constructor(sink: LoadSink) {
    this.#sink = sink
  }

  readonly replace: Replace = (transformer, { row, alias }, entity) => {
    const { map, references } = this.#planFor(transformer, alias, concreteMetadata(alias.metadata, entity))
    if (!hasKey(map, entity)) return entity
    return this.#sink.take({ map, entity, foreignKeys: references.map((columns) => foreignKeyOf(transformer.driver, columns, row)) })
  }

  #planFor(transformer: Transformer, alias: Alias, metadata: EntityMetadata): Plan {
    let plans = this.#plans.get(alias.name)
    if (plans === undefined) this.#plans.set(alias.name, (plans = new Map<EntityMetadata, Plan>()))
    let plan = plans.get(metadata)
    if (plan === undefined) plans.set(metadata, (plan = planFor(transformer, alias.name, entityMapOf(metadata))))
    return plan
  }
}

function hasKey({ keyColumns }: EntityMap, entity: object): boolean {
  for (const column of keyColumns) {
    const value = column.get(entity)
    if (value === undefined || value === null) return false
  }
  return keyColumns.length > 0
}

/** TypeORM makes instances of the concrete class of an inheritance, and describes them by the class that was queried. */
function concreteMetadata(metadata: EntityMetadata, entity: object): EntityMetadata {
  if (metadata.childEntityMetadatas.length === 0) return metadata
  return metadata.childEntityMetadatas.find((child) => child.target === entity.constructor) ?? metadata
}

function planFor(transformer: Transformer, aliasName: string, map: EntityMap): Plan {
  const references = map.toOnes.map((toOne) =>
    relationOf(toOne).joinColumns.map((column): JoinColumn => {
      const referenced = column.referencedColumn!
      const { propertyPath: path } = referenced
      return { rawName: transformer.buildAlias(aliasName, column.databaseName), referenced, path, isNested: path.includes('.') }
    }),
  )
  return { map, references }
}

/** Null where the row refers to nothing, undefined where a part was not read. */
function foreignKeyOf(driver: Driver, columns: readonly JoinColumn[], row: RawRow): Image | null | undefined {
  const key: Record<string, unknown> = {}
  let isEmpty = true
  for (const { rawName, referenced, path, isNested } of columns) {
    const raw = row[rawName]
    if (raw === undefined) return undefined
    if (raw !== null) isEmpty = false
    const value: unknown = raw === null ? null : driver.prepareHydratedValue(raw, referenced)
    if (isNested) setPath(key, path, value)
    else key[path] = value
  }
  return isEmpty ? null : key
}
