/** Who asked: the context of the caller in every hook, never that of another; and silence on request. */
import { setTimeout as wait } from 'node:timers/promises'
import { currentContext, withContext, withoutExtensions } from 'flushpoint'
import { extend, log, mapperExtension, mapperLog, sessionExtension, sessionLog, useDatabase } from '../support/chains.js'
import { Article, make } from '../support/models.js'
import { describeWays } from '../support/ways-in.js'

const article = (title = 'A') => make(Article, { title })
const actor = () => String(currentContext().actor)

describeWays('the context', (way) => {
  const db = useDatabase()

  it('of the caller is read in every hook, at both levels', async () => {
    const say = (hook: string) => () => void log.push(`${hook} ${actor()}`)
    extend(Article, mapperExtension({ beforeInsert: say('M.beforeInsert'), afterInsert: say('M.afterInsert') }))
    const names = ['afterBegin', 'beforeFlush', 'beforeInsert', 'afterInsert', 'afterFlush', 'beforeCommit', 'afterCommit'] as const
    db.use(sessionExtension(Object.fromEntries(names.map((name) => [name, say(`S.${name}`)]))))
    await withContext({ actor: 'ann' }, () => way.save(db.ds, article()))
    expect([...log].sort()).toEqual([...names.map((name) => `S.${name} ann`), 'M.beforeInsert ann', 'M.afterInsert ann'].sort())
  })

  it('of the caller is session.context, merged with the one the session began in', async () => {
    const See = sessionExtension({
      beforeFlush() {
        log.push(JSON.stringify(this.session.context))
      },
    })
    await withContext({ actor: 'ann', tenant: 't1' }, () =>
      way.transaction(db.use(See), async (work) => {
        await work.save(article())
        await withContext({ actor: 'bob' }, () => work.save(article()))
      }),
    )
    expect(log.map((line) => JSON.parse(line) as unknown)).toEqual([
      { actor: 'ann', tenant: 't1' },
      { actor: 'bob', tenant: 't1' },
    ])
  })

  it('may be changed by a hook for what it saves itself', async () => {
    extend(
      Article,
      mapperExtension({
        beforeInsert: async (entity: Article, _state, session) => {
          log.push(`${entity.title} by ${actor()}`)
          if (entity.title === 'A') await withContext({ actor: 'system' }, () => session.manager.save(article('B')))
          log.push(`then ${actor()}`)
        },
      }),
    )
    await withContext({ actor: 'ann' }, () => way.save(db.use(), article('A')))
    expect(log).toEqual(['A by ann', 'B by system', 'then system', 'then ann'])
  })

  it('of requests that interleave are never mixed', async () => {
    const Stamp = mapperExtension({
      beforeInsert: async (entity: Article) => {
        await wait(entity.title.length % 3)
        entity.createdBy = actor()
      },
    })
    extend(Article, Stamp)
    const Check = sessionExtension({
      afterCommit(changes) {
        for (const change of changes) log.push(`${(change.after as Article).title} ${actor()}`)
      },
    })
    const ds = db.use(Check)
    const names = Array.from({ length: 12 }, (_, index) => `${'x'.repeat(index % 4)}${index}`)
    const request = (name: string) =>
      withContext({ actor: name }, () =>
        name.length % 2 === 0 ? way.save(ds, article(name)) : way.transaction(ds, (work) => work.save(article(name))),
      )
    await Promise.all(names.map(request))
    const rows = await ds.manager.find(Article)
    expect(rows.map(({ title, createdBy }) => [title, createdBy]).sort()).toEqual(names.map((name) => [name, name]).sort())
    expect([...log].sort()).toEqual(names.map((name) => `${name} ${name}`).sort())
  })

  it('of requests that interleave in one transaction are never mixed', async () => {
    extend(
      Article,
      mapperExtension({
        beforeInsert: async (entity: Article) => {
          await wait(2)
          entity.createdBy = actor()
        },
      }),
    )
    await way.transaction(db.use(), async (work) => {
      await Promise.all(['a', 'b', 'c'].map((name) => withContext({ actor: name }, () => work.save(article(name)))))
    })
    const rows = await db.ds.manager.find(Article, { order: { title: 'ASC' } })
    // Each save is a flush of its own; a session writes what is pending in one flush, in the context of the one who asked first.
    const expected = way.pick({ ambient: ['a', 'b', 'c'], session: ['a', 'a', 'a'] })
    expect(rows.map(({ title, createdBy }) => [title, createdBy])).toEqual(rows.map(({ title }, index) => [title, expected[index]]))
    expect(rows.map(({ title }) => title)).toEqual(['a', 'b', 'c'])
  })
})

describeWays('withoutExtensions', (way) => {
  const db = useDatabase()
  const ALL = [
    'beforeFlush',
    'beforeInsert',
    'afterInsert',
    'afterFlush',
    'afterBegin',
    'beforeCommit',
    'afterCommit',
    'beforeBulk',
    'afterBulk',
    'afterLoad',
  ] as const

  it('lets no hook of either level fire, and the rows are written', async () => {
    extend(Article, mapperLog('M', ['beforeInsert', 'afterInsert', 'afterLoad', 'beforeBulk', 'afterBulk']))
    const ds = db.use(sessionLog('S', ALL))
    const count = await withoutExtensions(async () => {
      await way.save(ds, article())
      await way.transaction(ds, (work) => work.save(article()))
      await way.manager(ds, (manager) => manager.update(Article, { title: 'A' }, { title: 'B' }))
      return way.manager(ds, async (manager) => (await manager.find(Article)).length)
    })
    expect([log, count]).toEqual([[], 2])
  })

  it('ends with its function', async () => {
    const ds = db.use(sessionLog('S', ['beforeInsert']))
    await withoutExtensions(() => way.save(ds, article('silent')))
    await way.save(ds, article('loud'))
    expect(log).toEqual(['S.beforeInsert loud'])
  })

  it('silences neither what runs beside it nor the caller', async () => {
    const ds = db.use(sessionLog('S', ['beforeInsert']))
    await Promise.all([withoutExtensions(() => way.save(ds, article('silent'))), way.save(ds, article('loud'))])
    expect(log).toEqual(['S.beforeInsert loud'])
  })

  it('keeps its rows out of the journal and the net changes of the transaction around it', async () => {
    const ds = db.use(
      sessionExtension({
        afterCommit: (changes) => void log.push(changes.map(({ kind, after }) => `${kind} ${(after as Article).title}`).join()),
      }),
    )
    await way.transaction(ds, async (work) => {
      await work.save(article('loud'))
      await withoutExtensions(() => work.save(article('silent')))
      expect(work.session.journal).toHaveLength(1)
    })
    expect(log).toEqual(['insert loud'])
  })

  it('keeps the journal when asked to, still without a hook', async () => {
    extend(Article, mapperLog('M', ['beforeInsert', 'afterInsert']))
    const Told = sessionExtension({
      afterCommit: (changes) => void log.push(...changes.map(({ kind, after }) => `${kind} ${(after as Article).title}`)),
    })
    const ds = db.use(Told, sessionLog('S', ['beforeFlush', 'beforeInsert', 'afterInsert', 'afterFlush']))
    await way.transaction(ds, async (work) => {
      await withoutExtensions({ journal: true }, () => work.save(article('kept')))
      expect(log).toEqual([])
    })
    expect(log).toEqual(['insert kept'])
  })

  it('inside a hook silences what that hook saves', async () => {
    extend(
      Article,
      mapperExtension({
        beforeInsert: async (entity: Article, _state, session) => {
          log.push(entity.title)
          if (entity.title === 'A') await withoutExtensions(() => session.manager.save(article('B')))
        },
      }),
    )
    await way.save(db.use(), article('A'))
    expect([log, await db.ds.manager.count(Article)]).toEqual([['A'], 2])
  })
})
