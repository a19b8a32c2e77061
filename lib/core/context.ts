/**
 * Who does this and why: actor, request, tenant, trace, carried with asynchronous calls.
 *
 * Knows no session. Invariant: a context is frozen; an inner one is merged over the outer one and ends with its function.
 *
 * @module
 */
import { FrameSlot, type SlotValue } from './async-frame.js'

export interface DefaultContext {
  readonly actor: unknown
  readonly requestId: string
  readonly tenant: string
  readonly traceparent: string
}

/**
 * Open for declaration merging, so that `actor` and others get types of your own.
 *
 * @example
 * declare module 'flushpoint' {
 *   interface ContextTypes { actor: { username: string } }
 * }
 */

export interface ContextTypes {}

export type Context = Readonly<Partial<Omit<DefaultContext, keyof ContextTypes> & ContextTypes>>

const slot = new FrameSlot<Context>('context')
const NONE: Context = Object.freeze({})

/**
 * Runs `fn` with these values merged over the context around it; every hook it leads to reads them.
 *
 * @returns What `fn` returns; a promise keeps the context until it settles.
 * @example
 * await withContext({ actor: user, requestId }, () => articles.save(article))
 */
export function withContext<T>(context: Context, fn: () => T): T {
  return slot.run(Object.freeze({ ...slot.get(), ...context }), fn)
}

/** A context as the present one, for frames; it stands for all that is around it. */
export function asContext(context: Context): SlotValue {
  return slot.with(Object.freeze(context))
}

/** The context of the present call; an empty object outside of {@link withContext}. */
export function currentContext(): Context {
  return slot.get() ?? NONE
}
