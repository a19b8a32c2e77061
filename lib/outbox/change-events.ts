/**
 * Net changes of entities as events.
 *
 * Knows no message. Invariant: one event for each change, named by the table and what was done to the row; nothing in it but what is to be told,
 * in a form that can be stored.
 *
 * @module
 */
import { createHash } from 'node:crypto'
import type { EntityMetadata } from 'typeorm'
import { tableNameOf, type ConnectionNames } from '../core/table-name.js'
import type { KeptEvent } from '../events/event-keeper.js'
import type { Change, RelationChange } from '../mapper/change.js'
import type { Session } from '../mapper/session.js'
import type { ToldColumns } from './change-columns.js'
import type { OutboxSettings } from './outbox-settings.js'
import { isStorable } from './partition-key.js'
import { plainValues } from '../core/plain-values.js'

type Values = Readonly<Record<string, unknown>>

/**
 * What an event about a change tells: values as JSON has them. A set is a list, a map a list of pairs, a bigint a text, bytes are base64; what has
 * no such form is null. Columns with `select: false` are left out.
 */
export interface ChangePayload {
  /** The row's key, as one text, for the order of its events; its digest (SHA-256) where it is too long for one. */
  readonly id: string
  readonly key: Readonly<Record<string, unknown>>
  readonly before: Readonly<Record<string, unknown>> | null
  readonly after: Readonly<Record<string, unknown>> | null
  readonly changes: Readonly<Record<string, { readonly from?: unknown; readonly to?: unknown }>>
  /** Of to-many relations: the keys of members that came and went. */
  readonly relations: Readonly<Record<string, { readonly added: readonly unknown[]; readonly removed: readonly unknown[] }>>
}

/** @throws {ConfigurationError} OPTION_INVALID when `changes` names columns that are none. */
export function changeEvents(changes: readonly Change[], session: Session, settings: OutboxSettings): readonly KeptEvent[] {
  return changes.flatMap((change) => eventOf(change, session, settings) ?? [])
}

function eventOf(change: Change, { dataSource, context }: Session, settings: OutboxSettings): KeptEvent | undefined {
  const metadata = dataSource.getMetadata(change.target)
  const told = settings.changes.of(metadata)
  if (told === undefined || !hasReason(change, told)) return undefined
  const { table } = tableNameOf(metadata, dataSource.driver as unknown as ConnectionNames)
  const key = plainValues(change.key)
  return {
    kind: 'tracked',
    name: `${table}.${change.kind}`,
    payload: { id: keyText(table, key), key, ...valuesOf(change, told), relations: relationsOf(change, told, metadata) },
    createdMs: Date.now(),
    context,
  }
}

/** That a row came, went, or has another value that is told. */
function hasReason({ kind, changes, relations }: Change, told: ToldColumns): boolean {
  return kind !== 'update' || [...Object.keys(changes as Values), ...Object.keys(relations)].some((path) => told.isReason(path))
}

function valuesOf({ before, after, changes }: Change, told: ToldColumns): Pick<ChangePayload, 'before' | 'after' | 'changes'> {
  const pairs = Object.entries(toldOnes(changes as Values, told)).map(([path, pair]) => [path, plainValues(pair as object)])
  return {
    before: before === null ? null : plainValues(toldOnes(before as Values, told)),
    after: after === null ? null : plainValues(toldOnes(after as Values, told)),
    changes: Object.fromEntries(pairs) as ChangePayload['changes'],
  }
}

function relationsOf({ relations }: Change, told: ToldColumns, metadata: EntityMetadata): ChangePayload['relations'] {
  const entries = Object.entries(toldOnes(relations as Readonly<Record<string, RelationChange>>, told))
  return Object.fromEntries(
    entries.map(([path, { added, removed }]) => [path, { added: keysOf(added, path, metadata), removed: keysOf(removed, path, metadata) }]),
  )
}

function toldOnes<T>(values: Readonly<Record<string, T>>, told: ToldColumns): Record<string, T> {
  return Object.fromEntries(Object.entries(values).filter(([path]) => told.isTold(path)))
}

/** Members may be of any class, or of none: the relation knows what their key is. */
function keysOf(members: readonly object[], path: string, metadata: EntityMetadata): readonly Values[] {
  const target = metadata.findRelationWithPropertyPath(path)?.inverseEntityMetadata
  return members.map((member) => plainValues(target?.getEntityIdMap(member) ?? {}))
}

/** One text for each row of a table; what would fit no column is told by its digest. */
function keyText(table: string, key: Values): string {
  const text = Object.values(key).map(textOf).join('/')
  return isStorable(`${table}:${text}`) ? text : createHash('sha256').update(text).digest('hex')
}

function textOf(value: unknown): string {
  return typeof value === 'object' ? JSON.stringify(value) : String(value)
}
