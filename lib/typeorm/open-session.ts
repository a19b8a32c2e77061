/**
 * Opens sessions on a DataSource: puts one together from its parts, and ends those of a block.
 *
 * The composition root of the second way in. Invariant: a session that was opened is the session of its query runner from the first
 * statement to the last.
 *
 * @module
 */
import type { DataSource, QueryRunner } from 'typeorm'
import { runInFrame } from '../core/async-frame.js'
import { describeValue } from '../core/describe-value.js'
import { ConfigurationError } from '../core/errors.js'
import type { OpenSession, Session } from '../mapper/session.js'
import { OwnSession, type OwnSessionHost } from '../session/own-session.js'
import { checkedSessionOptions, type SessionOptions } from '../session/session-options.js'
import { trackedOf } from '../session/session-work.js'
import { unitOf } from './data-source-patch.js'
import { wrapHydration } from './hydration.js'
import { installationFor, type Installation } from './installation.js'
import { lazyLoading, type LazyOwner } from './lazy-relations.js'
import { install } from './subscriber.js'
import { TypeormPersistence } from './typeorm-persistence.js'

const prepared = new WeakSet<DataSource>()
const persistences = new WeakMap<object, TypeormPersistence>()

/**
 * Opens a session: identity map, unit of work and transactions of its own. Close it when done; `await using` does.
 *
 * Nothing is sent, and no transaction begun, before it is needed: a flush outside of a transaction begins and commits its own. A DataSource
 * without flushpoint gets it by this, for good, so that mapper extensions are heard by its repositories as well.
 *
 * @throws {ConfigurationError} INSTALL_TARGET_INVALID · SESSION_UNSUPPORTED where TypeORM's insides are not those this package knows,
 *   and those of wrong options.
 * @example
 * await using session = openSession(dataSource)
 * const article = await session.getOrFail(Article, 7)
 * article.title = 'Second edition'
 * await session.flush()
 */
export function openSession(dataSource: DataSource, options: SessionOptions = {}): OpenSession {
  return open(dataSource, checkedSessionOptions('openSession', options), false)
}

function open(dataSource: DataSource, options: SessionOptions, isBlock: boolean): OwnSession {
  const installation = readyFor(dataSource)
  if (options.savepoints === true) assertSavepoints(installation)
  const running = runningBefore(installation)
  const unit = unitOf(running ?? dataSource.createQueryRunner(), installation)
  if (running !== undefined) unit.join()
  const persistence = new TypeormPersistence(unit, unit.depth > 0 || unit.opened !== undefined)
  const session = new OwnSession(hostOf(installation, { persistence, options }), persistence, { ...options, isBlock })
  persistence.bind(session)
  persistences.set(session, persistence)
  return session
}

/** On a single connection: the runner of a transaction that began before flushpoint was on the DataSource. */
function runningBefore({ dataSource, queue }: Installation): QueryRunner | undefined {
  const { queryRunner } = dataSource.driver as { queryRunner?: QueryRunner | undefined }
  return queue !== undefined && queryRunner?.isTransactionActive === true ? queryRunner : undefined
}

/** A DataSource nobody put flushpoint on gets it now, with no extensions. */
function readyFor(dataSource: DataSource): Installation {
  if (!((dataSource as object | undefined) instanceof Object) || typeof dataSource.createQueryRunner !== 'function')
    throw new ConfigurationError('INSTALL_TARGET_INVALID', { given: describeValue(dataSource) })
  const installation = installationFor(dataSource)
  if (!installation.hasLayers) install(dataSource)
  if (!wrapHydration(dataSource)) throw new ConfigurationError('SESSION_UNSUPPORTED', {})
  if (!prepared.has(dataSource)) {
    prepared.add(dataSource)
    lazyLoading.register(dataSource, ownerOf)
  }
  return installation
}

function assertSavepoints({ dataSource }: Installation): void {
  const { driver, options } = dataSource
  if (driver.transactionSupport !== 'nested') throw new ConfigurationError('SAVEPOINTS_UNSUPPORTED', { driver: options.type })
}

function hostOf(
  installation: Installation,
  { persistence, options: { extensions = [] } }: { persistence: TypeormPersistence; options: SessionOptions },
): OwnSessionHost {
  return {
    dataSource: installation.dataSource,
    get manager() {
      return persistence.manager
    },
    savepoints: installation.savepoints,
    get extensions() {
      const listed = installation.extensions
      return [...listed, ...extensions.filter((extension) => !listed.includes(extension))] // listed twice is heard once
    },
    resolve: (token) => installation.resolve(token),
    reportHookError: (error, failure) => installation.reportHookError(error, failure),
  }
}

/** The open session that keeps an entity, for its lazy relations. */
function ownerOf(entity: object): LazyOwner | undefined {
  const session = trackedOf(entity)?.owner
  const persistence = session === undefined ? undefined : persistences.get(session)
  if (persistence === undefined) return undefined
  const reading = (session as OwnSession).lazyReading
  return {
    runner: persistence.runner,
    sink: reading.sink,
    around: (map, load) => reading.around(map, load),
    relationLoaded: (owner, path, value) => reading.relationLoaded(owner, path, value),
  }
}

/**
 * Opens a session for the time `fn` runs, in one transaction: committed with everything pending when `fn` returns, rolled back, objects
 * included, when it throws. The transaction begins with the first statement that may write (or, with `isolationLevel`, with the first).
 *
 * @returns What `fn` returns.
 * @example
 * await withSession(dataSource, async (session) => {
 *   const article = await session.getOrFail(Article, 7)
 *   session.add(new Comment(article, 'first!'))
 * })
 */
export function withSession<T>(dataSource: DataSource, fn: (session: Session) => Promise<T>): Promise<T>
export function withSession<T>(dataSource: DataSource, options: SessionOptions, fn: (session: Session) => Promise<T>): Promise<T>
export async function withSession<T>(dataSource: DataSource, ...rest: BlockArguments<T>): Promise<T> {
  const [options, fn] = rest.length === 1 ? [{}, rest[0]] : rest
  const session = open(dataSource, checkedSessionOptions('withSession', options), true)
  try {
    const result = await runInFrame(session.frame(), () => fn(session))
    await session.commit()
    return result
  } catch (error) {
    await session.rollback().catch(() => undefined)
    session.gaveUp()
    throw error
  } finally {
    await session.close()
  }
}

type BlockArguments<T> = [fn: (session: Session) => Promise<T>] | [options: SessionOptions, fn: (session: Session) => Promise<T>]
