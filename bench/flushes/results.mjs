/** What was measured last, for the chart. Each database's part is replaced as a whole: its figures are of one run. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { format, resolveConfig } from 'prettier'

const FILE = fileURLToPath(new URL('../results/flushes.json', import.meta.url))

/** By database: `{ machine, results }`, with medians alone. */
export function stored() {
  return existsSync(FILE) ? JSON.parse(readFileSync(FILE, 'utf8')) : {}
}

export async function store(database, { machine, results }) {
  mkdirSync(dirname(FILE), { recursive: true })
  const json = JSON.stringify({ ...stored(), [database]: { machine, results: results.map(mediansOf) } })
  writeFileSync(FILE, await format(json, { ...(await resolveConfig(FILE)), parser: 'json' }))
}

function mediansOf({ name, size, rounds, contenders, heap }) {
  const medians = Object.entries(contenders).map(([contender, { millis, mark, x }]) => {
    const ratios = Object.entries(x).map(([base, { median }]) => [base, median])
    return [contender, { millis: millis.median, ...(mark > 0 && { mark }), x: Object.fromEntries(ratios) }]
  })
  return { name, size, rounds, ...(heap && { heap }), contenders: Object.fromEntries(medians) }
}
