/**
 * What receivers of model signals are given.
 *
 * Types only. Invariant: a payload always names its `sender`, the class of the instance at run time.
 *
 * @module
 */
import type { ConnectOptions } from '../core/connect-options.js'
import type { Receiver } from '../core/receiver.js'
import type { Connection } from '../core/signal.js'
import type { BulkStatement } from '../mapper/bulk-statement.js'
import type { Change } from '../mapper/change.js'
import type { DataKeys, EntityClass, EntityRef, Key } from '../mapper/entity-types.js'
import type { EntityState, Session } from '../mapper/session.js'

/** Stands for every model that has a class: `preSave(anyModel)(fn)`. Those of an EntitySchema without a target have none, and send no signals. */
export const anyModel: unique symbol = Symbol.for('flushpoint.any-model')
export type AnyModel = typeof anyModel

/** One model, several, or every one. */
export type Models = EntityRef | AnyModel | readonly EntityRef[]

/** The instances of the models given. */
export type Instance<T> = T extends readonly (infer I)[]
  ? Instance<I>
  : T extends AnyModel
    ? object
    : T extends EntityRef<infer E>
      ? E
      : never

export interface SignalPayload<E extends object = object> {
  readonly sender: EntityClass<E>
  readonly instance: E
  readonly state: EntityState<E>
  readonly session: Session
}

export interface RelationPayload<E extends object = object> {
  readonly sender: EntityClass<E>
  /** The one whose collection has gained or lost a member. */
  readonly instance: E
  /** The member. A removed one that was never loaded is an object that knows its key alone. */
  readonly child: object
  /** The property of `instance` that holds its members. */
  readonly relationName: string
  readonly session: Session
}

export interface BulkPayload<E extends object = object> {
  readonly sender: EntityClass<E>
  /** In `pre…` it can be asked for images: `statement.wantImages('both')`; in `post…` its `changes` tell them. */
  readonly statement: BulkStatement<E>
  /** The rows it has written, one change each, where images were asked for; empty otherwise, and before. */
  readonly changes: readonly Change<E>[]
  readonly session: Session
}

/** The fields whose changes are told: columns and to-ones, and columns of embedded objects by their path, `address.city`. */
export type Field<E extends object> = (DataKeys<E> & string) | EmbeddedField<E>

/** One level below: what is embedded in what is embedded is named by `as never`. */
export type EmbeddedField<E extends object> = {
  [K in DataKeys<E> & string]: Inner<E[K]> extends infer V ? (V extends object ? `${K}.${DataKeys<V> & string}` : never) : never
}[DataKeys<E> & string]

/** What may be an embedded object; lists, dates and bytes are not. */
type Inner<V> = Exclude<V, null | undefined | Date | Uint8Array | readonly unknown[] | PromiseLike<unknown>>

/** The value of a field. */
type ValueOf<E, F> = F extends keyof E
  ? Awaited<E[F]>
  : F extends `${infer K}.${infer Rest}`
    ? K extends keyof E
      ? ValueOf<Inner<E[K]>, Rest> | Extract<E[K], null>
      : unknown
    : unknown

/** A value as changes tell it: an entity as its key. */
type Told<V> = V extends Date | Uint8Array | readonly unknown[] ? V : V extends object ? Key<V> : V

/** The net change of one field, told after the commit. `from` is undefined for a new row; a to-one is told as its key object, `{ id: 7 }`. */
export interface FieldChange<E extends object, F extends string> {
  readonly sender: EntityClass<E>
  readonly instance: E
  readonly from: Told<ValueOf<E, F>> | undefined
  readonly to: Told<ValueOf<E, F>> | undefined
  readonly change: Change<E>
}

/** Which changes of a field are meant; without a value, all. A to-one is named by the entity or by its key. */
export interface FieldFilter<E extends object, F extends string> {
  readonly from?: ValueOf<E, F> | Told<ValueOf<E, F>>
  readonly to?: ValueOf<E, F> | Told<ValueOf<E, F>>
}

export interface ModelConnectOptions extends ConnectOptions {
  /** Whether instances of classes below the sender count, too. @defaultValue false */
  readonly subclasses?: boolean
}

/** Connects a receiver, called or as a decorator of a static method. */
export interface Connect<P> {
  /** @returns Takes out again what was connected. */
  (receiver: Receiver<P>, options?: ModelConnectOptions): Connection
  /** For static methods alone: nobody could say on which object an instance method is to be called. */
  <C extends abstract new (...args: never[]) => unknown, M extends Receiver<P>>(
    target: C,
    key: string | symbol,
    descriptor: TypedPropertyDescriptor<M>,
  ): void
  /** What the compiler says of anything else. */
  (receiver: ReceiverMistake, options?: ModelConnectOptions): never
  (target: DecoratorMistake, key: string | symbol, descriptor: unknown): never
}

/** Nothing can be passed for these: they are read, in the error of the compiler. */
type ReceiverMistake = 'A receiver is a function that takes one payload object: ({ sender, instance }) => { … }'
type DecoratorMistake =
  'Only static methods that take one payload object can be receivers: an instance method has no instance to be called on'

export type { ConnectOptions, Connection, Receiver }
