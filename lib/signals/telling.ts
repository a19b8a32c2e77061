/**
 * Tells what was committed to those who want to know, one commit after another, while whoever committed goes on.
 *
 * Knows not what is told. Invariant: what is told belongs to no transaction, session or request, since it would hold up its connection: only
 * the context comes along.
 *
 * @module
 */
import { AsyncResource } from 'node:async_hooks'
import { FrameSlot } from '../core/async-frame.js'
import { withContext, type Context } from '../core/context.js'
import { SignalDefinitionError } from '../core/errors.js'

/** Made when the program loads this: no transaction, no request. */
const root = new AsyncResource('flushpoint.signals', { requireManualDestroy: true })
const telling = new FrameSlot<true>('signal-telling')

const TOLD = Symbol.for('flushpoint.signals-told')
const shared = globalThis as unknown as Record<symbol, Promise<void> | undefined>

export interface Telling {
  readonly context: Context
  onError(error: unknown): void
}

/** Calls `tell` once everything before it is told. Never throws. */
export function tellLater(tell: () => Promise<void>, { context, onError }: Telling): void {
  const before = shared[TOLD] ?? Promise.resolve()
  root.runInAsyncScope(() => {
    shared[TOLD] = before.then(() => telling.run(true, () => withContext(context, tell))).catch(onError)
  })
}

/**
 * Waits until every change of a field that is committed is told, those included that are committed meanwhile. For tests, and for the end of a
 * program.
 *
 * @throws {SignalDefinitionError} SIGNALS_AWAIT_THEMSELVES inside a receiver of a change.
 * @example
 * await dataSource.manager.save(user)
 * await signalsSettled()
 * expect(mails).toHaveLength(1)
 */
export async function signalsSettled(): Promise<void> {
  if (telling.get() === true) throw new SignalDefinitionError('SIGNALS_AWAIT_THEMSELVES', {})
  for (let last: Promise<void> | undefined; last !== shared[TOLD];) await (last = shared[TOLD])
}
