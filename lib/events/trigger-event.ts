/**
 * Tells plugins that something has happened, by name.
 *
 * Knows no domain events. Invariant: plugins are asked only after the commit, in the order of the calls; nothing of a transaction or savepoint
 * that was rolled back reaches them.
 *
 * @module
 */
import { FrameSlot } from '../core/async-frame.js'
import { currentContext } from '../core/context.js'
import { EventError } from '../core/errors.js'
import { isThenable } from '../core/run-in-order.js'
import { currentSilence } from '../core/silence.js'
import { resolved } from './deferred.js'
import { checkedName } from './domain-event.js'
import { eventKeeper, type KeptEvent } from './event-keeper.js'
import { reportEventFailure } from './event-failures.js'
import type { DeclaredName, EventPayloads, PayloadNamed, PluginEvent } from './event-plugin.js'
import { asDelivery, inContextOf, inFlight } from './in-flight.js'
import { keepNow } from './keep-now.js'
import { openWork, whenCommitted } from './open-work.js'
import { pluginDispatcher } from './plugin-dispatcher.js'
import { plugins, type RegisteredPlugin } from './plugin-registry.js'
import type { TrackOptions } from './track.js'

/**
 * Hands an event to every active plugin that wants it: inside a transaction, block or hook after the outermost commit, elsewhere at once.
 * Ignored while plugin events are off, which they are until `enablePluginEvents(true)`, and inside `withoutExtensions`.
 *
 * Where the DataSource lists an `Outbox` (flushpoint/outbox), the event is kept there in the same transaction, outside of one by a
 * transaction of its own, and a relay hands it to the plugins.
 *
 * @throws {EventError} EVENT_NAME_INVALID
 * @throws {OutboxError} OUTBOX_PAYLOAD_INVALID where an outbox keeps it and the payload is no JSON.
 * @throws {SessionError} SESSION_ENDED · SESSION_CLOSED when the session that was given is over.
 * @example
 * triggerEvent('build.issued', { id: build.id })
 */
export function triggerEvent<N extends keyof EventPayloads>(name: N, payload: EventPayloads[N], options?: TrackOptions): void
/** Members of an enumeration of names. */
export function triggerEvent<const N extends string>(name: DeclaredName<N>, payload: PayloadNamed<N>, options?: TrackOptions): void
export function triggerEvent(name: unknown, payload: unknown, options?: TrackOptions): void {
  triggerNamed(name, payload, options)
}

/** As {@link triggerEvent}, for names that nobody could declare. */
export function triggerNamed(name: unknown, payload: unknown, { session }: TrackOptions = {}): void {
  if (!plugins.isEnabled || currentSilence() !== undefined) return
  const told: KeptEvent = {
    kind: 'triggered',
    name: checkedName(textOf(name)),
    payload,
    context: currentContext(),
    createdMs: Date.now(),
  }
  const work = session ?? openWork()
  const keeper = eventKeeper()
  if (work !== undefined && keeper?.keepWith(work, told) === true) return
  keeper?.check(told)
  const batch = batches.get()
  whenCommitted(() => (batch?.isOpen === true ? batch.add(told) : handOverAll([told])), session)
}

/** An enumeration's member stands for its text, wherever that comes from. */
function textOf(name: unknown): unknown {
  return typeof name === 'string' || (typeof name === 'object' && name !== null) ? String(name).trim() : name
}

class Batch {
  isOpen = true
  readonly #told: KeptEvent[] = []

  add(told: KeptEvent): void {
    this.#told.push(told)
  }

  end(): void {
    this.isOpen = false
    handOverAll(this.#told)
  }
}

const batches = new FrameSlot<Batch>('event-batch')

/**
 * Holds back what `fn`, and what it awaits, triggers until it is over, also where it fails; then hands all over in the order of the calls.
 * What is triggered in a transaction goes with that one's commit besides, and never after a rollback. A batch inside a batch is part of it.
 *
 * @returns What `fn` returns.
 * @example
 * await batchEvents(async () => {
 *   for (const id of ids) triggerEvent('build.issued', { id })
 * })
 */
export function batchEvents<T>(fn: () => T): T {
  if (batches.get()?.isOpen === true) return fn()
  const batch = new Batch()
  try {
    const result = batches.run(batch, fn)
    if (isThenable(result)) return Promise.resolve(result).finally(() => batch.end()) as T
    batch.end()
    return result
  } catch (error) {
    if (batch.isOpen) batch.end()
    throw error
  }
}

/** The setting counts now, too: events may have waited for a commit meanwhile. */
function handOverAll(told: readonly KeptEvent[]): void {
  if (!plugins.isEnabled || told.length === 0) return
  keepNow(told).forEach(handOver)
}

function handOver({ name, payload, context }: KeptEvent): void {
  const event: PluginEvent = Object.freeze({ name, payload: resolved(payload) })
  asDelivery(() =>
    inContextOf(context, () => {
      for (const registered of plugins.active) if (wants(registered, event)) dispatch(registered, event)
    }),
  )
}

/** Whether a plugin wants an event; one whose filter fails does not, and that is told. */
export function wants({ plugin, slug }: RegisteredPlugin, event: PluginEvent): boolean {
  try {
    const answer: unknown = plugin.wantsProcessEvent(event.name)
    if (!isThenable(answer)) return Boolean(answer)
    void Promise.resolve(answer).catch(() => undefined)
    throw new EventError('EVENT_FILTER_ASYNC', { slug, name: event.name })
  } catch (error) {
    reportEventFailure(error, { event, listener: slug, kind: 'plugin' })
    return false
  }
}

function dispatch({ plugin, slug }: RegisteredPlugin, event: PluginEvent): void {
  const report = (error: unknown) => reportEventFailure(error, { event, listener: slug, kind: 'plugin' })
  inFlight.begin()
  let dispatched: void | Promise<void> = undefined
  try {
    dispatched = pluginDispatcher().dispatch(plugin, event)
  } catch (error) {
    report(error)
  }
  void Promise.resolve(dispatched)
    .catch(report)
    .finally(() => inFlight.end())
}
