/**
 * Text of strangers on somebody's terminal.
 *
 * Invariant: what comes out moves no cursor, begins no line and has no control character in it.
 *
 * @module
 */

// eslint-disable-next-line no-control-regex
const CONTROL = /[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g

export function printable(text: string): string {
  return text.replace(CONTROL, (character) => (character === '\n' ? ' ⏎ ' : character === '\t' ? ' ' : escaped(character)))
}

function escaped(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
}

/** `850 ms`, `12 s`, `3 min`, `2 h`, `5 d`: rounded down. */
export function duration(ms: number): string {
  if (ms < 1_000) return `${Math.max(0, Math.round(ms))} ms`
  if (ms < 120_000) return `${Math.floor(ms / 1_000)} s`
  if (ms < 7_200_000) return `${Math.floor(ms / 60_000)} min`
  if (ms < 172_800_000) return `${Math.floor(ms / 3_600_000)} h`
  return `${Math.floor(ms / 86_400_000)} d`
}

/** In UTC, to the second. */
export function moment(time: Date): string {
  return time.toISOString().replace(/\.\d+Z$/, 'Z')
}

/** `1 message`, `2 messages` */
export function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`
}
