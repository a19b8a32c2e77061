/**
 * From what the user wrote on the command line to a data source that is connected.
 *
 * Invariant: opening it changes no table; synchronize, migrationsRun and dropSchema are the application's.
 *
 * @module
 */
import { createRequire } from 'node:module'
import { isAbsolute, join } from 'node:path'
import type { DataSource, DataSourceOptions } from 'typeorm'
import { CliError, messageOf } from '../../core/errors.js'
import type { DataSourcePlace, OpenedDataSource } from '../command.js'
import { chooseDataSource } from './choose-data-source.js'
import { findDataSourceFile, shortPath } from './find-file.js'
import { loadModule, syntaxErrorIn } from './load-module.js'
import { loaderMissing, needsLoader, registerTypeScript } from './typescript-loader.js'

/**
 * @param folder where the user is
 * @throws {CliError} CLI_DATA_SOURCE_… when the file has no data source to offer, or none of several can be chosen.
 * @throws {CliError} CLI_FILE_UNLOADABLE, CLI_LOADER_MISSING, CLI_DATA_SOURCE_UNREACHABLE when something on the way fails; its cause is there.
 */
export async function openDataSource(folder: string, place: DataSourcePlace): Promise<OpenedDataSource> {
  for (const request of place.require ?? []) await loaded(request, () => loadModule(resolveRequest(request, folder)))
  const path = findDataSourceFile(folder, place.dataSource)
  const file = shortPath(folder, path)
  const isLoadable = registerTypeScript(path, folder)
  const dataSource = await loaded(file, async () => {
    const makeDataSource = (options: DataSourceOptions) => makeDataSourceOf(options, path)
    return chooseDataSource(isLoadable ? await whereItBreaks(path) : await byNodeAlone(path, file), {
      file,
      exportName: place.export,
      makeDataSource,
    })
  })
  await connected(dataSource, file)
  return { dataSource, file }
}

/** As node's own --require. */
function resolveRequest(request: string, folder: string): string {
  return isAbsolute(request) ? request : createRequire(join(folder, 'noop.js')).resolve(request)
}

async function loaded<T>(file: string, load: () => Promise<T>): Promise<T> {
  try {
    return await load()
  } catch (error) {
    if (error instanceof CliError) throw error
    throw new CliError('CLI_FILE_UNLOADABLE', { file, cause: firstLine(error) }, { cause: error })
  }
}

async function whereItBreaks(path: string): Promise<unknown> {
  try {
    return await loadModule(path)
  } catch (error) {
    const place = error instanceof SyntaxError && !error.stack?.includes(path) ? syntaxErrorIn(path) : undefined
    if (place !== undefined) (error as Error).stack = `${place}\n\n${(error as Error).stack}`
    throw error
  }
}

async function byNodeAlone(path: string, file: string): Promise<unknown> {
  try {
    return await loadModule(path)
  } catch (error) {
    throw needsLoader(error) ? loaderMissing(file, error) : error
  }
}

/** By the TypeORM the file itself would use. */
function makeDataSourceOf(options: DataSourceOptions, path: string): DataSource {
  const { DataSource: Made } = nearestTypeorm([path, __filename])
  return new Made(options)
}

function nearestTypeorm([from, ...others]: readonly string[]): { DataSource: new (options: DataSourceOptions) => DataSource } {
  const load = createRequire(from!)
  try {
    return load('typeorm') as never
  } catch (error) {
    if (others.length === 0 || (error as NodeJS.ErrnoException).code !== 'MODULE_NOT_FOUND') throw error
    return nearestTypeorm(others)
  }
}

async function connected(dataSource: DataSource, file: string): Promise<void> {
  if (dataSource.isInitialized) return
  try {
    dataSource.setOptions({ synchronize: false, migrationsRun: false, dropSchema: false })
    await dataSource.initialize()
  } catch (error) {
    throw new CliError('CLI_DATA_SOURCE_UNREACHABLE', { file, cause: firstLine(error) }, { cause: error })
  }
}

/** Some errors have no message, as those of several addresses that all refuse. */
function firstLine(error: unknown): string {
  const [line = ''] = messageOf(error).split('\n')
  return line || (error as NodeJS.ErrnoException).code || 'an error without a message'
}

/** Closed where it can be; the process ends all the same. */
export async function closeDataSource(dataSource: DataSource): Promise<void> {
  if (dataSource.isInitialized) await dataSource.destroy()
}
