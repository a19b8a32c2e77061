/**
 * Which tables an extension is to leave alone.
 *
 * Knows names alone. Invariant: letter case and surrounding blanks count neither in a list nor in a table's name.
 *
 * @module
 */
import { describeValue } from '../core/describe-value.js'
import { ConfigurationError } from '../core/errors.js'

/** Whether a table is left alone. */
export type TableFilter = (table: string) => boolean

const known = new WeakMap<readonly string[], TableFilter>()

/**
 * @param exclude Names of tables, or the beginning of names with `*` behind it: `['audit', 'auth_*']`.
 * @throws {ConfigurationError} OPTION_INVALID
 */
export function tableFilter(place: string, exclude: readonly string[] = NONE): TableFilter {
  assertNames(place, exclude)
  let filter = known.get(exclude)
  if (filter === undefined) known.set(exclude, (filter = makeFilter(exclude))) // sessions are built for every transaction
  return filter
}

const NONE: readonly string[] = []

function makeFilter(exclude: readonly string[]): TableFilter {
  const entries = exclude.map(normalise)
  const names = new Set(entries.filter((entry) => !entry.endsWith('*')))
  const prefixes = entries.filter((entry) => entry.endsWith('*')).map((entry) => entry.slice(0, -1))
  return (table) => {
    const name = normalise(table)
    return names.has(name) || prefixes.some((prefix) => name.startsWith(prefix))
  }
}

function normalise(name: string): string {
  return name.trim().toLowerCase()
}

function assertNames(place: string, exclude: unknown): void {
  if (Array.isArray(exclude) && exclude.every((entry) => typeof entry === 'string' && entry.trim() !== '')) return
  const given = Array.isArray(exclude) ? 'a list with something else in it' : describeValue(exclude)
  throw new ConfigurationError('OPTION_INVALID', { place, option: 'exclude', wanted: 'a list of table names', given })
}
