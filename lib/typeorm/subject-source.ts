/**
 * One run of TypeORM's SubjectExecutor, as the {@link FlushSource} of a flush.
 *
 * Knows the executor's lists and how to have them derived anew; decides no order of hooks. Invariant: TypeORM's own lists stay the truth
 * of what will be written; what is kept here (rows, fingerprints) follows them.
 *
 * @module
 */
import { isDeepStrictEqual } from 'node:util'
import type { EntityMetadata } from 'typeorm'
import { SessionError } from '../core/errors.js'
import type { ChangeKind } from '../mapper/change.js'
import type { EntityState, Session } from '../mapper/session.js'
import type { UnitOfWork } from '../mapper/unit-of-work.js'
import { imageOf } from '../session/entity-map.js'
import type { FlushRow, FlushSource } from '../session/flush.js'
import { UnitOfWorkView, type WorkKind } from '../session/pending-work.js'
import type { RowWritten } from '../session/row-change.js'
import { AffectedRows } from './affected-rows.js'
import { collectionChangesOf } from './collection-changes.js'
import { relationEditsOf } from './relation-edits.js'
import { dataSourceOf, type Executor, type Internals, type Subject, type WriteBuilder } from './internals.js'
import { notifyListeners } from './listeners.js'
import type { Installation } from './installation.js'
import { NO_MAPPER_HOOKS } from './mappers.js'
import { Orphans } from './orphans.js'
import { rebuildPlan, withoutAdopted } from './plan-rebuild.js'
import { fingerprintOf, sameFingerprint, unsavedTargetOf, type Fingerprint } from './relation-fingerprint.js'
import { SubjectRow } from './subject-row.js'

export interface SourceParts {
  readonly executor: Executor
  readonly session: Session & { readonly ended: boolean; readonly hooks: { readonly instances: readonly object[] } }
  readonly installation: Installation
  readonly internals: Internals
  /** True when no hook is to run, only the journal is kept. */
  readonly isQuiet: boolean
}

export class SubjectSource implements FlushSource {
  readonly #executor: Executor
  readonly #parts: SourceParts
  readonly #roots: Set<object>
  readonly #excluded = new Set<object>()
  readonly #orphans = new Orphans()
  readonly #rowOf = new Map<object, SubjectRow>()
  #fingerprints = new Map<object, Fingerprint>()
  #planned: readonly SubjectRow[] | undefined
  #sealed: readonly SubjectRow[] = []
  #affected: AffectedRows | undefined
  #mustRebuild = false
  /** Taken in since the last plan: part of the unit of work at once, though the plan follows later. */
  readonly #included = new Map<object, WorkKind>()

  constructor(parts: SourceParts) {
    this.#parts = parts
    this.#executor = parts.executor
    this.#roots = new Set(
      parts.executor.allSubjects
        .filter((subject) => subject.entity !== undefined && subject.parentSubject === undefined)
        .map((subject) => subject.entity!),
    )
    this.#keepAdopted()
    this.#takeFingerprints()
  }

  /** The caller's own edits may move a member between collections too. */
  #keepAdopted(): void {
    const { allSubjects } = this.#executor
    const kept = withoutAdopted(allSubjects, allSubjects)
    if (kept.length === allSubjects.length) return
    allSubjects.splice(0, allSubjects.length, ...kept)
    this.#executor.recompute()
  }

  // ---- the plan

  rows(): readonly FlushRow[] {
    return this.#plan()
  }

  #plan(): readonly SubjectRow[] {
    if (this.#planned !== undefined) return this.#planned
    const { insertSubjects, updateSubjects, removeSubjects, softRemoveSubjects, recoverSubjects, allSubjects } = this.#executor
    const collections = collectionChangesOf(allSubjects)
    const rows = new Set<SubjectRow>()
    const take = (kind: ChangeKind, subjects: readonly Subject[]) => {
      for (const subject of subjects) {
        const row = this.#rowFor(subject, kind)
        if (row === undefined || rows.has(row)) continue
        row.collections = collections.get(subject) ?? {}
        rows.add(row)
      }
    }
    const owners = [...collections.keys()].filter((owner) => owner.entity !== undefined && SubjectRow.kindOf(owner) === 'update')
    take('insert', this.#sorted(insertSubjects, 'insert'))
    take('update', [...updateSubjects.filter((subject) => SubjectRow.kindOf(subject) === 'update'), ...owners])
    take('delete', this.#sorted(removeSubjects, 'delete'))
    take('softRemove', softRemoveSubjects)
    take('recover', recoverSubjects)
    return (this.#planned = [...rows])
  }

  #rowFor(subject: Subject, kind: ChangeKind): SubjectRow | undefined {
    const entity = subject.entity ?? (Orphans.isOrphan(subject) ? this.#orphans.entityOf(subject) : undefined)
    if (entity === undefined || this.#excluded.has(entity)) return undefined
    let row = this.#rowOf.get(entity)
    if (row === undefined || (row.kind !== kind && (kind === 'softRemove' || kind === 'recover'))) {
      const { installation, isQuiet } = this.#parts
      const metadata = installation.mappers.metadataOf(entity, subject.metadata) ?? subject.metadata
      if (entity.constructor === Object) installation.targetsOfPlainObjects.set(entity, subject.metadata.target)
      const context = {
        session: this.#parts.session,
        internals: this.#parts.internals,
        isExcluded: (one: object) => this.#excluded.has(one),
      }
      const mapperHooks = isQuiet ? NO_MAPPER_HOOKS : installation.mappers.hooksOf(metadata)
      const known = subject.entity === undefined ? this.#orphans.rowOf(subject) : undefined
      row = new SubjectRow(subject, { entity, kind, context, metadata, mapperHooks, row: known })
      this.#rowOf.set(entity, row)
    }
    row.subject = subject
    row.kind = kind
    return row
  }

  /** Parents before children; where TypeORM cannot sort, it will say so itself. */
  #sorted(subjects: readonly Subject[], direction: 'insert' | 'delete'): readonly Subject[] {
    if (new Set(subjects.map((subject) => subject.metadata)).size < 2) return subjects
    try {
      return new this.#parts.internals.SubjectTopologicalSorter([...subjects]).sort(direction)
    } catch {
      return subjects
    }
  }

  unitOfWork(): UnitOfWork {
    const planned = this.#plan().filter((row) => !this.#included.has(row.entity) && !this.#excluded.has(row.entity))
    const of = (kind: ChangeKind) => [
      ...planned.filter((row) => row.kind === kind).map((row) => row.entity),
      ...[...this.#included.keys()].filter((entity) => this.#includedAs(entity) === kind),
    ]
    const sets = {
      new: of('insert'),
      dirty: of('update'),
      deleted: of('delete'),
      softRemoved: of('softRemove'),
      recovered: of('recover'),
    }
    return new UnitOfWorkView(sets, () =>
      relationEditsOf(this.#executor.allSubjects, {
        isExcluded: (entity) => this.#excluded.has(entity),
        standInFor: (subject) => this.#orphans.entityOf(subject),
      }),
    )
  }

  /** What a save will be is known once the row was looked for; until then a key tells. */
  #includedAs(entity: object): ChangeKind {
    const kind = this.#included.get(entity)!
    if (kind !== 'save') return kind
    const subject = this.#executor.allSubjects.find((one) => one.entity === entity)
    return subject?.databaseEntity === undefined && subject?.metadata.getEntityIdMap(entity) === undefined ? 'insert' : 'update'
  }

  stateOf(entity: object): EntityState | undefined {
    this.#plan()
    return this.#rowOf.get(entity)?.state
  }

  /** The kinds of entities in this run, for the question whether anybody listens. */
  *metadatas(): Iterable<EntityMetadata> {
    const seen = new Set<EntityMetadata>()
    for (const { metadata } of this.#executor.allSubjects) {
      if (seen.has(metadata)) continue
      seen.add(metadata)
      yield metadata
    }
  }

  // ---- what hooks change

  /** Rows that TypeORM writes without an object are read only when somebody listens. */
  prepare(): void | Promise<void> {
    const { session, installation, isQuiet } = this.#parts
    if (isQuiet || !this.#executor.allSubjects.some(Orphans.isOrphan)) return
    if (session.hooks.instances.length === 0 && !installation.mappers.hasAny) return
    this.#planned = undefined
    return this.#orphans.read(this.#executor.queryRunner, this.#executor.allSubjects)
  }

  async replan(): Promise<void> {
    if (this.#hasLazyRelations()) await Promise.resolve() // a promise assigned to one shows its value one tick later
    this.#planned = undefined
    this.#included.clear()
    if (this.#mustRebuild || this.#relationsChanged()) await this.#rebuild()
    else this.#executor.allSubjects.forEach((subject) => subject.recompute())
    this.#executor.recompute()
    await this.prepare()
    for (const subject of this.#executor.allSubjects) this.#settle(subject)
    this.#refilter()
  }

  #hasLazyRelations(): boolean {
    return this.#executor.allSubjects.some(({ metadata }) => metadata.lazyRelations.length > 0)
  }

  async #rebuild(): Promise<void> {
    this.#mustRebuild = false
    const roots = {
      subjects: this.#executor.allSubjects,
      isRoot: (subject: Subject) => this.#roots.has(subject.entity!),
      isExcluded: (entity: object) => this.#excluded.has(entity),
    }
    await rebuildPlan(this.#executor.queryRunner, roots, this.#parts.internals)
    for (const subject of this.#executor.allSubjects) {
      const row = subject.entity === undefined ? undefined : this.#rowOf.get(subject.entity)
      if (row !== undefined) row.subject = subject
    }
    this.#refuseUnsavedTargets()
    this.#takeFingerprints()
  }

  #refuseUnsavedTargets(): void {
    const { allSubjects } = this.#executor
    const plan = new Set(allSubjects.flatMap((subject) => subject.entity ?? []))
    for (const subject of allSubjects) {
      if (subject.entity === undefined || subject.mustBeRemoved || subject.metadata.relations.length === 0) continue
      const unsaved = unsavedTargetOf(subject, this.#fingerprints.get(subject.entity) ?? [], plan)
      if (unsaved !== undefined) throw new SessionError('RELATION_TARGET_UNSAVED', unsaved)
    }
  }

  #settle(subject: Subject): void {
    if (Orphans.isOrphan(subject)) this.#orphans.carryOver(subject)
    const row = subject.entity === undefined ? undefined : this.#rowOf.get(subject.entity)
    row?.assertSameKey()
    if (row?.baseline !== undefined) this.#keepOnlyHookChanges(subject, row)
  }

  /** softRemove and recover do not save an entity; what hooks set is written by an update beside them. */
  #keepOnlyHookChanges(subject: Subject, row: SubjectRow): void {
    const now = imageOf(row.map, row.entity)
    const deleteDate = subject.metadata.deleteDateColumn?.propertyPath
    subject.changeMaps = subject.changeMaps.filter((map) => {
      const path = (map.column ?? map.relation)!.propertyPath
      if (path === deleteDate) return false
      const leadsToNewObject =
        map.relation !== undefined && now[path] === undefined && row.baselineTargets?.has(map.relation.getEntityValue(row.entity)) === false
      return leadsToNewObject || !isDeepStrictEqual(now[path], row.baseline?.[path])
    })
    subject.canBeUpdated = subject.changeMaps.length > 0
  }

  /** The executor's lists after subjects were settled: the same filters its own recompute ends with. */
  #refilter(): void {
    const executor = this.#executor
    executor.updateSubjects = executor.allSubjects.filter((subject) => subject.mustBeUpdated)
  }

  #relationsChanged(): boolean {
    return this.#executor.allSubjects.some((subject) => {
      if (subject.entity === undefined || subject.metadata.relations.length === 0) return false
      const known = this.#fingerprints.get(subject.entity)
      return known !== undefined && !sameFingerprint(known, fingerprintOf(subject))
    })
  }

  #takeFingerprints(): void {
    this.#fingerprints = new Map()
    for (const subject of this.#executor.allSubjects) {
      if (subject.entity !== undefined && subject.metadata.relations.length > 0)
        this.#fingerprints.set(subject.entity, fingerprintOf(subject))
    }
  }

  include(kind: WorkKind, entity: object): void {
    this.#excluded.delete(entity)
    const existing = this.#executor.allSubjects.find((subject) => subject.entity === entity)
    if (kind === 'delete' && existing?.mustBeInserted === true) return void this.exclude(entity)
    const metadata = existing?.metadata ?? this.#parts.installation.mappers.metadataOf(entity)!
    const subject = existing ?? new this.#parts.internals.Subject({ metadata, entity })
    subject.canBeInserted = subject.canBeUpdated = kind === 'save'
    subject.mustBeRemoved = kind === 'delete'
    subject.canBeSoftRemoved = kind === 'softRemove'
    subject.canBeRecovered = kind === 'recover'
    if (existing === undefined) this.#executor.allSubjects.push(subject)
    this.#roots.add(entity)
    this.#included.set(entity, kind)
    this.#mustRebuild = true
  }

  exclude(entity: object): boolean {
    const subject = this.#executor.allSubjects.find((one) => one.entity === entity)
    if (subject === undefined) return false
    this.#excluded.add(entity)
    this.#included.delete(entity)
    this.#mustRebuild = true
    return true
  }

  async notify(when: 'before' | 'after'): Promise<void> {
    const count = await notifyListeners(this.#executor, when, this.#parts.internals)
    if (when === 'before' && count > 0) await this.replan()
  }

  // ---- the SQL

  seal(): readonly FlushRow[] {
    this.#sealed = this.#plan()
    for (const row of this.#sealed) row.seal()
    const { updateSubjects, softRemoveSubjects, recoverSubjects, removeSubjects, queryRunner } = this.#executor
    this.#affected = new AffectedRows(queryRunner, {
      updates: updateSubjects,
      softs: [...softRemoveSubjects, ...recoverSubjects],
      removed: removeSubjects,
    })
    return this.#sealed
  }

  /** Runs one of the run's own statements. */
  observe(builder: WriteBuilder, execute: WriteBuilder['execute']): ReturnType<WriteBuilder['execute']> {
    return this.#affected === undefined ? execute() : this.#affected.observe(builder, execute)
  }

  noteWritten(subject: Subject): void {
    this.#affected?.noteWritten(subject)
  }

  written(): readonly RowWritten[] {
    const affected = this.#affected!
    const records = this.#sealed.map((row) => ({ row, record: row.record() }))
    return records.filter(({ row }) => row.writesCollectionsOnly || affected.wasWritten(row.subject)).map(({ record }) => record)
  }

  /** What was written before a statement failed; waits for statements that TypeORM left running. */
  async writtenUntilFailure(): Promise<readonly RowWritten[]> {
    const affected = this.#affected
    if (affected === undefined) return []
    await affected.settled()
    return this.#sealed.filter((row) => affected.wasWritten(row.subject)).map((row) => row.record())
  }

  changedSinceWritten(): readonly object[] {
    return this.#sealed
      .filter((row) => row.kind !== 'delete' && row.subject.entity !== undefined)
      .filter((row) => !isDeepStrictEqual(imageOf(row.map, row.entity), row.asWritten()) || this.#collectionsChanged(row))
      .map((row) => row.entity)
  }

  #collectionsChanged(row: SubjectRow): boolean {
    const known = this.#fingerprints.get(row.entity)
    return known !== undefined && !sameFingerprint(known, fingerprintOf(row.subject))
  }

  /** What a write is about, in messages. */
  toString(): string {
    return `${String(this.unitOfWork())} on ${dataSourceOf(this.#executor.queryRunner)?.options.type ?? 'unknown'}`
  }
}
