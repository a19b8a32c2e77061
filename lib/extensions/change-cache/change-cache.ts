/**
 * The session extension that puts one record of what was changed into a cache, for each commit.
 *
 * Uses public hooks alone. Invariant: a record tells what one commit has changed, and nothing that was rolled back; whatever becomes of the
 * cache, the commit stands.
 *
 * @module
 */
import type { DataSource } from 'typeorm'
import { DataError } from '../../core/errors.js'
import { isEqual } from '../../core/is-equal.js'
import { withoutExtensions } from '../../core/silence.js'
import { eventKeeper } from '../../events/event-keeper.js'
import { receiveEvents } from '../../events/event-receivers.js'
import type { Change } from '../../mapper/change.js'
import type { Session } from '../../mapper/session.js'
import type { TransactionScope } from '../../mapper/unit-of-work.js'
import { SessionExtension } from '../../session/session-extension.js'
import { UntoldChanges } from '../../session/untold-changes.js'
import { formersOf, merged, type Former } from './before-write.js'
import { CHANGE_CACHE_OPTION_NAMES, ChangeCacheSettings, type ChangeCacheOptions } from './change-cache-options.js'
import { eventNameFor, receiverFor, type RecordedPayload } from './change-cache-subscription.js'
import type { ChangeRecord, DeletedRow, RecordedRows } from './change-record.js'
import { noteWriter, storeInTurn, type RecordCache } from './record-cache.js'
import { nextRecordKey } from './record-key.js'
import { recordedRows } from './recorded-rows.js'
import { RowReader } from './row-reader.js'

/** What a commit is to bring into the cache. */
interface Pending {
  readonly changes: readonly Change[]
  readonly rows: RecordedRows | undefined
  readonly createdMs: number
  readonly key: string
  readonly deletions: readonly Change[]
}

const UNTOLD = Symbol('flushpoint.change-cache')
const claimed = new WeakMap<readonly Change[], Set<RecordCache>>()

/** Shared by those of one session that are listed for one cache: each change is kept once. */
function untoldOf({ info }: Session, cache: RecordCache): UntoldChanges {
  const ofSession = (info[UNTOLD] ??= new Map()) as Map<RecordCache, UntoldChanges>
  const ofCache = ofSession.get(cache) ?? new UntoldChanges()
  ofSession.set(cache, ofCache)
  return ofCache
}

/** Deletions that are no more in what is left of a transaction: their rows came back. */
function deletionsIn(journal: readonly Change[], net: readonly Change[]): readonly Change[] {
  const isLeft = new Set(net)
  return journal.filter((change) => change.kind === 'delete' && !isLeft.has(change))
}

/** Whether nothing was written since: what was written once is the same object, the rest is folded each time. */
function areSame(some: readonly Change[], others: readonly Change[]): boolean {
  if (some === others) return true
  if (some.length !== others.length) return false
  return some.every((one, at) => {
    const other = others[at]!
    if (one === other) return true
    return one.kind === other.kind && isEqual([one.key, one.after, one.relations], [other.key, other.after, other.relations])
  })
}

/** True for the first that wants to put the changes of a commit into a cache. */
function claim(changes: readonly Change[], cache: RecordCache): boolean {
  const caches = claimed.get(changes) ?? new Set()
  claimed.set(changes, caches)
  return caches.size < caches.add(cache).size
}

/**
 * Puts one record for each outermost commit into a cache: `{ username, email, time, created, updated, deleted }`, as JSON, under a key that
 * sorts by time. `dumpCache` makes files of them. Nothing is recorded of what was rolled back, of a transaction that changed nothing in the
 * end, and of what `withoutExtensions` surrounds.
 *
 * - `created`: `{ model, id, obj_as_str, is_root, data }` for every new row.
 * - `updated`: `{ model, id, obj_as_str, data }`, once for each root that was updated, and for each root one relation away from a row that was
 *   updated or deleted (of a new row only where that is no root), by a to-one of either. Around an updated root only with `neighbours`.
 * - `deleted`: `{ model, id }` for each root, also for those one relation away that the database has deleted along with a row; those that it has
 *   deleted along with these, two relations away, are not told.
 *
 * `data` is the row as it is in the database just before the commit, read there in the same transaction: one SELECT for each class, kind of key
 * and 500 rows. Names in it are sorted; a to-one is the key of the other row; soft-removed rows are rows like others; columns with `select:
 * false` are never told. When these reads fail, the commit does.
 *
 * A cache that is down, or slower than `timeoutMs`, is told to `onHookError`, and the record is lost; unless the DataSource lists an `Outbox`,
 * too: then it is kept in the transaction, and a relay delivers it, some time after the commit. Statements by query are not recorded,
 * unless somebody has asked for images of their rows.
 *
 * A new row that cannot be found by its key just before the commit is told to `onHookError`. A session inside a transaction of a single connection has a record
 * of its own, in front of that of the transaction around it.
 *
 * Records of one process are in the order of its commits. Where two transactions that change rows of one root's document run side by side,
 * neither sees the other's rows: lock the root to have both in the later record.
 *
 * @example
 * const cache = new Keyv(new KeyvRedis('redis://localhost'))
 * sessionSubscriber({ extensions: [ChangeCache.with({ cache, roots: [Film, Person] })] })
 * await dumpCache({ cache, dir: 'data', git: true })
 */
export class ChangeCache extends SessionExtension {
  static override readonly optionNames = CHANGE_CACHE_OPTION_NAMES

  readonly #settings: ChangeCacheSettings
  readonly #formers = new Map<string, Former>()
  #isWaiting = false
  #pending: Pending | undefined
  /** Drawn as soon as a write that is its own commit was sent. */
  #writeKey: string | undefined
  /** True where an outbox has what is about to be committed. */
  #isKept = false

  /** @throws {ConfigurationError} OPTION_UNKNOWN · OPTION_INVALID */
  constructor(session: Session, options?: ChangeCacheOptions) {
    super(session)
    this.#settings = ChangeCacheSettings.of(options)
  }

  /**
   * @throws {ConfigurationError} OPTION_UNKNOWN · OPTION_INVALID
   * @throws {DataError} DATA_NAME_REFUSED · DATA_MODELS_ALIKE
   */
  static override checkInstall(dataSource: DataSource, options: unknown): void {
    const settings = ChangeCacheSettings.of(options as ChangeCacheOptions | undefined)
    settings.classesOf(dataSource)
    noteWriter(settings.cache)
    receiveEvents(dataSource, receiverFor(dataSource, settings.cache))
  }

  /** The database may delete what points at a row, or let go of it, when that is deleted. */
  override async beforeWrite(): Promise<void> {
    const formers = await withoutExtensions(() => formersOf(this.session, this.#classes))
    for (const [rowId, former] of formers) this.#formers.set(rowId, merged(this.#formers.get(rowId), former))
  }

  override afterFlush(): void {
    if (this.session.scope?.kind === 'write') this.#writeKey ??= nextRecordKey()
  }

  override beforeCommit(): void {
    const { session } = this
    if (this.#isWaiting || session.scope === null || session.scope.kind === 'write') return
    this.#isWaiting = true
    session.onBeforeCommit(() => session.onBeforeCommit(() => this.#record())) // behind those who write something at the commit
  }

  override async afterCommit(changes: readonly Change[]): Promise<void> {
    const pending = this.#pending
    const isKept = this.#isKept
    const { cache, timeoutMs } = this.#settings
    this.#isWaiting = this.#isKept = false
    const key = pending?.key ?? this.#writeKey ?? nextRecordKey()
    this.#pending = this.#writeKey = undefined
    const isMeant = !isKept && changes.length > 0 && claim(changes, cache)
    let rows: RecordedRows | undefined
    try {
      if (isMeant) rows = await this.#committedRows(changes, pending)
    } finally {
      this.#formers.clear() // the session may go on
    }
    if (rows === undefined) return
    noteWriter(cache)
    await storeInTurn(cache, { key, record: this.#recordOf(rows, pending?.createdMs) }, timeoutMs)
  }

  override afterRollback(_changes: readonly Change[], { kind }: TransactionScope): void {
    this.#pending = this.#writeKey = undefined
    this.#isWaiting = false
    if (kind === 'savepoint') return
    this.#isKept = false
    this.#formers.clear()
  }

  async #record(): Promise<void> {
    this.#isWaiting = false
    const { session } = this
    const name = eventKeeper()?.isKeeping(session) === true ? eventNameFor(this.#settings.cache) : undefined
    if (name !== undefined && (await this.#keep(name))) return void (this.#isKept = true)
    const changes = session.netChanges
    const deletions = deletionsIn(session.journal, changes)
    const rows = await this.#rows(changes, new RowReader(session.manager), deletions)
    const createdMs = Date.now()
    // Whoever waits for a row of this transaction draws its own key later: keys are in the order of commits.
    this.#pending = { changes, rows, deletions, createdMs, key: nextRecordKey(createdMs) }
  }

  /**
   * What an outbox has taken stays: work that comes to the commit later has a record of its own.
   *
   * @returns False where the outbox does not keep events of this name.
   */
  async #keep(name: string): Promise<boolean> {
    const { session } = this
    const changes = untoldOf(session, this.#settings.cache).take(session.journal)
    const rows = await this.#rows(changes, new RowReader(session.manager), deletionsIn(session.journal, changes))
    if (rows === undefined) return true
    const createdMs = Date.now()
    const payload: RecordedPayload = { partitionKey: name, key: nextRecordKey(createdMs), record: this.#recordOf(rows, createdMs) }
    return eventKeeper()!.keepWith(session, { kind: 'tracked', name, payload, createdMs, context: session.context })
  }

  /** Those of before the commit; a write without a transaction has no time before its commit. */
  async #committedRows(changes: readonly Change[], pending: Pending | undefined): Promise<RecordedRows | undefined> {
    if (pending !== undefined && areSame(pending.changes, changes)) return pending.rows
    return this.#rows(changes, new RowReader(this.session.dataSource.manager), pending?.deletions ?? [])
  }

  #rows(changes: readonly Change[], reader: RowReader, deletions: readonly Change[]): Promise<RecordedRows | undefined> {
    const { withNeighbours } = this.#settings
    const missing = ({ model, id }: DeletedRow) =>
      this.session.reportError(new DataError('CHANGE_ROW_MISSING', { model, id }), { hook: 'beforeCommit', extension: this })
    const parts = { classes: this.#classes, reader, withNeighbours, formers: this.#formers, deletions, missing }
    return withoutExtensions(() => recordedRows(changes, parts))
  }

  #recordOf(rows: RecordedRows, timeMs: number = Date.now()): ChangeRecord {
    return { ...this.#settings.authorOf(this.session.context), time: new Date(timeMs).toISOString(), ...rows }
  }

  get #classes() {
    return this.#settings.classesOf(this.session.dataSource)
  }
}
