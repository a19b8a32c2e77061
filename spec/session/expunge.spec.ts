/** How a hook vetoes a write: expunge takes an entity out of the running flush. */
import { extend, log, mapperExtension, ROW_HOOKS, sessionExtension, sessionLog, useDatabase } from '../support/chains.js'
import { Article, make, Tag } from '../support/models.js'
import { describeWays } from '../support/ways-in.js'

const isTitled = (entity: object, title: string) => (entity as Article).title === title

describeWays('expunge', (way) => {
  const db = useDatabase()
  const titles = async () => (await db.ds.manager.find(Article, { order: { title: 'ASC' } })).map(({ title }) => title)

  // ming row 39
  it('of a later entity in a hook takes it out: not written, no hooks, no error', async () => {
    const [a, b, c] = ['A', 'B', 'C'].map((title) => make(Article, { title }))
    extend(
      Article,
      mapperExtension({
        beforeInsert: (entity, _state, session) => {
          if (entity === a) session.expunge(b!)
        },
      }),
    )
    await way.save(db.use(sessionLog('S')), [a, b, c])
    expect(log).toEqual(['S.beforeFlush', 'S.beforeInsert A', 'S.beforeInsert C', 'S.afterInsert A', 'S.afterInsert C', 'S.afterFlush'])
    expect(await titles()).toEqual(['A', 'C'])
  })

  // ming row 46, adapted: veto by expunge; the entity is written by a later save
  it('in beforeFlush vetoes the insert, until the entity is saved again', async () => {
    const draft = make(Article, { title: 'draft' })
    const veto = sessionExtension({
      beforeFlush() {
        for (const entity of this.session.uow.new) if (isTitled(entity, 'draft')) this.session.expunge(entity)
      },
    })
    await way.save(db.use(veto, sessionLog('S')), [draft, make(Article, { title: 'A' })])
    expect(log).toEqual(['S.beforeFlush', 'S.beforeInsert A', 'S.afterInsert A', 'S.afterFlush'])
    expect([await titles(), draft.id]).toEqual([['A'], undefined])
    await way.save(db.ds, Object.assign(draft, { title: 'ready' }))
    expect(await titles()).toEqual(['A', 'ready'])
  })

  it.each(['update', 'delete'] as const)('in beforeFlush vetoes the %s', async (kind) => {
    const article = await way.seed(db.ds, make(Article, { title: 'A' }))
    db.use(
      sessionExtension({
        beforeFlush() {
          this.session.expunge(article)
        },
      }),
      sessionLog('S', ROW_HOOKS),
    )
    await (kind === 'update' ? way.save(db.ds, Object.assign(article, { title: 'B' })) : way.remove(db.ds, article))
    expect([log, await titles()]).toEqual([[], ['A']])
  })

  // ming row 47, adapted: a status cannot be set; an explicit veto from the own before-hook is expunge
  it('of the own entity in beforeInsert vetoes its insert, and the rest of its chain does not run', async () => {
    extend(
      Article,
      mapperExtension({
        beforeInsert: (entity, _state, session) => {
          if (isTitled(entity, 'draft')) session.expunge(entity)
        },
      }),
    )
    await way.save(db.use(sessionLog('S', ['afterInsert'])), [make(Article, { title: 'draft' }), make(Article, { title: 'A' })])
    expect([log, await titles()]).toEqual([['S.afterInsert A'], ['A']])
  })

  it('of what a hook added takes it out again', async () => {
    const tag = make(Tag, { name: 'added' })
    const there = sessionExtension({
      beforeFlush() {
        this.session.add(tag)
      },
    })
    const back = sessionExtension({
      beforeFlush() {
        this.session.expunge(tag)
      },
    })
    await way.save(db.use(there, back, sessionLog('S', ['beforeInsert'])), make(Article, { title: 'A' }))
    expect([log, await db.ds.manager.count(Tag)]).toEqual([['S.beforeInsert A'], 0])
  })

  it('of an entity that is not part of an ambient flush is refused; a session knows that it is out', async () => {
    const stray = sessionExtension({
      beforeFlush() {
        this.session.expunge(make(Tag, { name: 'stray' }))
      },
    })
    const saved = way.save(db.use(stray), make(Article, { title: 'A' }))
    if (way.isSession) await expect(saved).resolves.toMatchObject({ title: 'A', id: expect.any(Number) as number })
    else
      await expect(saved).rejects.toMatchObject({
        code: 'ENTITY_UNKNOWN',
        message: expect.stringContaining('an instance of Tag') as string,
      })
  })
})
