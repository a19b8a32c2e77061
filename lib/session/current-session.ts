/**
 * Which session the present asynchronous call belongs to, and which sessions were opened in its scope.
 *
 * Knows sessions by what they can be asked here alone. Invariant: a scope forgets a session when it closes; outside of every scope none are kept.
 *
 * @module
 */
import { FrameSlot, type SlotValue } from '../core/async-frame.js'
import { asContext, type Context } from '../core/context.js'
import { SessionError } from '../core/errors.js'
import { NEVER_COMMITTED, setOpenWorkSource, type OpenWork } from '../events/open-work.js'
import type { OpenSession, Session } from '../mapper/session.js'
import type { TransactionScope } from '../mapper/unit-of-work.js'
import { isUndone, type Fate } from './fate.js'

const current = new FrameSlot<Session>('session')
const scope = new FrameSlot<Set<OpenSession>>('scope')

/** A session whose end can be asked for. */
type DecidedSession = Session & { readonly fate: Fate }

/** A transaction, block or hook, as the code in it sees it: also when it is over. */
interface Work {
  readonly around: Work | undefined
  /** The session while it is open, undefined where it was committed. */
  find(): Session | 'undone' | undefined
}

const work = new FrameSlot<Work>('work')

/** Makes a session the present one; with its context, where it was given one of its own. */
export function asCurrent(session: DecidedSession, context?: Context): readonly SlotValue[] {
  const slots = [current.with(session), work.with(new SessionWork(session, work.get()))]
  return context === undefined ? slots : [...slots, asContext(context)]
}

/** Makes a transaction the innermost one without a session of its own being the present one: in TypeORM's `transaction(fn)`. */
export function asWork(find: Work['find']): SlotValue {
  return work.with({ find, around: work.get() })
}

/** The transaction and level that a session had open when its code was called: later ones are others'. */
class SessionWork implements Work {
  readonly around: Work | undefined
  readonly #session: DecidedSession
  readonly #scope: TransactionScope | null
  readonly #fate: Fate | undefined

  constructor(session: DecidedSession, around: Work | undefined) {
    this.around = around
    this.#session = session
    this.#scope = session.scope
    this.#fate = session.fate.outcome === undefined ? session.fate : undefined // hooks after the outcome belong to none
  }

  find(): ReturnType<Work['find']> {
    const outcome = isUndone(this.#scope) ? 'undone' : this.#fate?.outcome
    if (outcome === undefined) return this.#session
    return sessionIn(outcome)
  }
}

/** Whoever decides may have been decided about meanwhile. */
function sessionIn(outcome: NonNullable<Fate['outcome']>): ReturnType<Work['find']> {
  if (outcome === 'undone') return outcome
  if (outcome === 'committed') return undefined
  const further = (outcome as DecidedSession).fate.outcome
  return further === undefined ? outcome : sessionIn(further)
}

setOpenWorkSource(openWorkOfCall, isInTransaction)

function openWorkOfCall(): OpenWork | undefined {
  const found = work.get()?.find()
  return found === 'undone' ? NEVER_COMMITTED : found
}

/** Whether a transaction around this code is open. */
function isInTransaction(): boolean {
  for (let one = work.get(); one !== undefined; one = one.around) {
    const found = one.find()
    if (found !== undefined && found !== 'undone' && found.scope !== null) return true
  }
  return false
}

/**
 * The session of the withSession block, or of the hook, that this code runs in.
 *
 * @throws {SessionError} SESSION_NONE outside of both.
 * @example
 * const article = await currentSession().getOrFail(Article, 7)
 */
export function currentSession(): Session {
  const session = current.get()
  if (session === undefined) throw new SessionError('SESSION_NONE', {})
  return session
}

/** As {@link currentSession}, but undefined outside. */
export function tryCurrentSession(): Session | undefined {
  return current.get()
}

/** Notes an opened session in the scope it was opened in. @returns Takes it out again. */
export function enterScope(session: OpenSession): () => void {
  const sessions = scope.get()
  sessions?.add(session)
  return () => void sessions?.delete(session)
}

export interface ScopeOptions {
  /** Errors that end the scope like a success, as a redirect does: what is pending is flushed, and the error goes on. @defaultValue none */
  readonly flushOn?: (error: unknown) => boolean
}

/**
 * Runs one request or job: sessions opened in `fn`, and in what it awaits, are flushed and closed when it ends; after an error they are
 * closed without a flush.
 *
 * @example
 * app.use((request, response, next) => withScope(() => next()))
 */
export async function withScope<T>(fn: () => Promise<T>, { flushOn }: ScopeOptions = {}): Promise<T> {
  return scope.run(new Set(), async () => {
    try {
      const result = await fn()
      await flushAll()
      return result
    } catch (error) {
      if (flushOn?.(error) === true) await flushAll()
      throw error
    } finally {
      await closeAll()
    }
  })
}

/** Flushes every open session of the present scope, in the order they were opened; also those that a flush of another one opens. */
export async function flushAll(): Promise<void> {
  for (const session of scope.get() ?? []) await session.flush()
}

/** Closes every open session of the present scope. Each is closed, whatever the others do; the first error is thrown. */
export async function closeAll(): Promise<void> {
  const failures: unknown[] = []
  for (const session of [...(scope.get() ?? [])]) await session.close().catch((error: unknown) => failures.push(error))
  if (failures.length > 0) throw failures[0] as Error // whatever the driver threw, untouched
}
