/**
 * Which folder of `lib/` may know which, and which packages may be loaded where. `lib/README.md` shows the first table.
 *
 * @module
 */

/** One row per folder of `lib/`. A folder may import only itself and what is listed, types included. */
export const LAYERS = {
  core: [],
  mapper: ['core'],
  events: ['core'],
  session: ['core', 'mapper', 'events'],
  typeorm: ['core', 'mapper', 'session'],
  signals: ['core', 'mapper', 'session'],
  extensions: ['core', 'mapper', 'events', 'session'],
} as const satisfies Record<string, readonly string[]>

/** Third-party packages, and the folders (or files) allowed to load them at run time; their types may be imported anywhere. */
export const PACKAGES = {
  'async-mutex': ['typeorm'],
  'fastest-levenshtein': ['core'],
  typeorm: ['typeorm'],
} as const satisfies Record<string, readonly string[]>
