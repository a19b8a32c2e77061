/** The synchronous hooks: afterAttach and afterDetach, when an entity is taken in or out by hand. */
import { sessionOf } from 'flushpoint'
import { errorOf, label, log, sessionExtension, sessionLog, useDatabase } from '../support/chains.js'
import { describeDatabase } from '../support/databases.js'
import { Article, make, Note, Tag } from '../support/models.js'

describeDatabase('afterAttach and afterDetach', () => {
  const db = useDatabase()
  const HOOKS = ['afterAttach', 'afterDetach'] as const

  it('run at once, in listed order, for each entity taken in or out', async () => {
    const [a, b] = [make(Tag, { name: 'a' }), make(Tag, { name: 'b' })]
    await db.use(sessionLog('S1', HOOKS), sessionLog('S2', HOOKS)).transaction((manager) => {
      sessionOf(manager).add(a, b)
      expect(log).toEqual(['S1.afterAttach a', 'S2.afterAttach a', 'S1.afterAttach b', 'S2.afterAttach b'])
      sessionOf(manager).expunge(a)
      expect(log.slice(4)).toEqual(['S1.afterDetach a', 'S2.afterDetach a'])
      return Promise.resolve()
    })
  })

  it.each(['delete', 'softRemove', 'recover'] as const)('hear of session.%s', async (method) => {
    const note = await db.ds.manager.save(make(Note, { text: 'note' }))
    if (method === 'recover') await db.ds.manager.softRemove(note)
    await db.use(sessionLog('S', HOOKS)).transaction((manager) => Promise.resolve(sessionOf(manager)[method](note)))
    expect(log).toEqual(['S.afterAttach note'])
  })

  it('hear of entities that a hook takes into the running flush', async () => {
    const add = sessionExtension({
      beforeFlush() {
        this.session.add(make(Tag, { name: 'added' }))
      },
      afterAttach: (entity) => void log.push(label(entity)),
    })
    await db.use(add).manager.save(make(Article, { title: 'A' }))
    expect(log).toEqual(['added'])
  })

  it('do not run for what is saved as usual', async () => {
    await db.use(sessionLog('S', HOOKS)).manager.save(make(Article, { title: 'A', tags: [make(Tag, { name: 't' })] }))
    expect(log).toEqual([])
  })

  it.each([
    ['afterAttach', () => Promise.resolve()],
    ['afterAttach', () => Promise.reject(new Error('unseen'))],
    ['afterDetach', () => ({ then: () => undefined })],
  ] as const)('must be synchronous: a promise of %s is refused', async (hook, result) => {
    const Late = sessionExtension({ [hook]: result }, 'Late')
    await db.use(Late).transaction(async (manager) => {
      const session = sessionOf(manager)
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
    await db
      .use(
        sessionExtension({
          afterAttach: () => {
            throw error
          },
        }),
      )
      .transaction(async (manager) => {
        expect(await errorOf(() => sessionOf(manager).add(make(Tag, { name: 't' })))).toBe(error)
      })
  })
})
