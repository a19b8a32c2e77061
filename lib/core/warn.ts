/**
 * Tells the operator something the program cannot be told by an error.
 *
 * Uses Node's own warning channel, so it can be silenced, traced and listened to there. Invariant: a warning marked `once` appears
 * once per process and subject.
 *
 * @module
 */
export type WarningCode =
  | 'EVENT_LISTENER_FAILED'
  | 'EVENT_PLUGIN_GONE'
  | 'EXTENSION_LISTED_TWICE'
  | 'FALLBACK_BOUNDARY'
  | 'HOOK_FAILED'
  | 'LISTENER_FAILED'
  | 'OUTBOX_AMBIGUOUS'
  | 'OUTBOX_DEAD_LETTER'
  | 'OUTBOX_RELAY_FAILED'
  | 'OUTBOX_SUBSCRIPTION_FORGOTTEN'
  | 'RAW_TRANSACTION_STATEMENT'
  | 'SIGNALS_UNLISTED'
  | 'SUBSCRIBER_PUSHED_LATE'

const said = new Set<string>()

/** Emits a process warning of type FlushpointWarning. */
export function warn(code: WarningCode, message: string): void {
  process.emitWarning(message, { type: 'FlushpointWarning', code })
}

/** As {@link warn}, but only the first time for this subject. */
export function warnOnce(code: WarningCode, subject: string, message: string): void {
  const key = `${code} ${subject}`
  if (said.has(key)) return
  said.add(key)
  warn(code, message)
}
