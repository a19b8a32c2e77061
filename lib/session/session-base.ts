/**
 * What every session has, ambient or opened: extensions, transaction levels, a journal, callbacks.
 *
 * Knows neither entities nor how they are written. Invariant: a level that is rolled back takes its journal entries and its callbacks with it;
 * what runs after an outcome was decided cannot change it.
 *
 * @module
 */
import type { DataSource, EntityManager } from 'typeorm'
import { FrameSlot, runInFrame, type SlotValue } from '../core/async-frame.js'
import { currentContext, type Context } from '../core/context.js'
import { SessionError } from '../core/errors.js'
import { HookChain } from '../core/hook-chain.js'
import { currentSilence } from '../core/silence.js'
import { buildExtension, checkExtensionList } from '../mapper/extension-list.js'
import type { Change } from '../mapper/change.js'
import type { Session, SessionExtensionInput, SessionHooks } from '../mapper/session.js'
import type { Token } from '../mapper/token.js'
import type { TransactionScope, UnitOfWork } from '../mapper/unit-of-work.js'
import {
  assertFunction,
  callIsolated,
  CommitCallbacks,
  type BeforeCommitCallback,
  type CallbackCounts,
  type CommitCallback,
  type RollbackCallback,
} from './commit-callbacks.js'
import type { HookFailure } from './install-options.js'
import { Journal } from './journal.js'
import { noteUndone, type Fate } from './fate.js'
import type { RowWritten } from './row-change.js'
import { NO_SESSION_HOOKS, SESSION_LEVEL, SessionExtension } from './session-extension.js'

/** What a session needs of the installation it belongs to. */
export interface SessionHost {
  readonly dataSource: DataSource
  readonly manager: EntityManager
  readonly extensions: readonly SessionExtensionInput[]
  resolve<T>(token: Token<T>): T
  reportHookError(error: unknown, failure: HookFailure): void
}

/** How much a session had written, and how many waited for its commit or rollback. */
export interface SessionPoint {
  readonly mark: number
  readonly waiting: CallbackCounts
}

interface Level extends SessionPoint {
  readonly scope: TransactionScope
  /** What the kind of session wants to come back to. */
  readonly saved: unknown
}

const WRITE_SCOPE: TransactionScope = Object.freeze({ kind: 'write', depth: 0, parent: null })

type Report = (error: unknown, extension: object) => void

/** The extensions that are heard for a time instead of a session's own. */
const replacement = new FrameSlot<{ readonly session: SessionBase; readonly chain: HookChain<SessionHooks> }>('extensions')

export abstract class SessionBase {
  readonly info: Record<PropertyKey, unknown> = {}
  readonly #host: SessionHost
  readonly #context: Context
  readonly #hasContext: boolean
  #awaitsTransaction: boolean
  readonly #journal = new Journal()
  #committedJournal: Journal | undefined
  readonly #levels: Level[] = []
  readonly #callbacks = new CommitCallbacks()
  #hooks: HookChain<SessionHooks> | undefined
  #scope: TransactionScope | null = null
  #ended = false
  #fate: Fate = { outcome: undefined }
  /** True while a transaction around this session decides about what it has written. */
  #isAwaiting = false

  /** @param awaitsTransaction True where one is sure to come: what is registered before it begins belongs to it. */
  constructor(host: SessionHost, context: Context = {}, awaitsTransaction = false) {
    this.#awaitsTransaction = awaitsTransaction
    this.#host = host
    this.#context = { ...currentContext(), ...context }
    this.#hasContext = Object.keys(this.#context).length > 0
  }

  abstract get uow(): UnitOfWork
  /** What a level that begins now has to come back to. */
  protected abstract levelBegins(): unknown
  protected abstract levelUndone(saved: unknown): void
  /** Whether {@link beforeCommit} has anything to do. */
  abstract get needsBeforeCommit(): boolean
  /** Runs beforeCommit hooks and writes what is left, until both are quiet. */
  protected abstract settle(): Promise<void>
  /** Told before a savepoint is set, and before one is released. */
  abstract beforeSavepoint(): Promise<void>
  abstract writeLater(entities: readonly object[]): void
  abstract takeLater(kind: 'save' | 'delete' | 'softRemove' | 'recover', entity: object): void
  abstract writePending(): Promise<void>
  abstract get hasPending(): boolean

  get dataSource(): DataSource {
    return this.#host.dataSource
  }

  get manager(): EntityManager {
    return this.#host.manager
  }

  get context(): Context {
    return { ...this.#context, ...currentContext() }
  }

  /** The context for frames, where there is one that the caller may not have. */
  protected get ownContext(): Context | undefined {
    return this.#hasContext ? this.context : undefined
  }

  get journal(): readonly Change[] {
    return this.#journal.entries
  }

  get netChanges(): readonly Change[] {
    return (this.#scope === null ? (this.#committedJournal ?? this.#journal) : this.#journal).net
  }

  get scope(): TransactionScope | null {
    return this.#scope
  }

  get session(): Session {
    return this as unknown as Session // every subclass is one
  }

  /** What became, or will become, of its present transaction. */
  get fate(): Fate {
    return this.#fate
  }

  get depth(): number {
    return this.#levels.length
  }

  get ended(): boolean {
    return this.#ended
  }

  get mark(): number {
    return this.#journal.mark
  }

  // ---- extensions

  /** This session's extensions, as far as they may be heard now. */
  get hooks(): HookChain<SessionHooks> {
    if (currentSilence() !== undefined) return NO_SESSION_HOOKS
    return this.isHearingOthers ? replacement.get()!.chain : this.chain()
  }

  /** Whether the present call hears other extensions than the session's own. */
  get isHearingOthers(): boolean {
    return replacement.get()?.session === this
  }

  /** Built when it is first needed. */
  protected chain(): HookChain<SessionHooks> {
    return (this.#hooks ??= this.buildChain(this.#host.extensions))
  }

  protected buildChain(inputs: readonly SessionExtensionInput[]): HookChain<SessionHooks> {
    const chain = new HookChain<SessionHooks>([], SessionExtension.prototype)
    this.#hooks ??= chain // an extension may look at its session while it is built
    for (const input of inputs) chain.append(buildExtension<SessionHooks>(input, this.session, SESSION_LEVEL))
    return chain
  }

  /** Lets these extensions be heard instead of its own by `fn` and what it awaits. */
  protected hearing<T>(extensions: readonly SessionExtensionInput[], fn: () => Promise<T>): Promise<T> {
    this.chain()
    return replacement.run({ session: this, chain: this.buildChain(extensions) }, fn)
  }

  registerExtension(extension: SessionExtensionInput): void {
    this.assertUsable('registerExtension')
    checkExtensionList([extension], SESSION_LEVEL)
    this.chain().append(buildExtension<SessionHooks>(extension, this.session, SESSION_LEVEL))
  }

  resolve<T>(token: Token<T>): T {
    return this.#host.resolve(token)
  }

  onCommit(fn: CommitCallback): void {
    assertFunction('session.onCommit', fn)
    this.#assertInTransaction('onCommit')
    this.#callbacks.commits.push(fn)
  }

  onRollback(fn: RollbackCallback): void {
    assertFunction('session.onRollback', fn)
    this.#assertInTransaction('onRollback')
    this.#callbacks.rollbacks.push(fn)
  }

  onBeforeCommit(fn: BeforeCommitCallback): void {
    assertFunction('session.onBeforeCommit', fn)
    this.#assertInTransaction('onBeforeCommit')
    if (this.#scope === WRITE_SCOPE) throw new SessionError('SESSION_WITHOUT_TRANSACTION', { method: 'onBeforeCommit' })
    this.#callbacks.befores.push(fn)
  }

  /** Whether somebody waits to be called before the commit. */
  protected get awaitsCommit(): boolean {
    return this.#callbacks.befores.length > 0
  }

  /** Hooks, then what is left to write, then who waits for the commit; again where these leave anything to write. */
  async beforeCommit(): Promise<void> {
    await this.settle()
    const settle = () => (this.hasPending ? this.settle() : undefined)
    await this.#callbacks.runBefores({ inFrame: (fn) => this.inFrame(fn), settle })
  }

  reportError(error: unknown, { hook, extension }: Omit<HookFailure, 'session'>): void {
    this.reporter(hook)(error, extension)
  }

  #assertInTransaction(method: string): void {
    this.assertUsable(method)
    if (this.#scope === null && !this.#awaitsTransaction) throw new SessionError('SESSION_WITHOUT_TRANSACTION', { method })
  }

  /** Nothing had to be written, so no transaction ever began. Never throws. */
  protected async runCommitCallbacks(): Promise<void> {
    this.#awaitsTransaction = false
    this.#fate.outcome = 'committed'
    const callbacks = this.#callbacks.committed()
    if (callbacks.length > 0) await this.inFrame(() => callIsolated(callbacks, (fn) => fn([]), this.reporter('onCommit')))
  }

  /** @throws {SessionError} when nothing may be asked of this session any more. */
  protected assertUsable(method: string): void {
    if (this.#ended) throw new SessionError('SESSION_ENDED', { method })
  }

  protected end(): void {
    this.#ended = true
  }

  /** Runs a hook whose caller cannot await. */
  protected tell(hook: string, entity: object): void {
    if (this.hooks.has(hook)) this.inFrame(() => this.hooks.runSynchronously(hook, entity))
  }

  /** As {@link tell}, when the outcome is decided. */
  protected tellIsolated(hook: string, entity: object): void {
    try {
      this.tell(hook, entity)
    } catch (error) {
      this.reporter(hook)(error, this)
    }
  }

  // ---- frames

  /** What makes this session, and its unit, the present one. */
  abstract frame(): readonly SlotValue[]

  /** Runs hooks with this session as the present one. */
  inFrame<T>(fn: () => T): T {
    return runInFrame(this.frame(), fn)
  }

  // ---- told by the ORM layer

  recordWritten(rows: readonly RowWritten[]): readonly Change[] {
    const { mark } = this.#journal
    this.writeDown(rows)
    return this.#journal.since(mark)
  }

  protected writeDown(rows: readonly RowWritten[]): void {
    this.#journal.append(rows)
  }

  /** Where it stands, for a flush that may be undone alone. */
  get point(): SessionPoint {
    return { mark: this.#journal.mark, waiting: this.#callbacks.counts }
  }

  /** A flush was undone alone: its changes are cut off, what waited for their commit is dropped, and who asked for the rollback is told. Never throws. */
  async undoneTo({ mark, waiting }: SessionPoint): Promise<void> {
    const { entries } = this.#journal.cut(mark)
    await this.#tellRollback(this.#callbacks.undo(waiting), entries, this.#scope ?? WRITE_SCOPE)
  }

  /** A single write without a transaction begins: it is its own commit. */
  beginWrite(): void {
    if (this.#fate.outcome !== undefined) this.#fate = { outcome: undefined }
    this.#scope = WRITE_SCOPE
  }

  /** BEGIN or SAVEPOINT has been sent. */
  beginLevel(): TransactionScope {
    const parent = this.#levels.at(-1)?.scope ?? null
    const kind = parent === null ? 'transaction' : 'savepoint'
    const scope: TransactionScope = Object.freeze({ kind, depth: this.#levels.length + 1, parent })
    const isAll = parent === null && this.#awaitsTransaction
    if (this.#fate.outcome !== undefined) this.#fate = { outcome: undefined }
    const waiting = isAll ? CommitCallbacks.NONE : this.#callbacks.counts
    this.#levels.push({ scope, mark: this.#journal.mark, waiting, saved: this.levelBegins() })
    this.#scope = scope
    return scope
  }

  /** RELEASE SAVEPOINT has been sent: nothing is committed by it. */
  releaseLevel(): void {
    this.#levels.pop()
    this.#scope = this.#levels.at(-1)?.scope ?? null
  }

  /** Its outermost level was released into a transaction around it: what becomes of it is decided there. */
  releaseInto(outer: SessionBase): void {
    const level = this.#levels.pop()!
    this.#scope = null
    this.#isAwaiting = true
    this.#fate.outcome = outer.session
    outer.onCommit(() => (this.#isAwaiting ? this.committed() : undefined))
    outer.onRollback(() => this.#undo(level))
  }

  /** The server has committed, and those who wait for it are told. Never throws. */
  async committed(): Promise<void> {
    this.#levels.length = 0
    this.#awaitsTransaction = false
    this.#isAwaiting = false
    this.#fate.outcome = 'committed'
    this.transactionEnded()
    this.#committedJournal = this.takeJournal(this.#journal)
    const callbacks = this.#callbacks.committed()
    if (!this.hooks.has('afterCommit') && callbacks.length === 0) return
    const changes = this.#committedJournal.net
    await this.inFrame(async () => {
      await this.hooks.runIsolated('afterCommit', [changes], this.reporter('afterCommit'))
      await callIsolated(callbacks, (fn) => fn(changes), this.reporter('onCommit'))
    })
  }

  /** What the transaction that has just committed wrote; it stays to be read where the session ends with it. */
  protected takeJournal(journal: Journal): Journal {
    return journal
  }

  /** The outermost level is over, committed or rolled back. */
  protected transactionEnded(): void {
    this.#scope = null
  }

  /** The innermost level has been rolled back: its changes are cut off and told. Never throws. */
  async rolledBack(): Promise<void> {
    const whole = { scope: this.#scope ?? WRITE_SCOPE, mark: 0, waiting: CommitCallbacks.NONE, saved: undefined }
    const level = this.#levels.pop() ?? whole
    this.#scope = this.#levels.at(-1)?.scope ?? null
    await this.#undo(level)
  }

  async #undo(level: Level): Promise<void> {
    const cut = this.#journal.cut(level.mark)
    if (level.scope !== WRITE_SCOPE) noteUndone(level.scope)
    if (this.#levels.length === 0) [this.#fate.outcome, this.#committedJournal] = ['undone', undefined]
    if (level.saved !== undefined) this.levelUndone(level.saved)
    const callbacks = this.#callbacks.undo(level.waiting)
    if (this.#levels.length === 0) this.#awaitsTransaction = false
    if (this.#levels.length === 0 && !(this.#isAwaiting && level.mark > 0)) this.transactionEnded()
    if (!this.hooks.has('afterRollback') && callbacks.length === 0) return
    const undone = cut.entries
    await this.inFrame(async () => {
      await this.hooks.runIsolated('afterRollback', [undone, level.scope], this.reporter('afterRollback'))
      await this.#tellRollback(callbacks, undone, level.scope)
    })
  }

  async #tellRollback(callbacks: readonly RollbackCallback[], undone: readonly Change[], scope: TransactionScope): Promise<void> {
    if (callbacks.length > 0) await this.inFrame(() => callIsolated(callbacks, (fn) => fn(undone, scope), this.reporter('onRollback')))
  }

  /** A block fails before anything began: nothing of it will ever be committed. */
  gaveUp(): void {
    this.#fate.outcome ??= 'undone'
  }

  protected reporter(hook: string): Report {
    return (error, extension) => this.#host.reportHookError(error, { hook, extension, session: this.session })
  }
}

/** A session as the ORM layer works with it. */
export type UnitSession = SessionBase & Session
