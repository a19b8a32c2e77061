/**
 * The part of the error catalogue that files of rows cause.
 *
 * Invariant: as in `errors.ts`, of which it is a part; of values of rows it has keys, and what the lines of DATA_INVALID show of the wrong ones.
 *
 * @module
 */
import { entry, nearestOf } from './error-entry.js'

export const DATA_ERRORS = {
  // ---- files and folders
  DATA_FOLDER_MISSING: entry<{ readonly dir: string }>(
    ({ dir }) => `Cannot read rows from ${dir}: it is no folder`,
    'name a folder that has one folder for each entity, as data dump makes it',
  ),
  DATA_FOLDER_NOT_WRITABLE: entry<{ readonly path: string; readonly cause: string }>(
    ({ path, cause }) => `Cannot write into ${path}: ${cause}`,
    'give this user the right to write there, or name another folder',
  ),
  DATA_NAME_REFUSED: entry<{ readonly kind: 'model' | 'path'; readonly given: string }>(
    ({ kind, given }) => `Cannot use the ${kind} ${given}: it would not be a name inside the data folder`,
    'use names without path separators, NUL and leading dots, and paths as write and files give them',
  ),
  DATA_LINK_REFUSED: entry<{ readonly path: string }>(
    ({ path }) => `Cannot use ${path}: it is a link, or no regular file or folder, and could lead out of the data folder`,
    'put the file or folder itself there',
  ),
  DATA_FILE_UNREADABLE: entry<{ readonly path: string; readonly cause: string }>(
    ({ path, cause }) => `Cannot read ${path}: ${cause}`,
    'mend what the cause says',
  ),
  DATA_FILE_INVALID: entry<{ readonly path: string; readonly reason: string }>(
    ({ path, reason }) => `Cannot read ${path}: ${reason}`,
    'mend the file, or dump the row again',
  ),
  // ---- dump and load
  DATA_INVALID: entry<{ readonly dir: string; readonly count: number; readonly lines: readonly string[] }>(
    ({ dir, count, lines }) => `Cannot load ${dir}: ${count} ${count === 1 ? 'thing is' : 'things are'} wrong\n${lines.join('\n')}`,
    'mend these files; data validate finds all of it without writing',
  ),
  DATA_ROW_REFUSED: entry<{ readonly file: string; readonly table: string; readonly cause: string }>(
    ({ file, table, cause }) => `Cannot load ${file}: the database refuses it as a row of "${table}" (${cause})`,
    'mend what the cause says; nothing was loaded',
  ),
  DATA_COMMIT_REFUSED: entry<{ readonly cause: string }>(
    ({ cause }) => `Cannot commit the rows that were loaded: the database refuses them (${cause})`,
    'mend the rows that break a rule the mappings do not have; nothing was loaded',
  ),
  DATA_IN_TRANSACTION: entry<{ readonly what: string }>(
    ({ what }) => `Cannot call ${what} here: a transaction of this data source is open, and it needs one of its own`,
    'call it outside of the transaction',
  ),
  DATA_TABLES_MISSING: entry<{ readonly table: string }>(
    ({ table }) => `Cannot dump or load "${table}": the database has no such table`,
    'create the schema first (migrations or synchronize)',
  ),
  DATA_REFERENCE_DANGLING: entry<{
    readonly place: string
    readonly property: string
    readonly target: string
    readonly key: string
  }>(
    ({ place, property, target, key }) =>
      `Cannot load ${place}: "${property}" names the ${target} ${key}, which is neither in the files nor in the database`,
    'load these rows as well, or have the reference point to one that is there',
  ),
  DATA_TABLE_NOT_EMPTY: entry<{ readonly entity: string; readonly table: string }>(
    ({ entity, table }) => `Cannot load ${entity}: the table "${table}" has rows, wanted is an empty one`,
    'load into an empty database, or leave the entity out',
  ),
  DATA_MODELS_ALIKE: entry<{ readonly folder: string; readonly tables: string }>(
    ({ folder, tables }) => `Cannot tell the rows of ${tables} apart: their entities share the folder "${folder}"`,
    'give the entities different names, or leave one of them out',
  ),
  DATA_ENTITY_UNKNOWN: entry<{ readonly name: string; readonly nearest: string | undefined }>(
    ({ name, nearest }) =>
      `Cannot find the entity "${name}": the data source has none of that name with a table of its own${nearestOf(nearest)}`,
    'name entities as their classes are called',
  ),
  DATA_DISCRIMINATOR_UNKNOWN: entry<{ readonly table: string; readonly key: string }>(
    ({ table, key }) => `Cannot dump the row ${key} of "${table}": its discriminator is none of the mapped classes'`,
    'map the class, or delete the row',
  ),
  DATA_LINK_ORPHANED: entry<{ readonly table: string; readonly key: string; readonly owner: string }>(
    ({ table, key, owner }) => `Cannot dump the row of "${table}" that belongs to ${key}: "${owner}" has no such row`,
    'delete such rows, or have them belong to one that is there',
  ),
  DATA_CYCLE_LOCKED: entry<{ readonly table: string; readonly constraint: string }>(
    ({ table, constraint }) =>
      `Cannot load rows of "${table}" that refer to each other: this user may not have the foreign key "${constraint}" checked at the end`,
    "load as the owner of the tables, or declare the relation with deferrable: 'INITIALLY IMMEDIATE'",
  ),
  DATA_DATABASE_UNSUPPORTED: entry<{ readonly type: string }>(
    ({ type }) => `Cannot dump or load a database of the type "${type}": wanted is sqlite, better-sqlite3, postgres, mysql or mariadb`,
    'use one of these',
  ),
} as const
