/**
 * Values of columns in a form that JSON can carry.
 *
 * Knows no entity. Invariant: it never throws, and what it answers is always JSON: a change that was written is told, if less well, and never
 * makes the write fail.
 *
 * @module
 */
import { types } from 'node:util'

/** Far more than anybody nests, and far less than the stack holds. */
const MAX_DEPTH = 200

/** Functions and symbols have no form at all; as in JSON they are left out of objects, and are null in lists. */
const NONE = undefined

/**
 * What comes nearest to each value: a list for a set, a list of pairs for a map, a text for a bigint, a date and numbers such as NaN, base64 for
 * bytes, the data of an instance or what its `toJSON` answers, else its own text; null for what has none of these, for an invalid date, and
 * for an object that is part of itself. Properties that are undefined are left out.
 */
export function plainValues(values: object): Record<string, unknown> {
  const entries = Object.entries(values).filter(([, value]) => value !== undefined)
  return Object.fromEntries(entries.map(([name, value]) => [name, plain(value, []) ?? null]))
}

/** As {@link plainValues}, of one value. */
export function plainValue(value: unknown): unknown {
  return plain(value, []) ?? null
}

function plain(value: unknown, around: readonly object[]): unknown {
  if (typeof value === 'bigint' || (typeof value === 'number' && !Number.isFinite(value))) return String(value)
  if (typeof value === 'function' || typeof value === 'symbol') return NONE
  if (typeof value !== 'object' || value === null) return value
  if (around.length === MAX_DEPTH || around.includes(value)) return null
  try {
    return plainObject(value, [...around, value])
  } catch {
    return null
  }
}

function plainObject(value: object, around: readonly object[]): unknown {
  if (types.isDate(value)) return Number.isNaN(value.getTime()) ? null : value.toISOString()
  if (types.isAnyArrayBuffer(value)) return base64(Buffer.from(value))
  if (ArrayBuffer.isView(value)) return plainView(value, around)
  if (Array.isArray(value) || types.isSet(value)) return plainList(value, around)
  if (types.isMap(value)) return plainList([...value], around)
  if (types.isBoxedPrimitive(value)) return plain(value.valueOf(), around)
  const { toJSON } = value as { toJSON?: unknown }
  const json: unknown = typeof toJSON === 'function' ? toJSON.call(value, '') : value
  return json === value ? plainData(value, around) : (plain(json, around) ?? null)
}

function plainList(list: Iterable<unknown>, around: readonly object[]): unknown[] {
  return Array.from(list, (member) => plain(member, around) ?? null)
}

/** Bytes are base64, other numbers a list. */
function plainView(view: ArrayBufferView, around: readonly object[]): unknown {
  const isBytes = types.isUint8Array(view) || types.isUint8ClampedArray(view) || types.isDataView(view)
  if (!isBytes) return plainList(view as unknown as Iterable<unknown>, around)
  return base64(Buffer.from(view.buffer, view.byteOffset, view.byteLength))
}

function base64(bytes: Buffer): string {
  return bytes.toString('base64')
}

function plainData(value: object, around: readonly object[]): unknown {
  const entries = Object.entries(value)
  if (entries.length === 0) return textOrEmpty(value)
  return Object.fromEntries(entries.map(([name, member]) => [name, plain(member, around)]).filter(([, member]) => member !== NONE))
}

/** What holds its state where nobody sees it may have a text of its own. */
function textOrEmpty(value: object): unknown {
  if (Object.getPrototypeOf(value) === null) return {}
  const text = String(value)
  if (!text.startsWith('[object ')) return text
  return text === '[object Object]' ? {} : null
}
