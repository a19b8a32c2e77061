/**
 * What a session is asked at the same time, and what it refuses from within.
 *
 * @module
 */
import { openSession, type OpenSession } from 'flushpoint'
import { sessionExtension, useDatabase } from '../support/chains.js'
import { describeDatabase } from '../support/databases.js'
import { errorOf, make, useSessions } from '../support/sessions.js'
import { Memo } from '../support/ties.js'
import { Tag } from '../support/models.js'

const db = useSessions()

describeDatabase('transactions of one session called side by side', () => {
  it('follow one another, each with what was written in it', async () => {
    const session = db.open()
    const tasks = ['a', 'b', 'c', 'd'].map((text) =>
      session.transaction(async () => {
        session.add(make(Memo, { text }))
        if (text === 'c') throw new Error(text)
      }),
    )
    const outcomes = await Promise.allSettled(tasks)

    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'rejected', 'fulfilled'])
    expect(await db.column(Memo, 'text')).toEqual(['a', 'b', 'd'])
    expect(session.scope).toBeNull()
  })

  it('may be called beside a flush', async () => {
    const session = db.open()
    session.add(make(Memo, { text: 'flushed' }))
    await Promise.all([session.transaction(async () => session.add(make(Memo, { text: 'inside' }))), session.flush()])
    await session.flush()

    expect((await db.column(Memo, 'text')).toSorted()).toEqual(['flushed', 'inside'])
  })

  it('may be called after a flush that has not run yet', async () => {
    const session = db.open()
    session.add(make(Memo, { text: 'flushed' }))
    const inside = async () => {
      session.add(make(Memo, { text: 'inside' }))
      await session.flush()
    }
    await Promise.all([session.flush(), session.transaction(inside)])

    expect((await db.column(Memo, 'text')).toSorted()).toEqual(['flushed', 'inside'])
  })

  it('refuse a begin beside them, and go on', async () => {
    const session = db.open()
    session.add(make(Memo, { text: 'a' }))
    const [transaction, begin] = await Promise.allSettled([session.transaction(() => session.flush()), session.begin()])

    expect(transaction.status).toBe('fulfilled')
    expect(begin).toMatchObject({ status: 'rejected', reason: { code: 'TRANSACTION_ALREADY_OPEN' } })
    expect(await db.column(Memo, 'text')).toEqual(['a'])
  })

  it('are waited for by a commit that was called outside of them', async () => {
    const session = db.open()
    await session.begin()
    const nested = session.transaction(async () => {
      await new Promise(setImmediate)
      session.add(make(Memo, { text: 'late' }))
    })
    await session.commit()
    await nested

    expect(await db.column(Memo, 'text')).toEqual(['late'])
  })
})

describeDatabase('a running session.transaction', () => {
  it.each(['commit', 'rollback', 'close'] as const)('refuses %s from within, and goes on', async (method) => {
    const session = db.open()
    await session.transaction(async () => {
      session.add(make(Memo, { text: 'kept' }))
      expect(await errorOf(session[method]())).toMatchObject({ code: 'TRANSACTION_NESTED_OPEN' })
    })

    expect(await db.column(Memo, 'text')).toEqual(['kept'])
  })

  it('makes its session the current one', async () => {
    const { currentSession } = await import('flushpoint')
    const session = db.open()
    await session.transaction(async () => expect(currentSession()).toBe(session))
  })
})

describeDatabase('ends of one transaction called side by side', () => {
  it.each(['commit', 'rollback', 'close'] as const)('leave a commit alone when %s is called beside it', async (other) => {
    const session = db.open()
    await session.begin()
    session.add(make(Memo, { text: 'flushed' }))
    await session.flush()
    session.add(make(Memo, { text: 'pending' }))
    await Promise.all([session.commit(), session[other]()])

    expect(await db.column(Memo, 'text')).toEqual(['flushed', 'pending'])
    const next = db.open()
    next.add(make(Memo, { text: 'next' }))
    await next.flush()
    expect(await db.column(Memo, 'text')).toEqual(['flushed', 'pending', 'next'])
  })
})

describeDatabase('extensions that are exchanged for a time', () => {
  const database = useDatabase()

  it('are back when several calls side by side have ended', async () => {
    const heard: string[] = []
    const named = (name: string) => sessionExtension({ beforeInsert: () => void heard.push(name) })
    const session = openSession(database.use(named('own')))
    const task = (name: string, turns: number) =>
      session.withExtensions([named(name)], async () => {
        for (let turn = 0; turn < turns; turn++) await new Promise(setImmediate)
        session.add(make(Tag, { name }))
        await session.flush()
      })
    await Promise.all([task('one', 3), task('two', 1)])
    session.add(make(Tag, { name: 'own' }))
    await session.flush()
    await session.close()

    expect(heard).toHaveLength(3)
    expect(heard.slice(0, 2)).not.toContain('own') // whichever of the two flushed what waited
    expect(heard[2]).toBe('own')
  })

  it('run once when the DataSource and the session list the same class', async () => {
    const heard: string[] = []
    const Listed = sessionExtension({ beforeInsert: () => void heard.push('listed') })
    const session = openSession(database.use(Listed), { extensions: [Listed] })
    session.add(make(Tag, { name: 'a' }))
    await session.flush()
    await session.close()

    expect(heard).toEqual(['listed'])
  })
})

describeDatabase('an entity whose row is deleted', () => {
  it('is named when it was changed after that, and the session goes on without it', async () => {
    await db.save(Memo, { text: 'a' })
    const session = db.open()
    const memo = await session.find(Memo).one()
    await session.begin()
    session.delete(memo)
    await session.flush()
    memo.text = 'too late'
    const error = await errorOf(session.flush())

    expect(error).toMatchObject({ code: 'DELETED_CHANGED', message: expect.stringMatching(/text of Memo/) })
    session.expunge(memo)
    session.add(make(Memo, { text: 'b' }))
    await session.commit()
    expect(await db.column(Memo, 'text')).toEqual(['b'])
  })
})

describeDatabase('a session that is closed twice at the same time', () => {
  it('is closed once, and nothing is thrown', async () => {
    const session = db.open()
    session.add(make(Memo, { text: 'a' }))
    await Promise.all([session.flush(), session.close(), session.close()])

    expect(await db.column(Memo, 'text')).toEqual(['a'])
  })
})

describeDatabase('a cursor', () => {
  it.each([
    ['added to none', (session: OpenSession) => session.find(Memo).where({ text: undefined as never })],
    ['added to another', (session: OpenSession) => session.find(Memo, { text: 'a' }).where({ text: undefined as never })],
    ['beside another', (session: OpenSession) => session.find(Memo, { text: 'a' }).where({ id: undefined as never })],
  ])('refuses an undefined condition %s, which would match more rows', async (_name, call) => {
    expect(await errorOf(call(db.open()).all())).toMatchObject({ code: 'QUERY_VALUE_UNDEFINED' })
  })

  it.each([
    ['a bare value as condition', (session: OpenSession) => session.find(Memo, 5 as never)],
    ['no condition but null', (session: OpenSession) => session.find(Memo, null as never)],
    ['a negative limit', (session: OpenSession) => session.find(Memo).limit(-1)],
    ['half a row to skip', (session: OpenSession) => session.find(Memo).skip(1.5)],
  ])('refuses %s', async (_name, call) => {
    expect(await errorOf(() => call(db.open()))).toMatchObject({ code: 'OPTION_INVALID' })
  })
})

describeDatabase('hooks that fail where nothing can be changed any more', () => {
  const database = useDatabase()

  it('leave no transaction open when afterBegin fails', async () => {
    let isFailing = true
    const ds = database.use(
      sessionExtension({
        afterBegin() {
          if (isFailing) throw new Error('no begin')
        },
      }),
    )
    const session = openSession(ds)
    session.add(make(Tag, { name: 'a' }))
    await expect(session.flush()).rejects.toThrow('no begin')
    await expect(session.begin()).rejects.toThrow('no begin')
    isFailing = false
    await session.flush()
    await session.close()

    expect(await ds.manager.count(Tag)).toBe(1)
  })

  it('are reported, and the commit stands, when afterDetach of a deleted row fails', async () => {
    const reported: string[] = []
    const told: number[] = []
    const detach = sessionExtension({
      afterDetach() {
        throw new Error('no detach')
      },
      afterCommit: (changes) => void told.push(changes.length),
    })
    const ds = database.install({ extensions: [detach], onHookError: (_error, { hook }) => reported.push(hook) })
    const tag = await ds.manager.save(make(Tag, { name: 'a' }))
    const session = openSession(ds)
    session.delete(await session.getOrFail(Tag, tag.id))
    await session.flush()
    await session.close()

    expect([reported, told]).toEqual([['afterDetach'], [1, 1]])
    expect(await ds.manager.count(Tag)).toBe(0)
  })

  it.each(['onCommit', 'onRollback'] as const)('cannot be registered by %s unless they are functions', async (method) => {
    const session = openSession(database.use())
    await session.begin()
    expect(await errorOf(() => session[method](undefined as never))).toMatchObject({ code: 'OPTION_INVALID' })
    await session.close()
  })
})
