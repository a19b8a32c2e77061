/**
 * What leases are taken under.
 *
 * Invariant: no subscription can be called as the intake is.
 *
 * @module
 */

/** Whoever holds it for a slot looks at the slot's new messages. */
export const INTAKE = '*'
