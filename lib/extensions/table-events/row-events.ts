/**
 * What became of rows, as Datasette's events.
 *
 * Knows no session and no listener. Invariant: an insert of any number of rows into one table is one event; other rows have one each, as
 * far as it is known which they are.
 *
 * @module
 */
import type { EntityMetadata } from 'typeorm'
import type { TableName } from '../../core/table-name.js'
import { DeleteRowEvent, InsertRowsEvent, UpdateRowEvent, UpsertRowsEvent, type RowImages } from '../../events/built-in-events.js'
import type { DomainEvent, EventActor } from '../../events/domain-event.js'
import type { BulkStatement } from '../../mapper/bulk-statement.js'
import type { Change } from '../../mapper/change.js'
import { memberKeysOf, pksOf, type MemberKeys } from './row-keys.js'

export interface Telling {
  readonly actor: EventActor
  /** Whether events carry old and new values. */
  readonly withChanges: boolean
  /** The table of a class. */
  nameOf(target: Change['target']): TableName
  metadataOf(target: Change['target']): EntityMetadata
}

/** One row, and what of its to-many relations has changed. */
interface RowTold extends RowImages {
  readonly relations?: MemberKeys
}

/** What a flush has written, in its order: the rows inserted into one table are told with the first of them. */
export function eventsOfRows(changes: readonly Change[], telling: Telling): DomainEvent[] {
  const steps = new Map<object | string, Change[]>()
  for (const change of changes) {
    const { database, table } = telling.nameOf(change.target)
    const step = change.kind === 'insert' ? `${database} ${table}` : change
    const rows = steps.get(step)
    if (rows === undefined) steps.set(step, [change])
    else rows.push(change)
  }
  return [...steps.values()].map((rows) => (rows[0]!.kind === 'insert' ? inserted(rows, telling) : oneRow(rows[0]!, telling)))
}

function inserted(rows: readonly Change[], telling: Telling): DomainEvent {
  const common = { ...telling.nameOf(rows[0]!.target), actor: telling.actor, ...images(rows, telling) }
  return new InsertRowsEvent({ ...common, num_rows: rows.length, ignore: false, replace: false })
}

function oneRow(change: Change, telling: Telling): DomainEvent {
  const type = change.kind === 'delete' ? DeleteRowEvent : UpdateRowEvent
  return new type({ ...telling.nameOf(change.target), actor: telling.actor, pks: pksOf(change.key), ...images([change], telling) })
}

function images(changes: readonly Change[], { withChanges, metadataOf }: Telling): { readonly changes?: readonly RowTold[] } {
  if (!withChanges) return {}
  return {
    changes: changes.map((change) => {
      const { key, before, after } = change
      const relations = memberKeysOf(change, metadataOf(change.target))
      return { key, before, after, ...(relations === undefined ? {} : { relations }) }
    }),
  }
}

/**
 * What a statement by query has done. Inserted rows are counted as they were asked for, whatever became of them.
 *
 * @param keys The keys its criteria name, if they do.
 */
export function eventsOfBulk(statement: BulkStatement, telling: Telling, keys: readonly string[][] | undefined): DomainEvent[] {
  const { kind, orIgnore, orUpdate, changes } = statement
  const common = { ...telling.nameOf(statement.target), actor: telling.actor }
  if (kind === 'insert' || kind === 'upsert') {
    const num_rows = rowsAskedFor(statement)
    if (num_rows === 0) return []
    const rows = { ...common, num_rows, ...(changes === undefined ? {} : images(changes, telling)) }
    return [
      kind === 'insert' || orUpdate ? new InsertRowsEvent({ ...rows, ignore: orIgnore, replace: orUpdate }) : new UpsertRowsEvent(rows),
    ]
  }
  if (changes !== undefined) return changes.map((change) => oneRow(change, telling))
  if (statement.affected === 0) return []
  const type = kind === 'delete' ? DeleteRowEvent : UpdateRowEvent
  const isCertain = keys !== undefined && keys.length === (statement.affected ?? 1)
  return (isCertain ? keys : [[]]).map((pks) => new type({ ...common, pks }))
}

function rowsAskedFor({ values, affected }: BulkStatement): number {
  if (values === undefined) return affected ?? 0
  return Array.isArray(values) ? values.length : 1
}
