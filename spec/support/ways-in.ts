/**
 * The two ways in, behind one small driver, so that one spec says what hooks see whichever way a write came.
 *
 * Ambient: TypeORM's own manager and `transaction`. Session: an `openSession` for each write, or one around a `session.transaction`; an
 * object that an earlier session wrote or loaded is taken in again with the changes it has. Block: the same with `withSession`.
 *
 * @module
 */
import { openSession, sessionOf, withoutExtensions, withSession, type OpenSession, type Session } from 'flushpoint'
import type { DataSource, EntityManager, FindOptionsRelations, FindOptionsWhere, ObjectLiteral } from 'typeorm'
import { describeDatabase, type DatabaseName, typeormMajor } from './databases.js'

type Entities = object | readonly object[]
type Write = <T extends Entities>(entities: T) => Promise<T>

/** Writes of one session, or of one transaction of the ambient way. */
export interface Work {
  readonly session: Session
  readonly manager: EntityManager
  readonly save: Write
  readonly remove: Write
  readonly softRemove: Write
  readonly recover: Write
  /** All entities of a class. */
  loadAll<E extends ObjectLiteral>(type: new () => E): Promise<E[]>
  /** TypeORM's save has forgotten what failed; a session keeps it pending until it is told otherwise. */
  giveUp(...entities: readonly object[]): void
  /** A transaction inside of this one. */
  transaction<T>(fn: (work: Work) => Promise<T>): Promise<T>
}

export type Operation = 'save' | 'remove' | 'softRemove' | 'recover'

export interface WayIn extends Record<Operation, <T extends Entities>(dataSource: DataSource, entities: T) => Promise<T>> {
  readonly name: 'ambient' | 'session' | 'block'
  readonly isSession: boolean
  transaction<T>(dataSource: DataSource, fn: (work: Work) => Promise<T>): Promise<T>
  /** Bulk statements and queries, by the manager of this way. */
  manager<T>(dataSource: DataSource, fn: (manager: EntityManager) => Promise<T>): Promise<T>
  /** Saves without any hook being told. */
  seed<T extends Entities>(dataSource: DataSource, entities: T): Promise<T>
  /** One entity as this way loads it, ready to be changed and saved. */
  load<E extends ObjectLiteral>(dataSource: DataSource, type: new () => E, where: FindOptionsWhere<E>, ...relations: string[]): Promise<E>
  /** All entities of a class, subclasses included, by their `id`. */
  loadAll<E extends { id: number }>(dataSource: DataSource, type: new () => E, ...relations: string[]): Promise<E[]>
  /** Transactions begun and ended by hand. */
  byHand(dataSource: DataSource): Promise<ByHand>
  /** What is right in one way and another in the other. Say why beside it. */
  pick<T>(each: { readonly ambient: T; readonly session: T; readonly block?: T }): T
}

export interface ByHand extends Pick<Work, Operation> {
  begin(): Promise<void>
  commit(): Promise<void>
  rollback(): Promise<void>
  /** Whether a transaction is open. */
  readonly isOpen: boolean
  end(): Promise<void>
}

const listOf = (entities: Entities): object[] => (Array.isArray(entities) ? (entities as object[]) : [entities as object])

const named = <E>(relations: readonly string[]) => Object.fromEntries(relations.map((name) => [name, true])) as FindOptionsRelations<E>

const BY_ID = { id: 'ASC' } as never

// ---- ambient

function workOf(manager: EntityManager): Work {
  return {
    get session() {
      return sessionOf(manager)
    },
    manager,
    save: async (entities) => (await manager.save(entities as never), entities),
    remove: async (entities) => (await manager.remove(entities as never), entities),
    softRemove: async (entities) => (await manager.softRemove(entities as never), entities),
    recover: async (entities) => (await manager.recover(entities as never), entities),
    loadAll: (type) => manager.find(type),
    giveUp: () => undefined,
    transaction: (fn) => manager.transaction((nested) => fn(workOf(nested))),
  }
}

const ambient: WayIn = {
  name: 'ambient',
  isSession: false,
  save: ({ manager }, entities) => workOf(manager).save(entities),
  remove: ({ manager }, entities) => workOf(manager).remove(entities),
  softRemove: ({ manager }, entities) => workOf(manager).softRemove(entities),
  recover: ({ manager }, entities) => workOf(manager).recover(entities),
  transaction: ({ manager }, fn) => workOf(manager).transaction(fn),
  manager: (dataSource, fn) => fn(dataSource.manager),
  seed: (dataSource, entities) => withoutExtensions(() => ambient.save(dataSource, entities)),
  load: ({ manager }, type, where, ...relations) => manager.findOneOrFail(type, { where, relations: named(relations) }),
  loadAll: ({ manager }, type, ...relations) => manager.find(type, { order: BY_ID, relations: named(relations) }),
  byHand: (dataSource) => {
    const runner = dataSource.createQueryRunner()
    const { save, remove, softRemove, recover } = workOf(runner.manager)
    return Promise.resolve({
      ...{ save, remove, softRemove, recover },
      begin: () => runner.startTransaction(),
      commit: () => runner.commitTransaction(),
      rollback: () => runner.rollbackTransaction(),
      get isOpen() {
        return runner.isTransactionActive
      },
      end: () => runner.release(),
    })
  },
  pick: (each) => each.ambient,
}

// ---- session

function writesOf(session: Session): Pick<Work, Operation> {
  const write =
    (give: (...entities: object[]) => void): Write =>
    async (entities) => {
      give(...listOf(entities))
      await session.flush()
      return entities
    }
  return {
    save: write((...entities) => session.add(...entities)),
    remove: write((...entities) => session.delete(...entities)),
    softRemove: write((...entities) => session.softRemove(...entities)),
    recover: write((...entities) => session.recover(...entities)),
  }
}

function workOfSession(session: Session): Work {
  return {
    session,
    manager: session.manager,
    ...writesOf(session),
    loadAll: (type) => session.find(type).all(),
    giveUp: (...entities) => entities.forEach((entity) => session.expunge(entity)),
    transaction: (fn) => session.transaction((nested) => fn(workOfSession(nested))),
  }
}

async function inSession<T>(dataSource: DataSource, fn: (session: OpenSession) => Promise<T>): Promise<T> {
  const session = openSession(dataSource)
  try {
    return await fn(session)
  } finally {
    await session.close()
  }
}

const ownSession: WayIn = {
  name: 'session',
  isSession: true,
  save: (dataSource, entities) => inSession(dataSource, (session) => writesOf(session).save(entities)),
  remove: (dataSource, entities) => inSession(dataSource, (session) => writesOf(session).remove(entities)),
  softRemove: (dataSource, entities) => inSession(dataSource, (session) => writesOf(session).softRemove(entities)),
  recover: (dataSource, entities) => inSession(dataSource, (session) => writesOf(session).recover(entities)),
  transaction: (dataSource, fn) => inSession(dataSource, (session) => session.transaction(() => fn(workOfSession(session)))),
  manager: (dataSource, fn) => inSession(dataSource, (session) => fn(session.manager)),
  seed: (dataSource, entities) => withoutExtensions(() => ownSession.save(dataSource, entities)),
  load: (dataSource, type, where, ...relations) =>
    inSession(dataSource, (session) =>
      session
        .find(type, where)
        .with(...(relations as never[]))
        .one(),
    ),
  loadAll: (dataSource, type, ...relations) =>
    inSession(dataSource, (session) =>
      session
        .find(type)
        .order(BY_ID)
        .with(...(relations as never[]))
        .all(),
    ),
  byHand: (dataSource) => {
    const session = openSession(dataSource)
    return Promise.resolve({
      ...writesOf(session),
      begin: () => session.begin(),
      commit: () => session.commit(),
      rollback: () => session.rollback(),
      get isOpen() {
        return session.scope !== null
      },
      end: () => session.close(),
    })
  },
  pick: (each) => each.session,
}

// ---- withSession

/** Commits what is pending when the block ends, in a transaction that begins with the first statement that may write. */
const block: WayIn = {
  ...ownSession,
  name: 'block',
  save: (dataSource, entities) => withSession(dataSource, (session) => given(entities, (...list) => session.add(...list))),
  remove: (dataSource, entities) => withSession(dataSource, (session) => given(entities, (...list) => session.delete(...list))),
  softRemove: (dataSource, entities) => withSession(dataSource, (session) => given(entities, (...list) => session.softRemove(...list))),
  recover: (dataSource, entities) => withSession(dataSource, (session) => given(entities, (...list) => session.recover(...list))),
  transaction: (dataSource, fn) => withSession(dataSource, (session) => fn(workOfSession(session))),
  manager: (dataSource, fn) => withSession(dataSource, (session) => fn(session.manager)),
  seed: (dataSource, entities) => withoutExtensions(() => block.save(dataSource, entities)),
  pick: <T>(each: { session: T; block?: T }) => ('block' in each ? each.block! : each.session),
}

function given<T extends Entities>(entities: T, give: (...entities: object[]) => void): Promise<T> {
  give(...listOf(entities))
  return Promise.resolve(entities)
}

/** The block is a session as well, so one TypeORM major shows what it does besides. */
export const WAYS: readonly WayIn[] = typeormMajor() === '1' ? [ambient, ownSession, block] : [ambient, ownSession]

/** A `describeDatabase` for each way in: the one contract both keep. */
export function describeWays(name: string, body: (way: WayIn) => void, databases?: readonly DatabaseName[]): void {
  for (const way of WAYS) describeDatabase(`${name} (${way.name} way)`, () => body(way), databases)
}
