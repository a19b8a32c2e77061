/**
 * flushpoint/events: named facts, told after the commit.
 *
 * Every public name of this entry, listed once. Nothing in `lib` imports this file.
 *
 * @module
 */
export { EventError } from '../core/errors.js'
export type { Connection } from '../core/signal.js'
export {
  AlterTableEvent,
  CreateTableEvent,
  CreateTokenEvent,
  DeleteRowEvent,
  DropTableEvent,
  InsertRowsEvent,
  LoginEvent,
  LogoutEvent,
  RenameTableEvent,
  UpdateRowEvent,
  UpsertRowsEvent,
  type RenameProperties,
  type RowImages,
  type RowProperties,
  type RowsProperties,
  type TableProperties,
  type TokenProperties,
} from './built-in-events.js'
export { catalogue, registerEvents, type CatalogueEntry, type EventCatalogue, type EventSource } from './catalogue.js'
export { defineEvent, defineEvents, type DefineOptions, type EventPayload, type EventType } from './define-event.js'
export { DomainEvent, type EventActor, type EventClass, type EventOptions } from './domain-event.js'
export { onEventError, type EventErrorHandler, type EventFailure } from './event-failures.js'
export { EventPlugin, type EventName, type EventPayloads, type PluginCall, type PluginEvent, type PluginEventOf } from './event-plugin.js'
export { eventsSettled } from './in-flight.js'
export type { ListenOptions } from './listen-options.js'
export type { ListenerCall, ListenerFunction } from './listener.js'
export { onEvent, type Listen } from './on-event.js'
export type { OpenWork } from './open-work.js'
export type { PluginDelivery } from './plugin-delivery.js'
export { setPluginDispatcher, type PluginDispatcher } from './plugin-dispatcher.js'
export { enablePluginEvents, registerPlugin, type PluginHandle, type PluginOptions } from './register-plugin.js'
export type { RetryPolicy } from './retry-policy.js'
export type { StandardSchemaV1 } from './standard-schema.js'
export { track, type TrackOptions } from './track.js'
export { batchEvents, triggerEvent } from './trigger-event.js'
