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
  tables: ['core'],
  outbox: ['core', 'mapper', 'events', 'session', 'tables'],
  extensions: ['core', 'mapper', 'events', 'session', 'tables'],
  cli: ['core', 'mapper', 'events', 'session', 'typeorm', 'signals', 'tables', 'outbox', 'extensions'],
} as const satisfies Record<string, readonly string[]>

/** Third-party packages, and the folders (or files) allowed to load them at run time; their types may be imported anywhere. */
export const PACKAGES = {
  'async-mutex': ['typeorm'],
  'fastest-levenshtein': ['core'],
  typeorm: ['typeorm', 'tables', 'outbox', 'cli'],
  keyv: ['extensions'],
  uuidv7: ['outbox'],
  'cli-progress': ['cli'],
  'cli-table3': ['cli'],
} as const satisfies Record<string, readonly string[]>
