/**
 * Shows flushpoint beside nestjs-cls with its transactional plugin and TypeORM adapter, put on the data source before and after the
 * plugin: hooks fire once and in order, a rollback reaches afterRollback, and the session is found from whatever the plugin hands out.
 */
import { Inject, Injectable, type INestApplicationContext } from '@nestjs/common'
import { Test } from '@nestjs/testing'
import { getDataSourceToken, TypeOrmModule } from '@nestjs/typeorm'
import { ClsPluginTransactional, getTransactionToken, Propagation, Transactional, TransactionHost } from '@nestjs-cls/transactional'
import { TransactionalAdapterTypeOrm } from '@nestjs-cls/transactional-adapter-typeorm'
import { ClsModule } from 'nestjs-cls'
import { DataSource, type EntityManager } from 'typeorm'
import { install, sessionOf, sessionSubscriber, trySessionOf } from 'flushpoint'
import {
  closeAll,
  createDatabase,
  dataSourceOptions,
  describeDatabase,
  isSingleConnection,
  type ExtraOptions,
} from '../support/databases.js'
import { Book, extendedShelf, oneBook, recordHooks, Shelf, titlesIn, type HookLog } from './support.js'

type Host = TransactionHost<TransactionalAdapterTypeOrm>

@Injectable()
class Library {
  constructor(@Inject(TransactionHost) readonly host: Host) {}

  @Transactional()
  async buy(...wanted: string[]): Promise<void> {
    for (const title of wanted) await this.host.tx.save(Book.of(title))
  }
}

async function application(extra: ExtraOptions, prepare: (dataSource: DataSource) => void = () => {}): Promise<INestApplicationContext> {
  const options = dataSourceOptions({ entities: [Book], ...extra })
  await createDatabase(options)
  const plugin = new ClsPluginTransactional({
    imports: [TypeOrmModule],
    adapter: new TransactionalAdapterTypeOrm({ dataSourceToken: getDataSourceToken() }),
    enableTransactionProxy: true,
  })
  const dataSourceFactory = (): Promise<DataSource> => {
    const dataSource = new DataSource(options)
    prepare(dataSource)
    return Promise.resolve(dataSource)
  }
  const module = await Test.createTestingModule({
    imports: [TypeOrmModule.forRootAsync({ useFactory: () => options, dataSourceFactory }), ClsModule.forRoot({ plugins: [plugin] })],
    providers: [Library],
  }).compile()
  return module.init()
}

const ORDERS: [string, (log: HookLog) => Promise<INestApplicationContext>][] = [
  ['in the options', (log) => application({ subscribers: [sessionSubscriber({ extensions: [log.extension] })] })],
  ['before the plugin', (log) => application({}, (dataSource) => install(dataSource, { extensions: [log.extension] }))],
  [
    'after the plugin',
    async (log) => {
      const app = await application({})
      install(app.get(DataSource), { extensions: [log.extension] })
      return app
    },
  ],
]

describeDatabase('beside nestjs-cls', () => {
  afterAll(closeAll)

  describe.each(ORDERS)('installed %s', (_order, open) => {
    let app: INestApplicationContext
    let dataSource: DataSource
    let host: Host
    let log: HookLog
    beforeEach(async () => {
      log = recordHooks()
      app = await open(log)
      dataSource = app.get(DataSource)
      host = app.get<Host>(TransactionHost)
    })
    afterEach(() => app.close())

    const buy = (title: string) => host.tx.save(Book.of(title))
    const outerAndInner = async (propagation: Propagation, fails: 'inner' | 'outer' | 'none') => {
      const outer = async () => {
        await buy('Outer')
        const inner = async () => {
          await buy('Inner')
          if (fails === 'inner') throw new Error('inner failed')
        }
        await host.withTransaction(propagation, inner).catch(() => undefined)
        if (fails === 'outer') throw new Error('outer failed')
      }
      await host.withTransaction(outer).catch(() => undefined)
    }

    it('fires every hook once and in order for a decorated method', async () => {
      await app.get(Library).buy('Dune')
      expect(log.lines).toEqual(oneBook('Dune'))
      expect(await dataSource.manager.findOneByOrFail(Book, {})).toMatchObject({ title: 'Dune', slug: 'dune' })
    })

    it('fires every hook once and in order outside of a transaction', async () => {
      await buy('Dune')
      expect(log.lines).toEqual(oneBook('Dune'))
    })

    it('tells one commit for all that joins', async () => {
      await outerAndInner(Propagation.Required, 'none')
      expect(log.outcomes()).toEqual(['afterBegin transaction', 'afterCommit insert:Outer,insert:Inner'])
    })

    it('tells a rollback of what the method wrote', async () => {
      await outerAndInner(Propagation.Required, 'outer')
      expect(log.outcomes()).toEqual(['afterBegin transaction', 'afterRollback transaction insert:Outer,insert:Inner'])
      expect(await titlesIn(dataSource)).toEqual([])
    })

    it('commits nothing when a nested transaction is released', async () => {
      await outerAndInner(Propagation.Nested, 'outer')
      expect(log.outcomes()).toEqual([
        'afterBegin transaction',
        'afterBegin savepoint',
        'afterRollback transaction insert:Outer,insert:Inner',
      ])
    })

    it('undoes a nested transaction alone', async () => {
      await outerAndInner(Propagation.Nested, 'inner')
      expect(log.outcomes().slice(2)).toEqual(['afterRollback savepoint insert:Inner', 'afterCommit insert:Outer'])
      expect(await titlesIn(dataSource)).toEqual(['Outer'])
    })

    it('keeps a required-new commit on a pool, and undoes it with the outer one on a single connection', async () => {
      await outerAndInner(Propagation.RequiresNew, 'outer')
      const onPool = ['afterBegin transaction', 'afterCommit insert:Inner', 'afterRollback transaction insert:Outer']
      const onOne = ['afterBegin savepoint', 'afterRollback transaction insert:Outer,insert:Inner']
      expect(log.outcomes().slice(1)).toEqual(isSingleConnection() ? onOne : onPool)
      expect(await titlesIn(dataSource)).toEqual(isSingleConnection() ? [] : ['Inner'])
    })

    it('finds one session from the host, the proxy and what they make', async () => {
      const proxy = app.get<EntityManager>(getTransactionToken())
      const shelf = Shelf.on(dataSource)
      const extended = extendedShelf(dataSource)
      await host.withTransaction(() => {
        const { tx } = host
        const session = sessionOf(tx)
        const repositories = [tx.getRepository(Book), tx.withRepository(shelf), tx.withRepository(extended)]
        const sources = [proxy, tx.queryRunner!, ...repositories, { manager: tx }, { manager: proxy }, session.manager]
        expect(sources.map((source) => sessionOf(source) === session)).toEqual(sources.map(() => true))
        return Promise.resolve()
      })
      expect(trySessionOf(host.tx)).toBeUndefined()
      expect(trySessionOf(proxy)).toBeUndefined()
    })

    it('takes custom repositories into the transaction', async () => {
      const shelf = Shelf.on(dataSource)
      await host.withTransaction(async () => {
        await host.tx.withRepository(shelf).put('Dune')
        await app.get<EntityManager>(getTransactionToken()).save(Book.of('Emma'))
      })
      expect(log.outcomes()).toEqual(['afterBegin transaction', 'afterCommit insert:Dune,insert:Emma'])
    })

    it('calls onCommit of the session once, with all of the transaction', async () => {
      const told: number[] = []
      await host.withTransaction(async () => {
        sessionOf(host.tx).onCommit((changes) => void told.push(changes.length))
        await app.get(Library).buy('Dune', 'Emma')
      })
      expect(told).toEqual([2])
    })

    it('keeps transactions that run at once apart', async () => {
      await Promise.all(['Dune', 'Emma'].map((title) => app.get(Library).buy(title)))
      const commits = log.lines.filter((line) => line.startsWith('afterCommit'))
      expect(commits.sort()).toEqual(['afterCommit insert:Dune', 'afterCommit insert:Emma'])
    })
  })
  it("takes active record and injected repositories into the transaction with globalManager: 'join'", async () => {
    const log = recordHooks()
    const app = await application({ subscribers: [sessionSubscriber({ extensions: [log.extension], globalManager: 'join' })] })
    const dataSource = app.get(DataSource)
    await app.get<Host>(TransactionHost).withTransaction(async () => {
      await Book.of('Dune').save()
      await Shelf.on(dataSource).put('Emma')
      await dataSource.getRepository(Book).save(Book.of('Ulysses'))
    })
    expect(log.outcomes()).toEqual(['afterBegin transaction', 'afterCommit insert:Dune,insert:Emma,insert:Ulysses'])
    await app.close()
  })
})
