/**
 * One listener: which events it takes, how many at once, and for how long.
 *
 * Knows no other listener. Invariant: nothing that it does is thrown, every failure is reported once, and only itself waits for it.
 *
 * @module
 */
import type { Context } from '../core/context.js'
import { EventError } from '../core/errors.js'
import { isThenable } from '../core/run-in-order.js'
import type { DomainEvent } from './domain-event.js'
import { reportEventFailure } from './event-failures.js'
import { inContextOf, inFlight } from './in-flight.js'
import type { ListenOptions } from './listen-options.js'

/** What a listener is told beside the event. */
export interface ListenerCall {
  /** Aborts when the listener's time is up, or its own `abortSignal` aborts. */
  readonly abortSignal: AbortSignal
}

/** A promise is awaited; whatever else it returns is nobody's. */
export type ListenerFunction<E = DomainEvent> = (event: E, call: ListenerCall) => unknown

export interface ListenerParts {
  readonly hears: (event: DomainEvent) => boolean
  readonly fn: ListenerFunction
  readonly options: Required<Pick<ListenOptions, 'once' | 'concurrency'>> & Pick<ListenOptions, 'abortSignal' | 'timeoutMs'>
  /** Takes it off the list. */
  readonly takeOff: (listener: Listener) => void
}

interface Taken {
  readonly event: DomainEvent
  readonly context: Context
}

export class Listener {
  readonly #parts: ListenerParts
  #isOn = true
  #running = 0
  /** What it has not begun, in the order it came; `#next` is the first of it. */
  #waiting: Taken[] = []
  #next = 0
  /** Whether eventsSettled waits for it. */
  #isAwaited = false

  constructor(parts: ListenerParts) {
    this.#parts = parts
  }

  get name(): string {
    return this.#parts.fn.name || '(anonymous)'
  }

  /** Takes it off: what waits is left out, and nobody waits any more for what runs. */
  off(): void {
    this.#retire()
    this.#waitForNobody()
  }

  #retire(): void {
    this.#isOn = false
    this.#waiting = []
    this.#next = 0
    this.#parts.takeOff(this)
  }

  /** Begins with an event at once, if it is one of its own and the listener is free, else later. */
  take(event: DomainEvent, context: Context): void {
    if (!this.#isOn || !this.#hears(event)) return
    if (this.#running < this.#parts.options.concurrency) this.#begin({ event, context })
    else this.#waiting.push({ event, context })
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

  #begin({ event, context }: Taken): void {
    if (this.#parts.options.once) this.#retire()
    const running = inContextOf(context, () => this.#call(event))
    if (running !== undefined) void this.#follow(running)
  }

  async #follow(running: Promise<void>): Promise<void> {
    this.#running++
    if (!this.#isAwaited) inFlight.begin()
    this.#isAwaited = true
    await running
    this.#running--
    while (this.#running < this.#parts.options.concurrency && this.#next < this.#waiting.length) this.#begin(this.#waiting[this.#next++]!)
    this.#forgetBegun()
  }

  /** Not one by one: taking the first of a long list off moves all others. */
  #forgetBegun(): void {
    if (this.#next * 2 >= this.#waiting.length) {
      this.#waiting = this.#waiting.slice(this.#next)
      this.#next = 0
    }
    if (this.#running === 0) this.#waitForNobody()
  }

  #waitForNobody(): void {
    if (!this.#isAwaited) return
    this.#isAwaited = false
    inFlight.end()
  }

  #call(event: DomainEvent): void | Promise<void> {
    const { fn, options } = this.#parts
    const call = new Call(options.abortSignal)
    try {
      const result = fn(event, call)
      if (isThenable(result)) return this.#settled(event, result, call)
      Call.end(call)
    } catch (error) {
      Call.end(call)
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
    } finally {
      Call.end(call)
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
  readonly #passOn = () => this.#controller!.abort(this.#outer!.reason)
  #controller: AbortController | undefined

  constructor(outer: AbortSignal | undefined) {
    this.#outer = outer
  }

  get abortSignal(): AbortSignal {
    return this.#own.signal
  }

  get #own(): AbortController {
    if (this.#controller !== undefined) return this.#controller
    this.#controller = new AbortController()
    if (this.#outer?.aborted === true) this.#passOn()
    else this.#outer?.addEventListener('abort', this.#passOn, { once: true })
    return this.#controller
  }

  /** Not for the listener. */
  static abort(call: Call, reason: Error): void {
    call.#own.abort(reason)
  }

  /** The outer signal may live longer than the program cares for this call. */
  static end(call: Call): void {
    call.#outer?.removeEventListener('abort', call.#passOn)
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
