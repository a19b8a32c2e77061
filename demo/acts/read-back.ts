/**
 * The end: counts every table and compares it with what afterCommit announced.
 *
 * @module
 */
import type { DataSource } from 'typeorm'
import { committedCounts, type Counts } from '../extensions/ledger.js'
import { printTable } from '../report/tables.js'

export interface Reading {
  readonly committed: Counts
  readonly stored: Counts
  readonly agrees: boolean
}

export async function readBack(dataSource: DataSource): Promise<Reading> {
  const committed = committedCounts(dataSource)
  const stored = { ...committed }
  const tables = Object.keys(committed) as (keyof Counts)[]
  for (const table of tables) stored[table] = await dataSource.createQueryBuilder().from(table, table).getCount()
  printTable(
    ['table', 'committed', 'in the database'],
    tables.map((table) => [table, committed[table], stored[table]]),
  )
  return { committed, stored, agrees: tables.every((table) => committed[table] === stored[table]) }
}
