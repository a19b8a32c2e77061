/**
 * The handler that every contender is given, and what it has seen: it does nothing but count, and fails where the case says so.
 *
 * Invariant: `over` is fulfilled once, when the last message has been handled or when the time is up.
 */
import { failsOnce } from './cases.mjs'

export class Record {
  #name
  #messages
  #attempts
  #isHandled
  /** By key, the last message that was handled. */
  #last = new Map()
  #handled = 0
  #late = 0
  #again = 0
  #started
  #ended
  #end
  over = new Promise((resolve) => (this.#end = resolve))

  constructor(name, messages) {
    this.#name = name
    this.#messages = messages
    this.#attempts = new Uint8Array(messages)
    this.#isHandled = new Uint8Array(messages)
  }

  /** @param limitMs When it is over, however many have been handled. */
  start(limitMs) {
    this.#started = performance.now()
    const timer = setTimeout(() => this.#finish(), limitMs)
    void this.over.then(() => clearTimeout(timer))
  }

  /** Async, as handlers are. */
  handle = async ({ n, key }) => {
    if (this.#attempts[n]++ === 0 && failsOnce(this.#name, n)) throw new Error('fails once')
    if (this.#isHandled[n] === 1) {
      this.#again++
      return
    }
    this.#isHandled[n] = 1
    if (this.#last.get(key) > n) this.#late++
    else this.#last.set(key, n)
    if (++this.#handled === this.#messages) this.#finish()
  }

  /** `late` were handled after a later message of their key, `again` once more after they had been handled. */
  result() {
    return { millis: this.#ended - this.#started, handled: this.#handled, late: this.#late, again: this.#again }
  }

  #finish() {
    this.#ended ??= performance.now()
    this.#end()
  }
}
