/**
 * Applies the records of a change cache to files.
 *
 * Knows no database. Invariant: records are applied in the order of their keys, and a key is deleted only when all of its record is done; what
 * fails leaves its record, and every later one, in the cache.
 *
 * @module
 */
import { checkOptions } from '../../core/check-options.js'
import { describeValue } from '../../core/describe-value.js'
import { ConfigurationError } from '../../core/errors.js'
import { nearestName } from '../../core/nearest-name.js'
import { assertWhole, LONGEST_TIMER_MS } from '../../core/whole-number.js'
import type { EntityRef } from '../../mapper/entity-types.js'
import { DataFolder } from '../data-folder/data-folder.js'
import { folderNameOf } from '../data-folder/file-name.js'
import { assertCache } from './change-cache-options.js'
import { CacheReader } from './cache-reader.js'
import type { ChangeRecord } from './change-record.js'
import { commitFiles } from './git-commits.js'
import { defaultChangeCache, type RecordCache } from './record-cache.js'

export interface DumpCacheOptions {
  /** @defaultValue that of `defaultChangeCache` */
  readonly cache?: RecordCache
  /** Where the folders of models are; made when there is something to write. */
  readonly dir: string
  /**
   * Which classes, or names of them, get files, out of those that are roots of the change cache; what is recorded of others is dropped. A name
   * that neither a record nor a folder has is refused before anything is. @defaultValue all of these
   */
  readonly roots?: readonly (EntityRef | string)[]
  /**
   * Commits the files of each record, and nothing else, by its author and with its time; the folder has to be, or to be in, a git repository.
   * What somebody else has staged there stays so. `message` is that of every commit.
   * @defaultValue `false`; the message is `Update data`
   */
  readonly git?: boolean | { readonly message?: string }
  /** How long each answer of the cache is waited for. @defaultValue 30,000, at least 1 */
  readonly timeoutMs?: number
  /** Ends the dump with its reason, between two records or while the cache is asked: what is not done yet stays in the cache. */
  readonly abortSignal?: AbortSignal
}

export interface DumpedCache {
  /** How many records were applied, and taken from the cache. */
  readonly records: number
  /** Paths of files that were written, each once, as `Film/7_Alien.json`; those that are gone since are not among them. */
  readonly written: readonly string[]
  readonly renamed: readonly { readonly from: string; readonly to: string }[]
  readonly removed: readonly string[]
  /** How many commits were made. */
  readonly commits: number
}

const PLACE = 'dumpCache'
const MESSAGE = 'Update data'

/**
 * Applies what a `ChangeCache` has recorded to JSON files, `DIR/<Model>/<id>_<text>.json`, record after record: writes files of roots that were
 * created or updated, renames those whose text has changed, removes those of deleted rows, commits by git where that is asked for, and deletes
 * the record. Files are written as a whole or not at all: sorted names, 4 spaces.
 *
 * When anything fails, this record and every later one stay in the cache, and dumping again goes on there. One dump of a folder at a time.
 *
 * @throws {DataError} CHANGE_CACHE_NOT_ENUMERABLE · CHANGE_CACHE_NOT_SHARED · CHANGE_CACHE_UNREADABLE · CHANGE_RECORD_INVALID ·
 *   CHANGE_RECORD_STUCK · CHANGE_COMMIT_FAILED · DATA_FOLDER_NOT_WRITABLE · DATA_NAME_REFUSED · DATA_LINK_REFUSED
 * @throws {ConfigurationError} OPTION_UNKNOWN · OPTION_INVALID
 * @example
 * const { written, renamed, removed } = await dumpCache({ cache, dir: 'data', git: true })
 */
export async function dumpCache(options: DumpCacheOptions): Promise<DumpedCache> {
  const { reader, dir, isWanted, texts, message } = checked(options)
  const keys = await reader.keys()
  const folder = new DataFolder(dir)
  await assertNames(texts, keys, { reader, folder })
  const report = new Report()
  for (const key of keys) {
    const record = await reader.recordAt(key)
    if (record !== undefined) {
      const files = await apply(record, folder, isWanted)
      report.add(files)
      const { rows } = files
      const commit = { dir: folder.dir, author: record, time: record.time, paths: [...files.written, ...files.removed], rows }
      if (message !== undefined && rows.length > 0 && (await commitFiles({ ...commit, message }))) report.commits++
    }
    await reader.take(key)
  }
  return report.whole()
}

/** What one record has done to files. */
class Files {
  readonly rows: { readonly model: string; readonly id: string }[] = []
  readonly written = new Set<string>()
  readonly removed = new Set<string>()
  readonly renamed: { readonly from: string; readonly to: string }[] = []

  isWritten(path: string, renamedFrom: string | undefined): void {
    this.written.add(path)
    this.removed.delete(path)
    if (renamedFrom === undefined) return
    this.renamed.push({ from: renamedFrom, to: path })
    this.isGone(renamedFrom)
  }

  isGone(path: string): void {
    this.written.delete(path)
    this.removed.add(path)
  }
}

class Report {
  commits = 0
  #records = 0
  readonly #written = new Set<string>()
  readonly #removed = new Set<string>()
  readonly #renamed: { readonly from: string; readonly to: string }[] = []

  add({ written, removed, renamed }: Files): void {
    this.#records++
    const old = new Set(renamed.map(({ from }) => from))
    for (const path of removed) {
      this.#written.delete(path)
      if (!old.has(path)) this.#removed.add(path)
    }
    for (const path of written) {
      this.#written.add(path)
      this.#removed.delete(path)
    }
    this.#renamed.push(...renamed)
  }

  whole(): DumpedCache {
    const [written, removed] = [[...this.#written], [...this.#removed]]
    return { records: this.#records, written, renamed: this.#renamed, removed, commits: this.commits }
  }
}

async function apply(record: ChangeRecord, folder: DataFolder, isWanted: (model: string) => boolean): Promise<Files> {
  const files = new Files()
  const roots = [...record.created.filter(({ is_root }) => is_root !== false), ...record.updated]
  for (const { model, id, obj_as_str, data } of roots) {
    if (!isWanted(model)) continue
    files.rows.push({ model, id })
    const { path, renamedFrom } = await folder.write(data, { model, id, text: obj_as_str })
    files.isWritten(path, renamedFrom)
  }
  for (const { model, id } of record.deleted) {
    if (!isWanted(model)) continue
    files.rows.push({ model, id })
    const path = await folder.remove({ model, id })
    if (path !== undefined) files.isGone(path)
  }
  return files
}

/**
 * A name that was mistyped would have every record taken, and no file written.
 *
 * @throws {ConfigurationError} OPTION_INVALID when names are given that no record has, and no folder.
 */
async function assertNames(names: readonly string[], keys: readonly string[], { reader, folder }: Places): Promise<void> {
  if (names.length === 0 || keys.length === 0) return
  const folders = await folder.models().catch((): readonly string[] => [])
  const unknown = new Set(names.filter((name) => !folders.includes(folderNameOf(name))))
  const models = new Set<string>()
  for (const key of keys) {
    if (unknown.size === 0) return
    const record = await reader.recordAt(key)
    for (const { model } of record === undefined ? [] : [...record.created, ...record.updated, ...record.deleted]) {
      models.add(model)
      unknown.delete(model)
    }
  }
  const [name] = unknown
  if (name === undefined) return
  const nearest = nearestName(name, [...models])
  throw invalid('roots', 'names that records or folders have', `'${name}'${nearest === undefined ? '' : ` (did you mean '${nearest}'?)`}`)
}

interface Places {
  readonly reader: CacheReader
  readonly folder: DataFolder
}

interface Checked {
  readonly reader: CacheReader
  readonly dir: string
  readonly isWanted: (model: string) => boolean
  /** Names that were given as texts. */
  readonly texts: readonly string[]
  /** Undefined where nothing is to be committed. */
  readonly message: string | undefined
}

const ANY = { cache: undefined, git: undefined, abortSignal: undefined }

function checked(options: DumpCacheOptions): Checked {
  checkOptions(PLACE, isPlain(options) ? { ...options, ...ANY } : options, KINDS)
  const { cache = defaultChangeCache(), git = false, roots, dir, timeoutMs = 30_000, abortSignal } = options
  assertCache(PLACE, cache)
  assertWhole(PLACE, { timeoutMs }, [1, LONGEST_TIMER_MS])
  if (abortSignal !== undefined && !(abortSignal instanceof AbortSignal))
    throw invalid('abortSignal', 'an AbortSignal', describeValue(abortSignal))
  if (typeof dir !== 'string' || dir === '') throw invalid('dir', 'the path of a folder', describeValue(dir))
  if (typeof git !== 'boolean') checkOptions(`${PLACE}({ git })`, git, { message: 'string' })
  const names = roots === undefined ? undefined : new Set(roots.map(nameOf))
  const given = typeof git === 'boolean' ? MESSAGE : (git.message ?? MESSAGE)
  if (given.trim() === '') throw invalid('git.message', 'a text', 'an empty one')
  return {
    reader: new CacheReader(cache, { timeoutMs, abortSignal }),
    dir,
    isWanted: (model) => names?.has(model) ?? true,
    texts: (roots ?? []).filter((root): root is string => typeof root === 'string'),
    message: git === false ? undefined : given,
  }
}

const KINDS = {
  cache: 'object',
  dir: 'string',
  roots: 'array',
  git: 'boolean',
  timeoutMs: 'number',
  abortSignal: 'object',
} as const satisfies Record<keyof DumpCacheOptions, string>

function isPlain(options: unknown): options is object {
  return typeof options === 'object' && options !== null && !Array.isArray(options)
}

function nameOf(root: EntityRef | string): string {
  if (typeof root === 'string') return root
  const name: unknown = typeof root === 'function' ? root.name : (root as Partial<{ options: { name?: unknown } }> | null)?.options?.name
  if (typeof name !== 'string') throw invalid('roots', 'classes, or names of them', describeValue(root))
  return name
}

function invalid(option: string, wanted: string, given: string): ConfigurationError {
  return new ConfigurationError('OPTION_INVALID', { place: PLACE, option, wanted, given })
}
