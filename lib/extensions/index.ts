/**
 * flushpoint/extensions: session extensions that are ready to be listed.
 *
 * Every public name of this entry, listed once. Nothing in `lib` imports this file.
 *
 * @module
 */
export { GenericEvents, type GenericEventsOptions } from './generic-events/generic-events.js'
export { TableEvents, type TableEventsOptions } from './table-events/table-events.js'
