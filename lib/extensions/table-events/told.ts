/**
 * What has been told of a session, by all its TableEvents together.
 *
 * Invariant: whatever has happened is told once, also where the extension is listed twice, or for a time instead of others.
 *
 * @module
 */
import type { Session } from '../../mapper/session.js'
import { SchemaEvents } from './schema-events.js'

const known = new WeakMap<Session, Told>()

export class Told {
  readonly schemaEvents: SchemaEvents
  readonly #subjects = new WeakSet<object>()

  private constructor(session: Session) {
    this.schemaEvents = new SchemaEvents(session)
  }

  static of(session: Session): Told {
    let told = known.get(session)
    if (told === undefined) known.set(session, (told = new Told(session)))
    return told
  }

  /** True for the first who asks: nobody has told of this change or statement yet. */
  take(subject: object): boolean {
    if (this.#subjects.has(subject)) return false
    this.#subjects.add(subject)
    return true
  }
}
