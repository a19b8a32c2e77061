/**
 * What every event is: a named fact, with who made it so and when.
 *
 * Knows no listener. Invariant: name, actor and time are those of the construction and cannot be set afterwards.
 *
 * @module
 */
import { currentContext, type Context } from '../core/context.js'
import { describeValue } from '../core/describe-value.js'
import { EventError } from '../core/errors.js'
import { copyOfData } from './copy-of-data.js'
import { hasDeferred, hasUnknown, resolved } from './deferred.js'

/** Who did it, as the context types it; null where nobody is known. */
export type EventActor = Exclude<Context['actor'], undefined> | null

export interface EventOptions {
  /** Who did it. @defaultValue the actor of the present context, else null */
  readonly actor?: EventActor
}

/** A class of events, as listeners and the catalogue take it. */
export type EventClass<E extends DomainEvent = DomainEvent> = (abstract new (...args: never[]) => E) & {
  readonly eventName: string
  readonly fields?: readonly string[]
}

const BRAND = Symbol.for('flushpoint.domain-event')

/**
 * A fact, in the past tense, that leaves the program's transaction only when that is committed. Extend it, give the class a name, and
 * register it; or let `defineEvent` do all three.
 *
 * @example
 * class ArticlePublished extends DomainEvent {
 *   static override readonly eventName = 'article.published'
 *   constructor(readonly articleId: number) {
 *     super()
 *   }
 * }
 * registerEvents(ArticlePublished)
 * track(new ArticlePublished(7))
 */
export abstract class DomainEvent {
  /** What it is called everywhere, like `article.published`; subclasses inherit it. */
  static readonly eventName: string
  /** What its events tell, for the catalogue. @defaultValue what has been seen on events that were tracked */
  static readonly fields?: readonly string[]

  readonly #name: string
  readonly #actor: EventActor
  readonly #createdMs = Date.now()

  /** @throws {EventError} EVENT_NAME_MISSING when the class has no `eventName`. */
  constructor({ actor }: EventOptions = {}) {
    this.#name = eventNameOf(new.target)
    this.#actor = actor === undefined ? ((currentContext().actor as EventActor | undefined) ?? null) : actor
  }

  get name(): string {
    return this.#name
  }

  get actor(): EventActor {
    return this.#actor
  }

  /** When it was constructed; a new object each time. */
  get created(): Date {
    return new Date(this.#createdMs)
  }

  /**
   * A deep copy of what this event tells, as plain data: its own properties without name, actor and created. Functions are left out.
   *
   * @throws {EventError} EVENT_PROPERTY_NOT_COPYABLE when a property holds what is no data, as a promise.
   */
  properties(): Readonly<Record<string, unknown>> {
    const copy: Record<string, unknown> = {}
    for (const property of propertyNamesOf(this)) copy[property] = this.#copyOf(property)
    return copy
  }

  #copyOf(property: string): unknown {
    const value = (this as unknown as Record<string, unknown>)[property]
    if (typeof value !== 'object' || value === null) return value
    try {
      return structuredClone(value)
    } catch (cause) {
      throw new EventError('EVENT_PROPERTY_NOT_COPYABLE', { name: this.#name, property, given: describeValue(value) }, { cause })
    }
  }

  toString(): string {
    return this.#name
  }
}
Object.defineProperty(DomainEvent.prototype, BRAND, { value: true })

/** Names that a payload cannot have. */
export const RESERVED_PROPERTIES: ReadonlySet<string> = new Set([...Object.getOwnPropertyNames(DomainEvent.prototype), '__proto__'])

/** What an event tells of itself, without its functions. */
export function propertyNamesOf(event: DomainEvent): string[] {
  return Object.entries(event)
    .filter(([, value]) => typeof value !== 'function')
    .map(([property]) => property)
}

/** Makes an event a fact: what it tells is copied and cannot be changed any more. */
export function seal(event: DomainEvent): void {
  if (Object.isFrozen(event)) return
  for (const [property, { value, writable }] of Object.entries(Object.getOwnPropertyDescriptors(event)))
    if (writable === true && typeof value === 'object') defineFact(event, property, value)
  Object.freeze(event)
}

/** A fact that was not known when it was told. */
class LateFact {
  readonly told: unknown
  #settled: { readonly value: unknown } | undefined

  constructor(told: unknown) {
    this.told = told
  }

  get value(): unknown {
    return this.#settled === undefined ? resolved(this.told) : this.#settled.value
  }

  settle(): void {
    if (!hasUnknown(this.told)) this.#settled ??= { value: this.value }
  }
}

const lateFacts = new WeakMap<DomainEvent, Map<string, LateFact>>()

/** Puts a copy of a value on an event; one that is not known yet is read when it is asked for. */
export function defineFact(event: DomainEvent, property: string, value: unknown): void {
  const copy = copyOfData(value)
  if (!hasDeferred(copy)) return void Object.defineProperty(event, property, { value: copy, enumerable: true })
  const fact = new LateFact(copy)
  const facts = lateFacts.get(event) ?? new Map<string, LateFact>()
  lateFacts.set(event, facts.set(property, fact))
  Object.defineProperty(event, property, { get: () => fact.value, enumerable: true })
}

/** What was not known when it was told, and is now, stays what it is, whatever becomes of its entity. */
export function settleFacts(event: DomainEvent): void {
  lateFacts.get(event)?.forEach((fact) => fact.settle())
}

/** What an event tells, without its functions; what is not known yet as a deferred value. */
export function factsOf(event: DomainEvent): Readonly<Record<string, unknown>> {
  const late = lateFacts.get(event)
  const facts = propertyNamesOf(event).map((property) => {
    const fact = late?.get(property)
    return [property, fact === undefined ? (event as unknown as Record<string, unknown>)[property] : fact.told]
  })
  return Object.fromEntries(facts) as Readonly<Record<string, unknown>>
}

/** Whether a value is an event, of whichever copy of this package. */
export function isDomainEvent(value: unknown): value is DomainEvent {
  return typeof value === 'object' && value !== null && (value as { [BRAND]?: boolean })[BRAND] === true
}

/** Whether a value is a class of events, or their base. */
export function isEventClass(value: unknown): value is EventClass {
  return typeof value === 'function' && (value.prototype as { [BRAND]?: boolean } | undefined)?.[BRAND] === true
}

/** @throws {EventError} EVENT_NAME_MISSING · EVENT_NAME_INVALID */
export function eventNameOf(type: { readonly eventName: string; readonly name: string }): string {
  const name: unknown = type.eventName
  if (name === undefined || name === '') throw new EventError('EVENT_NAME_MISSING', { type: type.name || 'a class without a name' })
  return checkedName(name)
}

/** @throws {EventError} EVENT_NAME_INVALID when listeners could not name it. */
export function checkedName(name: unknown): string {
  if (typeof name === 'string' && name !== '' && name === name.trim() && !name.includes('*')) return name
  throw new EventError('EVENT_NAME_INVALID', { given: typeof name === 'string' ? `"${name}"` : describeValue(name) })
}
