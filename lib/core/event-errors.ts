/**
 * The part of the error catalogue that events, their listeners and plugins throw.
 *
 * Invariant: as in `errors.ts`, of which it is a part.
 *
 * @module
 */
import { entry, nearestOf } from './error-entry.js'

export const EVENT_ERRORS = {
  EVENT_NAME_MISSING: entry<{ readonly type: string }>(
    ({ type }) => `Cannot make an event of ${type}: it has no eventName, wanted is a name like "article.published"`,
    "give the class a name, static override readonly eventName = 'article.published', or make it with defineEvent",
  ),
  EVENT_NAME_INVALID: entry<{ readonly given: string }>(
    ({ given }) => `Cannot use ${given} as the name of an event: wanted is a text without "*" and without blanks at its ends`,
    'name events like "article.published"; "*" stands for any characters where listeners name patterns',
  ),
  EVENT_NAME_TAKEN: entry<{ readonly name: string; readonly current: string; readonly wanted: string }>(
    ({ name, current, wanted }) => `Cannot register ${wanted} as "${name}": ${current} has that name`,
    'choose another name, or register the same class in both places',
  ),
  EVENT_TYPE_INVALID: entry<{ readonly given: string }>(
    ({ given }) =>
      `Cannot register ${given}: wanted is a class that extends DomainEvent, or a function that returns a list of such classes`,
    "extend DomainEvent of flushpoint/events; a class that extends Event without an import extends the DOM's",
  ),
  EVENT_INVALID: entry<{ readonly given: string }>(
    ({ given }) => `Cannot track ${given}: wanted is an instance of a class that extends DomainEvent`,
    "extend DomainEvent of flushpoint/events; a class that extends Event without an import extends the DOM's",
  ),
  EVENT_NOT_REGISTERED: entry<{ readonly name: string; readonly type: string; readonly nearest: string | undefined }>(
    ({ name, type, nearest }) => `Cannot track "${name}": ${type} is not registered under that name${nearestOf(nearest)}`,
    'call registerEvents(TheClass) once, at start, or make the class with defineEvent, which registers it; String(catalogue) lists what is known',
  ),
  EVENT_PROPERTY_RESERVED: entry<{ readonly name: string; readonly property: string }>(
    ({ name, property }) => `Cannot make the event "${name}" with the property "${property}": every event has one of its own`,
    'choose another word; who did it is told by the context, or by new TheEvent(payload, { actor })',
  ),
  EVENT_PROPERTY_NOT_COPYABLE: entry<{ readonly name: string; readonly property: string; readonly given: string }>(
    ({ name, property, given }) =>
      `Cannot copy the property "${property}" of the event "${name}": ${given} is no plain data all the way down`,
    'put keys and values into events, not entities with promises, functions or streams',
  ),
  EVENT_PAYLOAD_INVALID: entry<{ readonly name: string; readonly issues: string }>(
    ({ name, issues }) => `Cannot make the event "${name}": ${issues}`,
    'pass the properties the event was defined with',
  ),
  EVENT_SCHEMA_INVALID: entry<{ readonly name: string; readonly given: string }>(
    ({ name, given }) =>
      `Cannot define the event "${name}" with ${given}: wanted is a Standard Schema validator, as zod, valibot and arktype make`,
    "pass the schema as the second argument, or write defineEvent<Payload>()('name') for types alone",
  ),
  EVENT_SCHEMA_ASYNC: entry<{ readonly name: string; readonly vendor: string }>(
    ({ name, vendor }) => `Cannot check the event "${name}": its schema, made by ${vendor}, answered with a promise`,
    'leave asynchronous checks out of the schema; an event tells what has happened, so check before it is made',
  ),
  EVENT_MATCHER_INVALID: entry<{ readonly given: string }>(
    ({ given }) => `Cannot listen to ${given}: wanted is a class that extends DomainEvent, or a name pattern like "article.*"`,
    'pass the event class, a name, or "*" for all events',
  ),
  EVENT_LISTENER_INVALID: entry<{ readonly given: string }>(
    ({ given }) => `Cannot listen with ${given}: wanted is a function of the event`,
    'pass a function like (event, { abortSignal }) => { … }',
  ),
  EVENT_LISTENER_TIMEOUT: entry<{ readonly name: string; readonly listener: string; readonly timeoutMs: number }>(
    ({ name, listener, timeoutMs }) => `Cannot wait any longer for ${listener} to take "${name}": its time was ${timeoutMs} ms`,
    'make it faster, give it more timeoutMs, or hand the work to a queue; the abortSignal it was given tells it to stop',
  ),
  EVENTS_AWAIT_THEMSELVES: entry<{ readonly where: 'a listener or plugin' | 'a transaction' }>(
    ({ where }) =>
      `Cannot wait for all events inside ${where}: ${where === 'a transaction' ? 'a listener that writes may wait for its end' : 'it would wait for itself'}`,
    'call eventsSettled() where the program ends, or in a test, outside of listeners and transactions',
  ),
  EVENT_PLUGIN_INVALID: entry<{ readonly given: string; readonly wanted: string }>(
    ({ given, wanted }) => `Cannot register ${given} as a plugin: wanted is ${wanted}`,
    'extend EventPlugin, give the class a slug and a processEvent(event), and pass an instance of it',
  ),
  EVENT_PLUGIN_SLUG_TAKEN: entry<{ readonly slug: string }>(
    ({ slug }) => `Cannot register another plugin with the slug "${slug}"`,
    'choose another slug, or take the first one off before',
  ),
  EVENT_PLUGIN_GONE: entry<{ readonly slug: string }>(
    ({ slug }) => `Cannot switch the plugin "${slug}" on or off: it is not registered any more`,
    'register it again',
  ),
  EVENT_FILTER_ASYNC: entry<{ readonly slug: string; readonly name: string }>(
    ({ slug, name }) =>
      `Cannot await whether the plugin "${slug}" wants "${name}": the answer is needed at once, but wantsProcessEvent returned a promise`,
    'answer by the name alone, and leave the rest to processEvent',
  ),
} as const
