/**
 * Says that something has happened.
 *
 * Knows no listener. Invariant: an event leaves a transaction only when that is committed, in the order of the calls; one that is rolled
 * back, or a savepoint that is, takes its events along.
 *
 * @module
 */
import { currentContext, type Context } from '../core/context.js'
import { describeValue } from '../core/describe-value.js'
import { EventError } from '../core/errors.js'
import { currentSilence } from '../core/silence.js'
import { definitions } from './catalogue.js'
import { delivery } from './delivery.js'
import { isDomainEvent, seal, settleFacts, type DomainEvent } from './domain-event.js'
import { eventKeeper, keptOf } from './event-keeper.js'
import { keepNow } from './keep-now.js'
import { openWork, whenCommitted, type OpenWork } from './open-work.js'

export interface TrackOptions {
  /** The session whose commit decides: for transactions begun by hand, `sessionOf(queryRunner)`. @defaultValue what is open around the call */
  readonly session?: OpenWork
}

/**
 * Delivers an event to its listeners: inside a transaction, block or hook after the outermost commit, elsewhere at once. Never before it
 * returns, and it waits for nobody; `eventsSettled` does. It is no extension, so `withoutExtensions` lets it through. From now on the event
 * tells what it tells now: lists, plain objects, dates, maps, sets and binary data in it are copied, lists and plain objects frozen;
 * instances of classes stay what they are, so put keys and values into events, not entities.
 *
 * Code that outlives its transaction goes with the outcome of that: dropped after a rollback, delivered at once after a commit. What a callback
 * of the commit tracks (`onCommit`, `afterCommit`) is delivered at once: before events that were tracked after that callback was registered.
 * `withScope` is no transaction: outside of one, an event tracked in it is delivered at once, whatever its flush does later. Where a flush fails
 * in a transaction and the error is swallowed, what its hooks had tracked goes with the commit of that transaction, unless `savepoints` are
 * on: throw on, or track where the flush has returned.
 *
 * Where the DataSource lists an `Outbox` (flushpoint/outbox), the event is kept there as well, in the same transaction; outside of one by a
 * transaction of its own.
 *
 * @throws {EventError} EVENT_INVALID · EVENT_NOT_REGISTERED
 * @throws {OutboxError} OUTBOX_PAYLOAD_INVALID where an outbox keeps it and it is no JSON.
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
  seal(event)
  const context = currentContext()
  const work = session ?? openWork()
  const isKept = keep(event, context, work)
  whenCommitted(() => {
    settleFacts(event)
    delivery.release(event, context)
  }, session)
  if (!isKept) whenCommitted(() => keepNow([keptOf(event, context)]), session)
}

/** Inside `withoutExtensions` nothing is kept: fixtures and imports tell nobody elsewhere. @returns Whether nothing is left to keep. */
function keep(event: DomainEvent, context: Context, work: OpenWork | undefined): boolean {
  const keeper = eventKeeper()
  if (keeper === undefined || currentSilence() !== undefined) return true
  const kept = keptOf(event, context)
  if (work !== undefined && keeper.keepWith(work, kept)) return true
  keeper.check(kept)
  return false
}
