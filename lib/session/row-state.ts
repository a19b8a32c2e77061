/**
 * The state of one entity during a flush.
 *
 * Reads the entity through its map and never changes it. Invariant: `key` is right before and after the write, also once the ORM has
 * cleared the key of a deleted entity.
 *
 * @module
 */
import type { ChangeMap, Key, Values } from '../mapper/entity-types.js'
import type { EntityState, EntityStatus, Session } from '../mapper/session.js'
import type { Image, RowMap } from './entity-map.js'

/** The answers only the ORM layer can give; each is asked when it is needed. */
export interface RowFacts {
  readonly entity: object
  readonly map: Pick<RowMap, 'target'>
  status(): EntityStatus
  key(): Image
  original(): Image
  changes(): Image
  relationChanged(name: string): boolean
}

export class RowState implements EntityState {
  readonly entity: object
  readonly session: Session
  readonly #facts: RowFacts

  constructor(facts: RowFacts, session: Session) {
    this.entity = facts.entity
    this.session = session
    this.#facts = facts
  }

  get target(): EntityState['target'] {
    return this.#facts.map.target
  }

  get status(): EntityStatus {
    return this.#facts.status()
  }

  get key(): Key<object> {
    return this.#facts.key()
  }

  get original(): Values<object> {
    return this.#facts.original()
  }

  get changes(): ChangeMap<object> {
    return this.#facts.changes()
  }

  changed(name: PropertyKey): boolean {
    return Object.hasOwn(this.#facts.changes(), name) || this.#facts.relationChanged(String(name))
  }

  toString(): string {
    return `${this.status} ${this.entity.constructor.name} ${JSON.stringify(this.key)}`
  }
}
