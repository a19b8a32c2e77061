/**
 * Runs the flushes of one session: one after another, each in a transaction, each undone when it fails.
 *
 * The order inside a flush is {@link Flush}'s. Invariant: a failed flush leaves everything pending as it was; work of the caller's that was
 * not in the sealed plan is never touched by success or failure.
 *
 * @module
 */
import { runInFrame } from '../core/async-frame.js'
import { SessionError } from '../core/errors.js'
import type { HookChain } from '../core/hook-chain.js'
import type { FlushResult } from '../mapper/unit-of-work.js'
import type { CompletedFlush } from './completed-flush.js'
import { Flush, MAX_ROUNDS, ROW_HOOKS_BEFORE, SESSION_HOOKS_BEFORE, type FlushOwner } from './flush.js'
import type { Persistence, Query } from './persistence.js'
import type { SessionPoint } from './session-base.js'
import type { SessionWork } from './session-work.js'
import { changedAfterDelete, hasUnreadMembers, isUnchanged, presentPicture, type Tracked } from './tracked.js'
import type { UndoLog } from './undo-log.js'
import { WorkSource } from './work-source.js'

/** What the flusher asks of the session. */
export interface FlusherHost extends FlushOwner {
  readonly savepoints: boolean
  readonly point: SessionPoint
  /** Whether flushes asked for at the same time may be one. */
  isCoalescing(): boolean
  undoneTo(point: SessionPoint): Promise<void>
  read(query: Query): Promise<unknown>
  /** @throws the reason of the abort signal, once it is aborted. */
  throwIfAborted(): void
  /** Begins: the session's own transaction where it has one around everything, else one for this flush alone. */
  beginForFlush(): Promise<'session' | 'flush'>
}

type Counts = Record<keyof FlushResult, number>

const COUNT_OF = { insert: 'inserted', update: 'updated', delete: 'deleted', softRemove: 'softRemoved', recover: 'recovered' } as const
const COUNTED = Object.values(COUNT_OF)

type Protection = Awaited<ReturnType<Persistence['protect']>>

interface Beginning {
  begin(): Promise<void>
  /** Whether the transaction that is open was begun for this flush alone. */
  isOwn(): boolean
}

export class SessionFlusher {
  readonly #host: FlusherHost
  readonly #work: SessionWork
  readonly #persistence: Persistence
  readonly #log: UndoLog
  #waiting: Promise<FlushResult> | undefined
  /** What waits beside the entity that alone is being flushed: it is to wait on. */
  #heldBack: ReadonlySet<Tracked> = new Set()
  /** What the flush that has begun the present transaction has written so far. */
  #owning: Counts | undefined
  /** The hook that last gave the session work during a flush. */
  #lastGiver: string | undefined
  /** The flush whose transaction is being begun. */
  #beginning: WorkSource | undefined

  constructor(host: FlusherHost, parts: { work: SessionWork; persistence: Persistence; log: UndoLog }) {
    this.#host = host
    this.#work = parts.work
    this.#persistence = parts.persistence
    this.#log = parts.log
  }

  /** The session has been given work; by a hook, `undo` takes it away again when the flush fails, since the hook will give it once more. */
  noteWork(undo: () => void): void {
    const flush = Flush.current(this.#host.session)
    if (flush === undefined) return
    this.#lastGiver = flush.hook
    if (flush.source instanceof WorkSource) flush.source.onUndo(undo)
  }

  /** Whether a flush would find anything, as far as can be told without planning. */
  hasWork(focus?: Tracked): boolean {
    const { added, marks } = this.#work
    if (focus !== undefined) return added.has(focus) || marks.has(focus) || (focus.status === 'managed' && !isUnchanged(focus))
    if (added.size > 0 || marks.size > 0) return true
    for (const tracked of this.#work.all.values()) if (tracked.status === 'managed' && !isUnchanged(tracked)) return true
    return false
  }

  /** @throws {SessionError} DELETED_CHANGED */
  #assertDeletedAlone(): void {
    for (const tracked of this.#work.deleted) {
      const changed = changedAfterDelete(tracked)
      if (changed.length > 0) throw new SessionError('DELETED_CHANGED', { entity: tracked.label, properties: changed.join(', ') })
    }
  }

  /**
   * Looks ahead, before a transaction begins. What cannot be written is refused here, unless a hook might mend it.
   *
   * @throws {SessionError} what {@link WorkSource.foresee} throws.
   */
  #foresee(source: WorkSource): { isWaiting: boolean; writes: boolean } {
    const { focus } = source
    try {
      const outlook = source.foresee(!this.#isPlanOpen)
      const isUnread = () => (focus === undefined ? this.#waitingNow() : [focus]).some((tracked) => hasUnreadMembers(tracked))
      return { isWaiting: outlook !== 'nothing', writes: outlook === 'rows' || (outlook === 'no rows' && isUnread()) }
    } catch (error) {
      if (!this.#isListenedTo) throw error
      return { isWaiting: true, writes: true }
    }
  }

  get #isListenedTo(): boolean {
    return this.#isHeard((hooks) => hooks.instances.length > 0)
  }

  /** Whether somebody will be called before the SQL who may change what is planned. */
  get #isPlanOpen(): boolean {
    return this.#isHeard((hooks, names) => hooks.instances.length > 0 && names.some((name) => hooks.has(name)))
  }

  #isHeard(isHeard: (hooks: HookChain<object>, names: readonly string[]) => boolean): boolean {
    const { maps } = this.#work
    if (isHeard(this.#host.hooks, SESSION_HOOKS_BEFORE) || this.#persistence.hasListeners(maps)) return true
    for (const map of maps) if (isHeard(this.#persistence.hooksOf(map), ROW_HOOKS_BEFORE)) return true
    return false
  }

  /** What is asked for while the transaction of a flush is being begun still is part of that flush. */
  reopen(): void {
    this.#beginning?.reopen()
  }

  /** Whether somebody is to hear of a flush that has nothing to write. */
  get #isWatched(): boolean {
    const { hooks } = this.#host
    return hooks.has('beforeFlush') || hooks.has('afterFlush')
  }

  #waitingNow(): readonly Tracked[] {
    return [...this.#work.all.values()].filter((tracked) => this.hasWork(tracked))
  }

  /** Calls for everything that come while one waits for its turn share it. */
  flush(focus?: Tracked): Promise<FlushResult> {
    if (focus !== undefined || !this.#host.isCoalescing()) return this.#inTurn(() => this.#flushNow(focus))
    if (this.#waiting !== undefined) return this.#waiting
    const flushing = Promise.resolve().then(() =>
      this.#inTurn(() => {
        if (this.#waiting === flushing) this.#waiting = undefined
        return this.#flushNow(undefined)
      }),
    )
    this.#waiting = flushing
    return flushing
  }

  /** Waits for the flushes called before. */
  async settled(): Promise<void> {
    await this.#waiting?.catch(() => undefined)
    await this.#inTurn(() => Promise.resolve())
  }

  #inTurn<T>(fn: () => Promise<T>): Promise<T> {
    return this.#persistence.inTurn(() => this.#host.frame(), fn)
  }

  async #flushNow(focus: Tracked | undefined): Promise<FlushResult> {
    const start = performance.now()
    const statements = this.#persistence.statements
    const counts: Counts = { inserted: 0, updated: 0, deleted: 0, softRemoved: 0, recovered: 0, statements: 0, durationMs: 0 }
    this.#host.throwIfAborted()
    this.#assertDeletedAlone()
    const { point } = this.#host
    const source = this.#sourceOf(focus)
    let owns = false
    const begin = async () => {
      if (!this.#persistence.isInTransaction) owns = (await this.#host.beginForFlush()) === 'flush'
    }
    try {
      const { isWaiting, writes } = this.#foresee(source)
      if (writes) await this.#beginFor(source, begin)
      if (focus !== undefined && owns) this.#heldBack = new Set(this.#waitingNow())
      if (owns) this.#owning = counts
      if (isWaiting || this.#isWatched) count(counts, await this.#flushOnce(source, { begin, isOwn: () => owns }))
      if (owns) await this.#commit()
    } catch (error) {
      if (owns) {
        await this.#rollBack()
        await this.#host.undoneTo(point)
      }
      throw error
    } finally {
      if (owns) {
        this.#heldBack = new Set()
        this.#owning = undefined
      }
    }
    return Object.freeze({ ...counts, statements: this.#persistence.statements - statements, durationMs: performance.now() - start })
  }

  async #commit(): Promise<void> {
    this.#host.throwIfAborted()
    await this.#persistence.commit()
  }

  /** The error that led here is the one to tell; a connection that cannot roll back has lost its transaction anyway. */
  async #rollBack(): Promise<void> {
    if (this.#persistence.isInTransaction) await this.#persistence.rollback().catch(() => undefined)
  }

  #sourceOf(focus: Tracked | undefined): WorkSource {
    const { session } = this.#host
    const read = (query: Query) => this.#host.read(query)
    return new WorkSource({ work: this.#work, persistence: this.#persistence, session, focus, read })
  }

  async #beginFor(source: WorkSource, begin: () => Promise<void>): Promise<void> {
    this.#beginning = source
    try {
      await begin()
    } catch (error) {
      source.undo()
      throw error
    } finally {
      this.#beginning = undefined
    }
  }

  async #flushOnce(source: WorkSource, { begin, isOwn }: Beginning): Promise<CompletedFlush | undefined> {
    const { focus } = source
    const flush = new Flush(this.#host, source, focus?.entity)
    const isInside = this.#persistence.isInTransaction && !isOwn()
    const { point } = this.#host
    const { writes } = this.#persistence
    let protection: Protection | undefined
    try {
      if (isInside && this.#host.savepoints && this.hasWork(focus)) protection = await this.#persistence.protect()
      await runInFrame(flush.frame(), () => this.#send(flush, source, begin))
      if (source.completed !== undefined) this.#log.push(source)
      source.deleted().forEach((tracked) => (tracked.asDeleted = presentPicture(tracked)))
      await protection?.release()
      return source.completed
    } catch (error) {
      const mayHaveWritten =
        (flush.phase === 'after' && !source.isEmpty) || source.hasWritten(this.#persistence.statements) || this.#persistence.writes > writes
      flush.fail()
      source.undo()
      if (protection !== undefined) {
        await protection.undo()
        await this.#host.undoneTo(point)
      } else if (isInside && mayHaveWritten) this.#persistence.doom(error)
      throw error
    } finally {
      source.isOver = true
    }
  }

  async #send(flush: Flush, source: WorkSource, begin: () => Promise<void>): Promise<void> {
    await flush.before()
    this.#host.throwIfAborted()
    if (source.isEmpty) source.settle()
    else {
      await begin()
      await source.execute()
    }
    await flush.after()
  }

  /** Flushes until hooks leave nothing, as before a commit. */
  async flushUntilQuiet(runHooks: () => void | Promise<void>): Promise<void> {
    for (let round = 0; ; round++) {
      await runHooks()
      const left = this.#left()
      if (left.length === 0) return
      if (round === MAX_ROUNDS)
        throw new SessionError('FLUSH_NEVER_SETTLES', { hook: this.#lastGiver ?? 'beforeCommit', rounds: MAX_ROUNDS })
      this.#lastGiver = undefined
      if (this.#heldBack.size === 0) await this.#flushMore(undefined)
      else for (const tracked of left) await this.#flushMore(tracked)
    }
  }

  /** Whether anything is to be written before the commit: not what waits beside the entity that alone is flushed. */
  get hasLeft(): boolean {
    return this.#heldBack.size === 0 ? this.hasWork() : this.#left().length > 0
  }

  #left(): readonly Tracked[] {
    return this.#waitingNow().filter((tracked) => !this.#heldBack.has(tracked))
  }

  /** What hooks have left is part of the flush that began the transaction. */
  async #flushMore(focus: Tracked | undefined): Promise<void> {
    const owning = this.#owning
    const result = await this.#inTurn(() => this.#flushNow(focus))
    if (owning !== undefined) for (const name of COUNTED) owning[name] += result[name]
  }
}

function count(counts: Counts, completed: CompletedFlush | undefined): void {
  completed?.written.forEach(({ kind }) => counts[COUNT_OF[kind]]++)
}
