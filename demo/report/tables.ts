/**
 * Tables for the screen.
 *
 * @module
 */
import Table from 'cli-table3'
import { screen } from './screen.js'

export function printTable(head: readonly string[], rows: readonly (readonly (string | number)[])[]): void {
  const table = new Table({ head: [...head], style: { head: [], border: [], compact: true } })
  table.push(...rows.map((row) => [...row]))
  screen.print(
    ...table
      .toString()
      .split('\n')
      .map((line) => `  ${line}`),
  )
}
