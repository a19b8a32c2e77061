/**
 * Which extensions are declared for which entity class.
 *
 * Knows no DataSource: a declaration holds for every one that maps the class. Invariant: a class without its own list has its parent's;
 * an own list replaces it; an empty list switches extensions off.
 *
 * @module
 */
import { checkOptions } from '../core/check-options.js'
import { ConfigurationError } from '../core/errors.js'
import { describeValue, isClass } from '../core/describe-value.js'
import type { EntityClass, EntityRef } from './entity-types.js'
import type { ExtensionFactory } from './extension-factory.js'
import { checkExtensionList, type ExtensionLevel } from './extension-list.js'
import { MAPPER_HOOKS } from './hook-names.js'
import { MapperExtension, type Mapper } from './mapper-extension.js'

/** What may be listed: a class, `Class.with(options)`, or a factory. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- the default of a contravariant parameter
export type MapperExtensionInput<E extends object = any> =
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- the mapper of any entity the extension fits
  (new (mapper: any) => MapperExtension<E>) | ExtensionFactory<MapperExtension<E>> | ((mapper: Mapper<E>) => MapperExtension<E>)

type Intersect<U> = (U extends unknown ? (u: U) => void : never) extends (i: infer I) => void ? I : never
/* eslint-disable @typescript-eslint/no-explicit-any -- inference positions */
type ExtendedBy<X> = X extends abstract new (...args: any[]) => MapperExtension<infer E>
  ? E
  : X extends ExtensionFactory<MapperExtension<infer E>>
    ? E
    : X extends (...args: any[]) => MapperExtension<infer E>
      ? E
      : never
/* eslint-enable @typescript-eslint/no-explicit-any */
type Boxed<X> = X extends unknown ? { e: ExtendedBy<X> } : never
export type AllOf<X extends readonly unknown[]> = Intersect<Boxed<X[number]>> extends { e: infer E extends object } ? E : object

export const MAPPER_LEVEL: ExtensionLevel = { name: 'MapperExtension', base: MapperExtension, hooks: MAPPER_HOOKS }

const NONE: readonly MapperExtensionInput[] = Object.freeze([])

const REGISTRY = Symbol.for('flushpoint.mapper-registry')
interface Registry {
  readonly byClass: WeakMap<object, readonly MapperExtensionInput[]>
  readonly byName: Map<string, readonly MapperExtensionInput[]>
  declarations: number
}
const shared = globalThis as unknown as Record<symbol, Registry | undefined>
const registry = (shared[REGISTRY] ??= { byClass: new WeakMap(), byName: new Map(), declarations: 0 })

/**
 * Class decorator: the extensions of this entity, chained in this order. Works as a legacy and as a standard decorator.
 *
 * A subclass without the decorator uses its parent's list with instances of its own; its own list replaces it; `@Extensions()` switches them off.
 *
 * @throws {ConfigurationError} EXTENSION_NOT_LISTABLE · EXTENSION_WRONG_LEVEL · EXTENSION_WITHOUT_HOOK · EXTENSION_HOOK_UNKNOWN · EXTENSION_OPTION_MISSING
 * @example
 * @Entity()
 * @Extensions(Slug, Audit.with({ table: 'audit' }))
 * class Article { … }
 */
export function Extensions<const X extends readonly MapperExtensionInput[]>(
  ...extensions: X
): <C extends EntityClass<AllOf<X>>>(target: C, context?: ClassDecoratorContext<C>) => void {
  checkExtensionList(extensions, MAPPER_LEVEL)
  return (target) => {
    declare(target, extensions)
  }
}

/**
 * The declaration for one class, for every DataSource: sets it when given, and returns it.
 *
 * @throws {ConfigurationError} MAPPER_TARGET_INVALID · OPTION_UNKNOWN · OPTION_INVALID, and those of {@link Extensions}.
 * @example
 * mapper(Article, { extensions: [Slug] })
 */
export function mapper<E extends object>(
  target: EntityRef<E>,
  declaration?: { extensions: readonly MapperExtensionInput<NoInfer<E>>[] },
): { readonly target: EntityRef<E>; readonly extensions: readonly MapperExtensionInput<E>[] } {
  if (declaration !== undefined) {
    checkOptions('mapper', declaration, { extensions: 'array' })
    checkOptions('mapper', { extensions: (declaration.extensions as unknown) ?? null }, { extensions: 'array' })
    checkExtensionList(declaration.extensions, MAPPER_LEVEL)
    declare(target, declaration.extensions)
  }
  const place = placeOf(target)
  return Object.freeze({ target, extensions: extensionsOf(place) })
}

function declare(target: unknown, extensions: readonly unknown[]): void {
  const place = placeOf(target)
  const list = Object.freeze([...extensions]) as readonly MapperExtensionInput[]
  registry.declarations++
  if (typeof place === 'string') registry.byName.set(place, list)
  else registry.byClass.set(place, list)
}

/** An EntitySchema stands for its class, or for its name where it has none. */
function placeOf(target: unknown): EntityClass | string {
  if (isClass(target)) return target as EntityClass
  const options = (target as { options?: { name?: unknown; target?: unknown } } | null)?.options
  if (typeof target === 'object' && typeof options?.name === 'string')
    return isClass(options.target) ? (options.target as EntityClass) : options.name
  throw new ConfigurationError('MAPPER_TARGET_INVALID', { given: describeValue(target) })
}

/** The list that holds for a class or schema name: its own, or that of the nearest ancestor that has one. */
export function extensionsOf(target: EntityClass | string): readonly MapperExtensionInput[] {
  if (typeof target === 'string') return registry.byName.get(target) ?? NONE
  for (let owner: unknown = target; typeof owner === 'function'; owner = Object.getPrototypeOf(owner)) {
    const own = registry.byClass.get(owner)
    if (own !== undefined) return own
  }
  return NONE
}

/** How many declarations there have been: changes whenever an answer of {@link extensionsOf} may have. */
export function declarationCount(): number {
  return registry.declarations
}
