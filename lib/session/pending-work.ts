/**
 * Work waiting for a flush, and the unit of work as hooks see it.
 *
 * Knows no SQL. Invariant: an entity is in at most one of the five sets; asking for another kind moves it.
 *
 * @module
 */
import { classNameOf } from '../core/describe-value.js'
import type { RelationEdit, UnitOfWork } from '../mapper/unit-of-work.js'

export type WorkKind = 'save' | 'delete' | 'softRemove' | 'recover'

const SETS = ['new', 'dirty', 'deleted', 'softRemoved', 'recovered'] as const

/** A snapshot of what a flush will write; prints itself. */
export class UnitOfWorkView implements UnitOfWork {
  readonly new: ReadonlySet<object>
  readonly dirty: ReadonlySet<object>
  readonly deleted: ReadonlySet<object>
  readonly softRemoved: ReadonlySet<object>
  readonly recovered: ReadonlySet<object>

  readonly #findRelations: () => readonly RelationEdit[]
  #relations: readonly RelationEdit[] | undefined

  constructor(
    sets: Partial<Record<(typeof SETS)[number], Iterable<object>>> = {},
    findRelations: () => readonly RelationEdit[] = () => [],
  ) {
    this.#findRelations = findRelations
    this.new = new Set(sets.new)
    this.dirty = new Set(sets.dirty)
    this.deleted = new Set(sets.deleted)
    this.softRemoved = new Set(sets.softRemoved)
    this.recovered = new Set(sets.recovered)
  }

  get relations(): readonly RelationEdit[] {
    return (this.#relations ??= Object.freeze([...this.#findRelations()]))
  }

  has(entity: object): boolean {
    return SETS.some((name) => this[name].has(entity))
  }

  toString(): string {
    const parts = SETS.filter((name) => this[name].size > 0).map((name) => `${name}: ${countByClass(this[name])}`)
    return parts.length === 0 ? 'UnitOfWork (empty)' : `UnitOfWork (${parts.join('; ')})`
  }
}

function countByClass(entities: ReadonlySet<object>): string {
  const counts = new Map<string, number>()
  for (const entity of entities) counts.set(classNameOf(entity), (counts.get(classNameOf(entity)) ?? 0) + 1)
  return [...counts].map(([name, count]) => (count === 1 ? name : `${name} ×${count}`)).join(', ')
}

export type PendingSnapshot = readonly (readonly [object, WorkKind])[]

export class PendingWork {
  readonly #kinds = new Map<object, WorkKind>()

  /** What waits now, to come back to when what follows is undone. */
  snapshot(): PendingSnapshot {
    return [...this.#kinds]
  }

  restore(snapshot: PendingSnapshot): void {
    this.#kinds.clear()
    for (const [entity, kind] of snapshot) this.#kinds.set(entity, kind)
  }

  get isEmpty(): boolean {
    return this.#kinds.size === 0
  }

  has(entity: object): boolean {
    return this.#kinds.has(entity)
  }

  put(kind: WorkKind, entity: object): void {
    this.#kinds.delete(entity)
    this.#kinds.set(entity, kind)
  }

  remove(entity: object): boolean {
    return this.#kinds.delete(entity)
  }

  /** Hands out everything, by kind, in the order it was added, and forgets it. */
  take(): ReadonlyMap<WorkKind, readonly object[]> {
    const taken = new Map<WorkKind, object[]>()
    for (const kind of ['save', 'softRemove', 'recover', 'delete'] as const) {
      const entities = this.of(kind)
      if (entities.length > 0) taken.set(kind, entities)
    }
    this.#kinds.clear()
    return taken
  }

  of(kind: WorkKind): object[] {
    return [...this.#kinds].filter(([, wanted]) => wanted === kind).map(([entity]) => entity)
  }
}
