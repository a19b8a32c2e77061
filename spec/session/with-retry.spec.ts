/**
 * Trying a transaction again after a deadlock or a serialization failure.
 *
 * @module
 */
import { openSession, withSession, type OpenSession, type Session } from 'flushpoint'
import { QueryFailedError } from 'typeorm'
import { errorOf, log, sessionLog, useDatabase } from '../support/chains.js'
import { describeDatabase } from '../support/databases.js'
import { Article, Author, make, Note, Tag } from '../support/models.js'

const author = (name: string) => make(Author, { name })

/** What a driver answers when somebody else's work was in the way. */
const conflict = (code = '40001') => new QueryFailedError('UPDATE', [], Object.assign(new Error('conflict'), { code }))

/** Opens once as many have come as it was made for. */
function meeting(wanted: number): () => Promise<void> {
  let open!: () => void
  let come = 0
  const opened = new Promise<void>((resolve) => (open = resolve))
  return () => {
    if (++come === wanted) open()
    return opened
  }
}

describeDatabase('withRetry', () => {
  let session: OpenSession
  afterEach(() => session.close()) // before the tables are emptied
  const database = useDatabase()
  beforeEach(() => void (session = openSession(database.ds)))
  const names = async () => (await database.ds.manager.find(Author, { order: { id: 'ASC' } })).map(({ name }) => name)

  /** Fails with these errors, one after another, and then no more. */
  function failing(...errors: Error[]) {
    const attempts: unknown[] = []
    const fn = async (own: Session) => {
      attempts.push(own.info['attempt'])
      own.add(author(`try ${attempts.length}`))
      await own.flush()
      const error = errors.shift()
      if (error !== undefined) throw error
      return attempts.length
    }
    return { attempts, fn }
  }

  it('runs once, in a transaction, where nothing is in the way', async () => {
    const { attempts, fn } = failing()
    expect(await session.withRetry(fn)).toBe(1)
    expect([attempts, await names(), session.scope]).toEqual([[1], ['try 1'], null])
  })

  it.each(['40001', '40P01', 'ER_LOCK_DEADLOCK', 'SQLITE_BUSY'])('tries again after %s, and counts its attempts', async (code) => {
    const { attempts, fn } = failing(conflict(code), conflict(code))
    expect(await session.withRetry(fn, { delayMs: 1 })).toBe(3)
    expect([attempts, await names()]).toEqual([[1, 2, 3], ['try 3']])
  })

  it('throws the last error as it is when the attempts are used up', async () => {
    const last = conflict()
    const { attempts, fn } = failing(conflict(), last, conflict())
    expect(await errorOf(session.withRetry(fn, { attempts: 2, delayMs: 1 }))).toBe(last)
    expect([attempts, await names()]).toEqual([[1, 2], []])
    expect(await errorOf(session.withRetry(failing(conflict(), conflict(), conflict()).fn, { delayMs: 1 }))).toMatchObject({
      message: 'conflict',
    })
  })

  it('throws any other error at once', async () => {
    await database.ds.manager.save(make(Tag, { name: 'red' }))
    const { attempts, fn } = failing(new Error('mine'))
    expect(await errorOf(session.withRetry(fn, { delayMs: 1 }))).toMatchObject({ message: 'mine' })
    const unique = session.withRetry((own) => {
      attempts.push(0)
      own.add(make(Tag, { name: 'red' }))
      return Promise.resolve()
    })
    expect((await errorOf(unique)).message).toMatch(/unique|duplicate/i)
    expect([attempts, await names()]).toEqual([[1, 0], []])
  })

  it('starts each attempt from the same state: values, pending work and marks', async () => {
    await database.ds.manager.save([author('Ann'), author('Bob'), make(Tag, { name: 'red' })] as object[])
    const [ann, bob] = await session.find(Author).order({ name: 'ASC' })
    const red = await session.find(Tag).one()
    const [pending, added] = [make(Article, { title: 'pending' }), make(Note, { text: 'added' })]
    ann!.name = 'Anna'
    session.add(pending)
    session.delete(red)
    const states: unknown[] = []
    const errors = [conflict(), conflict()]
    await session.withRetry(
      async (own) => {
        const kinds = [pending, ann!, red, bob!].map((entity) => own.state(entity).status)
        states.push([kinds, ann!.name, bob!.name, pending.id === undefined, added.id === undefined])
        bob!.name += '!'
        own.add(added)
        await own.flush()
        const error = errors.shift()
        if (error !== undefined) throw error
      },
      { delayMs: 1 },
    )
    expect(states).toHaveLength(3)
    expect(states[1]).toEqual(states[0])
    expect(states[2]).toEqual(states[0])
    expect(await names()).toEqual(['Anna', 'Bob!'])
    expect([await database.ds.manager.count(Article), await database.ds.manager.count(Note), await database.ds.manager.count(Tag)]).toEqual(
      [1, 1, 0],
    )
  })

  it('reads rows again in the next attempt: what somebody else has written is not lost', async () => {
    const { id } = await database.ds.manager.save(author('0'))
    let attempt = 0
    await session.withRetry(
      async (own) => {
        if (attempt++ > 0) await own.manager.query(`UPDATE ${database.ds.getMetadata(Author).tablePath} SET name = '10' WHERE id = ${id}`)
        const counter = await own.getOrFail(Author, id)
        counter.name = String(Number(counter.name) + 1)
        await own.flush()
        if (attempt === 1) throw conflict()
      },
      { delayMs: 1 },
    )
    expect(await names()).toEqual(['11'])
  })

  it('lets extensions hear each transaction', async () => {
    session.registerExtension(sessionLog('S', ['afterBegin', 'afterCommit', 'afterRollback']))
    await session.withRetry(failing(conflict()).fn, { delayMs: 1 })
    expect(log).toEqual(['S.afterBegin', 'S.afterRollback', 'S.afterBegin', 'S.afterCommit'])
  })

  it('tries once inside a transaction, which has to be tried again as a whole', async () => {
    const { attempts, fn } = failing(conflict())
    expect(await errorOf(session.transaction((own) => own.withRetry(fn)))).toMatchObject({ message: 'conflict' })
    expect(attempts).toEqual([1])
    const block = failing(conflict())
    expect(await errorOf(withSession(database.ds, (own) => own.withRetry(block.fn)))).toMatchObject({ message: 'conflict' })
    expect(block.attempts).toEqual([1])
  })
})

describeDatabase(
  'withRetry on a server',
  () => {
    const database = useDatabase()
    const names = async () => (await database.ds.manager.find(Author, { order: { id: 'ASC' } })).map(({ name }) => name)

    it('gets through a deadlock of two sessions', async () => {
      await database.ds.manager.save([author('first'), author('second')])
      const met = meeting(2)
      const attempts: number[] = []
      const run = async (who: string, isReversed: boolean) => {
        await using session = openSession(database.ds)
        const rows = await session.find(Author).order({ id: isReversed ? 'DESC' : 'ASC' })
        const before = rows.map(({ name }) => name)
        await session.withRetry(async (own) => {
          attempts.push(own.info['attempt'] as number)
          expect(rows.map(({ name }) => name)).toEqual(before)
          rows[0]!.name = `${before[0]!} by ${who}`
          await own.flush()
          if (own.info['attempt'] === 1) await met()
          rows[1]!.name = `${before[1]!} by ${who}`
          await own.flush()
        })
        return rows.map(({ name }) => name)
      }
      await Promise.all([run('Ann', false), run('Bob', true)])
      expect(attempts.slice().sort()).toEqual([1, 1, 2])
      const written = await names()
      expect([
        ['first by Ann', 'second by Ann'],
        ['first by Bob', 'second by Bob'],
      ]).toContainEqual(written)
    })
  },
  ['postgres', 'mariadb'],
)

describeDatabase(
  'withRetry on PostgreSQL',
  () => {
    const database = useDatabase()

    it.each(['REPEATABLE READ', 'SERIALIZABLE'] as const)(
      'gets through a serialization failure under %s, and loses no update',
      async (isolationLevel) => {
        const { id } = await database.ds.manager.save(author('0'))
        const met = meeting(2)
        const attempts: number[] = []
        const increment = async () => {
          await using session = openSession(database.ds, { isolationLevel })
          await session.withRetry(async (own) => {
            attempts.push(own.info['attempt'] as number)
            const counter = await own.getOrFail(Author, id)
            if (own.info['attempt'] === 1) await met()
            counter.name = String(Number(counter.name) + 1)
          })
        }
        await Promise.all([increment(), increment()])
        expect(attempts.slice().sort()).toEqual([1, 1, 2])
        expect((await database.ds.manager.findOneByOrFail(Author, { id })).name).toBe('2')
      },
    )
  },
  ['postgres'],
)
