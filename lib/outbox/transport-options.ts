/**
 * What transports check of their options, each in the same words.
 *
 * Knows no transport. Invariant: what can never work is refused where it is written.
 *
 * @module
 */
import { describeValue } from '../core/describe-value.js'
import { ConfigurationError } from '../core/errors.js'
import { nearestName } from '../core/nearest-name.js'
import { LONGEST_TIMER_MS } from '../core/whole-number.js'
import type { CloudEvent } from './cloud-event.js'

/** One for all events, or one made of each. */
export type OfEvent = string | ((event: CloudEvent) => string)

export interface OptionCheck {
  readonly wanted: string
  readonly fits: (value: unknown) => boolean
}

const isText = (value: unknown) => typeof value === 'string' && value !== ''
const isFunction = (value: unknown) => typeof value === 'function'

export const NAME: OptionCheck = { wanted: 'a text', fits: isText }
export const OF_EVENT: OptionCheck = {
  wanted: 'a text, or a function of the event that returns one',
  fits: (value) => isText(value) || isFunction(value),
}
export const BOOLEAN: OptionCheck = { wanted: 'a boolean', fits: (value) => typeof value === 'boolean' }
export const FUNCTION: OptionCheck = { wanted: 'a function', fits: isFunction }
export const TIMEOUT_MS: OptionCheck = {
  wanted: `a number of milliseconds above 0 and up to ${LONGEST_TIMER_MS}`,
  fits: (value) => typeof value === 'number' && value > 0 && value <= LONGEST_TIMER_MS,
}
export const ANYTHING: OptionCheck = { wanted: 'anything', fits: () => true }

/**
 * @param checks Every known option. @param required Those of them that have no default.
 * @throws {ConfigurationError} OPTION_UNKNOWN · OPTION_INVALID
 */
export function checkTransportOptions(
  place: string,
  options: object,
  { checks, required = [] }: { readonly checks: Readonly<Record<string, OptionCheck>>; readonly required?: readonly string[] },
): void {
  const invalid = (option: string, wanted: string, given: unknown) =>
    new ConfigurationError('OPTION_INVALID', {
      place,
      option,
      wanted,
      given: typeof given === 'number' ? `${given}` : describeValue(given),
    })
  if (typeof options !== 'object' || (options as unknown) === null) throw invalid('options', 'an object', options)
  for (const [option, value] of Object.entries(options) as [string, unknown][]) {
    const check = checks[option]
    if (check === undefined)
      throw new ConfigurationError('OPTION_UNKNOWN', { place, option, nearest: nearestName(option, Object.keys(checks)) })
    if (value !== undefined && !check.fits(value)) throw invalid(option, check.wanted, value)
  }
  for (const option of required) {
    const value = (options as Readonly<Record<string, unknown>>)[option]
    if (value === undefined) throw invalid(option, checks[option]?.wanted ?? 'given', value)
  }
}

export function textFor(event: CloudEvent, given: OfEvent): string {
  return typeof given === 'string' ? given : given(event)
}
