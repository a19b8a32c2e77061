/**
 * The session extension that triggers an event for every row that is created, saved or deleted, by the name of its table.
 *
 * Uses public hooks alone. Invariant: at most one event for each row and transaction, after the outermost commit, from net changes.
 *
 * @module
 */
import { eventKeeper } from '../../events/event-keeper.js'
import { triggerNamed } from '../../events/trigger-event.js'
import type { BulkStatement } from '../../mapper/bulk-statement.js'
import type { Change, ChangeKind } from '../../mapper/change.js'
import type { Session } from '../../mapper/session.js'
import { wantImagesWherePossible } from '../../session/images-where-possible.js'
import { SessionExtension } from '../../session/session-extension.js'
import { UntoldChanges } from '../../session/untold-changes.js'
import { tableFilter, type TableFilter } from '../table-filter.js'
import { TableNames } from '../table-names.js'

export interface GenericEventsOptions {
  /**
   * Tables nothing is told of, by name, or by the beginning of their names with `*` behind it: `['audit', 'auth_*']`. Letter case and
   * surrounding blanks do not count. @defaultValue none
   */
  readonly exclude?: readonly string[]
  /**
   * Whether statements by query are asked for the keys of their rows, at the price of a read, so that these rows are told as well.
   * @defaultValue `false`
   */
  readonly bulk?: boolean
}

const NAMES: Readonly<Record<ChangeKind, 'created' | 'saved' | 'deleted'>> = {
  insert: 'created',
  update: 'saved',
  softRemove: 'saved',
  recover: 'saved',
  delete: 'deleted',
}

/** Where the extension is listed twice, one of the two tells of a row. */
const triggered = new WeakSet<Change>()

/** @returns Whether the table is not left out. */
type Tell = (change: Change) => boolean

/** Who tells of a session before its commits, since an outbox keeps it: several where the extension is listed twice, and one of them of a row. */
class ToldBefore {
  readonly tellers = new Set<Tell>()
  readonly #untold = new UntoldChanges()

  tell(journal: readonly Change[]): void {
    for (const change of this.#untold.take(journal)) [...this.tellers].some((tell) => tell(change))
  }
}

const toldBefore = new WeakMap<Session, ToldBefore>()

/**
 * Triggers `<table>.created`, `<table>.saved` or `<table>.deleted` for plugins, with `{ id, model }`: the property `id` of the row and the
 * name of its class. From net changes, so a row that is inserted and updated in one transaction is `created`, and one that ends where it
 * began is not told at all; soft removal and recovery are `saved`. A table of another schema than the connection's is named with that in
 * front: `audit.entry.created`.
 *
 * A row without a property `id` is not told, unless it is deleted, with `id: null`: so it is where the key goes by another name, and with
 * composite keys that have no part of that name. Plugins hear of it only while plugin events are enabled, and not of what
 * `withoutExtensions` does; rows written with `{ journal: true }` inside a transaction around it are told, since they are kept for its
 * commit.
 *
 * @example
 * enablePluginEvents(true)
 * install(dataSource, { extensions: [GenericEvents.with({ exclude: ['auth_*', 'audit'] })] })
 */
export class GenericEvents extends SessionExtension {
  static override readonly optionNames = { exclude: 'optional', bulk: 'optional' } as const

  readonly #isExcluded: TableFilter
  readonly #withBulk: boolean
  readonly #names: TableNames

  /** @throws {ConfigurationError} OPTION_INVALID */
  constructor(session: Session, { exclude, bulk = false }: GenericEventsOptions = {}) {
    super(session)
    this.#isExcluded = tableFilter('GenericEvents', exclude)
    this.#withBulk = bulk
    this.#names = new TableNames(session)
  }

  override beforeBulk(statement: BulkStatement): void {
    if (!this.#withBulk) return
    wantImagesWherePossible(statement, 'keys')
  }

  /** What an outbox is to keep has to be told in the transaction, after the last of its work is written. */
  override beforeCommit(): void {
    if (eventKeeper()?.isKeeping(this.session) !== true) return
    const { session } = this
    const told = toldBefore.get(session) ?? new ToldBefore()
    toldBefore.set(session, told)
    told.tellers.add(this.#tell)
    session.onBeforeCommit(() => told.tell(session.journal))
  }

  override afterCommit(changes: readonly Change[]): void {
    if (toldBefore.has(this.session)) return
    for (const change of changes) if (!triggered.has(change) && this.#tell(change)) triggered.add(change)
  }

  /** A row of a junction belongs to the entities it links. */
  #isTold({ target }: Change): boolean {
    return (
      !this.#isExcluded(this.#names.of(target).table) &&
      !(typeof target === 'string' && this.session.dataSource.getMetadata(target).isJunction)
    )
  }

  readonly #tell: Tell = (change) => {
    if (!this.#isTold(change)) return false
    const { kind, target } = change
    const id = idOf(change)
    if (id !== null || kind === 'delete')
      triggerNamed(`${this.#names.of(target).table}.${NAMES[kind]}`, { id, model: typeof target === 'string' ? target : target.name })
    return true
  }
}

function idOf({ key, before, after }: Change): unknown {
  const values: Readonly<Record<string, unknown>> = { ...before, ...after, ...key }
  return values['id'] ?? null
}
