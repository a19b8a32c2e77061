/**
 * Finds the session of a manager, runner, repository or of an entity being written.
 *
 * Makes no session where nothing is running. Invariant: two sources that work on one query runner have one session.
 *
 * @module
 */
import type { EntityManager, QueryRunner, Repository } from 'typeorm'
import { describeValue } from '../core/describe-value.js'
import { SessionError } from '../core/errors.js'
import type { One } from '../mapper/entity-types.js'
import type { EntityState, Session } from '../mapper/session.js'
import { Flush } from '../session/flush.js'
import { installedUnitOf } from './data-source-patch.js'
import { installationOf } from './installation.js'
import { dataSourceOf } from './internals.js'
import { openUnitOf } from './unit-frame.js'

// eslint-disable-next-line @typescript-eslint/no-explicit-any -- a repository of any entity
export type SessionSource = EntityManager | QueryRunner | Repository<any> | { readonly manager: EntityManager }

/**
 * The session whose transaction, write or hook is running on this manager, runner or repository.
 *
 * @throws {SessionError} SESSION_NOT_FOUND where nothing is running; SESSION_SOURCE_INVALID for anything else.
 * @example
 * await dataSource.transaction(async (manager) => {
 *   sessionOf(manager).onCommit(() => mail.send())
 * })
 */
export function sessionOf(source: SessionSource): Session {
  const session = trySessionOf(source)
  if (session === undefined) throw new SessionError('SESSION_NOT_FOUND', { source: describeValue(source) })
  return session
}

/** As {@link sessionOf}, but undefined where nothing is running. @throws {SessionError} SESSION_SOURCE_INVALID */
export function trySessionOf(source: SessionSource): Session | undefined {
  const runner = runnerOf(source)
  if (runner !== undefined) return installedUnitOf(runner)?.sessionInTransaction()
  const dataSource = dataSourceOf(managerOf(source))
  const installation = installationOf(dataSource)
  if (installation === undefined) return undefined
  if (installation.queue === undefined && installation.globalManager !== 'join') return undefined
  const unit = openUnitOf(installation.dataSource)
  return unit === undefined ? undefined : installedUnitOf(unit.runner)?.sessionInTransaction()
}

function runnerOf(source: SessionSource): QueryRunner | undefined {
  if (isRunner(source)) return source
  return managerOf(source).queryRunner
}

function isRunner(source: SessionSource): source is QueryRunner {
  return typeof (source as Partial<QueryRunner> | null)?.startTransaction === 'function'
}

function managerOf(source: SessionSource): EntityManager {
  const candidate = source as Partial<{ manager: EntityManager }> | null | undefined
  const manager = isManager(candidate) ? candidate : candidate?.manager
  if (!isManager(manager)) throw new SessionError('SESSION_SOURCE_INVALID', { given: describeValue(source) })
  return manager
}

/** DataSources and ActiveRecord classes have getRepository too; withRepository is a manager's alone. */
function isManager(value: unknown): value is EntityManager {
  return typeof (value as Partial<EntityManager> | null | undefined)?.withRepository === 'function'
}

/**
 * The state of an entity of the flush whose hook is running.
 *
 * @throws {SessionError} ENTITY_UNKNOWN outside of a flush that writes it.
 */
export function stateOf<E extends object>(entity: One<E>): EntityState<E> {
  const state = Flush.stateOf(entity as object)
  if (state === undefined) throw new SessionError('ENTITY_UNKNOWN', { given: describeValue(entity), method: 'stateOf' })
  return state as EntityState<E>
}
