/**
 * What an entity is to the type system: its class, its values, its key, its changes.
 *
 * Types only. Invariant: every public type has at most two parameters, and methods of an entity never count as data.
 *
 * @module
 */
import type { EntitySchema } from 'typeorm'

/** The class of an entity; abstract bases too. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- a constructor type is only assignable from classes with any arguments
export type EntityClass<E extends object = object> = abstract new (...args: any[]) => E
export type EntityRef<E extends object = object> = EntityClass<E> | EntitySchema<E>

/** An entity instance; refuses classes, functions and arrays, which are `object` too. */
export type One<E> = E extends readonly unknown[] | ((...args: never[]) => unknown) | EntityClass ? never : E

/** The names of an entity's columns and relations: everything but its methods. */
export type DataKeys<E> = { [P in keyof E]-?: E[P] extends (...args: never[]) => unknown ? never : P }[keyof E]

/** Columns and relations of an entity as plain values: no methods, lazy relations unwrapped. */
export type Values<E> = { readonly [P in DataKeys<E>]?: Awaited<E[P]> }

/** For each changed property its value before and after. Embedded columns appear by dotted path, a many-to-one as its key object. */
export type ChangeMap<E> = {
  readonly [P in DataKeys<E>]?: { readonly from: Awaited<E[P]> | undefined; readonly to: Awaited<E[P]> | undefined }
}

/** A key as an object of named parts: `{ id: 7 }`. */
export type Key<E> = { readonly [P in DataKeys<E>]?: E[P] }
export type KeyInput<E> = string | number | bigint | Date | Key<E>
