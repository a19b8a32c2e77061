/**
 * Says that trying again would not help.
 *
 * Invariant: recognised by its brand, so that one of another copy of this package counts as well.
 *
 * @module
 */
const BRAND = Symbol.for('flushpoint.permanent-error')

/**
 * Thrown by a handler, it makes the message a dead letter at once instead of after the last attempt.
 *
 * @example
 * if (response.status === 422) throw new PermanentError('the index does not take this film', { cause: response })
 */
export class PermanentError extends Error {
  override readonly name: string = 'PermanentError'
}
Object.defineProperty(PermanentError.prototype, BRAND, { value: true })

export function isPermanentError(error: unknown): boolean {
  return typeof error === 'object' && error !== null && (error as { [BRAND]?: boolean })[BRAND] === true
}
