/**
 * The session extension that tracks Datasette's events about tables and rows.
 *
 * Uses public hooks alone. Invariant: an event is tracked for what the database said was done, by the session it was done in; what the
 * session's transaction takes back is never delivered.
 *
 * @module
 */
import type { DomainEvent, EventActor } from '../../events/domain-event.js'
import { track } from '../../events/track.js'
import type { BulkStatement } from '../../mapper/bulk-statement.js'
import type { Change } from '../../mapper/change.js'
import { isExtensionFactory } from '../../mapper/extension-factory.js'
import type { SchemaChange } from '../../mapper/schema-change.js'
import type { Session, SessionExtensionInput } from '../../mapper/session.js'
import { installedOn } from '../../session/installed.js'
import { wantImagesWherePossible } from '../../session/images-where-possible.js'
import { SessionExtension } from '../../session/session-extension.js'
import { tableFilter, type TableFilter } from '../table-filter.js'
import { TableNames } from '../table-names.js'
import { eventsOfBulk, eventsOfRows, type Telling } from './row-events.js'
import { keysIn } from './row-keys.js'
import { Told } from './told.js'

export interface TableEventsOptions {
  /**
   * Tables nothing is told of, by name, or by the beginning of their names with `*` behind it: `['audit', 'auth_*']`. Letter case and
   * surrounding blanks do not count. @defaultValue none
   */
  readonly exclude?: readonly string[]
  /**
   * Whether events about rows carry old and new values, as `changes`, and the keys of members that came to and went from to-many
   * relations. Statements by query are asked for images of their rows then.
   * @defaultValue `false`
   */
  readonly changes?: boolean
  /**
   * Whether statements by query are asked for the keys of the rows they change, at the price of a read. @defaultValue `false`, or what
   * `changes` is
   */
  readonly images?: boolean
}

/**
 * Tracks the events that Datasette has for tables and rows, after the outermost commit, in the order things were done, with the actor of
 * the context they were done in.
 *
 * - `insert-rows`: once for each flush and table, or for each statement by query, with the number of rows (of a statement: as asked for,
 *   whatever became of them). `ignore` and `replace` tell of a query builder's `orIgnore()` and `orUpdate()`.
 * - `upsert-rows`: once for each `upsert`.
 * - `update-row`, `delete-row`: once for each row. Soft removal and recovery are updates, and so is a change of a to-many relation alone:
 *   rows of junction tables that a flush writes are not told. A statement by query tells each row whose key it names (`update(Article, 7,
 *   …)`), or whose image was asked for by anybody (see `images`); otherwise one event stands for all its rows, with no `pks`. A statement
 *   that changed nothing tells nothing.
 * - `create-table`, `drop-table`, `rename-table`, `alter-table`: for operations of query runners and for statements they are sent as text,
 *   by migrations and `synchronize` as well, as `afterSchemaChange` hears of them. A table that is created is told with the schema it has at
 *   the commit; altering it before that is not told apart. One that is altered is told once for each transaction, with the schema before
 *   the first alteration and after the last, and not at all where these are the same. `rename-table` is followed by `alter-table` under
 *   the new name.
 *
 * Listed twice for one session it tells everything once, by the options of the one listed first; what that excludes, the other tells.
 * Where it is added in a transaction (`registerExtension`, `withExtensions`), what was written before is not told. `withoutExtensions`
 * silences it; rows written with `{ journal: true }` inside a transaction are told when that commits.
 *
 * Rows that the database changes by itself (`ON DELETE CASCADE`, triggers) are not known. What saves in after-hooks of a flush write is
 * counted together with that flush.
 *
 * @example
 * new DataSource({ …, subscribers: [sessionSubscriber({ extensions: [TableEvents.with({ exclude: ['migrations'], changes: true })] })] })
 * onEvent(InsertRowsEvent)(({ table, num_rows, actor }) => console.log(actor, 'inserted', num_rows, 'rows into', table))
 */
export class TableEvents extends SessionExtension {
  static override readonly optionNames = { exclude: 'optional', changes: 'optional', images: 'optional' } as const

  readonly #withChanges: boolean
  readonly #wantsKeys: boolean
  readonly #isExcluded: TableFilter
  readonly #names: TableNames
  readonly #told: Told
  /** What of the journal was told, left out, or there before. */
  readonly #seen = new WeakSet<Change>()
  /** How much of the journal had been seen when it was last read; a savepoint may have cut it since. */
  #seenUpTo = 0

  /** @throws {ConfigurationError} OPTION_INVALID */
  constructor(session: Session, { exclude, changes = false, images = changes }: TableEventsOptions = {}) {
    super(session)
    this.#withChanges = changes
    this.#wantsKeys = images
    this.#isExcluded = tableFilter('TableEvents', exclude)
    this.#names = new TableNames(session)
    this.#told = Told.of(session)
    if (session.journal.length > 0 && !this.#isListed) this.#unseen()
  }

  /** Whether it is there from the beginning: what a DataSource lists is built late where the first hooks of a session were silenced. */
  get #isListed(): boolean {
    const isThis = (input: SessionExtensionInput) => (isExtensionFactory(input) ? input.extension : input) === this.constructor
    return installedOn(this.session.dataSource)?.extensions.some(isThis) === true
  }

  override afterFlush(): void {
    this.#tellJournal()
  }

  /** Rows whose hooks were silenced, but not their journal. */
  override beforeCommit(): void {
    this.#tellJournal()
  }

  override beforeBulk(statement: BulkStatement): void {
    const isInsert = statement.kind === 'insert' || statement.kind === 'upsert'
    if (isInsert ? !this.#withChanges : !this.#wantsKeys) return
    if (this.#isExcluded(this.#names.of(statement.target).table)) return
    wantImagesWherePossible(statement, this.#withChanges ? 'both' : 'keys')
  }

  override afterBulk(statement: BulkStatement): void {
    for (const change of statement.changes ?? []) this.#seen.add(change)
    if (this.#isExcluded(this.#names.of(statement.target).table) || !this.#told.take(statement)) return
    for (const change of statement.changes ?? []) this.#told.take(change)
    const keys = statement.changes === undefined ? keysIn(statement, this.session.dataSource.getMetadata(statement.target)) : undefined
    this.#track(eventsOfBulk(statement, this.#telling(), keys))
  }

  override afterSchemaChange(change: SchemaChange): void {
    if (!this.#isExcluded(change.table) && this.#told.take(change)) this.#told.schemaEvents.tell(change, this.#actor)
  }

  #tellJournal(): void {
    const meant = this.#unseen().filter((change) => !this.#isExcluded(this.#names.of(change.target).table) && this.#told.take(change))
    this.#track(eventsOfRows(meant, this.#telling()))
  }

  /** What the journal has got since it was last asked for this. */
  #unseen(): readonly Change[] {
    const { journal } = this.session
    let from = Math.min(this.#seenUpTo, journal.length)
    while (from > 0 && !this.#seen.has(journal[from - 1]!)) from--
    const unseen = journal.slice(from).filter((change) => !this.#seen.has(change))
    this.#seenUpTo = journal.length
    unseen.forEach((change) => this.#seen.add(change))
    return unseen
  }

  #track(events: readonly DomainEvent[]): void {
    for (const event of events) track(event, { session: this.session })
  }

  #telling(): Telling {
    return {
      actor: this.#actor,
      withChanges: this.#withChanges,
      nameOf: (target) => this.#names.of(target),
      metadataOf: (target) => this.session.dataSource.getMetadata(target),
    }
  }

  get #actor(): EventActor {
    return (this.session.context.actor ?? null) as EventActor
  }
}
