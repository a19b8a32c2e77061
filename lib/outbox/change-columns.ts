/**
 * Of which entities changes are told, and which of their columns.
 *
 * Knows no row. Invariant: a column with `select: false` is never told, and a name nobody has is refused, never ignored.
 *
 * @module
 */
import type { DataSource, EntityMetadata } from 'typeorm'
import { checkOptions } from '../core/check-options.js'
import { describeValue } from '../core/describe-value.js'
import { ConfigurationError } from '../core/errors.js'
import { nearestName } from '../core/nearest-name.js'
import type { EntityRef } from '../mapper/entity-types.js'

/**
 * An entity of which some columns are told. Columns and relations are named by their property paths: `title`, `address.city`, `genres`.
 * `columns` names all that are told besides the key, `except` those that are not.
 */
export type ChangedColumns =
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- members of a list of classes that have nothing in common
  | { readonly entity: EntityRef<any>; readonly columns: readonly string[]; readonly except?: undefined }
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- as above
  | { readonly entity: EntityRef<any>; readonly except: readonly string[]; readonly columns?: undefined }

// eslint-disable-next-line @typescript-eslint/no-explicit-any -- as above
export type ChangesEntry = EntityRef<any> | ChangedColumns

/** What is told of the rows of one class. */
export interface ToldColumns {
  isTold(path: string): boolean
  /** Whether a row is told of where nothing but this was changed: not of a version or an update date, unless these were asked for by name. */
  isReason(path: string): boolean
}

interface Entry {
  /** A class, or the name of a schema without one. */
  readonly target: unknown
  readonly columns?: readonly string[] | undefined
  readonly except?: readonly string[] | undefined
}

/** @throws {ConfigurationError} OPTION_UNKNOWN · OPTION_INVALID */
export function assertChanges(changes: readonly unknown[]): void {
  const targets = Array.from(changes, (given) => {
    const entry = isEntityRef(given) ? { entity: given } : given
    assertEntry(given, entry)
    return targetOf(entry.entity)
  })
  const again = targets.find((target, index) => targets.indexOf(target) !== index)
  if (again !== undefined) throw invalid('each entity once', `${typeof again === 'string' ? `"${again}"` : describeValue(again)} twice`)
}

function assertEntry(given: unknown, entry: unknown): asserts entry is { readonly entity: EntityRef } {
  const wanted = 'a list of entity classes, { entity, columns: […] } and { entity, except: […] }'
  if (typeof entry !== 'object' || entry === null || !isEntityRef((entry as { entity?: unknown }).entity))
    throw invalid(wanted, `a list with ${describeValue(given)}`)
  if (entry !== given) return
  const { columns, except } = entry as Partial<ChangedColumns>
  checkOptions('Outbox.with({ changes })', { ...entry, entity: undefined }, { entity: 'object', columns: 'array', except: 'array' })
  if ((columns === undefined) === (except === undefined)) throw invalid(wanted, 'a list with an entry that has both of them, or neither')
  const wrong = (columns ?? except)!.find((name) => typeof name !== 'string')
  if (wrong !== undefined) throw invalid('made of columns by their names', `a list with ${describeValue(wrong)}`)
}

function isEntityRef(given: unknown): given is EntityRef {
  if (typeof given === 'function') return typeof given.prototype === 'object'
  return typeof given === 'object' && given !== null && typeof (given as { options?: unknown }).options === 'object'
}

function targetOf(entity: EntityRef): unknown {
  return typeof entity === 'function' ? entity : (entity.options.target ?? entity.options.name)
}

/** The entities of an outbox. */
export class ChangeColumns {
  readonly #entries: readonly Entry[]
  readonly #told = new WeakMap<EntityMetadata, ToldColumns>()

  constructor(changes: readonly ChangesEntry[]) {
    this.#entries = changes.map((given) => {
      const { entity, columns, except } = isEntityRef(given) ? ({ entity: given } as Partial<ChangedColumns>) : (given as ChangedColumns)
      return { target: targetOf(entity!), columns, except }
    })
  }

  get isEmpty(): boolean {
    return this.#entries.length === 0
  }

  /**
   * What is told of rows of a class; undefined where nothing is. The entry of the nearest class counts.
   *
   * @throws {ConfigurationError} OPTION_INVALID when it names a column that the class does not have.
   */
  of(metadata: EntityMetadata): ToldColumns | undefined {
    let told = this.#told.get(metadata)
    if (told !== undefined) return told
    const entry = this.#nearest(metadata)
    if (entry === undefined) return undefined
    this.#told.set(metadata, (told = toldColumns(metadata, entry)))
    return told
  }

  /** Whether rows of a class, or of one below it, are told. */
  has(target: Parameters<DataSource['getMetadata']>[0], dataSource: DataSource): boolean {
    if (this.isEmpty || !dataSource.hasMetadata(target)) return false
    const metadata = dataSource.getMetadata(target)
    return [metadata, ...metadata.childEntityMetadatas].some((one) => this.of(one) !== undefined)
  }

  #nearest({ target, name }: EntityMetadata): Entry | undefined {
    if (typeof target !== 'function') return this.#entries.find((entry) => entry.target === target || entry.target === name)
    for (let type: unknown = target; typeof type === 'function'; type = Object.getPrototypeOf(type)) {
      const found = this.#entries.find((entry) => entry.target === type)
      if (found !== undefined) return found
    }
    return undefined
  }
}

function toldColumns(metadata: EntityMetadata, { columns, except }: Entry): ToldColumns {
  const all = [...new Set(familyOf(metadata).flatMap(pathsOf))]
  const hidden = hiddenPathsOf(metadata)
  const selected = all.filter((path) => !hidden.has(path))
  assertNames(metadata, columns ?? [], { known: selected, what: 'columns and relations that a query selects' })
  assertNames(metadata, except ?? [], { known: all, what: 'columns and relations' })
  const listed = columns === undefined ? undefined : new Set(columns)
  const excepted = new Set(except)
  const isTold = (path: string) => !hidden.has(path) && !excepted.has(path) && listed?.has(path) !== false
  const automatic = new Set(metadata.columns.filter(isAutomatic).map(({ propertyPath }) => propertyPath))
  return Object.freeze({ isTold, isReason: (path: string) => isTold(path) && (listed !== undefined || !automatic.has(path)) })
}

function isAutomatic({ isVersion, isUpdateDate }: EntityMetadata['columns'][number]): boolean {
  return isVersion || isUpdateDate
}

/** Of a single-table inheritance, an entry may name columns of any class it is for. */
function familyOf(metadata: EntityMetadata): readonly EntityMetadata[] {
  const parent = metadata.parentEntityMetadata as EntityMetadata | undefined
  return parent === undefined ? [metadata, ...metadata.childEntityMetadatas] : [metadata, ...familyOf(parent)]
}

function pathsOf({ columns, relations }: EntityMetadata): string[] {
  const own = columns.filter(({ isVirtual, isDiscriminator }) => !isVirtual && !isDiscriminator)
  return [...own, ...relations].map(({ propertyPath }) => propertyPath)
}

/** A relation whose key is in such a column tells what the column would. */
function hiddenPathsOf({ columns, relations }: EntityMetadata): ReadonlySet<string> {
  const unselected = columns.filter(({ isSelect }) => !isSelect)
  const owning = relations.filter(({ joinColumns, isOwning }) => isOwning && joinColumns.some((column) => unselected.includes(column)))
  return new Set([...unselected, ...owning].map(({ propertyPath }) => propertyPath))
}

interface Names {
  readonly known: readonly string[]
  readonly what: string
}

function assertNames({ name: entity }: EntityMetadata, given: readonly string[], { known, what }: Names): void {
  const unknown = given.find((name) => !known.includes(name))
  if (unknown === undefined) return
  const nearest = nearestName(unknown, known)
  const hint = nearest === undefined ? '' : `, the nearest of which is "${nearest}"`
  throw invalid(`made of ${what} of ${entity}${hint}`, `"${unknown}"`)
}

function invalid(wanted: string, given: string): ConfigurationError {
  return new ConfigurationError('OPTION_INVALID', { place: 'Outbox.with', option: 'changes', wanted, given })
}
