/**
 * Which file the data source is in.
 *
 * Invariant: a file that was named is used or refused; another one is never taken in its place.
 *
 * @module
 */
import { statSync } from 'node:fs'
import { relative, resolve } from 'node:path'
import { CliError } from '../../core/errors.js'

export const DEFAULT_FILES = [
  'ormconfig.ts',
  'ormconfig.js',
  'ormconfig.mjs',
  'ormconfig.cjs',
  'src/data-source.ts',
  'src/data-source.js',
] as const

/**
 * @param given as the user wrote it, from `folder`
 * @returns Its whole path.
 * @throws {CliError} CLI_DATA_SOURCE_NOT_FOUND when there is none.
 */
export function findDataSourceFile(folder: string, given: string | undefined): string {
  const names = given === undefined ? DEFAULT_FILES : [given]
  const found = names.map((name) => resolve(folder, name)).find(isFile)
  if (found === undefined)
    throw new CliError('CLI_DATA_SOURCE_NOT_FOUND', { tried: names.map((name) => shortPath(folder, resolve(folder, name))).join(', ') })
  return found
}

function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() === true
}

/** As seen from the folder, where it is below it. */
export function shortPath(folder: string, path: string): string {
  const fromFolder = relative(folder, path)
  return fromFolder.startsWith('..') || fromFolder === '' ? path : fromFolder
}
