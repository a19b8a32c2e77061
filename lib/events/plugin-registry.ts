/**
 * Which plugins there are, which of them are active, and whether plugin events are on at all.
 *
 * Delivers nothing. Invariant: a slug stands for one plugin; plugins are asked in the order they were registered.
 *
 * @module
 */
import { EventError } from '../core/errors.js'
import type { EventPlugin } from './event-plugin.js'

/** A plugin with its place in the registry. */
export interface RegisteredPlugin {
  readonly slug: string
  readonly plugin: EventPlugin
  readonly controller: AbortController
  isActive: boolean
}

class PluginRegistry {
  /** What somebody has said; nobody yet where it is undefined. */
  setting: 'on' | 'off' | undefined
  readonly #bySlug = new Map<string, RegisteredPlugin>()

  /** Plugin events are off until somebody switches them on. */
  get isEnabled(): boolean {
    return this.setting === 'on'
  }

  get count(): number {
    return this.#bySlug.size
  }

  get active(): readonly RegisteredPlugin[] {
    return [...this.#bySlug.values()].filter(({ isActive }) => isActive)
  }

  withSlug(slug: string): RegisteredPlugin | undefined {
    return this.#bySlug.get(slug)
  }

  /** @throws {EventError} EVENT_PLUGIN_SLUG_TAKEN */
  add(plugin: EventPlugin, isActive: boolean): RegisteredPlugin {
    const { slug } = plugin
    if (this.#bySlug.has(slug)) throw new EventError('EVENT_PLUGIN_SLUG_TAKEN', { slug })
    const registered = { slug, plugin, controller: new AbortController(), isActive }
    this.#bySlug.set(slug, registered)
    return registered
  }

  remove({ slug, controller }: RegisteredPlugin): void {
    this.#bySlug.delete(slug)
    controller.abort()
  }

  has(registered: RegisteredPlugin): boolean {
    return this.#bySlug.get(registered.slug) === registered
  }

  /** Where a plugin is registered and active. */
  find(plugin: EventPlugin): RegisteredPlugin | undefined {
    return this.active.find((registered) => registered.plugin === plugin)
  }
}

const PLUGINS = Symbol.for('flushpoint.event-plugins')
const shared = globalThis as unknown as Record<symbol, PluginRegistry | undefined>
export const plugins = (shared[PLUGINS] ??= new PluginRegistry())
