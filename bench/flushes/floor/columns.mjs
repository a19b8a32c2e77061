/** Rows in the forms in which statements take them. */
import { COLUMNS } from '../../processes/article.mjs'

export const NAMES = Object.keys(COLUMNS)

/** One array for each name. */
export function columnsOfRows(rows, names) {
  return names.map((name) => rows.map((row) => row[name]))
}

/** One array for each row. */
export function tuplesOf(rows, names) {
  return rows.map((row) => names.map((name) => row[name]))
}

/** Rows that change the same columns, together: `[{ names, rows }, …]`. */
export function groupsOf(rows, namesOf) {
  const groups = new Map()
  for (const [index, row] of rows.entries()) {
    const names = namesOf(index)
    const key = names.join()
    if (!groups.has(key)) groups.set(key, { names, rows: [] })
    groups.get(key).rows.push(row)
  }
  return [...groups.values()]
}

/** Rows as `{ id, mask, … }`, where a bit of the mask says that the column with its index in `NAMES` changes; else its value is null. */
export function maskedRows(rows, namesOf) {
  return rows.map((row, index) => {
    const changed = new Set(namesOf(index))
    const values = NAMES.map((name) => [name, changed.has(name) ? row[name] : null])
    const mask = NAMES.reduce((bits, name, bit) => (changed.has(name) ? bits | (1 << bit) : bits), 0)
    return { id: row.id, mask, ...Object.fromEntries(values) }
  })
}
