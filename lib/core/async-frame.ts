/**
 * What travels with an asynchronous call: one AsyncLocalStorage for the whole package, with typed slots.
 *
 * Knows nothing of what the slots hold. Invariant: a frame is never changed after it was entered; a slot is replaced by entering a copy.
 * The storage sits on `globalThis`, so two loaded copies of the package share it.
 *
 * @module
 */
import { AsyncLocalStorage } from 'node:async_hooks'

type Frame = Readonly<Record<symbol, unknown>>

const STORAGE = Symbol.for('flushpoint.async-frame')
const shared = globalThis as unknown as Record<symbol, AsyncLocalStorage<Frame> | undefined>
const storage = (shared[STORAGE] ??= new AsyncLocalStorage<Frame>())

/** A slot and the value it is to hold. */
export type SlotValue = readonly [slot: symbol, value: unknown]

/** Runs `fn`, and everything it awaits, with several slots set at once. */
export function runInFrame<R>(values: readonly SlotValue[], fn: () => R): R {
  const frame: Record<symbol, unknown> = { ...storage.getStore() }
  for (const [slot, value] of values) frame[slot] = value
  return storage.run(frame, fn)
}

/** One value that travels with asynchronous calls. Two slots made with the same name are the same slot. */
export class FrameSlot<T> {
  readonly #key: symbol

  constructor(name: string) {
    this.#key = Symbol.for(`flushpoint.frame.${name}`)
  }

  get(): T | undefined {
    return storage.getStore()?.[this.#key] as T | undefined
  }

  /** Runs `fn`, and everything it awaits, with this value. */
  run<R>(value: T, fn: () => R): R {
    return storage.run({ ...storage.getStore(), [this.#key]: value }, fn)
  }

  /** This slot with a value, for {@link runInFrame}. */
  with(value: T): SlotValue {
    return [this.#key, value]
  }

  /** Sets the value for the rest of the present asynchronous call, its caller included when no await lies between. */
  enter(value: T): void {
    storage.enterWith({ ...storage.getStore(), [this.#key]: value })
  }
}
