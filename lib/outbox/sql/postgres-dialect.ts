/**
 * PostgreSQL's ways: lists go as arrays and rows as JSON, so that a statement has the same text whatever the number of values.
 *
 * Invariant: rows are inserted in the order of the lists, so that their sequence follows it.
 *
 * @module
 */
import type { OutboxDialect } from './outbox-dialect.js'

export const postgresDialect: OutboxDialect = {
  rowsPerInsert: 10_000,
  valuesPerList: 10_000,
  byKey: '',
  forUpdate: ' FOR UPDATE',

  among: ({ bind }, column, values) => `${column} = ANY(${bind(values)}::${typeof values[0] === 'string' ? 'text' : 'bigint'}[])`,

  insert: ({ bind }, { table, constants, columns, ignoresExisting = false }) => {
    const fixed = Object.entries(constants)
    const names = [...fixed.map(([name]) => name), ...columns.map(({ name }) => name)]
    const values = [...fixed.map(([, value]) => bind(value)), ...columns.map(({ name }) => `v.${name}`)]
    const rows = columns[0]!.values.map((_, row) => Object.fromEntries(columns.map(({ name, values: list }) => [name, list[row] ?? null])))
    const types = columns.map(({ name, type }) => `${name} ${type}`)
    const row = [...columns.map(({ name }) => name), 'ordinality']
    return (
      `INSERT INTO ${table} (${names.join(', ')}) SELECT ${values.join(', ')} FROM ROWS FROM ` +
      `(json_to_recordset(${bind(JSON.stringify(rows))}::json) AS (${types.join(', ')})) WITH ORDINALITY AS v(${row.join(', ')}) ` +
      `ORDER BY v.ordinality${ignoresExisting ? ' ON CONFLICT DO NOTHING' : ''}`
    )
  },
}
