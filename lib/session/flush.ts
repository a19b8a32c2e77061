/**
 * The order of one flush: which hook runs when, and when it is over.
 *
 * Knows neither the ORM nor SQL: what will be written, and what was, it asks of the {@link FlushSource}. Invariant: each entity gets its
 * before-hooks once; nothing runs after the first error; the phases follow one another and never go back.
 *
 * @module
 */
import { FrameSlot, type SlotValue } from '../core/async-frame.js'
import { SessionError } from '../core/errors.js'
import type { HookChain } from '../core/hook-chain.js'
import type { ChangeKind } from '../mapper/change.js'
import type { EntityState, Session, SessionHooks } from '../mapper/session.js'
import type { MapperExtension } from '../mapper/mapper-extension.js'
import type { UnitOfWork } from '../mapper/unit-of-work.js'
import { UnitOfWorkView, type WorkKind } from './pending-work.js'
import type { RowWritten } from './row-change.js'

/** One row the flush will write. */
export interface FlushRow {
  readonly kind: ChangeKind
  readonly entity: object
  readonly state: EntityState
  readonly mapperHooks: HookChain<MapperExtension>
  /** False once a hook has taken the row out of the plan or given it another kind. */
  isPlanned(): boolean
}

/** Whether anybody hears of rows of this kind that have these hooks. */
export type Hearing = (kind: ChangeKind, mapperHooks: HookChain<MapperExtension>) => boolean

/** One persistence run, as the session needs to see it. Implemented over the ORM. */
export interface FlushSource {
  /** The rows to write, parents before children; those that nobody hears of may be missing. */
  rows(isHeard: Hearing): readonly FlushRow[]
  unitOfWork(): UnitOfWork
  /** Gets ready for hooks: what they are to see and was not read. */
  prepare(): void | Promise<void>
  /** Takes in what hooks and listeners changed since the last call. */
  replan(): Promise<void>
  /** Runs the ORM's own listeners and subscribers; all have settled when it returns or throws. */
  notify(when: 'before' | 'after'): Promise<void>
  include(kind: WorkKind, entity: object): void
  exclude(entity: object): boolean
  stateOf(entity: object): EntityState | undefined
  /** The plan is final, SQL comes next: as {@link FlushSource.rows}, with what each row will write remembered. Walked through after the SQL. */
  seal(isHeard: Hearing): Iterable<FlushRow>
  /** What the database really changed; called once, right after the SQL. */
  written(): readonly RowWritten[]
  /** Entities that no longer look as they were written, because an after-hook changed them. */
  changedSinceWritten(): readonly object[]
}

export type FlushPhase = 'before' | 'sql' | 'after' | 'done'

export const MAX_ROUNDS = 100

interface HookNames {
  readonly before: string
  readonly after: string
}

const HOOKS: Readonly<Record<ChangeKind, HookNames>> = {
  insert: { before: 'beforeInsert', after: 'afterInsert' },
  update: { before: 'beforeUpdate', after: 'afterUpdate' },
  delete: { before: 'beforeDelete', after: 'afterDelete' },
  softRemove: { before: 'beforeSoftRemove', after: 'afterSoftRemove' },
  recover: { before: 'beforeRecover', after: 'afterRecover' },
}

/** The hooks that run before the SQL and may change what it will be: those of rows, and those of sessions. */
export const ROW_HOOKS_BEFORE: readonly string[] = Object.values(HOOKS).map(({ before }) => before)
export const SESSION_HOOKS_BEFORE: readonly string[] = ['afterBegin', 'beforeFlush', 'beforeWrite', 'afterAttach', ...ROW_HOOKS_BEFORE]

const currentFlush = new FrameSlot<Flush>('flush')

export interface FlushOwner {
  readonly session: Session
  readonly hooks: HookChain<SessionHooks>
  /** What makes this session the present one. */
  frame(): readonly SlotValue[]
  recordWritten(rows: readonly RowWritten[]): void
  writeLater(entities: readonly object[]): void
}

export class Flush {
  readonly owner: FlushOwner
  readonly source: FlushSource
  /** The flush whose hook started this one. */
  readonly #outer: Flush | undefined = currentFlush.get()
  #phase: FlushPhase = 'before'
  #hook = 'beforeFlush'
  readonly #about: readonly object[]
  #rows: Iterable<FlushRow> = []

  /** @param entity The one that alone is flushed, if so. */
  constructor(owner: FlushOwner, source: FlushSource, entity?: object) {
    this.owner = owner
    this.source = source
    this.#about = entity === undefined ? [] : [entity]
  }

  /** The flush whose hook is running in this asynchronous call, if it is one of this session. */
  static current(session: Session): Flush | undefined {
    const flush = currentFlush.get()
    return flush !== undefined && flush.owner.session === session && flush.#phase !== 'done' ? flush : undefined
  }

  /** The flush this call runs in, of any session. */
  static get innermost(): Flush | undefined {
    return currentFlush.get()
  }

  /** The state of an entity in the flush this call runs in, or in one around it. */
  static stateOf(entity: object): EntityState | undefined {
    for (let flush = currentFlush.get(); flush !== undefined; flush = flush.#outer) {
      const state = flush.#phase === 'done' ? undefined : flush.source.stateOf(entity)
      if (state !== undefined) return state
    }
    return undefined
  }

  get phase(): FlushPhase {
    return this.#phase
  }

  /** The hook that is running, or ran last, as messages name it. */
  get hook(): string {
    return this.#hook
  }

  /** What is still to be written; empty from the SQL on. */
  get unitOfWork(): UnitOfWork {
    return this.#phase === 'before' ? this.source.unitOfWork() : new UnitOfWorkView()
  }

  /** What makes this flush, and its session, the present one. */
  frame(): readonly SlotValue[] {
    return [...this.owner.frame(), currentFlush.with(this)]
  }

  /** Everything before the first statement. */
  async before(): Promise<void> {
    const { hooks } = this.owner
    const preparing = this.source.prepare()
    if (preparing !== undefined) await preparing
    if (hooks.has('beforeFlush')) {
      await hooks.run('beforeFlush', ...this.#about)
      await this.source.replan()
    }
    await this.source.notify('before')
    await this.#runBeforeHooks()
    this.#phase = 'sql'
  }

  /** Nothing is awaited between the last plan and its seal: what other code changed meanwhile would count as written. */
  async #runBeforeHooks(): Promise<void> {
    const { hooks } = this.owner
    const seen = new Map<object, ChangeKind>()
    const shown = new Set<object>()
    const isHeard: Hearing = (kind, mapperHooks) => hooks.has('afterAttach') || this.#isHeard('before', kind, mapperHooks)
    for (let round = 0; ; round++) {
      const rows = this.source.rows(isHeard).filter(({ entity, kind }) => seen.get(entity) !== kind)
      const listening = rows.filter((row) => this.#listens('before', row))
      for (const row of rows) seen.set(row.entity, row.kind)
      const isRowHeard = listening.length > 0 || (rows.length > 0 && hooks.has('afterAttach'))
      const unshown = isRowHeard ? [] : this.#unshown(shown)
      if (!isRowHeard && unshown.length === 0) break // nobody was called since the plan was made
      if (round >= MAX_ROUNDS) throw this.#neverSettles(rows[0])
      await (isRowHeard ? this.#runBeforeRows(listening, seen) : this.#runBeforeWrite(unshown, shown))
      await this.source.replan()
    }
    this.#rows = this.source.seal((kind, mapperHooks) => this.#isHeard('after', kind, mapperHooks))
  }

  async #runBeforeRows(rows: readonly FlushRow[], seen: Map<object, ChangeKind>): Promise<void> {
    for (const row of rows) {
      if (!row.isPlanned()) seen.delete(row.entity)
      else {
        const running = this.#runBefore(row)
        if (running !== undefined) await running
      }
    }
  }

  /** What beforeWrite has not been called for, where anybody hears of it. */
  #unshown(shown: ReadonlySet<object>): readonly object[] {
    if (!this.owner.hooks.has('beforeWrite')) return []
    return entitiesOf(this.source.unitOfWork()).filter((entity) => !shown.has(entity))
  }

  async #runBeforeWrite(entities: readonly object[], shown: Set<object>): Promise<void> {
    for (const entity of entities) shown.add(entity)
    this.#hook = 'beforeWrite'
    await this.owner.hooks.run('beforeWrite')
  }

  #runBefore(row: FlushRow): void | Promise<void> {
    const { hooks, session } = this.owner
    const hook = HOOKS[row.kind].before
    this.#hook = nameOf(hook, row)
    const running = hooks.run(hook, row.entity, row.state)
    const runMapperHooks = () =>
      row.mapperHooks.has(hook) && row.isPlanned() ? row.mapperHooks.run(hook, row.entity, row.state, session) : undefined
    return running === undefined ? runMapperHooks() : running.then(runMapperHooks)
  }

  #listens(when: 'before' | 'after', { kind, mapperHooks }: FlushRow): boolean {
    return this.#isHeard(when, kind, mapperHooks)
  }

  #isHeard(when: 'before' | 'after', kind: ChangeKind, mapperHooks: HookChain<MapperExtension>): boolean {
    const hook = HOOKS[kind][when]
    return mapperHooks.has(hook) || this.owner.hooks.has(hook)
  }

  #neverSettles(row: FlushRow | undefined): SessionError {
    const hook = row === undefined ? 'beforeWrite' : nameOf(HOOKS[row.kind].before, row)
    return new SessionError('FLUSH_NEVER_SETTLES', { hook, rounds: MAX_ROUNDS })
  }

  /** Everything after the last statement, still inside the transaction. */
  async after(): Promise<void> {
    this.#phase = 'after'
    const { hooks, session } = this.owner
    this.owner.recordWritten(this.source.written())
    let hooksRan = hooks.has('afterFlush')
    for (const row of this.#rows) {
      if (!this.#listens('after', row)) continue
      hooksRan = true
      const hook = HOOKS[row.kind].after
      this.#hook = nameOf(hook, row)
      const mapperHooks = row.mapperHooks.run(hook, row.entity, row.state, session)
      if (mapperHooks !== undefined) await mapperHooks
      const sessionHooks = hooks.run(hook, row.entity, row.state)
      if (sessionHooks !== undefined) await sessionHooks
    }
    await this.source.notify('after')
    this.#hook = 'afterFlush'
    await hooks.run('afterFlush', ...this.#about)
    if (hooksRan) this.owner.writeLater(this.source.changedSinceWritten())
    this.#phase = 'done'
  }

  /** The flush is over without having finished. */
  fail(): void {
    this.#phase = 'done'
  }
}

function entitiesOf({ new: inserted, dirty, deleted, softRemoved, recovered }: UnitOfWork): readonly object[] {
  return [...inserted, ...dirty, ...deleted, ...softRemoved, ...recovered]
}

function nameOf(hook: string, row: FlushRow): string {
  return `${hook} of ${row.entity.constructor.name}`
}
