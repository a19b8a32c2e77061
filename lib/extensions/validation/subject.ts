/**
 * One entity as validators see it.
 *
 * Reads only, and loads nothing. Invariant: what validators are given shares no holder with the entity where something had to be added.
 *
 * @module
 */
import type { EntityMetadata } from 'typeorm'
import type { ColumnMetadata } from 'typeorm/metadata/ColumnMetadata.js'
import type { RelationMetadata } from 'typeorm/metadata/RelationMetadata.js'
import type { EntityState } from '../../mapper/session.js'
import { putAt } from '../row-documents/row-document.js'

type Values = Record<string, unknown>

/** A column, or a to-one relation whose key the row holds. */
export interface Part {
  readonly path: string
  readonly column: ColumnMetadata | undefined
  readonly relation: RelationMetadata | undefined
}

export interface Subject {
  /** Columns by name, embedded ones nested, to-ones as the key of the other row. */
  readonly document: Readonly<Values>
  /** For validators that go by classes; undefined where there is none. */
  instance(): object | undefined
}

const partsOfClass = new WeakMap<EntityMetadata, ReadonlyMap<string, Part>>()

/** By path. A join column that is a property of its own is there beside its relation. */
export function partsOf(metadata: EntityMetadata): ReadonlyMap<string, Part> {
  let parts = partsOfClass.get(metadata)
  if (parts === undefined) {
    const columns = metadata.columns.filter(
      (column) =>
        !column.isVirtual &&
        !column.isVirtualProperty &&
        !column.isDiscriminator &&
        column.propertyPath !== column.relationMetadata?.propertyPath,
    )
    const found: readonly Part[] = [
      ...columns.map((column) => ({ path: column.propertyPath, column, relation: undefined })),
      ...metadata.relationsWithJoinColumns.map((relation) => ({ path: relation.propertyPath, column: undefined, relation })),
    ]
    partsOfClass.set(metadata, (parts = new Map(found.map((part) => [part.path, part]))))
  }
  return parts
}

/** What an entity has there; undefined where nothing was set or loaded, and for another row that has no key yet. */
export function valueOf({ column, relation }: Part, entity: object): unknown {
  if (relation === undefined) return column!.getEntityValue(entity) as unknown
  const related: unknown = relation.getEntityValue(entity)
  if (related === undefined || related === null) return related
  const key = typeof related === 'object' ? relation.getRelationIdMap(related) : relation.ensureRelationIdMap(related)
  return key === undefined || Object.values(key).includes(undefined) ? undefined : key
}

/** Whether it leads to a row that is new as well and has no key yet; asked where there is no value. */
export function isPending({ column, relation }: Part, entity: object): boolean {
  const related: unknown = (relation ?? column?.relationMetadata)?.getEntityValue(entity)
  return typeof related === 'object' && related !== null
}

/** What is not on the entity is taken from the row that was read for this write, so that rules on several values see them all. */
export function subjectOf(metadata: EntityMetadata, entity: object, state: EntityState): Subject {
  const document: Values = {}
  const added: (readonly [string, unknown])[] = []
  const original = state.original as Readonly<Values>
  for (const part of partsOf(metadata).values()) {
    const own = valueOf(part, entity)
    if (own !== undefined) putAt(document, part.path, own)
    else if (isPending(part, entity)) continue
    else if (state.changed(part.path as never)) putAt(document, part.path, null)
    else if (original[part.path] !== undefined) {
      putAt(document, part.path, original[part.path])
      added.push([part.path, original[part.path]])
    }
  }
  return { document, instance: () => instanceOf(metadata, entity, added) }
}

/** The row as it was read for this write. */
export function subjectOfRow(metadata: EntityMetadata, { original }: EntityState): Subject {
  const document: Values = {}
  for (const [path, value] of Object.entries(original as Readonly<Values>)) putAt(document, path, value)
  return { document, instance: () => instanceOf(metadata, document, []) }
}

function instanceOf({ target }: EntityMetadata, entity: object, added: readonly (readonly [string, unknown])[]): object | undefined {
  if (typeof target !== 'function') return undefined
  const isOne = entity instanceof target
  if (isOne && added.length === 0) return entity
  const prototype = (isOne ? Object.getPrototypeOf(entity) : target.prototype) as object
  const copy = Object.defineProperties(Object.create(prototype) as Values, Object.getOwnPropertyDescriptors(entity))
  for (const [path, value] of added) putInCopy(copy, path, value)
  return copy
}

/** Copies the embedded objects on the way, too. */
function putInCopy(copy: Values, path: string, value: unknown): void {
  const names = path.split('.')
  let holder = copy
  for (const name of names.slice(0, -1)) {
    const inner = (holder[name] ?? {}) as object
    holder = holder[name] = Object.assign(Object.create(Object.getPrototypeOf(inner) as object) as Values, inner)
  }
  holder[names.at(-1)!] = value
}
