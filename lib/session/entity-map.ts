/**
 * One entity class as this layer sees it: named properties, a key, relations, a table. Part of the port to an ORM.
 *
 * Refuses to know TypeORM's metadata. Invariant: a snapshot never changes after it was taken, and reading a relation never loads it.
 *
 * @module
 */
import type { EntityClass } from '../mapper/entity-types.js'

export type Image = Readonly<Record<string, unknown>>

export interface PropertyMap {
  /** `title`, `address.city`, or the name of an owning to-one relation. */
  readonly path: string
  /** Filled in by the ORM or the database on each write: version, update date, delete date. Alone it makes no change. */
  readonly isAutomatic: boolean
  /** The value as the entity has it, copied; a relation as its key object; undefined where it was not loaded or set. */
  read(entity: object): unknown
}

/** A column of the entity's own, compared with a snapshot to find out whether it changed. */
export interface ColumnMap extends PropertyMap {
  /** The column's name in the database. */
  readonly name: string
  readonly isKey: boolean
  readonly isNullable: boolean
  /** True where the database or the ORM makes the value when none is given on insert: generated keys, defaults, dates, version. */
  readonly isFilledIn: boolean
  /** False for columns an UPDATE may not set, or that the database computes. */
  readonly isUpdatable: boolean
  readonly isInsertable: boolean
  /** The owning to-one relation whose join column this is, declared as a property of its own. */
  readonly relationPath: string | undefined
  get(entity: object): unknown
  set(entity: object, value: unknown): void
  /** What to remember of a value: itself where it cannot change in place, else a copy. */
  snapshotOf(value: unknown): unknown
  isSame(value: unknown, snapshot: unknown): boolean
  /** A value that shares nothing with this one. */
  copyOf(value: unknown): unknown
  /** A value to put back on an entity; never the snapshot itself where that could be changed in place. */
  valueOf(snapshot: unknown): unknown
}

/**
 * - `to-one`: this row holds the key of the other · `inverse-one`: the other row holds the key of this one, at most one does
 * - `one-to-many`: other rows hold the key of this one · `many-to-many`: rows of a junction hold both keys
 */
export type RelationKind = 'to-one' | 'inverse-one' | 'one-to-many' | 'many-to-many'
export type Cascade = 'insert' | 'update' | 'remove' | 'softRemove' | 'recover'

export interface RelationMap {
  readonly path: string
  readonly kind: RelationKind
  /** The class that declares it. */
  readonly owner: EntityMap
  readonly target: EntityMap
  /** The same relation seen from the other side, where it is declared. */
  readonly inverse: RelationMap | undefined
  /** Of a to-one: whether the join columns may be null. */
  readonly isNullable: boolean
  readonly isLazy: boolean
  /** False where the mapping says that the relation is only read. */
  readonly isPersisted: boolean
  readonly cascades: Readonly<Record<Cascade, boolean>>
  /** Of a one-to-many or inverse-one: what becomes of a row it loses. */
  readonly orphans: 'nullify' | 'delete' | 'soft-delete' | 'disable'
  /** Of a to-one: what the database itself does with this row when the other one is deleted. */
  readonly onDelete: string | undefined
  /** Of a to-one: the join columns' names in the database; of a many-to-many: all columns of the junction. */
  readonly columnNames: readonly string[]
  /** Of a many-to-many. */
  readonly junction: Junction | undefined
  /** What the entity holds: an object, an array, null, or undefined where it was never loaded. Never a promise, and never loads. */
  get(entity: object): unknown
  set(entity: object, value: unknown): void
  /** Of a to-one: the key object this row would hold for that target; undefined while the target has none. Takes bare keys too. */
  keyOf(target: unknown): Image | undefined
}

export interface Junction {
  readonly table: string
  /** True on the side that declares the junction table. */
  readonly isOwning: boolean
  /** True where the database itself deletes the rows of an entity that is deleted. */
  readonly isCleanedByDatabase: boolean
}

/** What changes of a row need to know of its class. */
export interface RowMap {
  readonly target: EntityClass | string
  readonly name: string
  readonly table: string
  readonly properties: readonly PropertyMap[]
  readonly paths: ReadonlySet<string>
  /** Paths of the properties that are automatic. */
  readonly automatic: readonly string[]
  /** True for the class itself and those above it. */
  isA(target: unknown): boolean
}

export interface EntityMap extends RowMap {
  /** Names the table in the identity map: the same for all classes of one single-table inheritance. */
  readonly identity: string
  readonly columns: readonly ColumnMap[]
  /** `get` of each column: what every flush calls for every entity. */
  readonly getters: readonly ColumnMap['get'][]
  readonly keyColumns: readonly ColumnMap[]
  /** The relations whose key this row holds. */
  readonly toOnes: readonly RelationMap[]
  /** All other relations. */
  readonly collections: readonly RelationMap[]
  readonly version: ColumnMap | undefined
  readonly deleteDate: ColumnMap | undefined
  /** Property paths that are unique together, each list one constraint; the key is not among them. */
  readonly uniques: readonly (readonly string[])[]
  /** A tree with rows or paths that the ORM alone keeps. */
  readonly isTree: boolean
  /** An instance as the ORM would make it for a row. */
  create(): object
  /** The complete key, or undefined while a part is missing. */
  keyOf(entity: object): Image | undefined
}

/** Whether the removal of a row goes on over this relation; a class without a delete date has nothing that could be removed softly. */
export function isCascading({ cascades, target }: RelationMap, kind: 'remove' | 'softRemove' | 'recover'): boolean {
  return cascades[kind] && (kind === 'remove' || target.deleteDate !== undefined)
}

/** The present values of an entity, without those that are undefined. */
export function imageOf(map: RowMap, entity: object): Image {
  const image: Record<string, unknown> = {}
  for (const property of map.properties) {
    const value = property.read(entity)
    if (value !== undefined) image[property.path] = value
  }
  return image
}

/** A key as messages show it. */
export function keyLabel(key: unknown): string {
  return JSON.stringify(key ?? null, (_name, value: unknown) => (typeof value === 'bigint' ? String(value) : value))
}

/** A key as text; numbers and bigints are the same as their text, since drivers return either. */
export function keyText(key: unknown): string {
  return JSON.stringify(key ?? null, numbersAsText)
}

function numbersAsText(_name: string, value: unknown): unknown {
  return typeof value === 'number' || typeof value === 'bigint' ? String(value) : value
}

/** What a key is found by among those of one table. A single number is itself, as number, bigint or text; what else there is, is text. */
export function keyId(key: Image): number | string {
  let part: unknown
  let parts = 0
  for (const name in key) {
    part = key[name]
    parts++
  }
  if (parts === 1 && typeof part === 'number') return part
  if (parts !== 1 || (typeof part !== 'string' && typeof part !== 'bigint')) return keyText(key)
  const text = String(part)
  return String(Number(text)) === text ? Number(text) : text
}

/** Whether two keys of one table are the same, or both missing. */
export function isSameKey(one: Image | null | undefined, other: Image | null | undefined): boolean {
  if (one === null || one === undefined || other === null || other === undefined) return (one ?? other ?? null) === null
  return keyId(one) === keyId(other)
}
