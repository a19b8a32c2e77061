/**
 * What an audit trail is told to keep, and which names that may use.
 *
 * Knows the mappings of a DataSource, and no row. Invariant: a name nobody has is refused with the nearest one, never ignored.
 *
 * @module
 */
import type { DataSource, EntityMetadata } from 'typeorm'
import { checkOptions } from '../../core/check-options.js'
import type { Context } from '../../core/context.js'
import { describeValue } from '../../core/describe-value.js'
import { ConfigurationError } from '../../core/errors.js'
import { nearestName } from '../../core/nearest-name.js'
import type { EntityRef } from '../../mapper/entity-types.js'
import { AUDIT_ENTITY } from './audit-table.js'

export interface AuditOptions {
  /**
   * The entities that are audited, as classes, schemas or names; one stands for the classes below it, too.
   *
   * @defaultValue all but `AuditEntry`
   */
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- members of a list of classes that have nothing in common
  readonly only?: readonly (EntityRef<any> | string)[]
  /** The entities that are not audited, named as in `only`. @defaultValue none */
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- as above
  readonly except?: readonly (EntityRef<any> | string)[]
  /**
   * Columns and relations that are left out of the trail: `['User.password', 'User.address']`, an embedded object with all it holds.
   * Columns with `select: false` always are. @defaultValue none
   */
  readonly exclude?: readonly string[]
  /**
   * Columns of which the trail keeps an HMAC (SHA-256) instead of the value, named as in `exclude`: it shows that a value became another, or the
   * same again, and nothing else. @defaultValue none
   */
  readonly hash?: readonly string[]
  /** The secret of `hash`: at least 16 characters or bytes, and not kept in the same database. Needed where `hash` names a column. */
  readonly hashKey?: string | Uint8Array
  /**
   * Whether rows that statements by query write are audited as well, at the price of reading them. Rows of statements that cannot be told
   * (`INSERT … SELECT`, `orIgnore()`, …) are not. @defaultValue `false`
   */
  readonly bulk?: boolean
  /**
   * Who has done it, in at most 255 characters; null for nobody.
   *
   * @defaultValue the `actor` of the context, where that is a text or a number, else its `id`, `username`, `email` or `name`
   */
  readonly actor?: (context: Context) => string | null
}

export const AUDIT_OPTION_NAMES = {
  only: 'optional',
  except: 'optional',
  exclude: 'optional',
  hash: 'optional',
  hashKey: 'optional',
  bulk: 'optional',
  actor: 'optional',
} as const

const PLACE = 'Audit.with'
const LEAST_KEY_LENGTH = 16

/** @throws {ConfigurationError} OPTION_UNKNOWN · OPTION_INVALID, as far as that can be told without mappings. */
export function checkAuditOptions(options: AuditOptions): void {
  const { hashKey, ...others } = options
  checkOptions(PLACE, others, { only: 'array', except: 'array', exclude: 'array', hash: 'array', bulk: 'boolean', actor: 'function' })
  for (const option of ['exclude', 'hash'] as const) {
    const wrong = options[option]?.find((name) => typeof name !== 'string')
    if (wrong !== undefined) throw invalid(option, "made of names like 'User.password'", describeValue(wrong))
  }
  if (options.only !== undefined && options.except !== undefined) throw invalid('except', 'left out beside "only"', 'a list')
  const wanted = `a text or bytes, ${LEAST_KEY_LENGTH} of them at least`
  if (hashKey !== undefined && typeof hashKey !== 'string' && !(hashKey instanceof Uint8Array))
    throw invalid('hashKey', wanted, describeValue(hashKey))
  if (hashKey !== undefined && hashKey.length < LEAST_KEY_LENGTH) throw invalid('hashKey', wanted, `one of ${hashKey.length}`)
  if (hashKey === undefined && (options.hash?.length ?? 0) > 0) throw invalid('hashKey', 'given beside "hash"', 'undefined')
}

/** The classes an option names. @throws {ConfigurationError} OPTION_INVALID */
export function namedClasses(dataSource: DataSource, option: 'only' | 'except', refs: readonly unknown[]): ReadonlySet<EntityMetadata> {
  const found = refs.flatMap((ref) => {
    const fitting = dataSource.entityMetadatas.filter((metadata) => isOf(metadata, ref))
    if (fitting.length === 0) throw unknownEntity(dataSource, option, ref)
    return fitting
  })
  return new Set(found)
}

/** Whether an entity is the one meant, or one below it. */
function isOf({ name, target, inheritanceTree }: EntityMetadata, ref: unknown): boolean {
  const options = typeof ref === 'object' && ref !== null ? (ref as { options?: { target?: unknown; name?: unknown } }).options : undefined
  const wanted = options === undefined ? ref : (options.target ?? options.name)
  if (typeof wanted === 'string') return wanted === name || wanted === target || inheritanceTree.some((type) => nameOf(type) === wanted)
  return typeof wanted === 'function' && (wanted === target || inheritanceTree.includes(wanted))
}

function nameOf(type: unknown): string {
  return typeof type === 'function' ? type.name : ''
}

function unknownEntity(dataSource: DataSource, option: string, ref: unknown): ConfigurationError {
  const given = typeof ref === 'string' ? `"${ref}"` : describeValue(ref)
  return invalid(option, `made of entities of the DataSource${hintOf(nearestEntity(dataSource, ref))}`, given)
}

/** The mapped entity whose name is nearest to what was given. */
export function nearestEntity({ entityMetadatas }: DataSource, ref: unknown): string | undefined {
  const named = typeof ref === 'string' ? ref : nameOf(ref)
  return named === '' ? undefined : nearestName(named, entityNames(entityMetadatas))
}

function entityNames(metadatas: readonly EntityMetadata[]): string[] {
  return metadatas.filter(({ isJunction, name }) => !isJunction && name !== AUDIT_ENTITY).map(({ name }) => name)
}

/** The paths that names like `User.password` stand for, by class. @throws {ConfigurationError} OPTION_INVALID */
export function namedPaths(
  dataSource: DataSource,
  option: 'exclude' | 'hash',
  names: readonly string[],
): ReadonlyMap<EntityMetadata, ReadonlySet<string>> {
  const found = new Map<EntityMetadata, Set<string>>()
  for (const name of names) {
    const [entity, path] = splitName(name, option)
    const classes = dataSource.entityMetadatas.filter((metadata) => !metadata.isJunction && isOf(metadata, entity))
    if (classes.length === 0) throw unknownEntity(dataSource, option, entity)
    const fitting = classes.flatMap((metadata) => pathsAt(metadata, path, option).map((one) => [metadata, one] as const))
    if (fitting.length === 0) throw unknownPath(name, option, classes)
    for (const [metadata, one] of fitting) found.set(metadata, (found.get(metadata) ?? new Set()).add(one))
  }
  return found
}

function splitName(name: string, option: 'exclude' | 'hash'): readonly [entity: string, path: string] {
  const dot = name.indexOf('.')
  if (dot < 1) throw invalid(option, "made of names like 'User.password'", `"${name}"`)
  return [name.slice(0, dot), name.slice(dot + 1)]
}

/** A join column that is a property stands for its relation; a key cannot be left out, since rows are found by it. */
function pathsAt(metadata: EntityMetadata, path: string, option: 'exclude' | 'hash'): readonly string[] {
  return pathsOf(metadata, option)
    .filter(([known]) => known === path || known.startsWith(`${path}.`))
    .map(([, meant]) => meant)
}

function pathsOf({ columns, relations }: EntityMetadata, option: 'exclude' | 'hash'): readonly (readonly [string, string])[] {
  const own = columns.filter(({ isVirtual, isDiscriminator, isPrimary }) => !isVirtual && !isDiscriminator && !isPrimary)
  const related =
    option === 'hash' ? relations.filter(({ joinColumns, isManyToMany }) => joinColumns.length > 0 && !isManyToMany) : relations
  return [
    ...own.map(({ propertyPath, relationMetadata }) => [propertyPath, relationMetadata?.propertyPath ?? propertyPath] as const),
    ...related.map(({ propertyPath }) => [propertyPath, propertyPath] as const),
  ]
}

function unknownPath(name: string, option: 'exclude' | 'hash', classes: readonly EntityMetadata[]): ConfigurationError {
  const [entity, path] = splitName(name, option)
  const known = classes.flatMap((metadata) => pathsOf(metadata, option).map(([one]) => one))
  const nearest = nearestName(path, known)
  const what = option === 'hash' ? 'columns and to-one relations' : 'columns and relations'
  const hint = hintOf(nearest === undefined ? undefined : `${entity}.${nearest}`)
  return invalid(option, `made of ${what} of ${entity} besides its key${hint}`, `"${name}"`)
}

function hintOf(nearest: string | undefined): string {
  return nearest === undefined ? '' : `, the nearest of which is "${nearest}"`
}

function invalid(option: string, wanted: string, given: string): ConfigurationError {
  return new ConfigurationError('OPTION_INVALID', { place: PLACE, option, wanted, given })
}

/** The options' own {@link AuditOptions.actor}, else what the context's actor is known by. */
export function actorOf(context: Context, actor: AuditOptions['actor']): string | null {
  const named = actor === undefined ? nameOfActor((context as { readonly actor?: unknown }).actor) : actor(context)
  return shortened(named)
}

function nameOfActor(actor: unknown): string | null {
  if (typeof actor === 'string') return actor
  if (typeof actor === 'number' || typeof actor === 'bigint') return String(actor)
  if (typeof actor !== 'object' || actor === null) return null
  const { id, username, email, name } = actor as Readonly<Record<string, unknown>>
  const known = [id, username, email, name].find((one) => typeof one === 'string' || typeof one === 'number' || typeof one === 'bigint')
  return known === undefined ? null : String(known)
}

/** As much of a text as its column holds, without half characters and NUL, which not every database keeps. */
export function shortened(text: unknown): string | null {
  if (typeof text !== 'string' && typeof text !== 'number') return null
  const clean = String(text).replaceAll('\0', '')
  return Array.from(clean.slice(0, 255)).filter((character) => !/^[\ud800-\udfff]$/.test(character)).join('') // prettier-ignore
}
