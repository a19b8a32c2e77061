/**
 * What can be connected to a signal, and by what it is known again.
 *
 * Keeps no lists and calls nothing by itself. Invariant: a receiver is known by its `uid`, else by its function, or by owner and name, so that a
 * method is another one for each object.
 *
 * @module
 */
import { describeValue, isClass } from './describe-value.js'
import { SignalDefinitionError } from './errors.js'
import { isEqual } from './is-equal.js'

/** Sync or async; what it returns is heard by `sendRobust` alone. */
export type Receiver<P> = (payload: P) => unknown

/** A receiver as it is given: a function, or a method of an owner. */
export interface Source<P> {
  readonly receiver: Receiver<P>
  readonly owner?: object | undefined
  /** Its name in the owner, by which it is known again though something else has come to its place. */
  readonly method?: string | symbol | undefined
  /** What else tells connections of one receiver apart; compared by value. */
  readonly detail?: unknown
  /** Which payloads it is called for; without it, for all. */
  readonly accepts?: ((payload: P) => boolean) | undefined
  /** Called when one that is called once is about to be. */
  readonly spent?: (() => void) | undefined
}

/** What a receiver is known by. */
export type Identity = Pick<Source<never>, 'owner' | 'method' | 'detail'> & { readonly receiver: unknown; readonly uid: string | undefined }

/** What the arguments of `connect` say: where the receiver comes from, and the options. */
export function sourceOf<P>([first, second, third]: readonly unknown[]): [Source<P>, unknown] {
  if (typeof second !== 'string') return [{ receiver: first as Receiver<P> }, second]
  return [{ receiver: methodOf(first, second) as Receiver<P>, owner: first as object, method: second }, third]
}

function methodOf(owner: unknown, name: string): unknown {
  return owner === null || owner === undefined ? undefined : (owner as Record<string, unknown>)[name]
}

/** What the arguments of `disconnect` mean. A static method is known without its class, too. */
export function matcherOf([first, second]: readonly unknown[]): (one: Identity) => boolean {
  if (typeof second === 'string') return ({ owner, method }) => method === second && owner === first
  if (typeof first === 'function') return ({ owner, receiver }) => receiver === first && (owner === undefined || isClass(owner))
  const uid = (first as { uid?: unknown } | null | undefined)?.uid
  return (one) => uid !== undefined && one.uid === uid
}

/** Whether connecting one where the other is connected changes nothing. */
export function isSameReceiver(one: Identity, other: Identity): boolean {
  if (one.uid !== undefined || other.uid !== undefined) return one.uid === other.uid
  return callsTheSame(one, other)
}

/** Whether two are one receiver, by whatever name they are known. */
export function callsTheSame(one: Identity, other: Identity): boolean {
  const isMethod = one.method !== undefined && other.method !== undefined
  const isSame = isMethod ? one.method === other.method : one.receiver === other.receiver
  return isSame && one.owner === other.owner && isEqual(one.detail, other.detail)
}

/**
 * A class cannot be called, and a second parameter would never be given.
 *
 * @throws {SignalDefinitionError} SIGNAL_RECEIVER_INVALID
 */
export function assertReceiver(signal: string, receiver: unknown): void {
  if (typeof receiver === 'function' && !isClass(receiver) && receiver.length <= 1) return
  const isFunction = typeof receiver === 'function' && !isClass(receiver)
  const given = isFunction ? `${describeValue(receiver)} with ${receiver.length} parameters` : describeValue(receiver)
  throw new SignalDefinitionError('SIGNAL_RECEIVER_INVALID', { signal, given })
}
