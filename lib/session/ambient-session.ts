/**
 * The session of code that never opened one: the scope of one transaction on one query runner, or of one write.
 *
 * Knows what is being written, not what was merely loaded; the ORM it reaches through {@link SessionHost}. Longer than others because it
 * is one public interface. Invariant: after `end` nothing is taken in any more, and no hook but afterCommit and afterRollback runs.
 *
 * @module
 */
import type { DataSource, EntityManager } from 'typeorm'
import { runInFrame, type SlotValue } from '../core/async-frame.js'
import { currentContext, type Context } from '../core/context.js'
import { describeValue } from '../core/describe-value.js'
import { SessionError, type ErrorCode } from '../core/errors.js'
import { HookChain } from '../core/hook-chain.js'
import { currentSilence } from '../core/silence.js'
import { buildExtension, checkExtensionList } from '../mapper/extension-list.js'
import type { Change } from '../mapper/change.js'
import type { Cursor } from '../mapper/cursor.js'
import type { EntityState, Session, SessionExtensionInput, SessionHooks } from '../mapper/session.js'
import type { Awaitable, Token } from '../mapper/token.js'
import type { FlushPlan, FlushResult, TransactionScope, UnitOfWork } from '../mapper/unit-of-work.js'
import { Flush, MAX_ROUNDS } from './flush.js'
import type { HookFailure } from './install-options.js'
import { Journal } from './journal.js'
import { netChanges } from './net-changes.js'
import { PendingWork, UnitOfWorkView, type PendingSnapshot, type WorkKind } from './pending-work.js'
import type { RowWritten } from './row-change.js'
import { NO_SESSION_HOOKS, SESSION_LEVEL, SessionExtension } from './session-extension.js'

/** What an ambient session needs from the ORM and from the installation it belongs to. */
export interface SessionHost {
  readonly dataSource: DataSource
  readonly manager: EntityManager
  readonly extensions: readonly SessionExtensionInput[]
  resolve<T>(token: Token<T>): T
  isMapped(entity: object): boolean
  /** One write of the ORM, a flush of its own, inside this session's transaction. */
  write(kind: WorkKind, entities: readonly object[]): Promise<void>
  savepoint<T>(fn: () => Promise<T>): Promise<T>
  /** What makes the unit this session belongs to the present one. */
  frame(): readonly SlotValue[]
  reportHookError(error: unknown, failure: HookFailure): void
}

interface Level {
  readonly scope: TransactionScope
  readonly mark: number
  readonly commits: number
  readonly rollbacks: number
  readonly pending: PendingSnapshot
}

const WRITE_SCOPE: TransactionScope = Object.freeze({ kind: 'write', depth: 0, parent: null })

type CommitCallback = (changes: readonly Change[]) => Awaitable
type RollbackCallback = (changes: readonly Change[], scope: TransactionScope) => Awaitable

export class AmbientSession implements Session {
  readonly info: Record<PropertyKey, unknown> = {}
  readonly #host: SessionHost
  readonly #context: Context = currentContext()
  readonly #journal = new Journal()
  readonly #pending = new PendingWork()
  readonly #levels: Level[] = []
  readonly #commitCallbacks: CommitCallback[] = []
  readonly #rollbackCallbacks: RollbackCallback[] = []
  #hooks: HookChain<SessionHooks> | undefined
  #scope: TransactionScope | null = null
  #ended = false

  constructor(host: SessionHost) {
    this.#host = host
  }

  get dataSource(): DataSource {
    return this.#host.dataSource
  }

  get manager(): EntityManager {
    return this.#host.manager
  }

  get context(): Context {
    return { ...this.#context, ...currentContext() }
  }

  get journal(): readonly Change[] {
    return this.#journal.entries
  }

  get scope(): TransactionScope | null {
    return this.#scope
  }

  get uow(): UnitOfWork {
    const flush = Flush.current(this)
    if (flush !== undefined && flush.phase === 'before') return flush.unitOfWork
    const pending = this.#pending
    return new UnitOfWorkView({
      dirty: pending.of('save'),
      deleted: pending.of('delete'),
      softRemoved: pending.of('softRemove'),
      recovered: pending.of('recover'),
    })
  }

  /** This session's extensions, as far as they may be heard now. */
  get hooks(): HookChain<SessionHooks> {
    return currentSilence() === undefined ? this.#chain() : NO_SESSION_HOOKS
  }

  /** Built when it is first needed. */
  #chain(): HookChain<SessionHooks> {
    if (this.#hooks === undefined) {
      this.#hooks = new HookChain<SessionHooks>([], SessionExtension.prototype)
      for (const input of this.#host.extensions) this.#hooks.append(buildExtension<SessionHooks>(input, this, SESSION_LEVEL))
    }
    return this.#hooks
  }

  get session(): this {
    return this
  }

  // ---- asked for by hooks and callers

  resolve<T>(token: Token<T>): T {
    return this.#host.resolve(token)
  }

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
    if (this.#ended) throw new SessionError('SESSION_ENDED', { method })
    const flush = Flush.current(this)
    if (flush === undefined && this.#scope === null) throw new SessionError('SESSION_WITHOUT_TRANSACTION', { method })
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
    return [inserted, dirty, deleted, softRemoved, recovered].some((set) => set.has(entity))
  }

  registerExtension(extension: SessionExtensionInput): void {
    if (this.#ended) throw new SessionError('SESSION_ENDED', { method: 'registerExtension' })
    checkExtensionList([extension], SESSION_LEVEL)
    this.#chain().append(buildExtension<SessionHooks>(extension, this, SESSION_LEVEL))
  }

  onCommit(fn: CommitCallback): void {
    if (this.#ended || this.#scope === null)
      throw new SessionError(this.#ended ? 'SESSION_ENDED' : 'SESSION_WITHOUT_TRANSACTION', { method: 'onCommit' })
    this.#commitCallbacks.push(fn)
  }

  onRollback(fn: RollbackCallback): void {
    if (this.#ended || this.#scope === null)
      throw new SessionError(this.#ended ? 'SESSION_ENDED' : 'SESSION_WITHOUT_TRANSACTION', { method: 'onRollback' })
    this.#rollbackCallbacks.push(fn)
  }

  async transaction<T>(fn: (session: this) => Promise<T>): Promise<T> {
    if (this.#ended) throw new SessionError('SESSION_ENDED', { method: 'transaction' })
    if (this.#levels.length === 0) throw new SessionError('SESSION_WITHOUT_TRANSACTION', { method: 'transaction' })
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

  #refuse(method: string, code: ErrorCode & 'SESSION_IS_AMBIENT' = 'SESSION_IS_AMBIENT'): never {
    throw new SessionError(code, { method })
  }

  // ---- told by the ORM layer

  frame(): readonly SlotValue[] {
    return this.#host.frame()
  }

  /** Runs hooks with this session as the present one. */
  inFrame<T>(fn: () => T): T {
    return runInFrame(this.frame(), fn)
  }

  recordWritten(rows: readonly RowWritten[]): readonly Change[] {
    return this.#journal.append(rows)
  }

  writeLater(entities: readonly object[]): void {
    for (const entity of entities) if (!this.#pending.has(entity)) this.#pending.put('save', entity)
  }

  /** Takes work in for the flush before the commit, whatever is running. */
  takeLater(kind: WorkKind, entity: object): void {
    this.#pending.put(kind, entity)
  }

  /** A single write without a transaction begins: it is its own commit. */
  beginWrite(): void {
    this.#scope = WRITE_SCOPE
  }

  /** BEGIN or SAVEPOINT has been sent. */
  beginLevel(): TransactionScope {
    const parent = this.#levels.at(-1)?.scope ?? null
    const scope: TransactionScope = Object.freeze({
      kind: parent === null ? 'transaction' : 'savepoint',
      depth: this.#levels.length + 1,
      parent,
    })
    this.#levels.push(this.#levelAt(scope))
    this.#scope = scope
    return scope
  }

  #levelAt(scope: TransactionScope): Level {
    const commits = this.#commitCallbacks.length
    const rollbacks = this.#rollbackCallbacks.length
    return { scope, mark: this.#journal.mark, commits, rollbacks, pending: this.#pending.snapshot() }
  }

  /** RELEASE SAVEPOINT has been sent: nothing is committed by it. */
  releaseLevel(): void {
    this.#levels.pop()
    this.#scope = this.#levels.at(-1)?.scope ?? null
  }

  /** Whether {@link AmbientSession.beforeCommit} has anything to do. */
  get needsBeforeCommit(): boolean {
    return !this.#pending.isEmpty || this.hooks.has('beforeCommit')
  }

  /** Runs beforeCommit and writes what hooks have left, until both are quiet. */
  async beforeCommit(): Promise<void> {
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

  /** The server has committed: the session is over, and those who wait for it are told. Never throws. */
  async committed(): Promise<void> {
    this.#ended = true
    this.#levels.length = 0
    if (!this.hooks.has('afterCommit') && this.#commitCallbacks.length === 0) return
    const changes = netChanges(this.#journal.entries)
    await this.inFrame(async () => {
      await this.hooks.runIsolated('afterCommit', [changes], this.#reporter('afterCommit'))
      await isolated(this.#commitCallbacks, (fn) => fn(changes), this.#reporter('onCommit'))
    })
  }

  /** The innermost level has been rolled back: its changes are cut off and told. Never throws. */
  async rolledBack(): Promise<void> {
    const level = this.#levels.pop() ?? this.#wholeWrite()
    this.#scope = this.#levels.at(-1)?.scope ?? null
    if (this.#levels.length === 0) this.#ended = true
    const undone = this.#journal.cut(level.mark)
    this.#pending.restore(level.pending)
    this.#commitCallbacks.splice(level.commits)
    const callbacks = this.#rollbackCallbacks.splice(level.rollbacks)
    if (!this.hooks.has('afterRollback') && callbacks.length === 0) return
    await this.inFrame(async () => {
      await this.hooks.runIsolated('afterRollback', [undone, level.scope], this.#reporter('afterRollback'))
      await isolated(callbacks, (fn) => fn(undone, level.scope), this.#reporter('onRollback'))
    })
  }

  #wholeWrite(): Level {
    return { scope: this.#scope ?? WRITE_SCOPE, mark: 0, commits: 0, rollbacks: 0, pending: [] }
  }

  #reporter(hook: string): (error: unknown, extension: object) => void {
    return (error, extension) => this.#host.reportHookError(error, { hook, extension, session: this })
  }

  /** Cuts the journal back after a flush was undone to a savepoint of its own. */
  undoneTo(mark: number): void {
    this.#journal.cut(mark)
  }

  get mark(): number {
    return this.#journal.mark
  }

  get ended(): boolean {
    return this.#ended
  }

  toString(): string {
    const scope = this.#ended ? 'ended' : (this.#scope?.kind ?? 'no transaction')
    return `AmbientSession (${scope}; ${this.#journal.mark} written; ${String(this.uow)})`
  }
}

/** Calls every callback, whatever the others do. */
async function isolated<F extends object>(
  callbacks: readonly F[],
  call: (fn: F) => unknown,
  onError: (error: unknown, fn: F) => void,
): Promise<void> {
  for (const fn of callbacks) {
    try {
      await call(fn)
    } catch (error) {
      onError(error, fn)
    }
  }
}
