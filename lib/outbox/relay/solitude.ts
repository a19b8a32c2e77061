/**
 * Lets messages that may have ended a process be handled one at a time in this one, whichever loop and subscription they belong to.
 *
 * Knows no message. Invariant: at most one holder in this process, so that whoever dies takes no other suspect along.
 *
 * @module
 */
const SHARED = Symbol.for('flushpoint.outbox-solitude')

interface State {
  holder: object | undefined
  readonly waiting: Set<() => void>
}

/** Of the whole process, whatever number of copies of this package it has. */
const shared = globalThis as unknown as Record<symbol, State | undefined>
const state = (shared[SHARED] ??= { holder: undefined, waiting: new Set() })

/** @param wake Called when it is worth asking again. @returns False where somebody else is alone now. */
export function enterSolitude(holder: object, wake: () => void): boolean {
  if (state.holder === undefined || state.holder === holder) {
    state.holder = holder
    return true
  }
  state.waiting.add(wake)
  return false
}

/** Does nothing where somebody else is alone. */
export function leaveSolitude(holder: object): void {
  if (state.holder !== holder) return
  state.holder = undefined
  const waiting = [...state.waiting]
  state.waiting.clear()
  for (const wake of waiting) wake()
}
