/**
 * What is around rows just before a flush changes them, as far as nobody could tell afterwards.
 *
 * Reads the database in the flush's transaction. Invariant: a flush that deletes nothing that is recorded, and moves no row whose former place
 * is unknown, costs no query.
 *
 * @module
 */
import type { EntityMetadata } from 'typeorm'
import type { EntityState, Session } from '../../mapper/session.js'
import type { RootClasses } from './root-classes.js'
import { isByKey, RowReader, rowIdOf, type ReadRow } from './row-reader.js'
import { isExactKey, rowsByKey } from './rows-by-key.js'

/** What was there before. */
export interface Former {
  /** The row itself, with the keys it held. */
  readonly row: ReadRow | undefined
  /** Roots that held the key of the row, or of another one that was deleted with it: the same list for all of one flush and class. */
  readonly around: readonly ReadRow[]
}

/** By {@link rowIdOf}. */
export type Formers = ReadonlyMap<string, Former>

/** Of a row that is written more than once: where it was at first, and what was around it at any time. */
export function merged(known: Former | undefined, { row, around }: Former): Former {
  if (known === undefined) return { row, around }
  const both = known.around.length > 0 && around.length > 0 ? [...known.around, ...around] : undefined
  return { row: known.row ?? row, around: both ?? (around.length > 0 ? around : known.around) }
}

interface Keys {
  readonly deleted: object[]
  readonly moved: object[]
}

/** Looks at what the running flush is about to write. */
export async function formersOf(session: Session, classes: RootClasses): Promise<Formers> {
  const found = new Map<string, Former>()
  for (const [metadata, { deleted, moved }] of keysIn(session, classes)) {
    const reader = new RowReader(session.manager)
    const isByOther = classes.fromRoots(metadata).some((relation) => !isByKey(relation))
    const isRead = classes.toRoots(metadata).length > 0 || isByOther || deleted.some((key) => !isExactKey(metadata, key as never))
    const keys = [...deleted, ...moved] as never[]
    const rows = isRead ? await rowsByKey(reader, metadata, keys) : new Map<string, ReadRow>()
    const known = isRead ? [...rows.values()].map(({ entity }) => entity) : deleted
    const around: ReadRow[] = []
    if (deleted.length > 0)
      for (const relation of classes.fromRoots(metadata)) for (const row of await reader.pointingAt(relation, known)) around.push(row)
    for (const key of keys) {
      const rowId = rowIdOf(metadata, key)
      found.set(rowId, { row: rows.get(rowId), around })
    }
  }
  return found
}

function keysIn(session: Session, classes: RootClasses): ReadonlyMap<EntityMetadata, Keys> {
  const keys = new Map<EntityMetadata, Keys>()
  const note = (entity: object, kind: keyof Keys, isMeant: (metadata: EntityMetadata, state: EntityState) => boolean) => {
    const state = session.state(entity)
    const metadata = classes.recorded(state.target)
    if (metadata === undefined || !isMeant(metadata, state)) return
    const known = keys.get(metadata) ?? { deleted: [], moved: [] }
    keys.set(metadata, known)
    known[kind].push(state.key as object)
  }
  const { deleted, dirty } = session.uow
  for (const entity of deleted)
    note(entity, 'deleted', (metadata, { key }) => {
      return classes.toRoots(metadata).length + classes.fromRoots(metadata).length > 0 || !isExactKey(metadata, key as never)
    })
  for (const entity of dirty) note(entity, 'moved', (metadata, state) => isMoved(state, metadata, classes))
  return keys
}

/** It gets another root, and what it had before was never read. */
function isMoved({ changes }: EntityState, metadata: EntityMetadata, classes: RootClasses): boolean {
  if (classes.isRoot(metadata)) return false
  const changed = changes as Readonly<Record<string, { readonly from: unknown } | undefined>>
  return classes
    .toRoots(metadata)
    .some(({ propertyPath }) => changed[propertyPath] !== undefined && changed[propertyPath].from === undefined)
}
