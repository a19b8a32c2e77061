/**
 * Handlers that are told of events by name, as they are written.
 *
 * Knows no registry. Invariant: whether a plugin wants an event is decided by the event's name alone.
 *
 * @module
 */

import type { EntityManager } from 'typeorm'
import type { PluginDelivery } from './plugin-delivery.js'

/**
 * What is told with each name. Open for declaration merging.
 *
 * @example
 * declare module 'flushpoint/events' {
 *   interface EventPayloads { 'build.issued': { id: number } }
 * }
 */
export interface EventPayloads {
  /** A plugin was switched on or off. */
  plugin_activated: { readonly slug: string; readonly active: boolean }
  /** Plugin events were switched on: whoever is registered is ready. */
  plugins_loaded: undefined
}

/** A name that was not declared meets a sentence, which the compiler then shows. */
export type DeclaredName<N extends string> = `${N}` extends keyof EventPayloads
  ? N
  : `Declare "${N}" first: declare module 'flushpoint/events' { interface EventPayloads { '${N}': { … } } }`

/** What is told with a declared name, also by a member of an enumeration. */
export type PayloadNamed<N extends string> = `${N}` extends keyof EventPayloads ? EventPayloads[`${N}`] : unknown

/** A name that was declared, or any other. */
export type EventName = keyof EventPayloads | (string & {})

/** What a plugin is handed. */
export interface PluginEvent {
  readonly name: string
  /** Where a relay hands it over, as JSON has kept it: a date is a text, and null is undefined. */
  readonly payload: unknown
}

/** As {@link PluginEvent}, with the payload that was declared for the name. */
export type PluginEventOf<N extends EventName> = N extends keyof EventPayloads
  ? { readonly name: N; readonly payload: EventPayloads[N] }
  : PluginEvent

export interface PluginCall {
  /** Aborts when the plugin is taken off; where a relay hands it over, also when its time is over or the relay stops. */
  readonly abortSignal: AbortSignal
  /** Where a relay hands it over: counts from 1. */
  readonly attempt?: number
  /** Where a relay hands it over: the event's id, the same at every attempt. */
  readonly id?: string
  /** Where a relay hands it over: the transaction of a plugin that is `exactlyOnce`, else the DataSource's own manager. */
  readonly manager?: EntityManager
}

/**
 * Handles events that were triggered by name. `N` narrows what `processEvent` is handed to the names that `wantsProcessEvent` lets through.
 *
 * @example
 * class Labels extends EventPlugin<'build.issued'> {
 *   readonly slug = 'labels'
 *   override wantsProcessEvent(name: string) {
 *     return name === 'build.issued'
 *   }
 *   async processEvent({ payload }: { payload: { id: number } }) {
 *     await print(payload.id)
 *   }
 * }
 */
export abstract class EventPlugin<N extends EventName = string> {
  /** Its name among all plugins, for good: 1 to 93 characters. A relay keeps progress, retries and dead letters under it. */
  abstract readonly slug: string

  /** How a relay hands events over. @defaultValue as described there */
  readonly delivery?: PluginDelivery

  /**
   * Whether an event of this name is to be handed over. Asked for each event: keep it cheap. With an outbox a relay asks, when it comes upon the
   * event, and again before an event that has waited is handed over; else it is asked while whoever triggered the event waits. Must answer at
   * once; where it throws, the event is not handed over, and `onEventError` is told. @defaultValue every event is
   */
  wantsProcessEvent(_name: string): boolean {
    return true
  }

  /**
   * Awaited before the plugin's next event; where a relay hands it over, before the next of the same key. What it throws is told to
   * `onEventError` and stops nobody else; a relay tries again.
   */
  abstract processEvent(event: PluginEventOf<N>, options: PluginCall): void | Promise<void>
}
