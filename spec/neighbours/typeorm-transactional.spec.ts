/**
 * Shows flushpoint beside typeorm-transactional, in every order the two can be put on a DataSource: hooks fire once and in order, a
 * rollback reaches afterRollback, and the session is found from whatever that package hands out.
 */
import {
  addTransactionalDataSource,
  deleteDataSourceByName,
  initializeTransactionalContext,
  IsolationLevel,
  runInTransaction,
  runOnTransactionCommit,
  StorageDriver,
  Transactional,
} from 'typeorm-transactional'
import { DataSource } from 'typeorm'
import { install, sessionOf, sessionSubscriber, trySessionOf } from 'flushpoint'
import { closeAll, createDatabase, dataSourceOptions, describeDatabase, openDataSource, type ExtraOptions } from '../support/databases.js'
import { Book, extendedShelf, oneBook, recordHooks, Shelf, titlesIn, type HookLog } from './support.js'

type Open = (log: HookLog) => Promise<DataSource>

let isInitialised = false
function initialiseContext(): void {
  if (!isInitialised) initializeTransactionalContext({ storageDriver: StorageDriver.ASYNC_LOCAL_STORAGE })
  isInitialised = true
}

async function notInitialised(extra: ExtraOptions = {}): Promise<DataSource> {
  const options = dataSourceOptions({ entities: [Book], ...extra })
  await createDatabase(options)
  return new DataSource(options)
}

const ORDERS: [string, Open][] = [
  [
    'after flushpoint, on an initialised data source',
    async (log) => {
      const dataSource = await openDataSource({ entities: [Book], subscribers: [sessionSubscriber({ extensions: [log.extension] })] })
      initialiseContext()
      return addTransactionalDataSource(dataSource)
    },
  ],
  [
    'after install, before the data source is initialised',
    async (log) => {
      const dataSource = await notInitialised()
      install(dataSource, { extensions: [log.extension] })
      initialiseContext()
      return addTransactionalDataSource(dataSource).initialize()
    },
  ],
  [
    'before the data source is initialised with flushpoint in its options',
    async (log) => {
      initialiseContext()
      const dataSource = await notInitialised({ subscribers: [sessionSubscriber({ extensions: [log.extension] })] })
      return addTransactionalDataSource(dataSource).initialize()
    },
  ],
  [
    'before install, on an initialised data source',
    async (log) => {
      initialiseContext()
      const dataSource = await addTransactionalDataSource(await notInitialised()).initialize()
      install(dataSource, { extensions: [log.extension] })
      return dataSource
    },
  ],
]

class Library {
  constructor(readonly dataSource: DataSource) {}

  @Transactional()
  async buy(...wanted: string[]): Promise<void> {
    for (const title of wanted) await this.dataSource.getRepository(Book).save(Book.of(title))
  }
}

describeDatabase('beside typeorm-transactional', () => {
  afterAll(closeAll)

  describe.each(ORDERS)('added %s', (_order, open) => {
    let dataSource: DataSource
    let log: HookLog
    beforeEach(async () => {
      log = recordHooks()
      dataSource = await open(log)
    })
    afterEach(async () => {
      deleteDataSourceByName('default')
      await dataSource.destroy()
    })

    it('fires every hook once and in order for a decorated method', async () => {
      await new Library(dataSource).buy('Dune')
      expect(log.lines).toEqual(oneBook('Dune'))
    })

    it('fires every hook once and in order for a save without a transaction', async () => {
      await dataSource.getRepository(Book).save(Book.of('Dune'))
      expect(log.lines).toEqual(oneBook('Dune'))
    })

    it('writes what a hook has set', async () => {
      await new Library(dataSource).buy('Dune')
      expect(await dataSource.manager.findOneByOrFail(Book, {})).toMatchObject({ title: 'Dune', slug: 'dune' })
    })

    it('tells one commit for all saves of a method', async () => {
      await new Library(dataSource).buy('Dune', 'Emma')
      expect(log.outcomes()).toEqual(['afterBegin transaction', 'afterCommit insert:Dune,insert:Emma'])
    })

    it('tells a rollback of what the method wrote', async () => {
      const library = new Library(dataSource)
      const failing = runInTransaction(async () => {
        await library.buy('Dune')
        throw new Error('sold out')
      })
      await expect(failing).rejects.toThrow('sold out')
      expect(log.outcomes()).toEqual(['afterBegin transaction', 'afterRollback transaction insert:Dune'])
      expect(await titlesIn(dataSource)).toEqual([])
    })

    it('finds one session from manager, runner, repositories and active record', async () => {
      const shelf = Shelf.on(dataSource)
      const extended = extendedShelf(dataSource)
      await runInTransaction(async () => {
        const { manager } = dataSource
        const session = sessionOf(manager)
        expect(session.manager).toBe(manager)
        const sources = [manager.queryRunner!, dataSource.getRepository(Book), shelf, extended, Book.getRepository(), { manager }]
        expect(sources.map((source) => sessionOf(source) === session)).toEqual(sources.map(() => true))
      })
      expect([dataSource.manager, shelf, extended].map(trySessionOf)).toEqual([undefined, undefined, undefined])
    })

    it('takes active record and custom repositories into the transaction', async () => {
      const shelf = Shelf.on(dataSource)
      const extended = extendedShelf(dataSource)
      await runInTransaction(async () => {
        await Book.of('Dune').save()
        await shelf.put('Emma')
        await extended.put('Ulysses')
      })
      expect(log.outcomes()).toEqual(['afterBegin transaction', 'afterCommit insert:Dune,insert:Emma,insert:Ulysses'])
      expect(await titlesIn(dataSource)).toEqual(['Dune', 'Emma', 'Ulysses'])
    })

    it('calls onCommit of the session before the commit hooks of typeorm-transactional', async () => {
      const order: string[] = []
      let tell!: () => void
      const told = new Promise<void>((resolve) => (tell = resolve))
      await runInTransaction(async () => {
        runOnTransactionCommit(() => {
          order.push('runOnTransactionCommit')
          tell()
        })
        sessionOf(dataSource.manager).onCommit((changes) => void order.push(`onCommit ${changes.length}`))
        await Book.of('Dune').save()
      })
      await told
      expect(order).toEqual(['onCommit 1', 'runOnTransactionCommit'])
    })

    it('takes writes by query of data source and repository into the transaction', async () => {
      await runInTransaction(async () => {
        await Book.of('Dune').save()
        log.lines.length = 0
        await dataSource.createQueryBuilder().update(Book).set({ slug: 'a' }).where({ title: 'Dune' }).execute()
        await dataSource.getRepository(Book).delete({ title: 'Dune' })
      })
      const bulk = ['beforeBulk update', 'afterBulk update 1', 'beforeBulk delete', 'afterBulk delete 1']
      expect(log.lines).toEqual([...bulk, 'beforeCommit', 'afterCommit insert:Dune'])
    })

    it('begins with the isolation level it is given', async () => {
      await runInTransaction(() => Book.of('Dune').save(), { isolationLevel: IsolationLevel.SERIALIZABLE })
      expect(log.lines).toEqual(oneBook('Dune'))
    })

    it('keeps transactions that run at once apart', async () => {
      const library = new Library(dataSource)
      await Promise.all(['Dune', 'Emma', 'Ulysses'].map((title) => library.buy(title)))
      const commits = log.lines.filter((line) => line.startsWith('afterCommit'))
      expect(commits.sort()).toEqual(['afterCommit insert:Dune', 'afterCommit insert:Emma', 'afterCommit insert:Ulysses'])
    })
  })

  it.each(['before', 'after'])('keeps working when flushpoint, installed %s it, is taken off', async (when) => {
    initialiseContext()
    const log = recordHooks()
    const dataSource = await openDataSource({ entities: [Book] })
    if (when === 'after') addTransactionalDataSource(dataSource)
    const uninstall = install(dataSource, { extensions: [log.extension] })
    if (when === 'before') addTransactionalDataSource(dataSource)
    uninstall()
    await new Library(dataSource).buy('Dune')
    await runInTransaction(async () => {
      await Book.of('Emma').save()
      throw new Error('sold out')
    }).catch(() => undefined)
    deleteDataSourceByName('default')
    expect(log.lines).toEqual([])
    expect(await titlesIn(dataSource)).toEqual(['Dune'])
  })
})
