/** What an ambient session answers, refuses and prints. */
import { sessionOf, trySessionOf, type Session } from 'flushpoint'
import { errorOf, extend, log, mapperExtension, sessionExtension, useDatabase } from '../support/chains.js'
import { describeDatabase } from '../support/databases.js'
import { Article, Author, make, Tag } from '../support/models.js'

describeDatabase('an ambient session', () => {
  const db = useDatabase()
  const inTransaction = <T>(fn: (session: Session) => T | Promise<T>) => db.use().transaction(async (manager) => fn(sessionOf(manager)))

  const REFUSED: Readonly<Record<string, (session: Session) => unknown>> = {
    get: (session) => session.get(Article, 7),
    getOrFail: (session) => session.getOrFail(Article, 7),
    find: (session) => session.find(Article),
    flush: (session) => session.flush(),
    explain: (session) => session.explain(),
    refresh: (session) => session.refresh(new Article()),
    merge: (session) => session.merge(Article, { title: 'A' }),
  }
  it.each(Object.keys(REFUSED))('refuses %s with a code and a fix', async (method) => {
    const error = await inTransaction((session) => errorOf(() => REFUSED[method]!(session)))
    expect(error).toMatchObject({
      name: 'SessionError',
      code: 'SESSION_IS_AMBIENT',
      fix: expect.stringContaining('session.manager') as string,
    })
    expect(error.message).toContain(`Cannot call ${method} on an ambient session`)
  })

  it.each(['add', 'delete', 'softRemove', 'recover'] as const)('refuses to %s what is no entity of its DataSource', async (method) => {
    const error = await inTransaction((session) => errorOf(() => session[method](new Date() as never)))
    expect(error).toMatchObject({ code: 'ENTITY_NOT_MAPPED', message: expect.stringContaining('an instance of Date') as string })
  })

  it('takes in nothing of a call in which one argument is no entity', async () => {
    await inTransaction(async (session) => {
      await errorOf(() => session.add(make(Tag, { name: 't' }), null as never))
      expect(String(session.uow)).toBe('UnitOfWork (empty)')
    })
    expect(await db.ds.manager.count(Tag)).toBe(0)
  })

  const ENDED: Readonly<Record<string, (session: Session) => unknown>> = {
    add: (session) => session.add(make(Tag, { name: 't' })),
    delete: (session) => session.delete(make(Tag, { name: 't' })),
    onCommit: (session) => session.onCommit(() => undefined),
    onRollback: (session) => session.onRollback(() => undefined),
    transaction: (session) => session.transaction(() => Promise.resolve()),
  }
  it.each(Object.keys(ENDED))('refuses %s once its transaction has ended', async (method) => {
    const session = await inTransaction((own) => own)
    const error = await errorOf(() => ENDED[method]!(session))
    expect(error).toMatchObject({
      code: 'SESSION_ENDED',
      message: expect.stringContaining(`Cannot call ${method} on this session`) as string,
    })
  })

  it('is found by the manager, its repositories and its runner, and nowhere else', async () => {
    await db.use().transaction((manager) => {
      const session = sessionOf(manager)
      expect([manager.getRepository(Article), manager.queryRunner!, { manager }].map((source) => sessionOf(source) === session)).toEqual([
        true,
        true,
        true,
      ])
      return Promise.resolve()
    })
    expect(trySessionOf(db.ds.manager)).toBeUndefined()
    expect(await errorOf(() => sessionOf(db.ds.manager))).toMatchObject({ code: 'SESSION_NOT_FOUND' })
    expect(await errorOf(() => sessionOf({} as never))).toMatchObject({ code: 'SESSION_SOURCE_INVALID' })
  })

  it('writes what was added outside of a flush before the commit', async () => {
    const known = await db.ds.manager.save(make(Tag, { name: 'known' }))
    await inTransaction((session) => {
      session.add(make(Article, { title: 'added', author: make(Author, { name: 'Ann' }) }))
      session.delete(known)
      expect([session.uow.dirty.size + session.uow.new.size, session.uow.deleted.size]).toEqual([1, 1])
      expect([session.isModified(known), session.isModified(make(Tag, {}))]).toEqual([true, false])
    })
    expect(await Promise.all([Article, Author, Tag].map((entity) => db.ds.manager.count(entity)))).toEqual([1, 1, 0])
  })

  it('forgets what was expunged outside of a flush', async () => {
    const tag = make(Tag, { name: 'expunged' })
    await inTransaction((session) => {
      session.add(tag)
      session.expunge(tag)
    })
    expect(await db.ds.manager.count(Tag)).toBe(0)
  })

  it('shares info between its extensions, and with no other session', async () => {
    const Writer = sessionExtension({
      beforeFlush() {
        this.session.info['count'] = Number(this.session.info['count'] ?? 0) + 1
      },
    })
    const Reader = sessionExtension({
      afterFlush() {
        log.push(`count ${String(this.session.info['count'])}`)
      },
    })
    const ds = db.use(Writer, Reader)
    await ds.transaction(async (manager) => {
      await manager.save(make(Tag, { name: 'a' }))
      await manager.save(make(Tag, { name: 'b' }))
      expect(sessionOf(manager).info).toEqual({ count: 2 })
    })
    await ds.manager.save(make(Tag, { name: 'c' }))
    expect(log).toEqual(['count 1', 'count 2', 'count 1'])
  })

  it('tells the scope: transaction, savepoint and back', async () => {
    await inTransaction(async (session) => {
      const outer = session.scope
      expect(outer).toEqual({ kind: 'transaction', depth: 1, parent: null })
      await session.transaction((nested) => {
        expect(nested.scope).toEqual({ kind: 'savepoint', depth: 2, parent: outer })
        return Promise.resolve()
      })
      expect(session.scope).toBe(outer)
    })
  })

  it('keeps a journal of what was written, oldest first', async () => {
    await inTransaction(async (session) => {
      const tag = await session.manager.save(make(Tag, { name: 'a' }))
      await session.manager.save(Object.assign(tag, { name: 'b' }))
      expect(session.journal.map(({ kind }) => kind)).toEqual(['insert', 'update'])
      expect(session.journal.map(String)).toEqual([`insert tag {"id":${tag.id}} (id, name)`, `update tag {"id":${tag.id}} (name)`])
    })
  })

  it('resolves dependencies by the function it was given, and refuses without one', async () => {
    const services = new Map<unknown, unknown>([['mailer', 'a mailer']])
    extend(
      Article,
      mapperExtension({
        beforeInsert() {
          log.push(this.mapper.resolve('mailer'))
        },
      }),
    )
    const ds = db.install({ resolve: (token) => services.get(token) as never })
    await ds.transaction(async (manager) => {
      expect(sessionOf(manager).resolve('mailer')).toBe('a mailer')
      await manager.save(make(Article, { title: 'A' }))
    })
    expect(log).toEqual(['a mailer'])
  })

  it('refuses resolve where no function was given, and names the token', async () => {
    class Mailer {}
    const error = await inTransaction((session) => errorOf(() => session.resolve(Mailer)))
    expect(error).toMatchObject({ code: 'RESOLVER_MISSING', message: expect.stringContaining('"Mailer"') as string })
  })
})

describeDatabase('the text of a session', () => {
  const db = useDatabase()

  it('tells scope, what was written and what is waiting', async () => {
    let session: Session
    await db.use().transaction(async (manager) => {
      session = sessionOf(manager)
      expect(String(session)).toBe('AmbientSession (transaction; 0 written; UnitOfWork (empty))')
      await manager.save(make(Tag, { name: 'a' }))
      session.add(make(Tag, { name: 'b' }), make(Tag, { name: 'c' }))
      expect(String(session)).toBe('AmbientSession (transaction; 1 written; UnitOfWork (dirty: Tag ×2))')
      session.expunge([...session.uow.dirty][0]!)
      await session.transaction((nested) => Promise.resolve(log.push(String(nested))))
    })
    expect(log).toEqual(['AmbientSession (savepoint; 1 written; UnitOfWork (dirty: Tag))'])
    expect(String(session!)).toBe('AmbientSession (ended; 2 written; UnitOfWork (empty))')
  })

  it('of its unit of work counts entities by set and class', async () => {
    const changed = await db.ds.manager.save(make(Article, { title: 'old' }))
    const gone = await db.ds.manager.save(make(Tag, { name: 'gone' }))
    const Print = sessionExtension({
      beforeFlush() {
        this.session.delete(gone)
      },
      beforeInsert() {
        log.push(String(this.session.uow))
      },
    })
    await db
      .use(Print)
      .manager.save([
        make(Article, { title: 'A', tags: [make(Tag, { name: 'x' }), make(Tag, { name: 'y' })] }),
        Object.assign(changed, { title: 'new' }),
      ])
    expect(new Set(log).size).toBe(1)
    expect(log[0]).toMatch(/^UnitOfWork \(new: (Tag ×2, Article|Article, Tag ×2); dirty: Article; deleted: Tag\)$/)
  })
})
