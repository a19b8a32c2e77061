/**
 * The sessions of one request: flushed and closed together; and extensions that come late or for a while.
 *
 * @module
 */
import { closeAll, flushAll, openSession, withScope, type OpenSession, type Session } from 'flushpoint'
import { errorOf, log, sessionExtension, sessionLog, useDatabase } from '../support/chains.js'
import { describeDatabase, isSingleConnection, openDataSource } from '../support/databases.js'
import { Author, ENTITIES, make, Tag } from '../support/models.js'

const author = (name: string) => make(Author, { name })
const isClosed = (session: Session) => String(session).endsWith('(closed)')

describeDatabase('a scope', () => {
  const database = useDatabase()
  const open = () => openSession(database.ds)
  const names = async () => (await database.ds.manager.find(Author, { order: { name: 'ASC' } })).map(({ name }) => name)

  it('flushes and closes what was opened in it, and gives back what its function returned', async () => {
    const sessions: OpenSession[] = []
    const result = await withScope(async () => {
      for (const name of ['Ann', 'Bob']) {
        const session = open()
        session.add(author(name))
        sessions.push(session)
        await Promise.resolve()
      }
      return 'done'
    })
    expect([result, await names(), sessions.map(isClosed)]).toEqual(['done', ['Ann', 'Bob'], [true, true]]) // ming row 86
  })

  it('closes without a flush after an error, and throws that very error', async () => {
    const error = new Error('no')
    let session: OpenSession
    const failed = withScope(() => {
      session = open()
      session.add(author('Ann'))
      return Promise.reject(error)
    })
    expect(await errorOf(failed)).toBe(error)
    expect([await names(), isClosed(session!)]).toEqual([[], true])
  })

  it('flushes after the errors it was told to, and throws them on', async () => {
    class Redirect extends Error {}
    const request = (error: Error) =>
      withScope(
        () => {
          open().add(author(error.message))
          return Promise.reject(error)
        },
        { flushOn: (thrown) => thrown instanceof Redirect },
      )
    expect(await errorOf(request(new Redirect('moved')))).toBeInstanceOf(Redirect)
    expect(await errorOf(request(new Error('broken')))).toMatchObject({ message: 'broken' })
    expect(await names()).toEqual(['moved'])
  })

  it('knows nothing of sessions of other scopes, or of none', async () => {
    await using outside = open()
    outside.add(author('outside'))
    let inFirst: OpenSession
    let leaveFirst!: () => void
    const first = withScope(async () => {
      inFirst = open()
      inFirst.add(author('first'))
      await new Promise<void>((resolve) => (leaveFirst = resolve))
    })
    await withScope(() => {
      open().add(author('second'))
      return flushAll()
    })
    expect([await names(), isClosed(inFirst!), isClosed(outside)]).toEqual([['second'], false, false]) // ming row 79
    leaveFirst()
    await first
    expect([await names(), isClosed(inFirst!), isClosed(outside)]).toEqual([['first', 'second'], true, false])
  })

  it('flushes and closes on demand all its sessions, of several DataSources', async () => {
    const other = await openDataSource({ entities: ENTITIES })
    await withScope(async () => {
      const sessions = [open(), openSession(other)] as const
      sessions[0].add(author('Ann'))
      sessions[1].add(author('Bob'))
      await flushAll()
      expect([await names(), await other.manager.countBy(Author, { name: 'Bob' })]).toEqual([['Ann'], 1]) // ming row 80
      sessions[0].add(author('dropped'))
      await closeAll()
      expect(sessions.map(isClosed)).toEqual([true, true])
      const again = open()
      again.add(author('Cid'))
      await flushAll()
      expect([await names(), isClosed(again)]).toEqual([['Ann', 'Cid'], false]) // ming row 77
    })
  })

  it('flushes a session, too, that a hook opens during flushAll', async () => {
    let late: OpenSession | undefined
    const opening = sessionExtension({
      afterFlush() {
        if (late !== undefined) return
        late = open()
        late.add(author('late'))
      },
    })
    await withScope(async () => {
      const session = openSession(database.ds, { extensions: [opening] })
      session.add(author('Ann'))
      await flushAll()
      expect([await names(), late!.uow.new.size]).toEqual([['Ann', 'late'], 0]) // ming row 81
    })
    expect(isClosed(late!)).toBe(true)
  })

  it('closes each session, whatever the others do, and lets a failing flush be heard', async () => {
    await database.ds.manager.save(make(Tag, { name: 'red' }))
    const sessions: OpenSession[] = []
    const failed = withScope(async () => {
      sessions.push(open(), open())
      sessions[0]!.add(make(Tag, { name: 'red' }))
      sessions[1]!.add(author('Ann'))
      await Promise.resolve()
    })
    expect((await errorOf(failed)).message).toMatch(/unique|duplicate/i)
    expect(sessions.map(isClosed)).toEqual([true, true])
  })

  it('does nothing where nothing was opened, and flushAll and closeAll do nothing outside of one', async () => {
    await using session = open()
    session.add(author('Ann'))
    await flushAll()
    await closeAll()
    expect(await withScope(() => Promise.resolve(7))).toBe(7)
    expect([session.uow.new.size, isClosed(session)]).toEqual([1, false])
  })

  it('leaves a session alone that was closed in it already', async () => {
    await withScope(async () => {
      const session = open()
      await session.close()
    })
    expect(await names()).toEqual([])
  })
})

describeDatabase('extensions of an open session', () => {
  const database = useDatabase()
  const HOOKS = ['beforeInsert', 'beforeFlush'] as const

  it('registered late are heard from the next event on, after the others', async () => {
    await using session = openSession(database.ds, { extensions: [sessionLog('S1', HOOKS)] })
    session.add(author('Ann'))
    await session.flush()
    session.registerExtension(sessionLog('late', HOOKS))
    session.add(author('Bob'))
    await session.flush()
    expect(log).toEqual([
      ...['S1.beforeFlush', 'S1.beforeInsert Ann'],
      ...['S1.beforeFlush', 'late.beforeFlush', 'S1.beforeInsert Bob', 'late.beforeInsert Bob'],
    ]) // ming row 73
  })

  it('registered on one session are not heard by another', async () => {
    await using first = openSession(database.ds)
    await using second = openSession(database.ds)
    first.registerExtension(sessionLog('S', ['beforeFlush']))
    await second.flush()
    expect(log).toEqual([])
    await first.flush()
    expect(log).toEqual(['S.beforeFlush'])
  })

  it('may be registered by a hook, and refused where they are none', async () => {
    const registering = sessionExtension({
      beforeFlush() {
        if (log.length === 0) this.session.registerExtension(sessionLog('late', HOOKS))
      },
    })
    await using session = openSession(database.ds, { extensions: [registering] })
    session.add(author('Ann'))
    await session.flush()
    expect(log).toContain('late.beforeInsert Ann')
    expect(await errorOf(() => session.registerExtension(class Stranger {} as never))).toHaveProperty('code')
  })

  it('are replaced for a while: its own hear nothing meanwhile, and everything before and after', async () => {
    await using session = openSession(database.ds, { extensions: [sessionLog('own', HOOKS)] })
    session.add(author('before'))
    const result = await session.withExtensions([sessionLog('other', HOOKS)], () => {
      session.add(author('meanwhile'))
      return Promise.resolve(7)
    })
    session.add(author('after'))
    await session.flush()
    expect(result).toBe(7)
    expect(log.filter((line) => line.includes('Insert'))).toEqual([
      'own.beforeInsert before',
      'other.beforeInsert meanwhile',
      'own.beforeInsert after',
    ]) // ming row 87
  })

  it('come back after an error, be it of the function or of the flush at its end', async () => {
    await database.ds.manager.save(make(Tag, { name: 'red' }))
    await using session = openSession(database.ds, { extensions: [sessionLog('own', HOOKS)] })
    const error = new Error('no')
    expect(await errorOf(session.withExtensions([], () => Promise.reject(error)))).toBe(error)
    const red = make(Tag, { name: 'red' })
    const failed = session.withExtensions([], () => Promise.resolve(session.add(red)))
    expect((await errorOf(failed)).message).toMatch(/unique|duplicate/i)
    red.name = 'blue'
    log.length = 0
    await session.flush()
    expect(log).toEqual(['own.beforeFlush', 'own.beforeInsert blue']) // ming row 87
  })

  it('may be replaced in a replacement', async () => {
    await using session = openSession(database.ds, { extensions: [sessionLog('own', ['beforeInsert'])] })
    await session.withExtensions([sessionLog('outer', ['beforeInsert'])], async () => {
      await session.withExtensions([sessionLog('inner', ['beforeInsert'])], () => Promise.resolve(session.add(author('a'))))
      session.add(author('b'))
    })
    expect(log).toEqual(['inner.beforeInsert a', 'outer.beforeInsert b'])
  })

  it('are checked before anything else happens', async () => {
    await using session = openSession(database.ds, { extensions: [sessionLog('own', HOOKS)] })
    expect(await errorOf(session.withExtensions([3 as never], () => Promise.resolve()))).toHaveProperty('code')
    expect(log).toEqual([])
  })

  it('are built once for a session, however many transactions it has', async () => {
    let built = 0
    const factory = (session: Session) => {
      built++
      return new (sessionLog('S', []))(session)
    }
    await using session = openSession(database.ds, { extensions: [factory] })
    for (const name of ['Ann', 'Bob']) await session.transaction((own) => Promise.resolve(own.add(author(name))))
    expect(built).toBe(1)
  })

  it('of the DataSource that are installed later are those of sessions opened later', async () => {
    await using early = openSession(database.ds)
    await early.flush()
    database.use(sessionLog('D', ['beforeInsert']))
    await using late = openSession(database.ds)
    early.add(author('early'))
    await early.flush()
    if (!isSingleConnection()) expect(log).toEqual([])
    log.length = 0
    late.add(author('late'))
    await late.flush()
    expect(log).toEqual(['D.beforeInsert late'])
  })
})
