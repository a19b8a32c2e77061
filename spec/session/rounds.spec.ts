/** Work that hooks add is taken in round after round, until nothing is new, and never for ever. */
import { errorOf, extend, log, mapperExtension, sessionExtension, useDatabase } from '../support/chains.js'
import { Article, make, Tag } from '../support/models.js'
import { describeWays } from '../support/ways-in.js'

/** Adds a tag for each tag, until there are `count` of them. */
const chain = (count: number) =>
  mapperExtension({
    beforeInsert: (tag: Tag, _state, session) => {
      const number = Number(tag.name)
      if (number < count) session.add(make(Tag, { name: String(number + 1) }))
    },
  })

describeWays('rounds of a flush', (way) => {
  const db = useDatabase()

  it('go on while hooks add work', async () => {
    extend(Tag, chain(20))
    await way.save(db.use(), make(Tag, { name: '1' }))
    expect(await db.ds.manager.count(Tag)).toBe(20)
  })

  it('end after 100 with an error that names the hook, and nothing is written', async () => {
    extend(Tag, chain(Infinity))
    const error = await errorOf(way.save(db.use(), make(Tag, { name: '1' })))
    expect(error).toMatchObject({ name: 'SessionError', code: 'FLUSH_NEVER_SETTLES', fix: expect.stringContaining('idempotent') as string })
    expect(error.message).toContain('after 100 rounds "beforeInsert of Tag" still added new work')
    expect(await db.ds.manager.count(Tag)).toBe(0)
  })

  it('of beforeCommit go on while it adds work', async () => {
    let number = 0
    const Adding = sessionExtension({
      beforeCommit() {
        if (++number <= 5) this.session.add(make(Tag, { name: String(number) }))
      },
    })
    await way.save(db.use(Adding), make(Article, { title: 'A' }))
    expect([await db.ds.manager.count(Tag), number]).toEqual([5, 6])
  })

  it('of beforeCommit end after 100, and the transaction is rolled back', async () => {
    let number = 0
    const Adding = sessionExtension({
      beforeCommit() {
        this.session.add(make(Tag, { name: String(++number) }))
      },
      afterRollback: () => void log.push('afterRollback'),
    })
    const error = await errorOf(way.transaction(db.use(Adding), (work) => work.save(make(Article, { title: 'A' }))))
    expect(error).toMatchObject({ code: 'FLUSH_NEVER_SETTLES', message: expect.stringContaining('"beforeCommit"') as string })
    expect([log, await db.ds.manager.count(Tag), await db.ds.manager.count(Article)]).toEqual([['afterRollback'], 0, 0])
  })

  it('of after-hooks end after 100 as well', async () => {
    extend(
      Tag,
      mapperExtension({ afterInsert: (tag: Tag, _state, session) => session.add(make(Tag, { name: `${Number(tag.name) + 1}` })) }),
    )
    const error = await errorOf(way.transaction(db.use(), (work) => work.save(make(Tag, { name: '1' }))))
    expect(error).toMatchObject({ code: 'FLUSH_NEVER_SETTLES' })
    expect(await db.ds.manager.count(Tag)).toBe(0)
  })

  it('run each before-hook once for an entity, also for those of a later round', async () => {
    extend(Tag, chain(3), mapperExtension({ beforeInsert: (tag: Tag) => void log.push(tag.name) }))
    await way.transaction(db.use(), async (work) => {
      work.session.add(make(Tag, { name: '1' }))
      await work.save(make(Article, { title: 'A' }))
    })
    expect(log).toEqual(['1', '2', '3'])
  })
})
