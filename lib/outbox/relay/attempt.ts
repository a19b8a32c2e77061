/**
 * One attempt to handle a message, as its handler or plugin is told of it.
 *
 * Knows no table. Invariant: a signal is made when it is read for the first time, which few handlers do; nothing is left on the signal of a
 * plugin when the attempt is over.
 *
 * @module
 */
import type { EntityManager } from 'typeorm'
import type { PluginCall } from '../../events/event-plugin.js'
import type { HandlerCall } from '../subscription.js'
import type { Task } from './task.js'

/** Makes the signal of an attempt, or answers the one that was made. */
export type SignalSource = () => AbortSignal

export interface AttemptParts {
  readonly manager: EntityManager
  readonly abortSignal: SignalSource
}

export class HandlerAttempt implements HandlerCall {
  readonly subscription: string
  readonly attempt: number
  readonly manager: EntityManager
  readonly #abortSignal: SignalSource

  constructor({ subscription, attempt }: Task, { manager, abortSignal }: AttemptParts) {
    this.subscription = subscription.name
    this.attempt = attempt
    this.manager = manager
    this.#abortSignal = abortSignal
  }

  get abortSignal(): AbortSignal {
    return this.#abortSignal()
  }
}

export class PluginAttempt implements PluginCall {
  readonly id: string
  readonly attempt: number
  readonly manager: EntityManager
  readonly #abortSignal: SignalSource
  /** Aborts when the plugin is taken off. */
  readonly #takenOff: AbortSignal
  #joint: JointSignal | undefined
  #isOver = false

  constructor({ message, attempt }: Task, { manager, abortSignal, takenOff }: AttemptParts & { readonly takenOff: AbortSignal }) {
    this.id = message.id
    this.attempt = attempt
    this.manager = manager
    this.#abortSignal = abortSignal
    this.#takenOff = takenOff
  }

  get abortSignal(): AbortSignal {
    if (this.#isOver && this.#joint === undefined) return this.#abortSignal()
    return (this.#joint ??= new JointSignal([this.#abortSignal(), this.#takenOff])).signal
  }

  end(): void {
    this.#isOver = true
    this.#joint?.release()
  }
}

/** As `AbortSignal.any`, of which a signal that lives long keeps a trace for each that was made of it. */
class JointSignal {
  readonly #controller = new AbortController()
  readonly #sources: readonly AbortSignal[]

  constructor(sources: readonly AbortSignal[]) {
    this.#sources = sources
    for (const source of sources)
      if (source.aborted) this.#controller.abort(source.reason)
      else source.addEventListener('abort', this.#abort, { once: true })
  }

  get signal(): AbortSignal {
    return this.#controller.signal
  }

  release(): void {
    for (const source of this.#sources) source.removeEventListener('abort', this.#abort)
  }

  readonly #abort = ({ target }: Event): void => this.#controller.abort((target as AbortSignal).reason)
}
