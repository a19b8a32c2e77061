/** Work that hooks add is taken in round after round, until nothing is new, and never for ever. */
import { sessionOf } from 'flushpoint'
import { errorOf, extend, log, mapperExtension, sessionExtension, useDatabase } from '../support/chains.js'
import { describeDatabase } from '../support/databases.js'
import { Article, make, Tag } from '../support/models.js'

/** Adds a tag for each tag, until there are `count` of them. */
const chain = (count: number) =>
  mapperExtension({
    beforeInsert: (tag: Tag, _state, session) => {
      const number = Number(tag.name)
      if (number < count) session.add(make(Tag, { name: String(number + 1) }))
    },
  })

describeDatabase('rounds of a flush', () => {
  const db = useDatabase()

  it('go on while hooks add work', async () => {
    extend(Tag, chain(20))
    await db.use().manager.save(make(Tag, { name: '1' }))
    expect(await db.ds.manager.count(Tag)).toBe(20)
  })

  it('end after 100 with an error that names the hook, and nothing is written', async () => {
    extend(Tag, chain(Infinity))
    const error = await errorOf(db.use().manager.save(make(Tag, { name: '1' })))
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
    await db.use(Adding).manager.save(make(Article, { title: 'A' }))
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
    const error = await errorOf(db.use(Adding).transaction((manager) => manager.save(make(Article, { title: 'A' }))))
    expect(error).toMatchObject({ code: 'FLUSH_NEVER_SETTLES', message: expect.stringContaining('"beforeCommit"') as string })
    expect([log, await db.ds.manager.count(Tag), await db.ds.manager.count(Article)]).toEqual([['afterRollback'], 0, 0])
  })

  it('of after-hooks end after 100 as well', async () => {
    extend(
      Tag,
      mapperExtension({ afterInsert: (tag: Tag, _state, session) => session.add(make(Tag, { name: `${Number(tag.name) + 1}` })) }),
    )
    const error = await errorOf(db.use().transaction((manager) => manager.save(make(Tag, { name: '1' }))))
    expect(error).toMatchObject({ code: 'FLUSH_NEVER_SETTLES' })
    expect(await db.ds.manager.count(Tag)).toBe(0)
  })

  it('run each before-hook once for an entity, also for those of a later round', async () => {
    extend(Tag, chain(3), mapperExtension({ beforeInsert: (tag: Tag) => void log.push(tag.name) }))
    await db.use().transaction(async (manager) => {
      sessionOf(manager).add(make(Tag, { name: '1' }))
      await manager.save(make(Article, { title: 'A' }))
    })
    expect(log).toEqual(['1', '2', '3'])
  })
})
