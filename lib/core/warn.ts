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

/** What others have thrown may hold whole documents. */
const MAX_LENGTH = 2_000
/** Those a terminal would obey; lines and tabs are harmless. */
// eslint-disable-next-line no-control-regex -- they are what is looked for
const CONTROL = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g

/** Emits a process warning of type FlushpointWarning. */
export function warn(code: WarningCode, message: string): void {
  const text = message.length > MAX_LENGTH ? `${message.slice(0, MAX_LENGTH)}…` : message
  process.emitWarning(text.replace(CONTROL, escaped), { type: 'FlushpointWarning', code })
}

function escaped(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
}

/** As {@link warn}, but only the first time for this subject. */
export function warnOnce(code: WarningCode, subject: string, message: string): void {
  const key = `${code} ${subject}`
  if (said.has(key)) return
  said.add(key)
  warn(code, message)
}
