/**
 * Which of a validator's issues are failures of this write.
 *
 * Knows entities by their mapping and state. Invariant: what the write itself sets is always counted.
 *
 * @module
 */
import type { EntityMetadata } from 'typeorm'
import type { ColumnMetadata } from 'typeorm/metadata/ColumnMetadata.js'
import { isThenable } from '../../core/run-in-order.js'
import type { EntityState } from '../../mapper/session.js'
import type { Check, Issue, Verdict } from './check.js'
import { isPending, partsOf, subjectOfRow, valueOf, type Part, type Subject } from './subject.js'

/** One entity that is about to be written. */
export interface Candidate {
  readonly entity: object
  readonly state: EntityState
  readonly metadata: EntityMetadata
  readonly isNew: boolean
  readonly checks: readonly Check[]
  readonly subject: Subject
}

/** One after another, so that checks which query share the session's connection in order. */
export async function verdictsOf(checks: readonly Check[], subject: Subject): Promise<readonly Verdict[]> {
  const verdicts: Verdict[] = []
  for (const check of checks) {
    const verdict = check(subject)
    verdicts.push(isThenable(verdict) ? await verdict : verdict)
  }
  return verdicts
}

/** Those that are failures. */
export async function countedIssues(candidate: Candidate, issues: readonly Issue[]): Promise<readonly Issue[]> {
  const places = issues.map((issue) => [issue, placeOf(candidate, issue.path)] as const)
  if (!places.some(([, place]) => place === 'in the row')) return issuesAt(places, () => true)
  const before = await verdictsOf(candidate.checks, subjectOfRow(candidate.metadata, candidate.state))
  const known = new Set(before.flatMap((verdict) => verdict.issues).map(textOf))
  return issuesAt(places, (issue) => !known.has(textOf(issue)))
}

function issuesAt(places: readonly (readonly [Issue, Place])[], isNew: (issue: Issue) => boolean): readonly Issue[] {
  return places.filter(([issue, place]) => place === 'written' || (place === 'in the row' && isNew(issue))).map(([issue]) => issue)
}

function textOf({ path, message }: Issue): string {
  return JSON.stringify([path, message])
}

/**
 * - `written`: set on the entity, or about the whole of it · `in the row`: not on the entity, and as it was read for this write
 * - `elsewhere`: unknown, or filled in by somebody else
 */
type Place = 'written' | 'in the row' | 'elsewhere'

function placeOf({ entity, state, metadata, isNew }: Candidate, path: readonly string[]): Place {
  if (path.length === 0) return 'written'
  const part = partAt(metadata, path)
  if (part === undefined) return isNew || (entity as Record<string, unknown>)[path[0]!] !== undefined ? 'written' : 'elsewhere'
  if (valueOf(part, entity) !== undefined) return 'written'
  if (isPending(part, entity) || (isNew && isFilledIn(part))) return 'elsewhere'
  if (isNew || state.changed(part.path as never)) return 'written'
  return (state.original as Readonly<Record<string, unknown>>)[part.path] === undefined ? 'elsewhere' : 'in the row'
}

/** The column or relation an issue is about, also where it is about something inside of its value. */
function partAt(metadata: EntityMetadata, path: readonly string[]): Part | undefined {
  const parts = partsOf(metadata)
  for (let length = path.length; length > 0; length--) {
    const part = parts.get(path.slice(0, length).join('.'))
    if (part !== undefined) return part
  }
  return undefined
}

/** A foreign key may be given by a collection of the other row, or be that of a row of the same flush. */
function isFilledIn({ column, relation }: Part): boolean {
  return relation !== undefined || column!.relationMetadata !== undefined || isMadeByDatabase(column!)
}

function isMadeByDatabase(column: ColumnMetadata): boolean {
  const { isGenerated, generatedIdentity, isCreateDate, isUpdateDate, isVersion, isTreeLevel, asExpression } = column
  return (
    isGenerated ||
    generatedIdentity !== undefined ||
    isCreateDate ||
    isUpdateDate ||
    isVersion ||
    isTreeLevel ||
    asExpression !== undefined ||
    (column.default !== undefined && column.default !== null)
  )
}
