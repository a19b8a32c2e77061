/**
 * Refuses options nobody knows, where they are written.
 *
 * Knows no particular option. Invariant: an unknown name is always an error, with the nearest known name in its message.
 *
 * @module
 */
import { ConfigurationError } from './errors.js'
import { describeValue } from './describe-value.js'
import { nearestName } from './nearest-name.js'

/** For each known option the kind it must have, or the values it may take. */
export type OptionKinds = Readonly<Record<string, 'function' | 'boolean' | 'number' | 'string' | 'array' | 'object' | readonly string[]>>

/**
 * @throws {ConfigurationError} OPTION_UNKNOWN when a name is not known.
 * @throws {ConfigurationError} OPTION_INVALID when a value is not of its kind.
 */
export function checkOptions(place: string, options: object, kinds: OptionKinds): void {
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    throw new ConfigurationError('OPTION_INVALID', { place, option: 'options', wanted: 'an object', given: describeValue(options) })
  }
  for (const [option, value] of Object.entries(options) as [string, unknown][]) {
    const kind = kinds[option]
    if (kind === undefined)
      throw new ConfigurationError('OPTION_UNKNOWN', { place, option, nearest: nearestName(option, Object.keys(kinds)) })
    if (value === undefined) continue
    if (!matches(value, kind)) {
      const wanted =
        typeof kind === 'string'
          ? kind === 'array' || kind === 'object'
            ? `an ${kind}`
            : `a ${kind}`
          : kind.map((name) => `'${name}'`).join(' or ')
      throw new ConfigurationError('OPTION_INVALID', {
        place,
        option,
        wanted,
        given: typeof value === 'string' ? `'${value}'` : describeValue(value),
      })
    }
  }
}

function matches(value: unknown, kind: OptionKinds[string]): boolean {
  if (kind === 'array') return Array.isArray(value)
  if (typeof kind === 'string') return typeof value === kind && value !== null
  return kind.includes(value as string)
}
