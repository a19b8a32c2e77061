/**
 * Writes messages, all of a transaction by one statement, unless they are too long for one.
 *
 * Invariant: their sequence follows the order they were told in.
 *
 * @module
 */
import { notifyRelays } from './desk/notify-relays.js'
import type { NewMessage } from './message.js'
import type { OutboxSettings } from './outbox-settings.js'
import type { OutboxConnection } from './sql/outbox-database.js'

/** A statement of MySQL has to fit into max_allowed_packet, 16 MiB as it comes, with up to four bytes for each character. */
const CHARACTERS_PER_STATEMENT = 4 * 2 ** 20

const TEXTS = {
  id: 'id',
  kind: 'kind',
  type: 'type',
  subject: 'subject',
  aggregate_type: 'aggregateType',
  aggregate_id: 'aggregateId',
  partition_key: 'partitionKey',
  payload: 'payload',
  headers: 'headers',
} as const satisfies Record<string, keyof NewMessage>

export async function storeMessages(
  connection: OutboxConnection,
  messages: readonly NewMessage[],
  settings: OutboxSettings,
): Promise<void> {
  if (messages.length === 0) return
  for (const some of portions(messages)) await insert(connection, some, settings)
  await notifyRelays(connection, settings)
}

function insert(connection: OutboxConnection, messages: readonly NewMessage[], settings: OutboxSettings): Promise<number> {
  return connection.insert('outbox_message', {
    constants: { source: settings.source },
    columns: [
      ...Object.entries(TEXTS).map(([name, property]) => ({ name, type: 'text' as const, values: messages.map((one) => one[property]) })),
      { name: 'slot', type: 'int', values: messages.map(({ slot }) => slot) },
      { name: 'occurred_at', type: 'bigint', values: messages.map(({ occurredAtMs }) => occurredAtMs) },
    ],
  })
}

/** Parts of the list, each short enough for a statement. */
function portions(messages: readonly NewMessage[]): readonly (readonly NewMessage[])[] {
  const parts: NewMessage[][] = []
  let length = Infinity
  for (const message of messages) {
    const more = message.payload.length + message.headers.length
    length += more
    if (length > CHARACTERS_PER_STATEMENT) {
      parts.push([])
      length = more
    }
    parts.at(-1)!.push(message)
  }
  return parts
}
