/**
 * The session of code that never opened one: the scope of one transaction on one query runner, or of one write.
 *
 * Knows what is being written, not what was merely loaded; the ORM it reaches through {@link AmbientHost}. Invariant: after its outermost
 * level has ended nothing is taken in any more, and no hook but afterCommit and afterRollback runs.
 *
 * @module
 */
import type { SlotValue } from '../core/async-frame.js'
import { describeValue } from '../core/describe-value.js'
import { SessionError } from '../core/errors.js'
import type { Cursor } from '../mapper/cursor.js'
import type { EntityState, Session } from '../mapper/session.js'
import type { FlushPlan, FlushResult, UnitOfWork } from '../mapper/unit-of-work.js'
import { asCurrent } from './current-session.js'
import { Flush, MAX_ROUNDS } from './flush.js'
import { PendingWork, UnitOfWorkView, type PendingSnapshot, type WorkKind } from './pending-work.js'
import { SessionBase, type SessionHost } from './session-base.js'

/** What an ambient session needs from the ORM and from the installation it belongs to. */
export interface AmbientHost extends SessionHost {
  isMapped(entity: object): boolean
  /** One write of the ORM, a flush of its own, inside this session's transaction. */
  write(kind: WorkKind, entities: readonly object[]): Promise<void>
  savepoint<T>(fn: () => Promise<T>): Promise<T>
  /** What makes the unit this session belongs to the present one. */
  frame(): readonly SlotValue[]
}

export class AmbientSession extends SessionBase implements Session {
  readonly #host: AmbientHost
  readonly #pending = new PendingWork()

  constructor(host: AmbientHost) {
    super(host)
    this.#host = host
  }

  get uow(): UnitOfWork {
    const flush = Flush.current(this)
    if (flush?.phase === 'before') return flush.unitOfWork
    const pending = this.#pending
    return new UnitOfWorkView({
      dirty: pending.of('save'),
      deleted: pending.of('delete'),
      softRemoved: pending.of('softRemove'),
      recovered: pending.of('recover'),
    })
  }

  // ---- asked for by hooks and callers

  add(...entities: readonly object[]): void {
    this.#takeIn('save', 'add', entities)
  }

  delete(...entities: readonly object[]): void {
    this.#takeIn('delete', 'delete', entities)
  }

  softRemove(...entities: readonly object[]): void {
    this.#takeIn('softRemove', 'softRemove', entities)
  }

  recover(...entities: readonly object[]): void {
    this.#takeIn('recover', 'recover', entities)
  }

  #takeIn(kind: WorkKind, method: string, entities: readonly object[]): void {
    this.assertUsable(method)
    const flush = Flush.current(this)
    if (flush === undefined && this.scope === null) throw new SessionError('SESSION_WITHOUT_TRANSACTION', { method })
    for (const entity of entities) {
      if (typeof entity !== 'object' || entity === null || !this.#host.isMapped(entity))
        throw new SessionError('ENTITY_NOT_MAPPED', { given: describeValue(entity) })
    }
    for (const entity of entities) {
      if (flush?.phase === 'before') flush.source.include(kind, entity)
      else this.#pending.put(kind, entity)
      this.hooks.runSynchronously('afterAttach', entity)
    }
  }

  expunge(entity: object): void {
    const flush = Flush.current(this)
    const taken = flush?.phase === 'before' ? flush.source.exclude(entity) : this.#pending.remove(entity)
    if (!taken) throw new SessionError('ENTITY_UNKNOWN', { given: describeValue(entity), method: 'expunge' })
    this.hooks.runSynchronously('afterDetach', entity)
  }

  state<E extends object>(entity: E): EntityState<E> {
    const state = Flush.stateOf(entity)
    if (state === undefined) throw new SessionError('ENTITY_UNKNOWN', { given: describeValue(entity), method: 'state' })
    return state as EntityState<E>
  }

  isModified(entity: object): boolean {
    const { new: inserted, dirty, deleted, softRemoved, recovered } = this.uow
    return new UnitOfWorkView({ new: inserted, dirty, deleted, softRemoved, recovered }).has(entity)
  }

  async transaction<T>(fn: (session: this) => Promise<T>): Promise<T> {
    this.assertUsable('transaction')
    if (this.depth === 0) throw new SessionError('SESSION_WITHOUT_TRANSACTION', { method: 'transaction' })
    return this.#host.savepoint(() => fn(this))
  }

  // ---- what only a session of its own can do

  get<E extends object>(): Promise<E | null> {
    return this.#refuse('get')
  }

  getOrFail<E extends object>(): Promise<E> {
    return this.#refuse('getOrFail')
  }

  find<E extends object>(): Cursor<E> {
    return this.#refuse('find')
  }

  flush(): Promise<FlushResult> {
    return this.#refuse('flush')
  }

  explain(): Promise<FlushPlan> {
    return this.#refuse('explain')
  }

  refresh<E extends object>(): Promise<E> {
    return this.#refuse('refresh')
  }

  merge<E extends object>(): Promise<E> {
    return this.#refuse('merge')
  }

  expire(): void {
    this.#refuse('expire')
  }

  noAutoflush<T>(): T {
    return this.#refuse('noAutoflush')
  }

  withRetry<T>(): Promise<T> {
    return this.#refuse('withRetry')
  }

  withExtensions<T>(): Promise<T> {
    return this.#refuse('withExtensions')
  }

  #refuse(method: string): never {
    throw new SessionError('SESSION_IS_AMBIENT', { method })
  }

  frame(): readonly SlotValue[] {
    return [...this.#host.frame(), ...asCurrent(this)]
  }

  // ---- told by the ORM layer

  writeLater(entities: readonly object[]): void {
    for (const entity of entities) if (!this.#pending.has(entity)) this.#pending.put('save', entity)
  }

  /** Takes work in for the flush before the commit, whatever is running. */
  takeLater(kind: WorkKind, entity: object): void {
    this.#pending.put(kind, entity)
  }

  protected levelBegins(): PendingSnapshot {
    return this.#pending.snapshot()
  }

  protected levelUndone(saved: PendingSnapshot): void {
    this.#pending.restore(saved)
  }

  beforeSavepoint(): Promise<void> {
    return Promise.resolve()
  }

  protected override transactionEnded(): void {
    this.end()
  }

  get needsBeforeCommit(): boolean {
    return !this.#pending.isEmpty || this.awaitsCommit || this.hooks.has('beforeCommit')
  }

  protected async settle(): Promise<void> {
    for (let round = 0; ; round++) {
      if (this.hooks.has('beforeCommit')) await this.inFrame(() => this.hooks.run('beforeCommit'))
      if (this.#pending.isEmpty) return
      if (round === MAX_ROUNDS) throw new SessionError('FLUSH_NEVER_SETTLES', { hook: 'beforeCommit', rounds: MAX_ROUNDS })
      await this.writePending()
    }
  }

  /** Writes what hooks have left, each kind as a flush of its own; work of a failed write stays pending. */
  async writePending(): Promise<void> {
    const taken = [...this.#pending.take()]
    for (const [index, [kind, entities]] of taken.entries()) {
      try {
        await this.#host.write(kind, entities)
      } catch (error) {
        for (const [left, those] of taken.slice(index)) for (const entity of those) this.#pending.put(left, entity)
        throw error
      }
    }
  }

  get hasPending(): boolean {
    return !this.#pending.isEmpty
  }

  override toString(): string {
    const scope = this.ended ? 'ended' : (this.scope?.kind ?? 'no transaction')
    return `AmbientSession (${scope}; ${this.mark} written; ${String(this.uow)})`
  }
}
