/**
 * How a relay works: types, defaults and their check.
 *
 * Invariant: a relay's options are whole: every one has a value.
 *
 * @module
 */
import { checkOptions, type OptionKinds } from '../../core/check-options.js'
import { ConfigurationError } from '../../core/errors.js'
import { assertWhole, LONGEST_TIMER_MS } from '../../core/whole-number.js'

export interface RelayOptions {
  /** How many loops of this process share the work, each with a connection of its own. @defaultValue 1, 1 to 64 */
  readonly loops?: number
  /** How many messages a loop reads at once. @defaultValue 500, 1 to 10,000 */
  readonly batchSize?: number
  /**
   * How long a loop may be silent before others take its slots over. A loop renews its leases after a third of that. @defaultValue 15,000, at
   * least 500
   */
  readonly leaseMs?: number
  /** The shortest and longest wait between two looks at the tables where nothing is to be done and nobody wakes the relay. @defaultValue `[100, 5000]` */
  readonly pollMs?: readonly [least: number, most: number]
  /**
   * How long a loop waits for the handlers of what it has read before it reads on; what has not ended by then goes on beside it.
   * @defaultValue 250, at least 1
   */
  readonly settleMs?: number
  /** How long messages are kept after everybody has handled them, to be replayed. @defaultValue 0 */
  readonly retentionMs?: number
  /** How long it is remembered that a message was handled exactly once. @defaultValue 604,800,000, seven days */
  readonly inboxRetentionMs?: number
  /**
   * How long a subscription or plugin that no relay has any more is remembered; then what waits for it is given up, with a warning, and nothing is
   * kept for it any more. Its dead letters stay. @defaultValue 604,800,000, seven days; at least 60,000
   */
  readonly forgetAfterMs?: number
  /** Whether plugins (`registerPlugin`) are handed what was triggered. @defaultValue `true` */
  readonly plugins?: boolean
}

export type FullRelayOptions = Required<RelayOptions>

const DEFAULTS: FullRelayOptions = Object.freeze({
  loops: 1,
  batchSize: 500,
  leaseMs: 15_000,
  pollMs: Object.freeze([100, 5_000] as const),
  settleMs: 250,
  retentionMs: 0,
  inboxRetentionMs: 7 * 24 * 3_600_000,
  forgetAfterMs: 7 * 24 * 3_600_000,
  plugins: true,
})

export const RELAY_OPTION_KINDS = {
  loops: 'number',
  batchSize: 'number',
  leaseMs: 'number',
  pollMs: 'array',
  settleMs: 'number',
  retentionMs: 'number',
  inboxRetentionMs: 'number',
  forgetAfterMs: 'number',
  plugins: 'boolean',
} as const satisfies Record<keyof RelayOptions, OptionKinds[string]>

/** @throws {ConfigurationError} OPTION_UNKNOWN · OPTION_INVALID */
export function fullRelayOptions(place: string, options: RelayOptions): FullRelayOptions {
  checkOptions(place, options, RELAY_OPTION_KINDS)
  const given = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined))
  const full: FullRelayOptions = { ...DEFAULTS, ...given }
  assertWhole(place, { loops: full.loops }, [1, 64])
  assertWhole(place, { batchSize: full.batchSize }, [1, 10_000])
  assertWhole(place, { leaseMs: full.leaseMs }, [500, LONGEST_TIMER_MS])
  assertWhole(place, { settleMs: full.settleMs }, [1, LONGEST_TIMER_MS])
  assertWhole(place, { retentionMs: full.retentionMs }, [0, Number.MAX_SAFE_INTEGER])
  assertWhole(place, { inboxRetentionMs: full.inboxRetentionMs }, [0, Number.MAX_SAFE_INTEGER])
  assertWhole(place, { forgetAfterMs: full.forgetAfterMs }, [60_000, Number.MAX_SAFE_INTEGER])
  const [least, most] = full.pollMs
  if (full.pollMs.length !== 2)
    throw new ConfigurationError('OPTION_INVALID', {
      place,
      option: 'pollMs',
      wanted: 'two numbers',
      given: `an array of ${full.pollMs.length}`,
    })
  assertWhole(place, { 'pollMs[0]': least }, [1, LONGEST_TIMER_MS])
  assertWhole(place, { 'pollMs[1]': most }, [least, LONGEST_TIMER_MS])
  return Object.freeze(full)
}
