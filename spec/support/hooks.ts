/**
 * Session extensions written down as an object of hooks, for specs that say in each test what a hook does.
 *
 * @module
 */
import {
  SessionExtension,
  sessionSubscriber,
  type EntityState,
  type Session,
  type SessionExtensionInput,
  type SessionHooks,
  type UnitOfWork,
} from 'flushpoint'
import type { DataSource, ObjectLiteral } from 'typeorm'
import { openDataSource, openOnUsedTables, type ExtraOptions } from './databases.js'

export type Hooks = Partial<Omit<SessionHooks, 'session'>> & ThisType<SessionExtension>

class PlainExtension extends SessionExtension {}

export function hooks(own: Hooks): SessionExtensionInput {
  return (session: Session) => Object.assign(new PlainExtension(session), own)
}

/** A data source with one session extension for each object of hooks. */
export function openWithHooks(options: ExtraOptions, ...own: Hooks[]): Promise<DataSource> {
  const subscribers = [sessionSubscriber({ extensions: own.map(hooks) })]
  const { entities, ...others } = options
  if (!Array.isArray(entities) || Object.keys(others).length > 0) return openDataSource({ ...options, subscribers })
  return openOnUsedTables({ entities: entities as (new () => object)[], subscribers })
}

/** A hook for the entities of one class alone. */
export function only<E extends object>(type: new () => E, fn: (entity: E, state: EntityState) => unknown) {
  return (entity: object, state: EntityState) => (entity instanceof type ? (fn(entity, state) as Promise<void> | undefined) : undefined)
}

/** "Author Ann": the class and whatever tells one of its objects from the others. */
export function label(entity: object): string {
  const { name, title, text, id } = entity as Record<string, unknown>
  return `${entity.constructor.name} ${String(name ?? title ?? text ?? id)}`
}

const WORK = ['new', 'dirty', 'deleted', 'softRemoved', 'recovered'] as const

/** What a unit of work holds, empty sets left out. */
export function work(uow: UnitOfWork): Partial<Record<(typeof WORK)[number], string[]>> {
  const filled = WORK.filter((kind) => uow[kind].size > 0)
  return Object.fromEntries(filled.map((kind) => [kind, [...uow[kind]].map(label)]))
}

/** The entity as a new query sees it. */
export async function fresh<E extends ObjectLiteral>(dataSource: DataSource, type: new () => E, id: unknown, ...relations: string[]) {
  const wanted = Object.fromEntries(relations.map((relation) => [relation, true]))
  return dataSource.manager.findOneOrFail<E>(type, { where: { id } as any, relations: wanted as any, withDeleted: true })
}

/** A call that hooks make once, however often they run. */
export function once(fn: () => unknown): () => unknown {
  let done = false
  return () => {
    if (done) return undefined
    done = true
    return fn()
  }
}
