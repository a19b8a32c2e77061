/**
 * Takes one change of an audit trail back.
 *
 * Decides what has to become of the row, and whether it may; how it is written is the {@link RowDoor}'s. Invariant: nothing is written before
 * everything was checked, and nothing that was changed since is overwritten unless that was asked for.
 *
 * @module
 */
import type { EntityMetadata } from 'typeorm'
import type { RelationMetadata } from 'typeorm/metadata/RelationMetadata.js'
import { DataError, hasErrorCode } from '../../core/errors.js'
import type { Session } from '../../mapper/session.js'
import type { JsonObject, JsonValue } from '../row-documents/json-value.js'
import { putAt, valueOfJson } from '../row-documents/row-document.js'
import { keyJsonOf, storedKeyOf } from './audit-key.js'
import { auditRowsOf } from './audit-rows.js'
import type { AuditPlan } from './audit-plan.js'
import { auditedChange, type AuditedChange } from './audited-change.js'
import type { AuditedPart } from './audited-class.js'
import { keyFromJson, namesOf, presentState, rowOfChange, type AuditedRow } from './audited-row.js'
import { isSameValue } from './same-stored.js'
import { rowDoorOf, type RowDoor } from './row-door.js'

export interface RevertOptions {
  /**
   * Overwrites what was changed since, goes on without members that are gone, and brings a deleted row back without the values that the trail
   * does not hold. @defaultValue `false`
   */
  readonly force?: boolean
}

interface Reverting {
  readonly session: Session
  readonly plan: AuditPlan
  readonly change: AuditedChange
  readonly row: AuditedRow
  readonly door: RowDoor
  readonly isForced: boolean
}

/** A property with the value it is to have again. */
interface Restored {
  readonly part: AuditedPart
  readonly json: JsonValue
}

/** @throws {DataError} AUDIT_REVERT_… */
export async function revertChange(
  session: Session,
  change: AuditedChange,
  { plan, force }: { readonly plan: AuditPlan; readonly force: boolean },
): Promise<void> {
  const row = rowOfChange(plan, change)
  const reverting: Reverting = { session, plan, change, row, door: rowDoorOf(session), isForced: force }
  await reverting.door.settle() // what is pending counts as changed since
  return change.operation === 'delete' ? bringBack(reverting) : takeBack(reverting)
}

/** The deletion of a row. */
async function bringBack(reverting: Reverting): Promise<void> {
  const { session, plan, change, row, door, isForced } = reverting
  if ((await presentState(session.manager, row, plan)) !== undefined) throw refusal('AUDIT_REVERT_ROW_EXISTS', reverting)
  if (!door.keepsKeys && row.metadata.primaryColumns.some(({ isGenerated }) => isGenerated))
    throw refusal('AUDIT_REVERT_NEEDS_SESSION', reverting)
  const audited = plan.classOf(row.metadata)
  const unknown = audited.parts.filter(({ path, isHashed }) => !isHashed && change.changes[path]?.from === undefined)
  const missing = [...audited.withheld, ...unknown.filter(({ part }) => part.column?.asExpression === undefined).map(({ path }) => path)]
  if (missing.length > 0 && !isForced) throw withFields('AUDIT_REVERT_VALUES_MISSING', reverting, missing)
  const entity = row.metadata.create(session.manager.queryRunner) as object
  setKey(entity, row)
  await setValues(
    entity,
    audited.parts.filter(isInsertable).flatMap((part) => restored(part, change.changes[part.path]?.from)),
    reverting,
  )
  await setMembers(entity, reverting)
  try {
    await door.insert(row.metadata, entity)
  } catch (error) {
    throw hasErrorCode(error, 'IDENTITY_TAKEN') ? refusal('AUDIT_REVERT_ROW_EXISTS', reverting) : error
  }
}

/** What was done to a row that is there. */
async function takeBack(reverting: Reverting): Promise<void> {
  const { session, plan, change, row, door, isForced } = reverting
  const present = await presentState(session.manager, row, plan)
  if (present === undefined) throw refusal('AUDIT_REVERT_ROW_GONE', reverting)
  const values = change.operation === 'insert' ? [] : valuesBefore(reverting)
  if (!isForced) await assertUnchanged(reverting, present.values)
  const relations = Object.keys(change.operation === 'insert' ? {} : change.relations)
  const toOnes = values.flatMap(({ part: { part } }) => (part.relation === undefined ? [] : [part.path]))
  const entity = await door.load(row.metadata, whereOf(row), [...relations, ...toOnes])
  if (entity === null) throw refusal('AUDIT_REVERT_ROW_GONE', reverting)
  if (change.operation !== 'insert') {
    await setValues(entity, values, reverting)
    await setMembers(entity, reverting)
  }
  await door.write(VERBS[change.operation], row.metadata, entity)
}

const VERBS = { insert: 'remove', update: 'save', softRemove: 'recover', recover: 'softRemove', delete: 'save' } as const satisfies Record<
  AuditedChange['operation'],
  string
>

/** @throws {DataError} AUDIT_REVERT_VALUES_MISSING */
function valuesBefore(reverting: Reverting): readonly Restored[] {
  const { plan, change, row } = reverting
  const audited = plan.classOf(row.metadata)
  const missing: string[] = []
  const values: Restored[] = []
  for (const [path, { from }] of Object.entries(change.changes)) {
    const part = audited.partAt(path)
    if (part !== undefined && isAutomatic(part)) continue
    if (part === undefined || part.isHashed || from === undefined) missing.push(path)
    else if (part.part.column?.asExpression === undefined) values.push({ part, json: from })
  }
  if (missing.length > 0) throw withFields('AUDIT_REVERT_VALUES_MISSING', reverting, missing)
  return values
}

/** What the write itself sets: versions, dates of changes and of removal. */
function isAutomatic({ part: { column } }: AuditedPart): boolean {
  return column?.isVersion === true || column?.isUpdateDate === true || column?.isDeleteDate === true
}

function isInsertable({ part: { column }, isHashed }: AuditedPart): boolean {
  return !isHashed && column?.asExpression === undefined && column?.isVersion !== true
}

function restored(part: AuditedPart, json: JsonValue | undefined): readonly Restored[] {
  return json === undefined ? [] : [{ part, json }]
}

/** @throws {DataError} AUDIT_REVERT_CONFLICT */
async function assertUnchanged(reverting: Reverting, present: ReadonlyMap<string, JsonValue>): Promise<void> {
  const { session, plan, change, row } = reverting
  const filter = { entities: namesOf(row.metadata, plan), key: storedKeyOf(row.key), afterSequence: change.sequence }
  const later = [...unrecorded(reverting), ...(await plan.store.read(session.manager, filter)).map(auditedChange)]
  const audited = plan.classOf(row.metadata)
  const changed = Object.entries(change.changes).filter(([path, { to }]) => {
    const part = audited.partAt(path)
    if (part === undefined || isAutomatic(part) || to === undefined) return false
    const told = later.find(({ changes }) => changes[path] !== undefined)
    return [told?.changes[path]!.to, present.get(path)].some((now) => now !== undefined && !isSameValue(part, now, to))
  })
  const members = Object.keys(change.relations).filter((path) => areMembersOther(path, change, later))
  const fields = [...changed.map(([path]) => path), ...members]
  if (fields.length > 0) throw withFields('AUDIT_REVERT_CONFLICT', reverting, fields)
}

type Told = Pick<AuditedChange, 'changes' | 'relations'>

/** What the present transaction has changed, and the trail does not tell yet. */
function unrecorded({ session, plan, row: { metadata, key } }: Reverting): readonly Told[] {
  const { tablePath } = metadata
  const own = session.journal.filter(
    ({ target, relations }) => plan.dataSource.getMetadata(target).tablePath === tablePath || Object.keys(relations).length > 0,
  )
  const names = namesOf(metadata, plan)
  return auditRowsOf(own, plan)
    .filter((one) => one.key === storedKeyOf(key) && names.includes(one.entity))
    .map(({ changes, relations = '{}' }) => ({ changes: JSON.parse(changes), relations: JSON.parse(relations) }) as Told)
}

/** Whether those that came have gone since, or those that went have come back. */
function areMembersOther(path: string, { relations }: AuditedChange, later: readonly Told[]): boolean {
  const net = new Map<string, number>()
  for (const { relations: edits } of later) {
    for (const key of edits[path]?.added ?? []) count(net, key, 1)
    for (const key of edits[path]?.removed ?? []) count(net, key, -1)
  }
  const { added, removed } = relations[path]!
  return added.some((key) => (net.get(JSON.stringify(key)) ?? 0) < 0) || removed.some((key) => (net.get(JSON.stringify(key)) ?? 0) > 0)
}

function count(net: Map<string, number>, key: JsonObject, by: number): void {
  const text = JSON.stringify(key)
  net.set(text, (net.get(text) ?? 0) + by)
}

// ---- entities

function whereOf({ metadata, key }: AuditedRow) {
  return keyFromJson(metadata.primaryColumns, JSON.parse(key) as JsonObject)
}

function setKey(entity: object, { metadata, key }: AuditedRow): void {
  const where = whereOf({ metadata, key })
  for (const column of metadata.primaryColumns) {
    const relation = column.relationMetadata
    if (relation === undefined) column.setEntityValue(entity as never, column.getEntityValue(where))
    else setRelation(entity, relation, relation.getEntityValue(where))
  }
}

async function setValues(entity: object, values: readonly Restored[], reverting: Reverting): Promise<void> {
  for (const { part, json } of values) {
    const { column, relation } = part.part
    if (column !== undefined) column.setEntityValue(entity as never, valueOfJson(part.part, json))
    else await setToOne(entity, { relation: relation!, key: json as JsonObject | null }, reverting)
  }
}

/** @throws {DataError} AUDIT_REVERT_MEMBERS_GONE */
async function setToOne(
  entity: object,
  { relation, key }: { readonly relation: RelationMetadata; readonly key: JsonObject | null },
  reverting: Reverting,
): Promise<void> {
  const columns = relation.joinColumns.map(({ referencedColumn }) => referencedColumn!)
  const target = key === null ? null : await reverting.door.load(relation.inverseEntityMetadata, nestedKey(columns, key))
  if (key !== null && target === null && !reverting.isForced) throw membersGone(reverting, relation)
  setRelation(entity, relation, target)
  for (const join of relation.joinColumns) {
    if (join.isVirtual || join.propertyPath === relation.propertyPath) continue
    join.setEntityValue(entity as never, target === null ? null : (join.referencedColumn!.getEntityValue(target as never) as unknown))
  }
}

/** TypeORM's own accessor would merge into the object that is there. */
function setRelation(entity: object, { propertyPath, isLazy }: RelationMetadata, value: unknown): void {
  putAt(entity as Record<string, unknown>, propertyPath, isLazy ? Promise.resolve(value) : value)
}

/** Keys of to-ones are told nested. */
function nestedKey(columns: Parameters<typeof keyFromJson>[0], key: JsonObject) {
  return Object.assign({}, ...columns.map((column) => column.createValueMap(valueAt(key, column.propertyPath)) as object)) as ReturnType<
    typeof keyFromJson
  >
}

function valueAt(key: JsonObject, path: string): unknown {
  return path.split('.').reduce<unknown>((value, name) => (value as Readonly<Record<string, unknown>> | undefined)?.[name], key)
}

async function setMembers(entity: object, reverting: Reverting): Promise<void> {
  const { change, row } = reverting
  for (const [path, { added, removed }] of Object.entries(change.relations)) {
    const relation = row.metadata.findRelationWithPropertyPath(path)
    if (relation === undefined) throw withFields('AUDIT_REVERT_VALUES_MISSING', reverting, [path])
    const held = (await relation.getEntityValue(entity as never)) as unknown
    const now = Array.isArray(held) ? (held as object[]) : held === null || held === undefined ? [] : [held]
    const target = relation.inverseEntityMetadata
    const gone = new Set(added.map((key) => textOf(target, key)))
    const kept = now.filter((member) => !gone.has(keyJsonOf(target, member) ?? ''))
    const known = new Set(kept.map((member) => keyJsonOf(target, member)))
    const wanted = removed.filter((key) => !known.has(textOf(target, key)))
    const members = [...kept, ...(await loadMembers(relation, wanted, reverting))]
    setRelation(entity, relation, relation.isOneToOne ? (members[0] ?? null) : members)
  }
}

/** @throws {DataError} AUDIT_REVERT_MEMBERS_GONE */
async function loadMembers(relation: RelationMetadata, keys: readonly JsonObject[], reverting: Reverting): Promise<readonly object[]> {
  const target = relation.inverseEntityMetadata
  const members: object[] = []
  for (const key of keys) {
    const member = await reverting.door.load(target, keyFromJson(target.primaryColumns, key))
    if (member !== null) members.push(member)
    else if (!reverting.isForced) throw membersGone(reverting, relation)
  }
  return members
}

function textOf(metadata: EntityMetadata, key: JsonObject): string {
  return keyJsonOf(metadata, keyFromJson(metadata.primaryColumns, key))!
}

// ---- refusals

function refusal(code: 'AUDIT_REVERT_ROW_GONE' | 'AUDIT_REVERT_ROW_EXISTS' | 'AUDIT_REVERT_NEEDS_SESSION', { row }: Reverting): DataError {
  return new DataError(code, { entity: row.metadata.name, key: row.key })
}

function withFields(
  code: 'AUDIT_REVERT_CONFLICT' | 'AUDIT_REVERT_VALUES_MISSING',
  { row }: Reverting,
  fields: readonly string[],
): DataError {
  return new DataError(code, { entity: row.metadata.name, key: row.key, fields: fields.join(', ') })
}

function membersGone({ row }: Reverting, { propertyPath }: RelationMetadata): DataError {
  return new DataError('AUDIT_REVERT_MEMBERS_GONE', { entity: row.metadata.name, key: row.key, relation: propertyPath })
}
