/** The synchronous hooks: afterAttach and afterDetach, when an entity is taken in or out by hand. */
import { withoutExtensions } from 'flushpoint'
import { errorOf, label, log, sessionExtension, sessionLog, useDatabase } from '../support/chains.js'
import { Article, make, Note, Tag } from '../support/models.js'
import { describeWays } from '../support/ways-in.js'

describeWays('afterAttach and afterDetach', (way) => {
  const db = useDatabase()
  const HOOKS = ['afterAttach', 'afterDetach'] as const

  it('run at once, in listed order, for each entity taken in or out', async () => {
    const [a, b] = [make(Tag, { name: 'a' }), make(Tag, { name: 'b' })]
    await way.transaction(db.use(sessionLog('S1', HOOKS), sessionLog('S2', HOOKS)), (work) => {
      work.session.add(a, b)
      expect(log).toEqual(['S1.afterAttach a', 'S2.afterAttach a', 'S1.afterAttach b', 'S2.afterAttach b'])
      work.session.expunge(a)
      expect(log.slice(4)).toEqual(['S1.afterDetach a', 'S2.afterDetach a'])
      return Promise.resolve()
    })
  })

  it.each(['delete', 'softRemove', 'recover'] as const)('hear of session.%s', async (method) => {
    const note = await way.seed(db.ds, make(Note, { text: 'note' }))
    if (method === 'recover') await withoutExtensions(() => way.softRemove(db.ds, note))
    await way.transaction(db.use(sessionLog('S', HOOKS)), (work) => Promise.resolve(work.session[method](note)))
    const gone = way.isSession && method === 'delete' ? ['S.afterDetach note'] : [] // with the commit it leaves the session
    expect(log).toEqual(['S.afterAttach note', ...gone])
  })

  it('hear of entities that a hook takes into the running flush', async () => {
    const add = sessionExtension({
      beforeFlush() {
        this.session.add(make(Tag, { name: 'added' }))
      },
      afterAttach: (entity) => void log.push(label(entity)),
    })
    await way.save(db.use(add), make(Article, { title: 'A' }))
    expect(log).toEqual(way.pick({ ambient: ['added'], session: ['A', 'added'] })) // in a session the caller adds by hand as well
  })

  it('do not run for what TypeORM saves, and run for each entity a session is given, cascaded ones too', async () => {
    await way.save(db.use(sessionLog('S', HOOKS)), make(Article, { title: 'A', tags: [make(Tag, { name: 't' })] }))
    expect(log).toEqual(way.pick({ ambient: [], session: ['S.afterAttach A', 'S.afterAttach t'] }))
  })

  it.each([
    ['afterAttach', () => Promise.resolve()],
    ['afterAttach', () => Promise.reject(new Error('unseen'))],
    ['afterDetach', () => ({ then: () => undefined })],
  ] as const)('must be synchronous: a promise of %s is refused', async (hook, result) => {
    const Late = sessionExtension({ [hook]: result }, 'Late')
    await way.transaction(db.use(Late), async (work) => {
      const session = work.session
      const tag = make(Tag, { name: 't' })
      const error = await errorOf(() => {
        session.add(tag)
        session.expunge(tag)
      })
      expect(error).toMatchObject({ code: 'HOOK_MUST_BE_SYNCHRONOUS', fix: expect.stringContaining('beforeFlush') as string })
      expect(error.message).toContain(`Cannot await "${hook}" of "Late"`)
    })
  })

  it('that throw reach the one who took the entity in', async () => {
    const error = new Error('no')
    const Throwing = sessionExtension({
      afterAttach: () => {
        throw error
      },
    })
    await way.transaction(db.use(Throwing), async (work) => {
      expect(await errorOf(() => work.session.add(make(Tag, { name: 't' })))).toBe(error)
    })
  })
})
