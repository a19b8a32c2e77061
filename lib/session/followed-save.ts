/**
 * What a save or remove by the session's own manager means for the entities the session knows.
 *
 * Invariant: such a row is not written again by the next flush, and a rollback finds what was known before.
 *
 * @module
 */
import type { EntityMap } from './entity-map.js'
import type { RowWritten } from './row-change.js'
import type { SessionWork } from './session-work.js'
import { baselineOf, pictureOf, type Tracked } from './tracked.js'
import type { Undoable } from './undo-log.js'

/** Takes over what was written. @returns The way back. */
export function followSaved(work: SessionWork, rows: readonly RowWritten[]): Undoable {
  const undo: (() => void)[] = []
  for (const row of rows) {
    const tracked = work.of(row.entity)
    if (tracked === undefined) continue
    if (row.kind === 'delete') followDelete(work, tracked, undo)
    else followWrite(work, tracked, undo)
  }
  return { undo: () => undo.reverse().forEach((step) => step()) }
}

function followDelete(work: SessionWork, tracked: Tracked, undo: (() => void)[]): void {
  work.becomeDeleted(tracked)
  undo.push(() => work.becomeManaged(tracked))
}

function followWrite(work: SessionWork, tracked: Tracked, undo: (() => void)[]): void {
  const { baseline, key, status, map, entity } = tracked
  const picture = pictureOf(map, entity)
  tracked.baseline = baselineOf(picture, keysOf(map, entity, baseline?.keys ?? []))
  tracked.key = map.keyOf(entity)
  work.becomeManaged(tracked)
  undo.push(() => {
    if (status === 'new') work.becomeNew(tracked, key)
    else tracked.baseline = baseline
  })
}

function keysOf(map: EntityMap, entity: object, known: readonly unknown[]) {
  return map.toOnes.map((relation, index) => {
    const target = relation.get(entity)
    return target === undefined ? (known[index] as ReturnType<typeof relation.keyOf>) : target === null ? null : relation.keyOf(target)
  })
}
