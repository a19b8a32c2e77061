/**
 * MySQL's and MariaDB's ways: lists are written out, since their drivers put values into the text themselves.
 *
 * Invariant: rows are inserted in the order of the lists, so that their sequence follows it.
 *
 * @module
 */
import type { OutboxDialect } from './outbox-dialect.js'

export const mysqlDialect: OutboxDialect = {
  rowsPerInsert: 1_000, // a statement must fit into max_allowed_packet
  valuesPerList: 1_000,
  byKey: ' FORCE INDEX (outbox_delivery_key)',
  forUpdate: ' FOR UPDATE',

  among: ({ bind }, column, values) => `${column} IN (${values.map(bind).join(', ')})`,

  insert: ({ bind }, { table, constants, columns, ignoresExisting = false }) => {
    const fixed = Object.entries(constants)
    const names = [...fixed.map(([name]) => name), ...columns.map(({ name }) => name)]
    const rows = columns[0]!.values.map((_, row) => {
      const values = [...fixed.map(([, value]) => value), ...columns.map(({ values: list }) => list[row] ?? null)]
      return `(${values.map(bind).join(', ')})`
    })
    return `${ignoresExisting ? 'INSERT IGNORE' : 'INSERT'} INTO ${table} (${names.join(', ')}) VALUES ${rows.join(', ')}`
  },
}
