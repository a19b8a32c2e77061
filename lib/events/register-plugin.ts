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
import type { EventPlugin } from './event-plugin.js'
import { assertDelivery, type PluginDelivery } from './plugin-delivery.js'
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

/** What a relay puts before it, and how much room there is. */
const MAX_SLUG = 93

/**
 * Registers a plugin. Plugins are asked for each event in the order they were registered.
 *
 * @returns Takes it off again: what it has not begun to process is left out, with a warning, and the `abortSignal` it was given aborts. What waits
 *   for it in an outbox goes on waiting until it is registered again, or until relays forget it (`forgetAfterMs`).
 * @throws {EventError} EVENT_PLUGIN_INVALID without a slug or `processEvent` · EVENT_PLUGIN_SLUG_TAKEN
 * @throws {ConfigurationError} OPTION_UNKNOWN · OPTION_INVALID
 * @example
 * const labels = registerPlugin(new Labels(), { active: false })
 * labels.active = true
 */
export function registerPlugin(plugin: EventPlugin<never>, options: PluginOptions = {}): PluginHandle {
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
  const given = (typeof plugin === 'object' && plugin !== null ? plugin : {}) as Record<string, unknown>
  const { slug, processEvent, wantsProcessEvent, delivery } = given
  const refuse = (wanted: string) => new EventError('EVENT_PLUGIN_INVALID', { given: describeValue(plugin), wanted })
  if (typeof processEvent !== 'function') throw refuse('an instance of a class with a method processEvent(event)')
  if (typeof wantsProcessEvent !== 'function') throw refuse('an instance of a class that extends EventPlugin')
  if (typeof slug !== 'string' || slug.trim() !== slug || slug === '' || slug.length > MAX_SLUG)
    throw refuse(`a plugin with a slug, a text of 1 to ${MAX_SLUG} characters that no other plugin has, without blanks at its ends`)
  if (delivery !== undefined) assertDelivery(`the delivery of plugin "${slug}"`, delivery as PluginDelivery)
}

/**
 * Switches events for plugins on or off, in the whole process; they are off at first. Switched on, it triggers `plugins_loaded`, so register
 * plugins before.
 *
 * A relay looks at this again when it comes upon an event. As long as nobody has called this in its process, events wait for plugins that relays have
 * had before, so that none is lost while a program starts; once switched off, they pass by the plugins of this process. Say the same in every
 * process with a relay.
 *
 * @throws {ConfigurationError} OPTION_INVALID when it is not a boolean.
 * @example
 * registerPlugin(new Labels())
 * enablePluginEvents(true)
 */
export function enablePluginEvents(isEnabled: boolean): void {
  checkOptions('enablePluginEvents', { isEnabled: (isEnabled as unknown) ?? null }, { isEnabled: 'boolean' })
  const wasEnabled = plugins.isEnabled
  plugins.setting = isEnabled ? 'on' : 'off'
  if (isEnabled === wasEnabled) return
  triggerNamed('plugins_loaded', undefined)
}
