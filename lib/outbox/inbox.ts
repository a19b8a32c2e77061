/**
 * Effects that happen once, however often a message arrives.
 *
 * Knows no relay: whoever consumes messages may use it. Invariant: that a message was handled is noted in the transaction of what it did, so
 * that either both are there or neither.
 *
 * @module
 */
import type { DataSource, EntityManager, QueryRunner } from 'typeorm'
import { describeValue } from '../core/describe-value.js'
import { ConfigurationError } from '../core/errors.js'
import { withoutExtensions } from '../core/silence.js'
import { installedOn } from '../session/installed.js'
import { assertConnected } from './desk/assert-connected.js'
import { OutboxDatabase, type OutboxConnection } from './sql/outbox-database.js'
import type { DatabaseFamily } from '../tables/database-family.js'
import { familyOf } from './sql/tables.js'
import { TransactionGate } from './transaction-gate.js'
import { untilAborted } from './until-aborted.js'

export interface OnceOptions {
  /** Who handles it: each consumer handles every message once. 1 to 100 characters. */
  readonly consumer: string
  /** What the message is known by wherever it arrives, such as `event.id`. 1 to 100 characters. */
  readonly messageId: string
  /**
   * Ends the wait for `fn`: when it aborts, what was written is rolled back, the connection is given back, and `once` rejects with its reason.
   * What `fn` writes by its manager afterwards is refused.
   */
  readonly abortSignal?: AbortSignal
}

export type OnceResult<T> =
  | {
      readonly isFirst: true
      /** What `fn` has answered. */
      readonly result: T
    }
  | { readonly isFirst: false }

const MAX_LENGTH = 100
const databases = new WeakMap<DataSource, OutboxDatabase>()

/** What an INSERT begins and ends with that leaves a row alone which is there. */
const INSERT_NEW: Readonly<Record<DatabaseFamily, readonly [string, string]>> = {
  sqlite: ['INSERT OR IGNORE', ''],
  postgres: ['INSERT', ' ON CONFLICT DO NOTHING'],
  mysql: ['INSERT IGNORE', ''],
}

/**
 * Does something for a message unless this consumer has done it before: `fn` runs in a transaction of the DataSource, together with a row that
 * says so. What it writes by its manager is there once, whatever crashes and however often the message arrives; of two calls at the same time
 * one waits for the other. Effects elsewhere are not part of it.
 *
 * Given a manager instead, both are part of the transaction that is open on it, as a savepoint: rolled back with it, they have never been. That
 * is how a session does something once: `withSession(dataSource, (session) => once(session.manager, message, fn))`. Given a DataSource inside of
 * a transaction, it joins that one on SQLite, which has one connection, and has its own elsewhere.
 *
 * Two things `abortSignal` cannot do: end a statement that is being sent, which is waited for, and tell late writes from others where a connection
 * is shared: with a manager, inside of an open transaction, and on SQLite without flushpoint.
 *
 * Asks nothing but the entity `InboxMessage` of `outboxEntities(type)`, in a consumer of another system as well. A relay forgets these rows
 * after `inboxRetentionMs`; where none runs, nobody does.
 *
 * @throws What `fn` throws, as it is, and the reason of `abortSignal`; then the message counts as not handled.
 * @throws {ConfigurationError} OPTION_INVALID
 * @throws {OutboxError} OUTBOX_TABLES_MISSING · OUTBOX_DATABASE_UNSUPPORTED
 * @example
 * await once(dataSource, { consumer: 'billing', messageId: event.id }, (manager) => manager.insert(Invoice, { order: event.subject }))
 */
export async function once<T>(
  target: DataSource | EntityManager,
  { consumer, messageId, abortSignal }: OnceOptions,
  fn: (manager: EntityManager) => Promise<T>,
): Promise<OnceResult<T>> {
  assertText('consumer', consumer)
  assertText('messageId', messageId)
  const dataSource = dataSourceOf(target)
  assertConnected(dataSource)
  abortSignal?.throwIfAborted()
  const database = databaseOf(dataSource)
  return target.transaction(async (manager) => {
    const connection = database.on(manager.queryRunner!)
    const isFirst = await withoutExtensions(() => insertNew(connection, [consumer, messageId], familyOf(dataSource.options.type)))
    if (!isFirst) return { isFirst }
    const result = await (abortSignal === undefined ? fn(manager) : unlessAborted(abortSignal, manager, fn))
    if (isCommitUnguarded(dataSource)) await connection.rows(() => 'SELECT 1')
    return { isFirst, result }
  })
}

async function unlessAborted<T>(abortSignal: AbortSignal, manager: EntityManager, fn: (manager: EntityManager) => Promise<T>): Promise<T> {
  const gate = gateOf(manager)
  try {
    return await untilAborted(abortSignal, (orAborted) => orAborted(async () => fn(manager)))
  } catch (error) {
    if (abortSignal.aborted) await gate?.close()
    throw error
  }
}

/** @returns Undefined where others may use that query runner: in a transaction around this one, or on a connection that all share. */
function gateOf(manager: EntityManager): TransactionGate | undefined {
  const runner = manager.queryRunner!
  const dataSource = dataSourceOf(manager)
  const isOutermost = (runner as QueryRunner & { readonly transactionDepth?: number }).transactionDepth === 1
  const isShared = (dataSource.driver as { readonly queryRunner?: QueryRunner }).queryRunner === runner
  return isOutermost && !isShared ? new TransactionGate(runner, isFollowed(dataSource)) : undefined
}

function isFollowed(dataSource: DataSource): boolean {
  return installedOn(dataSource) !== undefined
}

/** @returns False where the row was there: nothing was inserted. */
async function insertNew(connection: OutboxConnection, ids: readonly string[], family: DatabaseFamily): Promise<boolean> {
  const [verb, end] = INSERT_NEW[family]
  const inserted = await connection.run(
    ({ table, bind, nowMs }) =>
      `${verb} INTO ${table('inbox_message')} (consumer, message_id, processed_at) VALUES (${ids.map(bind).join(', ')}, ${nowMs})${end}`,
  )
  return inserted > 0
}

/**
 * PostgreSQL answers COMMIT with ROLLBACK, and TypeORM with success, where somebody swallowed the error of a statement; flushpoint notices that
 * where it is on. Elsewhere a statement more is refused then.
 */
function isCommitUnguarded(dataSource: DataSource): boolean {
  return dataSource.options.type === 'postgres' && !isFollowed(dataSource)
}

/** `dataSource` of managers in TypeORM 1.x, `connection` in 0.3. @throws {ConfigurationError} OPTION_INVALID */
function dataSourceOf(target: unknown): DataSource {
  const given = (target ?? {}) as Partial<DataSource> & { readonly dataSource?: DataSource; readonly connection?: DataSource }
  const dataSource = typeof given.createQueryRunner === 'function' ? (target as DataSource) : (given.dataSource ?? given.connection)
  if (typeof dataSource?.createQueryRunner === 'function' && typeof given.transaction === 'function') return dataSource
  throw new ConfigurationError('OPTION_INVALID', {
    place: 'once',
    option: 'target',
    wanted: 'a DataSource, or the manager of an open transaction',
    given: describeValue(target),
  })
}

function databaseOf(dataSource: DataSource): OutboxDatabase {
  let database = databases.get(dataSource)
  if (database === undefined) databases.set(dataSource, (database = new OutboxDatabase(dataSource)))
  return database
}

/** What is cut off, or compares as equal without its blanks, would take one message for another. */
function assertText(option: string, given: unknown): void {
  if (typeof given === 'string' && given.trim() === given && given !== '' && given.length <= MAX_LENGTH) return
  throw new ConfigurationError('OPTION_INVALID', {
    place: 'once',
    option,
    wanted: `a text of 1 to ${MAX_LENGTH} characters, without blanks at its ends`,
    given: typeof given === 'string' ? `a text of ${given.length} characters` : describeValue(given),
  })
}
