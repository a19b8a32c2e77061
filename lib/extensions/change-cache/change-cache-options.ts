/**
 * How a change cache is to work.
 *
 * Types and their check. Invariant: what can never work is refused where it is written, or when the extension is put on a DataSource.
 *
 * @module
 */
import type { DataSource } from 'typeorm'
import { checkOptions } from '../../core/check-options.js'
import type { Context } from '../../core/context.js'
import { describeValue } from '../../core/describe-value.js'
import { ConfigurationError, DataError } from '../../core/errors.js'
import { assertWhole, LONGEST_TIMER_MS } from '../../core/whole-number.js'
import type { EntityRef } from '../../mapper/entity-types.js'
import { folderNameOf } from '../data-folder/file-name.js'
import { tableFilter } from '../table-filter.js'
import type { RecordAuthor } from './change-record.js'
import { defaultChangeCache, type RecordCache } from './record-cache.js'
import { RootClasses, tableOf } from './root-classes.js'

export interface ChangeCacheOptions {
  /**
   * Where records go: any `Keyv`. @defaultValue one `Keyv` in the memory of this process, see `defaultChangeCache`. A record does not say which
   * DataSource it is of: where a process has two, give each a cache of its own.
   */
  readonly cache?: RecordCache
  /**
   * The classes that have files of their own, with those below them. Rows of others that point at a root by a relation which that one has, too,
   * are lists in its document, under that relation's name; rows further away, and those that no root has a relation to, are in no document.
   * @defaultValue every mapped class
   */
  readonly roots?: readonly EntityRef[]
  /**
   * Tables nothing is recorded of, by name, or by the beginning of their names with `*` behind it: `['audit', 'auth_*']`. What is no mapped
   * table is refused. @defaultValue none
   */
  readonly exclude?: readonly string[]
  /**
   * Whether roots one relation away from an updated root are listed, too, although they hold nothing of it but its key. Those around rows that
   * are no roots, and around deleted rows, always are. All of them are read: a label that has a million films reads these when its name changes.
   * @defaultValue `false`
   */
  readonly neighbours?: boolean
  /**
   * Who did it, from the context. What it leaves out is that of the guest.
   * @defaultValue the actor: a text or number, or the `username`, `name` or `id` and the `email` of an object
   */
  readonly user?: (context: Context) => Partial<RecordAuthor> | null | undefined
  /** Who did what nobody is known to have done. @defaultValue `{ username: 'guest', email: 'guest@incubaid.com' }` */
  readonly guest?: Partial<RecordAuthor>
  /** How long a commit waits for the cache at most. The commit stands anyhow. @defaultValue 5,000, at least 1 */
  readonly timeoutMs?: number
}

export const CHANGE_CACHE_OPTION_NAMES = {
  cache: 'optional',
  roots: 'optional',
  exclude: 'optional',
  neighbours: 'optional',
  user: 'optional',
  guest: 'optional',
  timeoutMs: 'optional',
} as const satisfies Record<keyof ChangeCacheOptions, 'optional'>

const PLACE = 'ChangeCache.with'
const GUEST: RecordAuthor = { username: 'guest', email: 'guest@incubaid.com' }

/** The options with everything filled in. Sessions are built for every transaction, so what takes time is done once. */
export class ChangeCacheSettings {
  readonly cache: RecordCache
  readonly withNeighbours: boolean
  readonly timeoutMs: number
  readonly #options: ChangeCacheOptions
  /** By the mappings, which a DataSource makes anew each time it connects. */
  readonly #classes = new WeakMap<DataSource['entityMetadatas'], RootClasses>()

  private constructor(options: ChangeCacheOptions) {
    checkChangeCacheOptions(options)
    this.#options = options
    this.cache = options.cache ?? defaultChangeCache()
    this.withNeighbours = options.neighbours ?? false
    this.timeoutMs = options.timeoutMs ?? 5_000
  }

  /** @throws {ConfigurationError} OPTION_UNKNOWN · OPTION_INVALID */
  static of(options: ChangeCacheOptions = NO_OPTIONS): ChangeCacheSettings {
    let settings = known.get(options)
    if (settings === undefined) known.set(options, (settings = new ChangeCacheSettings(options)))
    return settings
  }

  /**
   * @throws {ConfigurationError} OPTION_INVALID when a root is not mapped, or an excluded table is none.
   * @throws {DataError} DATA_NAME_REFUSED · DATA_MODELS_ALIKE when roots have no folder of their own.
   */
  classesOf(dataSource: DataSource): RootClasses {
    let classes = this.#classes.get(dataSource.entityMetadatas)
    if (classes === undefined) {
      const { roots, exclude } = this.#options
      for (const root of roots ?? [])
        if (!dataSource.hasMetadata(root as never)) throw invalid('roots', 'classes that are mapped', nameOf(root))
      assertTables(dataSource, exclude ?? [])
      classes = new RootClasses(dataSource, { roots, isExcluded: tableFilter(PLACE, exclude) })
      assertFolders(classes)
      this.#classes.set(dataSource.entityMetadatas, classes)
    }
    return classes
  }

  authorOf(context: Context): RecordAuthor {
    const { user = userOf, guest = {} } = this.#options
    const given = user(context)
    return {
      username: textOf(given?.username) ?? textOf(guest.username) ?? GUEST.username,
      email: textOf(given?.email) ?? textOf(guest.email) ?? GUEST.email,
    }
  }
}

const NO_OPTIONS: ChangeCacheOptions = Object.freeze({})
const known = new WeakMap<ChangeCacheOptions, ChangeCacheSettings>()

/** @throws {ConfigurationError} OPTION_UNKNOWN · OPTION_INVALID */
function checkChangeCacheOptions(options: ChangeCacheOptions): void {
  checkOptions(PLACE, options, {
    cache: 'object',
    roots: 'array',
    exclude: 'array',
    neighbours: 'boolean',
    user: 'function',
    guest: 'object',
    timeoutMs: 'number',
  })
  if (options.cache !== undefined) assertCache(PLACE, options.cache)
  checkOptions(`${PLACE}({ guest })`, options.guest ?? {}, { username: 'string', email: 'string' })
  assertWhole(PLACE, { timeoutMs: options.timeoutMs }, [1, LONGEST_TIMER_MS])
  if (options.roots?.length === 0) throw invalid('roots', 'at least one class, or none given for every class', 'an empty list')
  tableFilter(PLACE, options.exclude)
}

function assertTables(dataSource: DataSource, exclude: readonly string[]): void {
  const tables = dataSource.entityMetadatas.map(tableOf)
  for (const name of exclude)
    if (!tables.some(tableFilter(PLACE, [name]))) throw invalid('exclude', 'names of mapped tables', `'${name}', which names none`)
}

function assertFolders({ roots }: RootClasses): void {
  const tables = new Map<string, string>()
  for (const { name, tablePath } of roots) {
    const folder = folderNameOf(name)
    const other = tables.get(folder)
    if (other !== undefined) throw new DataError('DATA_MODELS_ALIKE', { folder, tables: `${other} and ${tablePath}` })
    tables.set(folder, tablePath)
  }
}

/** @throws {ConfigurationError} OPTION_INVALID */
export function assertCache(place: string, cache: unknown): asserts cache is RecordCache {
  const given = (typeof cache === 'object' && cache !== null ? cache : {}) as Record<string, unknown>
  if (!(cache instanceof Map) && ['get', 'set', 'delete'].every((method) => typeof given[method] === 'function')) return
  throw new ConfigurationError('OPTION_INVALID', {
    place,
    option: 'cache',
    wanted: 'a Keyv, with get, set and delete, such as new Keyv()',
    given: describeValue(cache),
  })
}

function invalid(option: string, wanted: string, given: string): ConfigurationError {
  return new ConfigurationError('OPTION_INVALID', { place: PLACE, option, wanted, given })
}

function nameOf(root: unknown): string {
  const { name, options } = root as { readonly name?: unknown; readonly options?: { readonly name?: unknown } }
  return String(name ?? options?.name ?? describeValue(root))
}

function userOf(context: Context): Partial<RecordAuthor> {
  const { actor } = context as Readonly<Record<string, unknown>>
  const { username, name, id, email } = (typeof actor === 'object' && actor !== null ? actor : { id: actor }) as Readonly<
    Record<string, unknown>
  >
  return { username: textOf(username) ?? textOf(name) ?? textOf(id) ?? '', email: textOf(email) ?? '' }
}

function textOf(value: unknown): string | undefined {
  const text = typeof value === 'string' || typeof value === 'number' || typeof value === 'bigint' ? String(value).trim() : ''
  return text === '' ? undefined : text
}
