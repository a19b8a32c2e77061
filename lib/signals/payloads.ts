/**
 * What receivers of model signals are given.
 *
 * Types only. Invariant: a payload always names its `sender`, the class of the instance at run time.
 *
 * @module
 */
import type { Receiver } from '../core/receiver.js'
import type { Connection, ConnectOptions } from '../core/signal.js'
import type { BulkStatement } from '../mapper/bulk-statement.js'
import type { Change } from '../mapper/change.js'
import type { EntityClass, EntityRef } from '../mapper/entity-types.js'
import type { EntityState, Session } from '../mapper/session.js'

/** Stands for every model: `preSave(anyModel)(fn)`. */
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

/** The net change of one field, told after the commit. `from` is undefined for a new row; a to-one is told as its key object, `{ id: 7 }`. */
export interface FieldChange<E extends object, F extends keyof E> {
  readonly sender: EntityClass<E>
  readonly instance: E
  readonly from: Awaited<E[F]> | undefined
  readonly to: Awaited<E[F]> | undefined
  readonly change: Change<E>
}

/** Which changes of a field are meant; without a value, all. */
export interface FieldFilter<E extends object, F extends keyof E> {
  readonly from?: Awaited<E[F]>
  readonly to?: Awaited<E[F]>
}

export interface ModelConnectOptions extends ConnectOptions {
  /** Whether instances of classes below the sender count, too. @defaultValue false */
  readonly subclasses?: boolean
}

/** Connects a receiver, called or as a decorator of a static method. */
export interface Connect<P> {
  /** @returns Takes it out again. */
  (receiver: (payload: P) => void | Promise<void>, options?: ModelConnectOptions): Connection
  /** For static methods alone: nobody could say on which object an instance method is to be called. */
  <C extends abstract new (...args: never[]) => unknown, M extends (payload: P) => void | Promise<void>>(
    target: C,
    key: string | symbol,
    descriptor: TypedPropertyDescriptor<M>,
  ): void
  /** What the compiler says of anything else. */
  (receiver: ReceiverMistake, options?: ModelConnectOptions): never
  (target: DecoratorMistake, key: string | symbol, descriptor: unknown): never
}

/** Nothing can be passed for these: they are read, in the error of the compiler. */
type ReceiverMistake = 'A receiver takes one payload object and returns nothing, or a promise of nothing: ({ sender, instance }) => { … }'
type DecoratorMistake =
  'Only static methods that take one payload object can be receivers: an instance method has no instance to be called on'

export type { ConnectOptions, Connection, Receiver }
