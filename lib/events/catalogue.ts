/**
 * Which events there are, by name.
 *
 * Knows nothing of their delivery. Invariant: a name belongs to one class and the subclasses that inherit it; events of nothing else are
 * tracked.
 *
 * @module
 */
import { describeValue, isClass } from '../core/describe-value.js'
import { EventError } from '../core/errors.js'
import { nearestName } from '../core/nearest-name.js'
import type { Connection } from '../core/signal.js'
import { connection } from './connection.js'
import { eventNameOf, isEventClass, propertyNamesOf, type DomainEvent, type EventClass } from './domain-event.js'

/** One event as the catalogue lists it. */
export interface CatalogueEntry {
  readonly name: string
  /** What its events tell: as declared, else as seen on those that were tracked. */
  readonly fields: readonly string[]
  readonly isBuiltIn: boolean
}

/** What exists, in the order it was registered; prints itself. */
export interface EventCatalogue extends Iterable<CatalogueEntry> {
  readonly size: number
  has(name: string): boolean
  /** One line for each event, with its fields. */
  toString(): string
}

/** A class of events, or a function that answers with a list of them, sync or async. */
export type EventSource = EventClass | (() => EventList | PromiseLike<EventList>)

type EventList = readonly EventClass[] | null | undefined

interface Definition {
  /** The class the name comes from, registered or not. */
  readonly owner: EventClass
  /** Those that were registered, the owner and subclasses that inherit the name, and how often each has been and was not taken off. */
  readonly types: Map<EventClass, number>
  readonly isBuiltIn: boolean
  readonly seen: Set<string>
}

class Definitions implements EventCatalogue {
  readonly #byName = new Map<string, Definition>()

  get size(): number {
    return this.#byName.size
  }

  has(name: string): boolean {
    return this.#byName.has(name)
  }

  *[Symbol.iterator](): Iterator<CatalogueEntry> {
    for (const [name, definition] of this.#byName)
      yield Object.freeze({ name, fields: Object.freeze([...fieldsOf(definition)]), isBuiltIn: definition.isBuiltIn })
  }

  toString(): string {
    return [...this.#byName].map(([name, definition]) => lineOf(name, definition)).join('\n')
  }

  /** @returns Takes it off again. */
  register(type: EventClass, isBuiltIn = false): () => void {
    if (!isEventClass(type)) throw new EventError('EVENT_TYPE_INVALID', { given: describeValue(type) })
    const name = eventNameOf(type)
    const owner = ownerOf(type)
    const known = this.#byName.get(name) ?? this.#define(name, { owner, types: new Map(), isBuiltIn, seen: new Set() })
    if (known.owner !== owner)
      throw new EventError('EVENT_NAME_TAKEN', { name, current: describeValue([...known.types.keys()][0]), wanted: describeValue(type) })
    known.types.set(type, (known.types.get(type) ?? 0) + 1)
    return () => this.#takeOff(name, type, known)
  }

  #define(name: string, definition: Definition): Definition {
    this.#byName.set(name, definition)
    return definition
  }

  #takeOff(name: string, type: EventClass, { types }: Definition): void {
    const holds = types.get(type)! - 1
    if (holds > 0) types.set(type, holds)
    else types.delete(type)
    if (types.size === 0) this.#byName.delete(name)
  }

  /** @throws {EventError} EVENT_NOT_REGISTERED */
  admit(event: DomainEvent): void {
    const { name } = event
    const known = this.#byName.get(name)
    if (known === undefined || !isAdmitted(known, event)) {
      const nearest = known === undefined ? nearestName(name, [...this.#byName.keys()]) : undefined
      throw new EventError('EVENT_NOT_REGISTERED', { name, type: describeValue(event.constructor), nearest })
    }
    if (!isSeen(known.seen, event)) propertyNamesOf(event).forEach((property) => known.seen.add(property))
  }
}

/** The class that a name comes from: those that inherit it share it. */
function ownerOf(type: EventClass): EventClass {
  let owner = type
  for (let base: unknown = type; isEventClass(base); base = Object.getPrototypeOf(base)) if (base.eventName === type.eventName) owner = base
  return owner
}

function isAdmitted({ types }: Definition, event: DomainEvent): boolean {
  if (types.has(event.constructor as unknown as EventClass)) return true
  for (const { prototype } of types.keys()) if (Object.prototype.isPrototypeOf.call(prototype as object, event)) return true
  return false
}

/** As declared by the most general of those that were registered, in whichever order; else as seen. */
function fieldsOf({ types, seen }: Definition): ReadonlySet<string> {
  const registered = [...types.keys()]
  const general = registered.filter((type) => !registered.some((other) => type.prototype instanceof other))
  if (general.some(({ fields }) => fields === undefined)) return seen
  return new Set(general.flatMap(({ fields }) => fields!))
}

function isSeen(seen: ReadonlySet<string>, event: DomainEvent): boolean {
  for (const property in event) if (!seen.has(property)) return false
  return true
}

function lineOf(name: string, definition: Definition): string {
  const fields = fieldsOf(definition)
  const isUnknown = fields === definition.seen && fields.size === 0
  return `${name} (${isUnknown ? 'fields not known before one is tracked' : [...fields].join(', ') || 'no fields'})${definition.isBuiltIn ? ', built in' : ''}`
}

const CATALOGUE = Symbol.for('flushpoint.event-catalogue')
const shared = globalThis as unknown as Record<symbol, Definitions | undefined>
export const definitions = (shared[CATALOGUE] ??= new Definitions())

/**
 * Every event of this process.
 *
 * @example
 * console.log(String(catalogue)) // article.published (articleId, price) …
 */
export const catalogue: EventCatalogue = definitions

/**
 * Makes classes of events known, so that they can be tracked. Registering a class twice is allowed; all are registered, or none.
 *
 * @returns Takes them off again; where functions were given, a promise of that.
 * @throws {EventError} EVENT_TYPE_INVALID · EVENT_NAME_MISSING · EVENT_NAME_INVALID · EVENT_NAME_TAKEN by another class
 * @example
 * registerEvents(ArticlePublished, ArticleSold)
 * await registerEvents(async () => (await import('./shop-events.js')).SHOP_EVENTS)
 */
export function registerEvents(...types: readonly EventClass[]): Connection
export function registerEvents(...sources: readonly EventSource[]): Promise<Connection>
export function registerEvents(...sources: readonly EventSource[]): Connection | Promise<Connection> {
  return sources.some(isFunction) ? registerLater(sources) : registerAll([sources as readonly EventClass[]])
}

async function registerLater(sources: readonly EventSource[]): Promise<Connection> {
  return registerAll(await Promise.all(sources.map(async (source) => (isFunction(source) ? source() : [source]))))
}

function isFunction(source: EventSource): source is Exclude<EventSource, EventClass> {
  return typeof source === 'function' && !isClass(source)
}

function registerAll(lists: readonly EventList[]): Connection {
  const undo: (() => void)[] = []
  try {
    for (const list of lists) for (const type of iterable(list)) undo.push(definitions.register(type))
  } catch (error) {
    undo.forEach((takeOff) => takeOff())
    throw error
  }
  return connection(() => undo.forEach((takeOff) => takeOff()))
}

function iterable(list: EventList): readonly EventClass[] {
  if (list !== null && list !== undefined && !Array.isArray(list))
    throw new EventError('EVENT_TYPE_INVALID', { given: describeValue(list) })
  return list ?? []
}
