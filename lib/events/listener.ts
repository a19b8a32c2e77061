/**
 * One listener: which events it takes, how many at once, and for how long.
 *
 * Knows no queue. Invariant: nothing that it does is thrown; every failure is reported once.
 *
 * @module
 */
import { EventError } from '../core/errors.js'
import { isThenable } from '../core/run-in-order.js'
import type { DomainEvent } from './domain-event.js'
import { reportEventFailure } from './event-failures.js'
import { inFlight } from './in-flight.js'
import type { ListenOptions } from './listen-options.js'

/** What a listener is told beside the event. */
export interface ListenerCall {
  /** Aborts when the listener's time is up, or its own `abortSignal` aborts. */
  readonly abortSignal: AbortSignal
}

export type ListenerFunction<E = DomainEvent> = (event: E, call: ListenerCall) => void | Promise<void>

export interface ListenerParts {
  readonly hears: (event: DomainEvent) => boolean
  readonly fn: ListenerFunction
  readonly options: Required<Pick<ListenOptions, 'once' | 'concurrency'>> & Pick<ListenOptions, 'abortSignal' | 'timeoutMs'>
  /** Takes it off the list. */
  readonly takeOff: (listener: Listener) => void
}

export class Listener {
  readonly #parts: ListenerParts
  #isOn = true
  #running = 0
  #freed: (() => void) | undefined

  constructor(parts: ListenerParts) {
    this.#parts = parts
  }

  get name(): string {
    return this.#parts.fn.name || '(anonymous)'
  }

  off(): void {
    this.#isOn = false
    this.#parts.takeOff(this)
  }

  /** Takes an event, if it is one of its own. The promise is to be awaited before the next listener or event. */
  take(event: DomainEvent): void | Promise<void> {
    const { options } = this.#parts
    if (!this.#isOn || !this.#hears(event)) return
    if (this.#running >= options.concurrency) return this.#takeWhenFree(event)
    if (options.once) this.off()
    const running = this.#call(event)
    if (running === undefined || options.concurrency === 1) return running
    void this.#follow(running)
  }

  /** Foreign code as well: a class may decide by itself what its instances are. */
  #hears(event: DomainEvent): boolean {
    try {
      return this.#parts.hears(event)
    } catch (error) {
      this.#report(error, event)
      return false
    }
  }

  async #takeWhenFree(event: DomainEvent): Promise<void> {
    await new Promise<void>((resolve) => (this.#freed = resolve))
    await this.take(event)
  }

  async #follow(running: Promise<void>): Promise<void> {
    this.#running++
    inFlight.begin()
    await running
    this.#running--
    inFlight.end()
    this.#freed?.()
  }

  #call(event: DomainEvent): void | Promise<void> {
    const { fn, options } = this.#parts
    const call = new Call(options.abortSignal)
    try {
      const result: unknown = fn(event, call)
      if (isThenable(result)) return this.#settled(event, result, call)
    } catch (error) {
      this.#report(error, event)
    }
  }

  async #settled(event: DomainEvent, result: PromiseLike<unknown>, call: Call): Promise<void> {
    const { timeoutMs } = this.#parts.options
    try {
      if (timeoutMs === undefined) await result
      else await within(timeoutMs, result, () => this.#giveUp(event, call))
    } catch (error) {
      this.#report(error, event)
    }
  }

  /** Told before the listener is: what that one throws then counts for nothing. */
  #giveUp({ name }: DomainEvent, call: Call): Error {
    const { timeoutMs } = this.#parts.options
    const late = new EventError('EVENT_LISTENER_TIMEOUT', { name, listener: this.name, timeoutMs: timeoutMs! })
    queueMicrotask(() => Call.abort(call, late))
    return late
  }

  #report(error: unknown, event: DomainEvent): void {
    reportEventFailure(error, { event, listener: this.name, kind: 'listener' })
  }
}

/** What one call is told. Its signal is made when somebody asks for it. */
class Call implements ListenerCall {
  readonly #outer: AbortSignal | undefined
  #controller: AbortController | undefined
  #signal: AbortSignal | undefined

  constructor(outer: AbortSignal | undefined) {
    this.#outer = outer
  }

  get abortSignal(): AbortSignal {
    const own = this.#own.signal
    return (this.#signal ??= this.#outer === undefined ? own : AbortSignal.any([this.#outer, own]))
  }

  get #own(): AbortController {
    return (this.#controller ??= new AbortController())
  }

  /** Not for the listener. */
  static abort(call: Call, reason: Error): void {
    call.#own.abort(reason)
  }
}

/** Waits for a result, but no longer than that; whatever becomes of it afterwards is nobody's. */
async function within(timeoutMs: number, result: PromiseLike<unknown>, timeIsUp: () => Error): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(timeIsUp()), timeoutMs)
  })
  try {
    await Promise.race([result, late])
  } finally {
    clearTimeout(timer)
  }
}
