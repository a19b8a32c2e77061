/** What was measured last, one file of `results/` for each measurement. Each database's part is replaced as a whole: its figures are of one run. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { format, resolveConfig } from 'prettier'

const fileOf = (name) => fileURLToPath(new URL(`results/${name}.json`, import.meta.url))

/** By database. */
export function stored(name) {
  return existsSync(fileOf(name)) ? JSON.parse(readFileSync(fileOf(name), 'utf8')) : {}
}

/** @param measured By database: `{ machine, … }`. */
export async function store(name, measured) {
  const file = fileOf(name)
  mkdirSync(new URL('results/', import.meta.url), { recursive: true })
  const json = JSON.stringify({ ...stored(name), ...measured })
  writeFileSync(file, await format(json, { ...(await resolveConfig(file)), parser: 'json' }))
}
