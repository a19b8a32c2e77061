/**
 * What a rolled back savepoint takes with it, and what it leaves.
 *
 * @module
 */
import type { OpenSession } from 'flushpoint'
import { describeDatabase } from '../support/databases.js'
import { errorOf, make, useSessions } from '../support/sessions.js'
import { Account, Hall, Memo, Plate } from '../support/ties.js'

const db = useSessions()
const undone = new Error('undone')

/** Runs `fn` in a savepoint that is rolled back. */
async function inVain(session: OpenSession, fn: () => unknown): Promise<void> {
  const error = await errorOf(
    session.transaction(async () => {
      await fn()
      throw undone
    }),
  )
  expect(error).toBe(undone)
}

describeDatabase('a rolled back savepoint', () => {
  it('restores what changed inside it and leaves earlier work alone', async () => {
    await db.save(Memo, { text: 'a', mood: 'calm' })
    const session = db.open()
    const memo = await session.find(Memo).one()
    await session.begin()
    memo.text = 'outer'
    await session.flush()
    await inVain(session, async () => {
      memo.text = 'inner'
      memo.mood = 'wild'
      await session.flush()
    })

    expect(memo).toMatchObject({ text: 'outer', mood: 'calm' })
    await session.commit()
    expect(await db.rows(Memo)).toMatchObject([{ text: 'outer', mood: 'calm' }])
  }) // statement 35

  it('does not take work of the outer transaction that was not flushed when it began', async () => {
    await db.save(Memo, { text: 'a' }, { text: 'gone' })
    const session = db.open()
    const [memo, gone] = await session.find(Memo).order({ id: 'ASC' }).all()
    await session.begin()
    const added = make(Memo, { text: 'added' })
    session.add(added)
    memo!.text = 'outer'
    session.delete(gone!)
    await inVain(session, () => session.flush())

    expect(added.id).toEqual(expect.any(Number))
    await session.commit()
    expect(await db.column(Memo, 'text')).toEqual(['outer', 'added'])
  }) // statements 35 and 36, M5

  it('is preceded by a flush of what is pending', async () => {
    const session = db.open()
    await session.begin()
    session.add(make(Memo, { text: 'a' }))
    const sent = await db.sent(() => inVain(session, () => undefined))

    expect(sent.map((line) => line.split(' ')[0]).filter((word) => word !== 'SELECT')).toEqual(['INSERT', 'SAVEPOINT', 'ROLLBACK'])
    await session.commit()
  }) // statement 36

  it('makes new objects of its own transient, flushed or not', async () => {
    const session = db.open()
    await session.begin()
    const [flushed, pending] = [make(Memo, { text: 'flushed' }), make(Memo, { text: 'pending' })]
    await inVain(session, async () => {
      session.add(flushed)
      await session.flush()
      session.add(pending)
    })

    expect([flushed.id, pending.id]).toEqual([undefined, undefined])
    expect([flushed, pending].map((memo) => session.state(memo).status)).toEqual(['detached', 'detached'])
    await session.commit()
    expect(await db.rows(Memo)).toEqual([])
  }) // statement 35

  it('brings back what was deleted inside, and not what was deleted outside', async () => {
    await db.save(Plate, { id: 1, code: 'A' }, { id: 2, code: 'B' })
    const session = db.open()
    const [one, two] = await session.find(Plate).order({ id: 'ASC' }).all()
    await session.begin()
    session.delete(one!)
    await session.flush()
    await inVain(session, async () => {
      session.delete(two!)
      await session.flush()
    })

    expect([one!, two!].map((plate) => session.state(plate).status)).toEqual(['deleted', 'clean'])
    two!.code = 'C'
    await session.commit()
    expect(await db.column(Plate, 'code')).toEqual(['C'])
  }) // statement 35

  it('leaves the outer transaction usable after a constraint error', async () => {
    await db.save(Hall, { name: 'east' })
    const session = db.open()
    await session.begin()
    session.add(make(Memo, { text: 'before' }))
    const twice = make(Hall, { name: 'east' })
    const error = await errorOf(
      session.transaction(async () => {
        session.add(make(Memo, { text: 'inside' }), twice)
        await session.flush()
      }),
    )
    expect(error.message).toMatch(/unique|duplicate/i)
    expect(session.state(twice).status).toBe('detached')
    session.add(make(Memo, { text: 'after' }))
    await session.commit()

    expect(await db.column(Memo, 'text')).toEqual(['before', 'after'])
    expect(await db.column(Hall, 'name')).toEqual(['east'])
  }) // statement 37

  it('leaves the outer transaction usable when its release fails', async () => {
    await db.save(Hall, { name: 'east' })
    const session = db.open()
    await session.begin()
    session.add(make(Memo, { text: 'before' }))
    await errorOf(session.transaction(() => Promise.resolve(session.add(make(Hall, { name: 'east' })))))
    await session.commit()

    expect(await db.column(Memo, 'text')).toEqual(['before'])
  }) // statement 37: what is pending is flushed before RELEASE

  it('restores level by level', async () => {
    await db.save(Account, { name: 'a', balance: 0 })
    const session = db.open()
    const account = await session.find(Account).one()
    const seen: [number, number][] = []
    await session.begin()
    account.balance = 1
    await inVain(session, async () => {
      account.balance = 2
      await inVain(session, async () => {
        account.balance = 3
        await session.flush()
      })
      seen.push([account.balance, account.version])
      await session.transaction(() => Promise.resolve(void (account.balance = 4)))
      seen.push([account.balance, account.version])
    })
    seen.push([account.balance, account.version])
    await session.commit()

    expect(seen).toEqual([
      [2, 3],
      [4, 4],
      [1, 2],
    ])
    expect(await db.rows(Account)).toMatchObject([{ balance: 1, version: 2 }])
  })

  it('is undone with the outer transaction after it was released', async () => {
    await db.save(Memo, { text: 'a' })
    const session = db.open()
    const memo = await session.find(Memo).one()
    const added = make(Memo, { text: 'added' })
    await session.begin()
    await session.transaction(async () => {
      memo.text = 'b'
      session.add(added)
      await session.flush()
    })
    await session.rollback()

    expect([memo.text, added.id, session.state(added).status]).toEqual(['a', undefined, 'detached'])
    expect(await db.column(Memo, 'text')).toEqual(['a'])
  })

  it('cuts its part off the journal and out of the net changes', async () => {
    const told: string[] = []
    const session = db.open({ afterCommit: (changes) => void told.push(...changes.map(({ kind, after }) => `${kind} ${after?.text}`)) })
    await session.begin()
    session.add(make(Memo, { text: 'outer' }))
    await session.flush()
    await inVain(session, async () => {
      session.add(make(Memo, { text: 'inner' }))
      await session.flush()
      expect(session.journal).toHaveLength(2)
    })
    expect(session.journal).toHaveLength(1)
    await session.commit()

    expect(told).toEqual(['insert outer'])
  })

  it('lets a transaction of its own begin again where none is open', async () => {
    await db.save(Memo, { text: 'a' })
    const session = db.open()
    const memo = await session.find(Memo).one()
    await inVain(session, async () => {
      memo.text = 'b'
      await session.flush()
    })
    expect(memo.text).toBe('a')
    await session.transaction(() => Promise.resolve(void (memo.text = 'c')))

    expect(await db.column(Memo, 'text')).toEqual(['c'])
  })
})

describeDatabase('transactions of a session', () => {
  it('refuses to begin twice', async () => {
    const session = db.open()
    await session.begin()

    expect(await errorOf(session.begin())).toMatchObject({ code: 'TRANSACTION_ALREADY_OPEN' })
    await session.rollback()
  }) // statement 38

  it('refuses to commit or roll back the outermost from inside a nested one', async () => {
    const session = db.open()
    const memo = make(Memo, { text: 'a' })
    session.add(memo)
    await session.transaction(() =>
      session.transaction(async () => {
        expect(await errorOf(session.commit())).toMatchObject({ code: 'TRANSACTION_NESTED_OPEN' })
        expect(await errorOf(session.rollback())).toMatchObject({ code: 'TRANSACTION_NESTED_OPEN' })
      }),
    )

    expect(await db.column(Memo, 'text')).toEqual(['a'])
  }) // statement 38

  it('flushes before it commits and keeps the values', async () => {
    const session = db.open()
    await session.begin()
    const memo = make(Memo, { text: 'a' })
    session.add(memo)
    await session.commit()

    expect(await db.sent(() => session.get(Memo, memo.id))).toEqual([])
    expect(memo).toMatchObject({ text: 'a', mood: 'draft' })
    expect(await db.column(Memo, 'text')).toEqual(['a'])
  }) // statement 33

  it('reads objects again after a commit where they are to expire', async () => {
    await db.save(Memo, { text: 'a' })
    const session = db.open({}, { expireOnCommit: true })
    const memo = await session.find(Memo).one()
    await session.begin()
    memo.mood = 'calm'
    await session.commit()
    await db.ds.manager.update(Memo, memo.id, { text: 'theirs' })

    expect(await session.get(Memo, memo.id)).toBe(memo)
    expect(memo).toMatchObject({ text: 'theirs', mood: 'calm' })
  }) // statement 33
})
