/**
 * Shows that each propagation of typeorm-transactional leads to the commits it really makes, on pooled and on single connections.
 */
import {
  addTransactionalDataSource,
  deleteDataSourceByName,
  initializeTransactionalContext,
  Propagation,
  runInTransaction,
  StorageDriver,
} from 'typeorm-transactional'
import type { DataSource } from 'typeorm'
import { sessionOf, sessionSubscriber, type InstallOptions } from 'flushpoint'
import { closeAll, describeDatabase, openDataSource } from '../support/databases.js'
import { Book, recordHooks, titlesIn, type HookLog } from './support.js'

initializeTransactionalContext({ storageDriver: StorageDriver.ASYNC_LOCAL_STORAGE })

let dataSource: DataSource
let log: HookLog

async function open(options: InstallOptions = {}): Promise<void> {
  log = recordHooks()
  dataSource = await openDataSource({ entities: [Book], subscribers: [sessionSubscriber({ extensions: [log.extension], ...options })] })
  addTransactionalDataSource(dataSource)
}

async function close(): Promise<void> {
  deleteDataSourceByName('default')
  await dataSource.destroy()
}

const buy = (title: string) => dataSource.getRepository(Book).save(Book.of(title))

/** Writes one book outside and one inside, and fails where it is told to. */
async function outerAndInner(propagation: Propagation, fails?: 'inner' | 'outer'): Promise<void> {
  const fail = (place: typeof fails) => {
    if (fails === place) throw new Error(`${place} failed`)
  }
  await runInTransaction(async () => {
    await buy('Outer')
    const inner = async () => {
      await buy('Inner')
      fail('inner')
    }
    await runInTransaction(inner, { propagation }).catch(() => undefined)
    fail('outer')
  }).catch(() => undefined)
}

describeDatabase('every propagation of typeorm-transactional', () => {
  beforeEach(() => open())
  afterEach(close)
  afterAll(closeAll)

  it.each([Propagation.REQUIRED, Propagation.SUPPORTS, Propagation.MANDATORY])('joins for %s: one commit of all', async (propagation) => {
    await outerAndInner(propagation)
    expect(log.outcomes()).toEqual(['afterBegin transaction', 'afterCommit insert:Outer,insert:Inner'])
  })

  it.each([Propagation.REQUIRED, Propagation.SUPPORTS, Propagation.MANDATORY])('joins for %s: one rollback of all', async (propagation) => {
    await outerAndInner(propagation, 'outer')
    expect(log.outcomes()).toEqual(['afterBegin transaction', 'afterRollback transaction insert:Outer,insert:Inner'])
    expect(await titlesIn(dataSource)).toEqual([])
  })

  it('has one session for all that joins', async () => {
    await runInTransaction(async () => {
      const session = sessionOf(dataSource.manager)
      await runInTransaction(() => Promise.resolve(expect(sessionOf(dataSource.manager)).toBe(session)))
    })
  })

  it('makes each save its own commit for SUPPORTS without a transaction', async () => {
    const options = { propagation: Propagation.SUPPORTS }
    await runInTransaction(async () => [await buy('Dune'), await buy('Emma')], options)
    expect(log.outcomes()).toEqual([
      'afterBegin transaction',
      'afterCommit insert:Dune',
      'afterBegin transaction',
      'afterCommit insert:Emma',
    ])
  })

  it('fires nothing for a MANDATORY that is refused', async () => {
    await expect(runInTransaction(() => buy('Dune'), { propagation: Propagation.MANDATORY })).rejects.toThrow('MANDATORY')
    expect(log.lines).toEqual([])
  })

  it('commits the outer transaction after a NEVER that was refused', async () => {
    await outerAndInner(Propagation.NEVER)
    expect(log.outcomes()).toEqual(['afterBegin transaction', 'afterCommit insert:Outer'])
  })
})

// NESTED of typeorm-transactional 0.5 begins a transaction on another connection, as REQUIRES_NEW does.
const OF_ITS_OWN = [Propagation.REQUIRES_NEW, Propagation.NESTED]

describeDatabase(
  'a transaction of its own on a pool',
  () => {
    beforeEach(() => open())
    afterEach(close)

    it.each(OF_ITS_OWN)('tells two commits for %s', async (propagation) => {
      await outerAndInner(propagation)
      expect(log.outcomes()).toEqual([
        'afterBegin transaction',
        'afterBegin transaction',
        'afterCommit insert:Inner',
        'afterCommit insert:Outer',
      ])
    })

    it.each(OF_ITS_OWN)('keeps the commit of %s when the outer transaction is rolled back', async (propagation) => {
      await outerAndInner(propagation, 'outer')
      expect(log.outcomes().slice(2)).toEqual(['afterCommit insert:Inner', 'afterRollback transaction insert:Outer'])
      expect(await titlesIn(dataSource)).toEqual(['Inner'])
    })

    it.each(OF_ITS_OWN)('keeps the outer transaction when %s is rolled back', async (propagation) => {
      await outerAndInner(propagation, 'inner')
      expect(log.outcomes().slice(2)).toEqual(['afterRollback transaction insert:Inner', 'afterCommit insert:Outer'])
      expect(await titlesIn(dataSource)).toEqual(['Outer'])
    })

    it('has a session of its own inside REQUIRES_NEW', async () => {
      await runInTransaction(async () => {
        const outer = sessionOf(dataSource.manager)
        const options = { propagation: Propagation.REQUIRES_NEW }
        await runInTransaction(() => Promise.resolve(expect(sessionOf(dataSource.manager)).not.toBe(outer)), options)
        expect(sessionOf(dataSource.manager)).toBe(outer)
      })
    })

    it('lets NOT_SUPPORTED commit by itself', async () => {
      await outerAndInner(Propagation.NOT_SUPPORTED, 'outer')
      expect(log.outcomes().slice(2)).toEqual(['afterCommit insert:Inner', 'afterRollback transaction insert:Outer'])
      expect(await titlesIn(dataSource)).toEqual(['Inner'])
    })
  },
  ['postgres', 'mariadb'],
)

function describeSavepoints(): void {
  it.each(OF_ITS_OWN)('tells one commit for %s', async (propagation) => {
    await outerAndInner(propagation)
    expect(log.outcomes()).toEqual(['afterBegin transaction', 'afterBegin savepoint', 'afterCommit insert:Outer,insert:Inner'])
  })

  it.each(OF_ITS_OWN)('undoes %s with the outer transaction', async (propagation) => {
    await outerAndInner(propagation, 'outer')
    expect(log.outcomes().slice(2)).toEqual(['afterRollback transaction insert:Outer,insert:Inner'])
    expect(await titlesIn(dataSource)).toEqual([])
  })

  it.each(OF_ITS_OWN)('undoes %s alone', async (propagation) => {
    await outerAndInner(propagation, 'inner')
    expect(log.outcomes().slice(2)).toEqual(['afterRollback savepoint insert:Inner', 'afterCommit insert:Outer'])
    expect(await titlesIn(dataSource)).toEqual(['Outer'])
  })
}

describeDatabase(
  'a savepoint on a single connection',
  () => {
    beforeEach(() => open())
    afterEach(close)
    describeSavepoints()
  },
  ['sqlite', 'better-sqlite3'],
)

describeDatabase("a savepoint with globalManager: 'join'", () => {
  beforeEach(() => open({ globalManager: 'join' }))
  afterEach(close)
  describeSavepoints()
})
