/**
 * For each mapped class the columns that are filled in.
 *
 * Puts declarations and mappings together, and refuses what does not fit; fills in nothing. Invariant: of all that is declared for a class
 * and those above it the nearest counts, and options before decorators.
 *
 * @module
 */
import type { DataSource, EntityMetadata } from 'typeorm'
import type { ColumnMetadata } from 'typeorm/metadata/ColumnMetadata.js'
import { ConfigurationError } from '../../core/errors.js'
import { nearestName } from '../../core/nearest-name.js'
import {
  declarationCount,
  declarationsOf,
  type Declarations,
  type Declared,
  type FieldKind,
  type IdGenerator,
} from './auto-field-declarations.js'
import { didYouMean, lineOf, mappedTarget, type Target } from '../mapped-target.js'
import { assertOptions, declarationsIn, type AutoFieldsOptions } from './auto-fields-options.js'
import { planOf, type AuthorPlan } from './author-field.js'
import { isAuthorColumn, isTextColumn, textLengthOf } from './column-kinds.js'
import { SHORT_ID_LENGTH, shortId } from './short-id.js'

export interface AutoIdPlan {
  readonly column: ColumnMetadata
  readonly generate: IdGenerator
  /** Whose table it is: the topmost class of an inheritance in one table. */
  readonly root: EntityMetadata
}

export interface AutoFieldPlan {
  readonly id: AutoIdPlan | undefined
  readonly originalAuthor: AuthorPlan | undefined
  readonly latestAuthor: AuthorPlan | undefined
}

export type AutoFieldPlans = ReadonlyMap<Target, AutoFieldPlan>

interface Known {
  readonly plans: AutoFieldPlans
  readonly count: number
}
const known = new WeakMap<DataSource, WeakMap<AutoFieldsOptions, Known>>()

/**
 * The plans of all classes that have something to fill in; made once, and again when something more was declared.
 *
 * @throws {ConfigurationError} OPTION_UNKNOWN · OPTION_INVALID
 */
export function plansOf(dataSource: DataSource, options: AutoFieldsOptions): AutoFieldPlans {
  let ofDataSource = known.get(dataSource)
  if (ofDataSource === undefined) known.set(dataSource, (ofDataSource = new WeakMap()))
  let found = ofDataSource.get(options)
  if (found?.count !== declarationCount())
    ofDataSource.set(options, (found = { plans: makePlans(dataSource, options), count: declarationCount() }))
  return found.plans
}

function makePlans({ entityMetadatas }: DataSource, options: AutoFieldsOptions): AutoFieldPlans {
  assertOptions(options)
  const listed = new Map<Target, Declarations>()
  for (const one of options.fields ?? []) {
    const target = mappedTarget(entityMetadatas, one.entity, { place: 'AutoFields', option: 'fields.entity' })
    listed.set(target, { ...listed.get(target), ...declarationsIn(one) })
  }
  const plans = new Map<Target, AutoFieldPlan>()
  for (const metadata of entityMetadatas) {
    if (metadata.isJunction) continue
    const id = find(metadata, 'id', listed)
    const [originalAuthor, latestAuthor] = (['originalAuthor', 'latestAuthor'] as const).map((kind) => find(metadata, kind, listed))
    const plan: AutoFieldPlan = {
      id: id && idPlan(metadata, id, options.generate),
      originalAuthor: originalAuthor && authorPlan(metadata, 'originalAuthor', originalAuthor.property),
      latestAuthor: latestAuthor && authorPlan(metadata, 'latestAuthor', latestAuthor.property),
    }
    if (plan.id ?? plan.originalAuthor ?? plan.latestAuthor) plans.set(metadata.target, plan)
  }
  return plans
}

// ---- what is declared

interface Found {
  readonly property: string
  readonly generate?: IdGenerator
  /** By the class itself, and not by one above. */
  readonly isOwn: boolean
}

function find(metadata: EntityMetadata, kind: FieldKind, listed: ReadonlyMap<Target, Declarations>): Found | undefined {
  for (const target of lineOf(metadata)) {
    const declared = listed.get(target)?.[kind] ?? (typeof target === 'function' ? declarationsOf(target)[kind] : undefined)
    if (declared !== undefined) return foundAs(declared, target === metadata.target)
  }
  return findEmbedded(metadata, kind)
}

/** Decorators of an embedded class speak of every class that embeds it. */
function findEmbedded({ allEmbeddeds }: EntityMetadata, kind: FieldKind): Found | undefined {
  for (const { type, parentPropertyNames } of allEmbeddeds) {
    const declared = typeof type === 'function' ? declarationsOf(type)[kind] : undefined
    if (declared !== undefined)
      return foundAs({ ...declared, property: `${parentPropertyNames.join('.')}.${String(declared.property)}` }, true)
  }
  return undefined
}

function foundAs({ property, generate }: Declared, isOwn: boolean): Found | undefined {
  return property === false ? undefined : { property, isOwn, ...(generate === undefined ? {} : { generate }) }
}

// ---- whether it fits

function idPlan(metadata: EntityMetadata, { property, generate, isOwn }: Found, common: IdGenerator | undefined): AutoIdPlan | undefined {
  if (isLink(metadata) && !isOwn) return undefined
  const column = metadata.findColumnWithPropertyPath(property)
  if (column === undefined) throw unknownProperty(metadata, 'id', property)
  const draw = generate ?? common
  const isFit =
    column.relationMetadata === undefined &&
    !column.isGenerated &&
    column.isInsert &&
    !column.isDiscriminator &&
    isTextColumn(column, draw !== undefined)
  if (!isFit) throw invalid(metadata, 'id', { property, wanted: 'a text column of its own that the database does not generate' })
  const length = textLengthOf(column)
  if (draw === undefined && length < SHORT_ID_LENGTH)
    throw invalid(metadata, 'id', {
      property,
      wanted: `a column of at least ${SHORT_ID_LENGTH} characters, or one with a generate of its own`,
    })
  return { column, generate: draw ?? shortId, root: rootOf(metadata) }
}

/** Its key is made of the keys of others: it has none to be drawn. */
function isLink({ primaryColumns }: EntityMetadata): boolean {
  return primaryColumns.length > 0 && primaryColumns.every(({ relationMetadata }) => relationMetadata !== undefined)
}

function rootOf(metadata: EntityMetadata): EntityMetadata {
  let root = metadata
  while ((root.parentEntityMetadata as EntityMetadata | undefined) !== undefined) root = root.parentEntityMetadata
  return root
}

function authorPlan(metadata: EntityMetadata, kind: 'originalAuthor' | 'latestAuthor', path: string): AuthorPlan {
  const relation = metadata.findRelationWithPropertyPath(path)
  const column = relation === undefined ? metadata.findColumnWithPropertyPath(path) : undefined
  if (relation === undefined && column === undefined) throw unknownProperty(metadata, kind, path)
  const isWritten = (one: ColumnMetadata) => (kind === 'latestAuthor' ? one.isUpdate : one.isInsert)
  const isFit = column === undefined ? relation!.isWithJoinColumn && relation!.persistenceEnabled : isAuthorColumn(column)
  if (!isFit || !(column === undefined ? relation!.joinColumns : [column]).every(isWritten))
    throw invalid(metadata, kind, {
      property: path,
      wanted: `a text or whole number that ${kind === 'latestAuthor' ? 'updates' : 'inserts'} may set, or a to-one relation with a join column`,
    })
  return planOf(metadata.name, path, { column, relation: relation ?? column?.relationMetadata })
}

interface Misfit {
  readonly wanted: string
  readonly property: string
}

function unknownProperty(metadata: EntityMetadata, kind: FieldKind, property: string): ConfigurationError {
  const paths = [...metadata.columns, ...metadata.relations].map(({ propertyPath }) => propertyPath)
  return invalid(metadata, kind, { property, wanted: `a property that ${metadata.name} maps${didYouMean(nearestName(property, paths))}` })
}

function invalid({ name }: EntityMetadata, kind: FieldKind, { wanted, property }: Misfit): ConfigurationError {
  return new ConfigurationError('OPTION_INVALID', { place: 'AutoFields', option: `${kind} of ${name}`, wanted, given: `"${property}"` })
}
