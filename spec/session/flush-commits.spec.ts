/**
 * Flushes of one session among each other, and what is told after the commit.
 *
 * @module
 */
import { SessionExtension } from 'flushpoint'
import { describeDatabase } from '../support/databases.js'
import { errorOf, make, useSessions } from '../support/sessions.js'
import { collectWarnings } from '../support/transaction-log.js'
import { Account, Memo, Plate } from '../support/ties.js'

const db = useSessions()

afterEach(() => jest.restoreAllMocks())

describeDatabase('flushes of one session', () => {
  it('become one when they are called in one tick', async () => {
    const session = db.open()
    session.add(make(Memo, { text: 'a' }))
    const calls = [session.flush(), session.flush()]
    session.add(make(Memo, { text: 'b' }))
    calls.push(session.flush())
    const sent = await db.sent(() => Promise.all(calls))

    expect(sent.filter((line) => line === 'COMMIT')).toHaveLength(1)
    expect(await db.column(Memo, 'text')).toEqual(['a', 'b'])
  }) // statement 31

  it('run one after another when they are called while one is running', async () => {
    const running: string[] = []
    const session = db.open({
      beforeFlush: () => void running.push('begin'),
      afterFlush: () => void running.push('end'),
    })
    session.add(make(Memo, { text: 'a' }))
    const first = session.flush()
    await new Promise((resolve) => setImmediate(resolve))
    session.add(make(Memo, { text: 'b' }))
    const second = session.flush()
    await Promise.all([first, second])

    expect(running).toEqual(['begin', 'end', 'begin', 'end'])
    expect(await db.column(Memo, 'text')).toEqual(['a', 'b'])
  }) // statement 31

  it('are independent: one that fails does not fail the next', async () => {
    let isBroken = true
    const session = db.open({
      beforeFlush() {
        if (isBroken) throw new Error('broken')
      },
    })
    session.add(make(Memo, { text: 'a' }))
    const first = errorOf(session.flush())
    await first
    isBroken = false
    await Promise.all([session.flush(), session.flush()])

    expect(await db.column(Memo, 'text')).toEqual(['a'])
  })

  it('come before queries with autoflush, unless told not to', async () => {
    const session = db.open({}, { autoflush: true })
    session.add(make(Memo, { text: 'a' }))
    expect(await session.noAutoflush(() => session.find(Memo).count())).toBe(0)
    expect(await session.find(Memo).count()).toBe(1)

    session.add(make(Plate, { id: 1, code: 'A' }), make(Plate, { id: 2, code: 'A' }))
    const error = await errorOf(session.find(Memo).all())
    expect(error).toMatchObject({ code: 'AUTOFLUSH_FAILED', message: expect.stringMatching(/autoflush/) })
    expect((error.cause as Error).message).toMatch(/unique|duplicate/i)
  }) // statement 28

  it('tell what they did', async () => {
    await db.save(Memo, { text: 'a' }, { text: 'b' })
    const session = db.open()
    const [one, two] = await session.find(Memo).order({ id: 'ASC' }).all()
    one!.text = 'c'
    session.delete(two!)
    session.add(make(Memo, { text: 'd' }), make(Account, { name: 'e' }))
    const result = await session.flush()

    expect(result).toMatchObject({ inserted: 2, updated: 1, deleted: 1, softRemoved: 0, recovered: 0 })
    expect(result.statements).toBeGreaterThanOrEqual(4)
    expect(result.durationMs).toBeGreaterThan(0)
  })
})

describeDatabase('after the commit', () => {
  it('runs every callback once, in order, whatever the others do, and hides nothing', async () => {
    const { codes } = collectWarnings()
    const called: string[] = []
    const session = db.open({
      afterCommit() {
        called.push('hook')
        throw new Error('first listener')
      },
    })
    session.registerExtension(
      class Second extends SessionExtension {
        override afterCommit() {
          called.push('second hook')
        }
      },
    )
    await session.begin()
    session.onCommit(() => void called.push('callback'))
    session.onCommit(() => Promise.reject(new Error('second listener')))
    session.onCommit(() => void called.push('last'))
    session.add(make(Memo, { text: 'a' }))
    await session.commit()

    expect(called).toEqual(['hook', 'second hook', 'callback', 'last'])
    expect(codes).toHaveLength(2)
    expect(await db.column(Memo, 'text')).toEqual(['a'])
    session.add(make(Memo, { text: 'b' }))
    await session.commit()
    expect(await db.column(Memo, 'text')).toEqual(['a', 'b'])
    expect(called.slice(4)).toEqual(['hook', 'second hook'])
  }) // statement 40, M8, M12, S1

  it('runs callbacks after the outermost commit alone, and none of a savepoint that was rolled back', async () => {
    const called: string[] = []
    const session = db.open({ beforeCommit: () => void called.push('beforeCommit'), afterCommit: () => void called.push('afterCommit') })
    await session.transaction(async () => {
      await session.transaction(() => Promise.resolve(session.onCommit(() => void called.push('released'))))
      await errorOf(
        session.transaction(() => {
          session.onCommit(() => void called.push('never'))
          return Promise.reject(new Error('undone'))
        }),
      )
      called.push('still inside')
    })

    expect(called).toEqual(['still inside', 'beforeCommit', 'afterCommit', 'released'])
  }) // statement 40, S2

  it('tells the changes of all flushes of a transaction, merged, old values included', async () => {
    await db.save(Memo, { text: 'a' }, { text: 'gone' })
    const told: unknown[] = []
    const session = db.open({
      afterCommit: (changes) =>
        void told.push(...changes.map(({ kind, before, after, key }) => ({ kind, texts: [before?.text, after?.text], key }))),
    })
    const [memo, gone] = await session.find(Memo).order({ id: 'ASC' }).all()
    await session.begin()
    memo!.text = 'b'
    await session.flush()
    memo!.text = 'c'
    session.delete(gone!)
    const added = make(Memo, { text: 'new' })
    session.add(added)
    await session.flush()
    added.text = 'newer'
    await session.commit()

    expect(told).toEqual(
      expect.arrayContaining([
        { kind: 'update', texts: ['a', 'c'], key: { id: memo!.id } },
        { kind: 'delete', texts: ['gone', undefined], key: { id: gone!.id } },
        { kind: 'insert', texts: [undefined, 'newer'], key: { id: added.id } },
      ]),
    )
    expect(told).toHaveLength(3)
  }) // M10, S3

  it('tells the old value of an object that had expired', async () => {
    await db.save(Memo, { text: 'a' })
    const told: unknown[] = []
    const session = db.open(
      { afterCommit: (changes) => void told.push(...changes.map((change) => change.changes.text)) },
      { expireOnCommit: true },
    )
    const memo = await session.find(Memo).one()
    for (const text of ['b', 'c']) {
      await session.begin()
      memo.text = text
      await session.commit()
    }

    expect(told).toEqual([
      { from: 'a', to: 'b' },
      { from: 'b', to: 'c' },
    ])
  }) // S4

  it('lets go of deleted objects, also without expiry', async () => {
    await db.save(Memo, { text: 'a' })
    const detached: object[] = []
    const session = db.open({ afterDetach: (entity) => void detached.push(entity) })
    const memo = await session.find(Memo).one()
    await session.begin()
    session.delete(memo)
    await session.flush()
    expect(session.state(memo).status).toBe('deleted')
    await session.commit()

    expect(detached).toEqual([memo])
    expect(session.state(memo).status).toBe('detached')
  }) // S8

  it('works with asynchronous hooks', async () => {
    const order: string[] = []
    const later = (name: string) => () => new Promise<void>((resolve) => setTimeout(() => resolve(void order.push(name)), 5))
    const session = db.open({
      beforeFlush: later('beforeFlush'),
      beforeInsert: later('beforeInsert'),
      afterInsert: later('afterInsert'),
      afterFlush: later('afterFlush'),
      beforeCommit: later('beforeCommit'),
      afterCommit: later('afterCommit'),
    })
    session.add(make(Memo, { text: 'a' }))
    await session.flush()

    expect(order).toEqual(['beforeFlush', 'beforeInsert', 'afterInsert', 'afterFlush', 'beforeCommit', 'afterCommit'])
  }) // S9
})
