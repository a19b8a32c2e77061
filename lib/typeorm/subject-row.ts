/**
 * One subject of a persistence run as a row of the flush, with the facts behind its state.
 *
 * Invariant: one row object per entity and run; when the plan is rebuilt it follows to the new subject, so the state a hook holds stays right.
 *
 * @module
 */
import { isDeepStrictEqual } from 'node:util'
import { SessionError } from '../core/errors.js'
import type { RelationMetadata } from 'typeorm/metadata/RelationMetadata.js'
import type { ChangeKind } from '../mapper/change.js'
import type { EntityState, EntityStatus, Session } from '../mapper/session.js'
import { imageOf, keyText, type EntityMap, type Image } from '../session/entity-map.js'
import type { FlushRow } from '../session/flush.js'
import type { RowWritten } from '../session/row-change.js'
import { RowState, type RowFacts } from '../session/row-state.js'
import type { CollectionChanges } from './collection-changes.js'
import { entityMapOf, keyOf } from './entity-maps.js'
import type { Internals, Subject } from './internals.js'
import type { MapperHooks } from './mappers.js'
import { fingerprintOf } from './relation-fingerprint.js'
import { changedPathsOf, changesFrom } from './subject-diff.js'

const NOTHING: Image = Object.freeze({})
const NO_COLLECTIONS: CollectionChanges = Object.freeze({})

export interface RowContext {
  readonly session: Session & { readonly ended: boolean }
  readonly internals: Internals
  isExcluded(entity: object): boolean
}

export interface RowParts {
  readonly entity: object
  readonly kind: ChangeKind
  readonly context: RowContext
  readonly mapperHooks: MapperHooks
  readonly metadata: Subject['metadata']
  /** The row of an orphan, which TypeORM does not read. */
  readonly row: Image | undefined
}

export class SubjectRow implements FlushRow, RowFacts {
  readonly entity: object
  readonly state: EntityState
  readonly mapperHooks: MapperHooks
  readonly map: EntityMap
  subject: Subject
  kind: ChangeKind
  /** Membership changes of this entity's collections, as of the last plan. */
  collections: CollectionChanges = NO_COLLECTIONS
  /** What TypeORM will write, remembered when the plan was sealed. */
  sealedPaths: readonly string[] = []
  /** How a soft-removed or recovered entity looked before hooks ran: only what differs from that is written. */
  readonly baseline: Image | undefined
  /** What its relations led to then. */
  readonly baselineTargets: ReadonlySet<unknown> | undefined
  /** The key at the start of the flush; hooks may not change it, except of a new entity. */
  readonly #keyAtStart: string
  readonly #context: RowContext
  #parents: readonly (readonly [RelationMetadata, Subject])[] = []
  #written: RowWritten | undefined
  #asWritten: Image | undefined
  #original: { readonly of: object; readonly image: Image } | undefined
  /** What is known of a row that TypeORM writes without reading it. */
  readonly #row: Image

  constructor(subject: Subject, { entity, kind, context, mapperHooks, metadata, row }: RowParts) {
    this.#row = row ?? NOTHING
    this.subject = subject
    this.entity = entity
    this.kind = kind
    this.#context = context
    this.mapperHooks = mapperHooks
    this.map = entityMapOf(metadata)
    this.state = new RowState(this, context.session)
    this.#keyAtStart = keyText(subject.identifier)
    const isSoft = kind === 'softRemove' || kind === 'recover'
    this.baseline = isSoft ? imageOf(this.map, entity) : undefined
    this.baselineTargets = isSoft ? new Set(fingerprintOf(subject).flat()) : undefined
  }

  static kindOf(subject: Subject): ChangeKind {
    if (subject.mustBeRemoved) return 'delete'
    if (subject.canBeSoftRemoved) return 'softRemove'
    if (subject.canBeRecovered) return 'recover'
    return subject.mustBeInserted ? 'insert' : 'update'
  }

  isPlanned(): boolean {
    return !this.#context.isExcluded(this.entity) && SubjectRow.kindOf(this.subject) === this.kind
  }

  /** @throws {SessionError} KEY_CHANGED when a hook gave a row that exists another key: the statement would miss it. */
  assertSameKey(): void {
    const wanted = keyText(this.subject.identifier)
    if (this.kind === 'insert' || wanted === this.#keyAtStart) return
    throw new SessionError('KEY_CHANGED', { entity: this.map.name, current: wanted, wanted: this.#keyAtStart })
  }

  // ---- facts behind the state

  status(): EntityStatus {
    if (this.#context.session.ended) return 'detached'
    if (this.kind === 'delete') return 'deleted'
    if (this.#written !== undefined) return 'clean'
    return this.kind === 'insert' ? 'new' : 'dirty'
  }

  key(): Image {
    return this.#written?.key ?? Object.freeze({ ...(this.subject.identifier ?? keyOf(this.subject.metadata, this.entity)) })
  }

  original(): Image {
    const read = this.subject.databaseEntity
    if (read === undefined) return this.#row
    if (this.#original?.of !== read) this.#original = { of: read, image: Object.freeze(imageOf(this.map, read)) }
    return this.#original.image
  }

  changes(): Image {
    if (this.#written !== undefined) {
      const { before, after, changed } = this.#written
      return this.kind === 'delete' ? NOTHING : changesFrom(changed, before ?? NOTHING, after ?? NOTHING)
    }
    if (this.kind === 'delete') return NOTHING
    const now = imageOf(this.map, this.entity)
    return changesFrom(this.#differingPaths(now), this.original(), now)
  }

  #differingPaths(now: Image): string[] {
    if (this.kind === 'insert') return Object.keys(now)
    if (this.subject.entity === undefined) return this.subject.changeMaps.map(({ column, relation }) => (column ?? relation)!.propertyPath)
    return changedPathsOf(this.subject, this.#context.internals)
  }

  relationChanged(name: string): boolean {
    return Object.hasOwn(this.collections, name)
  }

  // ---- what was written

  seal(): void {
    this.#parents = this.subject.changeMaps.flatMap(({ relation, value }) =>
      relation !== undefined && isSubject(value) ? [[relation, value] as const] : [],
    )
    const paths = this.subject.changeMaps.map(({ column, relation }) => (column ?? relation)!.propertyPath)
    this.sealedPaths = [...new Set(paths)].filter((path) => this.map.paths.has(path))
  }

  /** Only junction rows are written for it. */
  get writesCollectionsOnly(): boolean {
    return this.kind === 'update' && this.sealedPaths.length === 0 && Object.keys(this.collections).length > 0
  }

  /** The row as it was written; taken right after the SQL. */
  record(): RowWritten {
    const key = this.kind === 'delete' ? this.#keyOfDeleted() : keyOf(this.subject.metadata, this.subject.identifier ?? this.subject.entity)
    const image = imageOf(this.map, this.entity)
    this.#asWritten = image
    const now = this.#parents.length === 0 ? image : { ...image, ...this.#parentKeys() }
    const before = this.kind === 'insert' ? null : this.original()
    const after = this.kind === 'delete' ? null : this.#after(before, now)
    const changed = this.#changed(before, after)
    this.#written = Object.freeze({
      kind: this.kind,
      entity: this.entity,
      map: this.map,
      key,
      before,
      after,
      changed,
      relations: this.collections,
    })
    return this.#written
  }

  #keyOfDeleted(): Image {
    return Object.freeze({ ...(this.subject.identifier ?? keyOf(this.subject.metadata, this.subject.databaseEntity)) })
  }

  /** A child that came through its parent's collection need not know its parent; the row does. */
  #parentKeys(): Image {
    return Object.fromEntries(
      this.#parents.map(([relation, parent]) => [
        relation.propertyPath,
        relation.getRelationIdMap(parent.entity ?? parent.identifier ?? {}),
      ]),
    )
  }

  #after(before: Image | null, now: Image): Image {
    if (before === null) return Object.freeze(now)
    const after: Record<string, unknown> = { ...before }
    for (const path of [...this.sealedPaths, ...this.#automaticPaths()]) if (now[path] !== undefined) after[path] = now[path]
    if (this.subject.entity === undefined) for (const path of this.sealedPaths) after[path] = now[path] ?? null
    return Object.freeze(after)
  }

  #changed(before: Image | null, after: Image | null): readonly string[] {
    if (after === null) return []
    if (before === null) return Object.keys(after)
    const automatic = this.#automaticPaths().filter((path) => after[path] !== undefined && !isDeepStrictEqual(after[path], before[path]))
    return [...new Set([...this.sealedPaths, ...automatic])]
  }

  /** What the ORM fills in on this kind of write without being asked. */
  #automaticPaths(): readonly string[] {
    const { automatic } = this.map
    const deleteDate = this.baseline === undefined ? undefined : this.subject.metadata.deleteDateColumn?.propertyPath
    return deleteDate === undefined ? automatic : [...automatic, deleteDate]
  }

  asWritten(): Image | undefined {
    return this.#asWritten
  }
}

function isSubject(value: unknown): value is Subject {
  return typeof value === 'object' && value !== null && '@instanceof' in value
}
