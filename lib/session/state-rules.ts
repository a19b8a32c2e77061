/**
 * Which method of a session is legal for an entity in which state.
 *
 * The one place that says so. Invariant: a method asks here before it changes anything.
 *
 * @module
 */
import { SessionError } from '../core/errors.js'

/**
 * - `transient`: unknown to this session and without a row it knows of · `detached`: has a row, belongs to no open session
 * - `new`, `clean`, `dirty`: in the session · `leaving`: marked for delete, softRemove or recover, not flushed · `deleted`: its DELETE was sent
 */
export type EntityCondition = 'transient' | 'detached' | 'new' | 'clean' | 'dirty' | 'leaving' | 'deleted'
export type GuardedMethod = 'add' | 'delete' | 'softRemove' | 'recover' | 'expunge' | 'refresh' | 'expire' | 'flush'

const IN_SESSION = ['clean', 'dirty', 'leaving'] as const

const LEGAL: Readonly<Record<GuardedMethod, readonly EntityCondition[]>> = {
  add: ['transient', 'detached', 'new', ...IN_SESSION],
  delete: ['detached', 'new', ...IN_SESSION, 'deleted'],
  softRemove: ['detached', ...IN_SESSION],
  recover: ['detached', ...IN_SESSION],
  expunge: ['transient', 'detached', 'new', ...IN_SESSION, 'deleted'],
  refresh: IN_SESSION,
  expire: IN_SESSION,
  flush: ['new', ...IN_SESSION, 'deleted'],
}

/** @throws {SessionError} ENTITY_STATE_WRONG when the method is not legal in this condition. */
export function assertLegal(method: GuardedMethod, current: EntityCondition, labelOf: () => string): void {
  const wanted = LEGAL[method]
  if (wanted.includes(current)) return
  throw new SessionError('ENTITY_STATE_WRONG', { entity: labelOf(), method, current, wanted: wanted.join(' or ') })
}
