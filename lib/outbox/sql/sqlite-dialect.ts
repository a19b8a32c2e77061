/**
 * SQLite's ways: lists go as JSON, so that a statement has the same text whatever the number of values.
 *
 * Invariant: rows are inserted in the order of the lists, so that their sequence follows it.
 *
 * @module
 */
import type { OutboxDialect } from './outbox-dialect.js'

export const sqliteDialect: OutboxDialect = {
  rowsPerInsert: 10_000,
  valuesPerList: 10_000,
  byKey: '',
  forUpdate: '', // there is one writer at a time

  among: ({ bind }, column, values) => `${column} IN (SELECT value FROM json_each(${bind(JSON.stringify(values))}))`,

  insert: ({ bind }, { table, constants, columns, ignoresExisting = false }) => {
    const fixed = Object.entries(constants)
    const names = [...fixed.map(([name]) => name), ...columns.map(({ name }) => name)]
    const values = [...fixed.map(([, value]) => bind(value)), ...columns.map((_, index) => `json_extract(v.value, '$[${index}]')`)]
    const rows = columns[0]!.values.map((_, row) => columns.map(({ values: list }) => list[row] ?? null))
    const verb = ignoresExisting ? 'INSERT OR IGNORE' : 'INSERT'
    return `${verb} INTO ${table} (${names.join(', ')}) SELECT ${values.join(', ')} FROM json_each(${bind(JSON.stringify(rows))}) AS v ORDER BY v.key`
  },
}
