/**
 * What a write builder's condition was, in the caller's words where there were any.
 *
 * TypeORM turns criteria into SQL fragments at once, so what was passed to `where` is remembered. Invariant: a condition that was refined
 * afterwards (`andWhere`, `orWhere`) is told as SQL, never as half of it.
 *
 * @module
 */
import type { EntityMetadata, ObjectLiteral } from 'typeorm'
import type { BulkStatement, SqlCondition } from '../mapper/bulk-statement.js'
import { installationOf } from './installation.js'
import { dataSourceOf, type WriteBuilder } from './internals.js'

/** Kept on the builder itself, which lives for one statement. */
const GIVEN = Symbol('flushpoint.given')

interface ConditionalBuilder extends WriteBuilder {
  [GIVEN]?: Given | undefined
  where(...args: unknown[]): unknown
  andWhere(...args: unknown[]): unknown
  orWhere(...args: unknown[]): unknown
  whereInIds(ids: unknown): unknown
  createWhereExpression(): string
  createOrderByExpression(): string
  createLimitExpression(): string
  getTableName(tablePath: string): string
  getParameters(): ObjectLiteral
  replacePropertyNamesForTheWholeQuery(sql: string): string
  escape(name: string): string
}

type Given = { readonly criteria: object } | { readonly ids: unknown }

/** Wraps the condition methods of one builder class. */
export function rememberConditions(prototype: WriteBuilder): void {
  const builder = prototype as ConditionalBuilder
  if (typeof builder.where !== 'function') return
  const { where, andWhere, orWhere, whereInIds } = builder
  builder.where = function (this: ConditionalBuilder, ...args) {
    const [criteria] = args
    this[GIVEN] = isInstalled(this) && this.expressionMap.callListeners && isCriteria(criteria) ? { criteria } : undefined
    return where.apply(this, args)
  }
  builder.whereInIds = function (this: ConditionalBuilder, ids) {
    const result = whereInIds.call(this, ids)
    if (isInstalled(this)) this[GIVEN] = { ids }
    return result
  }
  builder.andWhere = function (this: ConditionalBuilder, ...args) {
    this[GIVEN] = undefined
    return andWhere.apply(this, args)
  }
  builder.orWhere = function (this: ConditionalBuilder, ...args) {
    this[GIVEN] = undefined
    return orWhere.apply(this, args)
  }
}

function isInstalled(builder: WriteBuilder): boolean {
  return installationOf(dataSourceOf(builder)) !== undefined
}

/** Plain criteria; Brackets and the fragments TypeORM makes from ids are objects of other kinds. */
function isCriteria(value: unknown): value is object {
  if (Array.isArray(value)) return value.every(isCriteria)
  return (
    typeof value === 'object' &&
    value !== null &&
    !('@instanceof' in value) &&
    !('operator' in value && 'parameters' in value) &&
    !('operator' in value && 'condition' in value)
  )
}

/** The condition as {@link BulkStatement.where} tells it. */
export function conditionOf(builder: WriteBuilder, metadata: EntityMetadata): BulkStatement['where'] {
  const known = (builder as ConditionalBuilder)[GIVEN]
  if (known !== undefined && 'criteria' in known) return known.criteria as BulkStatement['where']
  if (known !== undefined) return criteriaOfIds(known.ids, metadata) as BulkStatement['where']
  return builder.expressionMap.wheres.length === 0 ? undefined : sqlCondition(builder)
}

function criteriaOfIds(ids: unknown, metadata: EntityMetadata): object {
  const toCriteria = (id: unknown): object =>
    typeof id === 'object' && id !== null && !(id instanceof Date) && !Buffer.isBuffer(id)
      ? id
      : metadata.primaryColumns[0]!.createValueMap(id)
  return Array.isArray(ids) ? (ids.length === 1 ? toCriteria(ids[0]) : ids.map(toCriteria)) : toCriteria(ids)
}

function sqlCondition(builder: WriteBuilder): SqlCondition {
  const where = (builder as ConditionalBuilder).createWhereExpression().replace(/^\s*WHERE\s+/i, '')
  const [sql, parameters] = bound(builder, where)
  return Object.freeze({ sql, parameters: Object.freeze(parameters) })
}

/** A query for the keys of the rows a statement will meet, with the statement's own condition, order and limit. */
export function keyQuery(builder: WriteBuilder, metadata: EntityMetadata, suffix: string): [string, unknown[]] {
  const { createWhereExpression, createOrderByExpression, createLimitExpression } = builder as ConditionalBuilder
  const conditional = builder as ConditionalBuilder
  const keys = metadata.primaryColumns.map((column) => conditional.escape(column.databaseName)).join(', ')
  const tail = [createWhereExpression, createOrderByExpression, createLimitExpression]
    .map((part) => (typeof part === 'function' ? part.call(conditional) : ''))
    .join('')
  return bound(builder, `SELECT ${keys} FROM ${conditional.getTableName(metadata.tablePath)}${tail}${suffix}`)
}

function bound(builder: WriteBuilder, sql: string): [string, unknown[]] {
  const named = (builder as ConditionalBuilder).replacePropertyNamesForTheWholeQuery(sql)
  const driver = dataSourceOf(builder)!.driver as unknown as Escaper
  const { nativeParameters } = builder.expressionMap as { nativeParameters?: ObjectLiteral }
  return driver.escapeQueryWithParameters(named, (builder as ConditionalBuilder).getParameters(), nativeParameters)
}

/** TypeORM 0.3 wants native parameters as a third argument, 1 knows none. */
interface Escaper {
  escapeQueryWithParameters(sql: string, parameters: ObjectLiteral, nativeParameters: ObjectLiteral | undefined): [string, unknown[]]
}
