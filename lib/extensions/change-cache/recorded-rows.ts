/**
 * From the net changes of a transaction to the rows of its record.
 *
 * Reads the database, in the transaction the reader was made for, and writes nothing. Invariant: a row is listed once; what is told of a row
 * is what the database has, not what an object says; a row that cannot be found is told.
 *
 * @module
 */
import type { EntityMetadata } from 'typeorm'
import type { RelationMetadata } from 'typeorm/metadata/RelationMetadata.js'
import { groupBy } from '../../core/group-by.js'
import type { Change } from '../../mapper/change.js'
import { titleOf } from '../data-folder/title.js'
import { jsonOfKey, keyColumnsOf, putAt, sorted, type RowDocument } from '../row-documents/row-document.js'
import type { CreatedRow, DeletedRow, RecordedRow, RecordedRows } from './change-record.js'
import type { Formers } from './before-write.js'
import type { RootClasses } from './root-classes.js'
import { isByKey, keyTextOfKey, rowIdOf, type ReadRow, type RowReader } from './row-reader.js'
import { isExactKey, rowsByKey } from './rows-by-key.js'

export interface RecordParts {
  readonly classes: RootClasses
  readonly reader: RowReader
  /** Whether roots around a changed root are listed as well. */
  readonly withNeighbours: boolean
  readonly formers: Formers
  /** Deletions of rows that came back later in the transaction, maybe as ones of another class. */
  readonly deletions: readonly Change[]
  /** Told of each new row that is not found by its key, unless it must have been deleted since. */
  readonly missing: (row: DeletedRow) => void
}

/** A change of a class that is recorded. */
interface Meant {
  readonly change: Change
  readonly metadata: EntityMetadata
  readonly rowId: string
}

/** Rows that have to be asked for, together with all others that are asked for in the same way. */
interface Lookup {
  readonly find: (keys: readonly object[]) => Promise<ReadRow[]>
  readonly keys: object[]
}

/** @returns Undefined where there is nothing to tell. */
export async function recordedRows(changes: readonly Change[], parts: RecordParts): Promise<RecordedRows | undefined> {
  const { classes } = parts
  const meant = changes.flatMap((change) => meantBy(change, classes))
  if (meant.length === 0) return undefined
  const own = await readOwn(meant, parts)
  const roots = ({ metadata }: { readonly metadata: EntityMetadata }) => classes.isRoot(metadata)
  const gone = goneBy(meant, own, parts)
  const created = [...byRowId(rowsOf(meant, own, ({ kind }) => kind === 'insert')).values()]
  const updated = new Map(
    rowsOf(meant, own, ({ kind }) => kind !== 'insert')
      .filter(roots)
      .map((row) => [row.rowId, row]),
  )
  const isCreated = new Set(created.map(({ rowId }) => rowId))
  const around = await readAround(meant, own, parts)
  for (const row of around.found.filter(roots)) if (!isCreated.has(row.rowId) && !updated.has(row.rowId)) updated.set(row.rowId, row)
  for (const { rowId } of updated.values()) gone.delete(rowId)
  for (const row of around.gone) if (!gone.has(row.rowId)) gone.set(row.rowId, row)
  const deleted = [...[...gone.values()].filter(roots).map(deletedRow), ...formerClasses(own, parts)]
  const documents = await withNested([...created, ...updated.values()], parts)
  const record = {
    created: created.map((row): CreatedRow => ({ ...rowOf(row, documents), is_root: classes.isRoot(row.metadata) })),
    updated: [...updated.values()].map((row) => rowOf(row, documents)),
    deleted,
  }
  return record.created.length + record.updated.length + record.deleted.length === 0 ? undefined : record
}

function meantBy(change: Change, classes: RootClasses): readonly Meant[] {
  const metadata = classes.recorded(change.target)
  return metadata === undefined ? [] : [{ change, metadata, rowId: rowIdOf(metadata, change.key as never) }]
}

function rowsOf(meant: readonly Meant[], own: ReadonlyMap<string, ReadRow>, isWanted: (change: Change) => boolean): readonly ReadRow[] {
  return meant.flatMap(({ change, rowId }) => (isWanted(change) ? (own.get(rowId) ?? []) : []))
}

/** What is not there any more, by what it was read as, as far as it was: also what was updated, and deleted by the database then. */
function goneBy(
  meant: readonly Meant[],
  own: ReadonlyMap<string, ReadRow>,
  { formers, missing }: RecordParts,
): Map<string, Meant | ReadRow> {
  const gone = new Map<string, Meant | ReadRow>()
  for (const one of meant) {
    if (one.change.kind !== 'delete' && own.has(one.rowId)) continue
    if (one.change.kind === 'insert' && !isExactKey(one.metadata, one.change.key as never)) missing(deletedRow(one))
    const former = formers.get(one.rowId)?.row
    if (one.change.kind !== 'insert') gone.set(former?.rowId ?? one.rowId, former ?? one)
  }
  return gone
}

/** Of rows that were deleted and came back as ones of another class: what they were, which has a file of its own. */
function formerClasses(own: ReadonlyMap<string, ReadRow>, { classes, deletions }: RecordParts): readonly DeletedRow[] {
  const found = new Map<string, DeletedRow>()
  for (const one of deletions.flatMap((change) => meantBy(change, classes))) {
    const row = own.get(one.rowId)
    if (row === undefined || row.metadata === one.metadata || !classes.isRoot(one.metadata)) continue
    found.set(`${one.metadata.name} ${row.keyText}`, { model: one.metadata.name, id: row.keyText })
  }
  return [...found.values()]
}

function deletedRow(row: Meant | ReadRow): DeletedRow {
  const id = 'keyText' in row ? row.keyText : keyTextOfKey(row.metadata, row.change.key as never)
  return { model: row.metadata.name, id }
}

function rowOf({ metadata, keyText, document, rowId }: ReadRow, documents: ReadonlyMap<string, RowDocument>): RecordedRow {
  return { model: metadata.name, id: keyText, obj_as_str: titleOf(metadata, document), data: documents.get(rowId) ?? document }
}

/** The rows that were written and are still there, by {@link rowIdOf} of the keys that the changes have. */
async function readOwn(meant: readonly Meant[], { reader }: RecordParts): Promise<ReadonlyMap<string, ReadRow>> {
  const left = meant.filter(({ change }) => change.kind !== 'delete')
  const found = new Map<string, ReadRow>()
  for (const [metadata, group] of groupBy(left, (one) => one.metadata)) {
    const keys = group.map(({ change }) => change.key as never)
    for (const [rowId, row] of await rowsByKey(reader, metadata, keys)) found.set(rowId, row)
  }
  return found
}

interface Around {
  readonly found: readonly ReadRow[]
  /** Rows that were there before a delete and went with it. */
  readonly gone: readonly ReadRow[]
}

/** The rows one relation away, to-ones of before and after, and those that hold the key of a changed row. */
async function readAround(meant: readonly Meant[], own: ReadonlyMap<string, ReadRow>, parts: RecordParts): Promise<Around> {
  const { classes, reader, formers } = parts
  const lookups = new Map<unknown, Lookup>()
  const batches = new Set<readonly ReadRow[]>()
  for (const { change, metadata, rowId } of meant.filter((one) => looksAround(one, parts))) {
    for (const relation of classes.toRoots(metadata)) {
      const keys = toOneKeys(relation, change, [own.get(rowId), formers.get(rowId)?.row])
      if (keys.length > 0) toOneLookup(lookups, relation, reader).keys.push(...keys)
    }
    if (change.kind === 'delete') batches.add(formers.get(rowId)?.around ?? [])
    else if (change.kind !== 'insert')
      for (const relation of classes.fromRoots(metadata))
        lookup(lookups, relation, (keys) => reader.pointingAt(relation, keys)).keys.push(own.get(rowId)?.entity ?? (change.key as object))
  }
  const before = [...batches].flat()
  for (const { metadata, entity } of before) lookup(lookups, metadata, (keys) => reader.withKeys(metadata, keys)).keys.push(entity)
  const found = await askAll(lookups)
  const isFound = byRowId(found)
  return { found, gone: [...byRowId(before).values()].filter(({ rowId }) => !isFound.has(rowId)) }
}

/** A row that is created is seen by others only where it is part of their documents. */
function looksAround({ change: { kind }, metadata }: Meant, { classes, withNeighbours }: RecordParts): boolean {
  return !classes.isRoot(metadata) || kind === 'delete' || (withNeighbours && kind !== 'insert')
}

function toOneKeys(relation: RelationMetadata, { before, after }: Change, rows: readonly (ReadRow | undefined)[]): readonly object[] {
  const path = relation.propertyPath
  const keys: readonly unknown[] = [
    (before as Readonly<Record<string, unknown>> | null)?.[path],
    (after as Readonly<Record<string, unknown>> | null)?.[path],
    ...rows.map((row) => (row === undefined ? undefined : (relation.getEntityValue(row.entity) as unknown))),
  ]
  return keys.filter((key): key is object => typeof key === 'object' && key !== null)
}

function toOneLookup(lookups: Map<unknown, Lookup>, relation: RelationMetadata, reader: RowReader): Lookup {
  const { inverseEntityMetadata: other } = relation
  return isByKey(relation)
    ? lookup(lookups, other, (keys) => reader.withKeys(other, keys))
    : lookup(lookups, relation, (keys) => reader.withKeys(other, keys, keyColumnsOf(relation)))
}

function lookup<K>(lookups: Map<K, Lookup>, by: K, find: Lookup['find']): Lookup {
  let found = lookups.get(by)
  if (found === undefined) lookups.set(by, (found = { find, keys: [] }))
  return found
}

async function askAll(lookups: ReadonlyMap<unknown, Lookup>): Promise<readonly ReadRow[]> {
  const found: ReadRow[] = []
  for (const { find, keys } of lookups.values()) for (const row of await find(keys)) found.push(row)
  return found
}

function byRowId(rows: readonly ReadRow[]): ReadonlyMap<string, ReadRow> {
  return new Map(rows.map((row) => [row.rowId, row]))
}

/** Documents of roots with the rows that are no roots, by {@link ReadRow.rowId}; others keep their own. */
async function withNested(rows: readonly ReadRow[], { classes, reader }: RecordParts): Promise<ReadonlyMap<string, RowDocument>> {
  const holders = rows.filter(({ metadata }) => classes.isRoot(metadata) && classes.nestedIn(metadata).length > 0)
  const documents = new Map<string, RowDocument>()
  for (const [metadata, roots] of groupBy(holders, (row) => row.metadata)) {
    const lists: (readonly [RelationMetadata, ListOf])[] = []
    for (const relation of classes.nestedIn(metadata)) lists.push([relation, await nested(relation, roots, reader)])
    for (const root of roots) {
      const document: Record<string, unknown> = structuredClone(root.document)
      for (const [{ propertyPath, isOneToMany }, listOf] of lists) {
        const rows = listOf(root)
        putAt(document, propertyPath, isOneToMany ? rows : (rows[0] ?? null))
      }
      documents.set(root.rowId, sorted(document as RowDocument) as RowDocument)
    }
  }
  return documents
}

type ListOf = (root: ReadRow) => readonly RowDocument[]

async function nested({ inverseRelation }: RelationMetadata, roots: readonly ReadRow[], reader: RowReader): Promise<ListOf> {
  const back = inverseRelation!
  const children = await reader.pointingAt(
    back,
    roots.map(({ entity }) => entity),
  )
  const byParent = groupBy(children, (child) => JSON.stringify(jsonOfKey(back, back.getEntityValue(child.entity))))
  return ({ entity }) => {
    const own = byParent.get(JSON.stringify(jsonOfKey(back, entity))) ?? []
    return own.sort((a, b) => compare(a, b)).map(({ document }) => document)
  }
}

/** Numbers by their value, texts as they are. */
function compare({ keyText: a }: ReadRow, { keyText: b }: ReadRow): number {
  const [first, second] = [Number(a), Number(b)]
  if (Number.isFinite(first) && Number.isFinite(second) && first !== second) return first - second
  return a < b ? -1 : 1
}
