/**
 * A flush seen only through subscriber events: the fallback where TypeORM's executor cannot be wrapped.
 *
 * Cannot take in relation edits, new entities or vetoes of single rows, and does not see many-to-many changes: the warning at installation
 * says so. Invariant: what cannot be done is left to the flush before the commit, never dropped.
 *
 * @module
 */
import { isDeepStrictEqual } from 'node:util'
import type { EntityMetadata } from 'typeorm'
import type { ChangeKind } from '../mapper/change.js'
import type { EntityState, Session } from '../mapper/session.js'
import type { UnitOfWork } from '../mapper/unit-of-work.js'
import { imageOf, type Image } from '../session/entity-map.js'
import type { FlushRow, FlushSource } from '../session/flush.js'
import { UnitOfWorkView, type WorkKind } from '../session/pending-work.js'
import type { RowWritten } from '../session/row-change.js'
import { RowState } from '../session/row-state.js'
import { entityMapOf, keyOf } from './entity-maps.js'
import type { Installation } from './installation.js'
import type { MapperHooks } from './mappers.js'
import { changesFrom } from './subject-diff.js'

export interface RowEvent {
  readonly kind: ChangeKind
  readonly entity: object
  readonly databaseEntity: object | undefined
  readonly metadata: EntityMetadata
}

interface EventRow extends FlushRow {
  readonly event: RowEvent
  readonly mapperHooks: MapperHooks
}

type OwnSession = Session & { readonly ended: boolean }

const NOTHING: Image = Object.freeze({})

export class EventSource implements FlushSource {
  readonly #rows: EventRow[] = []
  readonly #installation: Installation
  readonly #session: OwnSession
  /** Work taken in by hooks, for the flush before the commit. */
  readonly later: [WorkKind, object][] = []
  readonly #asWritten = new Map<object, Image>()
  readonly #keys = new Map<object, Image>()
  #isWritten = false

  constructor(installation: Installation, session: OwnSession) {
    this.#installation = installation
    this.#session = session
  }

  put(event: RowEvent): void {
    const { entity, kind } = event
    const metadata = this.#installation.mappers.metadataOf(entity, event.metadata) ?? event.metadata
    this.#keys.set(entity, keyOf(metadata, event.databaseEntity ?? entity))
    this.#rows.push({
      event: { ...event, metadata },
      kind,
      entity,
      state: this.#newState({ ...event, metadata }),
      mapperHooks: this.#installation.mappers.hooksOf(metadata),
      isPlanned: () => true,
    })
  }

  #newState(event: RowEvent): EntityState {
    const map = entityMapOf(event.metadata)
    const original = event.databaseEntity === undefined ? NOTHING : Object.freeze(imageOf(map, event.databaseEntity))
    const status = () =>
      this.#session.ended
        ? 'detached'
        : event.kind === 'delete'
          ? 'deleted'
          : this.#isWritten
            ? 'clean'
            : event.kind === 'insert'
              ? 'new'
              : 'dirty'
    return new RowState(
      {
        entity: event.entity,
        map,
        status,
        key: () => (event.kind === 'delete' ? this.#keys.get(event.entity)! : keyOf(event.metadata, event.entity)),
        original: () => original,
        changes: () => (event.kind === 'delete' ? NOTHING : differing(original, imageOf(map, event.entity))),
        relationChanged: () => false,
      },
      this.#session,
    )
  }

  rows(): readonly FlushRow[] {
    return this.#rows
  }

  seal(): readonly FlushRow[] {
    return this.#rows
  }

  unitOfWork(): UnitOfWork {
    const of = (kind: ChangeKind) => this.#rows.filter((row) => row.kind === kind).map((row) => row.entity)
    return new UnitOfWorkView({
      new: of('insert'),
      dirty: of('update'),
      deleted: of('delete'),
      softRemoved: of('softRemove'),
      recovered: of('recover'),
    })
  }

  stateOf(entity: object): EntityState | undefined {
    return this.#rows.find((row) => row.entity === entity)?.state
  }

  prepare(): void {
    // TypeORM tells no rows without an object
  }

  async replan(): Promise<void> {
    // TypeORM compares columns anew by itself once listeners have run
  }

  async notify(): Promise<void> {
    // foreign subscribers run beside this one, in TypeORM's own burst
  }

  /** TypeORM's plan is closed to us here: what can be saved later goes into the flush before the commit. */
  include(kind: WorkKind, entity: object): void {
    this.later.push([kind, entity])
  }

  exclude(): boolean {
    return false
  }

  written(): readonly RowWritten[] {
    this.#isWritten = true
    return this.#rows.map(({ event, kind, entity }) => {
      const map = entityMapOf(event.metadata)
      const now = Object.freeze(imageOf(map, entity))
      this.#asWritten.set(entity, now)
      const before =
        kind === 'insert' ? null : event.databaseEntity === undefined ? NOTHING : Object.freeze(imageOf(map, event.databaseEntity))
      const after = kind === 'delete' ? null : Object.freeze({ ...before, ...now })
      const changed = after === null ? [] : Object.keys(differing(before ?? NOTHING, after))
      return {
        kind,
        entity,
        map,
        key: kind === 'delete' ? this.#keys.get(entity)! : keyOf(event.metadata, entity),
        before,
        after,
        changed,
        relations: {},
      }
    })
  }

  changedSinceWritten(): readonly object[] {
    return this.#rows
      .filter(
        ({ kind, entity, event }) =>
          kind !== 'delete' && !isDeepStrictEqual(imageOf(entityMapOf(event.metadata), entity), this.#asWritten.get(entity)),
      )
      .map((row) => row.entity)
  }
}

function differing(before: Image, after: Image): Image {
  return changesFrom(
    Object.keys(after).filter((path) => !isDeepStrictEqual(before[path], after[path])),
    before,
    after,
  )
}
