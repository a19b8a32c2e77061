/**
 * The session somebody has opened: identity map, unit of work, transactions of its own.
 *
 * Puts the parts together and guards the door; what each part does is said there. Longer than others because it is one public interface.
 * Invariant: a method checks that the session is open before anything else, and nothing is half done when it throws.
 *
 * @module
 */
import type { FindOptionsWhere } from 'typeorm'
import { runInFrame, type SlotValue } from '../core/async-frame.js'
import { SessionError } from '../core/errors.js'
import { currentSilence } from '../core/silence.js'
import { checkExtensionList } from '../mapper/extension-list.js'
import type { Change } from '../mapper/change.js'
import type { Cursor } from '../mapper/cursor.js'
import type { EntityRef, KeyInput, Values } from '../mapper/entity-types.js'
import type { EntityState, OpenSession, RetryOptions, SessionExtensionInput } from '../mapper/session.js'
import type { FlushPlan, FlushResult, UnitOfWork } from '../mapper/unit-of-work.js'
import { asCurrent, enterScope } from './current-session.js'
import { keyLabel } from './entity-map.js'
import { Flush } from './flush.js'
import { planOf } from './flush-plan.js'
import { followSaved } from './followed-save.js'
import type { Journal } from './journal.js'
import type { Persistence } from './persistence.js'
import type { RowWritten } from './row-change.js'
import { retry } from './retry.js'
import { RowState } from './row-state.js'
import { SessionBase, type SessionHost } from './session-base.js'
import { checkedWhere, SessionCursor, type CursorHost } from './session-cursor.js'
import { SessionFlusher, type FlusherHost } from './session-flusher.js'
import type { SessionOptions } from './session-options.js'
import { SessionReader, type ReaderHost } from './session-reader.js'
import { SESSION_LEVEL } from './session-extension.js'
import { addWithCascades, bringBack } from './insert-cascades.js'
import { LazyReading } from './lazy-reading.js'
import { SessionTransactions } from './session-transactions.js'
import { SessionWork, type Mark } from './session-work.js'
import { UndoLog, type SavedLevel } from './undo-log.js'
import { unitOfWorkOf } from './work-source.js'
import { EntityFacts } from './work-row.js'

export interface OwnSessionHost extends SessionHost {
  readonly savepoints: boolean
}

let opened = 0

export class OwnSession extends SessionBase implements OpenSession {
  readonly #persistence: Persistence
  readonly #options: SessionOptions
  readonly #savepoints: boolean
  readonly #work: SessionWork
  readonly #log: UndoLog
  readonly #transactions: SessionTransactions
  readonly #flusher: SessionFlusher
  readonly #reader: SessionReader
  readonly #cursors: CursorHost
  readonly lazyReading: LazyReading
  readonly #leaveScope: () => void
  readonly #name = `OpenSession #${++opened}`
  #isClosed = false

  constructor(host: OwnSessionHost, persistence: Persistence, { isBlock, ...options }: SessionOptions & { isBlock: boolean }) {
    super(host, options.context, isBlock)
    this.#persistence = persistence
    this.#options = options
    this.#savepoints = options.savepoints ?? host.savepoints
    this.#work = new SessionWork({
      owner: this,
      mapOf: (entity) => persistence.mapOf(entity),
      changing: () => this.#flusher.reopen(),
      attached: (entity) => {
        this.#flusher.noteWork(() => this.#work.unadd(entity))
        this.tell('afterAttach', entity)
      },
      detached: (entity) => this.tell('afterDetach', entity),
    })
    this.#log = new UndoLog(this.#work)
    this.#transactions = new SessionTransactions({ persistence, log: this.#log, isBlock, isolationLevel: options.isolationLevel })
    const parts = this.#parts()
    this.#flusher = new SessionFlusher(parts, { work: this.#work, persistence, log: this.#log })
    this.#reader = new SessionReader(parts, this.#work, persistence)
    this.#cursors = {
      reader: this.#reader,
      hooks: () => this.hooks,
      inFrame: (fn) => this.inFrame(fn),
      assertUsable: (method) => this.assertUsable(method),
    }
    this.lazyReading = new LazyReading(this.#work, this.#cursors)
    this.#leaveScope = enterScope(this)
  }

  /** What flusher and reader see of this session. */
  #parts(): FlusherHost & ReaderHost {
    // eslint-disable-next-line @typescript-eslint/no-this-alias -- getters of an object literal have a `this` of their own
    const session = this
    return {
      session,
      savepoints: this.#savepoints,
      get hooks() {
        return session.hooks
      },
      get point() {
        return session.point
      },
      isCoalescing: () => !this.isHearingOthers,
      frame: () => this.frame(),
      inFrame: (fn) => this.inFrame(fn),
      recordWritten: (rows) => (currentSilence() === 'all' ? undefined : this.writeDown(rows)),
      writeLater: () => undefined, // what hooks change is dirty, and found before the commit
      undoneTo: (point) => this.undoneTo(point),
      throwIfAborted: () => this.#throwIfAborted(),
      read: (query) => this.#reader.read(query),
      stateOf: (tracked) => this.state(tracked.entity),
      autoflush: () => (this.#options.autoflush === true ? this.beforeSavepoint() : undefined),
      beginAround: () => this.beginAround(undefined),
      beginForFlush: () => this.#transactions.beginForFlush(),
    }
  }

  protected override assertUsable(method: string): void {
    if (this.#isClosed) throw new SessionError('SESSION_CLOSED', { method })
  }

  #assertNoFlush(method: string): void {
    this.assertUsable(method)
    if (Flush.current(this) !== undefined) throw new SessionError('FLUSH_IN_HOOK', { method })
  }

  frame(): readonly SlotValue[] {
    return [...this.#persistence.frame(), ...asCurrent(this, this.ownContext)]
  }

  // ---- entities

  get uow(): UnitOfWork {
    return unitOfWorkOf(this.#work)
  }

  add(...entities: readonly object[]): void {
    this.assertUsable('add')
    entities.forEach((entity) => this.#work.mapOf(entity))
    for (const entity of entities) addWithCascades(this.#work, entity)
  }

  delete(...entities: readonly object[]): void {
    this.#mark('delete', entities)
  }

  softRemove(...entities: readonly object[]): void {
    this.#mark('softRemove', entities)
  }

  recover(...entities: readonly object[]): void {
    this.#mark('recover', entities)
  }

  #mark(mark: Mark, entities: readonly object[]): void {
    this.assertUsable(mark)
    entities.forEach((entity) => this.#work.mapOf(entity))
    for (const entity of entities) {
      bringBack(this.#work, entity)
      this.#flusher.noteWork(this.#work.mark(mark, entity))
    }
  }

  expunge(entity: object): void {
    this.assertUsable('expunge')
    this.#work.expunge(entity)
  }

  expire(...entities: readonly object[]): void {
    this.assertUsable('expire')
    for (const entity of entities) this.#work.guard('expire', entity).isExpired = true
  }

  state<E extends object>(entity: E): EntityState<E> {
    const state = Flush.stateOf(entity) ?? new RowState(new EntityFacts(this.#work, entity, this.#work.mapOf(entity)), this)
    return state as EntityState<E>
  }

  isModified(entity: object): boolean {
    const condition = this.#work.conditionOf(entity)
    return condition === 'new' || condition === 'leaving' || (this.#flusher.hasWork() && unitOfWorkOf(this.#work).has(entity))
  }

  clear(): void {
    this.assertUsable('clear')
    this.#work.clear()
  }

  // ---- reading

  async get<E extends object>(target: EntityRef<E>, key: KeyInput<E>): Promise<E | null> {
    this.assertUsable('get')
    const known = this.#reader.known(target, key)
    if (known.entity !== undefined) return known.entity as E | null
    const entity = await this.find(target, known.key as FindOptionsWhere<E>).first()
    if (entity === null) this.#reader.forgetGone(known.map, known.key)
    return entity
  }

  async getOrFail<E extends object>(target: EntityRef<E>, key: KeyInput<E>): Promise<E> {
    const entity = await this.get(target, key)
    if (entity !== null) return entity
    const { map, key: image } = this.#reader.known(target, key)
    throw new SessionError('ENTITY_NOT_FOUND', { entity: map.name, criteria: keyLabel(image) })
  }

  find<E extends object>(target: EntityRef<E>, where?: FindOptionsWhere<E> | FindOptionsWhere<E>[]): Cursor<E> {
    this.assertUsable('find')
    const query = { map: this.#persistence.describe(target), where: checkedWhere(where) }
    return new SessionCursor<E>(this.#cursors, query, ['find', ...(where === undefined ? [target] : [target, where])])
  }

  async refresh<E extends object>(entity: E): Promise<E> {
    this.assertUsable('refresh')
    await this.#reader.refresh(this.#work.guard('refresh', entity))
    return entity
  }

  async merge<E extends object>(target: EntityRef<E>, values: Values<E>): Promise<E> {
    this.assertUsable('merge')
    return (await this.#reader.merge(target, values, (entity) => this.add(entity))) as E
  }

  noAutoflush<T>(fn: () => T): T {
    return SessionReader.withoutAutoflush(fn)
  }

  // ---- writing

  async flush(entity?: object): Promise<FlushResult> {
    this.#assertNoFlush('flush')
    return this.#flusher.flush(entity === undefined ? undefined : this.#work.guard('flush', entity))
  }

  explain(): Promise<FlushPlan> {
    return Promise.resolve().then(() => {
      this.assertUsable('explain')
      return planOf(this.#work, this.#persistence)
    })
  }

  /** Asked before each statement outside of a transaction. @returns Something to wait for where that begins one. */
  readonly beginAround = (sql: string | undefined): Promise<void> | undefined => this.#transactions.beginAround(sql)

  override recordWritten(rows: readonly RowWritten[]): readonly Change[] {
    this.#log.push(followSaved(this.#work, rows))
    return super.recordWritten(rows)
  }

  /** What hooks of session.manager.save change on entities of this session is dirty, and found before the commit. */
  writeLater(): void {}

  takeLater(kind: 'save' | Mark, entity: object): void {
    if (kind === 'save') this.add(entity)
    else this.#mark(kind, [entity])
  }

  async writePending(): Promise<void> {}
  get hasPending(): boolean {
    return this.#flusher.hasLeft
  }

  // ---- transactions

  begin(): Promise<void> {
    return this.#alone('begin', async () => {
      if (this.scope !== null || this.#persistence.beginning !== undefined)
        throw new SessionError('TRANSACTION_ALREADY_OPEN', { scope: this.scope?.kind ?? 'transaction' })
      this.#throwIfAborted()
      await this.#transactions.begin('block')
    })
  }

  commit(): Promise<void> {
    return this.#alone('commit', async () => {
      if (!this.#persistence.isInTransaction) await this.#flusher.flush()
      if (this.awaitsCommit) await this.#transactions.beginAround('')
      if (this.#persistence.isInTransaction) await this.#transactions.commit(() => this.#throwIfAborted())
      else if (this.#transactions.isBlock) await this.runCommitCallbacks()
    })
  }

  rollback(): Promise<void> {
    return this.#alone('rollback', async () => {
      if (this.#persistence.isInTransaction) await this.#persistence.rollback()
      else this.#log.undo(this.#log.save('block', true))
    })
  }

  async #alone(method: string, fn: () => Promise<void>): Promise<void> {
    this.#assertNoFlush(method)
    await this.#transactions.alone(method, () => {
      this.assertUsable(method)
      return fn()
    })
  }

  #throwIfAborted(): void {
    this.#options.abortSignal?.throwIfAborted()
  }

  async transaction<T>(fn: (session: this) => Promise<T>): Promise<T> {
    this.assertUsable('transaction')
    this.#throwIfAborted()
    return this.#transactions.run(this.depth, () => runInFrame(asCurrent(this, this.ownContext), () => fn(this)))
  }

  withRetry<T>(fn: (session: this) => Promise<T>, options: RetryOptions = {}): Promise<T> {
    const attempts = this.depth === 0 && !this.#transactions.isBlock ? options.attempts : 1
    return retry(
      (attempt) => {
        this.info['attempt'] = attempt
        if (attempt > 1) this.#work.expireAll()
        return this.transaction(fn)
      },
      { ...options, attempts, isRetryable: (error) => this.#persistence.isRetryable(error) },
    )
  }

  async withExtensions<T>(extensions: readonly SessionExtensionInput[], fn: () => Promise<T>): Promise<T> {
    this.#assertNoFlush('withExtensions')
    checkExtensionList(extensions, SESSION_LEVEL)
    await this.flush()
    return this.hearing(extensions, async () => {
      const result = await fn()
      await this.flush()
      return result
    })
  }

  async close(): Promise<void> {
    if (this.#isClosed) return
    this.#assertNoFlush('close')
    await this.#transactions.alone('close', async () => {
      if (this.#isClosed) return
      try {
        await this.#flusher.settled()
        if (this.#persistence.isInTransaction) await this.#persistence.rollback().catch(() => undefined) // a lost connection has lost its transaction
      } finally {
        this.#isClosed = true
        this.#work.clear()
        this.#leaveScope()
        await this.#persistence.release()
      }
    })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  // ---- told by the ORM layer

  protected levelBegins(): SavedLevel {
    return this.#transactions.saveLevel(this.depth === 0)
  }

  protected levelUndone(saved: SavedLevel): void {
    this.#log.undo(saved)
  }

  protected override takeJournal(journal: Journal): Journal {
    return journal.cut(0)
  }

  protected override transactionEnded(): void {
    super.transactionEnded()
    this.#log.clear()
    this.#work.dropDeleted(this.hooks.has('afterDetach') ? (entity) => this.tellIsolated('afterDetach', entity) : undefined)
  }

  override async committed(): Promise<void> {
    if (this.#options.expireOnCommit === true) this.#work.expireAll()
    await super.committed()
  }

  /** A savepoint must hold what was done in it and nothing else, as a query sees what was done before it. */
  async beforeSavepoint(): Promise<void> {
    if (Flush.current(this) === undefined && this.#flusher.hasWork()) await this.#flusher.flush()
  }

  get needsBeforeCommit(): boolean {
    return this.awaitsCommit || this.hooks.has('beforeCommit') || this.#flusher.hasWork()
  }

  protected settle(): Promise<void> {
    return this.#flusher.flushUntilQuiet(() =>
      this.hooks.has('beforeCommit') ? this.inFrame(() => this.hooks.run('beforeCommit')) : undefined,
    )
  }

  override toString(): string {
    if (this.#isClosed) return `${this.#name} (closed)`
    return `${this.#name} (${this.scope?.kind ?? 'no transaction'}; ${this.#work.size} tracked; ${String(this.uow)})`
  }
}
