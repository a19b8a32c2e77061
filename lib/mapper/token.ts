/**
 * How extensions name what they need, and what hooks may return.
 *
 * Types only. Invariant: none.
 *
 * @module
 */

/** A class, a string or a symbol, as dependency containers take them. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- a constructor type is only assignable from classes with any arguments
export type Token<T> = (abstract new (...args: any[]) => T) | string | symbol

/** What a hook may return: nothing, or something to wait for. The value itself is ignored. */
export type Awaitable = void | Promise<void> | PromiseLike<void>

/** Looks a token up in the application's container. */
export type Resolve = <T>(token: Token<T>) => T
