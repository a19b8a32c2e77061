/**
 * The wait of a loop that has nothing to do: longer and longer, until it is woken.
 *
 * Invariant: a call that comes while nobody sleeps ends the next sleep before it begins.
 *
 * @module
 */
import { performance } from 'node:perf_hooks'

const STEP_MS = 10

export class Sleep {
  readonly #leastMs: number
  readonly #mostMs: number
  #nextMs: number
  /** When something will be due, in steps of ten milliseconds. */
  readonly #dueMs = new Set<number>()
  #lookedMs = 0
  #isWoken = false
  #end: (() => void) | undefined

  readonly #keepsAlive: boolean

  /** @param keepsAlive Whether a program that has nothing else to do goes on. */
  constructor([leastMs, mostMs]: readonly [number, number], keepsAlive: boolean) {
    this.#keepsAlive = keepsAlive
    this.#leastMs = leastMs
    this.#mostMs = mostMs
    this.#nextMs = leastMs
  }

  wake(): void {
    this.#isWoken = true
    this.#end?.()
  }

  /** There was something to do. */
  reset(): void {
    this.#nextMs = this.#leastMs
  }

  /** The tables are about to be looked at: what is due by now will be found. */
  look(): void {
    this.#lookedMs = performance.now()
  }

  /** Something will be due by then. */
  notLongerThan(ms: number): void {
    if (ms < this.#mostMs) this.#dueMs.add(Math.ceil((performance.now() + ms) / STEP_MS) * STEP_MS)
  }

  /** @param mostMs Not longer than that this time. */
  async untilWoken(mostMs = Infinity): Promise<void> {
    const ms = Math.max(1, Math.min(this.#nextMs, mostMs, this.#nextDueMs() - performance.now()))
    this.#nextMs = Math.min(this.#mostMs, this.#nextMs * 2)
    if (!this.#isWoken) await this.#wait(ms)
    if (this.#isWoken) this.reset()
    this.#isWoken = false
  }

  #nextDueMs(): number {
    let nextMs = Infinity
    for (const dueMs of this.#dueMs) {
      if (dueMs <= this.#lookedMs - STEP_MS) this.#dueMs.delete(dueMs)
      else nextMs = Math.min(nextMs, dueMs)
    }
    return nextMs
  }

  async #wait(ms: number): Promise<void> {
    let timer: NodeJS.Timeout | undefined
    await new Promise<void>((resolve) => {
      this.#end = resolve
      timer = setTimeout(resolve, ms)
      if (!this.#keepsAlive) timer.unref()
    })
    clearTimeout(timer)
    this.#end = undefined
  }
}
