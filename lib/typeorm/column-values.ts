/**
 * Values of columns over time: what to remember of one, whether it is still the same, what to put back.
 *
 * Knows values, not entities. Invariant: a snapshot shares nothing that could be changed in place, except instances of classes without a
 * transformer, which are taken as immutable.
 *
 * @module
 */
import { types } from 'node:util'
import type { ValueTransformer } from 'typeorm'
import type { ColumnMap } from '../session/entity-map.js'
import type { ColumnMetadata } from './internals.js'

export type ValueHandling = Pick<ColumnMap, 'snapshotOf' | 'isSame' | 'valueOf' | 'copyOf'>

const DECIMAL_TYPES = new Set<unknown>(['decimal', 'numeric', 'dec', 'fixed', 'number', 'money', 'smallmoney'])
const JSON_TYPES = new Set<unknown>(['json', 'jsonb', 'simple-json'])

export function valueHandlingOf({ transformer, type }: ColumnMetadata): ValueHandling {
  if (transformer !== undefined) return transformed(transformer)
  if (JSON_TYPES.has(type)) return JSON_VALUES
  return DECIMAL_TYPES.has(type) ? DECIMAL_VALUES : PLAIN_VALUES
}

/** Copies what could be changed in place; instances of users' own classes are taken as immutable values. */
export function copyOf(value: unknown): unknown {
  return typeof value !== 'object' || value === null ? value : copyDeep(value, false)
}

const PLAIN_VALUES: ValueHandling = {
  snapshotOf: copyOf,
  valueOf: copyOf,
  copyOf,
  isSame: (value, snapshot) => isSameValue(value, snapshot) || isSameNumber(value, snapshot),
}

/** `7.5`, `'7.50'` and `'07.5000'` are one number to the database. */
const DECIMAL_VALUES: ValueHandling = {
  ...PLAIN_VALUES,
  isSame: (value, snapshot) =>
    isSameValue(value, snapshot) || (isText(value) && isText(snapshot) && canonical(value) === canonical(snapshot)),
}

/** Digits without zeros that say nothing; other spellings, as of very large numbers, stay as they are. */
function canonical(value: unknown): string {
  const text = String(value)
  const parts = /^([+-]?)0*(\d*)(?:\.(\d*?)0*)?$/.exec(text)
  if (parts === null) return text
  const digits = `${parts[2] || '0'}.${parts[3] ?? ''}`
  return digits === '0.' ? digits : `${parts[1] === '-' ? '-' : ''}${digits}`
}

/** In JSON a class instance is stored by its properties, and `12` is not `'12'`. */
const JSON_VALUES: ValueHandling = {
  snapshotOf: (value) => copyDeep(value, true),
  valueOf: (snapshot) => copyDeep(snapshot, true),
  copyOf: (value) => copyDeep(value, true),
  isSame: (value, snapshot) => isSameValue(value, snapshot, true),
}

/** What is remembered of a value that only its transformer can take apart. */
class Transformed {
  readonly instance: unknown
  readonly raw: unknown

  constructor(instance: unknown, raw: unknown) {
    this.instance = instance
    this.raw = raw
  }
}

/** Plain values are compared as they are: a transformer that encrypts makes something else of the same value each time. */
function transformed(transformer: ValueTransformer | ValueTransformer[]): ValueHandling {
  const all = Array.isArray(transformer) ? transformer : [transformer]
  const to = (value: unknown) => all.reduce((current, { to }) => to(current) as unknown, value)
  const from = (raw: unknown) => all.reduceRight((current, { from }) => from(current) as unknown, raw)
  const isStillSame = (value: unknown, raw: unknown) => isSameValue(to(value), raw, true)
  return {
    snapshotOf: (value) => (isTransparent(value) ? copyOf(value) : new Transformed(value, copyDeep(to(value), true))),
    isSame: (value, snapshot) => {
      if (snapshot instanceof Transformed) return typeof value === 'object' && value !== null && isStillSame(value, snapshot.raw)
      return isSameValue(value, snapshot) || isSameNumber(value, snapshot)
    },
    copyOf: (value) => (isTransparent(value) ? copyOf(value) : from(copyDeep(to(value), true))),
    valueOf: (snapshot) => {
      if (!(snapshot instanceof Transformed)) return copyOf(snapshot)
      return isStillSame(snapshot.instance, snapshot.raw) ? snapshot.instance : from(copyDeep(snapshot.raw, true))
    },
  }
}

/** Whether a value can be copied and compared without its transformer. */
function isTransparent(value: unknown): boolean {
  if (typeof value !== 'object' || value === null || types.isDate(value) || types.isTypedArray(value)) return true
  if (Array.isArray(value)) return value.every(isTransparent)
  return isPlain(value) && Object.values(value).every(isTransparent)
}

/** With `isOpen` instances of any class count as the properties JSON would keep of them. */
function copyDeep(value: unknown, isOpen: boolean): unknown {
  if (typeof value !== 'object' || value === null) return value
  if (value instanceof Date || types.isDate(value)) return new Date(value)
  if (types.isTypedArray(value)) return Buffer.isBuffer(value) ? Buffer.from(value) : value.slice()
  if (Array.isArray(value)) return value.map((member) => copyDeep(member, isOpen))
  if (!isPlain(value) && !isOpen) return value
  const source = isOpen ? jsonOf(value) : value
  if (typeof source !== 'object' || source === null) return source
  // not by assignment: a member called __proto__ would become the copy's prototype
  return Object.fromEntries(Object.entries(source).map(([name, member]) => [name, copyDeep(member, isOpen)]))
}

function isSameValue(value: unknown, snapshot: unknown, isOpen = false): boolean {
  if (value === snapshot) return true
  if (value === undefined) return snapshot === null
  if (typeof value !== 'object' || typeof snapshot !== 'object') return Object.is(value, snapshot)
  if (value === null || snapshot === null) return isOpen && value !== null && jsonOf(value) === null
  if (value instanceof Date && snapshot instanceof Date) return Object.is(value.getTime(), snapshot.getTime())
  if (types.isDate(value)) return types.isDate(snapshot) && Object.is(value.getTime(), snapshot.getTime())
  if (types.isTypedArray(value)) return types.isTypedArray(snapshot) && bytesOf(value).equals(bytesOf(snapshot))
  if (Array.isArray(value))
    return (
      Array.isArray(snapshot) &&
      value.length === snapshot.length &&
      value.every((member, index) => isSameValue(member, snapshot[index], isOpen))
    )
  return isSameStructure(value, snapshot, isOpen)
}

function isSameStructure(value: object, snapshot: object, isOpen: boolean): boolean {
  if (!isOpen && !(isPlain(value) && isPlain(snapshot))) return false
  const source = isOpen ? jsonOf(value) : value
  if (typeof source !== 'object' || source === null) return source === snapshot
  if (types.isDate(snapshot) || Array.isArray(snapshot)) return false
  const [now, before] = [source as Record<string, unknown>, snapshot as Record<string, unknown>]
  const names = definedNames(now)
  return (
    names.length === definedNames(before).length &&
    names.every((name) => Object.hasOwn(before, name) && before[name] !== undefined && isSameValue(now[name], before[name], isOpen))
  )
}

/** `{ a: undefined }` is stored as `{}`. */
function definedNames(value: Record<string, unknown>): readonly string[] {
  return Object.keys(value).filter((name) => value[name] !== undefined)
}

function jsonOf(value: object): unknown {
  const { toJSON } = value as { toJSON?: unknown }
  return typeof toJSON === 'function' ? (toJSON.call(value) as unknown) : value
}

/** Drivers give bigints and decimals as text. */
function isSameNumber(value: unknown, snapshot: unknown): boolean {
  if (typeof value === 'number' && typeof snapshot === 'number') return value === snapshot
  if (!isNumeric(value) && !isNumeric(snapshot)) return false
  return isText(value) && isText(snapshot) && String(value) === String(snapshot)
}

function isNumeric(value: unknown): boolean {
  return typeof value === 'number' || typeof value === 'bigint'
}

function isText(value: unknown): value is string | number | bigint {
  return typeof value === 'string' || isNumeric(value)
}

function bytesOf(value: NodeJS.TypedArray): Buffer {
  return Buffer.from(value.buffer, value.byteOffset, value.byteLength)
}

/** Compared by what it inherits, not by identity: drivers may make objects in another realm. */
function isPlain(value: object): boolean {
  const prototype = Object.getPrototypeOf(value) as object | null
  return prototype === null || Object.getPrototypeOf(prototype) === null
}
