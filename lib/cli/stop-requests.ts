/**
 * How a process is asked to end, once and for all.
 *
 * Invariant: the first request is for the command to heed; the second ends the process at once, as the signal itself would.
 *
 * @module
 */
import { constants } from 'node:os'

const SIGNALS = ['SIGINT', 'SIGTERM'] as const

export class StopRequests {
  readonly #controller = new AbortController()
  #isListening = false

  /** Until it is called, signals do what they always do. */
  listen(): AbortSignal {
    if (!this.#isListening) for (const name of SIGNALS) process.on(name, () => this.#hear(name))
    this.#isListening = true
    return this.#controller.signal
  }

  stop(): void {
    this.#controller.abort()
  }

  #hear(name: (typeof SIGNALS)[number]): void {
    if (this.#controller.signal.aborted) process.exit(128 + constants.signals[name])
    this.stop()
  }
}
