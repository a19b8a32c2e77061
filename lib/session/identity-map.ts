/**
 * One object per row: entities of a session by table and key.
 *
 * Knows no states. Invariant: a key leads to one entity at most, the same for every class of one single-table inheritance.
 *
 * @module
 */
import { SessionError } from '../core/errors.js'
import { keyId, keyText, type EntityMap, type Image } from './entity-map.js'
import type { Tracked } from './tracked.js'

export class IdentityMap {
  readonly #tables = new Map<string, Map<number | string, Tracked>>()

  find(map: EntityMap, key: Image): Tracked | undefined {
    return this.#tables.get(map.identity)?.get(keyId(key))
  }

  /** @throws {SessionError} IDENTITY_TAKEN when another entity has that key. */
  put(tracked: Tracked, key: Image): void {
    const table = this.#tableOf(tracked.map)
    const id = keyId(key)
    const known = table.get(id)
    if (known !== undefined && known !== tracked) throw new SessionError('IDENTITY_TAKEN', { entity: tracked.map.name, key: keyText(key) })
    table.set(id, tracked)
  }

  /** As {@link put}, taking the key over from an entity that gives it up. */
  replace(tracked: Tracked, key: Image): void {
    this.#tableOf(tracked.map).set(keyId(key), tracked)
  }

  #tableOf(map: EntityMap): Map<number | string, Tracked> {
    let table = this.#tables.get(map.identity)
    if (table === undefined) this.#tables.set(map.identity, (table = new Map()))
    return table
  }

  /** Forgets the entity, unless its key leads to another one by now. */
  remove(tracked: Tracked): void {
    if (tracked.key === undefined) return
    const table = this.#tables.get(tracked.map.identity)
    const id = keyId(tracked.key)
    if (table?.get(id) === tracked) table.delete(id)
  }

  clear(): void {
    this.#tables.clear()
  }
}
