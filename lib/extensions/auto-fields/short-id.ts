/**
 * Short random ids.
 *
 * Knows no table. Invariant: every id of the length is equally likely, whatever was drawn before.
 *
 * @module
 */
import { randomInt } from 'node:crypto'

export const SHORT_ID_LENGTH = 5
const CHARACTERS = 'abcdefghijklmnopqrstuvwxyz0123456789'

/** Five of `[a-z0-9]`, none of them twice: one of 45,239,040. */
export function shortId(): string {
  const left = [...CHARACTERS]
  return Array.from({ length: SHORT_ID_LENGTH }, () => left.splice(randomInt(left.length), 1)[0]!).join('')
}
