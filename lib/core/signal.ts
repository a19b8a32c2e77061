/**
 * A list of receivers that are called in the order they were connected.
 *
 * Knows nothing of entities or sessions. Invariant: a send calls those that were connected when it began; what is connected or taken out
 * meanwhile counts from the next one.
 *
 * @module
 */
import { describeValue, isClass } from './describe-value.js'
import { SignalDefinitionError } from './errors.js'
import { isEqual } from './is-equal.js'
import { isThenable } from './run-in-order.js'

/** Sync or async; what it returns is heard by `sendRobust` alone. */
export type Receiver<P> = (payload: P) => unknown

export interface ConnectOptions {
  /** Taken out before its first call. @defaultValue false */
  readonly once?: boolean
  /** Taken out when this aborts; not connected where it has already. */
  readonly abortSignal?: AbortSignal
  /** The name by which the receiver is known again, instead of by its identity: for functions that are made anew each time. */
  readonly uid?: string
}

/** Takes the receiver out again; calling it twice is once. Also for `using`. */
export interface Connection extends Disposable {
  (): void
}

/** What one receiver returned, or threw. */
export type Outcome =
  | { readonly receiver: Receiver<never>; readonly value: unknown; readonly error?: never }
  | { readonly receiver: Receiver<never>; readonly error: unknown; readonly value?: never }

/** A receiver as it is given: a function, or a method of an owner. */
export interface Source<P> {
  readonly receiver: Receiver<P>
  readonly owner?: object | undefined
  /** What else tells connections of one receiver apart; compared by value. */
  readonly detail?: unknown
  /** Which payloads it is called for; without it, for all. */
  readonly accepts?: ((payload: P) => boolean) | undefined
  /** Called when one that is called once is about to be. */
  readonly spent?: (() => void) | undefined
}

/** What a receiver is known by. */
export type Identity = Pick<Source<never>, 'owner' | 'detail'> & { readonly receiver: unknown; readonly uid: string | undefined }

/** A receiver in the list of a signal. */
export interface Connected<P> extends Source<P> {
  readonly uid: string | undefined
  /** Counts up over all signals, so that lists of several can be told in one order. */
  readonly order: number
  readonly isOnce: boolean
  /** Takes it out when the signal aborts. */
  endWith(abortSignal: AbortSignal): void
  /** @returns Whether it was still there. */
  remove(): boolean
}

const NOTHING: Promise<void> = Promise.resolve()
let connections = 0

export class Signal<P extends object = object> {
  readonly name: string
  #connected: readonly Connected<P>[] = Object.freeze([])

  constructor(name: string) {
    this.name = name
  }

  /** In the order they are called in. */
  get connected(): readonly Connected<P>[] {
    return this.#connected
  }

  get receivers(): readonly Receiver<P>[] {
    return this.#connected.map(({ receiver }) => receiver)
  }

  /**
   * Calls the receiver from the next send on. Connecting what is connected already changes nothing: the same function, the same method of the
   * same owner, or the same `uid`.
   *
   * @returns Takes it out again.
   * @throws {SignalDefinitionError} SIGNAL_RECEIVER_INVALID
   * @example
   * using connection = signalsOf(Album).preSave.connect(({ instance }) => { instance.title = instance.title.trim() })
   */
  connect(receiver: Receiver<P>, options?: ConnectOptions): Connection
  /** A method of an owner, found again by the two, whatever `bind` may have made of it. */
  connect<O extends object>(owner: O, method: keyof O & string, options?: ConnectOptions): Connection
  connect(...args: readonly unknown[]): Connection {
    const [source, options] = sourceOf<P>(args)
    return this.connectSource(source, (options ?? {}) as ConnectOptions)
  }

  /** @returns Whether it was connected. */
  disconnect(receiver: Receiver<P> | { readonly uid: string }): boolean
  disconnect<O extends object>(owner: O, method: keyof O & string): boolean
  disconnect(...args: readonly unknown[]): boolean {
    const meant = this.#connected.filter(matcherOf(args))
    for (const one of meant) one.remove()
    return meant.length > 0
  }

  /**
   * Calls the receivers one after another, awaiting each. The first error ends it and is thrown as it is; what follows is not called.
   *
   * @example
   * await signalsOf(Album).define('released').send({ sender: Album, instance: album })
   */
  send(payload: P): Promise<void> {
    try {
      return this.dispatch(payload) ?? NOTHING
    } catch (error) {
      return Promise.reject(error as Error) // as thrown
    }
  }

  /** Calls all receivers in order without waiting in between, then awaits them together: the first error is thrown once all have settled. */
  async sendConcurrent(payload: P): Promise<void> {
    const outcomes = await Promise.all(this.#callable(payload).map((one) => outcomeOf(one, payload)))
    for (const outcome of outcomes) if ('error' in outcome) throw outcome.error as Error
  }

  /** As {@link send}, but goes on after errors. @returns For each receiver what it returned or threw. */
  async sendRobust(payload: P): Promise<readonly Outcome[]> {
    const outcomes: Outcome[] = []
    for (const one of this.#callable(payload)) outcomes.push(await outcomeOf(one, payload))
    return outcomes
  }

  /** As {@link send}, without a promise while every receiver is synchronous. */
  dispatch(payload: P): void | Promise<void> {
    const receivers = this.applying(payload)
    for (let index = 0; index < receivers.length; index++) {
      const result = this.#call(receivers[index]!, payload)
      if (isThenable(result)) return this.#goOn(result, receivers.slice(index + 1), payload)
    }
  }

  /** Those that a payload is for. */
  protected applying(_payload: P): readonly Connected<P>[] {
    return this.#connected
  }

  /** Told when another list is connected. */
  protected changed(): void {
    // for those who keep lists of several signals
  }

  protected connectSource(source: Source<P>, { once = false, abortSignal, uid }: ConnectOptions): Connection {
    assertReceiver(this.name, source.receiver)
    if (abortSignal?.aborted === true) return connectionTo(() => undefined)
    const known = this.find(source, uid)
    const one = known ?? this.#append(source, { uid, isOnce: once })
    if (abortSignal !== undefined) one.endWith(abortSignal)
    return connectionTo(one.remove)
  }

  protected find(source: Source<P>, uid: string | undefined): Connected<P> | undefined {
    const wanted: Identity = { ...source, uid }
    return this.#connected.find((one) => isSameReceiver(one, wanted))
  }

  #append(source: Source<P>, known: Pick<Connected<P>, 'uid' | 'isOnce'>): Connected<P> {
    let ended: AbortController | undefined // an abort signal may live longer than what was connected with it
    const remove = () => {
      ended?.abort()
      return this.#replace(this.#connected.filter((other) => other !== one))
    }
    const endWith = (abortSignal: AbortSignal) => {
      ended ??= new AbortController()
      abortSignal.addEventListener('abort', remove, { once: true, signal: ended.signal })
    }
    const one: Connected<P> = Object.freeze({ ...source, ...known, order: ++connections, endWith, remove })
    this.#replace([...this.#connected, one])
    return one
  }

  async #goOn(first: PromiseLike<unknown>, rest: readonly Connected<P>[], payload: P): Promise<void> {
    await first
    for (const one of rest) {
      const result = this.#call(one, payload)
      if (isThenable(result)) await result
    }
  }

  #call(one: Connected<P>, payload: P): unknown {
    if (!isCalled(one, payload)) return undefined
    return one.owner === undefined ? one.receiver(payload) : one.receiver.call(one.owner, payload)
  }

  #callable(payload: P): readonly Connected<P>[] {
    return this.applying(payload).filter((one) => isCalled(one, payload))
  }

  #replace(list: readonly Connected<P>[]): boolean {
    if (list.length === this.#connected.length) return false
    this.#connected = Object.freeze(list)
    this.changed()
    return true
  }

  toString(): string {
    const { length } = this.#connected
    return `${this.name} (${length} receiver${length === 1 ? '' : 's'})`
  }
}

/** One that is called once is taken out by that. */
function isCalled<P>(one: Connected<P>, payload: P): boolean {
  if (one.accepts?.(payload) === false) return false
  if (!one.isOnce) return true
  const isThere = one.remove()
  if (isThere) one.spent?.()
  return isThere
}

async function outcomeOf<P>({ owner, receiver }: Connected<P>, payload: P): Promise<Outcome> {
  try {
    return { receiver, value: await (owner === undefined ? receiver(payload) : receiver.call(owner, payload)) }
  } catch (error) {
    return { receiver, error }
  }
}

function sourceOf<P>([first, second, third]: readonly unknown[]): [Source<P>, unknown] {
  if (typeof second !== 'string') return [{ receiver: first as Receiver<P> }, second]
  return [{ receiver: methodOf(first, second) as Receiver<P>, owner: first as object }, third]
}

function methodOf(owner: unknown, name: string): unknown {
  return owner === null || owner === undefined ? undefined : (owner as Record<string, unknown>)[name]
}

/** A static method is known without its class, too. */
function matcherOf([first, second]: readonly unknown[]): (one: Identity) => boolean {
  if (typeof second === 'string') {
    const method = methodOf(first, second)
    return ({ owner, receiver }) => owner === first && receiver === method
  }
  if (typeof first === 'function') return ({ owner, receiver }) => receiver === first && (owner === undefined || isClass(owner))
  const uid = (first as { uid?: unknown } | null | undefined)?.uid
  return (one) => uid !== undefined && one.uid === uid
}

/** Whether two are one receiver, whichever signals they are connected to. */
export function isSameReceiver(one: Identity, other: Identity): boolean {
  if (one.uid !== undefined || other.uid !== undefined) return one.uid === other.uid
  return one.receiver === other.receiver && one.owner === other.owner && isEqual(one.detail, other.detail)
}

export function connectionTo(disconnect: () => unknown): Connection {
  const connection = () => void disconnect()
  return Object.assign(connection, { [Symbol.dispose]: connection })
}

/** A class cannot be called, and a second parameter would never be given. */
function assertReceiver(signal: string, receiver: unknown): void {
  if (typeof receiver === 'function' && !isClass(receiver) && receiver.length <= 1) return
  const isFunction = typeof receiver === 'function' && !isClass(receiver)
  const given = isFunction ? `${describeValue(receiver)} with ${receiver.length} parameters` : describeValue(receiver)
  throw new SignalDefinitionError('SIGNAL_RECEIVER_INVALID', { signal, given })
}
