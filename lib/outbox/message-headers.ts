/**
 * What is stored of a context beside a payload, and what it is called in an event.
 *
 * Invariant: headers are texts, and none of them stands for an attribute that every event has.
 *
 * @module
 */
import { describeValue } from '../core/describe-value.js'
import { OutboxError } from '../core/errors.js'

/** Values are texts, so that nothing of a request but what was chosen gets out. */
export type MessageHeaders = Readonly<Record<string, string>>

const RESERVED = new Set([
  ...['specversion', 'id', 'source', 'type', 'subject', 'time', 'datacontenttype', 'dataschema', 'data', 'database64'],
  ...['partitionkey', 'sequence'],
])

/** Names of attributes are lower case letters and digits. Source: CloudEvents 1.0.2. */
export function attributeName(header: string): string {
  return header.toLowerCase().replace(/[^a-z0-9]/g, '')
}

/** @throws {OutboxError} OUTBOX_HEADER_INVALID */
export function checkedHeaders(name: string, given: unknown): MessageHeaders {
  const refuse = (header: string, current: unknown, wanted: string) =>
    new OutboxError('OUTBOX_HEADER_INVALID', { name, header, given: describeValue(current), wanted })
  if (typeof given !== 'object' || given === null || Array.isArray(given) || given instanceof Promise)
    throw refuse('headers', given, 'an object of texts, answered at once')
  const entries = Object.entries(given as Record<string, unknown>).filter(([, value]) => value !== undefined)
  for (const [header, value] of entries) {
    if (typeof value !== 'string') throw refuse(header, value, 'a text')
    const attribute = attributeName(header)
    if (attribute === '' || RESERVED.has(attribute)) throw refuse(header, value, 'another name: every event has an attribute of this one')
  }
  return Object.fromEntries(entries) as MessageHeaders
}
