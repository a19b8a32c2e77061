/**
 * The part of the error catalogue that transports throw, or give as the reason why they could not hand an event over.
 *
 * Invariant: as in `errors.ts`, of which it is a part; events are named by their type, never by what they hold.
 *
 * @module
 */
import { entry } from './error-entry.js'

export const TRANSPORT_ERRORS = {
  TRANSPORT_CLIENT_INVALID: entry<{ readonly transport: string; readonly given: string; readonly wanted: string }>(
    ({ transport, given, wanted }) => `Cannot publish through ${transport} with ${given}: wanted is ${wanted}`,
    'pass the client as its own package makes it; flushpoint makes none',
  ),
  TRANSPORT_CLOSED: entry<{ readonly transport: string }>(
    ({ transport }) => `Cannot publish through ${transport}: close() has been called`,
    'stop what publishes before you close its transport; the event is published again by a relay with a new one',
  ),
  TRANSPORT_CHANNEL_CLOSED: entry<{ readonly transport: string; readonly cause: string }>(
    ({ transport, cause }) => `Cannot publish through ${transport}: its channel is closed (${cause})`,
    'pass a function instead of the channel, which is asked for a new one then: () => connection.createConfirmChannel()',
  ),
  TRANSPORT_EVENT_REFUSED: entry<{ readonly transport: string; readonly type: string; readonly reason: string }>(
    ({ transport, type, reason }) => `Cannot publish "${type}" through ${transport}: it was refused (${reason})`,
    'make room, or mend what the reason names; the event is published again until then',
  ),
  TRANSPORT_EVENT_UNROUTABLE: entry<{ readonly transport: string; readonly type: string; readonly target: string }>(
    ({ transport, type, target }) => `Cannot publish "${type}" through ${transport}: nothing there takes what is sent to ${target}`,
    'bind a queue, or make a stream of that subject; the event is published again until then',
  ),
  TRANSPORT_EVENT_UNANSWERED: entry<{ readonly transport: string; readonly type: string }>(
    ({ transport, type }) => `Cannot tell whether "${type}" has arrived through ${transport}: no answer came in time`,
    'look whether the server can be reached, or give it more timeoutMs; the event is published again and may arrive twice',
  ),
  TRANSPORT_EVENT_TOO_LARGE: entry<{ readonly transport: string; readonly type: string; readonly bytes: number; readonly limit: string }>(
    ({ transport, type, bytes, limit }) =>
      `Cannot publish "${type}" through ${transport}: with ${bytes} bytes it is larger than ${limit} allows`,
    'raise the limit and redrive the event, or put a reference into events instead of the content',
  ),
  TRANSPORT_EVENT_WAITS: entry<{ readonly transport: string; readonly type: string; readonly cause: string }>(
    ({ transport, type, cause }) =>
      `Cannot publish "${type}" through ${transport} yet: an earlier event of its key was not accepted (${cause})`,
    'mend what the cause says; the event follows the earlier one',
  ),
} as const
