/**
 * What AutoFields can be told, and the check of its form.
 *
 * Knows no mapping. Invariant: what is wrong in itself is refused before any mapping is asked.
 *
 * @module
 */
import { checkOptions, type OptionKinds } from '../../core/check-options.js'
import type { Context } from '../../core/context.js'
import { describeValue } from '../../core/describe-value.js'
import { ConfigurationError } from '../../core/errors.js'
import type { EntityRef } from '../../mapper/entity-types.js'
import type { EntityNamedBy, PropertyPath } from '../mapped-target.js'
import { assertGenerator, type Declarations, type Declared, type IdGenerator } from './auto-field-declarations.js'

/** The properties of one class that are filled in; those of classes below it, too, unless these say otherwise. */
export interface AutoFieldsOf {
  /** The class, its EntitySchema or its name; also a class above mapped ones that is not mapped itself. */
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- classes of any entities
  readonly entity: EntityRef<any> | string
  /** A text column; `false`: none, whatever is declared above or by decorators. */
  readonly id?: string | false | { readonly property: string; readonly generate?: IdGenerator }
  /** A column or a to-one relation; `false`: none. */
  readonly originalAuthor?: string | false
  /** A column or a to-one relation; `false`: none. */
  readonly latestAuthor?: string | false
}

/** Refuses names of properties that the class does not have; where a name stands for the class, they are checked when it is installed. */
export type NamedFields<F extends readonly AutoFieldsOf[]> = { readonly [I in keyof F]: F[I] & NamedFieldsOf<F[I]> }

type NamedFieldsOf<F extends AutoFieldsOf> = {
  readonly [P in keyof F]: P extends 'entity' ? F[P] : Named<F[P], EntityNamedBy<F['entity']>>
}

type Named<V, E> = V extends string ? PropertyPath<E> : V extends { readonly property: string } ? { readonly property: PropertyPath<E> } : V

export interface AutoFieldsOptions {
  /** Beside what decorators declare, and before them where both speak of a class. @defaultValue none */
  readonly fields?: readonly AutoFieldsOf[]
  /** Draws ids where a declaration has no `generate` of its own. @defaultValue 5 characters of `[a-z0-9]`, none of them twice */
  readonly generate?: IdGenerator
  /**
   * Who does this: a text or number, an object that has the key, null for nobody; undefined leaves the fields as they are.
   * @defaultValue `(context) => context.actor ?? null`
   */
  readonly authorOf?: (context: Context) => unknown
  /** `once` sets the latest author only where there is none yet, as the first systems of this kind did. @defaultValue `'refresh'` */
  readonly latestAuthor?: 'refresh' | 'once'
}

const KINDS: OptionKinds = {
  fields: 'array',
  generate: 'function',
  authorOf: 'function',
  latestAuthor: ['refresh', 'once'],
} satisfies Record<keyof AutoFieldsOptions, OptionKinds[string]>

const FIELD_KINDS = new Set(['entity', 'id', 'originalAuthor', 'latestAuthor'])

export const DEFAULTS: AutoFieldsOptions = Object.freeze({})

/** @throws {ConfigurationError} OPTION_UNKNOWN · OPTION_INVALID */
export function assertOptions(options: AutoFieldsOptions): void {
  checkOptions('AutoFields', options, KINDS)
  for (const one of options.fields ?? []) assertFieldsOf(one)
}

function assertFieldsOf(one: unknown): void {
  if (typeof one !== 'object' || one === null || Array.isArray(one) || !Object.hasOwn(one, 'entity'))
    throw invalid('fields', 'a list of { entity, id, originalAuthor, latestAuthor }', one)
  for (const [name, value] of Object.entries(one) as [string, unknown][]) {
    if (!FIELD_KINDS.has(name)) throw invalid(`fields.${name}`, 'one of entity, id, originalAuthor, latestAuthor', value)
    if (name === 'entity' || value === undefined || value === false || typeof value === 'string') continue
    const isWithGenerator =
      name === 'id' && typeof value === 'object' && value !== null && typeof (value as { property?: unknown }).property === 'string'
    if (!isWithGenerator) throw invalid(`fields.${name}`, 'the name of a property, or false', value)
    assertGenerator('AutoFields', (value as { generate?: unknown }).generate)
  }
}

function invalid(option: string, wanted: string, given: unknown): ConfigurationError {
  return new ConfigurationError('OPTION_INVALID', { place: 'AutoFields', option, wanted, given: describeValue(given) })
}

/** As decorators would say it. */
export function declarationsIn({ id, originalAuthor, latestAuthor }: AutoFieldsOf): Declarations {
  const named = (property: string | false): Declared => ({ property })
  return {
    ...(id === undefined ? {} : { id: typeof id === 'object' ? id : named(id) }),
    ...(originalAuthor === undefined ? {} : { originalAuthor: named(originalAuthor) }),
    ...(latestAuthor === undefined ? {} : { latestAuthor: named(latestAuthor) }),
  }
}
