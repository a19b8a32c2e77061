/**
 * Puts plugins on and takes them off.
 *
 * Delivers nothing itself. Invariant: what can never work is refused here, not at the first event.
 *
 * @module
 */
import { checkOptions } from '../core/check-options.js'
import { describeValue } from '../core/describe-value.js'
import { ConfigurationError, EventError } from '../core/errors.js'
import type { Connection } from '../core/signal.js'
import { connection } from './connection.js'
import type { EventName, EventPlugin } from './event-plugin.js'
import { plugins, type RegisteredPlugin } from './plugin-registry.js'
import { triggerNamed } from './trigger-event.js'

export interface PluginOptions {
  /** Whether it is handed events from now on. @defaultValue `true` */
  readonly active?: boolean
}

/** Takes the plugin off again, and switches it on and off meanwhile. */
export interface PluginHandle extends Connection {
  readonly slug: string
  /** Setting it to another value triggers `plugin_activated`. */
  active: boolean
}

/**
 * Registers a plugin. Plugins are asked for each event in the order they were registered.
 *
 * @returns Takes it off again: what it has not begun to process is left out, with a warning, and the `abortSignal` it was given aborts.
 * @throws {EventError} EVENT_PLUGIN_INVALID without a slug or `processEvent` · EVENT_PLUGIN_SLUG_TAKEN
 * @throws {ConfigurationError} OPTION_UNKNOWN · OPTION_INVALID
 * @example
 * const labels = registerPlugin(new Labels(), { active: false })
 * labels.active = true
 */
export function registerPlugin<N extends EventName>(plugin: EventPlugin<N>, options: PluginOptions = {}): PluginHandle {
  assertPlugin(plugin)
  checkOptions('registerPlugin', options, { active: 'boolean' })
  const registered = plugins.add(plugin as unknown as EventPlugin, options.active ?? true)
  const handle = connection(() => plugins.remove(registered))
  return Object.defineProperties(handle, {
    slug: { value: registered.slug },
    active: { get: () => registered.isActive, set: (active: boolean) => activate(registered, active) },
  }) as unknown as PluginHandle
}

function activate(registered: RegisteredPlugin, active: boolean): void {
  const { slug } = registered
  if (typeof active !== 'boolean')
    throw new ConfigurationError('OPTION_INVALID', {
      place: `plugin "${slug}"`,
      option: 'active',
      wanted: 'a boolean',
      given: describeValue(active),
    })
  if (!plugins.has(registered)) throw new EventError('EVENT_PLUGIN_GONE', { slug })
  if (registered.isActive === active) return
  registered.isActive = active
  triggerNamed('plugin_activated', Object.freeze({ slug, active }))
}

function assertPlugin(plugin: unknown): void {
  const { slug, processEvent, wantsProcessEvent } = (typeof plugin === 'object' && plugin !== null ? plugin : {}) as Record<string, unknown>
  const refuse = (wanted: string) => new EventError('EVENT_PLUGIN_INVALID', { given: describeValue(plugin), wanted })
  if (typeof processEvent !== 'function') throw refuse('an instance of a class with a method processEvent(event)')
  if (typeof wantsProcessEvent !== 'function') throw refuse('an instance of a class that extends EventPlugin')
  if (typeof slug !== 'string' || slug.trim() === '') throw refuse('a plugin with a slug, a text that no other plugin has')
}

/**
 * Switches events for plugins on or off, in the whole process; they are off at first. Switched on, it triggers `plugins_loaded`, so register
 * plugins before.
 *
 * @throws {ConfigurationError} OPTION_INVALID when it is not a boolean.
 * @example
 * registerPlugin(new Labels())
 * enablePluginEvents(true)
 */
export function enablePluginEvents(isEnabled: boolean): void {
  checkOptions('enablePluginEvents', { isEnabled: (isEnabled as unknown) ?? null }, { isEnabled: 'boolean' })
  if (plugins.isEnabled === isEnabled) return
  plugins.isEnabled = isEnabled
  triggerNamed('plugins_loaded', undefined)
}
