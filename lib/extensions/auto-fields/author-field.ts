/**
 * One author field of one entity: what is there, and what is put there.
 *
 * Loads nothing and asks no session. Invariant: a related object that is there is replaced, never changed.
 *
 * @module
 */
import type { ColumnMetadata } from 'typeorm/metadata/ColumnMetadata.js'
import type { RelationMetadata } from 'typeorm/metadata/RelationMetadata.js'
import { describeValue } from '../../core/describe-value.js'
import { DataError } from '../../core/errors.js'
import { putAt } from '../row-documents/row-document.js'
import { holdsTexts, wantedInstead } from './column-kinds.js'

type Values = Record<string, unknown>

/** A column or an owning to-one relation; a join column that is a property of its own has both. */
export interface AuthorPlan {
  readonly entity: string
  readonly path: string
  readonly column: ColumnMetadata | undefined
  readonly relation: RelationMetadata | undefined
  /** Join columns that are properties of their own, beside the relation. */
  readonly twins: readonly ColumnMetadata[]
  /** The paths by which changes of it are told. */
  readonly paths: readonly string[]
}

export function planOf(entity: string, path: string, place: Pick<AuthorPlan, 'column' | 'relation'>): AuthorPlan {
  const { relation } = place
  const twins = relation?.joinColumns.filter((column) => !column.isVirtual && column.propertyPath !== relation.propertyPath) ?? []
  const paths = relation === undefined ? [path] : [relation.propertyPath, ...twins.map(({ propertyPath }) => propertyPath)]
  return { ...place, entity, path, twins, paths }
}

/** Whether nobody is there. */
export function isEmpty(plan: AuthorPlan, entity: object): boolean {
  return authorText(plan, entity) === undefined
}

/** Who is there, as a text to compare; undefined for nobody, and where nothing was loaded. */
export function authorText({ column, relation, twins }: AuthorPlan, entity: object): string | undefined {
  if (relation === undefined) return textOf(column!.getEntityValue(entity))
  const related: unknown = relation.getEntityValue(entity)
  const parts = relation.joinColumns.map((join) =>
    textOf(isKey(related) ? related : (partOf(join, related) ?? ownValue(join, entity, twins))),
  )
  return parts.includes(undefined) ? undefined : parts.join(' ')
}

function isKey(related: unknown): boolean {
  return related !== undefined && related !== null && typeof related !== 'object'
}

function partOf({ referencedColumn }: ColumnMetadata, related: unknown): unknown {
  return typeof related === 'object' && related !== null ? (referencedColumn!.getEntityValue(related) as unknown) : undefined
}

function ownValue(join: ColumnMetadata, entity: object, twins: AuthorPlan['twins']): unknown {
  return twins.includes(join) ? (holderOf(join, entity)?.[join.propertyName] as unknown) : undefined
}

function textOf(value: unknown): string | undefined {
  return value === undefined || value === null ? undefined : String(value as string)
}

/** Whether null may be there. */
export function isNullable({ column, relation }: AuthorPlan): boolean {
  return column === undefined ? relation!.joinColumns.every((join) => join.isNullable) : column.isNullable
}

export interface Author {
  /** A key, an object that has it, or null. */
  readonly author: unknown
  /** Whether an object is one that the session knows as the entity of its row. */
  isKnown(author: object): boolean
}

/**
 * Puts an author there, unless that one is there already.
 *
 * @returns Puts back what was there; undefined where nothing was done.
 * @throws {DataError} AUTHOR_UNUSABLE
 */
export function setAuthor(plan: AuthorPlan, entity: object, { author, isKnown }: Author): (() => void) | undefined {
  const { column, relation, twins } = plan
  const value = relation === undefined ? scalarFor(plan, column!, author) : relatedFor(plan, relation, author)
  const before = authorText(plan, entity)
  if (before !== undefined && before === wantedText(plan, value)) return undefined
  if (relation === undefined) return setProperty(column!, entity, value)
  const undo = twins.map((twin) =>
    setProperty(twin, entity, value === null ? null : (twin.referencedColumn!.getEntityValue(value as object) as unknown)),
  )
  // A relation that was not loaded says nothing; its join column alone is enough then.
  if (column === undefined || relation.getEntityValue(entity) !== undefined)
    undo.push(setRelation(relation, entity, value !== null && isOf(relation, author) && isKnown(author) ? author : value))
  return () => undo.forEach((step) => step())
}

function wantedText({ relation }: AuthorPlan, value: unknown): string | undefined {
  if (relation === undefined || value === null) return textOf(value)
  return relation.joinColumns.map((join) => textOf(partOf(join, value))).join(' ')
}

// ---- what goes there

function scalarFor(plan: AuthorPlan, column: ColumnMetadata, author: unknown): unknown {
  if (author === null) return null
  const key: unknown = typeof author === 'object' && 'id' in author ? (author.id ?? null) : author
  if (key === null) return null
  if (!isScalar(key)) throw unusable(plan, 'a text, a number, or an object with such an id', key)
  assertFits(plan, column, key)
  return holdsTexts(column) ? String(key) : key
}

/** An object of the class with nothing but its key, so that nothing else of it is ever written. */
function relatedFor(plan: AuthorPlan, relation: RelationMetadata, author: unknown): object | null {
  if (author === null) return null
  const { joinColumns } = relation
  const key = emptyOf(relation)
  for (const { referencedColumn } of joinColumns) {
    const part = partFor(referencedColumn!, author, joinColumns.length === 1)
    if (part === null && joinColumns.length === 1) return null
    if (!isScalar(part)) throw unusable(plan, `the key of ${relation.inverseEntityMetadata.name}, or an object that has it`, author)
    assertFits(plan, referencedColumn!, part)
    putAt(key, referencedColumn!.propertyPath, part)
  }
  return key
}

/** Where new ones are inserted with the entity, one of its class would be taken for such a one; a plain object never is. */
function emptyOf({ inverseEntityMetadata, isCascadeInsert }: RelationMetadata): Values {
  return isCascadeInsert ? {} : (inverseEntityMetadata.create(undefined, { fromDeserializer: true }) as Values)
}

function isOf({ inverseEntityMetadata: { target } }: RelationMetadata, author: unknown): author is object {
  return typeof target === 'function' && author instanceof target
}

function partFor(referenced: ColumnMetadata, author: unknown, isOnly: boolean): unknown {
  if (typeof author !== 'object') return isOnly ? author : undefined
  const part: unknown = referenced.getEntityValue(author!)
  return part === undefined && isOnly ? ((author as { id?: unknown }).id ?? ('id' in author! ? null : undefined)) : part
}

/** @throws {DataError} AUTHOR_UNUSABLE */
function assertFits(plan: AuthorPlan, column: ColumnMetadata, value: string | number | bigint): void {
  const wanted = wantedInstead(column, value)
  if (wanted !== undefined) throw unusable(plan, wanted, value)
}

function isScalar(value: unknown): value is string | number | bigint {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'bigint'
}

function unusable({ entity, path }: AuthorPlan, wanted: string, given: unknown): DataError {
  return new DataError('AUTHOR_UNUSABLE', { entity, property: path, wanted, given: describeValue(given) })
}

// ---- how it goes there

type Place = Pick<ColumnMetadata, 'embeddedMetadata'> | Pick<RelationMetadata, 'embeddedMetadata'>

/** The object that has the property; undefined where that is not there, unless it is to be made. */
function holderOf({ embeddedMetadata }: Place, entity: object, isToBeMade = false): Values | undefined {
  let holder = entity as Values | null | undefined
  for (const part of embeddedMetadata?.embeddedMetadataTree ?? []) {
    if (isToBeMade) holder![part.propertyName] ??= part.create()
    holder = holder?.[part.propertyName] as Values | null | undefined
  }
  return holder ?? undefined
}

function setProperty(place: ColumnMetadata, entity: object, value: unknown): () => void {
  return put(holderOf(place, entity, true)!, place.propertyName, value)
}

/** TypeORM's own accessor would merge into the object that is there. */
function setRelation(relation: RelationMetadata, entity: object, value: unknown): () => void {
  const holder = holderOf(relation, entity, true)!
  const { propertyName: name, isLazy } = relation
  if (!isLazy) return put(holder, name, value)
  const undo = [put(holder, `__promise_${name}__`, undefined), put(holder, `__${name}__`, value), put(holder, `__has_${name}__`, true)]
  const isPlain = !(name in holder) || Object.getOwnPropertyDescriptor(holder, name)?.writable === true // made by hand, without TypeORM's accessor
  if (isPlain) undo.push(put(holder, name, Promise.resolve(value)))
  return () => undo.forEach((step) => step())
}

/** @returns Puts back what was there, or that nothing was. */
function put(holder: Values, name: string, value: unknown): () => void {
  const was = Object.hasOwn(holder, name)
  const before = holder[name]
  if (value === undefined) delete holder[name]
  else holder[name] = value
  return () => {
    if (was) holder[name] = before
    else delete holder[name]
  }
}
