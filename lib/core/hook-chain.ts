/**
 * An ordered chain of extension instances, asked hook by hook.
 *
 * Knows no hook by name; the base class says what "not overridden" is. Invariant: only instances that override a hook are ever called
 * for it, in listed order, each after the one before has settled.
 *
 * @module
 */
import { SessionError } from './errors.js'
import { classNameOf } from './describe-value.js'
import { isThenable, runInOrder } from './run-in-order.js'

type Callable = (...args: readonly unknown[]) => unknown

export class HookChain<X extends object> {
  readonly #instances: X[]
  readonly #base: object
  #overriding = new Map<string, readonly X[]>()

  /** @param base The prototype whose methods do nothing: an instance that still has them has no hook of that name. */
  constructor(instances: readonly X[], base: object) {
    this.#instances = [...instances]
    this.#base = base
  }

  get instances(): readonly X[] {
    return this.#instances
  }

  /** Appends an instance; it hears events from the next one on. */
  append(instance: X): void {
    this.#instances.push(instance)
    this.#overriding = new Map()
  }

  /** The instances that override this hook, as a method or as a class field. */
  overriding(hook: string): readonly X[] {
    let found = this.#overriding.get(hook)
    if (found === undefined) {
      const inherited = (this.#base as Record<string, unknown>)[hook]
      found = this.#instances.filter((instance) => (instance as Record<string, unknown>)[hook] !== inherited)
      this.#overriding.set(hook, found)
    }
    return found
  }

  has(hook: string): boolean {
    return this.overriding(hook).length > 0
  }

  /** Runs one hook through the chain; see {@link runInOrder} for order and errors. */
  run(hook: string, ...args: readonly unknown[]): void | Promise<void> {
    const listening = this.overriding(hook)
    if (listening.length === 0) return
    if (listening.length === 1) {
      const result = call(listening[0]!, hook, args)
      return isThenable(result) ? settled(result) : undefined
    }
    return runInOrder(listening, (instance) => call(instance, hook, args))
  }

  /**
   * Runs a hook whose caller cannot await.
   *
   * @throws {SessionError} HOOK_MUST_BE_SYNCHRONOUS when a hook returns a promise; that promise is observed, so it never becomes an unhandled rejection.
   */
  runSynchronously(hook: string, ...args: readonly unknown[]): void {
    for (const instance of this.overriding(hook)) {
      const result = call(instance, hook, args)
      if (!isThenable(result)) continue
      void Promise.resolve(result).catch(() => undefined)
      throw new SessionError('HOOK_MUST_BE_SYNCHRONOUS', { hook, extension: classNameOf(instance) })
    }
  }

  /** Runs a hook of every instance, whatever the others do; each failure is handed to `onError` and goes no further. */
  async runIsolated(hook: string, args: readonly unknown[], onError: (error: unknown, instance: X) => void): Promise<void> {
    for (const instance of this.overriding(hook)) {
      try {
        await call(instance, hook, args)
      } catch (error) {
        onError(error, instance)
      }
    }
  }
}

function call(instance: object, hook: string, args: readonly unknown[]): unknown {
  return ((instance as Record<string, unknown>)[hook] as Callable).apply(instance, args as unknown[])
}

async function settled(result: PromiseLike<unknown>): Promise<void> {
  await result
}
