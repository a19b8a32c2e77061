/**
 * What a relay's loops hand messages to: subscriptions and plugins, as one kind.
 *
 * Knows no table. Invariant: whether a message is wanted is decided by its name and kind alone.
 *
 * @module
 */
import type { EventPlugin } from '../../events/event-plugin.js'
import { fullDelivery, type FullDelivery } from '../../events/plugin-delivery.js'
import { plugins, type RegisteredPlugin } from '../../events/plugin-registry.js'
import { wants } from '../../events/trigger-event.js'
import type { OutboxMessage } from '../message.js'
import { namesMatching } from '../name-pattern.js'
import { PLUGIN_PREFIX, type Subscription } from '../subscription.js'

export interface ActiveSubscription extends FullDelivery {
  readonly name: string
  readonly deliver: Subscription['deliver'] | { readonly kind: 'plugin'; readonly registered: RegisteredPlugin }
  wants(message: OutboxMessage): boolean
}

const subscribed = new WeakMap<Subscription, ActiveSubscription>()

/** The same for the same subscription, each time. */
export function activeSubscription(subscription: Subscription): ActiveSubscription {
  let active = subscribed.get(subscription)
  if (active === undefined) {
    const isWanted = namesMatching(subscription.events)
    subscribed.set(subscription, (active = { ...subscription, wants: ({ type }) => isWanted(type) }))
  }
  return active
}

/** Whether this process has any plugins, be they switched on or off. */
export function hasPlugins(): boolean {
  return plugins.count > 0
}

/**
 * Whether a name is that of a plugin of this process which is to hear nothing: it is not active, or plugin events were switched off. As long as
 * nobody has said whether they are on, the program may still be starting.
 */
export function isPluginOff(name: string): boolean {
  if (plugins.setting === undefined || !name.startsWith(PLUGIN_PREFIX)) return false
  const registered = plugins.withSlug(name.slice(PLUGIN_PREFIX.length))
  return registered !== undefined && !(plugins.isEnabled && registered.isActive)
}

const known = new WeakMap<RegisteredPlugin, ActiveSubscription>()

/** Plugins that are registered and active now, while plugin events are on. */
export function activePlugins(): readonly ActiveSubscription[] {
  if (!plugins.isEnabled) return []
  return plugins.active.map((registered) => {
    let active = known.get(registered)
    if (active === undefined) known.set(registered, (active = pluginSubscription(registered)))
    return active
  })
}

/** Plugins are handed what was triggered, and not what was tracked. */
function pluginSubscription(registered: RegisteredPlugin): ActiveSubscription {
  const { slug, plugin } = registered
  const { delivery } = plugin as Partial<Pick<EventPlugin, 'delivery'>>
  const refused = new WeakSet<OutboxMessage>()
  return {
    ...fullDelivery(delivery),
    name: `${PLUGIN_PREFIX}${slug}`,
    deliver: { kind: 'plugin', registered },
    wants: (message) => {
      if (message.kind !== 'triggered' || refused.has(message)) return false
      const isWanted = wants(registered, { name: message.type, payload: undefined })
      if (!isWanted) refused.add(message) // a loop asks twice, and the filter may be slow, or fail
      return isWanted
    },
  }
}
