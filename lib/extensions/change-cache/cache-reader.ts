/**
 * What a dump asks of a cache: which records it has, one of them, and to let go of one.
 *
 * Knows no files. Invariant: no question waits longer than its time, or than the caller wants to.
 *
 * @module
 */
import { DataError, messageOf } from '../../core/errors.js'
import { assertRecord, type ChangeRecord } from './change-record.js'
import { answered, isForlorn, type RecordCache } from './record-cache.js'
import { recordKeyIn } from './record-key.js'

export interface Patience {
  /** For each question. */
  readonly timeoutMs: number
  readonly abortSignal: AbortSignal | undefined
}

export class CacheReader {
  readonly #cache: RecordCache
  readonly #patience: Patience

  constructor(cache: RecordCache, patience: Patience) {
    this.#cache = cache
    this.#patience = patience
  }

  /** In their order. Keys alone: records may be many, and large. */
  async keys(): Promise<readonly string[]> {
    const cache = this.#cache
    if (cache.iterator === undefined) throw new DataError('CHANGE_CACHE_NOT_ENUMERABLE', {})
    if (isForlorn(cache)) throw new DataError('CHANGE_CACHE_NOT_SHARED', {})
    const keys = new Set<string>()
    const entries = (cache.iterator(undefined) as AsyncIterable<readonly unknown[]>)[Symbol.asyncIterator]()
    try {
      for (;;) {
        const step = await this.#reading(() => entries.next())
        if (step.done === true) return [...keys].sort()
        const key = recordKeyIn(step.value[0])
        if (key !== undefined) keys.add(key)
      }
    } catch (error) {
      void (async () => entries.return?.())().catch(() => undefined) // it may hold a cursor; one that hangs is not waited for
      throw error
    }
  }

  /** Undefined where somebody has taken it meanwhile. */
  async recordAt(key: string): Promise<ChangeRecord | undefined> {
    const record = await this.#reading(() => this.#cache.get(key))
    if (record === undefined || record === null) return undefined
    assertRecord(key, record)
    return record
  }

  /** A key that is gone already is as good. */
  async take(key: string): Promise<void> {
    try {
      await this.#asking(async () => void (await this.#cache.delete(key)))
    } catch (error) {
      this.#patience.abortSignal?.throwIfAborted()
      throw new DataError('CHANGE_RECORD_STUCK', { key, cause: messageOf(error) }, { cause: error })
    }
  }

  async #reading<T>(read: () => Promise<T>): Promise<T> {
    this.#patience.abortSignal?.throwIfAborted()
    try {
      return await this.#asking(read)
    } catch (error) {
      this.#patience.abortSignal?.throwIfAborted()
      throw new DataError('CHANGE_CACHE_UNREADABLE', { cause: messageOf(error) }, { cause: error })
    }
  }

  async #asking<T>(ask: () => Promise<T>): Promise<T> {
    const { timeoutMs, abortSignal } = this.#patience
    const done = new AbortController()
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<never>((_resolve, reject) => {
      timer = setTimeout(() => reject(new Error(`it has not answered within ${timeoutMs} ms`)), timeoutMs)
      abortSignal?.addEventListener('abort', () => reject(new Error('aborted')), { once: true, signal: done.signal })
    })
    try {
      return await Promise.race([answered(this.#cache, ask, done.signal), late])
    } finally {
      clearTimeout(timer)
      done.abort()
    }
  }
}
