/**
 * Which export of a file is the data source.
 *
 * Loads and connects nothing. Invariant: of two nothing is chosen, and a function is called only where no data source is exported as such.
 *
 * @module
 */
import type { DataSource, DataSourceOptions } from 'typeorm'
import { describeValue, isClass } from '../../core/describe-value.js'
import { CliError } from '../../core/errors.js'
import { nearestName } from '../../core/nearest-name.js'
import { isThenable } from '../../core/run-in-order.js'

export interface Choosing {
  /** As the user would write it, for messages. */
  readonly file: string
  readonly exportName?: string | undefined
  readonly makeDataSource: (options: DataSourceOptions) => DataSource
}

interface Export {
  readonly name: string
  readonly value: unknown
}

/**
 * @throws {CliError} CLI_DATA_SOURCE_NONE, CLI_DATA_SOURCE_MANY or CLI_EXPORT_MISSING when no export can be told to be the one.
 */
export async function chooseDataSource(loaded: unknown, choosing: Choosing): Promise<DataSource> {
  const exported = await settled(named(exportsOf(loaded), choosing))
  const found = one(exported, isDataSource, choosing) ?? one(exported, isOptions, choosing)
  if (found !== undefined) return dataSourceOf(found.value, choosing)!
  const maker = makerAmong(exported)
  const made = maker === undefined ? undefined : dataSourceOf(await maker(), choosing)
  if (made !== undefined) return made
  const given = exported.map(({ name, value }) => `${name} (${describeValue(value)})`).join(', ') || 'nothing'
  throw new CliError('CLI_DATA_SOURCE_NONE', { file: choosing.file, given })
}

/** A CommonJS module may be anything; what it is itself counts as its default export. */
function exportsOf(loaded: unknown): Export[] {
  if (typeof loaded !== 'object' || loaded === null || isDataSource(loaded) || isOptions(loaded) || isThenable(loaded))
    return [{ name: 'default', value: loaded }]
  return Object.keys(loaded)
    .filter((name) => name !== '__esModule' && name !== 'module.exports')
    .map((name) => ({ name, value: (loaded as Record<string, unknown>)[name] }))
}

function named(exported: readonly Export[], { file, exportName }: Choosing): readonly Export[] {
  if (exportName === undefined) return exported
  const found = exported.filter(({ name }) => name === exportName)
  if (found.length > 0) return found
  const names = exported.map(({ name }) => name)
  throw new CliError('CLI_EXPORT_MISSING', { file, name: exportName, nearest: nearestName(exportName, names) })
}

async function settled(exported: readonly Export[]): Promise<readonly Export[]> {
  return Promise.all(exported.map(async ({ name, value }) => ({ name, value: await value })))
}

/** One export under several names is one. */
function one(exported: readonly Export[], is: (value: unknown) => boolean, { file }: Choosing): Export | undefined {
  const found = exported.filter(({ value }) => is(value))
  if (new Set(found.map(({ value }) => value)).size <= 1) return found[0]
  throw new CliError('CLI_DATA_SOURCE_MANY', { file, names: found.map(({ name }) => name).join(', ') })
}

/** The default export, or the only function there is. Others may do anything. */
function makerAmong(exported: readonly Export[]): (() => unknown) | undefined {
  const functions = exported.filter(({ value }) => typeof value === 'function' && !isClass(value))
  const chosen = functions.find(({ name }) => name === 'default') ?? (functions.length === 1 ? functions[0] : undefined)
  return chosen?.value as (() => unknown) | undefined
}

function dataSourceOf(value: unknown, { makeDataSource }: Choosing): DataSource | undefined {
  if (isDataSource(value)) return value
  return isOptions(value) ? makeDataSource(value) : undefined
}

/** By TypeORM's own mark, which those of another copy of TypeORM have as well. */
function isDataSource(value: unknown): value is DataSource {
  return typeof value === 'object' && value !== null && (value as Record<string, unknown>)['@instanceof'] === Symbol.for('DataSource')
}

function isOptions(value: unknown): value is DataSourceOptions {
  if (typeof value !== 'object' || value === null || isDataSource(value) || Array.isArray(value)) return false
  const { type } = value as { readonly type?: unknown }
  return typeof type === 'string' && type !== ''
}
