/**
 * Shows where plain TypeORM code finds its session: managers, query runners, repositories of every make, active record, hooks, and what
 * is no source at all.
 */
import type { DataSource } from 'typeorm'
import { hasErrorCode, SessionExtension, sessionOf, sessionSubscriber, trySessionOf, type InstallOptions, type Session } from 'flushpoint'
import { closeAll, describeDatabase, isSingleConnection, openDataSource } from '../support/databases.js'
import { Book, extendedShelf, recordHooks, Shelf, type HookLog } from './support.js'

describeDatabase('sessionOf', () => {
  let dataSource: DataSource
  let log: HookLog
  async function open(options: InstallOptions = {}): Promise<void> {
    log = recordHooks()
    dataSource = await openDataSource({ entities: [Book], subscribers: [sessionSubscriber({ extensions: [log.extension], ...options })] })
  }
  beforeEach(() => open())
  afterEach(() => dataSource.destroy())
  afterAll(closeAll)

  it('finds one session from whatever works in a transaction', async () => {
    await dataSource.transaction((manager) => {
      const session = sessionOf(manager)
      const repositories = [manager.getRepository(Book), manager.withRepository(Shelf.on(dataSource))]
      const sources = [manager.queryRunner!, ...repositories, manager.withRepository(extendedShelf(dataSource)), { manager }]
      expect(sources.map((source) => sessionOf(source) === session)).toEqual(sources.map(() => true))
      expect(sessionOf(session.manager)).toBe(session)
      return Promise.resolve()
    })
  })

  it('finds the session of the outer transaction in a nested one', async () => {
    await dataSource.transaction(async (outer) => {
      const session = sessionOf(outer)
      await outer.transaction((inner) => Promise.resolve(expect(sessionOf(inner)).toBe(session)))
    })
  })

  it('finds the session of a transaction begun by hand', async () => {
    const runner = dataSource.createQueryRunner()
    await runner.startTransaction()
    const session = sessionOf(runner)
    expect(sessionOf(runner.manager)).toBe(session)
    await runner.rollbackTransaction()
    expect(trySessionOf(runner)).toBeUndefined()
    await runner.release()
  })

  it('finds no session where nothing is running', () => {
    const sources = [dataSource.manager, dataSource.getRepository(Book), Shelf.on(dataSource), Book.getRepository(), dataSource]
    expect(sources.map(trySessionOf)).toEqual(sources.map(() => undefined))
  })

  it('finds another session for the next transaction', async () => {
    const sessions: Session[] = []
    for (const title of ['Dune', 'Emma']) {
      await dataSource.transaction(async (manager) => {
        sessions.push(sessionOf(manager))
        await manager.save(Book.of(title))
      })
    }
    expect(sessions[0]).not.toBe(sessions[1])
  })

  it('finds the session of a write inside its hooks', async () => {
    const found: boolean[] = []
    class Look extends SessionExtension {
      override beforeInsert() {
        found.push(sessionOf(this.session.manager) === this.session)
      }
    }
    await dataSource.destroy()
    await open({ extensions: [Look] })
    await Book.of('Dune').save()
    expect(found).toEqual([true])
  })

  it('finds the global manager’s and active record’s session in a transaction on a single connection alone', async () => {
    await dataSource.transaction((manager) => {
      const expected = isSingleConnection() ? sessionOf(manager) : undefined
      const sources = [dataSource.manager, Book.getRepository(), Shelf.on(dataSource), extendedShelf(dataSource), dataSource]
      expect(sources.map((source) => trySessionOf(source) === expected)).toEqual(sources.map(() => true))
      return Promise.resolve()
    })
  })

  it('finds the global manager’s and active record’s session on every driver with globalManager: join', async () => {
    await dataSource.destroy()
    await open({ globalManager: 'join' })
    await dataSource.transaction(async (manager) => {
      const sources = [dataSource.manager, Book.getRepository(), Shelf.on(dataSource), extendedShelf(dataSource), dataSource]
      expect(sources.map((source) => trySessionOf(source) === sessionOf(manager))).toEqual(sources.map(() => true))
      await Book.of('Dune').save()
      await Shelf.on(dataSource).put('Emma')
    })
    expect(log.outcomes()).toEqual(['afterBegin transaction', 'afterCommit insert:Dune,insert:Emma'])
  })

  it('throws where nothing is running, with the way out', () => {
    const look = () => sessionOf(dataSource.manager)
    expect(look).toThrow(expect.objectContaining({ code: 'SESSION_NOT_FOUND', fix: expect.stringContaining('trySessionOf') }))
  })

  it('finds no session on a data source without flushpoint', async () => {
    const bare = await openDataSource({ entities: [Book] })
    await bare.transaction((manager) => Promise.resolve(expect(trySessionOf(manager)).toBeUndefined()))
  })

  it.each([
    ['undefined', undefined],
    ['null', null],
    ['an entity', Book.of('Dune')],
    ['a class', Book],
    ['a name', 'manager'],
    ['nothing', {}],
  ])('refuses %s as a source', (_what, source) => {
    let thrown: unknown
    try {
      trySessionOf(source as never)
    } catch (error) {
      thrown = error
    }
    expect(hasErrorCode(thrown, 'SESSION_SOURCE_INVALID')).toBe(true)
  })
})
