/**
 * Whether two values of an audit trail stand for the same.
 *
 * Knows JSON, and of a property what its transformers read. Invariant: forms that a database gives one value in do not count: `7.5` and
 * `"7.50"`, dates with and without fractions of a second.
 *
 * @module
 */
import { isEqual } from '../../core/is-equal.js'
import type { JsonValue } from '../row-documents/json-value.js'
import { valueOfJson, type DocumentPart } from '../row-documents/row-document.js'
import { ValueRefused } from '../row-documents/column-json.js'

/** A property, and whether an HMAC stands for its values. */
interface StoredPart {
  readonly part: DocumentPart
  readonly isHashed: boolean
}

const INSTANT = /^[+-]?\d{4,6}-\d\d-\d\dT/
const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i
const MOST_MS = 1000

export function isSameStored(one: JsonValue, other: JsonValue): boolean {
  if (isEqual(one, other)) return true
  if (isInstant(one) && isInstant(other)) return Math.abs(Date.parse(one) - Date.parse(other)) < MOST_MS
  return isNumeric(one) && isNumeric(other) && Number(one) === Number(other)
}

/** As {@link isSameStored}, and where transformers store one value in more than one form, as they do that encrypt, by what they read. */
export function isSameValue(part: StoredPart | undefined, one: JsonValue, other: JsonValue): boolean {
  if (isSameStored(one, other)) return true
  return (
    part?.part.column?.transformer !== undefined && !part.isHashed && isEqual(valueOrJson(part.part, one), valueOrJson(part.part, other))
  )
}

/** The value an entity has, or, where the mapping has become another, the JSON itself. */
export function valueOrJson(part: DocumentPart, json: JsonValue): unknown {
  try {
    return valueOfJson(part, json)
  } catch (error) {
    if (error instanceof ValueRefused) return json
    throw error
  }
}

function isInstant(value: JsonValue): value is string {
  return typeof value === 'string' && INSTANT.test(value)
}

function isNumeric(value: JsonValue): boolean {
  return typeof value === 'number' || typeof value === 'boolean' || (typeof value === 'string' && NUMBER.test(value))
}
