/**
 * Which events keep their order among each other, and which slot they go to.
 *
 * Knows no table. Invariant: events of one key go to one slot, in every process and version of this package.
 *
 * @module
 */
import { describeValue } from '../core/describe-value.js'
import { OutboxError } from '../core/errors.js'

/** What an event is about: its key, in two parts for those who route by them. */
export interface Aggregate {
  readonly type: string
  readonly id: string
}

const MAX_LENGTH = 255
/** What PostgreSQL has no way to keep: it would fail at the COMMIT. */
const UNSTORABLE = /\0|\p{Surrogate}/u

/** `build.issued` with `{ id: 7 }` is about `build` 7; undefined where the payload has no `id`. */
export function aggregateOf(name: string, payload: unknown): Aggregate | undefined {
  if (typeof payload !== 'object' || payload === null) return undefined
  const { id } = payload as { id?: unknown }
  if (typeof id !== 'string' && typeof id !== 'number' && typeof id !== 'bigint') return undefined
  const scope = name.includes('.') ? name.slice(0, name.lastIndexOf('.')) : name
  return { type: scope, id: String(id) }
}

/** Whether a text fits a column for names, in every database. */
export function isStorable(text: string): boolean {
  return text.length <= MAX_LENGTH && !UNSTORABLE.test(text)
}

/** @throws {OutboxError} OUTBOX_KEY_INVALID */
export function checkedKey(name: string, given: unknown): string | undefined {
  if (given === undefined || given === null) return undefined
  const key = typeof given === 'number' || typeof given === 'bigint' ? String(given) : given
  if (typeof key !== 'string') throw new OutboxError('OUTBOX_KEY_INVALID', { name, given: describeValue(given) })
  if (key === '' || key.length > MAX_LENGTH)
    throw new OutboxError('OUTBOX_KEY_INVALID', { name, given: `a text of ${key.length} characters` })
  if (UNSTORABLE.test(key)) throw new OutboxError('OUTBOX_KEY_INVALID', { name, given: 'a text with a NUL or half a character' })
  return key
}

/** Source: FNV-1a of 32 bits, over UTF-16 units. */
export function slotOf(key: string, slots: number): number {
  let hash = 0x811c9dc5
  for (let index = 0; index < key.length; index++) hash = Math.imul(hash ^ key.charCodeAt(index), 0x01000193)
  return (hash >>> 0) % slots
}
