/**
 * Folds the changes of one transaction to at most one change per row.
 *
 * Knows nothing of transactions. Invariant: applying the net changes to the first images gives the last ones; a row that ends where it
 * began is not in the result, whatever its version or update date did meanwhile.
 *
 * @module
 */
import { isEqual } from '../core/is-equal.js'
import type { Change, ChangeKind, RelationChange } from '../mapper/change.js'
import { keyId, type Image } from './entity-map.js'
import { rowChange, rowWrittenOf, type RowWritten } from './row-change.js'

/** The net changes, in the order in which their rows were first touched. */
export function netChanges(journal: readonly Change[]): readonly Change[] {
  const rows = new Map<string, Change | Change[]>()
  for (const change of journal) {
    const row = rowId(rowWrittenOf(change))
    const before = rows.get(row)
    if (before === undefined) rows.set(row, change)
    else if (Array.isArray(before)) before.push(change)
    else rows.set(row, [before, change])
  }
  const net: Change[] = []
  for (const steps of rows.values()) {
    const folded = Array.isArray(steps) ? folding(steps) : unlessUnchanged(steps)
    if (folded !== undefined) net.push(folded)
  }
  return Object.freeze(net)
}

/** A statement may set values that a row had already. What was written once is its own net change: most rows are. */
function unlessUnchanged(change: Change): Change | undefined {
  const written = rowWrittenOf(change)
  const isChanged = written.kind !== 'update' || Object.keys(written.relations).length > 0 || isChangedItself(written)
  return isChanged ? change : undefined
}

function isChangedItself(written: RowWritten): boolean {
  return written.hasOwnChange ?? written.changed.some((path) => !written.map.automatic.includes(path))
}

function folding(steps: readonly Change[]): Change | undefined {
  const folded = fold(steps.map(rowWrittenOf))
  return folded === undefined ? undefined : rowChange(folded)
}

function rowId({ map, key }: RowWritten): string {
  return `${map.table} ${keyId(key)}`
}

function fold(steps: readonly RowWritten[]): RowWritten | undefined {
  const first = steps[0]!
  const last = steps.at(-1)!
  const existed = first.kind !== 'insert'
  const exists = last.kind !== 'delete'
  if (!existed && !exists) return undefined
  const relations = foldRelations(steps)
  const shared = { entity: last.entity, map: last.map, key: last.key, relations }
  if (!exists) return { ...shared, kind: 'delete', before: firstImage(steps), after: null, changed: [] }
  if (!existed) {
    const after = lastImage(steps)
    return { ...shared, kind: 'insert', before: null, after, changed: Object.keys(after) }
  }
  return foldUpdates(steps, shared)
}

function foldUpdates(
  steps: readonly RowWritten[],
  shared: Pick<RowWritten, 'entity' | 'map' | 'key' | 'relations'>,
): RowWritten | undefined {
  const before = firstImage(steps)
  const after = lastImage(steps)
  const touched = [...new Set(steps.flatMap((step) => (step.kind === 'delete' ? Object.keys(step.before ?? {}) : step.changed)))]
  const changed = touched.filter((path) => !isEqual(before[path], after[path]))
  const kind = foldKind(steps)
  const own = changed.filter((path) => !shared.map.automatic.includes(path))
  if (kind === 'update' && own.length === 0 && Object.keys(shared.relations).length === 0) return undefined
  return { ...shared, kind, before, after, changed }
}

/** Soft removal and recovery cancel each other; the one that is left names the change. */
function foldKind(steps: readonly RowWritten[]): ChangeKind {
  const soft = steps.map((step) => step.kind).filter((kind) => kind === 'softRemove' || kind === 'recover')
  if (soft.length === 0) return 'update'
  return soft[0] === soft.at(-1) ? soft[0]! : 'update'
}

/** The first known value of each property, as it was before the transaction touched it. */
function firstImage(steps: readonly RowWritten[]): Image {
  const image: Record<string, unknown> = {}
  const touched = new Set<string>()
  for (const step of steps) {
    for (const [path, value] of Object.entries(step.before ?? {}))
      if (!Object.hasOwn(image, path) && !touched.has(path)) image[path] = value
    step.changed.forEach((path) => touched.add(path))
  }
  return Object.freeze(image)
}

/** The last values: each step counts for what it changed, since the object it was made from may have been stale or partial. */
function lastImage(steps: readonly RowWritten[]): Image {
  let image: Record<string, unknown> = {}
  for (const { kind, after, changed } of steps) {
    if (kind === 'insert' || after === null) image = {}
    for (const [path, value] of Object.entries(after ?? {})) if (changed.includes(path) || !Object.hasOwn(image, path)) image[path] = value
  }
  return Object.freeze(image)
}

function foldRelations(steps: readonly RowWritten[]): Readonly<Record<string, RelationChange>> {
  const folded: Record<string, { added: Set<object>; removed: Set<object> }> = {}
  for (const step of steps) {
    for (const [name, { added, removed }] of Object.entries(step.relations)) {
      const sets = (folded[name] ??= { added: new Set(), removed: new Set() })
      for (const one of added) if (!takeOut(sets.removed, one)) sets.added.add(one)
      for (const one of removed) if (!takeOut(sets.added, one)) sets.removed.add(one)
    }
  }
  const changed = Object.entries(folded).filter(([, sets]) => sets.added.size > 0 || sets.removed.size > 0)
  return Object.freeze(Object.fromEntries(changed.map(([name, sets]) => [name, { added: [...sets.added], removed: [...sets.removed] }])))
}

/** Members may be entities on one side and bare keys on the other, so they are compared by key: see {@link memberKey}. */
function takeOut(members: Set<object>, wanted: object): boolean {
  for (const member of members) {
    if (member !== wanted && memberKey(member) !== memberKey(wanted)) continue
    members.delete(member)
    return true
  }
  return false
}

const keys = new WeakMap<object, string>()

/** Remembers the key of a collection member, told by the ORM layer when it made the relation change. */
export function rememberMemberKey(member: object, key: Image): void {
  keys.set(
    member,
    JSON.stringify(key, (_name, value: unknown) => (typeof value === 'object' ? value : String(value))),
  )
}

/** What is the same for two objects that stand for one member: the key that was remembered, else the object itself. */
export function memberKey(member: object): string | object {
  return keys.get(member) ?? member
}
