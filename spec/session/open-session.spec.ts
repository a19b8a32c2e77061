/**
 * Opening a session: its options, its end, and what it needs of the DataSource.
 *
 * @module
 */
import { currentContext, openSession, sessionOf, withContext, type OpenSession, type Session, type SessionOptions } from 'flushpoint'
import { DataSource } from 'typeorm'
import { errorOf, log, sessionExtension, sessionLog, useDatabase } from '../support/chains.js'
import { dataSourceOptions, describeDatabase, isSingleConnection, openDataSource, recordStatements } from '../support/databases.js'
import { Author, ENTITIES, make } from '../support/models.js'

const author = (name: string) => make(Author, { name })

describeDatabase('openSession', () => {
  const opened: OpenSession[] = []
  afterEach(async () => {
    for (const session of opened.splice(0)) await session.close()
  })
  const database = useDatabase()

  function open(options: SessionOptions = {}): OpenSession {
    const session = openSession(database.ds, options)
    opened.push(session)
    return session
  }

  const names = async () => (await database.ds.manager.find(Author, { order: { id: 'ASC' } })).map(({ name }) => name)

  it('sends nothing by itself, and gives each session a name', () => {
    const recording = recordStatements(database.ds)
    const [first, second] = [open(), open()]
    expect(recording.statements).toHaveLength(0)
    expect(String(first)).toMatch(/^OpenSession #\d+ \(no transaction; 0 tracked/)
    expect(String(first)).not.toBe(String(second))
    expect([first.scope, first.dataSource, first.journal]).toEqual([null, database.ds, []])
    recording.stop()
  })

  it('needs no installation of flushpoint on the DataSource', async () => {
    const plain = await openDataSource({ entities: ENTITIES })
    await using session = openSession(plain, { extensions: [sessionLog('S', ['beforeInsert', 'afterCommit'])] })
    session.add(author('Ann'))
    await session.flush()
    expect(log).toEqual(['S.beforeInsert Ann', 'S.afterCommit'])
    expect(await plain.manager.count(Author)).toBe(1)
    await plain.manager.save(author('Bob'))
    expect(log).toHaveLength(2)
  })

  it('refuses what is no DataSource', async () => {
    for (const given of [undefined, null, {}, database.ds.manager]) {
      expect(await errorOf(() => openSession(given as unknown as DataSource))).toMatchObject({ code: 'INSTALL_TARGET_INVALID' })
    }
  })

  it('tells of a DataSource that is not initialised when something is asked of it', async () => {
    const session = openSession(new DataSource(dataSourceOptions({ entities: ENTITIES })))
    expect(await errorOf((async () => session.find(Author).all())())).toBeInstanceOf(Error)
  })

  it('refuses unknown options, and values of the wrong kind', async () => {
    expect(await errorOf(() => open({ autoFlush: true } as never))).toMatchObject({
      code: 'OPTION_UNKNOWN',
      message: expect.stringMatching(/autoFlush.*autoflush/) as string,
    })
    const wrong: object[] = [{ autoflush: 'yes' }, { extensions: {} }, { isolationLevel: 'SOMETIMES' }, { context: 3 }, { savepoints: 1 }]
    for (const options of wrong) expect(await errorOf(() => open(options))).toMatchObject({ code: 'OPTION_INVALID' })
    expect(await errorOf(() => open({ extensions: [class Stranger {} as never] }))).toHaveProperty('code')
    expect(await errorOf(() => open(null as never))).toHaveProperty('code')
  })

  describe('extensions', () => {
    it('are those of the DataSource, then its own', async () => {
      database.use(sessionLog('D1'), sessionLog('D2'))
      const session = open({ extensions: [sessionLog('S1'), sessionLog('S2')] })
      session.add(author('Ann'))
      await session.flush()
      const each = (hook: string) => ['D1', 'D2', 'S1', 'S2'].map((one) => `${one}.${hook}`)
      expect(log).toEqual([...each('beforeFlush'), ...each('beforeInsert Ann'), ...each('afterInsert Ann'), ...each('afterFlush')]) // ming row 72
    })

    it('are heard by their own session alone', async () => {
      const [first, second] = [open({ extensions: [sessionLog('S1', ['beforeInsert'])] }), open()]
      second.add(author('Bob'))
      await second.flush()
      first.add(author('Ann'))
      await first.flush()
      expect(log).toEqual(['S1.beforeInsert Ann'])
    })

    it('are one instance for each session and know that session', async () => {
      const seen: Session[] = []
      const Noting = sessionExtension({
        beforeFlush() {
          seen.push(this.session)
        },
      })
      const sessions = [open({ extensions: [Noting] }), open({ extensions: [Noting] })] as const
      for (const session of sessions) await session.flush()
      await sessions[0].flush()
      expect(seen).toEqual([sessions[0], sessions[1], sessions[0]]) // ming row 74
      expect(seen[0]).toBe(sessions[0]) // ming row 84
    })

    it('may be one shared instance, through a factory', async () => {
      const Counting = sessionLog('shared', ['beforeInsert'])
      let shared: InstanceType<typeof Counting> | undefined
      const factory = (session: Session) => (shared ??= new Counting(session))
      for (const name of ['Ann', 'Bob', 'Cid']) {
        const session = open({ extensions: [factory] })
        session.add(author(name))
        await session.flush()
      }
      expect(log).toEqual(['shared.beforeInsert Ann', 'shared.beforeInsert Bob', 'shared.beforeInsert Cid'])
    })

    it('do not change when the list or the options of the caller do', async () => {
      const list = [sessionLog('S1', ['beforeInsert'])]
      const options = { extensions: list, autoflush: false }
      const session = open(options)
      list.push(sessionLog('S2', ['beforeInsert']))
      options.autoflush = true
      session.add(author('Ann'))
      expect(await session.find(Author).count()).toBe(0)
      await session.flush()
      expect(log).toEqual(['S1.beforeInsert Ann'])
      session.registerExtension(sessionLog('S3'))
      expect(list).toHaveLength(2) // ming row 85
    })
  })

  describe('context', () => {
    it('is that of the caller, with the option over it, and is seen by hooks', async () => {
      const seen: unknown[] = []
      const looking = sessionExtension({
        beforeInsert() {
          seen.push(this.session.context.actor, this.session.context.tenant)
        },
      })
      const session = withContext({ tenant: 'north', actor: 'nobody' }, () => open({ context: { actor: 'ann' }, extensions: [looking] }))
      session.add(author('Ann'))
      await session.flush()
      expect(seen).toEqual(['ann', 'north'])
      expect(session.context).toEqual({ tenant: 'north', actor: 'ann' })
      expect(currentContext()).toEqual({})
    })
  })

  describe('isolationLevel', () => {
    it('holds for each transaction the session begins', async () => {
      const session = open({ isolationLevel: 'SERIALIZABLE' })
      const recording = recordStatements(database.ds)
      session.add(author('Ann'))
      await session.flush()
      await session.begin()
      await session.rollback()
      await session.transaction(() => Promise.resolve())
      const levels = recording.sql().filter((sql) => /isolation level|read_uncommitted/i.test(sql))
      expect(levels).toHaveLength(3)
      recording.stop()
    })
  })

  describe('abortSignal', () => {
    it('stops loads, flushes, transactions and commits with its reason, and keeps what is pending', async () => {
      const abort = new AbortController()
      const session = open({ abortSignal: abort.signal })
      session.add(author('Ann'))
      await session.begin()
      const recording = recordStatements(database.ds)
      abort.abort(new Error('client went away'))
      const reason = { message: 'client went away' }
      expect(await errorOf(session.find(Author).all())).toMatchObject(reason)
      expect(await errorOf(session.get(Author, 1))).toMatchObject(reason)
      expect(await errorOf(session.find(Author).count())).toMatchObject(reason)
      expect(await errorOf(session.flush())).toMatchObject(reason)
      expect(recording.statements).toHaveLength(0)
      expect(session.uow.new.size).toBe(1)
      expect(await errorOf(session.commit())).toMatchObject(reason)
      expect(session.scope).toBeNull()
      expect(await errorOf(session.begin())).toMatchObject(reason)
      expect(await errorOf(session.transaction(() => Promise.resolve()))).toMatchObject(reason)
      recording.stop()
      await session.close()
      expect(await names()).toEqual([])
    })

    it('stops a flush between its hooks and its SQL', async () => {
      const abort = new AbortController()
      const aborting = sessionExtension({ beforeInsert: () => abort.abort(new Error('enough')) })
      const session = open({ abortSignal: abort.signal, extensions: [aborting] })
      session.add(author('Ann'))
      expect(await errorOf(session.flush())).toMatchObject({ message: 'enough' })
      expect([session.uow.new.size, await names()]).toEqual([1, []])
    })

    it('that is not aborted changes nothing', async () => {
      const session = open({ abortSignal: new AbortController().signal })
      session.add(author('Ann'))
      await session.commit()
      expect(await names()).toEqual(['Ann'])
    })
  })

  describe('await using', () => {
    it('closes the session at the end of the block, without a flush', async () => {
      let kept: OpenSession
      const ann = author('Ann')
      {
        await using session = openSession(database.ds)
        session.add(ann)
        kept = session
      }
      expect(String(kept)).toContain('closed')
      expect(await errorOf(kept.flush())).toMatchObject({ code: 'SESSION_CLOSED' })
      expect(await names()).toEqual([])
    })

    it('rolls back a transaction that is open when the block throws', async () => {
      const work = async () => {
        await using session = openSession(database.ds)
        await session.begin()
        session.add(author('Ann'))
        await session.flush()
        throw new Error('no')
      }
      expect(await errorOf(work())).toMatchObject({ message: 'no' })
      expect(await names()).toEqual([])
    })
  })

  it('refuses every method once the session is closed, naming it; closing twice is once', async () => {
    const session = open()
    const ann = author('Ann')
    session.add(ann)
    await session.flush()
    await session.close()
    await session.close()
    await session[Symbol.asyncDispose]()
    const calls: Record<string, () => unknown> = {
      add: () => session.add(author('Bob')),
      delete: () => session.delete(ann),
      expunge: () => session.expunge(ann),
      clear: () => session.clear(),
      get: () => session.get(Author, 1),
      getOrFail: () => session.getOrFail(Author, 1),
      find: () => session.find(Author),
      merge: () => session.merge(Author, { name: 'x' }),
      refresh: () => session.refresh(ann),
      flush: () => session.flush(),
      explain: () => session.explain(),
      begin: () => session.begin(),
      commit: () => session.commit(),
      rollback: () => session.rollback(),
      transaction: () => session.transaction(() => Promise.resolve()),
      withRetry: () => session.withRetry(() => Promise.resolve()),
      withExtensions: () => session.withExtensions([], () => Promise.resolve()),
      registerExtension: () => session.registerExtension(sessionLog('S')),
      onCommit: () => session.onCommit(() => undefined),
    }
    for (const [method, call] of Object.entries(calls)) {
      const error = await errorOf((async () => call())())
      expect([method, error.code]).toEqual([method, 'SESSION_CLOSED'])
    }
    expect(ann.name).toBe('Ann')
  })

  it('serves requests that each open their own, one after another and side by side', async () => {
    const request = async (name: string, fails = false) => {
      await using session = openSession(database.ds, { context: { requestId: name }, extensions: [sessionLog('S', ['beforeInsert'])] })
      await session.begin()
      session.add(author(name))
      await session.flush()
      await new Promise((resolve) => setImmediate(resolve))
      if (fails) throw new Error(name)
      await session.commit()
      return session.context.requestId
    }
    const results = await Promise.allSettled([request('Ann'), request('Bob', true), request('Cid'), request('Dan')])
    expect(results.map((result) => (result.status === 'fulfilled' ? result.value : 'failed'))).toEqual(['Ann', 'failed', 'Cid', 'Dan'])
    expect((await names()).sort()).toEqual(['Ann', 'Cid', 'Dan'])
    expect(log.sort()).toEqual(['Ann', 'Bob', 'Cid', 'Dan'].map((name) => `S.beforeInsert ${name}`))
  })

  it('gives its connection back when it is closed', async () => {
    for (let index = 0; index < 30; index++) {
      await using session = openSession(database.ds)
      await session.find(Author).first()
      if (index % 2 === 0) await session.begin()
    }
    expect(await names()).toEqual([])
  })

  it('makes sessions of one connection take turns, and lets those of a pool run side by side', async () => {
    const [first, second] = [open(), open()]
    await first.begin()
    first.add(author('Ann'))
    await first.flush()
    second.add(author('Bob'))
    let isDone = false
    const flushing = second.flush().then(() => (isDone = true))
    if (!isSingleConnection()) await flushing
    else await new Promise((resolve) => setTimeout(resolve, 50))
    expect(isDone).toBe(!isSingleConnection())
    await first.rollback()
    await flushing
    expect(await names()).toEqual(['Bob'])
  })

  it('is found again from its manager', () => {
    const session = open()
    expect(sessionOf(session.manager)).toBe(session)
  })
})
