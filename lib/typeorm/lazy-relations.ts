/**
 * Lazy relations of entities that a session keeps are loaded through that session.
 *
 * Knows sessions only as finders that somebody registers. Invariant: a relation of an entity that no finder claims is loaded by TypeORM
 * exactly as ever, and what a session loads is on the entity before the session is told.
 *
 * @module
 */
import type { DataSource, ObjectLiteral, QueryRunner, SelectQueryBuilder } from 'typeorm'
import type { RelationMetadata } from 'typeorm/metadata/RelationMetadata.js'
import type { EntityMap } from '../session/entity-map.js'
import type { LoadSink } from '../session/persistence.js'
import { entityMapOf } from './entity-maps.js'
import { hydrateInto } from './hydration.js'

/** The session an entity is kept by, as far as lazy loading needs it. */
export interface LazyOwner {
  readonly runner: QueryRunner
  readonly sink: LoadSink
  /** Surrounds the query as the session does with its own. */
  around(target: EntityMap, load: () => Promise<object[]>): Promise<object[]>
  /** `value` is an array of the session's instances, or one, or null; it is what the database says, whatever the entity holds meanwhile. */
  relationLoaded(entity: object, path: string, value: object | readonly object[] | null): void
}

/** Undefined for entities of no session that is open. */
export type LazyOwnerFinder = (entity: object) => LazyOwner | undefined

type LoadArguments = [
  relation: RelationMetadata,
  entities: ObjectLiteral | ObjectLiteral[],
  runner?: QueryRunner,
  builder?: SelectQueryBuilder<ObjectLiteral>,
  ...rest: unknown[],
]
type Load = (...args: LoadArguments) => Promise<ObjectLiteral[]>
type Loader = { load: Load }
type Values = Record<string, unknown>

interface Wrapped {
  readonly finders: Set<LazyOwnerFinder>
  readonly restore: () => void
}

const wrapped = new WeakMap<DataSource, Wrapped>()

export const lazyLoading = {
  /** Asks `finder` whose an entity is, from now on. @returns Takes this call back; the last one taken back restores the DataSource. */
  register(dataSource: DataSource, finder: LazyOwnerFinder): () => void {
    let entry = wrapped.get(dataSource)
    if (entry === undefined) wrapped.set(dataSource, (entry = wrapLoader(dataSource)))
    const { finders, restore } = entry
    finders.add(finder)
    return () => {
      if (!finders.delete(finder) || finders.size > 0) return
      wrapped.delete(dataSource)
      restore()
    }
  },
}

function wrapLoader(dataSource: DataSource): Wrapped {
  const loader = dataSource.relationLoader as unknown as Loader
  const finders = new Set<LazyOwnerFinder>()
  const isOwn = Object.hasOwn(loader, 'load')
  const { load } = loader
  const ours: Load = (...args) => {
    const [relation, entity, , builder] = args
    const owner = Array.isArray(entity) || builder !== undefined ? undefined : ownerOf(entity, finders)
    return owner === undefined ? load.apply(loader, args) : heard(loadInto(owner, { relation, entity }, load.bind(loader)))
  }
  loader.load = ours
  const restore = () => {
    if (loader.load !== ours) return
    if (isOwn) loader.load = load
    else delete (loader as Partial<Loader>).load
  }
  return { finders, restore }
}

function ownerOf(entity: object, finders: ReadonlySet<LazyOwnerFinder>): LazyOwner | undefined {
  for (const finder of finders) {
    const owner = finder(entity)
    if (owner !== undefined) return owner
  }
  return undefined
}

/**
 * TypeORM derives two promises of this one: the first is the caller's, and the second, derived of that, nobody hears of, so that a query
 * that fails would end the process although its caller catches the error.
 */
function heard<T>(promise: Promise<T>): Promise<T> {
  return onFirstThen(promise, (ofCaller) => onFirstThen(ofCaller, (ofNobody) => void ofNobody.catch(() => undefined)))
}

function onFirstThen<T>(promise: Promise<T>, derived: (one: Promise<unknown>) => unknown): Promise<T> {
  const then: typeof promise.then = (fulfilled, rejected) => {
    delete (promise as Partial<typeof promise>).then
    const one = promise.then(fulfilled, rejected)
    derived(one)
    return one
  }
  return Object.assign(promise, { then })
}

/** TypeORM fills a query that it is given as it fills its own. */
async function loadInto(
  owner: LazyOwner,
  { relation, entity }: { relation: RelationMetadata; entity: ObjectLiteral },
  load: Load,
): Promise<ObjectLiteral[]> {
  const promise = promiseHeld(relation, entity)
  const { propertyName, isOneToOne, isManyToOne } = relation
  const builder = owner.runner.manager
    .createQueryBuilder(owner.runner)
    .select(propertyName)
    .from<ObjectLiteral>(relation.inverseEntityMetadata.target, propertyName)
  try {
    const target = entityMapOf(relation.inverseEntityMetadata)
    const query = hydrateInto(builder, owner.sink)
    const found = await owner.around(target, () => load(relation, entity, owner.runner, query))
    const value = isOneToOne || isManyToOne ? (found[0] ?? null) : found
    if (isHeld(relation, entity, await promise)) hold(relation, entity, value)
    owner.relationLoaded(entity, relation.propertyPath, value)
    return found
  } catch (error) {
    if (isHeld(relation, entity, await promise)) delete entity[promiseName(relation)] // the next to ask for it has another try
    throw error
  }
}

function promiseName({ propertyName }: RelationMetadata): string {
  return `__promise_${propertyName}__`
}

/** The promise TypeORM puts on the entity for this very call, as soon as the call has returned. */
async function promiseHeld(relation: RelationMetadata, entity: Values): Promise<{ readonly of: unknown }> {
  await Promise.resolve()
  return { of: entity[promiseName(relation)] }
}

/** False where something else was assigned meanwhile. */
function isHeld(relation: RelationMetadata, entity: Values, promise: { readonly of: unknown }): boolean {
  return promise.of !== undefined && entity[promiseName(relation)] === promise.of
}

/** As TypeORM would two ticks later: nobody may find a relation that the session knows and the entity does not. */
function hold(relation: RelationMetadata, entity: Values, value: unknown): void {
  entity[`__${relation.propertyName}__`] = value
  entity[`__has_${relation.propertyName}__`] = true
  delete entity[promiseName(relation)]
}
