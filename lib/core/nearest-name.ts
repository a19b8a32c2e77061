/**
 * Finds the name somebody probably meant.
 *
 * Knows only strings. Invariant: never suggests a name that is further away than half the length of the one given.
 *
 * @module
 */
import { closest, distance } from 'fastest-levenshtein'

const normalised = (name: string) => name.replaceAll('_', '').toLowerCase()

/** The candidate nearest to `name`, ignoring case and underscores, or undefined where none is near. */
export function nearestName(name: string, candidates: readonly string[]): string | undefined {
  if (candidates.length === 0) return undefined
  const wanted = normalised(name)
  const found = closest(wanted, candidates.map(normalised))
  if (distance(wanted, found) > Math.max(2, wanted.length / 2)) return undefined
  return candidates.find((candidate) => normalised(candidate) === found)
}
