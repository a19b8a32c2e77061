/**
 * What autoflush, expireOnCommit and savepoints change.
 *
 * @module
 */
import { openSession, type OpenSession, type SessionOptions } from 'flushpoint'
import { MoreThan } from 'typeorm'
import { errorOf, log, sessionExtension, sessionLog, useDatabase } from '../support/chains.js'
import { describeDatabase, recordStatements } from '../support/databases.js'
import { Article, Author, make, Tag } from '../support/models.js'

const EVERY = { id: MoreThan(0) }
const author = (name: string) => make(Author, { name })

describeDatabase('a session', () => {
  let session: OpenSession
  afterEach(() => session.close()) // before the tables are emptied
  const database = useDatabase()
  const open = (options: SessionOptions = {}) => (session = openSession(database.ds, options))
  const names = async () => (await database.ds.manager.find(Author, { order: { id: 'ASC' } })).map(({ name }) => name)

  describe('with autoflush', () => {
    it('sees in each query what is pending, with both flush hooks before it', async () => {
      open({ autoflush: true, extensions: [sessionLog('S', ['beforeFlush', 'afterFlush'])] })
      session.add(author('Ann'))
      expect((await session.find(Author, { name: 'Ann' }).one()).name).toBe('Ann')
      expect(log).toEqual(['S.beforeFlush', 'S.afterFlush']) // ming row 107
      const ann = await session.find(Author).one()
      ann.name = 'Anna'
      expect(await session.find(Author, { name: 'Anna' }).count()).toBe(1)
      session.delete(ann)
      expect(await session.find(Author)).toEqual([])
    })

    it('flushes when the query is sent, not when the cursor is made', async () => {
      open({ autoflush: true })
      const cursor = session.find(Author).order({ name: 'ASC' }).limit(5)
      session.add(author('Ann'))
      expect(session.uow.new.size).toBe(1)
      expect(await cursor.first()).toMatchObject({ name: 'Ann' })
      expect(session.uow.new.size).toBe(0)
    })

    it('sends nothing more where nothing is pending, and nothing for a key it knows', async () => {
      open({ autoflush: true })
      const ann = author('Ann')
      session.add(ann)
      await session.flush()
      const recording = recordStatements(database.ds)
      await session.find(Author).all()
      expect(recording.statements).toHaveLength(1)
      session.add(author('Bob'))
      expect(await session.get(Author, ann.id)).toBe(ann)
      expect([recording.statements.length, session.uow.new.size]).toEqual([1, 1]) // ming row 108
      recording.stop()
    })

    it('is quiet inside noAutoflush, in what it awaits as well', async () => {
      open({ autoflush: true })
      session.add(author('Ann'))
      const found = await session.noAutoflush(async () => {
        await Promise.resolve()
        return session.find(Author).count()
      })
      expect([found, session.uow.new.size]).toEqual([0, 1])
      expect(session.noAutoflush(() => 7)).toBe(7)
      expect(
        await errorOf(() =>
          session.noAutoflush(() => {
            throw new Error('no')
          }),
        ),
      ).toMatchObject({ message: 'no' })
      expect(await session.find(Author).count()).toBe(1)
    })

    it('is quiet in hooks of a flush', async () => {
      let found = -1
      const asking = sessionExtension({
        async beforeInsert() {
          found = await this.session.find(Author).count()
        },
      })
      open({ autoflush: true, extensions: [asking] })
      session.add(author('Ann'))
      await session.flush()
      expect(found).toBe(0)
      expect(await names()).toEqual(['Ann'])
    })

    it('tells which query a failed flush stopped, with its error as the cause; the work is still pending', async () => {
      await database.ds.manager.save(make(Tag, { name: 'red' }))
      open({ autoflush: true })
      const red = make(Tag, { name: 'red' })
      session.add(red)
      const error = await errorOf(session.find(Author).all())
      expect(error).toMatchObject({ code: 'AUTOFLUSH_FAILED', message: expect.stringContaining('Author') as string })
      expect(error.cause).toBeInstanceOf(Error)
      red.name = 'blue'
      expect(await session.find(Author).all()).toEqual([])
      expect(await database.ds.manager.count(Tag)).toBe(2)
    })
  })

  it('does not flush before queries unless asked to', async () => {
    open()
    session.add(author('Ann'))
    expect(await session.find(Author)).toEqual([])
    expect(session.uow.new.size).toBe(1)
  })

  describe('with expireOnCommit', () => {
    const rename = (to: string) => database.ds.manager.update(Author, EVERY, { name: to })

    it('reads entities again when they are next queried after a commit, in place', async () => {
      open({ expireOnCommit: true })
      const ann = author('Ann')
      session.add(ann)
      await session.commit()
      await rename('other')
      expect(ann.name).toBe('Ann')
      expect(await session.get(Author, ann.id)).toBe(ann)
      expect(ann.name).toBe('other')
      expect(session.uow.dirty.size).toBe(0)
    })

    it('keeps changes that were made since', async () => {
      open({ expireOnCommit: true })
      const ann = author('Ann')
      session.add(ann)
      await session.commit()
      await rename('other')
      ann.name = 'mine'
      await session.find(Author).all()
      expect(ann.name).toBe('mine')
      await session.flush()
      expect(await names()).toEqual(['mine'])
    })

    it('gives null for a row that is gone meanwhile', async () => {
      open({ expireOnCommit: true })
      const ann = author('Ann')
      session.add(ann)
      await session.commit()
      await database.ds.manager.delete(Author, EVERY)
      expect(await session.get(Author, ann.id)).toBeNull()
    })
  })

  it('keeps what it has after a commit unless asked to forget', async () => {
    open()
    const ann = author('Ann')
    session.add(ann)
    await session.commit()
    await database.ds.manager.update(Author, EVERY, { name: 'other' })
    expect([await session.get(Author, ann.id), ann.name]).toEqual([ann, 'Ann'])
  })

  describe('with savepoints', () => {
    it('survives a failing flush inside a transaction; the rest of it is committed', async () => {
      await database.ds.manager.save(make(Tag, { name: 'red' }))
      open({ savepoints: true })
      await session.begin()
      session.add(author('Ann'))
      await session.flush()
      const [article, red] = [make(Article, { title: 'a' }), make(Tag, { name: 'red' })]
      session.add(article, red)
      expect(await errorOf(session.flush())).toBeInstanceOf(Error)
      expect([...session.uow.new]).toEqual([article, red])
      session.expunge(red)
      await session.commit()
      expect(await names()).toEqual(['Ann'])
      expect(await database.ds.manager.count(Article)).toBe(1)
    })

    it('sends two statements more for a flush inside a transaction, none for one of its own', async () => {
      open({ savepoints: true })
      const recording = recordStatements(database.ds)
      session.add(author('Ann'))
      await session.flush()
      expect(recording.sql().filter((sql) => /savepoint/i.test(sql))).toEqual([])
      await session.begin()
      session.add(author('Bob'))
      await session.flush()
      expect(recording.sql().filter((sql) => /savepoint/i.test(sql))).toHaveLength(2)
      await session.commit()
      recording.stop()
    })

    it('takes the setting of its DataSource where it has none of its own', async () => {
      database.install({ savepoints: true })
      open()
      const recording = recordStatements(database.ds)
      await session.begin()
      session.add(author('Ann'))
      await session.flush()
      expect(recording.sql().filter((sql) => /savepoint/i.test(sql))).toHaveLength(2)
      await session.rollback()
      recording.stop()
    })
  })

  it('without savepoints cannot commit a transaction in which a hook failed after statements were sent', async () => {
    const failing = sessionExtension({
      afterInsert() {
        throw new Error('no')
      },
    })
    open({ extensions: [failing] })
    session.add(author('Ann'))
    await session.begin()
    expect(await errorOf(session.flush())).toMatchObject({ message: 'no' })
    expect(await errorOf(session.commit())).toMatchObject({ code: 'TRANSACTION_ROLLBACK_ONLY' })
    expect(await names()).toEqual([])
    expect(session.uow.new.size).toBe(1)
  })
})
