/**
 * Nested transactions: a released savepoint commits nothing, a rolled-back one takes only its own changes with it.
 *
 * @module
 */
import { SessionExtension, type TransactionScope } from 'flushpoint'
import { closeAll, describeDatabase, recordStatements } from '../support/databases.js'
import { Author, make } from '../support/models.js'
import { errorOf, namesOf, openLogged, tellAll } from '../support/transaction-log.js'
import { describeWays } from '../support/ways-in.js'

const author = (name: string) => make(Author, { name })

describeWays('a nested transaction', (way) => {
  afterEach(closeAll)

  it('commits nothing when its savepoint is released', async () => {
    const { dataSource, lines } = await openLogged()
    await way.transaction(dataSource, async (outer) => {
      await outer.transaction((inner) => inner.save(author('Ann')))
      lines.push('released')
    })
    expect(lines).toEqual(['begin transaction 1', 'begin savepoint 2', 'released', 'beforeCommit', 'commit: insert Ann'])
  })

  it('is told as undone, with everything else, when the outer one rolls back after the release', async () => {
    const { dataSource, lines } = await openLogged()
    const work = way.transaction(dataSource, async (outer) => {
      await outer.save(author('Ann'))
      await outer.transaction((inner) => inner.save(author('Bea')))
      throw new Error('no')
    })
    await expect(work).rejects.toThrow('no')
    expect(lines).toEqual(['begin transaction 1', 'begin savepoint 2', 'rollback transaction 1: insert Ann, insert Bea'])
  })

  it('truncates the journal to its savepoint when it rolls back', async () => {
    const { dataSource, lines } = await openLogged()
    const journal = await way.transaction(dataSource, async (outer) => {
      await outer.save(author('Ann'))
      await errorOf(outer.transaction(async (inner) => inner.save(author('Bea')).then(() => Promise.reject(new Error('no')))))
      await outer.save(author('Cid'))
      return tellAll(outer.session.journal)
    })
    expect(journal).toBe('insert Ann, insert Cid')
    expect(lines).toEqual([
      'begin transaction 1',
      'begin savepoint 2',
      'rollback savepoint 2: insert Bea',
      'beforeCommit',
      'commit: insert Ann, insert Cid',
    ])
    expect(await namesOf(dataSource, Author)).toEqual(['Ann', 'Cid'])
  })

  it('keeps levels apart three deep', async () => {
    const { dataSource, lines } = await openLogged()
    const scopes: (TransactionScope | null)[] = []
    await way.transaction(dataSource, async (one) => {
      await one.save(author('1'))
      const failing = one.transaction(async (two) => {
        await two.save(author('2'))
        await two.transaction(async (three) => {
          await three.save(author('3'))
          scopes.push(three.session.scope)
        })
        await errorOf(two.transaction(async (three) => three.save(author('3b')).then(() => Promise.reject(new Error('inner')))))
        throw new Error('middle')
      })
      await errorOf(failing)
      scopes.push(one.session.scope)
      await one.transaction((two) => two.save(author('4')))
    })
    const top = { kind: 'transaction', depth: 1, parent: null }
    const middle = { kind: 'savepoint', depth: 2, parent: top }
    expect(scopes).toEqual([{ kind: 'savepoint', depth: 3, parent: middle }, top])
    expect(lines.filter((line) => !line.startsWith('begin'))).toEqual([
      'rollback savepoint 3: insert 3b',
      'rollback savepoint 2: insert 2, insert 3',
      'beforeCommit',
      'commit: insert 1, insert 4',
    ])
    expect(await namesOf(dataSource, Author)).toEqual(['1', '4'])
  })

  it('shares one session with the transaction around it', async () => {
    const { dataSource } = await openLogged()
    await way.transaction(dataSource, async (outer) => {
      const session = outer.session
      await outer.transaction((inner) => Promise.resolve(expect(inner.session).toBe(session)))
    })
  })

  it('drops the onCommit callbacks of a level that is rolled back and keeps those of a released one', async () => {
    const { dataSource, lines } = await openLogged()
    await way.transaction(dataSource, async (outer) => {
      outer.session.onCommit(() => void lines.push('outer'))
      outer.session.onRollback(() => void lines.push('outer undone'))
      await outer.transaction((inner) => Promise.resolve(inner.session.onCommit(() => void lines.push('released'))))
      const failing = outer.transaction(async (inner) => {
        inner.session.onCommit(() => void lines.push('never'))
        inner.session.onRollback((changes, { kind }) => void lines.push(`undone ${kind}: ${tellAll(changes)}`))
        await inner.save(author('Ann'))
        throw new Error('no')
      })
      await errorOf(failing)
    })
    expect(lines.filter((line) => !line.startsWith('begin'))).toEqual([
      'rollback savepoint 2: insert Ann',
      'undone savepoint: insert Ann',
      'beforeCommit',
      'commit: nothing',
      'outer',
      'released',
    ])
  })

  it('is what session.transaction opens', async () => {
    const { dataSource, lines } = await openLogged()
    await way.transaction(dataSource, async (work) => {
      const session = work.session
      await session.transaction(async (inner) => inner.manager.save(author('Ann')))
      await errorOf(session.transaction((inner) => inner.manager.save(author('Bea')).then(() => Promise.reject(new Error('no')))))
    })
    expect(lines).toEqual([
      'begin transaction 1',
      'begin savepoint 2',
      'begin savepoint 2',
      'rollback savepoint 2: insert Bea',
      'beforeCommit',
      'commit: insert Ann',
    ])
  })

  it('loses the work that was added in it and not yet flushed when it rolls back', async () => {
    const { dataSource, lines } = await openLogged()
    await way.transaction(dataSource, async (outer) => {
      outer.session.add(author('Ann'))
      const failing = outer.transaction((inner) => {
        inner.session.add(author('Bea'))
        return Promise.reject(new Error('no'))
      })
      await errorOf(failing)
    })
    expect(lines.at(-1)).toBe('commit: insert Ann')
    expect(await namesOf(dataSource, Author)).toEqual(['Ann'])
  })
})

// `begin` of a session is for its outermost transaction alone; a savepoint of it is `session.transaction`.
describeDatabase('a nested transaction of a query runner', () => {
  afterEach(closeAll)

  it('is followed when it is begun and ended by hand', async () => {
    const { dataSource, lines } = await openLogged()
    const runner = dataSource.createQueryRunner()
    await runner.startTransaction()
    await runner.startTransaction()
    await runner.manager.save(author('Ann'))
    await runner.rollbackTransaction()
    await runner.startTransaction()
    await runner.manager.save(author('Bea'))
    await runner.commitTransaction()
    await runner.commitTransaction()
    await runner.release()
    expect(lines).toEqual([
      'begin transaction 1',
      'begin savepoint 2',
      'rollback savepoint 2: insert Ann',
      'begin savepoint 2',
      'beforeCommit',
      'commit: insert Bea',
    ])
  })
})

describeWays('savepoints: true', (way) => {
  afterEach(closeAll)

  class Picky extends SessionExtension {
    override afterInsert(entity: object) {
      if ((entity as Author).name === 'bad') throw new Error('bad author')
    }
  }

  it('undoes only the failing flush and lets the transaction commit the rest', async () => {
    const { dataSource, lines } = await openLogged({ savepoints: true, extensions: [Picky] })
    await way.transaction(dataSource, async (work) => {
      await work.save(author('Ann'))
      const failing = [author('Bea'), author('bad')]
      await expect(work.save(failing)).rejects.toThrow('bad author')
      work.giveUp(...failing)
      expect(tellAll(work.session.journal)).toBe('insert Ann')
      await work.save(author('Cid'))
    })
    expect(lines).toEqual(['begin transaction 1', 'beforeCommit', 'commit: insert Ann, insert Cid'])
    expect(await namesOf(dataSource, Author)).toEqual(['Ann', 'Cid'])
  })

  it('costs two statements per flush inside a transaction and none for a save of its own', async () => {
    const { dataSource } = await openLogged({ savepoints: true })
    const recording = recordStatements(dataSource)
    const control = () => recording.sql().filter((sql) => /SAVEPOINT/.test(sql))
    await way.save(dataSource, author('Ann'))
    // Elsewhere the transaction is the flush's own; in a block it may have to outlive the flush.
    expect(control()).toHaveLength(way.pick({ ambient: 0, session: 0, block: 2 }))
    recording.clear()
    await way.transaction(dataSource, (work) => work.save(author('Bea')))
    expect(control()).toEqual([
      expect.stringMatching(/^SAVEPOINT flushpoint_\w+$/),
      expect.stringMatching(/^RELEASE SAVEPOINT flushpoint_/),
    ])
  })

  it('also undoes a flush that the database refused', async () => {
    const { dataSource, lines } = await openLogged({ savepoints: true })
    await way.save(dataSource, author('Ann'))
    lines.length = 0
    await way.transaction(dataSource, async (work) => {
      const taken = Object.assign(author('Bea'), { name: null as unknown as string })
      const cid = author('Cid')
      await expect(work.save([cid, taken])).rejects.toThrow()
      work.giveUp(cid, taken)
      await work.save(author('Dan'))
    })
    expect(lines).toEqual(['begin transaction 1', 'beforeCommit', 'commit: insert Dan'])
    expect(await namesOf(dataSource, Author)).toEqual(['Ann', 'Dan'])
  })
})
