/**
 * Payloads as JSON, and why one is none.
 *
 * Never prints a value, only where it is and of what kind. Invariant: what is stored says the same when it is read back; what JSON would drop
 * or turn into something else without a word is refused.
 *
 * @module
 */
import { describeValue } from '../core/describe-value.js'
import { OutboxError } from '../core/errors.js'
import { DeferredValue } from '../events/deferred.js'

/** What deferred values are now: `check` takes any, `write` only those that are known. */
type Pass = 'check' | 'write'

interface Walk {
  readonly name: string
  readonly pass: Pass
  /** The objects around the present one. */
  readonly around: object[]
}

/**
 * Refuses what could never be stored, where it is told.
 *
 * @throws {OutboxError} OUTBOX_PAYLOAD_INVALID with the path of the first bad value, such as `$.lines[3].price`.
 */
export function assertJson(name: string, payload: unknown): void {
  visit(payload, '$', { name, pass: 'check', around: [] })
}

/**
 * The text that is stored.
 *
 * @throws {OutboxError} OUTBOX_PAYLOAD_INVALID · OUTBOX_REF_UNRESOLVED when the value of a `ref` is still not known.
 */
export function jsonOf(name: string, payload: unknown): string {
  visit(payload, '$', { name, pass: 'write', around: [] })
  return JSON.stringify(payload) ?? 'null'
}

function visit(value: unknown, path: string, walk: Walk): void {
  if (typeof value === 'number' && !Number.isFinite(value)) throw invalid(walk.name, path, String(value))
  if (typeof value === 'bigint' || typeof value === 'symbol' || typeof value === 'function')
    throw invalid(walk.name, path, describeValue(value))
  if (typeof value !== 'object' || value === null) return
  if (value instanceof DeferredValue) return visitDeferred(value, path, walk)
  if (walk.around.includes(value)) throw invalid(walk.name, path, 'an object that is part of itself')
  const { toJSON } = value as { toJSON?: unknown }
  if (typeof toJSON === 'function' && !ArrayBuffer.isView(value)) return visitOwnJson(value, path, walk)
  assertData(value, path, walk)
  walk.around.push(value)
  if (Array.isArray(value)) visitList(value, path, walk)
  else for (const [key, member] of Object.entries(value)) visit(member, `${path}.${key}`, walk)
  walk.around.pop()
}

/** A property that is undefined is none, in JSON as elsewhere; in a list it would become null. */
function visitList(list: readonly unknown[], path: string, walk: Walk): void {
  for (let index = 0; index < list.length; index++) {
    const member = list[index]
    if (member === undefined) throw invalid(walk.name, `${path}[${index}]`, 'undefined')
    visit(member, `${path}[${index}]`, walk)
  }
}

function visitDeferred(value: DeferredValue, path: string, walk: Walk): void {
  if (walk.pass === 'check') return
  if (value.value === undefined) throw new OutboxError('OUTBOX_REF_UNRESOLVED', { name: walk.name, path, value: String(value) })
  visit(value.value, path, walk)
}

/** Objects that say themselves what they are in JSON: dates, for one; an invalid one says null. */
function visitOwnJson(value: object, path: string, walk: Walk): void {
  if (value instanceof Date && Number.isNaN(value.getTime())) throw invalid(walk.name, path, 'an invalid date')
  const json = (value as { toJSON(key: string): unknown }).toJSON('')
  if (json === value) throw invalid(walk.name, path, `${describeValue(value)} whose toJSON answers itself`)
  if (json === undefined) throw invalid(walk.name, path, `${describeValue(value)} whose toJSON answers nothing`)
  walk.around.push(value)
  visit(json, path, walk)
  walk.around.pop()
}

/** Maps, sets, errors, boxed numbers and the like would be stored as `{}`, or as something else than they are. */
function assertData(value: object, path: string, walk: Walk): void {
  const isCollection = value instanceof Map || value instanceof Set || value instanceof Promise
  const isBytes = ArrayBuffer.isView(value) || value instanceof ArrayBuffer
  if (isCollection || isBytes || value instanceof RegExp || value instanceof Error || value instanceof String || isHollow(value))
    throw invalid(walk.name, path, describeValue(value))
}

/** Of a built-in kind, whichever realm it comes from, with nothing in it that JSON would see. */
function isHollow(value: object): boolean {
  return !Array.isArray(value) && Object.prototype.toString.call(value) !== '[object Object]' && Object.keys(value).length === 0
}

function invalid(name: string, path: string, given: string): OutboxError {
  return new OutboxError('OUTBOX_PAYLOAD_INVALID', { name, path, given })
}
