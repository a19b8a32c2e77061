/**
 * Who wants to hear of events: by class, by name, or of all.
 *
 * Knows no transaction. Invariant: each call of the returned function is a listener of its own, in the order of these calls.
 *
 * @module
 */
import { describeValue, isClass } from '../core/describe-value.js'
import { EventError } from '../core/errors.js'
import type { Connection } from '../core/signal.js'
import { connection } from './connection.js'
import { delivery } from './delivery.js'
import { isEventClass, type DomainEvent } from './domain-event.js'
import { checkedListenOptions, type ListenOptions } from './listen-options.js'
import { Listener, type ListenerFunction } from './listener.js'

/** Registers a listener. The answer takes it off again; also for `using`. */
export type Listen<E> = (fn: ListenerFunction<E>, options?: ListenOptions) => Connection

/**
 * Listens to events of a class and its subclasses, or to those whose name fits a pattern: `article.published`, `article.*`, `*` (which
 * stands for any characters) for all.
 *
 * A listener gets its events after the commit of their transaction, in the order they were tracked, each once it is done with the one before,
 * unless it has a `concurrency`. Each has a queue of its own: listeners of one event are begun in the order of registration, and none waits
 * for another. What a listener throws is told to `onEventError` and stops nobody else; one that never settles keeps back its own events alone,
 * until it is taken off: give it `timeoutMs`. It runs outside of the transaction and request that tracked the event, in the context
 * (`currentContext()`) of that call.
 *
 * The returned function takes it off: events that wait for it are left out, and `eventsSettled` waits no longer for what it has begun.
 *
 * @throws {EventError} EVENT_MATCHER_INVALID · EVENT_LISTENER_INVALID
 * @throws {ConfigurationError} OPTION_UNKNOWN · OPTION_INVALID
 * @example
 * const off = onEvent(ArticlePublished)(async ({ articleId }) => newsletter.announce(articleId), { timeoutMs: 10_000 })
 * onEvent('article.*')((event) => audit.write(event.name, event.actor, event.properties()))
 */
export function onEvent<E extends DomainEvent>(type: abstract new (...args: never[]) => E): Listen<E>
export function onEvent(pattern: string): Listen<DomainEvent>
export function onEvent(wanted: unknown): Listen<never> {
  const hears = matcherOf(wanted)
  return (fn, options = {}) => listen(hears, fn as ListenerFunction, options)
}

function listen(hears: (event: DomainEvent) => boolean, fn: ListenerFunction, options: ListenOptions): Connection {
  if (typeof fn !== 'function' || isClass(fn)) throw new EventError('EVENT_LISTENER_INVALID', { given: describeValue(fn) })
  const checked = checkedListenOptions(options)
  const { abortSignal } = checked
  const takeOff = (one: Listener) => {
    delivery.remove(one)
    abortSignal?.removeEventListener('abort', end)
  }
  const listener = new Listener({ hears, fn, options: checked, takeOff })
  const end = connection(() => listener.off())
  if (abortSignal?.aborted === true) return end
  abortSignal?.addEventListener('abort', end, { once: true })
  delivery.add(listener)
  return end
}

function matcherOf(wanted: unknown): (event: DomainEvent) => boolean {
  if (isEventClass(wanted)) return (event) => event instanceof wanted
  if (typeof wanted !== 'string' || wanted.trim() === '') throw new EventError('EVENT_MATCHER_INVALID', { given: givenText(wanted) })
  if (/^\*+$/.test(wanted)) return () => true
  const pattern = new RegExp(`^${wanted.split('*').map(escape).join('.*')}$`, 's')
  return ({ name }) => pattern.test(name)
}

function givenText(wanted: unknown): string {
  return typeof wanted === 'string' ? 'an empty text' : describeValue(wanted)
}

function escape(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&')
}
