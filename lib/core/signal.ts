/**
 * A list of receivers that are called in the order they were connected.
 *
 * Knows nothing of entities or sessions. Invariant: a send calls those that were connected when it began; what is connected or taken out
 * meanwhile counts from the next one.
 *
 * @module
 */
import { checkConnectOptions, type ConnectOptions } from './connect-options.js'
import { assertReceiver, isSameReceiver, matcherOf, sourceOf, type Identity, type Receiver, type Source } from './receiver.js'
import { isThenable } from './run-in-order.js'

/** Takes the receiver out again; calling it twice is once. Also for `using`. */
export interface Connection extends Disposable {
  (): void
}

/** What one receiver returned, or threw. */
export type Outcome =
  | { readonly receiver: Receiver<never>; readonly value: unknown; readonly error?: never }
  | { readonly receiver: Receiver<never>; readonly error: unknown; readonly value?: never }

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

/**
 * Receivers that are called in the order they were connected. Those of models are had by `signalsOf(Model)`; one of your own needs no model.
 *
 * @example
 * const printed = new Signal<{ copies: number }>('printed')
 * using connection = printed.connect(({ copies }) => count(copies))
 * await printed.send({ copies: 3 })
 */
export class Signal<P extends object = object> {
  readonly name: string
  /** Not frozen, since that is slower to go through, but replaced as a whole and never handed out. */
  #connected: readonly Connected<P>[] = []

  constructor(name: string) {
    this.name = name
  }

  /** In the order they are called in. */
  get connected(): readonly Connected<P>[] {
    return Object.freeze([...this.#connected])
  }

  get receivers(): readonly Receiver<P>[] {
    return this.#connected.map(({ receiver }) => receiver)
  }

  /**
   * Calls the receiver from the next send on. Connecting what is connected already changes nothing: the same function, the same method of the
   * same owner, or the same `uid`. It stays as long as its first connection, whatever is said of it then.
   *
   * @returns Takes out again what this call has connected: nothing where it was there already.
   * @throws {SignalDefinitionError} SIGNAL_RECEIVER_INVALID
   * @throws {ConfigurationError} OPTION_UNKNOWN · OPTION_INVALID
   * @example
   * using connection = signalsOf(Album).preSave.connect(({ instance }) => { instance.title = instance.title.trim() })
   */
  connect(receiver: Receiver<P>, options?: ConnectOptions): Connection
  /** A method of an owner, found again by the two, whatever `bind` may have made of it. */
  connect<K extends string>(owner: { readonly [M in K]: Receiver<P> }, method: K, options?: ConnectOptions): Connection
  connect(...args: readonly unknown[]): Connection {
    const [source, options] = sourceOf<P>(args)
    return this.connectSource(source, (options ?? {}) as ConnectOptions)
  }

  /** @returns Whether it was connected. */
  disconnect(receiver: Receiver<P> | { readonly uid: string }): boolean
  /** The method as it was connected, also where another one has come to its place. */
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
      const result = call(receivers[index]!, payload)
      if (isThenable(result)) return goOn(result, index + 1, { receivers, payload })
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

  protected connectSource(source: Source<P>, options: ConnectOptions): Connection {
    assertReceiver(this.name, source.receiver)
    checkConnectOptions(this.name, options)
    const { once = false, abortSignal, uid } = options
    if (abortSignal?.aborted === true || this.find(source, uid) !== undefined) return connectionTo(() => undefined)
    const one = this.#append(source, { uid, isOnce: once })
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
    const { receiver, owner, method, detail, accepts, spent } = source // all: one that is not there takes long to look for, at every call
    const properties = { receiver, owner, method, detail, accepts, spent, ...known, order: ++connections, endWith, remove }
    const one: Connected<P> = Object.freeze(properties)
    this.#replace([...this.#connected, one])
    return one
  }

  #callable(payload: P): readonly Connected<P>[] {
    return this.applying(payload).filter((one) => isCalled(one, payload))
  }

  #replace(list: readonly Connected<P>[]): boolean {
    if (list.length === this.#connected.length) return false
    this.#connected = list
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

function call<P>(one: Connected<P>, payload: P): unknown {
  return isCalled(one, payload) ? invoke(one, payload) : undefined
}

/** Calls a method on its owner, and any other receiver on nothing. */
function invoke<P>({ owner, receiver }: Source<P>, payload: P): unknown {
  return owner === undefined ? receiver(payload) : receiver.call(owner, payload)
}

async function goOn<P>(
  first: PromiseLike<unknown>,
  from: number,
  { receivers, payload }: { readonly receivers: readonly Connected<P>[]; readonly payload: P },
): Promise<void> {
  await first
  for (let index = from; index < receivers.length; index++) {
    const result = call(receivers[index]!, payload)
    if (isThenable(result)) await result
  }
}

async function outcomeOf<P>(one: Connected<P>, payload: P): Promise<Outcome> {
  const { receiver } = one
  try {
    return { receiver, value: await invoke(one, payload) }
  } catch (error) {
    return { receiver, error }
  }
}

export function connectionTo(disconnect: () => unknown): Connection {
  const connection = () => void disconnect()
  return Object.assign(connection, { [Symbol.dispose]: connection })
}
