/**
 * Statements that fail as they do where a connection is lost: before they have reached the database, or after, so that nobody knows what became
 * of them.
 *
 * @module
 */
import { AsyncLocalStorage } from 'node:async_hooks'
import type { DataSource, QueryRunner } from 'typeorm'

export type Breaking = (sql: string) => 'before' | 'after' | undefined

export class ConnectionLost extends Error {}

const sparing = new AsyncLocalStorage<true>()
const wrapped = new WeakSet<QueryRunner>()

/** Statements of a spec itself, which do not fail. */
export function spared<T>(fn: () => T): T {
  return sparing.run(true, fn)
}

/** From now on, statements of this data source fail as `breaking` says. What would leave a transaction open is left alone. */
export function breakStatements(dataSource: DataSource, breaking: Breaking): void {
  const create = dataSource.createQueryRunner.bind(dataSource)
  dataSource.createQueryRunner = (...args) => {
    const runner = create(...args)
    if (!wrapped.has(runner)) wrap(runner, breaking)
    wrapped.add(runner)
    return runner
  }
}

function wrap(runner: QueryRunner, breaking: Breaking): void {
  const query = runner.query.bind(runner) as (...parts: unknown[]) => Promise<unknown>
  runner.query = (async (sql: string, ...more: unknown[]) => {
    const fate = sparing.getStore() === true ? undefined : possible(sql, breaking(sql))
    if (fate === 'before') throw new ConnectionLost(`before: ${sql}`)
    const answer = await query(sql, ...more)
    if (fate === 'after') throw new ConnectionLost(`after: ${sql}`)
    return answer
  }) as QueryRunner['query']
}

function possible(sql: string, fate: ReturnType<Breaking>): ReturnType<Breaking> {
  if (/^(ROLLBACK|SAVEPOINT|RELEASE|SET)\b/i.test(sql)) return undefined
  return fate === 'after' && /^(BEGIN|START)\b/i.test(sql) ? 'before' : fate
}
