/**
 * Rows as a table.
 *
 * Invariant: a row is a line; on a terminal the last column gives way where the others need the room, elsewhere nothing is cut.
 *
 * @module
 */
import Table from 'cli-table3'
import { printable } from './printable.js'
import type { Screen } from './screen.js'

export interface Column<Row> {
  readonly title: string
  /** Numbers stand on the right. */
  readonly of: (row: Row) => string | number
}

const MIN_LAST_WIDTH = 12

export function printTable<Row>(screen: Screen, rows: readonly Row[], columns: readonly Column<Row>[]): void {
  const cells = rows.map((row) => columns.map(({ of }) => of(row)))
  const texts = cells.map((row) => row.map((cell) => printable(String(cell))))
  const table = new Table({
    head: columns.map(({ title }) => screen.styled('bold', title)),
    colAligns: columns.map((_column, index) => (cells.some((row) => typeof row[index] === 'number') ? 'right' : 'left')),
    colWidths: widths([columns.map(({ title }) => title), ...texts], screen.width),
    style: { head: [], border: [], compact: true },
  })
  table.push(...texts)
  screen.print(...table.toString().split('\n'))
}

/** Of the last column alone, where all would be too wide: borders and blanks around a cell take three columns, and one more at the end. */
function widths(rows: readonly (readonly string[])[], available: number | undefined): (number | null)[] {
  const natural = rows[0]!.map((_cell, index) => Math.max(...rows.map((row) => [...row[index]!].length)))
  if (available === undefined || total(natural) <= available) return []
  const left = available - total(natural.slice(0, -1)) - 1
  return [...natural.slice(0, -1).map(() => null), Math.max(MIN_LAST_WIDTH, left)]
}

const total = (natural: readonly number[]) => natural.reduce((sum, width) => sum + width + 3, 1)
