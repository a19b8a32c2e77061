/**
 * Connects receivers by the name of a signal: `preUpdate(Album)(fn)`, or as a decorator of a static method.
 *
 * Invariant: every sender is checked before the first is connected to, and one undo takes the receiver out of all of them.
 *
 * @module
 */
import { classNameOf, isClass } from '../core/describe-value.js'
import { SignalDefinitionError } from '../core/errors.js'
import type { Receiver, Source } from '../core/receiver.js'
import { connectionTo, type Connection } from '../core/signal.js'
import type { EntityRef } from '../mapper/entity-types.js'
import { familyOf, type BuiltInName, type PayloadOf } from './families.js'
import type { FromSender, ModelSignal } from './model-signal.js'
import type { Connect, Instance, ModelConnectOptions, Models } from './payloads.js'
import { sendersOf } from './senders.js'

/** What cannot be a sender meets a sentence, which the compiler then shows. */
type Checked<T> = T extends readonly []
  ? 'Name one model at least'
  : T extends Models
    ? T
    : 'A sender is an entity class, an EntitySchema, a list of them, or anyModel'

/** For several models the payload of each, so that its sender tells which it is. */
type EachPayload<N extends BuiltInName, E extends object> = E extends unknown ? PayloadOf<N, E> : never

export interface Connector<N extends BuiltInName> {
  /**
   * @param options For receivers connected by what is returned, decorated methods included.
   * @throws {SignalDefinitionError} SIGNAL_SENDER_INVALID · SIGNAL_SENDERS_EMPTY here; when it is called SIGNAL_RECEIVER_INVALID ·
   *   SIGNAL_STATIC_ONLY · SIGNAL_SENDER_INVALID for a class that is not mapped. Then nothing is connected.
   */
  <E extends object>(sender: EntityRef<E>, options?: ModelConnectOptions): Connect<PayloadOf<N, E>>
  <const T>(sender: Checked<T>, options?: ModelConnectOptions): Connect<EachPayload<N, Instance<T>>>
}

function connector<N extends BuiltInName>(name: N): Connector<N> {
  return ((given: unknown, options: ModelConnectOptions = {}) => {
    const signals = sendersOf(name, given).map((sender) => familyOf(name).of(sender))
    return connectTo(name, signals as unknown as readonly ModelSignal[], { options })
  }) as unknown as Connector<N>
}

interface Connecting<P> {
  readonly options: ModelConnectOptions
  /** What else belongs to a receiver. */
  readonly wrap?: (receiver: Receiver<P>) => Source<P>
  /** Throws where this cannot be connected. */
  readonly assertMore?: (options: ModelConnectOptions) => void
}

export function connectTo<P extends FromSender>(
  name: string,
  signals: readonly ModelSignal<P>[],
  { options, wrap = (receiver) => ({ receiver }), assertMore }: Connecting<P>,
): Connect<P> {
  const connect = (source: Source<P>, own: ModelConnectOptions = {}): Connection => {
    const wanted = { ...options, ...own }
    for (const signal of signals) signal.assertConnectable(wanted, source.owner)
    assertMore?.(wanted)
    const spent = () => connections.forEach((connection) => connection()) // once is once, however many models there are
    const connections = signals.map((signal) => signal.connectSource({ ...source, spent }, wanted))
    return connectionTo(spent)
  }
  return ((...args: readonly unknown[]) => {
    const [first, second, descriptor] = args
    if (descriptor === undefined) return connect(wrap(first as Receiver<P>), second as ModelConnectOptions | undefined)
    const key = second as string | symbol
    if (!isClass(first))
      throw new SignalDefinitionError('SIGNAL_STATIC_ONLY', { signal: name, method: `${classNameOf(first as object)}.${String(key)}` })
    const { value } = descriptor as TypedPropertyDescriptor<Receiver<P>>
    connect({ ...wrap(value!), owner: first, method: key })
    return undefined
  }) as Connect<P>
}

/** Before a new instance is inserted; changes to it are written. Save means insert here, as in ormar. */
export const preSave = connector('preSave')
/** After a new instance was inserted: its key is known, the transaction is open. */
export const postSave = connector('postSave')
/** Another name of {@link preSave}. */
export const preInsert = preSave
/** Another name of {@link postSave}. */
export const postInsert = postSave
/** Before a changed instance is updated; changes to it are written. */
export const preUpdate = connector('preUpdate')
/** After a changed instance was updated. */
export const postUpdate = connector('postUpdate')
/** Before an instance is deleted. */
export const preDelete = connector('preDelete')
/** After an instance was deleted; `state.key` tells its key. */
export const postDelete = connector('postDelete')
/** Before the delete date of an instance is set. */
export const preSoftRemove = connector('preSoftRemove')
/** After the delete date of an instance was set. */
export const postSoftRemove = connector('postSoftRemove')
/** Before the delete date of an instance is cleared. */
export const preRecover = connector('preRecover')
/** After the delete date of an instance was cleared. */
export const postRecover = connector('postRecover')
/**
 * Before a flush writes that a collection has gained a member; before the signals of either. Told are the edits that are there when the flush
 * begins, and those of receivers of relation signals; what entity hooks do to collections later in the flush is written all the same.
 */
export const preRelationAdd = connector('preRelationAdd')
/** After a flush has written that a collection has gained a member. */
export const postRelationAdd = connector('postRelationAdd')
/** Before a flush writes that a collection has lost a member; as {@link preRelationAdd}. */
export const preRelationRemove = connector('preRelationRemove')
/** After a flush has written that a collection has lost a member. */
export const postRelationRemove = connector('postRelationRemove')
/** Before an INSERT or upsert by query. */
export const preBulkInsert = connector('preBulkInsert')
/** After an INSERT or upsert by query. */
export const postBulkInsert = connector('postBulkInsert')
/** Before an UPDATE by query. */
export const preBulkUpdate = connector('preBulkUpdate')
/** After an UPDATE by query. */
export const postBulkUpdate = connector('postBulkUpdate')
/** Before a DELETE by query. */
export const preBulkDelete = connector('preBulkDelete')
/** After a DELETE by query. */
export const postBulkDelete = connector('postBulkDelete')
/** Before delete dates are set by query. */
export const preBulkSoftRemove = connector('preBulkSoftRemove')
/** After delete dates were set by query. */
export const postBulkSoftRemove = connector('postBulkSoftRemove')
/** Before delete dates are cleared by query. */
export const preBulkRecover = connector('preBulkRecover')
/** After delete dates were cleared by query. */
export const postBulkRecover = connector('postBulkRecover')
