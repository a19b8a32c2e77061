/** What hooks change on entities: written with the flush, or, after the SQL, before the commit. */
import type { EntityState } from 'flushpoint'
import { extend, label, log, mapperExtension, sessionExtension, sessionLog, useDatabase } from '../support/chains.js'
import { recordStatements } from '../support/databases.js'
import { Article, Author, make, Tag } from '../support/models.js'
import { describeWays } from '../support/ways-in.js'

const set = (values: Partial<Article>) => (entity: object) => void Object.assign(entity, values)
type EntityHooks = Partial<
  Record<'beforeInsert' | 'beforeUpdate' | 'afterInsert' | 'afterUpdate', (entity: object, state: EntityState) => void>
>
const levels = ['session', 'mapper'] as const

describeWays('a value set by a hook', (way) => {
  const db = useDatabase()

  function hook(level: (typeof levels)[number], hooks: EntityHooks): void {
    if (level === 'mapper') extend(Article, mapperExtension(hooks))
    db.use(...(level === 'session' ? [sessionExtension(hooks)] : []))
  }
  const read = () => db.ds.manager.find(Article, { order: { id: 'ASC' } })

  // ming row 29
  it.each(levels)('in beforeInsert at %s level is in the inserted row, and the entity is clean', async (level) => {
    let status = ''
    hook(level, { beforeInsert: set({ slug: 'a' }), afterInsert: (_entity, state) => void (status = state.status) })
    const recording = recordStatements(db.ds)
    const article = await way.save(db.ds, make(Article, { title: 'A' }))
    recording.stop()
    expect([article.slug, status, await read()]).toMatchObject(['a', 'clean', [{ slug: 'a' }]])
    expect(recording.sql().filter((sql) => /^(INSERT|UPDATE)/.test(sql))).toEqual([expect.stringMatching(/^INSERT/)])
  })

  // ming row 30
  it.each(levels)('in beforeUpdate at %s level is in the updated row', async (level) => {
    const article = await way.seed(db.ds, make(Article, { title: 'A' }))
    hook(level, { beforeUpdate: set({ slug: 'b' }) })
    const recording = recordStatements(db.ds)
    await way.save(db.ds, Object.assign(article, { title: 'B' }))
    recording.stop()
    expect(await read()).toMatchObject([{ title: 'B', slug: 'b' }])
    expect(recording.sql().filter((sql) => sql.startsWith('UPDATE'))).toHaveLength(1)
  })

  // ming row 31: written before the commit of the same transaction
  it.each(levels)('in afterInsert at %s level is written before the commit', async (level) => {
    hook(level, { afterInsert: set({ slug: 'later' }) })
    const recording = recordStatements(db.ds)
    await way.save(db.ds, make(Article, { title: 'A' }))
    recording.stop()
    expect(await read()).toMatchObject([{ title: 'A', slug: 'later' }])
    const sent = recording.sql().map((sql) => sql.split(' ')[0])
    expect(sent.indexOf('UPDATE')).toBeGreaterThan(sent.indexOf('INSERT'))
    expect(sent.indexOf('UPDATE')).toBeLessThan(sent.indexOf('COMMIT'))
  })

  // ming row 31
  it.each(levels)('in afterUpdate at %s level is written before the commit, with update hooks of its own', async (level) => {
    const article = await way.seed(db.ds, make(Article, { title: 'A' }))
    hook(level, {
      afterUpdate: (entity) => {
        log.push('afterUpdate')
        ;(entity as Article).slug = 'later'
      },
    })
    await way.transaction(db.ds, async (work) => {
      await work.save(Object.assign(article, { title: 'B' }))
      expect(log).toEqual(['afterUpdate'])
    })
    expect(log).toEqual(['afterUpdate', 'afterUpdate'])
    expect(await read()).toMatchObject([{ title: 'B', slug: 'later' }])
  })

  // ming row 31
  it('in afterFlush is written before the commit', async () => {
    let saved: Article
    db.use(sessionExtension({ afterFlush: () => void (saved.slug = 'later') }))
    await way.save(db.ds, (saved = make(Article, { title: 'A' })))
    expect(await read()).toMatchObject([{ slug: 'later' }])
  })

  it('in beforeFlush is written with the flush', async () => {
    db.use(
      sessionExtension({
        beforeFlush() {
          for (const entity of this.session.uow.new) set({ slug: 'early' })(entity)
        },
      }),
    )
    await way.save(db.ds, make(Article, { title: 'A' }))
    expect(await read()).toMatchObject([{ slug: 'early' }])
  })

  // ming row 32
  it('on a clean entity of the same flush makes it dirty: it gets its hooks and is written with the flush', async () => {
    const [x, y] = await way.seed(db.ds, [make(Article, { title: 'X' }), make(Article, { title: 'Y' })])
    extend(
      Article,
      mapperExtension({
        beforeUpdate: (entity) => {
          if (entity === x) y!.slug = 'by x'
        },
      }),
    )
    db.use(sessionLog('S'))
    x!.title = 'X2'
    await way.save(db.ds, [x!, y!])
    expect(log).toEqual(['S.beforeFlush', 'S.beforeUpdate X2', 'S.beforeUpdate Y', 'S.afterUpdate X2', 'S.afterUpdate Y', 'S.afterFlush'])
    expect(await read()).toMatchObject([{ title: 'X2' }, { title: 'Y', slug: 'by x' }])
  })

  // ming row 33, improved: the plan is rebuilt until nothing is new, so an earlier entity is written by this flush too
  it('on an entity that was passed already as clean is written with the flush, after its own hooks', async () => {
    const [z, x] = await way.seed(db.ds, [make(Article, { title: 'Z' }), make(Article, { title: 'X' })])
    extend(
      Article,
      mapperExtension({
        beforeUpdate: (entity) => {
          if (entity === x) z!.slug = 'by x'
        },
      }),
    )
    db.use(sessionLog('S', ['beforeUpdate', 'afterUpdate']))
    await way.save(db.ds, [z!, Object.assign(x!, { title: 'X2' })])
    expect(log.filter((line) => line.includes('before'))).toEqual(['S.beforeUpdate X2', 'S.beforeUpdate Z'])
    expect(await read()).toMatchObject([{ title: 'Z', slug: 'by x' }, { title: 'X2' }])
  })

  it('on an entity whose before-hooks have run is written, and its hooks do not run again', async () => {
    const [first, second] = [make(Article, { title: 'first' }), make(Article, { title: 'second' })]
    extend(
      Article,
      mapperExtension({
        beforeInsert: (entity) => {
          if (entity === second) first.slug = 'by second'
        },
      }),
    )
    db.use(sessionLog('S', ['beforeInsert']))
    await way.save(db.ds, [first, second])
    expect(log).toEqual(['S.beforeInsert first', 'S.beforeInsert second'])
    expect(await read()).toMatchObject([{ slug: 'by second' }, { slug: null }])
  })
})

describeWays('a relation set by a hook', (way) => {
  const db = useDatabase()

  it('in beforeInsert to a new entity inserts that too, first, with its hooks', async () => {
    extend(Article, mapperExtension({ beforeInsert: (article: Article) => void (article.author = make(Author, { name: 'new author' })) }))
    await way.save(db.use(sessionLog('S', ['beforeInsert', 'afterInsert'])), make(Article, { title: 'A' }))
    expect(log.slice(0, 2)).toEqual(['S.beforeInsert A', 'S.beforeInsert new author'])
    expect([...log.slice(2)].sort()).toEqual(['S.afterInsert A', 'S.afterInsert new author'])
    expect(await db.ds.manager.find(Article, { relations: { author: true } })).toMatchObject([{ author: { name: 'new author' } }])
  })

  it('in beforeUpdate to a known entity is written', async () => {
    const [author, article] = [await way.seed(db.ds, make(Author, { name: 'known' })), await way.seed(db.ds, make(Article, { title: 'A' }))]
    extend(Article, mapperExtension({ beforeUpdate: (entity: Article) => void (entity.author = author) }))
    await way.save(db.use(), Object.assign(article, { title: 'B' }))
    expect(await db.ds.manager.find(Article, { relations: { author: true } })).toMatchObject([{ title: 'B', author: { name: 'known' } }])
  })

  it('in beforeUpdate to an unloaded many-to-many is written', async () => {
    await way.seed(db.ds, make(Article, { title: 'A', tags: [make(Tag, { name: 'old' })] }))
    const article = await way.load(db.ds, Article, { title: 'A' })
    extend(Article, mapperExtension({ beforeUpdate: (entity: Article) => void (entity.tags = [make(Tag, { name: 'new' })]) }))
    await way.save(db.use(), Object.assign(article, { title: 'B' }))
    const [read] = await db.ds.manager.find(Article, { relations: { tags: true } })
    expect(read!.tags!.map(label)).toEqual(['new'])
  })
})
