/**
 * One entity of a session as hooks see it: its state, and its row of the flush that is running.
 *
 * Reads only. Invariant: one object per entity and flush, right before the write and after it.
 *
 * @module
 */
import type { HookChain } from '../core/hook-chain.js'
import type { ChangeKind } from '../mapper/change.js'
import type { MapperExtension } from '../mapper/mapper-extension.js'
import type { EntityState, EntityStatus, Session } from '../mapper/session.js'
import type { EntityMap, Image } from './entity-map.js'
import type { FlushRow } from './flush.js'
import type { RowWritten } from './row-change.js'
import { RowState, type RowFacts } from './row-state.js'
import type { SessionWork } from './session-work.js'
import { changedMembers, differenceOf, imageOfPicture, trackedKeyOf, type Tracked } from './tracked.js'

const NOTHING: Image = Object.freeze({})

/** The state of an entity outside of a flush. */
export class EntityFacts implements RowFacts {
  readonly entity: object
  readonly #work: SessionWork
  readonly map: EntityMap

  constructor(work: SessionWork, entity: object, map: EntityMap) {
    this.entity = entity
    this.#work = work
    this.map = map
  }

  status(): EntityStatus {
    return this.#work.statusOf(this.entity)
  }

  key(): Image {
    return trackedKeyOf(this.#work.of(this.entity), this.map, this.entity)
  }

  original(): Image {
    return originalOf(this.#work.of(this.entity))
  }

  changes(): Image {
    const tracked = this.#work.of(this.entity)
    return tracked === undefined ? NOTHING : changesOf(tracked)
  }

  relationChanged(name: string): boolean {
    const tracked = this.#work.of(this.entity)
    return tracked !== undefined && isMembershipChanged(tracked, name)
  }
}

export interface WorkRowParts {
  readonly work: SessionWork
  readonly session: Session
  hooksOf(map: EntityMap): HookChain<MapperExtension>
  /** Whether the plan still has this row as this kind. */
  isPlanned(tracked: Tracked, kind: ChangeKind): boolean
  /** What was written, once it was. */
  writtenOf(tracked: Tracked): RowWritten | undefined
  isOver(): boolean
}

export class WorkRow implements FlushRow, RowFacts {
  readonly tracked: Tracked
  readonly state: EntityState
  readonly mapperHooks: HookChain<MapperExtension>
  kind: ChangeKind
  readonly #parts: WorkRowParts

  constructor(tracked: Tracked, kind: ChangeKind, parts: WorkRowParts) {
    this.tracked = tracked
    this.kind = kind
    this.mapperHooks = parts.hooksOf(tracked.map)
    this.#parts = parts
    this.state = new RowState(this, parts.session)
  }

  get entity(): object {
    return this.tracked.entity
  }

  get map(): EntityMap {
    return this.tracked.map
  }

  isPlanned(): boolean {
    return this.#parts.isPlanned(this.tracked, this.kind)
  }

  status(): EntityStatus {
    const { work } = this.#parts
    if (this.#parts.isOver() || this.#parts.writtenOf(this.tracked) !== undefined) return work.statusOf(this.entity)
    if (this.kind === 'insert') return 'new'
    return this.kind === 'delete' ? 'deleted' : 'dirty'
  }

  key(): Image {
    return trackedKeyOf(this.tracked, this.tracked.map, this.entity)
  }

  original(): Image {
    const written = this.#parts.writtenOf(this.tracked)
    return written === undefined ? originalOf(this.tracked) : (written.before ?? NOTHING)
  }

  changes(): Image {
    if (this.kind === 'delete') return NOTHING
    const written = this.#parts.writtenOf(this.tracked)
    if (written === undefined) return changesOf(this.tracked)
    return changesFrom(written.changed, written.before ?? NOTHING, written.after ?? NOTHING)
  }

  relationChanged(name: string): boolean {
    const written = this.#parts.writtenOf(this.tracked)
    return written === undefined ? isMembershipChanged(this.tracked, name) : Object.hasOwn(written.relations, name)
  }
}

function originalOf(tracked: Tracked | undefined): Image {
  const baseline = tracked?.baseline
  return tracked === undefined || baseline === undefined ? NOTHING : imageOfPicture(tracked.map, baseline, baseline.keys)
}

/** What a row would be written with now, against what it was loaded with. */
function changesOf(tracked: Tracked): Image {
  const { map, entity } = tracked
  const { columns, toOnes } = differenceOf(tracked)
  const after: Record<string, unknown> = {}
  for (const index of columns) after[map.columns[index]!.path] = map.columns[index]!.read(entity)
  for (const index of toOnes) {
    const target = map.toOnes[index]!.get(entity)
    after[map.toOnes[index]!.path] = target === null ? null : map.toOnes[index]!.keyOf(target)
  }
  return changesFrom(Object.keys(after), originalOf(tracked), after)
}

function isMembershipChanged(tracked: Tracked, name: string): boolean {
  return changedMembers(tracked).some(({ index }) => tracked.map.collections[index]!.path === name)
}

function changesFrom(paths: readonly string[], before: Image, after: Image): Image {
  return Object.freeze(Object.fromEntries(paths.map((path) => [path, Object.freeze({ from: before[path], to: after[path] })])))
}
