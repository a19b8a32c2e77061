/**
 * A list of receivers that are called in the order they were connected.
 *
 * Knows nothing of entities or sessions. Invariant: a send calls those that were connected when it began; what is connected or taken out
 * meanwhile counts from the next one.
 *
 * @module
 */
import { assertReceiver, invokerOf, isSameReceiver, matcherOf, sourceOf, type Identity, type Receiver, type Source } from './receiver.js'
import { isThenable } from './run-in-order.js'

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

/** A receiver in the list of a signal. */
export interface Connected<P> extends Source<P> {
  readonly uid: string | undefined
  /** Counts up over all signals, so that lists of several can be told in one order. */
  readonly order: number
  readonly isOnce: boolean
  /** Calls the receiver where the payload is for it. */
  call(payload: P): unknown
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
      const result = receivers[index]!.call(payload)
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
    const invoke = invokerOf(source)
    const isGuarded = source.accepts !== undefined || known.isOnce
    const call = isGuarded ? (payload: P) => (isCalled(one, payload) ? invoke(payload) : undefined) : invoke
    const one: Connected<P> = Object.freeze({ ...source, ...known, order: ++connections, call, endWith, remove })
    this.#replace([...this.#connected, one])
    return one
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

async function goOn<P>(
  first: PromiseLike<unknown>,
  from: number,
  { receivers, payload }: { readonly receivers: readonly Connected<P>[]; readonly payload: P },
): Promise<void> {
  await first
  for (let index = from; index < receivers.length; index++) {
    const result = receivers[index]!.call(payload)
    if (isThenable(result)) await result
  }
}

async function outcomeOf<P>(one: Connected<P>, payload: P): Promise<Outcome> {
  const { receiver } = one
  try {
    return { receiver, value: await invokerOf(one)(payload) }
  } catch (error) {
    return { receiver, error }
  }
}

export function connectionTo(disconnect: () => unknown): Connection {
  const connection = () => void disconnect()
  return Object.assign(connection, { [Symbol.dispose]: connection })
}
