/**
 * A message as it is stored, and as the event it stands for.
 *
 * Knows no connection. Invariant: an event that is read back tells what was recorded.
 *
 * @module
 */
import type { Context } from '../core/context.js'
import { OutboxError } from '../core/errors.js'
import type { CloudEvent } from './cloud-event.js'
import { attributeName, type MessageHeaders } from './message-headers.js'
import { PermanentError } from './permanent-error.js'
import type { Row } from './sql/outbox-database.js'

/** A message before it has its sequence. */
export interface NewMessage {
  readonly id: string
  readonly kind: 'tracked' | 'triggered'
  readonly type: string
  readonly subject: string | null
  readonly aggregateType: string | null
  readonly aggregateId: string | null
  readonly partitionKey: string | null
  readonly slot: number
  readonly payload: string
  readonly headers: string
  readonly occurredAtMs: number
}

export interface OutboxMessage {
  readonly seq: number
  readonly id: string
  readonly kind: 'tracked' | 'triggered'
  readonly type: string
  readonly slot: number
  readonly partitionKey: string | null
  readonly row: Row
}

/** The columns a message is read with. */
export const MESSAGE_COLUMNS = 'seq, id, kind, type, source, subject, partition_key, slot, payload, headers, occurred_at'

export function messageOf(row: Row): OutboxMessage {
  return {
    seq: sequenceOf(row),
    id: String(row['id']),
    kind: row['kind'] === 'tracked' ? 'tracked' : 'triggered',
    type: String(row['type']),
    slot: Number(row['slot']),
    partitionKey: textOrNull(row['partition_key']),
    row,
  }
}

/** The event, made anew for each that is handed it, so that nobody sees what others do to it. */
export function cloudEventOf({ seq, id, type, partitionKey, row }: OutboxMessage): CloudEvent {
  const subject = textOrNull(row['subject'])
  return {
    ...attributesOf(headersOf(row)),
    specversion: '1.0',
    id,
    source: String(row['source']),
    type,
    ...(subject !== null && { subject }),
    time: new Date(Number(row['occurred_at'])).toISOString(),
    datacontenttype: 'application/json',
    ...(partitionKey !== null && { partitionkey: partitionKey }),
    sequence: String(seq).padStart(20, '0'),
    data: jsonIn(row, 'payload'),
  }
}

function attributesOf(headers: MessageHeaders): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [attributeName(name), value]))
}

export function headersOf(row: Row): MessageHeaders {
  return jsonIn(row, 'headers') as MessageHeaders
}

/** What the parser says would show a part of the text. */
function jsonIn(row: Row, column: 'payload' | 'headers'): unknown {
  try {
    return JSON.parse(String(row[column]))
  } catch {
    const cause = new OutboxError('OUTBOX_MESSAGE_UNREADABLE', { id: String(row['id']), column })
    throw new PermanentError(cause.message, { cause })
  }
}

/** The context a handler runs in: what was chosen to be stored of the one the event was told in. */
export function contextOf(message: OutboxMessage): Context {
  return headersOf(message.row) as Context
}

export function sequenceOf(row: Row): number {
  return Number(row['seq'])
}

function textOrNull(value: unknown): string | null {
  return value === null || value === undefined ? null : String(value)
}
