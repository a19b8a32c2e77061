/**
 * The messages of one session that wait for its commit.
 *
 * Knows no relay but how to wake it. Invariant: what is written is written in the transaction that is about to be committed, after everything
 * else, in the order it was told; what a rollback takes back is never written.
 *
 * @module
 */
import type { QueryRunner } from 'typeorm'
import { hasErrorCode } from '../core/errors.js'
import type { KeptEvent } from '../events/event-keeper.js'
import { keepInBackground } from '../events/keep-now.js'
import type { Session } from '../mapper/session.js'
import { storeAlone } from './lone-messages.js'
import { messageFor, pendingMessage, type PendingMessage } from './message-maker.js'
import { storeMessages } from './message-store.js'
import type { NewMessage } from './message.js'
import type { OutboxSettings } from './outbox-settings.js'
import { wakeRelays } from './wake-up.js'

interface Entry {
  readonly pending: PendingMessage
  isUndone: boolean
}

const recorders = new WeakMap<Session, SessionRecorder>()

/** Those that wait for a commit on one connection, in the order they began to: sessions may join a transaction of somebody else's. */
const waitingOn = new WeakMap<QueryRunner, Set<SessionRecorder>>()

function companionsOn(runner: QueryRunner): Set<SessionRecorder> {
  let waiting = waitingOn.get(runner)
  if (waiting === undefined) waitingOn.set(runner, (waiting = new Set()))
  return waiting
}

export class SessionRecorder {
  readonly #session: Session
  readonly #settings: OutboxSettings
  #entries: Entry[] = []
  /** Where it waits, or has waited last. */
  #companions: Set<SessionRecorder> | undefined

  private constructor(session: Session, settings: OutboxSettings) {
    this.#session = session
    this.#settings = settings
  }

  static of(session: Session, settings: OutboxSettings): SessionRecorder {
    let recorder = recorders.get(session)
    if (recorder === undefined) recorders.set(session, (recorder = new SessionRecorder(session, settings)))
    return recorder
  }

  toString(): string {
    const waiting = this.#entries.filter(({ isUndone }) => !isUndone).length
    return `SessionRecorder: ${waiting} messages wait for the commit, ${this.#entries.length - waiting} were undone`
  }

  /**
   * Takes an event into the open transaction.
   *
   * @returns False where none is open.
   * @throws {OutboxError} OUTBOX_PAYLOAD_INVALID · OUTBOX_KEY_INVALID
   */
  record(event: KeptEvent): boolean {
    const entry: Entry = { pending: pendingMessage(event, this.#settings), isUndone: false }
    const isFirst = !this.#isWaiting
    if (isFirst && !this.#waitForCommit()) return false
    this.#entries.push(entry)
    this.#session.onRollback(() => {
      entry.isUndone = true
      if (isFirst) this.#undone()
    })
    return true
  }

  #waitForCommit(): boolean {
    try {
      this.#session.onBeforeCommit(() => this.#session.onBeforeCommit(() => this.#write())) // behind those who tell something at the commit
    } catch (error) {
      if (isWithoutTransaction(error)) return false
      throw error
    }
    this.#session.onCommit(() => this.#committed())
    this.#companions = companionsOn(this.#session.manager.queryRunner!)
    this.#companions.add(this)
    return true
  }

  get #isWaiting(): boolean {
    return this.#companions?.has(this) === true
  }

  /** All that was told since it began to wait is undone. */
  #undone(): void {
    this.#companions?.delete(this)
    this.#entries = []
  }

  /** The innermost of those around this session that wait as well: what they have been told comes before. */
  get #around(): SessionRecorder | undefined {
    return [...(this.#companions ?? [])].findLast((other) => other.#session.scope !== null)
  }

  async #write(): Promise<void> {
    this.#companions?.delete(this)
    const entries = this.#entries
    this.#entries = []
    const around = this.#around
    if (around !== undefined) return void (around.#entries = [...around.#entries, ...entries])
    try {
      const connection = this.#settings.database.on(this.#session.manager.queryRunner!)
      await storeMessages(connection, this.#messagesOf(entries), this.#settings)
    } catch (error) {
      this.#entries = [...entries, ...this.#entries] // who tries to commit once more shall not commit without them
      throw error
    }
  }

  #messagesOf(entries: readonly Entry[]): readonly NewMessage[] {
    return entries.filter(({ isUndone }) => !isUndone).map(({ pending }) => messageFor(pending, this.#settings))
  }

  /** What was told while COMMIT was on its way is not in it. */
  #committed(): void {
    const late = this.#entries.filter(({ isUndone }) => !isUndone)
    this.#entries = []
    if (late.length === 0) return wakeRelays(this.#settings.dataSource)
    const keeping = Promise.resolve().then(() => storeAlone(this.#messagesOf(late), this.#settings))
    keepInBackground(
      keeping,
      late.map(({ pending }) => pending.event),
    )
  }
}

function isWithoutTransaction(error: unknown): boolean {
  return ['SESSION_WITHOUT_TRANSACTION', 'SESSION_ENDED', 'SESSION_CLOSED'].some((code) => hasErrorCode(error, code))
}
