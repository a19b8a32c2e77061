/**
 * How a receiver may be connected, and the check of that.
 *
 * Knows no signal. Invariant: what is not understood is refused before anything is connected.
 *
 * @module
 */
import { checkOptions, type OptionKinds } from './check-options.js'
import { describeValue } from './describe-value.js'
import { ConfigurationError } from './errors.js'

export interface ConnectOptions {
  /** Taken out before its first call. @defaultValue false */
  readonly once?: boolean
  /** Taken out when this aborts; not connected where it has already. */
  readonly abortSignal?: AbortSignal
  /** The name by which the receiver is known again, instead of by its identity: for functions that are made anew each time. */
  readonly uid?: string
}

const KINDS: OptionKinds = { once: 'boolean', abortSignal: 'object', uid: 'string' } satisfies Record<
  keyof ConnectOptions,
  OptionKinds[string]
>

/**
 * @param more Options that this kind of signal has besides.
 * @throws {ConfigurationError} OPTION_UNKNOWN · OPTION_INVALID
 */
export function checkConnectOptions(place: string, options: ConnectOptions, more: OptionKinds = {}): void {
  checkOptions(place, options, { ...KINDS, ...more })
  const { abortSignal } = options
  if (abortSignal === undefined || typeof abortSignal.addEventListener === 'function') return
  throw new ConfigurationError('OPTION_INVALID', {
    place,
    option: 'abortSignal',
    wanted: 'an AbortSignal',
    given: describeValue(abortSignal),
  })
}
