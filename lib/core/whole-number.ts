/**
 * Options that are whole numbers.
 *
 * Invariant: a number outside of its range is refused where it is written.
 *
 * @module
 */
import { describeValue } from './describe-value.js'
import { ConfigurationError } from './errors.js'

/** More than that a timer does not wait: it fires at once. */
export const LONGEST_TIMER_MS = 2 ** 31 - 1

/** @throws {ConfigurationError} OPTION_INVALID when an option is given and no whole number in this range, ends included. */
export function assertWhole(place: string, options: Readonly<Record<string, unknown>>, [least, most]: readonly [number, number]): void {
  for (const [option, given] of Object.entries(options)) {
    if (given === undefined || (Number.isInteger(given) && (given as number) >= least && (given as number) <= most)) continue
    const wanted = most === Infinity ? `a whole number of at least ${least}` : `a whole number from ${least} to ${most}`
    throw new ConfigurationError('OPTION_INVALID', {
      place,
      option,
      wanted,
      given: typeof given === 'number' ? String(given) : describeValue(given),
    })
  }
}
