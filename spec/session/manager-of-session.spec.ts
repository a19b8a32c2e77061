/**
 * TypeORM's manager inside a session: the same transaction, the same extensions, the same journal.
 *
 * @module
 */
import { openSession, sessionOf, withSession, type Change, type OpenSession } from 'flushpoint'
import { errorOf, extend, log, mapperLog, sessionExtension, sessionLog, useDatabase } from '../support/chains.js'
import { describeDatabase, recordStatements } from '../support/databases.js'
import { Article, Author, Comment, make, Note, Tag } from '../support/models.js'

const author = (name: string) => make(Author, { name })
const told = (changes: readonly Change[]) =>
  changes.map(
    ({ kind, entity, table }) =>
      `${kind} ${(entity as { name?: string; title?: string } | null)?.name ?? (entity as Article).title ?? table}`,
  )

describeDatabase('the manager of a session', () => {
  let session: OpenSession
  afterEach(() => session.close()) // before the tables are emptied
  const database = useDatabase()
  beforeEach(() => void (session = openSession(database.ds, { extensions: [sessionLog('S')] })))
  const names = async () => (await database.ds.manager.find(Author, { order: { id: 'ASC' } })).map(({ name }) => name)

  it('leads back to it, as do its repositories and its runner', async () => {
    const { manager } = session
    expect(sessionOf(manager)).toBe(session)
    expect(sessionOf(manager.getRepository(Author))).toBe(session)
    expect(sessionOf({ manager })).toBe(session)
    expect(sessionOf(manager.queryRunner!)).toBe(session)
    await session.transaction(() => Promise.resolve(expect(sessionOf(manager)).toBe(session)))
    await withSession(database.ds, (own) => Promise.resolve(expect(sessionOf(own.manager)).toBe(own)))
  })

  describe('saves', () => {
    it('with the hooks of that session, once each, and commits where no transaction is open', async () => {
      extend(Author, mapperLog('M'))
      await session.manager.save(author('Ann'))
      expect(log).toEqual([
        'S.beforeFlush',
        'S.beforeInsert Ann',
        'M.beforeInsert Ann',
        'M.afterInsert Ann',
        'S.afterInsert Ann',
        'S.afterFlush',
      ])
      expect([await names(), session.scope]).toEqual([['Ann'], null])
    })

    it('an entity the session has: it is clean then, and a flush sends nothing more', async () => {
      await database.ds.manager.save(author('Ann'))
      const ann = await session.find(Author).one()
      ann.name = 'Anna'
      await session.manager.save(ann)
      expect([session.state(ann).status, await names()]).toEqual(['clean', ['Anna']])
      const recording = recordStatements(database.ds)
      await session.flush()
      expect(recording.statements).toHaveLength(0)
      recording.stop()
      ann.name = 'Annie'
      await session.flush()
      expect(await names()).toEqual(['Annie'])
    })

    it('a new entity the session was given: it is inserted once', async () => {
      const ann = author('Ann')
      session.add(ann)
      await session.manager.save(ann)
      await session.flush()
      expect([session.uow.new.size, await names()]).toEqual([0, ['Ann']])
      ann.name = 'Anna'
      await session.flush()
      expect(await names()).toEqual(['Anna'])
    })

    it('are committed with all that is pending, and leave that pending inside a transaction', async () => {
      session.add(author('pending'))
      await session.transaction(async ({ manager }) => {
        await manager.save(author('saved'))
        expect(session.uow.new.size).toBe(1)
      })
      session.add(author('pending, too'))
      await session.manager.save(author('saved, too'))
      expect([session.uow.new.size, (await names()).sort()]).toEqual([0, ['pending', 'pending, too', 'saved', 'saved, too']])
    })

    it('count versions on the entity the session has', async () => {
      await database.ds.manager.save(make(Note, { text: 'n' }))
      const note = await session.find(Note).one()
      for (const text of ['a', 'b']) {
        note.text = `saved ${text}`
        await session.manager.save(note)
        note.text = `flushed ${text}`
        await session.flush()
      }
      expect([note.version, (await database.ds.manager.find(Note))[0]!.version]).toEqual([5, 5])
    })

    it('relations of the entity, which the next flush then knows', async () => {
      await database.ds.manager.save([make(Article, { title: 'a' }), make(Tag, { name: 'red' })] as object[])
      const article = await session.find(Article).with('tags', 'comments').one()
      article.tags.push(await session.find(Tag).one())
      article.comments.push(make(Comment, { text: 'c' }))
      await session.manager.save(article)
      const recording = recordStatements(database.ds)
      await session.flush()
      expect(recording.statements).toHaveLength(0)
      recording.stop()
      article.tags.length = 0
      await session.flush()
      const fresh = await database.ds.manager.findOneOrFail(Article, { where: {}, relations: { tags: true, comments: true } })
      expect([fresh.tags!.length, fresh.comments!.length]).toEqual([0, 1])
    })

    it('roll back with the transaction of the session, which then holds what it held before', async () => {
      await database.ds.manager.save(author('Ann'))
      const ann = await session.find(Author).one()
      await session.begin()
      ann.name = 'Anna'
      const bob = author('Bob')
      await session.manager.save([ann, bob])
      await session.rollback()
      expect([await names(), ann.name, session.state(ann).status]).toEqual([['Ann'], 'Ann', 'clean'])
      ann.name = 'Annie'
      await session.flush()
      expect(await names()).toEqual(['Annie'])
    })
  })

  describe('removes', () => {
    it('with delete hooks, and the session forgets the entity', async () => {
      await database.ds.manager.save([author('Ann'), author('Bob')])
      const [ann] = await session.find(Author).order({ name: 'ASC' })
      const { id } = ann!
      await session.manager.remove(ann!)
      expect(log).toContain('S.afterDelete Ann')
      expect(await session.get(Author, id)).toBeNull()
      await session.flush()
      expect(await names()).toEqual(['Bob'])
    })

    it('softly, and recovers', async () => {
      await database.ds.manager.save(make(Note, { text: 'n' }))
      const note = await session.find(Note).one()
      await session.manager.softRemove(note)
      expect(log).toContain('S.afterSoftRemove n')
      await session.manager.recover(note)
      expect(log).toContain('S.afterRecover n')
      expect(session.state(note).status).toBe('clean')
      expect(await database.ds.manager.count(Note)).toBe(1)
    })
  })

  describe('transaction', () => {
    it('is the transaction of the session, with its hooks', async () => {
      session.registerExtension(sessionLog('T', ['afterBegin', 'beforeCommit', 'afterCommit', 'afterRollback']))
      session.add(author('Ann'))
      await session.manager.transaction(async (manager) => {
        expect(sessionOf(manager)).toBe(session)
        expect(session.scope?.kind).toBe('transaction')
        await manager.save(author('Bob'))
        session.add(author('Cid'))
      })
      expect((await names()).sort()).toEqual(['Ann', 'Bob', 'Cid'])
      expect(log.filter((line) => line.startsWith('T'))).toEqual(['T.afterBegin', 'T.beforeCommit', 'T.beforeCommit', 'T.afterCommit'])
    })

    it('is a savepoint inside another, rolled back alone', async () => {
      await session.transaction(async () => {
        session.add(author('Ann'))
        const failed = session.manager.transaction(async (manager) => {
          await manager.save(author('Bob'))
          session.add(author('Cid'))
          throw new Error('no')
        })
        expect(await errorOf(failed)).toMatchObject({ message: 'no' })
        await session.manager.transaction((manager) => manager.save(author('Dan')))
      })
      expect(await names()).toEqual(['Ann', 'Dan'])
    })
  })

  describe('journal', () => {
    it('tells of flushes and of saves in the order in which they were written, and afterCommit the net', async () => {
      const net: string[][] = []
      session.registerExtension(sessionExtension({ afterCommit: (changes) => void net.push(told(changes)) }))
      await session.transaction(async ({ manager }) => {
        const ann = author('Ann')
        session.add(ann)
        await session.flush()
        await manager.save(author('Bob'))
        ann.name = 'Anna'
        await session.flush()
        await manager.remove(ann)
        await session.flush()
        expect(session.journal.map(({ kind }) => kind)).toEqual(['insert', 'insert', 'update', 'delete'])
      })
      expect(net).toEqual([['insert Bob']])
      expect(await names()).toEqual(['Bob'])
    })
  })

  describe('queries', () => {
    it('see what the transaction of the session has written', async () => {
      await session.begin()
      session.add(author('Ann'))
      await session.flush()
      const table = database.ds.getMetadata(Author).tablePath
      expect(await session.manager.query(`SELECT name FROM ${table}`)).toEqual([{ name: 'Ann' }])
      expect(await session.manager.find(Author)).toHaveLength(1)
      expect(await session.manager.createQueryBuilder(Author, 'a').getCount()).toBe(1)
      await session.rollback()
      expect(await session.manager.find(Author)).toEqual([])
    })
  })

  describe('bulk statements', () => {
    const bulk = sessionExtension({
      beforeBulk: (statement) => void log.push(`before ${statement.kind}`),
      afterBulk: (statement) => void log.push(`after ${statement.kind} ${statement.affected}`),
    })

    it('fire the bulk hooks of the session, and leave its entities alone', async () => {
      await database.ds.manager.save([author('Ann'), author('Bob')])
      const ann = await session.find(Author, { name: 'Ann' }).one()
      session.registerExtension(bulk)
      await session.manager.insert(Author, { name: 'Cid' })
      await session.manager.update(Author, { name: 'Ann' }, { name: 'bulk' })
      await session.manager.delete(Author, { name: 'Bob' })
      expect(log).toEqual(['before insert', 'after insert 1', 'before update', 'after update 1', 'before delete', 'after delete 1'])
      expect([ann.name, session.state(ann).status, await names()]).toEqual(['Ann', 'clean', ['bulk', 'Cid']]) // ming row 109
      await session.refresh(ann)
      expect(ann.name).toBe('bulk')
    })

    it('belong to the transaction of a block from the first on', async () => {
      const lines: string[] = []
      const noting = sessionExtension({
        beforeBulk() {
          lines.push(`bulk in ${this.session.scope?.kind ?? 'nothing'}`)
        },
        afterCommit: () => void lines.push('committed'),
      })
      await withSession(database.ds, { extensions: [noting] }, async (own) => {
        await own.manager.insert(Author, { name: 'Ann' })
        expect(own.scope?.kind).toBe('transaction')
        lines.push('end of the block')
      })
      expect(lines).toEqual(['bulk in transaction', 'end of the block', 'committed'])
    })

    it('enter the journal where a hook asks for their rows', async () => {
      await database.ds.manager.save(author('Ann'))
      session.registerExtension(sessionExtension({ beforeBulk: (statement) => statement.wantImages('both') }))
      await session.transaction(async ({ manager }) => {
        await manager.update(Author, { name: 'Ann' }, { name: 'bulk' })
        expect(session.journal.map(({ kind, after }) => [kind, after?.['name' as never]])).toEqual([['update', 'bulk']])
      })
    })
  })
})
