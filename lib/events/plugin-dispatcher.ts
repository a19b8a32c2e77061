/**
 * How an event gets to a plugin that wants it.
 *
 * Knows no names and no transactions. Invariant: the events of one plugin follow one another; plugins do not wait for each other.
 *
 * @module
 */
import { describeValue } from '../core/describe-value.js'
import { EventError } from '../core/errors.js'
import { isThenable } from '../core/run-in-order.js'
import type { Connection } from '../core/signal.js'
import { warn } from '../core/warn.js'
import { connection } from './connection.js'
import type { EventPlugin, PluginEvent } from './event-plugin.js'
import { plugins } from './plugin-registry.js'

/** Hands events to plugins: in this process, or by a queue to another. */
export interface PluginDispatcher {
  /**
   * Called once for each active plugin that wants the event, when its transaction has been committed. What it throws, or its promise rejects
   * with, is told to `onEventError` with the slug of the plugin.
   */
  dispatch(plugin: EventPlugin, event: PluginEvent): void | Promise<void>
}

/** Runs plugins in this process, once for each event: what fails is told and not tried again. */
class InProcessDispatcher implements PluginDispatcher {
  readonly #last = new WeakMap<EventPlugin, Promise<void>>()

  dispatch(plugin: EventPlugin, event: PluginEvent): Promise<void> {
    const turn = (this.#last.get(plugin) ?? Promise.resolve()).then(() => processNow(plugin, event))
    const over = turn.catch(() => undefined) // told by whoever asked for it
    this.#last.set(plugin, over)
    return turn
  }
}

async function processNow(plugin: EventPlugin, event: PluginEvent): Promise<void> {
  const registered = plugins.find(plugin)
  if (registered === undefined)
    return warn('EVENT_PLUGIN_GONE', `The plugin "${plugin.slug}" was taken off before it could process "${event.name}"`)
  const abortSignal = registered.controller.signal
  await untilAborted(plugin.processEvent(event, { abortSignal }), abortSignal)
}

/** What a plugin has begun when it is taken off is waited for by nobody; what it throws then is nobody's. */
async function untilAborted(processed: unknown, abortSignal: AbortSignal): Promise<void> {
  if (!isThenable(processed)) return
  let stop = () => {}
  const aborted = new Promise<void>((resolve) => {
    stop = resolve
    abortSignal.addEventListener('abort', stop, { once: true })
    if (abortSignal.aborted) resolve()
  })
  try {
    await Promise.race([processed, aborted])
  } finally {
    abortSignal.removeEventListener('abort', stop)
  }
}

const IN_PROCESS: PluginDispatcher = new InProcessDispatcher()

const DISPATCHER = Symbol.for('flushpoint.plugin-dispatcher')
const shared = globalThis as unknown as Record<symbol, PluginDispatcher | undefined>

export function pluginDispatcher(): PluginDispatcher {
  return shared[DISPATCHER] ?? IN_PROCESS
}

/**
 * Hands plugin events over in another way: to a queue, so that workers elsewhere process them.
 *
 * @returns Goes back to the one before.
 * @throws {EventError} EVENT_PLUGIN_INVALID when it has no `dispatch`.
 * @example
 * setPluginDispatcher({ dispatch: async (plugin, event) => void (await queue.add(plugin.slug, event)) })
 */
export function setPluginDispatcher(dispatcher: PluginDispatcher): Connection {
  if (typeof (dispatcher as Partial<PluginDispatcher> | undefined)?.dispatch !== 'function')
    throw new EventError('EVENT_PLUGIN_INVALID', { given: describeValue(dispatcher), wanted: 'an object with dispatch(plugin, event)' })
  const before = shared[DISPATCHER]
  shared[DISPATCHER] = dispatcher
  return connection(() => {
    if (shared[DISPATCHER] === dispatcher) shared[DISPATCHER] = before
  })
}
