/**
 * Lets Node load TypeScript, with what the user's project has for it.
 *
 * Brings no compiler. Invariant: one that is registered already is left alone.
 *
 * @module
 */
import Module, { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { CliError, messageOf } from '../../core/errors.js'
import { shortPath } from './find-file.js'

const LOADERS = ['tsx/cjs/api', 'tsx/cjs', '@swc-node/register', 'ts-node/register/transpile-only'] as const
const PACKAGES = 'tsx, @swc-node/register, ts-node'
const NOT_THERE = new Set<unknown>(['MODULE_NOT_FOUND', 'ERR_PACKAGE_PATH_NOT_EXPORTED'])

type Extensions = Readonly<Record<string, { readonly name: string } | undefined>>

/**
 * @param path of the file that is to be loaded
 * @param folder where the user is; loaders are looked for there, then beside the file
 * @returns Whether whatever the file holds can be loaded; else Node will do it alone, which takes types off and does no more.
 * @throws {CliError} CLI_LOADER_MISSING when there is none, CLI_FILE_UNLOADABLE when all that are there fail.
 */
export function registerTypeScript(path: string, folder: string): boolean {
  if (!/\.[cm]?tsx?$/.test(path) || isRegistered()) return true
  const failures: { readonly loader: string; readonly error: unknown }[] = []
  for (const from of new Set([folder, dirname(path)])) {
    for (const loader of LOADERS) {
      try {
        if (register(loader, from)) return true
      } catch (error) {
        failures.push({ loader, error })
      }
    }
  }
  const [first] = failures
  if (first !== undefined)
    throw new CliError('CLI_FILE_UNLOADABLE', { file: first.loader, cause: messageOf(first.error) }, { cause: first.error })
  if (!hasOwnTypes()) throw loaderMissing(shortPath(folder, path))
  return false
}

/** @param cause what Node has made of the file */
export function loaderMissing(file: string, cause?: unknown): CliError {
  return new CliError('CLI_LOADER_MISSING', { file, tried: PACKAGES }, cause === undefined ? undefined : { cause })
}

const TOO_MUCH_FOR_NODE = new Set<unknown>([
  'ERR_UNSUPPORTED_TYPESCRIPT_SYNTAX',
  'ERR_INVALID_TYPESCRIPT_SYNTAX',
  'ERR_UNKNOWN_FILE_EXTENSION',
  'ERR_MODULE_NOT_FOUND',
  'MODULE_NOT_FOUND',
])

/** Whether a loader could make the difference: decorators, enums, and imports that name `.js` files for `.ts`. */
export function needsLoader(error: unknown): boolean {
  return error instanceof SyntaxError || TOO_MUCH_FOR_NODE.has((error as NodeJS.ErrnoException | undefined)?.code)
}

/** Newer Nodes have something for `.ts` from the start, but no decorators: whatever else there is comes first. */
function isRegistered(): boolean {
  // Asked anew each time: some loaders replace the whole object.
  const { _extensions: extensions } = Module as unknown as { readonly _extensions: Extensions }
  const registered = extensions['.ts']
  return registered !== undefined && !(hasOwnTypes() && registered.name === 'loadTS')
}

function hasOwnTypes(): boolean {
  return Boolean((process.features as { readonly typescript?: unknown }).typescript)
}

function register(loader: string, from: string): boolean {
  const load = createRequire(join(from, 'noop.js'))
  let path: string
  try {
    path = load.resolve(loader)
  } catch (error) {
    if (NOT_THERE.has((error as NodeJS.ErrnoException).code)) return false
    throw error
  }
  const loaded = load(path) as { register?: () => unknown }
  if (loader.endsWith('/api')) loaded.register?.()
  return true
}
