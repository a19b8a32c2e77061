/**
 * Handlers that are told of events by name, as they are written.
 *
 * Knows no registry. Invariant: whether a plugin wants an event is decided by the event's name alone.
 *
 * @module
 */

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
  readonly payload: unknown
}

/** As {@link PluginEvent}, with the payload that was declared for the name. */
export type PluginEventOf<N extends EventName> = N extends keyof EventPayloads
  ? { readonly name: N; readonly payload: EventPayloads[N] }
  : PluginEvent

export interface PluginCall {
  /** Aborts when the plugin is taken off. */
  readonly abortSignal: AbortSignal
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
  /** Its name among all plugins. */
  abstract readonly slug: string

  /**
   * Whether an event of this name is to be handed over. Asked for each event, while whoever triggered it waits: keep it cheap. Must answer
   * at once. @defaultValue every event is
   */
  wantsProcessEvent(_name: string): boolean {
    return true
  }

  /** Awaited before the plugin's next event. What it throws is told to `onEventError` and stops nobody else. */
  abstract processEvent(event: PluginEventOf<N>, options: PluginCall): void | Promise<void>
}
