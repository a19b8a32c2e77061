/**
 * The classes that options of extensions name.
 *
 * Asks mappings alone. Invariant: a name that no mapping knows is refused, with the one that was probably meant.
 *
 * @module
 */
import type { EntityMetadata, EntitySchema } from 'typeorm'
import { describeValue } from '../core/describe-value.js'
import { ConfigurationError } from '../core/errors.js'
import { nearestName } from '../core/nearest-name.js'
import type { DataKeys, EntityClass } from '../mapper/entity-types.js'

/** A class, or the name of an EntitySchema without one. */
export type Target = EntityMetadata['target']

/** The entity that a class or an EntitySchema stands for; any where a name does. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- a name tells nothing of its entity
export type EntityNamedBy<R> = R extends EntityClass<infer E> ? E : R extends EntitySchema<infer E> ? E : any

/** The names of an entity's columns and relations, private ones not; of embedded ones any path. */
export type PropertyPath<E> = NameOf<E> | `${NameOf<E>}.${string}`
type NameOf<E> = Extract<DataKeys<E>, string>

export interface TargetOption {
  readonly place: string
  readonly option: string
}

/**
 * The class or name that stands behind a class, an EntitySchema or a name; also a class above mapped ones that is not mapped itself.
 *
 * @throws {ConfigurationError} OPTION_INVALID
 */
export function mappedTarget(metadatas: readonly EntityMetadata[], given: unknown, { place, option }: TargetOption): Target {
  const { options } = (typeof given === 'object' && given !== null ? given : {}) as { options?: { target?: unknown; name?: unknown } }
  const wanted: unknown = options === undefined ? given : (options.target ?? options.name)
  const isMeant = (metadata: EntityMetadata) =>
    metadata.target === wanted || metadata.name === wanted || lineOf(metadata).includes(wanted as Target)
  const found = metadatas.find(isMeant)
  if (found !== undefined) return found.name === wanted ? found.target : (wanted as Target)
  const names = metadatas.filter(({ isJunction }) => !isJunction).map(({ name }) => name)
  const nearest = typeof wanted === 'string' ? nearestName(wanted, names) : undefined
  throw new ConfigurationError('OPTION_INVALID', {
    place,
    option,
    wanted: `an entity of this DataSource, or a class above one${didYouMean(nearest)}`,
    given: typeof wanted === 'string' ? `"${wanted}"` : describeValue(wanted),
  })
}

/** What speaks of a class: itself, then the classes above it, nearest first. TypeORM's tree of a shared table has the classes below as well. */
export function lineOf({ target, inheritanceTree }: EntityMetadata): readonly Target[] {
  if (typeof target !== 'function') return [target]
  return inheritanceTree.filter((one) => one === target || target.prototype instanceof one)
}

export function didYouMean(nearest: string | undefined): string {
  return nearest === undefined ? '' : ` (did you mean "${nearest}"?)`
}
