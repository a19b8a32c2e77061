/** What an error in a hook stops, what it undoes, and that the write can be tried again. */
import { setTimeout as wait } from 'node:timers/promises'
import type { EntityState, Mapper, Session } from 'flushpoint'
import { extend, log, mapperExtension, mapperLog, sessionExtension, sessionLog, useDatabase } from '../support/chains.js'
import { recordStatements } from '../support/databases.js'
import { Article, Author, make, Tag } from '../support/models.js'
import { describeWays } from '../support/ways-in.js'

const error = new Error('no')
const fail = () => {
  throw error
}
/** Throws for the entity with this title, as long as `armed` says so. */
function failFor(title: string, armed = { on: true }) {
  return (entity: object) => {
    if (armed.on && (entity as Article).title === title) throw error
  }
}
const three = () => ['A', 'B', 'C'].map((title) => make(Article, { title }))

describeWays('an error in a hook', (way) => {
  const db = useDatabase()
  const titles = async () => (await db.ds.manager.find(Article, { order: { title: 'ASC' } })).map(({ title }) => title)

  // ming rows 48, 49
  it.each(['session', 'mapper'] as const)('at %s level stops the chain and reaches the caller as thrown', async (level) => {
    if (level === 'mapper') extend(Article, mapperExtension({ beforeInsert: fail }), mapperLog('M2'))
    db.use(...(level === 'session' ? [sessionExtension({ beforeInsert: fail })] : []), sessionLog('S2', ['afterInsert', 'afterFlush']))
    await expect(way.save(db.ds, make(Article, { title: 'A' }))).rejects.toBe(error)
    expect([log, await titles()]).toEqual([[], []])
  })

  it.each(['a string', undefined, null, { code: 7 }])('may be any value: %p', async (thrown) => {
    db.use(
      sessionExtension({
        beforeInsert: () => {
          throw thrown // eslint-disable-line @typescript-eslint/only-throw-error -- users' hooks may throw anything
        },
      }),
    )
    const caught = await way.save(db.ds, make(Article, { title: 'A' })).then(
      () => 'nothing',
      (reason: unknown) => ({ reason }),
    )
    expect(caught).toEqual({ reason: thrown })
  })

  // ming row 50
  it('in beforeFlush lets nothing be written, and afterFlush does not run', async () => {
    const ds = db.use(sessionExtension({ beforeFlush: fail }), sessionLog('S2'))
    const recording = recordStatements(ds)
    await expect(way.save(ds, three())).rejects.toBe(error)
    recording.stop()
    expect([log, recording.sql().filter((sql) => sql.startsWith('INSERT'))]).toEqual([[], []])
  })

  // ming row 51, adapted: the flush is undone with its transaction
  it('in afterFlush undoes the flush, and later extensions do not hear of it', async () => {
    const ds = db.use(sessionExtension({ afterFlush: fail }), sessionLog('S2', ['afterFlush', 'afterRollback']))
    await expect(way.save(ds, three())).rejects.toBe(error)
    expect([log, await titles()]).toEqual([['S2.afterRollback'], []])
  })

  // ming row 52
  it('in beforeInsert of the second of three leaves no row, and all three can be saved again', async () => {
    const armed = { on: true }
    extend(Article, mapperExtension({ beforeInsert: failFor('B', armed) }))
    const articles = three()
    await expect(way.save(db.use(), articles)).rejects.toBe(error)
    expect(await titles()).toEqual([])
    armed.on = false
    await way.save(db.ds, articles)
    expect(await titles()).toEqual(['A', 'B', 'C'])
  })

  // ming row 53
  it('in afterInsert of the second of three rolls all three back', async () => {
    extend(Article, mapperExtension({ afterInsert: failFor('B') }))
    db.use(sessionLog('S', ['afterInsert', 'afterFlush']))
    await expect(way.save(db.ds, three())).rejects.toBe(error)
    expect([log, await titles()]).toEqual([['S.afterInsert A'], []])
  })

  // ming row 57
  it('in beforeDelete leaves the row, and the removal can be tried again', async () => {
    const armed = { on: true }
    const [article] = await way.seed(db.ds, three())
    extend(Article, mapperExtension({ beforeDelete: failFor('A', armed) }))
    await expect(way.remove(db.use(), article!)).rejects.toBe(error)
    expect(await titles()).toEqual(['A', 'B', 'C'])
    armed.on = false
    await way.remove(db.ds, article!)
    expect(await titles()).toEqual(['B', 'C'])
  })

  // ming row 56
  it('undoes a removal earlier in the same flush, and its hooks run again on retry', async () => {
    const armed = { on: true }
    const [a, b] = await way.seed(db.ds, three())
    extend(
      Article,
      mapperExtension({
        afterDelete: (_entity, { key }) => {
          if (armed.on && (key as Article).id === idOfB) throw error
        },
      }),
    )
    const idOfB = b!.id
    db.use(sessionLog('S', ['beforeDelete', 'afterDelete']))
    await expect(way.remove(db.ds, [a!, b!])).rejects.toBe(error)
    expect([log, await titles()]).toEqual([
      ['S.beforeDelete A', 'S.beforeDelete B', 'S.afterDelete A'],
      ['A', 'B', 'C'],
    ])
    armed.on = false
    log.length = 0
    await way.remove(db.ds, await db.ds.manager.find(Article, { where: [{ title: 'A' }, { title: 'B' }], order: { title: 'ASC' } }))
    expect([log, await titles()]).toEqual([['S.beforeDelete A', 'S.beforeDelete B', 'S.afterDelete A', 'S.afterDelete B'], ['C']])
  })

  // ming row 58
  it('in beforeUpdate leaves the row, and the entity stays changed for a retry', async () => {
    const armed = { on: true }
    const article = await way.seed(db.ds, make(Article, { title: 'A' }))
    extend(Article, mapperExtension({ beforeUpdate: failFor('B', armed) }))
    await expect(way.save(db.use(), Object.assign(article, { title: 'B' }))).rejects.toBe(error)
    // The rollback of a block restores its objects; a flush that fails in a session leaves its work pending.
    expect([await titles(), article.title]).toEqual([['A'], way.pick({ ambient: 'B', session: 'B', block: 'A' })])
    armed.on = false
    await way.save(db.ds, Object.assign(article, { title: 'B' }))
    expect(await titles()).toEqual(['B'])
  })

  // ming row 59
  it.each(['session', 'mapper'] as const)('in beforeBulk at %s level lets no row be removed, and afterBulk does not run', async (level) => {
    await way.seed(db.ds, three())
    const hooks = { beforeBulk: fail, afterBulk: () => void log.push('afterBulk') }
    if (level === 'mapper') extend(Article, mapperExtension(hooks))
    db.use(...(level === 'session' ? [sessionExtension(hooks)] : []))
    await expect(way.manager(db.ds, (manager) => manager.delete(Article, { title: 'A' }))).rejects.toBe(error)
    expect([log, await titles()]).toEqual([[], ['A', 'B', 'C']])
  })

  // ming row 60
  it.each(['session', 'mapper'] as const)('in the constructor at %s level fails the write with that very error', async (level) => {
    class Unbuilt extends sessionExtension({ beforeInsert: () => undefined }) {
      constructor(session: Session) {
        super(session)
        fail()
      }
    }
    class UnbuiltMapped extends mapperExtension({ beforeInsert: () => undefined }) {
      constructor(mapper: Mapper) {
        super(mapper)
        fail()
      }
    }
    if (level === 'mapper') extend(Article, UnbuiltMapped)
    db.use(...(level === 'session' ? [Unbuilt] : []))
    await expect(way.save(db.ds, make(Article, { title: 'A' }))).rejects.toBe(error)
    expect(await titles()).toEqual([])
  })

  it('leaves no hook running when the caller gets it', async () => {
    const events: string[] = []
    const slow = sessionExtension({
      beforeInsert: async () => {
        events.push('begins')
        await wait(10)
        events.push('ends')
        throw error
      },
    })
    await way.save(db.use(slow), three()).catch(() => events.push('caught'))
    expect(events).toEqual(['begins', 'ends', 'caught'])
  })
})

describeWays('an error of the database', (way) => {
  const db = useDatabase()

  // ming rows 54, 55
  it('stops the flush before its after-hooks, and the write completes once the cause is mended', async () => {
    await way.seed(db.ds, make(Tag, { name: 'taken' }))
    const tags = [make(Tag, { name: 'free' }), make(Tag, { name: 'taken' })]
    extend(Tag, mapperLog('M', ['beforeInsert', 'afterInsert']))
    db.use(sessionLog('S', ['afterInsert', 'afterFlush']))
    await expect(way.save(db.ds, tags)).rejects.toMatchObject({ name: 'QueryFailedError' })
    expect(log).toEqual(['M.beforeInsert free', 'M.beforeInsert taken'])
    tags[1]!.name = 'mended'
    await way.save(db.ds, tags)
    expect((await db.ds.manager.find(Tag)).map(({ name }) => name).sort()).toEqual(['free', 'mended', 'taken'])
    expect(log.slice(2)).toEqual([
      ...[
        'M.beforeInsert free',
        'M.beforeInsert mended',
        'M.afterInsert free',
        'S.afterInsert free',
        'M.afterInsert mended',
        'S.afterInsert mended',
      ],
      'S.afterFlush',
    ])
  })
})

describeWays('an error in a hook inside a transaction of the caller', (way) => {
  const db = useDatabase()

  it('before the first statement leaves the transaction usable when it is caught', async () => {
    extend(Article, mapperExtension({ beforeInsert: failFor('B') }))
    const article = make(Article, { title: 'B' })
    await way.transaction(db.use(), async (work) => {
      await work.save(make(Author, { name: 'Ann' }))
      await expect(work.save(article)).rejects.toBe(error)
      work.giveUp(article)
    })
    expect([await db.ds.manager.count(Author), await db.ds.manager.count(Article)]).toEqual([1, 0])
  })

  it('after the first statement makes it rollback-only: its commit rejects with the error as cause', async () => {
    extend(Article, mapperExtension({ afterInsert: failFor('B') }))
    const done = way.transaction(db.use(), async (work) => {
      await work.save(make(Author, { name: 'Ann' }))
      await expect(work.save(make(Article, { title: 'B' }))).rejects.toBe(error)
    })
    await expect(done).rejects.toMatchObject({ code: 'TRANSACTION_ROLLBACK_ONLY', cause: error })
    expect([await db.ds.manager.count(Author), await db.ds.manager.count(Article)]).toEqual([0, 0])
  })

  it('after the first statement undoes that flush alone with savepoints: true', async () => {
    extend(Article, mapperExtension({ afterInsert: failFor('B') }))
    const article = make(Article, { title: 'B' })
    await way.transaction(db.install({ savepoints: true }), async (work) => {
      await work.save(make(Author, { name: 'Ann' }))
      await expect(work.save(article)).rejects.toBe(error)
      work.giveUp(article)
    })
    expect([await db.ds.manager.count(Author), await db.ds.manager.count(Article)]).toEqual([1, 0])
  })

  it('drops what waited for the commit of a flush that is undone alone, and tells who asked for its rollback', async () => {
    const told: string[] = []
    extend(
      Article,
      mapperExtension({
        afterInsert: (article: Article, _state: EntityState, session: Session) => {
          session.onCommit(() => void told.push(`committed ${article.title}`))
          session.onRollback((changes) => void told.push(`undone ${article.title} ${changes.length}`))
          if (article.title === 'B') throw error
        },
      }),
    )
    const article = make(Article, { title: 'B' })
    await way.transaction(db.install({ savepoints: true }), async (work) => {
      await work.save(make(Article, { title: 'A' }))
      await expect(work.save(article)).rejects.toBe(error)
      work.giveUp(article)
      told.push('goes on')
    })
    expect(told).toEqual(['undone B 1', 'goes on', 'committed A'])
  })
})
