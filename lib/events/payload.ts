/**
 * How a payload becomes the properties of an event, and why it may not.
 *
 * Knows validators by Standard Schema alone. Invariant: messages name properties and what is wrong with them, never their values.
 *
 * @module
 */
import { describeValue } from '../core/describe-value.js'
import { EventError } from '../core/errors.js'
import { nearestName } from '../core/nearest-name.js'
import { isThenable } from '../core/run-in-order.js'
import { defineFact, RESERVED_PROPERTIES, type DomainEvent } from './domain-event.js'
import type { SchemaIssue, SchemaResult, StandardSchemaV1 } from './standard-schema.js'

/** The properties an event may have, and those it must. */
export interface FieldList {
  readonly required: readonly string[]
  readonly optional: readonly string[]
}

/**
 * Puts copies of the properties of a payload on an event, to be read only.
 *
 * @throws {EventError} EVENT_PAYLOAD_INVALID when it is no object · EVENT_PROPERTY_RESERVED
 */
export function takePayload(event: DomainEvent, payload: unknown): void {
  if (typeof payload !== 'object' || payload === null || Array.isArray(payload)) throw invalid(event.name, [mustBeObject(payload)])
  for (const [property, value] of Object.entries(payload)) {
    if (RESERVED_PROPERTIES.has(property)) throw new EventError('EVENT_PROPERTY_RESERVED', { name: event.name, property })
    if (value === undefined) continue
    defineFact(event, property, value)
  }
}

/** @throws {EventError} EVENT_SCHEMA_INVALID */
export function assertSchema(name: string, schema: unknown): asserts schema is StandardSchemaV1 {
  const isObject = (typeof schema === 'object' && schema !== null) || typeof schema === 'function'
  const standard: unknown = isObject ? (schema as Partial<StandardSchemaV1>)['~standard'] : undefined
  if (typeof (standard as { validate?: unknown } | undefined)?.validate !== 'function')
    throw new EventError('EVENT_SCHEMA_INVALID', { name, given: describeValue(schema) })
}

/**
 * What the schema makes of a payload.
 *
 * @throws {EventError} EVENT_SCHEMA_ASYNC · EVENT_PAYLOAD_INVALID, which lists every issue
 */
export function validated(name: string, schema: StandardSchemaV1, payload: unknown): unknown {
  const { validate, vendor } = schema['~standard']
  const result = validate(payload)
  if (isThenable(result)) {
    void Promise.resolve(result).catch(() => undefined)
    throw new EventError('EVENT_SCHEMA_ASYNC', { name, vendor })
  }
  const { issues, value } = result as SchemaResult & { readonly value?: unknown }
  if (issues !== undefined) throw invalid(name, issues.map(issueText))
  return value
}

/** @throws {EventError} EVENT_PAYLOAD_INVALID when a property is missing or unknown. */
export function assertFields(name: string, payload: object, { required, optional }: FieldList): void {
  const known = [...required, ...optional]
  const given = Object.keys(payload)
  const missing = required.filter((field) => (payload as Record<string, unknown>)[field] === undefined)
  const unknown = given.filter((property) => !known.includes(property))
  if (missing.length + unknown.length === 0) return
  throw invalid(name, [
    ...missing.map((field) => `${field}: is missing`),
    ...unknown.map((property) => `${property}: is no property of it${didYouMean(nearestName(property, known))}`),
  ])
}

function invalid(name: string, issues: readonly string[]): EventError {
  return new EventError('EVENT_PAYLOAD_INVALID', { name, issues: issues.join('; ') })
}

function mustBeObject(payload: unknown): string {
  return `the payload must be an object, current value is ${describeValue(payload)}`
}

function issueText({ message, path = [] }: SchemaIssue): string {
  const place = path.map((segment) => String(typeof segment === 'object' ? segment.key : segment)).join('.')
  return `${place === '' ? 'the payload' : place}: ${message.replace(/\.$/, '')}`
}

function didYouMean(nearest: string | undefined): string {
  return nearest === undefined ? '' : ` (did you mean "${nearest}"?)`
}
