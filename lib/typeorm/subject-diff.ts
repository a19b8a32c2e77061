/**
 * What differs between an entity and the row TypeORM read for it.
 *
 * Uses TypeORM's own comparison, so that flushpoint and the SQL never disagree. Invariant: asking never changes the subject.
 *
 * @module
 */
import { isDeepStrictEqual } from 'node:util'
import { keyText, type Image } from '../session/entity-map.js'
import { entityMapOf, relationKeyOf } from './entity-maps.js'
import type { ColumnMetadata, Executor, Internals, Subject } from './internals.js'

/** The paths of own columns and owning relations whose value is another than in the database. */
export function changedPathsOf(subject: Subject, internals: Internals): string[] {
  const { entity, databaseEntity, metadata } = subject
  if (entity === undefined || databaseEntity === undefined) return []
  const shadow = { entity, databaseEntity, metadata, changeMaps: [] as { column: ColumnMetadata }[], diffColumns: [], diffRelations: [] }
  new internals.SubjectChangedColumnsComputer().computeDiffColumns(shadow)
  const known = entityMapOf(metadata).paths
  const columns = shadow.changeMaps
    .map(({ column }) => column)
    .filter((column) => known.has(column.propertyPath) && !isFalseDiff(subject, column))
  const relations = metadata.relationsWithJoinColumns.filter((relation) => {
    const now = relationKeyOf(relation, entity)
    if (now === undefined) return relation.getEntityValue(entity) !== undefined
    return !sameKey(now, relationKeyOf(relation, databaseEntity))
  })
  return [...columns.map((column) => column.propertyPath), ...relations.map((relation) => relation.propertyPath)]
}

/**
 * Whether TypeORM takes a column for changed only because it compared a transformed value with an untransformed one,
 * as 0.3 does for date columns with a transformer (typeorm issues 5967, 2703; fixed in 1.0).
 */
export function isFalseDiff(subject: Subject, column: ColumnMetadata): boolean {
  if (column.transformer === undefined || subject.entity === undefined || subject.databaseEntity === undefined) return false
  return isDeepStrictEqual(column.getEntityValue(subject.entity, true), column.getEntityValue(subject.databaseEntity, true))
}

/** An empty relation that is set to nothing: TypeORM compares null with null as different. */
function isEmptyToEmpty(subject: Subject, { relation, value }: Subject['changeMaps'][number]): boolean {
  if (relation === undefined || value !== null || subject.databaseEntity === undefined || subject.entity === undefined) return false
  return (relationKeyOf(relation, subject.databaseEntity) ?? null) === null
}

/** Takes false diffs out of what an executor will write. */
export function dropFalseDiffs(executor: Executor): void {
  let dropped = false
  for (const subject of executor.updateSubjects) {
    const kept = subject.changeMaps.filter((map) =>
      map.column === undefined ? !isEmptyToEmpty(subject, map) : !isFalseDiff(subject, map.column),
    )
    if (kept.length === subject.changeMaps.length) continue
    dropped = true
    subject.changeMaps = kept
    subject.diffColumns = subject.diffColumns.filter((column) => kept.some((map) => map.column === column))
    subject.diffRelations = subject.diffRelations.filter((relation) => kept.some((map) => map.relation === relation))
  }
  if (!dropped) return
  executor.updateSubjects = executor.updateSubjects.filter((subject) => subject.mustBeUpdated)
  const { insertSubjects, updateSubjects, removeSubjects, softRemoveSubjects, recoverSubjects } = executor
  executor.hasExecutableOperations = [insertSubjects, updateSubjects, removeSubjects, softRemoveSubjects, recoverSubjects].some(
    (list) => list.length > 0,
  )
}

/** Whether two keys name the same row; numbers and bigints compare with their text, as drivers return either. */
export function sameKey(a: unknown, b: unknown): boolean {
  return a === b || keyText(a) === keyText(b)
}

/** `{ title: { from, to } }` for these paths. */
export function changesFrom(paths: readonly string[], before: Image, after: Image): Image {
  return Object.freeze(Object.fromEntries(paths.map((path) => [path, Object.freeze({ from: before[path], to: after[path] })])))
}
