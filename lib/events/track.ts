/**
 * Says that something has happened.
 *
 * Knows no listener. Invariant: an event leaves a transaction only when that is committed, in the order of the calls; one that is rolled
 * back, or a savepoint that is, takes its events along.
 *
 * @module
 */
import { currentContext } from '../core/context.js'
import { describeValue } from '../core/describe-value.js'
import { EventError } from '../core/errors.js'
import { definitions } from './catalogue.js'
import { delivery } from './delivery.js'
import { isDomainEvent, type DomainEvent } from './domain-event.js'
import { whenCommitted, type OpenWork } from './open-work.js'

export interface TrackOptions {
  /** The session whose commit decides: for transactions begun by hand. @defaultValue what is open around the call */
  readonly session?: OpenWork
}

/**
 * Delivers an event to its listeners: inside a transaction, block or hook after the outermost commit, elsewhere at once. Never before it
 * returns, and it waits for nobody; `eventsSettled` does. It is no extension, so `withoutExtensions` lets it through. The event is frozen.
 *
 * @throws {EventError} EVENT_INVALID · EVENT_NOT_REGISTERED
 * @throws {SessionError} SESSION_ENDED · SESSION_CLOSED when the session that was given is over.
 * @example
 * await dataSource.transaction(async (manager) => {
 *   await manager.save(article)
 *   track(new ArticlePublished(article.id)) // delivered after COMMIT, never after ROLLBACK
 * })
 */
export function track(event: DomainEvent, { session }: TrackOptions = {}): void {
  if (!isDomainEvent(event)) throw new EventError('EVENT_INVALID', { given: describeValue(event) })
  definitions.admit(event)
  Object.freeze(event)
  const context = currentContext()
  whenCommitted(() => delivery.release(event, context), session)
}
