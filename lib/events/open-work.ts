/**
 * The port through which events learn of a transaction that is open around the present call.
 *
 * Knows no session: whoever has one says so here. Invariant: what waits for a commit is called once after it, or never; what finds no
 * open transaction is called at once.
 *
 * @module
 */
import { AsyncResource } from 'node:async_hooks'
import { hasErrorCode } from '../core/errors.js'

/** Work that will be committed or rolled back: a session, or anything else that can say when it is committed. */
export interface OpenWork {
  /** Calls `fn` after the outermost commit; never where the level it was registered in is rolled back. Throws where nothing is open. */
  onCommit(fn: () => void | Promise<void>): void
}

/** Work that was rolled back: what waits for its commit waits for ever. */
export const NEVER_COMMITTED: OpenWork = Object.freeze({ onCommit: () => undefined })

interface Source {
  /** What is around the present call: {@link NEVER_COMMITTED} where that was rolled back, undefined where it was committed. */
  readonly find: () => OpenWork | undefined
  readonly isOpen: () => boolean
}

const SOURCE = Symbol.for('flushpoint.open-work-source')
const shared = globalThis as unknown as Record<symbol, Source | undefined>

/**
 * Says where to look for open work; the last one counts.
 *
 * @param isOpen Whether a transaction around the present call is open now.
 */
export function setOpenWorkSource(find: Source['find'], isOpen: Source['isOpen'] = () => false): void {
  shared[SOURCE] = { find, isOpen }
}

/** The open work around the present call. */
export function openWork(): OpenWork | undefined {
  return shared[SOURCE]?.find()
}

/** Whether the present call is made inside a transaction that is open. */
export function isInTransaction(): boolean {
  return shared[SOURCE]?.isOpen() === true
}

/**
 * Calls `fn` once the open work is committed, now where there is none or it was committed, never where it was rolled back.
 *
 * @param given Work somebody names, instead of what is around this call. It is asked for a commit it can still bring: its errors are thrown.
 */
export function whenCommitted(fn: () => void, given?: OpenWork): void {
  const work = given ?? openWork()
  if (work === undefined) return fn()
  try {
    work.onCommit(() => fn())
  } catch (error) {
    if (!isWithoutTransaction(error) && (given !== undefined || !isOver(error))) throw error
    fn()
  }
}

function isWithoutTransaction(error: unknown): boolean {
  return hasErrorCode(error, 'SESSION_WITHOUT_TRANSACTION')
}

/** Code that outlives its session still carries it along. */
function isOver(error: unknown): boolean {
  return hasErrorCode(error, 'SESSION_ENDED') || hasErrorCode(error, 'SESSION_CLOSED')
}

/** Made when the program loads this: no transaction, no request. */
const root = new AsyncResource('flushpoint.events', { requireManualDestroy: true })

/** Runs `fn` as if nobody had called it: what it does belongs to no transaction, session or request. */
export function outsideOfWork<T>(fn: () => T): T {
  return root.runInAsyncScope(fn)
}
