/**
 * The part of the error catalogue that outboxes, their relays and subscriptions throw.
 *
 * Invariant: as in `errors.ts`, of which it is a part. No entry takes a payload.
 *
 * @module
 */
import { entry, nearestOf } from './error-entry.js'

export const OUTBOX_ERRORS = {
  OUTBOX_NOT_LISTED: entry<{ readonly database: string }>(
    ({ database }) => `Cannot use an outbox of the ${database} DataSource: it lists none among its session extensions`,
    'list it: sessionSubscriber({ extensions: [Outbox] }) or install(dataSource, { extensions: [Outbox.with({ … })] }); what a subscriber lists is known once the DataSource is connected',
  ),
  OUTBOX_TABLES_MISSING: entry<{ readonly missing: string }>(
    ({ missing }) => `Cannot find the tables of the outbox: the DataSource maps no ${missing}`,
    "add them to its entities: [...outboxEntities('postgres')], with the type of your database, and to a migration: outboxMigration(…)",
  ),
  OUTBOX_DATABASE_UNSUPPORTED: entry<{ readonly type: string }>(
    ({ type }) => `Cannot keep an outbox in a database of the type "${type}": wanted is sqlite, better-sqlite3, postgres, mysql or mariadb`,
    'keep it in one of these',
  ),
  OUTBOX_PAYLOAD_INVALID: entry<{ readonly name: string; readonly path: string; readonly given: string }>(
    ({ name, path, given }) => `Cannot keep the event "${name}" in an outbox: ${path} is ${given}, which JSON cannot carry as it is`,
    'put texts, finite numbers, booleans, null, lists, plain objects and dates into events; write a bigint as a text, a map as a list',
  ),
  OUTBOX_KEY_INVALID: entry<{ readonly name: string; readonly given: string }>(
    ({ name, given }) =>
      `Cannot keep the event "${name}" in an outbox: its partition key is ${given}, wanted is a text of 1 to 255 characters`,
    'return a short text or a number from partitionKey, or undefined for events that keep no order',
  ),
  OUTBOX_HEADER_INVALID: entry<{ readonly name: string; readonly header: string; readonly given: string; readonly wanted: string }>(
    ({ name, header, given, wanted }) =>
      `Cannot keep the event "${name}" in an outbox: its header "${header}" is ${given}, wanted is ${wanted}`,
    'have the headers option of the Outbox answer { name: text }, with names of its own',
  ),
  OUTBOX_NAME_INVALID: entry<{ readonly length: number }>(
    ({ length }) =>
      `Cannot keep an event whose name is a text of ${length} characters: wanted are at most 255, and neither NUL nor half characters`,
    'name events like "article.published"',
  ),
  OUTBOX_REF_UNRESOLVED: entry<{ readonly name: string; readonly path: string; readonly value: string }>(
    ({ name, path, value }) => `Cannot keep the event "${name}": ${path} is ${value}, which has no value before the commit either`,
    'take a ref of an entity that the same transaction inserts, and of a property the database fills in',
  ),
  OUTBOX_MESSAGE_UNREADABLE: entry<{ readonly id: string; readonly column: string }>(
    ({ id, column }) => `Cannot read the message ${id} of an outbox: its ${column} is not the JSON that was stored`,
    'somebody has changed the row: mend it and redrive the message, or discard it',
  ),
  SUBSCRIPTION_INVALID: entry<{ readonly given: string; readonly wanted: string }>(
    ({ given, wanted }) => `Cannot subscribe with ${given}: wanted is ${wanted}`,
    "write subscription({ name: 'search', events: 'film.*', handle: async (event) => { … } })",
  ),
  SUBSCRIPTION_NAME_TAKEN: entry<{ readonly name: string }>(
    ({ name }) => `Cannot subscribe twice as "${name}": a subscription keeps its progress by its name`,
    'give each a name of its own',
  ),
  SUBSCRIPTION_UNKNOWN: entry<{ readonly name: string; readonly nearest: string | undefined }>(
    ({ name, nearest }) => `Cannot find the subscription "${name}": no relay has ever announced it${nearestOf(nearest)}`,
    'outbox status lists the names; a subscription is announced when a relay that has it starts',
  ),
  HANDLER_TIMEOUT: entry<{ readonly subscription: string; readonly id: string; readonly timeoutMs: number }>(
    ({ subscription, id, timeoutMs }) => `Cannot wait any longer for "${subscription}" to handle ${id}: its time was ${timeoutMs} ms`,
    'make it faster, or give the subscription more timeoutMs; the abortSignal it was given tells it to stop',
  ),
  HANDLER_KILLED_ITS_PROCESS: entry<{ readonly subscription: string; readonly id: string; readonly times: number }>(
    ({ subscription, id, times }) =>
      `Cannot let "${subscription}" handle ${id} again: it was begun ${times} times by processes that ended before they were done with it`,
    'find out what this message does to the process, then redrive it; memory that runs out is the usual reason',
  ),
  RELAY_STATE_WRONG: entry<{ readonly method: string; readonly current: string }>(
    ({ method, current }) => `Cannot call ${method} on this relay: it is ${current}`,
    'start it once; to begin again after stop, make another one with createRelay',
  ),
  REPLAY_WITHOUT_SUBSCRIPTION: entry<Record<never, never>>(
    () => 'Cannot replay to everybody: the filter names no subscription',
    "name who is to get the messages again: desk.replay({ sequence: 1 }, { subscription: 'search' })",
  ),
} as const
