/**
 * withSession: one block, one session, one transaction at most.
 *
 * @module
 */
import { withSession, type Session } from 'flushpoint'
import { MoreThan } from 'typeorm'
import { errorOf, log, sessionExtension, sessionLog, useDatabase } from '../support/chains.js'
import { describeDatabase, recordStatements, type Recording } from '../support/databases.js'
import { Author, make, Tag } from '../support/models.js'

const author = (name: string) => make(Author, { name })
const CONTROL = /^\s*(begin|start transaction|commit|rollback|savepoint|release|set transaction|pragma read)/i

describeDatabase('withSession', () => {
  const database = useDatabase()
  let recording: Recording
  beforeEach(() => void (recording = recordStatements(database.ds)))
  afterEach(() => recording.stop())

  const names = async () => (await database.ds.manager.find(Author, { order: { id: 'ASC' } })).map(({ name }) => name)
  const control = () =>
    recording
      .sql()
      .filter((sql) => CONTROL.test(sql))
      .map((sql) => (/^\s*(begin|start)/i.test(sql) ? 'BEGIN' : sql.trim().split(/[ ;]/)[0]!.toUpperCase()))

  it('commits what is pending when its function returns, and gives back what that returned', async () => {
    const ann = author('Ann')
    const result = await withSession(database.ds, (session) => {
      session.add(ann)
      return Promise.resolve('done')
    })
    expect([result, await names()]).toEqual(['done', ['Ann']])
    expect(ann.id).toBeGreaterThan(0)
  })

  it('writes everything in one transaction, whatever number of flushes', async () => {
    await withSession(database.ds, async (session) => {
      session.add(author('Ann'))
      await session.flush()
      session.add(author('Bob'))
      await session.flush()
      session.add(author('Cid'))
    })
    expect(control()).toEqual(['BEGIN', 'COMMIT'])
    expect(await names()).toEqual(['Ann', 'Bob', 'Cid'])
  })

  it('sends no BEGIN for a block that only reads', async () => {
    await database.ds.manager.save([author('Ann'), author('Bob')])
    recording.clear()
    await withSession(database.ds, async (session) => {
      const [ann] = await session.find(Author).order({ name: 'ASC' })
      await session.get(Author, ann!.id + 1000)
      await session.find(Author).count()
      await session.manager.find(Author)
      await session.manager.query('SELECT 1')
      for await (const one of session.find(Author)) void one.name
      await session.flush()
    })
    expect(recording.statements.length).toBeGreaterThan(4)
    expect(control()).toEqual([])
  })

  it('sends nothing at all for a block that does nothing', async () => {
    await withSession(database.ds, () => Promise.resolve())
    await withSession(database.ds, (session) => Promise.resolve(session.add()))
    expect(recording.statements).toHaveLength(0)
  })

  it('begins with the first statement that may write, also one sent through its manager', async () => {
    await withSession(database.ds, async ({ manager }) => {
      await manager.find(Author)
      await manager.insert(Author, { name: 'Ann' })
      await manager.query(`UPDATE ${database.ds.getMetadata(Author).tablePath} SET name = 'Anna'`)
    })
    expect(control()).toEqual(['BEGIN', 'COMMIT'])
    expect(await names()).toEqual(['Anna'])
  })

  it('begins once when several writes start together', async () => {
    await withSession(database.ds, async ({ manager }) => {
      await Promise.all(['a', 'b', 'c'].map((name) => manager.insert(Tag, { name })))
    })
    expect(control()).toEqual(['BEGIN', 'COMMIT'])
    expect(await database.ds.manager.count(Tag)).toBe(3)
  })

  it('begins before the first read where an isolation level is asked for, once, with that level', async () => {
    await withSession(database.ds, { isolationLevel: 'SERIALIZABLE' }, async (session) => {
      await session.find(Author)
      session.add(author('Ann'))
      await session.flush()
      await session.find(Author)
    })
    expect(control().filter((sql) => sql === 'BEGIN' || sql === 'COMMIT')).toEqual(['BEGIN', 'COMMIT'])
    expect(recording.sql().some((sql) => /serializable|read_uncommitted/i.test(sql))).toBe(true)
    expect(await names()).toEqual(['Ann'])
  })

  it('rolls back, objects included, when its function throws, and throws that very error', async () => {
    await database.ds.manager.save(author('Ann'))
    const error = new Error('no')
    const bob = author('Bob')
    let ann: Author
    const failed = withSession(database.ds, async (session) => {
      ann = await session.find(Author).one()
      ann.name = 'changed'
      session.add(bob)
      await session.flush()
      expect(bob.id).toBeGreaterThan(0)
      throw error
    })
    expect(await errorOf(failed)).toBe(error)
    expect(await names()).toEqual(['Ann'])
    expect([ann!.name, bob.id]).toEqual(['Ann', undefined])
  })

  it('undoes what was pending, too, when its function throws before anything was written', async () => {
    await database.ds.manager.save(author('Ann'))
    recording.clear()
    let ann: Author
    await errorOf(
      withSession(database.ds, async (session) => {
        ann = await session.find(Author).one()
        ann.name = 'changed'
        throw new Error('no')
      }),
    )
    expect(ann!.name).toBe('Ann')
    expect(control()).toEqual([])
  })

  it('undoes a change made before the first statement that begins the transaction', async () => {
    await database.ds.manager.save(author('Ann'))
    let ann: Author
    await errorOf(
      withSession(database.ds, async (session) => {
        ann = await session.find(Author).one()
        ann.name = 'changed'
        await session.manager.insert(Tag, { name: 'red' })
        throw new Error('no')
      }),
    )
    expect([ann!.name, await database.ds.manager.count(Tag)]).toEqual(['Ann', 0])
  })

  it('throws the error of a commit that fails, and has written nothing', async () => {
    await database.ds.manager.save(make(Tag, { name: 'red' }))
    const failed = withSession(database.ds, (session) => Promise.resolve(session.add(author('Ann'), make(Tag, { name: 'red' }))))
    expect((await errorOf(failed)).message).toMatch(/unique|duplicate/i)
    expect(await names()).toEqual([])
  })

  it('runs beforeCommit and afterCommit once, around everything', async () => {
    const changes: string[] = []
    const committed = sessionExtension({
      afterCommit: (net) => void changes.push(...net.map(({ kind, table }) => `${kind} ${table}`)),
    })
    const listed = ['afterBegin', 'beforeFlush', 'afterFlush', 'beforeCommit', 'afterCommit'] as const
    await withSession(database.ds, { extensions: [sessionLog('S', listed), committed] }, async (session) => {
      session.add(author('Ann'))
      await session.flush()
      session.add(make(Tag, { name: 'red' }))
    })
    const flush = ['S.beforeFlush', 'S.afterFlush']
    expect(log.filter((line, index) => line !== log[index - 1])).toEqual([
      'S.afterBegin',
      ...flush,
      'S.beforeCommit',
      ...flush,
      'S.beforeCommit',
      'S.afterCommit',
    ])
    expect(changes).toEqual(['insert author', 'insert tag'])
  })

  it('tells afterRollback what was undone', async () => {
    const undone: string[] = []
    const rolledBack = sessionExtension({
      afterRollback: (changes, scope) => void undone.push(...changes.map(({ kind, table }) => `${kind} ${table} ${scope.kind}`)),
    })
    await errorOf(
      withSession(database.ds, { extensions: [rolledBack] }, async (session) => {
        session.add(author('Ann'))
        await session.flush()
        throw new Error('no')
      }),
    )
    expect(undone).toEqual(['insert author transaction'])
  })

  it('nests transactions as savepoints of its own', async () => {
    await withSession(database.ds, async (session) => {
      session.add(author('Ann'))
      await session
        .transaction((inner) => {
          inner.add(author('Bob'))
          return inner.flush().then(() => Promise.reject(new Error('no')))
        })
        .catch(() => undefined)
      await session.transaction((inner) => Promise.resolve(inner.add(author('Cid'))))
    })
    expect(await names()).toEqual(['Ann', 'Cid'])
    expect(control().filter((sql) => sql === 'BEGIN' || sql === 'COMMIT')).toEqual(['BEGIN', 'COMMIT'])
  })

  it('gives its function a session that only the block may end', async () => {
    const kept: Session = await withSession(database.ds, (session) => Promise.resolve(session))
    expect(await errorOf((async () => kept.find(Author).all())())).toMatchObject({ code: 'SESSION_CLOSED' })
  })

  it('releases the connection whatever happens', async () => {
    for (let index = 0; index < 25; index++) {
      await withSession(database.ds, async (session) => {
        await session.manager.insert(Author, { name: `a${index}` })
        if (index % 2 === 0) throw new Error('no')
      }).catch(() => undefined)
    }
    expect(await names()).toHaveLength(12)
  })

  it('refuses unknown options and anything but a function, and begins nothing', async () => {
    expect(await errorOf(withSession(database.ds, { isolation: 'SERIALIZABLE' } as never, () => Promise.resolve()))).toMatchObject({
      code: 'OPTION_UNKNOWN',
    })
    expect(await errorOf(withSession(database.ds, undefined as never))).toBeInstanceOf(Error)
    expect(recording.statements).toHaveLength(0)
    expect(await names()).toEqual([])
  })

  it('stops where its signal is aborted, and rolls back', async () => {
    const abort = new AbortController()
    const failed = withSession(database.ds, { abortSignal: abort.signal }, async (session) => {
      session.add(author('Ann'))
      await session.flush()
      abort.abort(new Error('client went away'))
    })
    expect(await errorOf(failed)).toMatchObject({ message: 'client went away' })
    expect(await names()).toEqual([])
  })

  it('keeps a connection for no block that has nothing to send while another is open', async () => {
    await withSession(database.ds, async (outer) => {
      outer.add(author('Ann'))
      await outer.flush()
      await withSession(database.ds, () => Promise.resolve())
    })
    expect(await names()).toEqual(['Ann'])
  })

  it('leaves bulk statements and entities in one transaction', async () => {
    await database.ds.manager.save(author('Ann'))
    await errorOf(
      withSession(database.ds, async (session) => {
        await session.manager.update(Author, { id: MoreThan(0) }, { name: 'bulk' })
        session.add(author('Bob'))
        await session.flush()
        throw new Error('no')
      }),
    )
    expect(await names()).toEqual(['Ann'])
  })
})
