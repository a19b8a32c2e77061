/**
 * An extension listed together with its options.
 *
 * Knows neither level of hooks. Invariant: `create` makes a new instance for each owner (a mapper or a session).
 *
 * @module
 */
import type { DataSource } from 'typeorm'
import { ConfigurationError } from '../core/errors.js'
import { nearestName } from '../core/nearest-name.js'

export interface ExtensionFactory<X> {
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- a constructor type is only assignable from classes with any arguments
  readonly extension: abstract new (...args: any[]) => X
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- the owner is a Mapper or a Session
  readonly create: (owner: any) => X
  /** Refuses options that do not fit the mappings of a DataSource. */
  readonly check?: (dataSource: DataSource) => void
}

/** For each option of an extension class whether it must be given. */
export type OptionNames = Readonly<Record<string, 'required' | 'optional'>>

interface ConfigurableClass<X> {
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- owner and options are typed by `with` of the class itself
  new (owner: any, options: any): X
  readonly optionNames?: OptionNames
  readonly checkInstall?: (dataSource: DataSource, options: unknown) => void
}

/**
 * @throws {ConfigurationError} EXTENSION_OPTION_UNKNOWN · EXTENSION_OPTION_MISSING when the class declares `optionNames` and the options do not fit.
 */
export function extensionFactory<X>(extension: ConfigurableClass<X>, options: unknown): ExtensionFactory<X> {
  checkAgainstNames(extension.name, extension.optionNames, options)
  const check = (dataSource: DataSource) => extension.checkInstall?.(dataSource, options)
  return Object.freeze({ extension, create: (owner: unknown) => new extension(owner, options), check })
}

function checkAgainstNames(extension: string, names: OptionNames | undefined, options: unknown): void {
  if (names === undefined) return
  const given = typeof options === 'object' && options !== null ? (options as Record<string, unknown>) : {}
  for (const option of Object.keys(given)) {
    if (!Object.hasOwn(names, option))
      throw new ConfigurationError('EXTENSION_OPTION_UNKNOWN', { extension, option, nearest: nearestName(option, Object.keys(names)) })
  }
  for (const [option, need] of Object.entries(names)) {
    if (need === 'required' && given[option] === undefined) throw new ConfigurationError('EXTENSION_OPTION_MISSING', { extension, option })
  }
}

/** Whether a value is what {@link extensionFactory} makes. */
export function isExtensionFactory(value: unknown): value is ExtensionFactory<object> {
  return (
    typeof value === 'object' &&
    value !== null &&
    typeof (value as Partial<ExtensionFactory<object>>).create === 'function' &&
    typeof (value as Partial<ExtensionFactory<object>>).extension === 'function'
  )
}
