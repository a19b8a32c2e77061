/**
 * Which properties of a class are filled in by AutoFields, as their decorators say.
 *
 * Knows no mapping: whether a declaration fits one is found where a DataSource is. Invariant: a class has at most one property of each
 * kind; a class below it may name another.
 *
 * @module
 */
import { describeValue } from '../../core/describe-value.js'
import { ConfigurationError } from '../../core/errors.js'

/** Draws one id. */
export type IdGenerator = () => string

export interface AutoIdOptions {
  /** @defaultValue what the option `generate` of AutoFields is: 5 characters of `[a-z0-9]`, none of them twice */
  readonly generate?: IdGenerator
}

export type FieldKind = 'id' | 'originalAuthor' | 'latestAuthor'

/** A property that is filled in, or `false` where a class is to have none, whatever is declared above it. */
export interface Declared extends AutoIdOptions {
  readonly property: string | false
}

export type Declarations = Partial<Record<FieldKind, Declared>>

/** A decorator of a property, legacy or standard, which refuses properties whose type cannot hold what is filled in. */
export type FieldDecorator<W extends Wanted = Wanted> = <
  T extends object | undefined,
  C extends string | symbol | ClassFieldDecoratorContext<never> | ClassAccessorDecoratorContext<never>,
>(
  target: T,
  context: Fits<TypeOf<T, C>, W> extends false ? W : C,
) => void

/** What a decorator puts into its property: the compiler says it where a property of another type is decorated. */
export type Wanted = 'a property of type string' | 'a property of type string, number, bigint or another entity'

/** Private properties have no type from outside, and are taken as they are. */
type TypeOf<T, C> = C extends keyof T
  ? T[C]
  : C extends ClassFieldDecoratorContext<never, infer V> | ClassAccessorDecoratorContext<never, infer V>
    ? V
    : unknown

type Fits<V, W extends Wanted> = unknown extends V
  ? true
  : W extends 'a property of type string'
    ? [NonNullable<V>] extends [string]
      ? true
      : false
    : [Extract<NonNullable<V>, NoAuthor>] extends [never]
      ? true
      : false

type NoAuthor = boolean | Date | readonly unknown[] | ((...args: never[]) => unknown)

const REGISTRY = Symbol.for('flushpoint.auto-fields')
interface Registry {
  readonly byClass: WeakMap<object, Declarations>
  /** How often something was declared: plans made before that are out of date. */
  count: number
}
const shared = globalThis as unknown as Record<symbol, Registry | undefined>
const registry = (shared[REGISTRY] ??= { byClass: new WeakMap(), count: 0 })

/**
 * Has AutoFields draw a text for this column before a new row is inserted, unless it has one.
 *
 * @throws {ConfigurationError} OPTION_INVALID for a second one of the class, or a `generate` that is no function.
 * @example
 * @Entity()
 * class Deal {
 *   @AutoId() @PrimaryColumn({ length: 5 }) id: string
 * }
 */
export function AutoId(options: AutoIdOptions = {}): FieldDecorator<'a property of type string'> {
  assertGenerator('@AutoId', options.generate)
  return decorator('id', options)
}

/**
 * Has AutoFields put the actor here when the row is inserted, unless somebody is there already. On a column or on a to-one relation.
 *
 * @throws {ConfigurationError} OPTION_INVALID for a second one of the class.
 */
export function OriginalAuthor(): FieldDecorator<'a property of type string, number, bigint or another entity'> {
  return decorator('originalAuthor', {})
}

/**
 * Has AutoFields put the actor here whenever the row is changed. On a column or on a to-one relation.
 *
 * @throws {ConfigurationError} OPTION_INVALID for a second one of the class.
 */
export function LatestAuthor(): FieldDecorator<'a property of type string, number, bigint or another entity'> {
  return decorator('latestAuthor', {})
}

/** What the decorators of this very class say. */
export function declarationsOf(target: object): Declarations {
  return registry.byClass.get(target) ?? {}
}

export function declarationCount(): number {
  return registry.count
}

/** @throws {ConfigurationError} OPTION_INVALID */
export function assertGenerator(place: string, generate: unknown): void {
  if (generate === undefined || typeof generate === 'function') return
  throw new ConfigurationError('OPTION_INVALID', { place, option: 'generate', wanted: 'a function', given: describeValue(generate) })
}

function decorator(kind: FieldKind, options: AutoIdOptions): FieldDecorator<never> {
  return (target: object | undefined, given: unknown) => {
    if (typeof given !== 'object') return declare((target as object).constructor, kind, { ...options, property: String(given) })
    const context = given as ClassFieldDecoratorContext
    const property = String(context.name)
    // A standard decorator is not told the class; the first instance tells it, and there is one before the first insert.
    context.addInitializer(function (this: unknown) {
      declare((this as object).constructor, kind, { ...options, property })
    })
  }
}

function declare(target: object, kind: FieldKind, declared: Declared): void {
  const known = declarationsOf(target)
  if (known[kind]?.property === declared.property) return
  if (known[kind] !== undefined)
    throw new ConfigurationError('OPTION_INVALID', {
      place: 'AutoFields',
      option: `${kind} of ${(target as { name?: string }).name ?? ''}`,
      wanted: 'declared for one property of the class',
      given: `declared for "${String(known[kind].property)}" and "${String(declared.property)}"`,
    })
  registry.byClass.set(target, { ...known, [kind]: declared })
  registry.count++
}
