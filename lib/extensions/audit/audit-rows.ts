/**
 * Net changes as rows of an audit trail.
 *
 * Knows no statement. Invariant: at most one row for each row that was changed, and what came to a many-to-many or went from it is told of the
 * side that owns it, whichever side was edited.
 *
 * @module
 */
import type { EntityMetadata } from 'typeorm'
import type { RelationMetadata } from 'typeorm/metadata/RelationMetadata.js'
import type { Change, ChangeKind, RelationChange } from '../../mapper/change.js'
import { netChanges } from '../../session/net-changes.js'
import type { AuditRow } from './audit-dialect.js'
import { keyJsonOf, storedKeyOf, WHOLE_KEY } from './audit-key.js'
import type { AuditPlan } from './audit-plan.js'
import type { AuditedClass } from './audited-class.js'
import type { RemovedRows } from './removed-rows.js'

interface Members {
  readonly added: Set<string>
  readonly removed: Set<string>
}

interface Entry {
  readonly audited: AuditedClass
  readonly operation: ChangeKind
  /** Whole, as JSON. */
  readonly key: string
  readonly changes: string
  /** By path, of keys as JSON; made where there are any. */
  members: Map<string, Members> | undefined
}

/** A row of the owning side of a many-to-many that was edited from the other one. */
interface OwnerEdit {
  readonly audited: AuditedClass
  readonly key: string
  readonly path: string
  readonly side: keyof Members
  readonly member: string
}

interface Telling {
  readonly plan: AuditPlan
  readonly removed: RemovedRows | undefined
  /** Whether a row is changed once at most. */
  readonly isFolded: boolean
}

/** @throws What a transformer throws. */
export function auditRowsOf(written: readonly Change[], plan: AuditPlan, removed?: RemovedRows): readonly AuditRow[] {
  const entries =
    entriesOf(written, { plan, removed, isFolded: false }) ?? entriesOf(netChanges(written), { plan, removed, isFolded: true })!
  return entries.filter(isToldOf).map(rowOf)
}

/** Rows that were written once need not be folded: undefined where that was taken for granted, and one was written again. */
function entriesOf(changes: readonly Change[], { plan, removed, isFolded }: Telling): Entry[] | undefined {
  const entries: Entry[] = []
  const ownerEdits: OwnerEdit[] = []
  const seen = new Map<string, Set<string>>()
  for (const change of changes) {
    if (hasAny(change.relations)) ownerEdits.push(...ownerEditsOf(change, plan))
    const audited = plan.audited(change.target)
    const key = audited === undefined ? undefined : keyJsonOf(audited.metadata, change.key as object)
    if (audited === undefined || key === undefined) continue
    let keys = seen.get(change.table)
    if (keys === undefined) seen.set(change.table, (keys = new Set()))
    if (!isFolded && keys.size === keys.add(key).size) return undefined
    const read = change.kind === 'delete' ? removed?.imageOf(audited.metadata, key) : undefined
    entries.push({ audited, operation: change.kind, key, changes: audited.changesText(change, read), members: membersOf(change, audited) })
  }
  if (ownerEdits.length > 0) addOwnerEdits(entries, ownerEdits)
  return entries
}

function hasAny(values: object): boolean {
  for (const _name in values) return true
  return false
}

/** An update of nothing that is kept is nothing. */
function isToldOf({ operation, changes, members }: Entry): boolean {
  return operation !== 'update' || changes !== '' || members !== undefined
}

function rowOf({ audited, operation, key, changes, members }: Entry): AuditRow {
  const stored = storedKeyOf(key)
  const whole = stored === key ? '' : `${JSON.stringify(WHOLE_KEY)}:${key}${changes === '' ? '' : ','}`
  const relations = members === undefined ? undefined : relationsText(members)
  return { entity: audited.metadata.name, operation, key: stored, changes: `{${whole}${changes}}`, relations }
}

function relationsText(members: ReadonlyMap<string, Members>): string {
  const texts = [...members].map(
    ([path, { added, removed }]) => `${JSON.stringify(path)}:{"added":[${[...added].join()}],"removed":[${[...removed].join()}]}`,
  )
  return `{${texts.join()}}`
}

/** What is told of the row itself: all collections but many-to-many that the other side owns. */
function membersOf(change: Change, audited: AuditedClass): Entry['members'] {
  if (!hasAny(change.relations)) return undefined
  let members: Map<string, Members> | undefined
  for (const [relation, edit] of relationEdits(change, audited.metadata)) {
    if (isOwnedElsewhere(relation) || !audited.keepsRelation(relation.propertyPath)) continue
    members ??= new Map()
    members.set(relation.propertyPath, { added: keysOf(relation, edit.added), removed: keysOf(relation, edit.removed) })
  }
  return members
}

function* relationEdits({ relations }: Change, metadata: EntityMetadata): Iterable<readonly [RelationMetadata, RelationChange]> {
  for (const [path, edit] of Object.entries(relations as Readonly<Record<string, RelationChange>>)) {
    const relation = metadata.findRelationWithPropertyPath(path)
    if (relation !== undefined) yield [relation, edit]
  }
}

function isOwnedElsewhere({ isManyToMany, isOwning }: RelationMetadata): boolean {
  return isManyToMany && !isOwning
}

function keysOf({ inverseEntityMetadata }: RelationMetadata, members: readonly object[]): Set<string> {
  return new Set(members.map((member) => keyJsonOf(inverseEntityMetadata, member)).filter((key) => key !== undefined))
}

function ownerEditsOf(change: Change, plan: AuditPlan): readonly OwnerEdit[] {
  const metadata = plan.dataSource.getMetadata(change.target)
  const member = keyJsonOf(metadata, change.key as object)
  const edits: OwnerEdit[] = []
  if (member === undefined) return edits
  for (const [relation, edit] of relationEdits(change, metadata)) {
    const owning = isOwnedElsewhere(relation) ? relation.inverseRelation : undefined
    if (owning === undefined) continue
    for (const side of ['added', 'removed'] as const) {
      for (const owner of edit[side]) {
        const audited = plan.audited(classOf(owner, relation.inverseEntityMetadata, plan).target as Change['target'])
        const key = keyJsonOf(relation.inverseEntityMetadata, owner)
        if (key !== undefined && audited?.keepsRelation(owning.propertyPath) === true)
          edits.push({ audited, key, path: owning.propertyPath, side, member })
      }
    }
  }
  return edits
}

/** The class of a member, which may be a mere key. */
function classOf(member: object, metadata: EntityMetadata, { dataSource }: AuditPlan): EntityMetadata {
  return member.constructor !== metadata.target && dataSource.hasMetadata(member.constructor)
    ? dataSource.getMetadata(member.constructor)
    : metadata
}

function addOwnerEdits(entries: Entry[], edits: readonly OwnerEdit[]): void {
  const idOf = ({ audited, key }: Pick<Entry, 'audited' | 'key'>) => `${audited.metadata.tablePath} ${key}`
  const byRow = new Map(entries.map((entry) => [idOf(entry), entry]))
  for (const edit of edits) {
    let entry = byRow.get(idOf(edit))
    if (entry === undefined) {
      entry = { audited: edit.audited, operation: 'update', key: edit.key, changes: '', members: undefined }
      entries.push(entry)
      byRow.set(idOf(edit), entry)
    }
    entry.members ??= new Map()
    const members = entry.members.get(edit.path) ?? { added: new Set(), removed: new Set() }
    entry.members.set(edit.path, members)
    if (!members[OTHER_SIDE[edit.side]].delete(edit.member)) members[edit.side].add(edit.member)
  }
  entries.forEach(dropEmpty)
}

const OTHER_SIDE = { added: 'removed', removed: 'added' } as const

/** What came by one side and went by the other has left nothing. */
function dropEmpty(entry: Entry): void {
  if (entry.members === undefined) return
  for (const [path, { added, removed }] of entry.members) if (added.size + removed.size === 0) entry.members.delete(path)
  if (entry.members.size === 0) entry.members = undefined
}
