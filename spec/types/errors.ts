/**
 * Telling errors apart by code.
 *
 * Checked by the compiler, never run.
 *
 * @module
 */
import { ConfigurationError, FlushpointError, hasErrorCode, SessionError, TransactionError, type ErrorCode } from 'flushpoint'

export function fixOf(error: unknown): string {
  if (hasErrorCode(error, 'TRANSACTION_ROLLBACK_ONLY')) {
    const code: 'TRANSACTION_ROLLBACK_ONLY' = error.code
    const known: ErrorCode = error.code
    const caught: FlushpointError = error
    // @ts-expect-error the code is known here
    const other: 'SESSION_NOT_FOUND' = error.code
    // @ts-expect-error an error says what it says
    error.code = 'SESSION_NOT_FOUND'
    void [code, known, caught, other]
    return error.fix
  }
  // @ts-expect-error nothing is known of any other error
  return error.fix
}

/** Several codes in turn each narrow on their own. */
export function isWorthRetrying(error: unknown): boolean {
  return hasErrorCode(error, 'TRANSACTION_ROLLBACK_ONLY') || hasErrorCode(error, 'TRANSACTION_ENDED_BY_SERVER')
}

// @ts-expect-error a code is a string
hasErrorCode(new Error('x'), 1)
// @ts-expect-error which code?
hasErrorCode(new Error('x'))
// @ts-expect-error no such code in the catalogue
export const misspelt: ErrorCode = 'SESSION_NOT_FOUNT'

export function classesNarrowAsWell(error: unknown): string {
  if (error instanceof SessionError) return error.fix
  if (error instanceof TransactionError) return error.fix
  if (error instanceof ConfigurationError) return error.code
  if (error instanceof FlushpointError) return error.message
  return String(error)
}
