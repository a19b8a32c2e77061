/**
 * Under which keys records are in a cache.
 *
 * Invariant: keys of one process sort as they were drawn, also when the clock is set back; no two are the same, in whatever processes.
 *
 * @module
 */
import { randomBytes } from 'node:crypto'

const PREFIX = 'change:'
const MAX_COUNT = 999_999
/** Some backends of caches give keys back without what stands before a colon. */
const KEY = /(?:^|:)(\d{15}-\d{6}-[0-9a-f]{12})$/

const ofProcess = randomBytes(6).toString('hex')
let lastMs = 0
let count = 0

/** The next key: time, a count, and what tells processes apart. */
export function nextRecordKey(nowMs: number = Date.now()): string {
  if (nowMs > lastMs || count === MAX_COUNT) {
    lastMs = Math.max(nowMs, lastMs + 1)
    count = 0
  } else count++
  return `${PREFIX}${pad(lastMs, 15)}-${pad(count, 6)}-${ofProcess}`
}

/** The key of a record, from what a backend tells; undefined for what is none. */
export function recordKeyIn(key: unknown): string | undefined {
  const [, found] = typeof key === 'string' ? (KEY.exec(key) ?? []) : []
  return found === undefined ? undefined : `${PREFIX}${found}`
}

function pad(value: number, length: number): string {
  return String(value).padStart(length, '0')
}
