/**
 * One row's change, as journal, net changes and bulk images tell it.
 *
 * Types only; implemented in `session`. Invariant: `kind` narrows `before` and `after`, `is` narrows the entity.
 *
 * @module
 */
import type { ChangeMap, DataKeys, EntityClass, EntityRef, Key, Values } from './entity-types.js'

export interface RelationChange<T = object> {
  readonly added: readonly T[]
  readonly removed: readonly T[]
}

type Element<T> = NonNullable<Awaited<T>> extends readonly (infer I)[] ? I : never

/** For each to-many relation whose membership changed, what came and what went. */
export type RelationChanges<E> = {
  readonly [P in keyof E as NonNullable<Awaited<E[P]>> extends readonly object[] ? P : never]?: RelationChange<Element<E[P]>>
}

interface ChangeOf<E extends object> {
  readonly entity: E
  readonly target: EntityClass<E> | string
  readonly table: string
  readonly key: Key<E>
  readonly changes: ChangeMap<E>
  /** The paths in `changes`, which cost less to ask for than the values. */
  readonly changedPaths: readonly string[]
  changed(name: DataKeys<E>): boolean
  readonly relations: RelationChanges<E>
}

export type ChangeKind = 'insert' | 'update' | 'delete' | 'softRemove' | 'recover'

type Images<E, K extends ChangeKind> = K extends 'insert'
  ? { readonly before: null; readonly after: Values<E> }
  : K extends 'delete'
    ? { readonly before: Values<E>; readonly after: null }
    : { readonly before: Values<E>; readonly after: Values<E> }

declare const entityOfChange: unique symbol

/** Marks a change narrowed by `is`, so that one that was not keeps its type and can be asked again. */
export interface OfEntity<E> {
  readonly [entityOfChange]: E
}

export type ChangeVariant<E extends object, K extends ChangeKind> = ChangeOf<E> &
  Images<E, K> & {
    readonly kind: K
    /** True when the row is of this class or of one below it. */
    is<T extends E>(target: EntityRef<T>): this is Change<T> & OfEntity<T>
  }

/** Distributes over kind, so `kind` narrows `before`/`after` and `is` narrows the entity. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- the default of a parameter users narrow with `is`
export type Change<E extends object = any> = { [K in ChangeKind]: ChangeVariant<E, K> }[ChangeKind]
