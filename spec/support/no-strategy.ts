/**
 * Stands in for `lib/typeorm/sets/strategy-of` where specs run with ENGINE=row: every row is written by a statement of its own.
 *
 * @module
 */
export function strategyOf(): undefined {
  return undefined
}
