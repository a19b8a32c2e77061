/**
 * Copies a graph of plain or detached values on to a session's own objects.
 *
 * One for each call of `session.merge`. Invariant: an object of the graph is copied once, however many ways lead to it; the graph itself is
 * never changed and shares nothing with the session afterwards.
 *
 * @module
 */
import { describeValue } from '../core/describe-value.js'
import { SessionError } from '../core/errors.js'
import type { EntityRef } from '../mapper/entity-types.js'
import { keyLabel, type EntityMap, type Image } from './entity-map.js'
import type { Query } from './persistence.js'
import type { SessionWork } from './session-work.js'
import { membersOf } from './tracked.js'

export interface MergeHost {
  readonly work: SessionWork
  describe(target: EntityRef): EntityMap
  load(query: Query): Promise<object[]>
  add(entity: object): void
}

export class Merge {
  readonly #host: MergeHost
  readonly #copies = new Map<object, object>()

  constructor(host: MergeHost) {
    this.#host = host
  }

  /** @throws {SessionError} ROWS_STALE when the values carry another version than the row. */
  async into(target: EntityRef, values: object): Promise<object> {
    const map = this.#host.describe(target)
    if (typeof values !== 'object' || values === null) throw new SessionError('ENTITY_NOT_MAPPED', { given: describeValue(values) })
    const copied = this.#copies.get(values)
    if (copied !== undefined) return copied
    const key = map.keyOf(values)
    const found = key === undefined ? null : await this.#find(map, key)
    assertSameVersion(map, found, values)
    const entity = found ?? map.create()
    this.#copies.set(values, entity)
    for (const column of map.columns) {
      const value = column.get(values)
      if (value !== undefined && column !== map.version) column.set(entity, column.copyOf(value))
    }
    await this.#copyRelations(map, entity, values)
    if (found === null) this.#host.add(entity)
    return entity
  }

  /** A soft-removed row is a row. */
  async #find(map: EntityMap, key: Image): Promise<object | null> {
    const known = this.#host.work.find(map, key)
    if (known !== undefined && !known.isExpired) return known.entity
    const [entity] = await this.#host.load({ map, keys: [key], withDeleted: true })
    return entity ?? null
  }

  /** Relations lead to the session's own instances. */
  async #copyRelations(map: EntityMap, entity: object, values: object): Promise<void> {
    for (const relation of [...map.toOnes, ...map.collections]) {
      const members = membersOf(relation, values)
      if (members === undefined) continue
      const own: object[] = []
      for (const member of members) {
        const target = (member.constructor === Object ? relation.target.target : member.constructor) as EntityRef
        own.push(this.#host.work.of(member) === undefined ? await this.into(target, member) : member)
      }
      const isMany = relation.kind === 'one-to-many' || relation.kind === 'many-to-many'
      if (isMany && relation.get(entity) === undefined) await this.#readMembers(map, entity, relation.path)
      relation.set(entity, isMany ? own : (own[0] ?? null))
    }
  }

  /** What a membership replaces must be known; a new object has none. */
  async #readMembers(map: EntityMap, entity: object, path: string): Promise<void> {
    const key = this.#host.work.of(entity) === undefined ? undefined : map.keyOf(entity)
    if (key !== undefined) await this.#host.load({ map, keys: [key], relations: [path], withDeleted: true })
  }
}

function assertSameVersion({ name, version, keyOf }: EntityMap, found: object | null, values: object): void {
  const wanted = version?.get(values) ?? null
  if (found === null || wanted === null) return
  const current = version!.get(found)
  if (version!.isSame(wanted, version!.snapshotOf(current))) return
  const rows = `${name} ${keyLabel(keyOf(found))} (version ${String(wanted)} wanted, current value is ${String(current)})`
  throw new SessionError('ROWS_STALE', { rows, count: 1 })
}
