/**
 * What a listener may be given beside its function.
 *
 * Types, defaults and their check only. Invariant: what can never work is refused where it is written.
 *
 * @module
 */
import { checkOptions } from '../core/check-options.js'
import { describeValue } from '../core/describe-value.js'
import { ConfigurationError } from '../core/errors.js'
import { nearestName } from '../core/nearest-name.js'
import { LONGEST_TIMER_MS } from '../core/whole-number.js'

export interface ListenOptions {
  /** Taken off before its first call. @defaultValue `false` */
  readonly once?: boolean
  /** Takes the listener off when it aborts, and tells calls that run; where it has aborted already nothing is listened to. */
  readonly abortSignal?: AbortSignal
  /**
   * How many events it takes at a time; others wait in its own queue. With more than 1 events are begun in the order they came, and may end
   * in another. @defaultValue `1`; Infinity is allowed
   */
  readonly concurrency?: number
  /**
   * Milliseconds after which it is no longer waited for: its `abortSignal` aborts, the failure is reported, and it gets its next event. A call that
   * never awaits cannot be cut short. @defaultValue none: it is waited for as long as it takes
   */
  readonly timeoutMs?: number
}

const PLACE = 'onEvent'
const NUMBERS = ['concurrency', 'timeoutMs'] as const
const KINDS = { once: 'boolean', abortSignal: 'object' } as const

/** @throws {ConfigurationError} OPTION_UNKNOWN · OPTION_INVALID */
export function checkedListenOptions(options: ListenOptions): ListenOptions & Required<Pick<ListenOptions, 'once' | 'concurrency'>> {
  if (typeof options !== 'object' || (options as unknown) === null) checkOptions(PLACE, options, KINDS)
  const { concurrency = 1, timeoutMs, ...rest } = options
  const names = [...Object.keys(KINDS), ...NUMBERS]
  const unknown = Object.keys(rest).find((option) => !names.includes(option))
  if (unknown !== undefined)
    throw new ConfigurationError('OPTION_UNKNOWN', { place: PLACE, option: unknown, nearest: nearestName(unknown, names) })
  checkOptions(PLACE, rest, KINDS)
  if (!(concurrency >= 1) || (!Number.isInteger(concurrency) && concurrency !== Infinity))
    throw invalid('concurrency', 'a whole number of 1 or more, or Infinity', concurrency)
  if (timeoutMs !== undefined && !(typeof timeoutMs === 'number' && timeoutMs > 0 && timeoutMs <= LONGEST_TIMER_MS))
    throw invalid('timeoutMs', `a number above 0 and up to ${LONGEST_TIMER_MS}`, timeoutMs)
  return { ...options, once: rest.once ?? false, concurrency }
}

function invalid(option: string, wanted: string, given: unknown): ConfigurationError {
  return new ConfigurationError('OPTION_INVALID', {
    place: PLACE,
    option,
    wanted,
    given: typeof given === 'number' ? String(given) : describeValue(given),
  })
}
