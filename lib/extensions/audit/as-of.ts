/**
 * How a row looked at an earlier time.
 *
 * Walks back from the present row through what was written since, then lets what was written until then have its say. Invariant: right after
 * a change a row looks as that change says, whatever was done since without being told; right also for rows that are older than the trail, as
 * far as every change since that time is in it.
 *
 * @module
 */
import type { EntityManager, EntityMetadata } from 'typeorm'
import type { RelationMetadata } from 'typeorm/metadata/RelationMetadata.js'
import type { JsonObject, JsonValue } from '../row-documents/json-value.js'
import { putAt } from '../row-documents/row-document.js'
import { keyJsonOf, storedKeyOf } from './audit-key.js'
import type { AuditPlan } from './audit-plan.js'
import { auditedChange, type AuditedChange } from './audited-change.js'
import { keyFromJson, metadataFor, namesOf, ownedCollections, presentState, type AuditedRow, type RowState } from './audited-row.js'
import { isSameValue, valueOrJson } from './same-stored.js'

/** A moment: the end of that millisecond, or right after that change. */
export type AuditMoment = Date | Pick<AuditedChange, 'sequence'>

/** The values by property path, nested; null where the row was not there. */
export async function stateAsOf(
  manager: EntityManager,
  row: AuditedRow,
  { plan, moment }: { readonly plan: AuditPlan; readonly moment: AuditMoment },
): Promise<Record<string, unknown> | null> {
  const isYetToCome = moment instanceof Date && moment.getTime() > Date.now()
  const present = await presentState(manager, row, plan) // first: a change that comes between the two reads is then walked back
  const key = present?.key ?? row.key
  const filter = { entities: namesOf(row.metadata, plan), key: storedKeyOf(key) }
  const trail = (await plan.store.read(manager, filter)).map(auditedChange)
  let state = present
  for (const change of trail) if (isAfter(change, moment)) state = before(change, state, { plan, key })
  const known = isYetToCome ? [] : trail.filter((change) => !isAfter(change, moment))
  const doubts: Doubt[] = []
  state = withKnown(known, state, { plan, key, doubts })
  for (const doubt of doubts) if (await wasDeleted(manager, doubt, { plan, moment })) doubt.takeBack()
  return state === undefined ? null : decoded(state, plan)
}

function isAfter({ sequence, at }: AuditedChange, moment: AuditMoment): boolean {
  return moment instanceof Date ? at.getTime() > moment.getTime() : sequence > moment.sequence
}

/** A row that was led to, as a change tells, and is not any more, as nobody has told: the database may have seen to that when that row went. */
interface Doubt {
  readonly target: EntityMetadata
  readonly key: string
  /** Of the change. */
  readonly sequence: number
  takeBack(): void
}

/** Whether the trail tells that the row went between the change and the moment. */
async function wasDeleted(
  manager: EntityManager,
  { target, key, sequence }: Doubt,
  { plan, moment }: { readonly plan: AuditPlan; readonly moment: AuditMoment },
): Promise<boolean> {
  const filter = { entities: namesOf(target, plan), key: storedKeyOf(key), afterSequence: sequence }
  const since = (await plan.store.read(manager, filter)).map(auditedChange)
  return since.some((change) => change.operation === 'delete' && !isAfter(change, moment))
}

interface Walk {
  readonly plan: AuditPlan
  readonly key: string
  readonly doubts?: Doubt[]
}

function emptyState({ entity }: AuditedChange, { plan, key }: Walk): RowState {
  return { metadata: metadataFor(plan, entity), key, values: new Map(), members: new Map() }
}

/** How the row looked before a change. What was changed was there, also where nobody has told how it came or went. */
function before(change: AuditedChange, state: RowState | undefined, walk: Walk): RowState | undefined {
  if (change.operation === 'insert') return undefined
  const start = change.operation === 'delete' || state === undefined ? emptyState(change, walk) : state
  for (const [path, { from }] of Object.entries(change.changes)) {
    if (from === undefined) start.values.delete(path)
    else start.values.set(path, from)
  }
  for (const { path, added, removed } of memberEdits(change, start, walk.plan)) {
    added.forEach((key) => setMember(start, { path, key, isMember: false }))
    removed.forEach((key) => setMember(start, { path, key, isMember: true }))
  }
  return start
}

/** The newest word on each value and member, until then, counts for more than what the present row and later changes let one think. */
function withKnown(known: readonly AuditedChange[], state: RowState | undefined, walk: Walk): RowState | undefined {
  const [last] = known
  if (last === undefined) return state
  if (last.operation === 'delete') return undefined
  const start = state ?? emptyState(last, walk)
  const settled = new Set<string>()
  const isFirst = (name: string) => settled.size < settled.add(name).size
  for (const change of known) {
    if (change.operation === 'delete') break // of a row that had this key before
    for (const [path, { to }] of Object.entries(change.changes)) {
      if (to === undefined || !isFirst(path)) continue
      const now = start.values.get(path)
      const part = walk.plan.classOf(start.metadata).partAt(path)
      if (now !== undefined && isSameValue(part, now, to)) continue
      start.values.set(path, to)
      const key = keyOfToOne(part?.part.relation, to)
      const target = part?.part.relation?.inverseEntityMetadata
      if (now !== undefined && key !== undefined)
        walk.doubts?.push({ target: target!, key, sequence: change.sequence, takeBack: () => start.values.set(path, now) })
    }
    for (const { path, added, removed, target } of memberEdits(change, start, walk.plan)) {
      for (const key of added) {
        if (!isFirst(`${path} ${key}`) || start.members.get(path)?.has(key) === true) continue
        setMember(start, { path, key, isMember: true })
        const takeBack = () => setMember(start, { path, key, isMember: false })
        walk.doubts?.push({ target, key, sequence: change.sequence, takeBack })
      }
      for (const key of removed) if (isFirst(`${path} ${key}`)) setMember(start, { path, key, isMember: false })
    }
    if (change.operation === 'insert') break
  }
  return start
}

/** Canonical JSON of the key of the row that a to-one leads to; undefined where it is not led to by its key. */
function keyOfToOne(relation: RelationMetadata | undefined, to: JsonValue): string | undefined {
  if (relation === undefined || to === null) return undefined
  const { inverseEntityMetadata: target, joinColumns } = relation
  const isByKey = joinColumns.every(({ referencedColumn }) => referencedColumn?.isPrimary === true)
  if (!isByKey || target.primaryColumns.some(({ embeddedMetadata }) => embeddedMetadata !== undefined)) return undefined
  return keyJsonOf(target, keyFromJson(target.primaryColumns, to as JsonObject))
}

interface MemberEdit {
  readonly path: string
  readonly target: EntityMetadata
  /** Keys as canonical JSON. */
  readonly added: readonly string[]
  readonly removed: readonly string[]
}

function memberEdits({ relations }: AuditedChange, { metadata }: RowState, plan: AuditPlan): readonly MemberEdit[] {
  return ownedCollections(metadata, plan).flatMap(({ propertyPath: path, inverseEntityMetadata: inverse }) => {
    const edit = relations[path]
    if (edit === undefined) return []
    const textOf = (key: JsonObject) => keyJsonOf(inverse, keyFromJson(inverse.primaryColumns, key))!
    return [{ path, target: inverse, added: edit.added.map(textOf), removed: edit.removed.map(textOf) }]
  })
}

function setMember(
  { members }: RowState,
  { path, key, isMember }: { readonly path: string; readonly key: string; readonly isMember: boolean },
): void {
  const keys = members.get(path) ?? new Set()
  if (isMember) keys.add(key)
  else keys.delete(key)
  members.set(path, keys)
}

function decoded({ metadata, key, values, members }: RowState, plan: AuditPlan): Record<string, unknown> {
  const result: Record<string, unknown> = keyFromJson(metadata.primaryColumns, JSON.parse(key) as JsonObject)
  for (const { path, part, isHashed } of plan.classOf(metadata).parts) {
    const json = values.get(path)
    if (json !== undefined && !isHashed) putAt(result, path, valueOrJson(part, json))
  }
  for (const relation of ownedCollections(metadata, plan)) {
    const keys = [...(members.get(relation.propertyPath) ?? [])].sort()
    const { primaryColumns } = relation.inverseEntityMetadata
    putAt(
      result,
      relation.propertyPath,
      keys.map((text) => keyFromJson(primaryColumns, JSON.parse(text) as JsonObject)),
    )
  }
  return result
}
