/**
 * Loads a file of the user's, whatever kind of module it is.
 *
 * Compiles nothing itself. Invariant: what the file throws comes out as it is.
 *
 * @module
 */
import { spawnSync } from 'node:child_process'
import { createRequire } from 'node:module'
import { pathToFileURL } from 'node:url'

/** Compilers to CommonJS make a `require` of an `import` that they can see. */
const importModule = new Function('url', 'return import(url)') as (url: string) => Promise<unknown>

const NEEDS_IMPORT = new Set<unknown>(['ERR_REQUIRE_ESM', 'ERR_REQUIRE_ASYNC_MODULE'])

/** Its `module.exports`, or the namespace of an ES module. @param path whole */
export async function loadModule(path: string): Promise<unknown> {
  try {
    return createRequire(path)(path) as unknown
  } catch (error) {
    if (!NEEDS_IMPORT.has((error as NodeJS.ErrnoException | undefined)?.code)) throw error
    return importModule(pathToFileURL(path).href)
  }
}

/** Where a file breaks the grammar of JavaScript: Node keeps that to itself for ES modules. Undefined where it does not, or is not JavaScript. */
export function syntaxErrorIn(path: string): string | undefined {
  if (!/\.[cm]?js$/.test(path)) return undefined
  const { status, stderr } = spawnSync(process.execPath, ['--check', path], { encoding: 'utf8', env: {} })
  return status === 0 ? undefined : stderr.split('\n\n', 1)[0]
}
