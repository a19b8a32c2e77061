/**
 * Reads and writes columns and relations of an entity, embedded ones and lazy ones too, without ever loading anything.
 *
 * Knows where TypeORM keeps a value, not what it means. Invariant: reading never calls the getter of a lazy relation.
 *
 * @module
 */
import { types } from 'node:util'
import type { EmbeddedMetadata } from 'typeorm/metadata/EmbeddedMetadata.js'
import type { RelationMetadata } from 'typeorm/metadata/RelationMetadata.js'
import type { ColumnMetadata } from './internals.js'

export type Reader = (entity: object) => unknown
export type Writer = (entity: object, value: unknown) => void
type Values = Record<string, unknown>

/** A join column TypeORM made by itself, or one declared on the very property of the relation, which stands for it. */
export function isBareJoinColumn({ relationMetadata, isVirtual, propertyPath }: ColumnMetadata): boolean {
  return relationMetadata !== undefined && (isVirtual || propertyPath === relationMetadata.propertyPath)
}

/** The column's own value; a join column without a value of its own is read through its relation where that is asked for. */
export function columnReader(column: ColumnMetadata, isThroughRelation: boolean): Reader {
  const { propertyName, embeddedMetadata, relationMetadata: relation, referencedColumn } = column
  if (embeddedMetadata?.isArray === true) return (entity) => column.getEntityValue(entity) as unknown
  const own = propertyReader(propertyName, embeddedMetadata)
  if (relation === undefined || referencedColumn === undefined || !isThroughRelation) return own
  const isBare = isBareJoinColumn(column)
  const related = relationReader(relation)
  const part = partReader(referencedColumn)
  if (isBare) return (entity) => part(related(entity))
  return (entity) => own(entity) ?? part(related(entity))
}

/** The part of a key that a related object holds; a bare key is that part itself. */
function partReader(referenced: ColumnMetadata): (related: unknown) => unknown {
  let read: Reader | undefined // made late: a column may refer to itself
  return (related) => (isObject(related) ? (read ??= columnReader(referenced, true))(related) : related)
}

export function columnWriter(column: ColumnMetadata): Writer {
  const { propertyName, embeddedMetadata } = column
  if (embeddedMetadata === undefined) return (entity, value) => void ((entity as Values)[propertyName] = value)
  return propertyWriter(propertyName, embeddedMetadata)
}

/** What the entity holds: never a promise, and undefined where nothing was loaded. */
export function relationReader({ propertyName, embeddedMetadata, isLazy }: RelationMetadata): Reader {
  if (!isLazy) return propertyReader(propertyName, embeddedMetadata)
  const holder = holderReader(embeddedMetadata)
  return (entity) => {
    const values = holder(entity)
    return values === undefined ? undefined : lazyValue(values, propertyName)
  }
}

function lazyValue(values: Values, name: string): unknown {
  const loaded = values[`__${name}__`]
  if (loaded !== undefined) return loaded
  if (values[`__has_${name}__`] === true) return null
  const held: unknown = Object.getOwnPropertyDescriptor(values, name)?.value
  return types.isPromise(held) ? undefined : held
}

export function relationWriter({ propertyName, embeddedMetadata, isLazy }: RelationMetadata): Writer {
  if (!isLazy) return propertyWriter(propertyName, embeddedMetadata)
  const holder = holderWriter(embeddedMetadata)
  return (entity, value) => {
    const values = holder(entity, value)
    if (values !== undefined) setLazy(values, propertyName, value)
  }
}

/** What TypeORM's own accessor does for a value that is no promise; undefined makes it unloaded again. */
function setLazy(values: Values, name: string, value: unknown): void {
  delete values[`__promise_${name}__`]
  if (value === undefined) {
    delete values[`__${name}__`]
    delete values[`__has_${name}__`]
  } else {
    values[`__${name}__`] = value
    values[`__has_${name}__`] = true
  }
  if (Object.getOwnPropertyDescriptor(values, name)?.writable === true) values[name] = value && Promise.resolve(value)
}

function propertyReader(name: string, embedded: EmbeddedMetadata | undefined): Reader {
  if (embedded === undefined) return (entity) => (entity as Values)[name]
  const holder = holderReader(embedded)
  return (entity) => holder(entity)?.[name]
}

/** Undefined makes no embedded object: there is nothing to take away. */
function propertyWriter(name: string, embedded: EmbeddedMetadata | undefined): Writer {
  const holder = holderWriter(embedded)
  return (entity, value) => {
    const values = holder(entity, value)
    if (values !== undefined) values[name] = value
  }
}

function holderReader(embedded: EmbeddedMetadata | undefined): (entity: object) => Values | undefined {
  if (embedded === undefined) return (entity) => entity as Values
  const names = embedded.parentPropertyNames
  return (entity) => {
    let values: unknown = entity
    for (const name of names) values = (values as Values | null | undefined)?.[name]
    return isObject(values) ? (values as Values) : undefined
  }
}

function holderWriter(embedded: EmbeddedMetadata | undefined): (entity: object, value: unknown) => Values | undefined {
  if (embedded === undefined) return (entity) => entity as Values
  const tree = embedded.embeddedMetadataTree
  return (entity, value) => {
    let values = entity as Values
    for (const part of tree) {
      if (!isObject(values[part.propertyName])) {
        if (value === undefined) return undefined
        values[part.propertyName] = part.create()
      }
      values = values[part.propertyName] as Values
    }
    return values
  }
}

/** An object with properties, as opposed to a value that happens to be one. */
export function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !types.isTypedArray(value) && !types.isDate(value)
}

/** Puts a value at a dotted path. */
export function setPath(target: Values, path: string, value: unknown): void {
  const names = path.split('.')
  const last = names.pop()!
  let holder = target
  for (const name of names) holder = (holder[name] ??= {}) as Values
  holder[last] = value
}
