/**
 * What became of the transaction that a call was made in, for code that outlives it.
 *
 * Knows no session and no database. Invariant: an outcome is noted once it is decided, before anybody is told of it.
 *
 * @module
 */
import type { Session } from '../mapper/session.js'
import type { TransactionScope } from '../mapper/unit-of-work.js'

/** One transaction's end: undefined while it is open or coming, a session where that one decides about it. */
export interface Fate {
  outcome: 'committed' | 'undone' | Session | undefined
}

/** Rollbacks are rare, so that this costs nothing where none happens. */
const undone = new WeakSet<TransactionScope>()

export function noteUndone(scope: TransactionScope): void {
  undone.add(scope)
}

/** Whether a level, or one around it, was rolled back. */
export function isUndone(scope: TransactionScope | null): boolean {
  for (let level = scope; level !== null; level = level.parent) if (undone.has(level)) return true
  return false
}
