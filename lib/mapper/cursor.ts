/**
 * The lazy query of a session, as types.
 *
 * Types only. Invariant: each refinement returns a new cursor; none changes the one it was called on.
 *
 * @module
 */
import type { FindOptionsOrder, FindOptionsWhere } from 'typeorm'

export type CursorAction = 'find' | 'where' | 'order' | 'skip' | 'limit' | 'with'

type Item<T> = NonNullable<Awaited<T>> extends readonly (infer I)[] ? I : NonNullable<Awaited<T>>
type Scalar = string | number | boolean | bigint | symbol | Date | Uint8Array | RegExp | ((...args: never[]) => unknown)
type RelationKeys<E> = {
  [P in keyof E & string]-?: Item<E[P]> extends infer I ? ([I] extends [object] ? (I extends Scalar ? never : P) : never) : never
}[keyof E & string]

/** `'author' | 'author.company' …`, three levels deep. */
export type RelationPath<E, D extends 0[] = [0, 0]> =
  | RelationKeys<E>
  | (D extends [0, ...infer R extends 0[]] ? { [P in RelationKeys<E>]: `${P}.${RelationPath<Item<E[P]>, R>}` }[RelationKeys<E>] : never)

type Head<P> = P extends `${infer H}.${string}` ? H : P

/** Relations named are no longer optional; a nullable one stays nullable. */
export type Loaded<E, P extends string> = E & { readonly [K in keyof E & Head<P>]-?: Exclude<E[K], undefined> }

// eslint-disable-next-line @typescript-eslint/no-explicit-any -- hooks receive cursors of every entity
export interface Cursor<E extends object = any> extends AsyncIterable<E>, PromiseLike<E[]> {
  where(where: FindOptionsWhere<E> | FindOptionsWhere<E>[]): Cursor<E>
  order(order: FindOptionsOrder<E>): Cursor<E>
  skip(count: number): Cursor<E>
  limit(count: number): Cursor<E>
  with<P extends RelationPath<E>>(...relations: P[]): Cursor<Loaded<E, P>>
  all(): Promise<E[]>
  first(): Promise<E | null>
  one(): Promise<E>
  oneOrNull(): Promise<E | null>
  count(): Promise<number>
}
