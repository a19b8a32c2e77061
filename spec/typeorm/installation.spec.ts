/**
 * How flushpoint gets on a DataSource and off again: subscriber or install, once or several times, beside other packages.
 *
 * @module
 */
import { install, SessionExtension, sessionSubscriber } from 'flushpoint'
import { DataSource, type QueryRunner } from 'typeorm'
import { closeAll, createDatabase, dataSourceOptions, describeDatabase, openDataSource } from '../support/databases.js'
import { Author, ENTITIES, make } from '../support/models.js'
import { collectWarnings, logTransactions, namesOf, openLogged } from '../support/transaction-log.js'

const author = (name: string) => make(Author, { name })

/** A session extension that notes its name at every flush. */
function named(name: string, log: string[]) {
  return class extends SessionExtension {
    override beforeFlush() {
      log.push(name)
    }
  }
}

const bare = () => openDataSource({ entities: ENTITIES })

describeDatabase('install', () => {
  afterEach(closeAll)

  it('puts flushpoint on an open data source', async () => {
    const log: string[] = []
    const dataSource = await bare()
    install(dataSource, { extensions: [named('a', log)] })
    await dataSource.manager.save(author('Ann'))
    expect(log).toEqual(['a'])
  })

  it('works before the data source is initialised', async () => {
    const log: string[] = []
    const options = dataSourceOptions({ entities: ENTITIES })
    await createDatabase(options)
    const dataSource = new DataSource(options)
    install(dataSource, { extensions: [named('a', log)] })
    await dataSource.initialize()
    await dataSource.manager.save(author('Ann'))
    await dataSource.destroy()
    expect(log).toEqual(['a'])
  })

  it('merges several calls and the subscriber in their order, each extension once', async () => {
    const log: string[] = []
    const [a, b, c] = [named('a', log), named('b', log), named('c', log)]
    const dataSource = await openDataSource({ entities: ENTITIES, subscribers: [sessionSubscriber({ extensions: [a] })] })
    install(dataSource, { extensions: [a, b] })
    install(dataSource, { extensions: [c, b] })
    install(dataSource)
    await dataSource.manager.save(author('Ann'))
    expect(log).toEqual(['a', 'b', 'c'])
  })

  it('lets a later call change an option and leaves the others as they were', async () => {
    const heard: string[] = []
    class Late extends SessionExtension {
      override afterCommit() {
        throw new Error('late')
      }
    }
    const dataSource = await bare()
    install(dataSource, { extensions: [Late], onHookError: () => void heard.push('first') })
    const uninstall = install(dataSource, { onHookError: () => void heard.push('second') })
    await dataSource.manager.save(author('Ann'))
    uninstall()
    await dataSource.manager.save(author('Bea'))
    expect(heard).toEqual(['second', 'first'])
  })
})

describeDatabase('uninstall', () => {
  afterEach(closeAll)

  it('takes one call back and leaves the others', async () => {
    const log: string[] = []
    const dataSource = await bare()
    const uninstall = install(dataSource, { extensions: [named('a', log)] })
    install(dataSource, { extensions: [named('b', log)] })
    uninstall()
    uninstall()
    await dataSource.manager.save(author('Ann'))
    expect(log).toEqual(['b'])
  })

  it('leaves no trace when the last one is taken back', async () => {
    const log: string[] = []
    const dataSource = await bare()
    const { subscribers, manager } = dataSource
    const before = [dataSource.createQueryRunner, manager.transaction, subscribers.length]
    const uninstall = install(dataSource, { extensions: [named('a', log)] })
    await manager.save(author('Ann'))
    uninstall()
    await manager.save(author('Bea'))
    expect(log).toEqual(['a'])
    expect([dataSource.createQueryRunner, manager.transaction, subscribers.length]).toEqual(before)
    expect([Object.hasOwn(dataSource, 'createQueryRunner'), Object.hasOwn(manager, 'transaction')]).toEqual([false, false])
  })

  it('gives back the method that another package had wrapped before', async () => {
    const dataSource = await bare()
    const original = dataSource.createQueryRunner.bind(dataSource)
    let calls = 0
    const theirs = (mode?: 'master' | 'slave'): QueryRunner => {
      calls++
      return original(mode)
    }
    dataSource.createQueryRunner = theirs
    const uninstall = install(dataSource)
    await dataSource.manager.save(author('Ann'))
    expect(calls).toBe(1)
    uninstall()
    expect(dataSource.createQueryRunner).toBe(theirs)
  })

  it('leaves the method that another package has wrapped since, and is inert inside it', async () => {
    const log: string[] = []
    const dataSource = await bare()
    const uninstall = install(dataSource, { extensions: [named('a', log)] })
    const ours = dataSource.createQueryRunner.bind(dataSource)
    const theirs = (mode?: 'master' | 'slave'): QueryRunner => ours(mode)
    dataSource.createQueryRunner = theirs
    await dataSource.manager.save(author('Ann'))
    uninstall()
    await dataSource.manager.save(author('Bea'))
    expect(dataSource.createQueryRunner).toBe(theirs)
    expect(log).toEqual(['a'])
    expect(await namesOf(dataSource, Author)).toEqual(['Ann', 'Bea'])
  })

  it('lets a transaction that is open come to its end', async () => {
    const dataSource = await bare()
    const uninstall = install(dataSource, { extensions: [named('a', [])] })
    await dataSource.transaction(async (manager) => {
      await manager.save(author('Ann'))
      uninstall()
      await manager.save(author('Bea'))
    })
    await dataSource.manager.save(author('Cid'))
    expect(await namesOf(dataSource, Author)).toEqual(['Ann', 'Bea', 'Cid'])
  })

  it('can be followed by another install', async () => {
    const lines: string[] = []
    const dataSource = await bare()
    install(dataSource, { extensions: [logTransactions([])] })()
    install(dataSource, { extensions: [logTransactions(lines)] })
    await dataSource.manager.save(author('Ann'))
    expect(lines).toEqual(['begin transaction 1', 'beforeCommit', 'commit: insert Ann'])
  })
})

describeDatabase('a session subscriber', () => {
  afterEach(closeAll)
  afterEach(() => jest.restoreAllMocks())

  it('pushed before the data source is initialised is not lost', async () => {
    const log: string[] = []
    const options = dataSourceOptions({ entities: ENTITIES })
    await createDatabase(options)
    const dataSource = new DataSource(options)
    dataSource.subscribers.push(new (sessionSubscriber({ extensions: [named('a', log)] }))())
    await dataSource.initialize()
    await dataSource.manager.save(author('Ann'))
    await dataSource.destroy()
    expect(log).toEqual(['a'])
  })

  it('pushed after that works from its first event on, and a warning says so', async () => {
    const warnings = collectWarnings()
    const log: string[] = []
    const dataSource = await bare()
    dataSource.subscribers.push(new (sessionSubscriber({ extensions: [named('a', log)] }))())
    await dataSource.manager.save(author('Ann'))
    await dataSource.manager.save(author('Bea'))
    expect(log).toEqual(['a', 'a'])
    expect(warnings.codes).toEqual(['SUBSCRIBER_PUSHED_LATE'])
  })

  it('keeps working when its data source is destroyed and initialised again', async () => {
    const { dataSource, lines } = await openLogged()
    await dataSource.manager.save(author('Ann'))
    await dataSource.destroy()
    await dataSource.initialize()
    await dataSource.manager.save(author('Bea'))
    const one = (name: string) => ['begin transaction 1', 'beforeCommit', `commit: insert ${name}`]
    expect(lines).toEqual([...one('Ann'), ...one('Bea')])
  })

  it('installed by hand also survives destroy and initialise', async () => {
    const log: string[] = []
    const dataSource = await bare()
    const uninstall = install(dataSource, { extensions: [named('a', log)] })
    await dataSource.destroy()
    await dataSource.initialize()
    await dataSource.manager.save(author('Ann'))
    uninstall()
    await dataSource.manager.save(author('Bea'))
    expect(log).toEqual(['a'])
  })

  it('can serve several data sources, each independent of the other', async () => {
    const sources: DataSource[] = []
    class Where extends SessionExtension {
      override beforeFlush() {
        sources.push(this.session.dataSource)
      }
    }
    const Subscriber = sessionSubscriber({ extensions: [Where] })
    const open = () => openDataSource({ entities: ENTITIES, subscribers: [Subscriber] })
    const [one, two, other] = [await open(), await open(), await bare()]
    await one.transaction(async (manager) => {
      await manager.save(author('one'))
      await two.manager.save(author('two'))
      await other.manager.save(author('other'))
      await expect(two.transaction((inner) => inner.save(author('no')).then(() => Promise.reject(new Error('no'))))).rejects.toThrow('no')
    })
    expect(sources).toEqual([one, two, two])
    expect([await namesOf(one, Author), await namesOf(two, Author), await namesOf(other, Author)]).toEqual([['one'], ['two'], ['other']])
  })
})
