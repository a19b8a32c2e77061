/**
 * The work of a session as the {@link FlushSource} of one flush.
 *
 * Plans anew whenever it is asked before the SQL; decides no order of hooks. Invariant: what is sealed is written and nothing else; what
 * changes after that belongs to the next flush.
 *
 * @module
 */
import { HookChain } from '../core/hook-chain.js'
import { currentSilence } from '../core/silence.js'
import type { ChangeKind } from '../mapper/change.js'
import { MapperExtension } from '../mapper/mapper-extension.js'
import type { EntityState, Session } from '../mapper/session.js'
import type { RelationEdit, UnitOfWork } from '../mapper/unit-of-work.js'
import { CompletedFlush } from './completed-flush.js'
import { editsOf, type Draft } from './draft.js'
import { keyText, type EntityMap } from './entity-map.js'
import type { FlushRow, FlushSource, Hearing } from './flush.js'
import { UnitOfWorkView, type WorkKind } from './pending-work.js'
import type { ListenedRow, Persistence, Query } from './persistence.js'
import { PlanRows, type PlannedRows } from './plan-rows.js'
import type { RowWritten } from './row-change.js'
import type { SessionWork } from './session-work.js'
import { imageOfPicture, isUnchanged, relationDifferenceOf, type Tracked } from './tracked.js'
import { unreadQueries } from './unread-relations.js'
import { WorkPlan } from './work-plan.js'
import { WorkRow, type WorkRowParts } from './work-row.js'

const NO_MAPPER_HOOKS = new HookChain<MapperExtension>([], MapperExtension.prototype)

export interface WorkSourceParts {
  readonly work: SessionWork
  readonly persistence: Persistence
  readonly session: Session
  /** Flushes this entity alone. */
  readonly focus: Tracked | undefined
  /** Loads what a plan needs to know, without autoflush and hooks. */
  read(query: Query): Promise<unknown>
}

export class WorkSource implements FlushSource {
  readonly #parts: WorkSourceParts
  readonly #rowParts: WorkRowParts
  readonly #rows = new Map<Tracked, WorkRow>()
  readonly #given: (() => void)[] = []
  /** What was asked for already: a row that is gone stays unread. */
  readonly #read = new Set<string>()
  #plan: WorkPlan | undefined
  #planned: PlannedRows | undefined
  /** What is planned, in the order of the statements. */
  #groups: readonly Group[] = []
  /** Set from the moment the plan is sealed. */
  #completed: CompletedFlush | undefined
  #isApplied = false
  /** How many statements had been sent when its own began. */
  #sentBefore = Infinity
  isOver = false

  constructor(parts: WorkSourceParts) {
    this.#parts = parts
    this.#rowParts = {
      work: parts.work,
      session: parts.session,
      hooksOf: (map) => this.#hooksOf(map),
      isPlanned: (one, kind) => this.#isPlanned(one, kind),
      writtenOf: (one) => this.completed?.writtenOf(one),
      isOver: () => this.isOver,
    }
  }

  get focus(): Tracked | undefined {
    return this.#parts.focus
  }

  get completed(): CompletedFlush | undefined {
    return this.#isApplied ? this.#completed : undefined
  }

  /** Remembers how to take away what a cascade or hook of this flush gave the session. */
  onUndo(undo: () => void): void {
    this.#given.push(undo)
  }

  /** Nothing of it is being sent any more. */
  #land(): void {
    if (this.#completed !== undefined) this.#markInserted(false)
  }

  #markInserted(isInFlight: boolean): void {
    for (const { kind, drafts } of this.#groups) if (kind === 'insert') drafts.forEach(({ tracked }) => (tracked.isInFlight = isInFlight))
  }

  /** Leaves everything pending as it was when the flush began. */
  undo(): void {
    this.#land()
    this.completed?.undo()
    this.#parts.work.dropMarkedNew()
    for (const step of this.#given.splice(0).reverse()) step()
  }

  // ---- before the SQL

  /**
   * Plans before the transaction begins, and takes nothing in.
   *
   * @param isFinal Whether nobody will be called who could change the plan: it is sealed now, where it can be.
   * @returns What is waiting: `no rows` where it may turn out that nothing differs.
   * @throws {SessionError} what {@link PlanRows.build} throws.
   */
  foresee(isFinal: boolean): 'nothing' | 'no rows' | 'rows' {
    const { work, focus } = this.#parts
    const plan = new WorkPlan(work, { focus })
    if (plan.isEmpty) return 'nothing'
    const planned = new PlanRows(plan).build()
    if (planned.steps.length === 0) return 'no rows'
    if (isFinal && plan.isClosed && unreadQueries(work, focus, plan).length === 0) {
      this.#take(plan, planned)
      this.#seal()
    }
    return 'rows'
  }

  /** What was sealed ahead is planned anew. */
  reopen(): void {
    this.#land()
    this.#completed = undefined
  }

  #take(plan: WorkPlan, planned: PlannedRows): void {
    this.#plan = plan
    this.#planned = planned
    this.#groups = groupsOf(plan, planned)
  }

  #makePlan(): void {
    const { work, focus } = this.#parts
    const plan = new WorkPlan(work, { attach: (entity) => work.add(entity, 'cascade'), focus })
    if (focus === undefined) for (const tracked of plan.unreached) work.expunge(tracked.entity)
    this.#take(plan, new PlanRows(plan).build())
  }

  rows(isHeard: Hearing): readonly FlushRow[] {
    if (this.#completed === undefined) this.#makePlan()
    return [...this.#heard(isHeard)]
  }

  /** Whoever is called may bring others that hear. */
  *#heard(isHeard: Hearing): Iterable<WorkRow> {
    for (const { kind, map, drafts } of this.#groups) {
      if (isHeard(kind, this.#hooksOf(map))) for (const draft of drafts) yield this.#rowFor(draft)
    }
  }

  #rowFor({ tracked, kind }: Draft): WorkRow {
    let row = this.#rows.get(tracked)
    if (row === undefined) this.#rows.set(tracked, (row = new WorkRow(tracked, kind, this.#rowParts)))
    row.kind = kind
    return row
  }

  #hooksOf(map: EntityMap): HookChain<MapperExtension> {
    return currentSilence() === undefined ? this.#parts.persistence.hooksOf(map) : NO_MAPPER_HOOKS
  }

  #isPlanned(tracked: Tracked, kind: ChangeKind): boolean {
    const { work } = this.#parts
    const condition = work.conditionOf(tracked.entity)
    if (condition === 'new') return kind === 'insert'
    if (condition === 'leaving') return work.marks.get(tracked) === kind
    const draft = this.#plan?.drafts.get(tracked)
    if (draft === undefined || draft.kind !== kind) return false
    return condition === 'dirty' || (condition === 'clean' && (kind !== 'update' || draft.parents.size > 0))
  }

  unitOfWork(): UnitOfWork {
    return unitOfWorkOf(this.#parts.work, this.focus)
  }

  prepare(): Promise<void> | undefined {
    return this.#completed === undefined ? this.#readUnread() : undefined
  }

  /** What is read may lead to more that goes. */
  async #readUnread(): Promise<void> {
    const { work, read, focus } = this.#parts
    for (let queries = unreadQueries(work, focus); queries.length > 0; queries = unreadQueries(work, focus)) {
      const asked = queries.filter((query) => !this.#read.has(idOf(query)))
      if (asked.length === 0) return
      for (const query of asked) {
        this.#read.add(idOf(query))
        await read(query)
      }
    }
  }

  async replan(): Promise<void> {
    this.reopen()
    await Promise.resolve() // a promise assigned to a lazy relation shows its value one tick later
    await this.#readUnread()
  }

  async notify(when: 'before' | 'after'): Promise<void> {
    const { persistence } = this.#parts
    if (!persistence.hasListeners(this.#parts.work.maps)) return
    if (when === 'before') {
      this.reopen()
      this.#makePlan()
    }
    const planned = this.#groups.flatMap(({ drafts }) => drafts.map((draft) => this.#rowFor(draft)))
    const rows =
      when === 'before' ? planned : [...this.#rows.values()].filter(({ tracked }) => this.completed?.writtenOf(tracked) !== undefined)
    const count = await persistence.notify(
      when,
      rows.map((row) => this.#listened(row)),
    )
    if (when === 'before' && count > 0) await this.replan()
  }

  #listened({ tracked, kind, state }: WorkRow): ListenedRow {
    const { map, entity, key } = tracked
    const written = this.completed?.writtenOf(tracked)
    const { baseline } = tracked
    const before = written === undefined ? (baseline === undefined ? null : imageOfPicture(map, baseline, baseline.keys)) : written.before
    return { kind, map, entity, key, before, changed: kind === 'update' ? Object.keys(state.changes) : [] }
  }

  include(kind: WorkKind, entity: object): void {
    if (kind === 'save') this.#parts.work.add(entity)
    else this.#parts.work.mark(kind, entity)
  }

  exclude(entity: object): boolean {
    const isThere = this.#parts.work.of(entity) !== undefined
    this.#parts.work.expunge(entity)
    return isThere
  }

  stateOf(entity: object): EntityState | undefined {
    const tracked = this.#parts.work.of(entity)
    if (tracked === undefined) return undefined
    const draft = this.#plan?.drafts.get(tracked)
    const row = draft !== undefined && this.#plan!.isWritten(draft) ? this.#rowFor(draft) : this.#rows.get(tracked)
    return row?.state
  }

  // ---- the SQL

  /** From the plan as `rows` has just told it, or as it was sealed ahead. */
  seal(isHeard: Hearing): Iterable<FlushRow> {
    if (this.#completed === undefined) this.#seal()
    return this.#heard(isHeard)
  }

  #seal(): void {
    const [plan, planned] = [this.#plan!, this.#planned!]
    const ordered = this.#groups.length === 1 ? this.#groups[0]!.drafts : this.#groups.flatMap(({ drafts }) => drafts)
    this.#completed = new CompletedFlush(this.#parts.work, { plan, planned, ordered, isPartial: this.#parts.focus !== undefined })
    this.#markInserted(true)
  }

  get isEmpty(): boolean {
    return this.#planned === undefined || this.#planned.steps.length === 0
  }

  /** Whether more than the statement that failed has been sent. */
  hasWritten(statements: number): boolean {
    return statements > this.#sentBefore + 1
  }

  async execute(): Promise<void> {
    this.#sentBefore = this.#parts.persistence.statements
    const written = await this.#parts.persistence.execute(this.#planned!.steps)
    this.#land()
    this.#completed!.apply(written)
    this.#isApplied = true
  }

  /** Members were compared and nothing had to be sent for them: that is the baseline now. */
  settle(): void {
    this.#completed?.apply(new Map())
    this.#isApplied = true
  }

  /** What this flush has deleted. */
  deleted(): readonly Tracked[] {
    const deleted = this.#groups.filter(({ kind }) => kind === 'delete').flatMap(({ drafts }) => drafts)
    return deleted.map(({ tracked }) => tracked).filter(({ status }) => status === 'deleted')
  }

  written(): readonly RowWritten[] {
    return this.completed?.written ?? []
  }

  /** Those are dirty, and found when the next flush looks. */
  changedSinceWritten(): readonly object[] {
    return []
  }
}

function idOf({ map, relations, keys }: Query): string {
  return `${map.name} ${relations!.join()} ${keyText(keys)}`
}

/** Drafts of one kind and class. */
interface Group {
  readonly kind: ChangeKind
  readonly map: EntityMap
  readonly drafts: readonly Draft[]
}

/** In the order of the statements; an entity of which only junction rows change comes where its update would. */
function groupsOf(plan: WorkPlan, { draftsOf, rows }: PlannedRows): readonly Group[] {
  const groups: Group[] = []
  for (const drafts of draftsOf) putGroup(groups, drafts.includes(undefined) ? drafts.filter(isThere) : (drafts as readonly Draft[]))
  if (rows.includes(undefined))
    for (const draft of plan.drafts.all)
      if (draft.kind === 'update' && rows[draft.index] === undefined && plan.isWritten(draft)) putGroup(groups, [draft])
  return groups
}

function isThere(draft: Draft | undefined): draft is Draft {
  return draft !== undefined
}

function putGroup(groups: Group[], drafts: readonly Draft[]): void {
  const first = drafts[0]
  if (first !== undefined) groups.push({ kind: first.kind, map: first.tracked.map, drafts })
}

/**
 * What waits now, cascades included, in the order in which it will be written; where the graph cannot be planned as it is, without them.
 *
 * @param focus The entity that alone is flushed, if so: what a flush of it leaves for later is no edit of a relation.
 */
export function unitOfWorkOf(work: SessionWork, focus?: Tracked): UnitOfWorkView {
  try {
    const plan = new WorkPlan(work, {})
    const groups = groupsOf(plan, new PlanRows(plan).build())
    const of = (wanted: ChangeKind) =>
      groups.filter(({ kind }) => kind === wanted).flatMap(({ drafts }) => drafts.map(({ tracked }) => tracked.entity))
    const sets = {
      new: of('insert'),
      dirty: of('update'),
      deleted: of('delete'),
      softRemoved: of('softRemove'),
      recovered: of('recover'),
    }
    return new UnitOfWorkView(sets, () => (focus === undefined ? plan : new WorkPlan(work, { focus })).relationEdits)
  } catch {
    const marked = (mark: string) => [...work.marks].filter(([, one]) => one === mark).map(([{ entity }]) => entity)
    const dirty = [...work.managed()].filter((tracked) => !work.marks.has(tracked) && !isUnchanged(tracked))
    const sets = {
      new: [...work.added].map(({ entity }) => entity),
      dirty: dirty.map(({ entity }) => entity),
      deleted: marked('delete'),
      softRemoved: marked('softRemove'),
      recovered: marked('recover'),
    }
    return new UnitOfWorkView(sets, () => [...work.added, ...dirty].flatMap((tracked) => editsWithoutPlan(work, tracked, focus)))
  }
}

function editsWithoutPlan(work: SessionWork, tracked: Tracked, focus: Tracked | undefined): readonly RelationEdit[] {
  if (focus !== undefined && focus !== tracked) return []
  const isLeftOut = (member: object) => work.isDropped(member)
  return editsOf({ tracked, kind: 'update', difference: relationDifferenceOf(tracked) }, { isLeftOut, isPartial: focus !== undefined })
}
