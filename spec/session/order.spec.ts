/** In what order the hooks of a flush run: session level around mapper level, each in listed order, one after the other. */
import { setTimeout as wait } from 'node:timers/promises'
import { MapperExtension, withoutExtensions } from 'flushpoint'
import { extend, log, mapperExtension, mapperLog, sessionExtension, sessionLog, useDatabase } from '../support/chains.js'
import { recordStatements } from '../support/databases.js'
import { Article, Author, Comment, make, Note } from '../support/models.js'
import { describeWays } from '../support/ways-in.js'

describeWays('order of the hooks of a flush', (way) => {
  const db = useDatabase()
  // A flush was asked for, and beforeFlush may add work; TypeORM tells nobody of a save that finds nothing to write.
  const EMPTY_FLUSH = way.pick({ ambient: [], session: ['S.beforeFlush', 'S.afterFlush'] })

  // ming row 1
  it('wraps the mapper level in the session level on insert', async () => {
    extend(Article, mapperLog('M'))
    await way.save(db.use(sessionLog('S')), make(Article, { title: 'First' }))
    expect(log).toEqual([
      'S.beforeFlush',
      'S.beforeInsert First',
      'M.beforeInsert First',
      'M.afterInsert First',
      'S.afterInsert First',
      'S.afterFlush',
    ])
  })

  // ming row 2
  it('wraps the mapper level in the session level on update', async () => {
    extend(Article, mapperLog('M'))
    const article = await way.seed(db.ds, make(Article, { title: 'First' }))
    article.title = 'Second'
    await way.save(db.use(sessionLog('S')), article)
    expect(log).toEqual([
      'S.beforeFlush',
      'S.beforeUpdate Second',
      'M.beforeUpdate Second',
      'M.afterUpdate Second',
      'S.afterUpdate Second',
      'S.afterFlush',
    ])
  })

  // ming row 3
  it('wraps the mapper level in the session level on delete', async () => {
    extend(Article, mapperLog('M'))
    const article = await way.seed(db.ds, make(Article, { title: 'First' }))
    await way.remove(db.use(sessionLog('S')), article)
    expect(log).toEqual([
      'S.beforeFlush',
      'S.beforeDelete First',
      'M.beforeDelete First',
      'M.afterDelete First',
      'S.afterDelete First',
      'S.afterFlush',
    ])
  })

  it.each([
    ['softRemove', 'SoftRemove'],
    ['recover', 'Recover'],
  ] as const)('wraps the mapper level in the session level on %s', async (method, hook) => {
    extend(Note, mapperLog('M'))
    const note = await way.seed(db.ds, make(Note, { text: 'First' }))
    if (method === 'recover') await withoutExtensions(() => way.softRemove(db.ds, note))
    await way[method](db.use(sessionLog('S')), note)
    expect(log).toEqual([
      'S.beforeFlush',
      `S.before${hook} First`,
      `M.before${hook} First`,
      `M.after${hook} First`,
      `S.after${hook} First`,
      'S.afterFlush',
    ])
  })

  // ming row 4
  it('wraps the mapper level in the session level on a bulk statement, without flush or entity hooks', async () => {
    const bulk = ['beforeBulk', 'afterBulk'] as const
    extend(Article, mapperLog('M', bulk), mapperLog('N'))
    const ds = db.use(sessionLog('S', bulk), sessionLog('T'))
    await way.manager(ds, (manager) => manager.delete(Article, { title: 'none' }))
    expect(log).toEqual(['S.beforeBulk', 'M.beforeBulk', 'M.afterBulk', 'S.afterBulk'])
  })

  // ming row 5
  it('runs before-hooks and after-hooks alike in listed order', async () => {
    extend(Article, mapperLog('M1'), mapperLog('M2'))
    await way.save(db.use(sessionLog('S1'), sessionLog('S2')), make(Article, { title: 'A' }))
    expect(log).toEqual([
      ...['S1.beforeFlush', 'S2.beforeFlush'],
      ...['S1.beforeInsert A', 'S2.beforeInsert A', 'M1.beforeInsert A', 'M2.beforeInsert A'],
      ...['M1.afterInsert A', 'M2.afterInsert A', 'S1.afterInsert A', 'S2.afterInsert A'],
      ...['S1.afterFlush', 'S2.afterFlush'],
    ])
  })

  // ming row 6, adapted: statements are sent together, so all before-hooks run before them and all after-hooks after them
  it('runs all before-hooks entity by entity, then the SQL, then all after-hooks entity by entity', async () => {
    const ds = db.use(sessionLog('S', ['beforeInsert', 'afterInsert']))
    const recording = recordStatements(ds)
    const logInsert = () => recording.sql().some((sql) => sql.startsWith('INSERT'))
    extend(
      Article,
      mapperLog('M', ['beforeInsert', 'afterInsert']),
      mapperExtension({ beforeInsert: () => void log.push(`sent: ${logInsert()}`) }),
    )
    await way.save(
      ds,
      ['A', 'B', 'C'].map((title) => make(Article, { title })),
    )
    recording.stop()
    expect(log).toEqual([
      ...['S.beforeInsert A', 'M.beforeInsert A', 'sent: false'],
      ...['S.beforeInsert B', 'M.beforeInsert B', 'sent: false'],
      ...['S.beforeInsert C', 'M.beforeInsert C', 'sent: false'],
      ...['M.afterInsert A', 'S.afterInsert A', 'M.afterInsert B', 'S.afterInsert B', 'M.afterInsert C', 'S.afterInsert C'],
    ])
  })

  it('visits parents before children on insert and children before parents on delete', async () => {
    const comment = make(Comment, {
      text: 'child',
      article: make(Article, { title: 'parent', author: make(Author, { name: 'grandparent' }) }),
    })
    const ds = db.use(sessionLog('S', ['beforeInsert', 'beforeDelete']))
    await way.save(ds, [comment.article!.author!, comment.article!, comment])
    await way.remove(ds, [comment.article!.author!, comment.article!, comment])
    expect(log).toEqual([
      ...['S.beforeInsert grandparent', 'S.beforeInsert parent', 'S.beforeInsert child'],
      ...['S.beforeDelete child', 'S.beforeDelete parent', 'S.beforeDelete grandparent'],
    ])
  })

  // ming row 7
  it('is not disturbed by an extension that does nothing', async () => {
    class Nothing extends MapperExtension {}
    extend(Article, mapperLog('M1', ['beforeInsert']), (mapper) => new Nothing(mapper), mapperLog('M2', ['beforeInsert']))
    await way.save(db.use(), make(Article, { title: 'A' }))
    expect(log).toEqual(['M1.beforeInsert A', 'M2.beforeInsert A'])
  })

  // ming row 8
  it('runs an extension that is listed twice as two instances', async () => {
    const instances = new Set<object>()
    const Twice = sessionExtension(
      {
        beforeInsert() {
          instances.add(this)
        },
      },
      'TwiceAtSessionLevel',
    )
    const MTwice = mapperExtension(
      {
        beforeInsert() {
          instances.add(this)
        },
      },
      'TwiceAtMapperLevel',
    )
    extend(Article, MTwice, MTwice)
    await way.save(db.use(Twice, Twice), make(Article, { title: 'A' }))
    expect(instances.size).toBe(4)
  })

  // ming row 9
  it.each([false, 'STOP', null, 0, undefined])('ignores the value %p that a hook returns', async (value) => {
    const returning = { beforeFlush: () => value as never, beforeInsert: () => value as never, afterInsert: () => value as never }
    extend(Article, mapperExtension({ beforeInsert: () => value as never }), mapperLog('M2', ['beforeInsert']))
    const ds = db.use(sessionExtension(returning), sessionLog('S2', ['beforeFlush', 'beforeInsert', 'afterInsert']))
    await way.save(ds, make(Article, { title: 'A' }))
    expect(log).toEqual(['S2.beforeFlush', 'S2.beforeInsert A', 'M2.beforeInsert A', 'S2.afterInsert A'])
    expect(await ds.manager.count(Article)).toBe(1)
  })

  // ming row 11
  it('calls an extension only for the hooks it overrides', async () => {
    extend(Article, mapperLog('M', ['afterInsert']))
    await way.save(db.use(sessionLog('S', ['afterFlush'])), make(Article, { title: 'A' }))
    expect(log).toEqual(['M.afterInsert A', 'S.afterFlush'])
  })

  // ming row 16
  it('inserts an entity that was changed before its first flush without any update hook', async () => {
    const article = make(Article, { title: 'First' })
    article.title = 'Second'
    await way.save(db.use(sessionLog('S')), article)
    expect(log).toEqual(['S.beforeFlush', 'S.beforeInsert Second', 'S.afterInsert Second', 'S.afterFlush'])
  })

  // ming row 17, adapted: nothing watches assignments, a write is compared with the database
  it('does not flush an entity whose change was taken back before the save', async () => {
    const article = await way.seed(db.ds, make(Article, { title: 'A' }))
    Object.assign(article, { title: 'B' }, { title: 'A' })
    await way.save(db.use(sessionLog('S')), article)
    expect(log).toEqual(EMPTY_FLUSH)
  })

  // ming row 17
  it('sends no update for a change that a hook takes back', async () => {
    const article = await way.seed(db.ds, make(Article, { title: 'A' }))
    const ds = db.use(sessionExtension({ beforeUpdate: (entity) => void Object.assign(entity, { title: 'A' }) }))
    const recording = recordStatements(ds)
    await way.save(ds, Object.assign(article, { title: 'B' }))
    recording.stop()
    expect(recording.sql().filter((sql) => sql.startsWith('UPDATE'))).toEqual([])
  })

  // ming row 18
  it('runs no entity hook for a second save without changes', async () => {
    const ds = db.use(sessionLog('S'))
    const article = await way.save(ds, make(Article, { title: 'A' }))
    log.length = 0
    await way.save(ds, article)
    expect(log).toEqual(EMPTY_FLUSH)
  })
})

describeWays('asynchronous hooks', (way) => {
  const db = useDatabase()
  const slow = (name: string, ms: number) => async () => {
    log.push(`${name} begins`)
    await wait(ms)
    log.push(`${name} ends`)
  }

  // ming row 10
  it('let the next hook and the SQL wait', async () => {
    const ds = db.use(
      sessionExtension({ beforeFlush: slow('S1', 10) }),
      sessionExtension({ beforeFlush: slow('S2', 1), afterInsert: slow('S2 after', 1) }),
    )
    const recording = recordStatements(ds)
    extend(
      Article,
      mapperExtension({ beforeInsert: slow('M1', 15) }),
      mapperExtension({ beforeInsert: slow('M2', 1) }),
      mapperExtension({
        beforeInsert: () => void log.push(`inserts sent: ${recording.sql().filter((sql) => sql.startsWith('INSERT')).length}`),
        afterInsert: slow('M3 after', 10),
      }),
    )
    await way.save(ds, make(Article, { title: 'A' }))
    recording.stop()
    expect(log).toEqual([
      ...['S1 begins', 'S1 ends', 'S2 begins', 'S2 ends', 'M1 begins', 'M1 ends', 'M2 begins', 'M2 ends', 'inserts sent: 0'],
      ...['M3 after begins', 'M3 after ends', 'S2 after begins', 'S2 after ends'],
    ])
  })

  // ming row 10
  it('may return a thenable of any library', async () => {
    const thenable = (name: string) => ({
      then: (resolve: () => void) =>
        void wait(5).then(() => {
          log.push(name)
          resolve()
        }),
    })
    const hooks = { beforeInsert: () => thenable('S1') as never }
    extend(Article, mapperExtension({ beforeInsert: () => thenable('M1') as never }), mapperLog('M2', ['beforeInsert']))
    await way.save(db.use(sessionExtension(hooks), sessionLog('S2', ['beforeInsert'])), make(Article, { title: 'A' }))
    expect(log).toEqual(['S1', 'S2.beforeInsert A', 'M1', 'M2.beforeInsert A'])
  })

  // ming row 49
  it('may reject by a thenable, and the error is the very one', async () => {
    const error = new Error('no')
    const rejecting = { then: (_: unknown, reject: (reason: unknown) => void) => void reject(error) }
    const ds = db.use(sessionExtension({ beforeInsert: () => rejecting as never }), sessionLog('S2', ['beforeInsert']))
    await expect(way.save(ds, make(Article, { title: 'A' }))).rejects.toBe(error)
    expect(log).toEqual([])
  })
})
