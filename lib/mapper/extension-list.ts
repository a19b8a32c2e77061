/**
 * Decides what may be listed as an extension, and builds what was.
 *
 * Knows both levels only by their base class and hook names. Invariant: what can be known to be wrong is refused where it is listed;
 * the rest (class fields, what a factory returns) when the instance is built, before any of its hooks could have been missed.
 *
 * @module
 */
import { describeValue, isClass } from '../core/describe-value.js'
import { ConfigurationError } from '../core/errors.js'
import { nearestName } from '../core/nearest-name.js'
import { warnOnce } from '../core/warn.js'
import { SESSION_HOOKS } from './hook-names.js'
import { isExtensionFactory, type ExtensionFactory, type OptionNames } from './extension-factory.js'

export interface ExtensionLevel {
  readonly name: 'MapperExtension' | 'SessionExtension'
  readonly base: abstract new (...args: never[]) => object
  readonly hooks: readonly string[]
}

type Class = (abstract new (...args: never[]) => object) & { readonly optionNames?: OptionNames }

const HOOK_LIKE = /^(before|after)(_|[A-Z0-9]|[a-z]*$)|^cursor_?created$/i

/**
 * Checks a list where it is declared.
 *
 * @throws {ConfigurationError} EXTENSION_NOT_LISTABLE · EXTENSION_WRONG_LEVEL · EXTENSION_WITHOUT_HOOK · EXTENSION_HOOK_UNKNOWN · EXTENSION_OPTION_MISSING
 */
export function checkExtensionList(inputs: readonly unknown[], level: ExtensionLevel): void {
  inputs.forEach((input) => checkInput(input, level))
  const listed = inputs.filter(isClass)
  for (const twice of new Set(listed.filter((input, index) => listed.indexOf(input) !== index))) {
    warnOnce(
      'EXTENSION_LISTED_TWICE',
      `${level.name} ${twice.name}`,
      `The extension "${twice.name}" is listed twice in one list: each of its hooks runs twice. List it once unless that is meant.`,
    )
  }
}

function checkInput(input: unknown, level: ExtensionLevel): void {
  if (isExtensionFactory(input)) return checkClass(input.extension as Class, level)
  if (isClass(input)) {
    checkClass(input, level)
    return checkListedBare(input)
  }
  if (typeof input !== 'function')
    throw new ConfigurationError('EXTENSION_NOT_LISTABLE', { given: describeValue(input), level: level.name })
}

function checkClass(extension: Class, level: ExtensionLevel): void {
  if (!extends_(extension, level)) {
    const given = Object.getPrototypeOf(extension) as { name?: string }
    throw new ConfigurationError('EXTENSION_WRONG_LEVEL', { extension: extension.name, wanted: level.name, given: given.name || 'nothing' })
  }
  const names = methodsOf(extension.prototype as object, level)
  refuseUnknownHooks(extension.name, names, level)
  if (!names.some((name) => level.hooks.includes(name)) && !mentionsHook(extension, level)) {
    refuseUnknownHooks(extension.name, fieldsOf(extension), level)
    throw new ConfigurationError('EXTENSION_WITHOUT_HOOK', { extension: extension.name, level: level.name })
  }
}

/** By name as well, so that a class from a second loaded copy of the package is known. */
function extends_(extension: Class, level: ExtensionLevel): boolean {
  for (let parent: unknown = extension; typeof parent === 'function'; parent = Object.getPrototypeOf(parent)) {
    if (parent === level.base || parent.name === level.name) return true
  }
  return false
}

function checkListedBare(extension: Class): void {
  const names = extension.optionNames
  if (names === undefined && extension.length > 1)
    throw new ConfigurationError('EXTENSION_OPTION_MISSING', { extension: extension.name, option: 'options' })
  const required = Object.entries(names ?? {}).find(([, need]) => need === 'required')
  if (required !== undefined) throw new ConfigurationError('EXTENSION_OPTION_MISSING', { extension: extension.name, option: required[0] })
}

/** The names an extension adds to its level's base class, its own ancestors included. */
function methodsOf(from: object, level: ExtensionLevel): string[] {
  const names: string[] = []
  for (
    let owner = from;
    owner !== null && !isLevelBase(owner, level) && owner !== Object.prototype;
    owner = Object.getPrototypeOf(owner) as object
  ) {
    names.push(...Object.getOwnPropertyNames(owner))
  }
  return names
}

function isLevelBase(prototype: object, level: ExtensionLevel): boolean {
  return (
    prototype === level.base.prototype ||
    (Object.hasOwn(prototype, 'constructor') && (prototype.constructor as { name?: string }).name === level.name)
  )
}

/** Class fields are not on the prototype, so a class whose source names a hook gets the benefit of the doubt until it is built. */
function mentionsHook(extension: Class, level: ExtensionLevel): boolean {
  return mentions(extension, level.hooks, level)
}

/** The names a class assigns to, as its own source tells. */
function fieldsOf(extension: Class): string[] {
  const source = Function.prototype.toString.call(extension)
  return [...source.matchAll(/(?:this\.|[;{\s"'])((?:before|after)\w+)["']?\s*[=,]/g)].map((match) => match[1]!)
}

function mentions(extension: Class, hooks: readonly string[], level: ExtensionLevel): boolean {
  for (
    let parent: unknown = extension;
    typeof parent === 'function' && parent.name !== level.name;
    parent = Object.getPrototypeOf(parent)
  ) {
    const source = Function.prototype.toString.call(parent)
    if (hooks.some((hook) => source.includes(hook))) return true
  }
  return false
}

/** Whether an instance of what was listed could listen to a hook; a factory always could. */
export function mayOverride(input: unknown, hook: string, level: ExtensionLevel): boolean {
  const extension = isExtensionFactory(input) ? input.extension : input
  if (!isClass(extension)) return true
  const base = level.base.prototype as Record<string, unknown>
  return (extension.prototype as Record<string, unknown>)[hook] !== base[hook] || mentions(extension, [hook], level)
}

function refuseUnknownHooks(extension: string, names: readonly string[], level: ExtensionLevel): void {
  for (const name of names) {
    if (!HOOK_LIKE.test(name) || level.hooks.includes(name)) continue
    const hookOf = (SESSION_HOOKS as readonly string[]).includes(name) ? 'SessionExtension' : undefined
    throw new ConfigurationError('EXTENSION_HOOK_UNKNOWN', {
      extension,
      name,
      level: level.name,
      nearest: nearestName(name, level.hooks),
      hookOf,
    })
  }
}

/**
 * Builds one instance of what was listed.
 *
 * @throws {ConfigurationError} EXTENSION_FACTORY_RESULT when a factory returns something else; EXTENSION_WITHOUT_HOOK and
 * EXTENSION_HOOK_UNKNOWN for what only an instance can show. Errors of constructors and factories pass through as thrown.
 */
export function buildExtension<X extends object>(input: unknown, owner: object, level: ExtensionLevel): X {
  if (isExtensionFactory(input)) return checkInstance((input as ExtensionFactory<X>).create(owner), level, true)
  if (known[level.name].has(input as object) || isClass(input))
    return checkInstance(new (input as unknown as new (owner: object) => X)(owner), level, true)
  return checkInstance((input as (owner: object) => X)(owner), level, false)
}

/** For each class that was built before, whether its prototypes alone override a hook: sessions are built for every transaction. */
const known = { MapperExtension: new WeakMap<object, boolean>(), SessionExtension: new WeakMap<object, boolean>() }

function checkInstance<X extends object>(instance: X, level: ExtensionLevel, listedAsClass: boolean): X {
  const extension = (instance as X | null | undefined)?.constructor as Class | undefined
  if (extension === undefined || typeof instance !== 'object') throw wrongResult(instance, level)
  let hasHook = known[level.name].get(extension)
  if (hasHook === undefined) {
    if (!extends_(extension, level)) throw wrongResult(instance, level)
    refuseUnknownHooks(extension.name, methodsOf(extension.prototype as object, level), level)
    known[level.name].set(extension, (hasHook = overridesHook(extension.prototype as object, level)))
  }
  refuseUnknownHooks(extension.name, Object.getOwnPropertyNames(instance), level)
  if (listedAsClass && !hasHook && !overridesHook(instance, level))
    throw new ConfigurationError('EXTENSION_WITHOUT_HOOK', { extension: extension.name, level: level.name })
  return instance
}

function overridesHook(owner: object, level: ExtensionLevel): boolean {
  const base = level.base.prototype as Record<string, unknown>
  return level.hooks.some((hook) => (owner as Record<string, unknown>)[hook] !== base[hook])
}

function wrongResult(given: unknown, level: ExtensionLevel): ConfigurationError {
  return new ConfigurationError('EXTENSION_FACTORY_RESULT', { given: describeValue(given), level: level.name })
}
