/**
 * Takes back a change of director by people who may not edit credits: a relation put back to its database value in a hook.
 *
 * @module
 */
import { MapperExtension, type EntityState, type Session } from 'flushpoint'
import type { Director } from '../entities/director.js'
import { Person } from '../people.js'

interface Credited {
  director?: Director | null
}

// #region revert-relation
export class ProtectedCredits extends MapperExtension<Credited> {
  override beforeUpdate(film: Credited, state: EntityState<Credited>, { context }: Session) {
    const allowed = context.actor instanceof Person && context.actor.mayEditCredits
    if (state.changed('director') && !allowed) film.director = state.original.director as Director | null
  }
}
// #endregion
