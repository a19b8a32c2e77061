/**
 * The session that code belongs to without being handed it: in blocks, in hooks, across awaits.
 *
 * @module
 */
import { currentSession, install, openSession, tryCurrentSession, withSession, type OpenSession, type Session } from 'flushpoint'
import { errorOf, mapperExtension, extend, sessionExtension, useDatabase } from '../support/chains.js'
import { describeDatabase, openDataSource } from '../support/databases.js'
import { Author, ENTITIES, make } from '../support/models.js'

const tick = () => new Promise<void>((resolve) => setImmediate(resolve))
const author = (name: string) => make(Author, { name })

describeDatabase('the current session', () => {
  const database = useDatabase()

  it('is none outside of a block, also where a session is open', async () => {
    await using session = openSession(database.ds)
    expect(tryCurrentSession()).toBeUndefined()
    expect(await errorOf(() => currentSession())).toMatchObject({ code: 'SESSION_NONE' })
    await session.transaction(() => Promise.resolve(expect(session.scope?.kind).toBe('transaction')))
  })

  it('is that of the block, through awaits, timers and callbacks', async () => {
    const seen: (Session | undefined)[] = []
    const look = () => void seen.push(tryCurrentSession())
    const session = await withSession(database.ds, async (own) => {
      look()
      await tick()
      look()
      await new Promise<void>((resolve) =>
        setTimeout(() => {
          look()
          resolve()
        }, 1),
      )
      await Promise.all([1, 2].map(async () => tick().then(look)))
      await own.find(Author)
      look()
      return own
    })
    expect(new Set(seen)).toEqual(new Set([session]))
    expect(seen[0]).toBe(session)
    expect(tryCurrentSession()).toBeUndefined()
  })

  it('never mixes in blocks that interleave', async () => {
    const names = Array.from({ length: 8 }, (_none, index) => `n${index}`)
    await Promise.all(
      names.map((name) =>
        withSession(database.ds, async (session) => {
          for (let turn = 0; turn < 5; turn++) {
            expect(currentSession()).toBe(session)
            await tick()
          }
          currentSession().add(author(name))
          await session.flush()
          expect(currentSession()).toBe(session)
          expect(session.journal.map(({ entity }) => (entity as Author).name)).toEqual([name])
        }),
      ),
    )
    const rows = await database.ds.manager.find(Author)
    expect(rows.map(({ name }) => name).sort()).toEqual(names)
  })

  it('is the inner one in a block inside a block, and the outer one again after it', async () => {
    const other = await openDataSource({ entities: ENTITIES })
    await withSession(database.ds, async (outer) => {
      await withSession(other, async (inner) => {
        expect(inner).not.toBe(outer)
        expect(currentSession()).toBe(inner)
        inner.add(author('inner'))
        await tick()
        outer.add(author('outer'))
      })
      expect(currentSession()).toBe(outer)
    })
    expect([await other.manager.countBy(Author, { name: 'inner' }), await database.ds.manager.countBy(Author, { name: 'outer' })]).toEqual([
      1, 1,
    ])
  })

  it('is the session whose hooks run, in each of them', async () => {
    const seen: [string, Session | undefined][] = []
    const note = (hook: string) => () => void seen.push([hook, tryCurrentSession()])
    extend(Author, mapperExtension({ beforeInsert: note('M.beforeInsert') }))
    const names = [
      'afterBegin',
      'beforeFlush',
      'beforeInsert',
      'afterInsert',
      'afterFlush',
      'beforeCommit',
      'afterCommit',
      'beforeCursorNext',
      'afterLoad',
    ] as const
    const noting = sessionExtension(Object.fromEntries(names.map((hook) => [hook, note(hook)])))
    await database.ds.manager.save(author('Ann'))
    seen.length = 0
    await using session = openSession(database.ds, { extensions: [noting] })
    session.add(author('Bob'))
    await session.flush()
    await session.find(Author, { name: 'Ann' })
    expect(new Set(seen.map(([hook]) => hook))).toEqual(new Set(['M.beforeInsert', ...names]))
    expect(seen.filter(([, current]) => current !== session).map(([hook]) => hook)).toEqual([])
    expect(tryCurrentSession()).toBeUndefined()
  })

  it('is the session of a synchronous hook as well', async () => {
    const seen: boolean[] = []
    const look = () => void seen.push(tryCurrentSession() === session)
    await using session: OpenSession = openSession(database.ds, {
      extensions: [sessionExtension({ afterAttach: look, afterDetach: look, cursorCreated: look })],
    })
    const ann = author('Ann')
    session.add(ann)
    session.expunge(ann)
    void session.find(Author)
    expect(seen).toEqual([true, true, true])
  })

  it('takes in what a hook adds to it', async () => {
    const adding = sessionExtension({
      beforeInsert(entity) {
        if ((entity as Author).name === 'Ann') currentSession().add(author('by the hook'))
      },
    })
    await withSession(database.ds, { extensions: [adding] }, (session) => Promise.resolve(session.add(author('Ann'))))
    expect(await database.ds.manager.count(Author)).toBe(2)
  })

  it('is the ambient session in hooks of a plain save', async () => {
    const seen: unknown[] = []
    const uninstall = install(database.ds, {
      extensions: [
        sessionExtension({
          beforeInsert() {
            seen.push(tryCurrentSession() === this.session)
          },
        }),
      ],
    })
    await database.ds.manager.save(author('Ann'))
    await database.ds.transaction((manager) => manager.save(author('Bob')))
    uninstall()
    expect(seen).toEqual([true, true])
    expect(tryCurrentSession()).toBeUndefined()
  })
})
