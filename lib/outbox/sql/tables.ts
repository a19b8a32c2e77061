/**
 * The tables of an outbox: one list of columns, of which entities and migration are made.
 *
 * Knows no statement. Invariant: what the migration creates is what TypeORM would create from the entities.
 *
 * @module
 */
import { OutboxError } from '../../core/errors.js'
import { databaseFamilyOf, type DatabaseFamily } from '../../tables/database-family.js'
import type { OwnTable } from '../../tables/own-table.js'

export type TableName = 'outbox_message' | 'outbox_delivery' | 'outbox_slot' | 'outbox_relay' | 'inbox_message'

const SUBSCRIPTION = { name: 'subscription', kind: 100, isPrimary: true } as const

const TABLES: Readonly<Record<TableName, Omit<OwnTable, 'name'>>> = {
  outbox_message: {
    entity: 'OutboxMessage',
    columns: [
      { name: 'seq', kind: 'sequence', isPrimary: true },
      { name: 'id', kind: 36 },
      { name: 'kind', kind: 10 },
      { name: 'type', kind: 255 },
      { name: 'source', kind: 255 },
      { name: 'subject', kind: 255, isNullable: true },
      { name: 'aggregate_type', kind: 255, isNullable: true },
      { name: 'aggregate_id', kind: 255, isNullable: true },
      { name: 'partition_key', kind: 255, isNullable: true },
      { name: 'slot', kind: 'int' },
      { name: 'state', kind: 'smallint', default: 0 },
      { name: 'payload', kind: 'text' },
      { name: 'headers', kind: 'text' },
      { name: 'occurred_at', kind: 'bigint' },
      { name: 'done_at', kind: 'bigint', isNullable: true },
    ],
    indices: [
      { name: 'outbox_message_id', columns: ['id'], isUnique: true },
      { name: 'outbox_message_state', columns: ['state', 'seq'] },
    ],
  },
  outbox_delivery: {
    entity: 'OutboxDelivery',
    columns: [
      { name: 'message_seq', kind: 'bigint', isPrimary: true },
      SUBSCRIPTION,
      { name: 'slot', kind: 'int' },
      { name: 'partition_key', kind: 255, isNullable: true },
      { name: 'status', kind: 'smallint', default: 0 },
      { name: 'attempts', kind: 'int', default: 0 },
      { name: 'started', kind: 'int', default: 0 },
      { name: 'available_at', kind: 'bigint', default: 0 },
      { name: 'last_error', kind: 1000, isNullable: true },
      { name: 'updated_at', kind: 'bigint', default: 0 },
    ],
    indices: [
      { name: 'outbox_delivery_due', columns: ['subscription', 'status', 'message_seq'] },
      { name: 'outbox_delivery_key', columns: ['subscription', 'partition_key', 'message_seq'] },
    ],
  },
  outbox_slot: {
    entity: 'OutboxSlot',
    columns: [
      SUBSCRIPTION,
      { name: 'slot', kind: 'int', isPrimary: true },
      { name: 'owner', kind: 100, isNullable: true },
      { name: 'lease_until', kind: 'bigint', default: 0 },
      { name: 'epoch', kind: 'bigint', default: 0 },
    ],
    indices: [{ name: 'outbox_slot_owner', columns: ['owner'] }],
  },
  outbox_relay: {
    entity: 'OutboxRelay',
    columns: [
      { name: 'owner', kind: 100, isPrimary: true },
      { name: 'host', kind: 255 },
      { name: 'pid', kind: 'int' },
      { name: 'subscriptions', kind: 'text' },
      { name: 'started_at', kind: 'bigint' },
      { name: 'alive_until', kind: 'bigint' },
    ],
    indices: [],
  },
  inbox_message: {
    entity: 'InboxMessage',
    columns: [
      { name: 'consumer', kind: 100, isPrimary: true },
      { name: 'message_id', kind: 100, isPrimary: true },
      { name: 'processed_at', kind: 'bigint' },
    ],
    indices: [{ name: 'inbox_message_processed', columns: ['processed_at'] }],
  },
}

export const OUTBOX_TABLES: readonly OwnTable[] = Object.entries(TABLES).map(([name, table]) => ({ name, ...table }))

/** @throws {OutboxError} OUTBOX_DATABASE_UNSUPPORTED */
export function familyOf(type: string): DatabaseFamily {
  const family = databaseFamilyOf(type)
  if (family === undefined) throw new OutboxError('OUTBOX_DATABASE_UNSUPPORTED', { type })
  return family
}
