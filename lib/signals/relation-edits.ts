/**
 * Members that came to or went from collections, one by one, and which of them were written.
 *
 * Compares members by key where one is a mere key, else by identity. Invariant: looking one up costs the same however many there are.
 *
 * @module
 */
import type { Change, RelationChange } from '../mapper/change.js'
import { memberKey, rememberMemberKey } from '../session/net-changes.js'

/** One member that one collection gains or loses. */
export interface Edit<P extends EditedMember = EditedMember> {
  readonly kind: 'Add' | 'Remove'
  readonly payload: P
}

interface EditedMember {
  readonly instance: object
  readonly relationName: string
  readonly child: object
}

export class EditSet {
  readonly #members = new Map<object, Map<string, Set<string | object>>>()

  /** @returns Whether it was not there. */
  add(edit: Edit): boolean {
    if (this.has(edit)) return false
    const { instance, relationName, child } = edit.payload
    let collections = this.#members.get(instance)
    if (collections === undefined) this.#members.set(instance, (collections = new Map()))
    const name = `${edit.kind} ${relationName}`
    const members = collections.get(name)
    if (members === undefined) collections.set(name, new Set([memberKey(child)]))
    else members.add(memberKey(child))
    return true
  }

  has({ kind, payload: { instance, relationName, child } }: Edit): boolean {
    return this.#members.get(instance)?.get(`${kind} ${relationName}`)?.has(memberKey(child)) === true
  }
}

/** The edits that the changes of a flush tell of. */
export class WrittenEdits {
  readonly #told = new EditSet()
  readonly #rows = new Set<object>()
  readonly #rowsByKey = new Map<string | object, Change[]>()
  /** As the collections are when they are first asked for. */
  readonly #members = new WeakMap<object, Map<string, ReadonlySet<unknown> | undefined>>()

  constructor(changes: readonly Change[]) {
    for (const change of changes) this.#takeRow(change)
    for (const change of changes) this.#takeMembers(change) // by the keys that their own rows have told
  }

  #takeMembers({ entity: instance, relations }: Change): void {
    for (const [relationName, { added, removed }] of Object.entries(relations as Readonly<Record<string, RelationChange>>)) {
      for (const child of added) this.#told.add({ kind: 'Add', payload: { instance: instance as object, relationName, child } })
      for (const child of removed) this.#told.add({ kind: 'Remove', payload: { instance: instance as object, relationName, child } })
    }
  }

  #takeRow(change: Change): void {
    const entity = change.entity as object
    this.#rows.add(entity)
    rememberMemberKey(entity, change.key as Readonly<Record<string, unknown>>)
    const key = memberKey(entity)
    const known = this.#rowsByKey.get(key)
    if (known === undefined) this.#rowsByKey.set(key, [change])
    else known.push(change)
  }

  /** A junction row is told of one side; a member of a one-to-many has a row of its own, which was written for it. */
  has(edit: Edit): boolean {
    return this.#told.has(edit) || (this.#isRowOf(edit.payload.child) && this.#isStillSo(edit))
  }

  #isRowOf(child: object): boolean {
    if (this.#rows.has(child)) return true
    const candidates = this.#rowsByKey.get(memberKey(child)) ?? []
    return candidates.some((change) => change.is(child.constructor as never))
  }

  /** A hook may have taken the edit back while the row is written for another reason. */
  #isStillSo({ kind, payload: { instance, relationName, child } }: Edit): boolean {
    const members = this.#membersOf(instance, relationName)
    return members === undefined || (kind === 'Add') === (members.has(child) || members.has(memberKey(child)))
  }

  #membersOf(instance: object, relationName: string): ReadonlySet<unknown> | undefined {
    let collections = this.#members.get(instance)
    if (collections === undefined) this.#members.set(instance, (collections = new Map()))
    if (!collections.has(relationName)) collections.set(relationName, readMembers(instance, relationName))
    return collections.get(relationName)
  }
}

/** The members themselves and their keys; undefined where no list is there. */
function readMembers(instance: object, relationName: string): ReadonlySet<unknown> | undefined {
  let members: unknown = instance
  for (const name of relationName.split('.')) members = (members as Readonly<Record<string, unknown>> | null | undefined)?.[name]
  if (!Array.isArray(members)) return undefined
  return new Set((members as readonly object[]).flatMap((member) => [member, memberKey(member)]))
}
