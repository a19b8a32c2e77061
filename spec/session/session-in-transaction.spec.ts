/**
 * Sessions inside transactions, and everything else inside sessions: where there is one connection, what is nested joins.
 *
 * @module
 */
import { currentSession, openSession, withSession } from 'flushpoint'
import { errorOf, log, sessionLog, useDatabase } from '../support/chains.js'
import { describeDatabase, isSingleConnection, openDataSource } from '../support/databases.js'
import { Author, ENTITIES, make, Tag } from '../support/models.js'

const author = (name: string) => make(Author, { name })
const no = () => Promise.reject(new Error('no'))
const LEVELS = ['afterBegin', 'beforeCommit', 'afterCommit', 'afterRollback'] as const

describeDatabase('a session', () => {
  const database = useDatabase()
  beforeEach(() => void database.use())
  const names = async () => (await database.ds.manager.find(Author, { order: { name: 'ASC' } })).map(({ name }) => name)

  it('inside dataSource.transaction is committed with it where there is one connection, and at once on a pool', async () => {
    await database.ds.transaction(async (manager) => {
      await manager.save(author('outer'))
      await using session = openSession(database.ds)
      session.add(author('inner'))
      expect((await session.flush()).inserted).toBe(1)
    })
    expect(await names()).toEqual(['inner', 'outer'])
    await errorOf(
      database.ds.transaction(async (manager) => {
        await manager.save(author('undone'))
        await using session = openSession(database.ds)
        session.add(author('flushed'))
        await session.flush()
        throw new Error('no')
      }),
    )
    expect(await names()).toEqual([...(isSingleConnection() ? [] : ['flushed']), 'inner', 'outer'])
  })

  it('inside a transaction that began before flushpoint was there joins it as well', async () => {
    const plain = await openDataSource({ entities: ENTITIES })
    await plain.transaction(async (manager) => {
      await manager.save(author('outer'))
      await using session = openSession(plain)
      session.add(author('inner'))
      await session.flush()
    })
    expect(await plain.manager.count(Author)).toBe(2)
    await withSession(plain, (session) => Promise.resolve(session.add(author('after'))))
    expect(await plain.manager.count(Author)).toBe(3)
  })

  it('inside dataSource.transaction may be rolled back alone', async () => {
    await database.ds.transaction(async (manager) => {
      await manager.save(author('outer'))
      await using session = openSession(database.ds)
      await session.begin()
      session.add(author('inner'))
      await session.flush()
      await session.rollback()
      await errorOf(withSession(database.ds, (block) => (block.add(author('block')), block.flush().then(no))))
      await manager.save(author('outer, later'))
    })
    expect(await names()).toEqual(['outer', 'outer, later'])
  })

  it('may read and commit several times inside dataSource.transaction', async () => {
    await database.ds.transaction(async () => {
      await using session = openSession(database.ds)
      for (const name of ['a', 'b', 'c']) {
        session.add(author(name))
        await session.commit()
        expect(await session.find(Author).count()).toBe(name.charCodeAt(0) - 96)
      }
    })
    expect(await names()).toEqual(['a', 'b', 'c'])
  })

  it('of a block lets a global repository and manager write without a deadlock', async () => {
    const repository = database.ds.getRepository(Author)
    await withSession(database.ds, async (session) => {
      session.add(author('session'))
      await session.flush()
      await repository.save(author('repository'))
      await database.ds.manager.insert(Author, { name: 'manager' })
      await database.ds.transaction((manager) => manager.save(author('transaction')))
      expect(await repository.find()).toHaveLength(isSingleConnection() ? 4 : 3)
      expect(currentSession()).toBe(session)
    })
    expect(await names()).toEqual(['manager', 'repository', 'session', 'transaction'])
  })

  it('of a block that is rolled back takes along what joined it, where there is one connection', async () => {
    await errorOf(
      withSession(database.ds, async (session) => {
        session.add(author('session'))
        await session.flush()
        await database.ds.getRepository(Author).save(author('repository'))
        return no()
      }),
    )
    expect(await names()).toEqual(isSingleConnection() ? [] : ['repository'])
  })

  it('inside another block is a session of its own, with its own extensions', async () => {
    const options = (name: string) => ({ extensions: [sessionLog(name, ['beforeInsert', ...LEVELS])] })
    await withSession(database.ds, options('outer'), async (outer) => {
      outer.add(author('outer'))
      await outer.flush()
      await withSession(database.ds, options('inner'), async (inner) => {
        expect(inner).not.toBe(outer)
        expect(await inner.find(Author)).toHaveLength(isSingleConnection() ? 1 : 0)
        inner.add(author('inner'))
      })
      expect(await database.ds.manager.countBy(Author, { name: 'inner' })).toBe(1)
      await errorOf(withSession(database.ds, (inner) => (inner.add(author('undone')), inner.flush().then(no))))
    })
    expect(await names()).toEqual(['inner', 'outer'])
    expect(log.filter((line) => line.includes('Insert'))).toEqual(['outer.beforeInsert outer', 'inner.beforeInsert inner'])
    expect(log.filter((line) => line.includes('afterCommit')).sort()).toEqual(['inner.afterCommit', 'outer.afterCommit'])
  })

  it('of one request never sees the work of another, whatever the order', async () => {
    const order: string[] = []
    const request = (name: string, turns: number) =>
      withSession(database.ds, async (session) => {
        session.add(author(name))
        await session.flush()
        for (let turn = 0; turn < turns; turn++) await new Promise((resolve) => setImmediate(resolve))
        expect(await session.find(Author, { name }).count()).toBe(1)
        expect(session.journal).toHaveLength(1)
        order.push(name)
        if (turns % 2 === 1) throw new Error(name)
      })
    await Promise.allSettled(['a', 'b', 'c', 'd', 'e', 'f'].map((name, index) => request(name, index)))
    expect(order.slice().sort()).toEqual(['a', 'b', 'c', 'd', 'e', 'f'])
    expect(await names()).toEqual(['a', 'c', 'e'])
  })

  it('opened in a hook of another writes without waiting for it', async () => {
    await using session = openSession(database.ds, {
      extensions: [
        class extends sessionLog('S', []) {
          override async afterInsert(entity: object) {
            if (!(entity instanceof Author)) return
            await using own = openSession(database.ds)
            own.add(make(Tag, { name: `of ${entity.name}` }))
            await own.flush()
          }
        },
      ],
    })
    session.add(author('Ann'))
    await session.flush()
    expect(await database.ds.manager.countBy(Tag, { name: 'of Ann' })).toBe(1)
  })

  it('that is open by hand lets a global save wait until it is over, where there is one connection', async () => {
    await using session = openSession(database.ds)
    await session.begin()
    session.add(author('session'))
    await session.flush()
    let isSaved = false
    const saving = database.ds.manager.save(make(Tag, { name: 'global' })).then(
      () => (isSaved = true),
      (error: Error) => error,
    )
    await new Promise((resolve) => setTimeout(resolve, 50))
    if (isSingleConnection()) expect(isSaved).toBe(false)
    await session.commit()
    expect(await saving).toBe(true)
    expect(await names()).toEqual(['session'])
  })
})
