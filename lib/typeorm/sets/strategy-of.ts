/**
 * Chooses how sets of rows are written, by the driver's type.
 *
 * Invariant: a driver nobody has checked gets no strategy, so that its rows are written one by one.
 *
 * @module
 */
import type { DataSource } from 'typeorm'
import { driverTypeOf } from '../internals.js'
import { MysqlSets } from './mysql-sets.js'
import { PostgresSets } from './postgres-sets.js'
import type { SetStrategy } from './set-strategy.js'
import { SqliteSets } from './sqlite-sets.js'

const strategies = new WeakMap<DataSource, SetStrategy | null>()

export function strategyOf(dataSource: DataSource): SetStrategy | undefined {
  let strategy = strategies.get(dataSource)
  if (strategy === undefined) strategies.set(dataSource, (strategy = makeStrategy(dataSource)))
  return strategy ?? undefined
}

function makeStrategy(dataSource: DataSource): SetStrategy | null {
  switch (driverTypeOf(dataSource)) {
    case 'postgres':
      return new PostgresSets(dataSource)
    case 'sqlite':
    case 'better-sqlite3':
      return new SqliteSets()
    case 'mysql':
    case 'mariadb':
      return new MysqlSets(dataSource)
    default:
      return null
  }
}
