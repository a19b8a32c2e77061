/** What hooks do to the plan of the running flush: take entities in, delete them, query and save others. */
import { type Session } from 'flushpoint'
import { extend, label, log, mapperExtension, sessionExtension, sessionLog, useDatabase } from '../support/chains.js'
import { recordStatements } from '../support/databases.js'
import { Article, Author, make, Note, Tag } from '../support/models.js'
import { describeWays } from '../support/ways-in.js'

const isTitled = (entity: object, title: string) => (entity as Article).title === title

describeWays('work added by a hook', (way) => {
  const db = useDatabase()
  const titles = async () => (await db.ds.manager.find(Article, { order: { title: 'ASC' } })).map(({ title }) => title)

  // ming row 34
  it('in beforeFlush is written by the same flush, with its hooks', async () => {
    const add = sessionExtension({
      beforeFlush() {
        if (this.session.uow.new.size === 1) this.session.add(make(Article, { title: 'B' }))
      },
    })
    await way.save(db.use(add, sessionLog('S')), make(Article, { title: 'A' }))
    expect(log).toEqual(['S.beforeFlush', 'S.beforeInsert A', 'S.beforeInsert B', 'S.afterInsert A', 'S.afterInsert B', 'S.afterFlush'])
    expect(await titles()).toEqual(['A', 'B'])
  })

  // ming row 23
  it.each(['add', 'delete', 'softRemove', 'expunge'] as const)(
    'by %s shows in the unit of work at once, for later extensions too',
    async (method) => {
      const note = await way.seed(db.ds, make(Note, { text: 'note' }))
      const article = make(Article, { title: 'A' })
      const given = { add: make(Tag, { name: 'added' }), delete: note, softRemove: note, expunge: article }[method]
      const show = ({ uow }: Session) =>
        log.push([uow.new, uow.deleted, uow.softRemoved].map((set) => [...set].map(label).sort().join('+')).join('|'))
      const Change = sessionExtension({
        beforeFlush() {
          this.session[method](given)
          show(this.session)
        },
      })
      const Look = sessionExtension({
        beforeFlush() {
          show(this.session)
        },
      })
      await way.save(db.use(Change, Look), article)
      const expected = { add: 'A+added||', delete: 'A|note|', softRemove: 'A||note', expunge: '||' }[method]
      expect(log).toEqual([expected, expected])
    },
  )

  // ming row 35
  it('in afterFlush is written by the next flush, before the commit', async () => {
    const add = sessionExtension({
      afterFlush() {
        log.push('afterFlush')
        if (log.filter((l) => l === 'afterFlush').length === 1) this.session.add(make(Article, { title: 'B' }))
      },
    })
    const recording = recordStatements(db.ds)
    await way.save(db.use(add, sessionLog('S', ['beforeFlush', 'beforeInsert', 'beforeCommit'])), make(Article, { title: 'A' }))
    recording.stop()
    expect(log.filter((line) => !line.includes('Commit'))).toEqual([
      ...['S.beforeFlush', 'S.beforeInsert A', 'afterFlush'],
      ...['S.beforeFlush', 'S.beforeInsert B', 'afterFlush'],
    ])
    expect(recording.sql().filter((sql) => /^(START|BEGIN|COMMIT)/.test(sql))).toHaveLength(2)
    expect(await titles()).toEqual(['A', 'B'])
  })

  // ming row 36
  it.each(['beforeInsert', 'beforeUpdate'] as const)('in %s joins the running flush, with its hooks', async (hook) => {
    const article = await way.seed(db.ds, make(Article, { title: 'known' }))
    extend(
      Article,
      mapperExtension({ [hook]: (_entity: object, _state: unknown, session: Session) => session.add(make(Tag, { name: 'added' })) }),
    )
    db.use(sessionLog('S', ['beforeFlush', 'beforeInsert', 'afterInsert']))
    await way.save(db.ds, hook === 'beforeInsert' ? make(Article, { title: 'A' }) : Object.assign(article, { title: 'B' }))
    expect(log.filter((line) => line.endsWith('added') || line.endsWith('Flush'))).toEqual([
      'S.beforeFlush',
      'S.beforeInsert added',
      'S.afterInsert added',
    ])
    expect(await db.ds.manager.count(Tag)).toBe(1)
  })

  // ming row 36
  it('in afterInsert is flushed before the commit, with its hooks', async () => {
    extend(Article, mapperExtension({ afterInsert: (_entity, _state, session) => session.add(make(Tag, { name: 'added' })) }))
    const ds = db.use(sessionLog('S', ['beforeFlush', 'beforeInsert']))
    await way.transaction(ds, async (work) => {
      await work.save(make(Article, { title: 'A' }))
      expect(log).toEqual(['S.beforeFlush', 'S.beforeInsert A'])
      // Whether there is a row to update is found out by TypeORM's save; a session knows.
      const { new: added, dirty } = work.session.uow
      expect([...way.pick({ ambient: dirty, session: added })]).toMatchObject([{ name: 'added' }])
    })
    expect(log.slice(2)).toEqual(['S.beforeFlush', 'S.beforeInsert added'])
    expect(await ds.manager.count(Tag)).toBe(1)
  })

  it('takes cascaded entities in as well', async () => {
    const add = sessionExtension({
      beforeInsert(entity) {
        if (isTitled(entity, 'A')) this.session.add(make(Article, { title: 'B', author: make(Author, { name: 'Ann' }) }))
      },
    })
    await way.save(db.use(add, sessionLog('S', ['beforeInsert'])), make(Article, { title: 'A' }))
    expect([...log].sort()).toEqual(['S.beforeInsert A', 'S.beforeInsert Ann', 'S.beforeInsert B'])
  })

  // ming row 40
  it('by session.delete on a later entity deletes that in the same flush, with delete hooks', async () => {
    const [x, y] = await way.seed(db.ds, [make(Article, { title: 'X' }), make(Article, { title: 'Y' })])
    extend(
      Article,
      mapperExtension({
        beforeUpdate: (entity, _state, session) => {
          if (entity === x) session.delete(y!)
        },
      }),
    )
    db.use(sessionLog('S'))
    await way.save(db.ds, [Object.assign(x!, { title: 'X2' }), Object.assign(y!, { title: 'Y2' })])
    expect(log).toEqual(['S.beforeFlush', 'S.beforeUpdate X2', 'S.beforeDelete Y2', 'S.afterUpdate X2', 'S.afterDelete Y2', 'S.afterFlush'])
    expect(await titles()).toEqual(['X2'])
  })

  // ming row 40
  it('by session.delete on an entity that is not part of the flush deletes that with it', async () => {
    const other = await way.seed(db.ds, make(Tag, { name: 'other' }))
    extend(Article, mapperExtension({ beforeInsert: (_entity, _state, session) => session.delete(other) }))
    await way.save(db.use(sessionLog('S', ['beforeDelete', 'afterDelete'])), make(Article, { title: 'A' }))
    expect(log).toEqual(['S.beforeDelete other', 'S.afterDelete other'])
    expect(await db.ds.manager.count(Tag)).toBe(0)
  })

  it('by session.delete on an entity about to be inserted drops it from the flush', async () => {
    const [a, b] = [make(Article, { title: 'A' }), make(Article, { title: 'B' })]
    extend(
      Article,
      mapperExtension({
        beforeInsert: (entity, _state, session) => {
          if (entity === a) session.delete(b)
        },
      }),
    )
    await way.save(db.use(sessionLog('S', ROWS)), [a, b])
    expect(log).toEqual(['S.beforeInsert A', 'S.afterInsert A'])
    expect(await titles()).toEqual(['A'])
  })
})

const ROWS = ['beforeInsert', 'afterInsert', 'beforeUpdate', 'afterUpdate', 'beforeDelete', 'afterDelete'] as const

describeWays('queries and saves of a hook', (way) => {
  const db = useDatabase()

  // ming row 37
  it('may load rows nobody knew', async () => {
    await way.seed(db.ds, make(Author, { name: 'Ann' }))
    extend(
      Article,
      mapperExtension({
        beforeInsert: async (article: Article, _state, session) => {
          article.author = await session.manager.findOneByOrFail(Author, { name: 'Ann' })
        },
      }),
    )
    await way.save(db.use(), make(Article, { title: 'A' }))
    expect(await db.ds.manager.find(Article, { relations: { author: true } })).toMatchObject([{ author: { name: 'Ann' } }])
  })

  // ming row 38
  it('may load rows of the same flush without disturbing its order', async () => {
    const articles = await way.seed(
      db.ds,
      ['A', 'B', 'C'].map((title) => make(Article, { title })),
    )
    extend(Article, mapperExtension({ beforeUpdate: async (_entity, _state, session) => void (await session.manager.find(Article)) }))
    await way.save(
      db.use(sessionLog('S', ['beforeUpdate'])),
      articles.map((article) => Object.assign(article, { slug: 's' })),
    )
    expect(log).toEqual(['S.beforeUpdate A', 'S.beforeUpdate B', 'S.beforeUpdate C'])
  })

  // ming rows 41, 44
  it.each(['beforeFlush', 'beforeInsert', 'afterInsert', 'afterFlush'] as const)('may not flush the session from %s', async (hook) => {
    const flush = sessionExtension({
      async [hook]() {
        await this.session.flush()
      },
    })
    // An ambient session has no flush to call at all.
    const code = way.pick({ ambient: 'SESSION_IS_AMBIENT', session: 'FLUSH_IN_HOOK' })
    await expect(way.save(db.use(flush), make(Article, { title: 'A' }))).rejects.toMatchObject({ code })
    expect(await db.ds.manager.count(Article)).toBe(0)
  })

  // ming row 42
  it('may save from an after hook: every entity is written once', async () => {
    extend(
      Article,
      mapperExtension({ afterInsert: async (_entity, _state, session) => void (await session.manager.save(make(Tag, { name: 'log' }))) }),
    )
    const recording = recordStatements(db.ds)
    await way.save(db.use(sessionLog('S', ['beforeFlush', 'afterFlush', 'afterInsert'])), make(Article, { title: 'A' }))
    recording.stop()
    expect(log).toEqual(['S.beforeFlush', 'S.beforeFlush', 'S.afterInsert log', 'S.afterFlush', 'S.afterInsert A', 'S.afterFlush'])
    expect(recording.sql().filter((sql) => sql.startsWith('INSERT'))).toHaveLength(2)
  })

  // ming row 43
  it('may save another entity from a before hook: a flush of its own inside the same transaction', async () => {
    extend(
      Article,
      mapperExtension({
        beforeInsert: async (article: Article, _state, session) => {
          const author = await session.manager.save(make(Author, { name: 'saved first' }))
          article.author = author
        },
      }),
    )
    const recording = recordStatements(db.ds)
    await way.save(db.use(sessionLog('S')), make(Article, { title: 'A' }))
    recording.stop()
    expect(log).toEqual([
      ...['S.beforeFlush', 'S.beforeInsert A'],
      ...['S.beforeFlush', 'S.beforeInsert saved first', 'S.afterInsert saved first', 'S.afterFlush'],
      ...['S.afterInsert A', 'S.afterFlush'],
    ])
    const inserts = recording.sql().filter((sql) => sql.startsWith('INSERT'))
    expect([inserts.length, recording.sql().filter((sql) => sql.startsWith('COMMIT')).length]).toEqual([2, 1])
  })
})
