/**
 * The caches that records go to, and how they get there.
 *
 * Knows a cache by its shape, and nothing of rows. Invariant: records of one process come to a cache one after another, in the order in which
 * they were handed over; one that fails holds up no later one, and none waits longer than its time, counted from then.
 *
 * @module
 */
import { Keyv } from 'keyv'
import { DataError, messageOf } from '../../core/errors.js'
import { outsideOfWork } from '../../events/open-work.js'
import type { ChangeRecord } from './change-record.js'

/** What is needed of a cache: any `Keyv`, or whatever works like one. */
export interface RecordCache {
  get(key: string): Promise<unknown>
  /** Answers false, or rejects, when the value was not stored. */
  set(key: string, value: unknown): Promise<unknown>
  delete(key: string): Promise<unknown>
  /** Keys and values, for {@link dumpCache}; not there where the backend cannot tell. */
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- as keyv declares it
  readonly iterator?: ((argument: any) => AsyncIterable<any>) | undefined
  /** Where it keeps its values: a `Map` is the memory of this process. */
  readonly store?: unknown
  on?(event: string, listener: (error: unknown) => void): unknown
  off?(event: string, listener: (error: unknown) => void): unknown
}

const DEFAULT_CACHE = Symbol.for('flushpoint.change-cache')
const shared = globalThis as unknown as Record<symbol, RecordCache | undefined>

/** The cache that counts where none is given: in the memory of this process, and lost with it. */
export function defaultChangeCache(): RecordCache {
  return (shared[DEFAULT_CACHE] ??= new Keyv() as RecordCache)
}

const written = new WeakSet<object>()

/** Notes that a ChangeCache of this process writes to it. */
export function noteWriter(cache: RecordCache): void {
  written.add(placeOf(cache))
}

/** Whether nobody but this process sees what is in the cache, and this process puts nothing there. */
export function isForlorn(cache: RecordCache): boolean {
  return cache.store instanceof Map && !written.has(placeOf(cache))
}

/** Two caches may be on one Map. */
function placeOf(cache: RecordCache): object {
  return cache.store instanceof Map ? cache.store : cache
}

/**
 * Stores a record now.
 *
 * @throws {DataError} CHANGE_CACHE_FAILED
 */
export async function storeRecord(cache: RecordCache, { key, record }: KeyedRecord, until?: AbortSignal): Promise<void> {
  let cause: unknown
  try {
    const answer = await answered(cache, () => cache.set(key, record), until)
    if (answer !== false) return
    cause = 'it answered false'
  } catch (error) {
    cause = error
  }
  throw new DataError('CHANGE_CACHE_FAILED', { key, cause: messageOf(cause) }, { cause })
}

/**
 * Caches of keyv may tell what went wrong by an event alone.
 *
 * @param until - Whoever waits no longer says so by it, so that nobody listens for good to a cache that hangs.
 * @throws What the cache told.
 */
export async function answered<T>(cache: RecordCache, ask: () => Promise<T>, until?: AbortSignal): Promise<T> {
  const told: unknown[] = []
  const listen = (error: unknown) => void told.push(error)
  const end = () => void cache.off?.('error', listen)
  cache.on?.('error', listen)
  until?.addEventListener('abort', end, { once: true })
  try {
    const answer = await ask()
    if (told.length > 0) throw told[0]
    return answer
  } finally {
    end()
    until?.removeEventListener('abort', end)
  }
}

export interface KeyedRecord {
  readonly key: string
  readonly record: ChangeRecord
}

/** Those who wait for one cache. */
interface Line {
  last: Promise<void>
  /** Calls whose time was up, and that may still be answered. */
  hanging: number
  /** When it is worth a try again, although calls hang: some are never answered, by a connection that was lost. */
  retryAtMs: number
}

const MIN_PAUSE_MS = 1_000
const lines = new WeakMap<RecordCache, Line>()

/**
 * Stores a record behind those that were handed over before. While a call that was given up is not answered, later ones fail at once.
 *
 * @throws {DataError} CHANGE_CACHE_FAILED · CHANGE_CACHE_TIMEOUT · CHANGE_CACHE_HANGING
 */
export function storeInTurn(cache: RecordCache, keyed: KeyedRecord, timeoutMs: number): Promise<void> {
  const line = lines.get(cache) ?? { last: Promise.resolve(), hanging: 0, retryAtMs: 0 }
  lines.set(cache, line)
  const untilMs = performance.now() + timeoutMs
  const isLate = () => new DataError('CHANGE_CACHE_TIMEOUT', { key: keyed.key, timeoutMs })
  const turn = line.last.then(async () => {
    const now = performance.now()
    if (line.hanging > 0 && now < line.retryAtMs) throw new DataError('CHANGE_CACHE_HANGING', { key: keyed.key })
    const done = new AbortController()
    const work = outsideOfWork(() => storeRecord(cache, keyed, done.signal))
    try {
      if ((await firstOf(work, untilMs - now)) === 'answered') return
    } finally {
      done.abort()
    }
    line.hanging++
    line.retryAtMs = performance.now() + Math.max(timeoutMs, MIN_PAUSE_MS)
    const answer = () => void line.hanging--
    work.then(answer, answer)
    throw isLate()
  })
  line.last = turn.catch(() => undefined) // told to whoever handed it over
  return firstOf(turn, timeoutMs).then((first) => {
    if (first === 'late') throw isLate()
  })
}

async function firstOf(work: Promise<void>, waitMs: number): Promise<'answered' | 'late'> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<'late'>((resolve) => (timer = setTimeout(() => resolve('late'), Math.max(waitMs, 0))))
  try {
    return await Promise.race([work.then(() => 'answered' as const), late])
  } finally {
    clearTimeout(timer)
  }
}
