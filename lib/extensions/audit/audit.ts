/**
 * The session extension that keeps an audit trail: who has changed what, in the transaction that changed it.
 *
 * Uses public hooks alone. Invariant: what is committed is in the trail, and nothing else.
 *
 * @module
 */
import { randomUUID } from 'node:crypto'
import type { DataSource } from 'typeorm'
import { DataError } from '../../core/errors.js'
import type { BulkStatement } from '../../mapper/bulk-statement.js'
import type { Change } from '../../mapper/change.js'
import type { EntityState, OpenSession, Session } from '../../mapper/session.js'
import type { TransactionScope } from '../../mapper/unit-of-work.js'
import { wantImagesWherePossible } from '../../session/images-where-possible.js'
import { SessionExtension } from '../../session/session-extension.js'
import { actorOf, AUDIT_OPTION_NAMES, shortened, type AuditOptions } from './audit-options.js'
import { auditPlanOf, NO_OPTIONS, type AuditPlan } from './audit-plan.js'
import { auditRowsOf } from './audit-rows.js'
import { RemovedRows } from './removed-rows.js'
import { UnrecordedChanges } from './unrecorded-changes.js'

/** Where it is listed twice, one of the two keeps the trail of a session. */
const keepers = new WeakMap<Session, Audit>()

/**
 * Writes one row for each net change of a transaction: who (`actor` and `requestId` of the context), when (by the clock of the database), which
 * row, the changed columns with the value before and after as JSON of what is stored, members that came and went, and an id that the changes of
 * one transaction share. By one statement just before the COMMIT, so that a change and its audit row share their fate; an INSERT that fails
 * vetoes the commit. Rolled back, to a savepoint or whole, nothing was ever written.
 *
 * The DataSource has to map the table: `auditEntities(type)`. Read it with `auditOf(session)`. What `withoutExtensions`, `listeners: false`
 * and raw SQL write is not audited, nor what the database cascades, nor are statements by query unless `bulk` asks for them;
 * `createQueryBuilder().relation(…).add(…)` and its like are not even then. Bigints above 2^53 are as TypeORM reads them: on SQLite, rounded.
 * A save that is to have no transaction (`{ transaction: false }` outside of one) is refused before anything is sent.
 *
 * @throws {DataError} AUDIT_TABLE_MISSING · AUDIT_DATABASE_UNSUPPORTED where it is listed; AUDIT_WITHOUT_TRANSACTION by such a save.
 * @throws {ConfigurationError} OPTION_UNKNOWN · OPTION_INVALID where it is listed.
 * @example
 * new DataSource({
 *   type: 'postgres',
 *   entities: [User, ...auditEntities('postgres')],
 *   subscribers: [sessionSubscriber({ extensions: [Audit.with({ exclude: ['User.password'] })] })],
 * })
 */
export class Audit extends SessionExtension {
  static override readonly optionNames = AUDIT_OPTION_NAMES

  static override checkInstall(dataSource: DataSource, options: unknown): void {
    auditPlanOf(dataSource, (options ?? NO_OPTIONS) as AuditOptions)
  }

  readonly #options: AuditOptions
  readonly #unrecorded = new UnrecordedChanges()
  readonly #removed = new RemovedRows()
  /** What could not be written: who tries to commit once more shall not commit without it. */
  #waiting: readonly Change[] = []
  #transaction: { readonly scope: TransactionScope; readonly id: string } | undefined

  constructor(session: Session, options: AuditOptions = NO_OPTIONS) {
    super(session)
    this.#options = options
    // as fields, so that flushes in a transaction do not pay for hooks that are about others
    if (session.scope?.kind === 'write') this.beforeWrite = () => this.#refuse()
    if (!isOwn(session)) this.beforeDelete = (_entity, state) => this.#readRemoved(state)
    else this.afterFlush = () => (session.scope?.kind === 'write' ? this.#record() : undefined)
  }

  get #plan(): AuditPlan {
    return auditPlanOf(this.session.dataSource, this.#options)
  }

  #refuse(): void {
    const { session } = this
    if (session.scope?.kind !== 'write') return
    const { new: inserted, dirty, deleted, softRemoved, recovered } = session.uow
    for (const entity of [inserted, dirty, deleted, softRemoved, recovered].flatMap((entities) => [...entities]))
      if (this.#plan.audited(session.state(entity).target) !== undefined) throw new DataError('AUDIT_WITHOUT_TRANSACTION', {})
  }

  #readRemoved(state: EntityState): Promise<void> | undefined {
    const audited = this.#plan.audited(state.target)
    return audited === undefined ? undefined : this.#removed.read(this.session, state, audited)
  }

  override beforeBulk(statement: BulkStatement): void {
    if (this.#options.bulk !== true || !this.#plan.audits(statement.target)) return
    wantImagesWherePossible(statement, 'both')
  }

  override beforeCommit(): void {
    const { session } = this
    if (keepers.get(session) === undefined) keepers.set(session, this)
    if (keepers.get(session) === this) session.onBeforeCommit(() => this.#record())
  }

  /** When everything is written: what hooks of the commit add counts, too. */
  async #record(): Promise<void> {
    const changes = [...this.#waiting, ...this.#unrecorded.take(this.session.journal)]
    if (changes.length === 0) return
    const { session } = this
    const plan = this.#plan
    const rows = auditRowsOf(changes, plan, this.#removed)
    if (rows.length === 0) return
    try {
      await plan.store.insert(session.manager, rows, this.#by(session))
      this.#waiting = []
      this.#removed.clear()
    } catch (error) {
      if (this.#waiting.length === 0) session.onRollback(() => void (this.#waiting = []))
      this.#waiting = changes
      throw error
    }
  }

  #by({ context, scope }: Session) {
    const requestId = shortened((context as { readonly requestId?: unknown }).requestId)
    return { transactionId: this.#transactionId(scope), actor: actorOf(context, this.#options.actor), requestId }
  }

  /** A write without a transaction is its own commit. */
  #transactionId(scope: TransactionScope | null): string {
    if (scope === null || scope.kind === 'write') return randomUUID()
    if (this.#transaction?.scope !== scope) this.#transaction = { scope, id: randomUUID() }
    return this.#transaction.id
  }
}

/** A flush of one's own session has a transaction; a save of its manager may be asked to have none. */
function isOwn(session: Session): boolean {
  return typeof (session as Partial<OpenSession>).begin === 'function'
}
