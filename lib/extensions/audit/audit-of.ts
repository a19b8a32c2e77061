/**
 * The audit trail as whoever reads it sees it.
 *
 * Only checks what it is asked, and hands it on. Invariant: nothing is read for an option that nobody knows.
 *
 * @module
 */
import type { DataSource, EntityManager } from 'typeorm'
import { checkOptions } from '../../core/check-options.js'
import { describeValue } from '../../core/describe-value.js'
import { ConfigurationError, DataError } from '../../core/errors.js'
import { assertWhole } from '../../core/whole-number.js'
import type { EntityRef, KeyInput, Values } from '../../mapper/entity-types.js'
import type { Session } from '../../mapper/session.js'
import { stateAsOf, type AuditMoment } from './as-of.js'
import { storedKeyOf } from './audit-key.js'
import { auditPlanOf, type AuditPlan } from './audit-plan.js'
import { auditedChange, type AuditedChange } from './audited-change.js'
import { asSpelt, isTarget, metadataFor, namesOf, rowFor, rowOfEntity, type AuditedRow } from './audited-row.js'
import { revertChange, type RevertOptions } from './revert.js'

export interface HistoryOptions {
  /** How many changes are told at most, from 1 to 10,000. @defaultValue 100 */
  readonly limit?: number
  /** Tells what is older than this change, for the next page. @defaultValue the newest change comes first */
  readonly before?: Pick<AuditedChange, 'sequence'>
}

type Target<E extends object> = EntityRef<E> | string

/** What can be asked of an audit trail. Of what the present transaction has changed it hears just before its COMMIT. */
export interface AuditDesk {
  /** What was done to a row, newest first. */
  history(entity: object, options?: HistoryOptions): Promise<readonly AuditedChange[]>
  /**
   * The same by key, also of rows that are gone; without a key, of all rows of a class and of those below it. A key finds the row that it finds in
   * the database, which may not mind letter case; of a row that is gone it has to be spelt as it was.
   */
  history<E extends object>(target: Target<E>, key?: KeyInput<E>, options?: HistoryOptions): Promise<readonly AuditedChange[]>
  /** What the transaction of a change did, in the order of its writes. */
  transaction(change: Pick<AuditedChange, 'transactionId' | 'at'>): Promise<readonly AuditedChange[]>
  /**
   * How a row looked at the end of that millisecond, or right after that change, as a plain object: to-ones and members of many-to-many it owns are
   * key objects; left out is what the trail does not keep. null where the row was not there.
   *
   * Right after a change a row looks as that change says. What no change until then tells is taken from later ones, else from the present row: also
   * right for rows that are older than the trail, as far as all that was done to them since that time is in it. What nobody has told, as what the
   * database does by ON DELETE CASCADE or SET NULL, bulk statements and raw SQL, is not seen between the changes of the row: it is taken to have
   * stayed as it was last told, but for what led to a row whose delete is told. A moment yet to come tells the row as it is.
   */
  asOf<E extends object>(entity: E, moment: AuditMoment): Promise<Values<E> | null>
  asOf<E extends object>(target: Target<E>, key: KeyInput<E>, moment: AuditMoment): Promise<Values<E> | null>
  /**
   * Takes one change back, through the session, so that hooks run and the trail gets a row of its own for it: the values before it, members put
   * back; what was inserted is deleted, what was deleted inserted with its old key, soft removal and recovery undo each other. Versions and dates of
   * updates go on. An own session flushes, what is pending before anything is checked, too: it counts as changed since.
   *
   * @throws {DataError} AUDIT_SESSION_MISSING · AUDIT_REVERT_CONFLICT when what it changed was changed again · AUDIT_REVERT_ROW_GONE ·
   *   AUDIT_REVERT_ROW_EXISTS · AUDIT_REVERT_NEEDS_SESSION when a deleted row has a generated key, and the session is ambient · AUDIT_REVERT_VALUES_MISSING when left out or hashed values would be needed · AUDIT_REVERT_MEMBERS_GONE
   */
  revert(change: AuditedChange, options?: RevertOptions): Promise<void>
}

const MOST_CHANGES = 10_000
const TARGET = 'an entity, or a class, EntitySchema or name'
/** The changes of a transaction are written just before its commit, within this time of one another: they are found by it. */
const SPAN_MS = 600_000

/**
 * The audit trail of a DataSource; made of a session, it reads inside of that one's transaction, and can revert.
 *
 * @throws {DataError} AUDIT_TABLE_MISSING · AUDIT_DATABASE_UNSUPPORTED; its methods: AUDIT_ENTITY_UNKNOWN · AUDIT_KEY_INVALID
 * @throws {ConfigurationError} OPTION_INVALID; its methods: OPTION_UNKNOWN · OPTION_INVALID
 * @example
 * await withSession(dataSource, async (session) => {
 *   const audit = auditOf(session)
 *   for (const change of await audit.history(Film, 7)) console.log(change.at, change.actor, change.operation, change.changes)
 *   const yesterday = await audit.asOf(Film, 7, new Date(Date.now() - 86_400_000))
 *   const [last] = await audit.history(Film, 7, { limit: 1 })
 *   if (last !== undefined) await audit.revert(last)
 * })
 */
export function auditOf(source: DataSource | Session): AuditDesk {
  const { onCommit, getMetadata } = ((source as unknown) ?? {}) as Partial<Session & DataSource>
  if (typeof onCommit !== 'function' && typeof getMetadata !== 'function')
    throw invalid('auditOf', { option: 'source', wanted: 'a DataSource or a session' }, source)
  const isSession = typeof (source as Partial<Session>).onCommit === 'function'
  return isSession ? new Desk((source as Session).dataSource, source as Session) : new Desk(source as DataSource, undefined)
}

class Desk implements AuditDesk {
  readonly #dataSource: DataSource
  readonly #session: Session | undefined

  constructor(dataSource: DataSource, session: Session | undefined) {
    this.#dataSource = dataSource
    this.#session = session
    if (dataSource.isInitialized) auditPlanOf(dataSource)
  }

  get #plan(): AuditPlan {
    return auditPlanOf(this.#dataSource)
  }

  get #manager(): EntityManager {
    return this.#session?.manager ?? this.#dataSource.manager
  }

  async history(first: unknown, second?: unknown, third?: HistoryOptions): Promise<readonly AuditedChange[]> {
    const options = (isTarget(first) ? third : (second as HistoryOptions | undefined)) ?? {}
    checkOptions('history', options, { limit: 'number', before: 'object' })
    const { limit = 100, before } = options
    assertWhole('history', { limit }, [1, MOST_CHANGES])
    if (before !== undefined && !Number.isSafeInteger((before as Partial<AuditedChange>).sequence))
      throw invalid('history', { option: 'before', wanted: 'a change of the trail' }, before)
    const plan = this.#plan
    const key = isTarget(first) ? second : first
    if (first === null || first === undefined) throw invalid('history', { option: 'entity', wanted: TARGET }, first)
    const row =
      key === undefined
        ? { metadata: metadataFor(plan, first), key: undefined }
        : await asSpelt(this.#manager, this.#rowOf(plan, first, key))
    const filter = {
      entities: row.key === undefined ? namesBelow(row.metadata, plan) : namesOf(row.metadata, plan),
      key: row.key === undefined ? undefined : storedKeyOf(row.key),
      beforeSequence: before?.sequence,
    }
    return (await plan.store.read(this.#manager, filter, limit)).map(auditedChange)
  }

  async transaction(change: Pick<AuditedChange, 'transactionId' | 'at'>): Promise<readonly AuditedChange[]> {
    const { transactionId, at } = (change as Partial<AuditedChange> | null | undefined) ?? {}
    if (typeof transactionId !== 'string' || !(at instanceof Date))
      throw invalid('transaction', { option: 'change', wanted: 'a change of the trail' }, change)
    const filter = { transactionId, sinceMs: at.getTime() - SPAN_MS, untilMs: at.getTime() + SPAN_MS }
    return (await this.#plan.store.read(this.#manager, filter)).map(auditedChange).reverse()
  }

  async asOf<E extends object>(first: unknown, second: unknown, third?: unknown): Promise<Values<E> | null> {
    if (first === null || first === undefined) throw invalid('asOf', { option: 'entity', wanted: TARGET }, first)
    const moment = isTarget(first) ? third : second
    const isMoment =
      moment instanceof Date
        ? !Number.isNaN(moment.getTime())
        : Number.isSafeInteger((moment as Partial<AuditedChange> | undefined)?.sequence)
    if (!isMoment) throw invalid('asOf', { option: 'moment', wanted: 'a valid date or a change of the trail' }, moment)
    const plan = this.#plan
    const row = this.#rowOf(plan, first, isTarget(first) ? second : first)
    return (await stateAsOf(this.#manager, row, { plan, moment: moment as AuditMoment })) as Values<E> | null
  }

  async revert(change: AuditedChange, options: RevertOptions = {}): Promise<void> {
    checkOptions('revert', options, { force: 'boolean' })
    if (this.#session === undefined) throw new DataError('AUDIT_SESSION_MISSING', {})
    await revertChange(this.#session, change, { plan: this.#plan, force: options.force === true })
  }

  #rowOf(plan: AuditPlan, first: unknown, key: unknown): AuditedRow {
    return isTarget(first) ? rowFor(plan, first, key) : rowOfEntity(plan, first as object)
  }
}

/** The names of a class and of those below it. */
function namesBelow(metadata: AuditedRow['metadata'], { dataSource }: AuditPlan): readonly string[] {
  const below = dataSource.entityMetadatas.filter(({ inheritanceTree }) => inheritanceTree.includes(metadata.target as never))
  return [...new Set([metadata.name, ...below.map(({ name }) => name)])]
}

function invalid(place: string, expected: { readonly option: string; readonly wanted: string }, given: unknown): ConfigurationError {
  return new ConfigurationError('OPTION_INVALID', { place, ...expected, given: describeValue(given) })
}
