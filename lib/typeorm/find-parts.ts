/**
 * Turns the conditions, order and relations of a query into options TypeORM takes, after checking every name in them.
 *
 * Sends nothing. Invariant: what one TypeORM major refuses and the other ignores means the same on both: null is IS NULL, and undefined,
 * which would match every row, is refused.
 *
 * @module
 */
import { And, Equal, FindOperator, IsNull, type EntityMetadata, type ObjectLiteral } from 'typeorm'
import type { EmbeddedMetadata } from 'typeorm/metadata/EmbeddedMetadata.js'
import type { RelationMetadata } from 'typeorm/metadata/RelationMetadata.js'
import { describeValue } from '../core/describe-value.js'
import { SessionError } from '../core/errors.js'
import { nearestName } from '../core/nearest-name.js'
import { AllOf, type Query } from '../session/persistence.js'
import type { ColumnMetadata } from './internals.js'
import { isObject } from './property-access.js'

type Place = 'where' | 'order' | 'with'
type Tree = { [name: string]: true | Tree }

export interface FindParts {
  /** Undefined where every row matches. */
  readonly where: ObjectLiteral | ObjectLiteral[] | undefined
  readonly order: ObjectLiteral | undefined
  readonly relations: Tree | undefined
  /** Whether a condition is about members of a collection: then one row may match several times, and not all its members do. */
  readonly isFilteredByMembers: boolean
  /** Whether the order is that of members of a collection. */
  readonly isOrderedByMembers: boolean
}

/** Where a part of a query is found: its entity, and the embedded object or relation the names are looked up in. */
interface Scope {
  readonly metadata: EntityMetadata
  /** Ends with a dot, or is empty. */
  readonly prefix: string
  readonly place: Place
  /** Called for each collection on the way. */
  readonly crossing: () => void
}

/** @throws {SessionError} QUERY_PROPERTY_UNKNOWN · KEY_INVALID for a related object or value that is no key. */
export function findPartsOf(metadata: EntityMetadata, { where, order, relations }: Query): FindParts {
  let isFilteredByMembers = false
  let isOrderedByMembers = false
  const scope = { metadata, prefix: '' }
  const conditions =
    where === undefined ? undefined : whereOf(where, { ...scope, place: 'where', crossing: () => (isFilteredByMembers = true) })
  const orders = order === undefined ? undefined : orderOf(order, { ...scope, place: 'order', crossing: () => (isOrderedByMembers = true) })
  return {
    where: conditions,
    order: orders,
    relations: relations === undefined || relations.length === 0 ? undefined : relationsOf(metadata, relations),
    isFilteredByMembers,
    isOrderedByMembers,
  }
}

interface Property {
  readonly column: ColumnMetadata | undefined
  readonly embedded: EmbeddedMetadata | undefined
  readonly relation: RelationMetadata | undefined
}

/** @throws {SessionError} QUERY_PROPERTY_UNKNOWN */
function propertyAt({ metadata, prefix, place }: Scope, name: string): Property {
  const path = prefix + name
  const column = place === 'with' ? undefined : metadata.findColumnWithPropertyPathStrict(path)
  const embedded = metadata.findEmbeddedWithPropertyPath(path)
  const relation = metadata.findRelationWithPropertyPath(path)
  if (column !== undefined || embedded !== undefined || relation !== undefined) return { column, embedded, relation }
  const columns = place === 'with' ? [] : metadata.columns.filter((one) => !one.isVirtual).map((one) => one.propertyPath)
  const candidates = [...columns, ...metadata.relations.map((one) => one.propertyPath)]
  throw new SessionError('QUERY_PROPERTY_UNKNOWN', { entity: metadata.name, property: path, nearest: nearestName(path, candidates), place })
}

function inside(scope: Scope, name: string): Scope {
  return { ...scope, prefix: `${scope.prefix}${name}.` }
}

function across(scope: Scope, relation: RelationMetadata): Scope {
  if (relation.isOneToMany || relation.isManyToMany) scope.crossing()
  return { ...scope, metadata: relation.inverseEntityMetadata, prefix: '' }
}

/** An alternative without a condition matches everything, and so does the whole. */
function whereOf(where: unknown, scope: Scope): ObjectLiteral | ObjectLiteral[] | undefined {
  if (Array.isArray(where)) {
    const alternatives = where.map((one) => whereOf(one, scope))
    return alternatives.length === 0 || alternatives.includes(undefined) ? undefined : (alternatives as ObjectLiteral[])
  }
  const conditions: ObjectLiteral = {}
  for (const [name, value] of Object.entries(where as object)) {
    const property = propertyAt(scope, name)
    if (value === undefined) throw new SessionError('QUERY_VALUE_UNDEFINED', { entity: scope.metadata.name, property: scope.prefix + name })
    const condition = conditionOf(property, value, { scope, name })
    if (condition !== undefined) conditions[name] = condition
  }
  return Object.keys(conditions).length === 0 ? undefined : conditions
}

function conditionOf(property: Property, value: unknown, at: { scope: Scope; name: string }): unknown {
  if (!(value instanceof AllOf)) return singleCondition(property, value, at)
  const conditions = value.conditions.map((one) => conditionOf(property, one, at))
  const operators = conditions.map((one) => (one instanceof FindOperator ? (one as FindOperator<unknown>) : Equal(one)))
  return conditions.some((one) => isObject(one) && Object.getPrototypeOf(one) === Object.prototype)
    ? Object.assign({}, ...conditions)
    : And(...operators)
}

function singleCondition(
  { column, embedded, relation }: Property,
  value: unknown,
  { scope, name }: { scope: Scope; name: string },
): unknown {
  if (value instanceof FindOperator) return operatorCopy(value)
  if (column !== undefined) return value === null ? IsNull() : value
  if (relation !== undefined) return relationCondition(relation, value, scope)
  return value === null
    ? Object.fromEntries(embedded!.columns.map((one) => [one.propertyName, IsNull()]))
    : whereOf(value, inside(scope, name))
}

function relationCondition(relation: RelationMetadata, value: unknown, scope: Scope): unknown {
  const target = relation.inverseEntityMetadata
  if (value === null && relation.isWithJoinColumn) return IsNull()
  if (value === null)
    return whereOf(Object.fromEntries(target.primaryColumns.map((one) => [one.propertyPath, null])), across(scope, relation))
  if (typeof value === 'boolean') return value
  const key = relatedKey(relation, value)
  if (key === undefined) return whereOf(value, across(scope, relation))
  const [joinColumn, another] = relation.isWithJoinColumn ? relation.joinColumns : []
  const referenced = joinColumn?.referencedColumn
  if (referenced === undefined || another !== undefined || referenced.transformer !== undefined)
    return whereOf(key, across(scope, relation))
  return Equal(referenced.getEntityValue(key) as unknown) // needs no join, which would hide rows whose target is soft-deleted
}

/** The key of a related object, or the key that a bare value is; undefined for conditions. */
function relatedKey(relation: RelationMetadata, value: unknown): ObjectLiteral | undefined {
  const { inverseEntityMetadata: target } = relation
  const isInstance = isObject(value) && typeof target.target === 'function' && value instanceof target.target
  if (isObject(value) && !isInstance) return undefined
  const key = isInstance
    ? relation.isWithJoinColumn
      ? relation.getRelationIdMap(value)
      : target.getEntityIdMap(value)
    : target.hasMultiplePrimaryKeys
      ? undefined
      : target.ensureEntityIdMap(value)
  if (key !== undefined) return key
  const wanted = isInstance
    ? 'an object whose key is set'
    : `an object with ${target.primaryColumns.map((one) => one.propertyPath).join(', ')}`
  throw new SessionError('KEY_INVALID', { entity: target.name, given: describeValue(value), wanted })
}

/** TypeORM transforms the values of an operator in place, so that one used twice would be transformed twice. */
function operatorCopy<T>(operator: FindOperator<T>): FindOperator<T> {
  const copy = Object.assign(Object.create(Object.getPrototypeOf(operator) as object) as object, operator) as unknown as { _value: unknown }
  const copied = (value: unknown) => (value instanceof FindOperator ? operatorCopy<unknown>(value) : value)
  copy._value = Array.isArray(copy._value) ? copy._value.map(copied) : copied(copy._value)
  return copy as unknown as FindOperator<T>
}

function orderOf(order: object, scope: Scope): ObjectLiteral | undefined {
  const result: ObjectLiteral = {}
  for (const [name, value] of Object.entries(order) as [string, unknown][]) {
    if (value === undefined) continue
    const { column, relation } = propertyAt(scope, name)
    if (column !== undefined) result[name] = value
    else if (relation === undefined) result[name] = orderOf(directions(value), inside(scope, name))
    else result[name] = orderOf(isObject(value) ? value : keyOrder(relation, value), across(scope, relation))
  }
  return Object.keys(result).length === 0 ? undefined : result
}

/** By a relation itself means by its key. */
function keyOrder(relation: RelationMetadata, direction: unknown): ObjectLiteral {
  return Object.fromEntries(relation.inverseEntityMetadata.primaryColumns.map((column) => [column.propertyPath, direction]))
}

function directions(value: unknown): object {
  return isObject(value) ? value : { [describeValue(value)]: value }
}

function relationsOf(metadata: EntityMetadata, paths: readonly string[]): Tree {
  const tree: Tree = {}
  for (const path of paths) {
    let scope: Scope = { metadata, prefix: '', place: 'with', crossing: () => undefined }
    let level = tree
    const names = path.split('.')
    names.forEach((name, index) => {
      const { relation } = propertyAt(scope, name)
      scope = relation === undefined ? inside(scope, name) : across(scope, relation)
      const known = level[name]
      if (index < names.length - 1) level = level[name] = typeof known === 'object' ? known : {}
      else if (relation !== undefined) level[name] = known ?? true
      else throw unknownRelation(metadata, path)
    })
  }
  return tree
}

function unknownRelation(metadata: EntityMetadata, path: string): SessionError {
  const inIt = metadata.relations.map((one) => one.propertyPath).find((one) => one.startsWith(`${path}.`))
  return new SessionError('QUERY_PROPERTY_UNKNOWN', { entity: metadata.name, property: path, nearest: inIt, place: 'with' })
}
