/**
 * Makes classes of events from a name and what they tell.
 *
 * Knows no listener. Invariant: a class made here is registered, and its events can only be read.
 *
 * @module
 */
import { checkOptions } from '../core/check-options.js'
import { EventError } from '../core/errors.js'
import { definitions } from './catalogue.js'
import { checkedName, DomainEvent, type EventClass, type EventOptions } from './domain-event.js'
import { assertFields, assertSchema, takePayload, validated } from './payload.js'
import type { StandardSchemaV1 } from './standard-schema.js'

interface ReservedName {
  readonly error: 'every event has a property of this name already: choose another word'
}

/** What an event can tell: anything but what every event has of its own. */
export interface EventPayload {
  readonly name?: ReservedName
  readonly actor?: ReservedName
  readonly created?: ReservedName
  readonly properties?: ReservedName
}

type NewArguments<I> = Record<never, never> extends I ? [payload?: I, options?: EventOptions] : [payload: I, options?: EventOptions]

/** A class of events, made by {@link defineEvent}: `I` is what its constructor takes, `P` what its events tell. */
export interface EventType<N extends string, P, I = P> {
  readonly eventName: N
  readonly fields?: readonly string[]
  new (...args: NewArguments<I>): DomainEvent & { readonly name: N } & Readonly<P>
}

export interface DefineOptions<P> {
  /** The properties, for the catalogue; any other is refused. @defaultValue what has been seen on events that were tracked */
  readonly fields?: readonly (keyof P & string)[]
}

interface Definition {
  readonly name: string
  readonly schema?: StandardSchemaV1
  readonly fields: readonly string[] | undefined
  /** Whether a property that is not in `fields` is refused. */
  readonly isExact: boolean
}

/**
 * Makes a class of events and registers it. With a schema the payload is checked at construction, and is what the schema makes of it;
 * without one the compiler alone checks it.
 *
 * @throws {EventError} EVENT_NAME_INVALID · EVENT_NAME_TAKEN · EVENT_SCHEMA_INVALID. At construction: EVENT_PAYLOAD_INVALID with every
 *   issue · EVENT_SCHEMA_ASYNC · EVENT_PROPERTY_RESERVED
 * @example
 * const Published = defineEvent('article.published', z.object({ articleId: z.number(), price: z.number() }))
 * const Sold = defineEvent<{ articleId: number }>()('article.sold')
 * track(new Sold({ articleId: 3 }))
 */
export function defineEvent<const N extends string, P extends object & EventPayload, I = P>(
  name: N,
  schema: StandardSchemaV1<I, P>,
): EventType<N, P, I>
export function defineEvent<P extends object & EventPayload>(): <const N extends string>(
  name: N,
  options?: DefineOptions<P>,
) => EventType<N, P>
export function defineEvent(...args: readonly [] | readonly [name: string, schema: unknown]): unknown {
  if (args.length === 0) return defineTyped
  const [name, schema] = args
  checkedName(name)
  assertSchema(name, schema)
  return makeType({ name, schema, fields: fieldsOf(schema), isExact: false })
}

function defineTyped(name: string, options: DefineOptions<Record<string, unknown>> = {}): unknown {
  checkedName(name)
  checkOptions(`defineEvent('${name}')`, options, { fields: 'array' })
  return makeType({ name, fields: options.fields, isExact: options.fields !== undefined })
}

function makeType({ name, schema, fields, isExact }: Definition): EventClass {
  const listed = fields === undefined ? undefined : Object.freeze([...fields])
  const type = class extends DomainEvent {
    static override readonly eventName = name
    static override readonly fields = listed!

    constructor(given: object = {}, options?: EventOptions) {
      super(options)
      const payload = schema === undefined ? given : validated(name, schema, given)
      takePayload(this, payload)
      if (isExact) assertFields(name, given, { required: [], optional: listed! })
    }
  }
  Object.defineProperty(type, 'name', { value: name })
  definitions.register(type)
  return type
}

/** zod's objects list their properties as `shape`, valibot's as `entries`; of others nothing is known before an event is tracked. */
function fieldsOf(schema: object): readonly string[] | undefined {
  const { shape, entries } = schema as { readonly shape?: unknown; readonly entries?: unknown }
  const listed = shape ?? entries
  return typeof listed === 'object' && listed !== null && !Array.isArray(listed) ? Object.keys(listed) : undefined
}

/**
 * Names for events that are triggered by name, in one place: a typo in one does not compile.
 *
 * @throws {EventError} EVENT_NAME_INVALID
 * @example
 * const Build = defineEvents('build', ['issued', 'completed'])
 * triggerEvent(Build.issued, { id: 3 }) // 'build.issued'
 */
export function defineEvents<const S extends string, const N extends readonly string[]>(
  scope: S,
  names: N,
): { readonly [K in N[number]]: `${S}.${K}` } {
  checkedName(scope)
  if (!Array.isArray(names)) throw new EventError('EVENT_NAME_INVALID', { given: 'what is no list' })
  const defined = names.map((name: string) => [checkedName(name), `${scope}.${name}`] as const)
  return Object.freeze(Object.fromEntries(defined)) as { readonly [K in N[number]]: `${S}.${K}` }
}
