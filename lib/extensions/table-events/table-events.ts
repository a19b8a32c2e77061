/**
 * The session extension that tracks Datasette's events about tables and rows.
 *
 * Uses public hooks alone. Invariant: an event is tracked for what the database said was done, by the session it was done in; what the
 * session's transaction takes back is never delivered.
 *
 * @module
 */
import { hasErrorCode } from '../../core/errors.js'
import { tableNameOf, type TableName } from '../../core/table-name.js'
import type { DomainEvent, EventActor } from '../../events/domain-event.js'
import { track } from '../../events/track.js'
import type { BulkStatement } from '../../mapper/bulk-statement.js'
import type { Change } from '../../mapper/change.js'
import type { SchemaChange } from '../../mapper/schema-change.js'
import type { Session } from '../../mapper/session.js'
import { SessionExtension } from '../../session/session-extension.js'
import { tableFilter, type TableFilter } from '../table-filter.js'
import { eventsOfBulk, eventsOfRows, type Telling } from './row-events.js'
import { keysIn } from './row-keys.js'
import { SchemaEvents } from './schema-events.js'

export interface TableEventsOptions {
  /**
   * Tables nothing is told of, by name, or by the beginning of their names with `*` behind it: `['audit', 'auth_*']`. Letter case and
   * surrounding blanks do not count. @defaultValue none
   */
  readonly exclude?: readonly string[]
  /**
   * Whether events about rows carry old and new values, as `changes`. Statements by query are asked for images of their rows then.
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
 *   the commit; altering it before that is not told apart. `rename-table` is followed by `alter-table` under the new name.
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
  readonly #schemaEvents: SchemaEvents
  readonly #names = new Map<Change['target'], TableName>()
  readonly #told = new WeakSet<Change>()
  /** How much of the journal had been told when it was last read; a savepoint may have cut it since. */
  #toldUpTo = 0

  /** @throws {ConfigurationError} OPTION_INVALID */
  constructor(session: Session, { exclude, changes = false, images = changes }: TableEventsOptions = {}) {
    super(session)
    this.#withChanges = changes
    this.#wantsKeys = images
    this.#isExcluded = tableFilter('TableEvents', exclude)
    this.#schemaEvents = new SchemaEvents(session)
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
    if (this.#isExcluded(this.#nameOf(statement.target).table)) return
    try {
      statement.wantImages(this.#withChanges ? 'both' : 'keys')
    } catch (error) {
      if (!hasErrorCode(error, 'BULK_IMAGES_UNSUPPORTED')) throw error
    }
  }

  override afterBulk(statement: BulkStatement): void {
    for (const change of statement.changes ?? []) this.#told.add(change)
    if (this.#isExcluded(this.#nameOf(statement.target).table)) return
    const keys = statement.changes === undefined ? keysIn(statement, this.session.dataSource.getMetadata(statement.target)) : undefined
    this.#track(eventsOfBulk(statement, this.#telling(), keys))
  }

  override afterSchemaChange(change: SchemaChange): void {
    if (!this.#isExcluded(change.table)) this.#schemaEvents.tell(change, this.#actor)
  }

  #tellJournal(): void {
    const { journal } = this.session
    let from = Math.min(this.#toldUpTo, journal.length)
    while (from > 0 && !this.#told.has(journal[from - 1]!)) from--
    const untold = journal.slice(from).filter((change) => !this.#told.has(change))
    this.#toldUpTo = journal.length
    untold.forEach((change) => this.#told.add(change))
    const meant = untold.filter(({ target }) => !this.#isExcluded(this.#nameOf(target).table))
    this.#track(eventsOfRows(meant, this.#telling()))
  }

  #track(events: readonly DomainEvent[]): void {
    for (const event of events) track(event, { session: this.session })
  }

  #telling(): Telling {
    return { actor: this.#actor, withChanges: this.#withChanges, nameOf: (target) => this.#nameOf(target) }
  }

  get #actor(): EventActor {
    return (this.session.context.actor ?? null) as EventActor
  }

  #nameOf(target: Change['target']): TableName {
    let name = this.#names.get(target)
    if (name === undefined) {
      const { driver } = this.session.dataSource
      name = tableNameOf(driver.parseTableName(this.session.dataSource.getMetadata(target)), driver)
      this.#names.set(target, name)
    }
    return name
  }
}
