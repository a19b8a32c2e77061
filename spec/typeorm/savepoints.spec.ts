/**
 * Nested transactions: a released savepoint commits nothing, a rolled-back one takes only its own changes with it.
 *
 * @module
 */
import { SessionExtension, sessionOf, type TransactionScope } from 'flushpoint'
import { closeAll, describeDatabase, recordStatements } from '../support/databases.js'
import { Author, make } from '../support/models.js'
import { errorOf, namesOf, openLogged, tellAll } from '../support/transaction-log.js'

const author = (name: string) => make(Author, { name })

describeDatabase('a nested transaction', () => {
  afterEach(closeAll)

  it('commits nothing when its savepoint is released', async () => {
    const { dataSource, lines } = await openLogged()
    await dataSource.transaction(async (outer) => {
      await outer.transaction((inner) => inner.save(author('Ann')))
      lines.push('released')
    })
    expect(lines).toEqual(['begin transaction 1', 'begin savepoint 2', 'released', 'beforeCommit', 'commit: insert Ann'])
  })

  it('is told as undone, with everything else, when the outer one rolls back after the release', async () => {
    const { dataSource, lines } = await openLogged()
    const work = dataSource.transaction(async (outer) => {
      await outer.save(author('Ann'))
      await outer.transaction((inner) => inner.save(author('Bea')))
      throw new Error('no')
    })
    await expect(work).rejects.toThrow('no')
    expect(lines).toEqual(['begin transaction 1', 'begin savepoint 2', 'rollback transaction 1: insert Ann, insert Bea'])
  })

  it('truncates the journal to its savepoint when it rolls back', async () => {
    const { dataSource, lines } = await openLogged()
    const journal = await dataSource.transaction(async (outer) => {
      await outer.save(author('Ann'))
      await errorOf(outer.transaction(async (inner) => inner.save(author('Bea')).then(() => Promise.reject(new Error('no')))))
      await outer.save(author('Cid'))
      return tellAll(sessionOf(outer).journal)
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
    await dataSource.transaction(async (one) => {
      await one.save(author('1'))
      const failing = one.transaction(async (two) => {
        await two.save(author('2'))
        await two.transaction(async (three) => {
          await three.save(author('3'))
          scopes.push(sessionOf(three).scope)
        })
        await errorOf(two.transaction(async (three) => three.save(author('3b')).then(() => Promise.reject(new Error('inner')))))
        throw new Error('middle')
      })
      await errorOf(failing)
      scopes.push(sessionOf(one).scope)
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
    await dataSource.transaction(async (outer) => {
      const session = sessionOf(outer)
      await outer.transaction((inner) => Promise.resolve(expect(sessionOf(inner)).toBe(session)))
    })
  })

  it('drops the onCommit callbacks of a level that is rolled back and keeps those of a released one', async () => {
    const { dataSource, lines } = await openLogged()
    await dataSource.transaction(async (outer) => {
      sessionOf(outer).onCommit(() => void lines.push('outer'))
      sessionOf(outer).onRollback(() => void lines.push('outer undone'))
      await outer.transaction((inner) => Promise.resolve(sessionOf(inner).onCommit(() => void lines.push('released'))))
      const failing = outer.transaction(async (inner) => {
        sessionOf(inner).onCommit(() => void lines.push('never'))
        sessionOf(inner).onRollback((changes, { kind }) => void lines.push(`undone ${kind}: ${tellAll(changes)}`))
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
    await dataSource.transaction(async (manager) => {
      const session = sessionOf(manager)
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
    await dataSource.transaction(async (outer) => {
      sessionOf(outer).add(author('Ann'))
      const failing = outer.transaction((inner) => {
        sessionOf(inner).add(author('Bea'))
        return Promise.reject(new Error('no'))
      })
      await errorOf(failing)
    })
    expect(lines.at(-1)).toBe('commit: insert Ann')
    expect(await namesOf(dataSource, Author)).toEqual(['Ann'])
  })

  it('is followed on a query runner driven by hand', async () => {
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

describeDatabase('savepoints: true', () => {
  afterEach(closeAll)

  class Picky extends SessionExtension {
    override afterInsert(entity: object) {
      if ((entity as Author).name === 'bad') throw new Error('bad author')
    }
  }

  it('undoes only the failing flush and lets the transaction commit the rest', async () => {
    const { dataSource, lines } = await openLogged({ savepoints: true, extensions: [Picky] })
    await dataSource.transaction(async (manager) => {
      await manager.save(author('Ann'))
      await expect(manager.save([author('Bea'), author('bad')])).rejects.toThrow('bad author')
      expect(tellAll(sessionOf(manager).journal)).toBe('insert Ann')
      await manager.save(author('Cid'))
    })
    expect(lines).toEqual(['begin transaction 1', 'beforeCommit', 'commit: insert Ann, insert Cid'])
    expect(await namesOf(dataSource, Author)).toEqual(['Ann', 'Cid'])
  })

  it('costs two statements per flush inside a transaction and none for a save of its own', async () => {
    const { dataSource } = await openLogged({ savepoints: true })
    const recording = recordStatements(dataSource)
    const control = () => recording.sql().filter((sql) => /SAVEPOINT/.test(sql))
    await dataSource.manager.save(author('Ann'))
    expect(control()).toEqual([])
    await dataSource.transaction((manager) => manager.save(author('Bea')))
    expect(control()).toEqual([
      expect.stringMatching(/^SAVEPOINT flushpoint_\d+$/),
      expect.stringMatching(/^RELEASE SAVEPOINT flushpoint_/),
    ])
  })

  it('also undoes a flush that the database refused', async () => {
    const { dataSource, lines } = await openLogged({ savepoints: true })
    await dataSource.manager.save(author('Ann'))
    lines.length = 0
    await dataSource.transaction(async (manager) => {
      const taken = Object.assign(author('Bea'), { name: null as unknown as string })
      await expect(manager.save([author('Cid'), taken])).rejects.toThrow()
      await manager.save(author('Dan'))
    })
    expect(lines).toEqual(['begin transaction 1', 'beforeCommit', 'commit: insert Dan'])
    expect(await namesOf(dataSource, Author)).toEqual(['Ann', 'Dan'])
  })
})
