/** How long a session and its extensions live, how many there are, and how one joins late. */
import { type Session, type SessionExtensionInput } from 'flushpoint'
import { errorOf, extend, log, mapperExtension, sessionExtension, sessionLog, useDatabase } from '../support/chains.js'
import { Article, make } from '../support/models.js'
import { describeWays } from '../support/ways-in.js'

const article = (title = 'A') => make(Article, { title })

describeWays('session extensions', (way) => {
  const db = useDatabase()

  /** An extension that writes down each instance it was built as, with its session. */
  function counting(): { readonly built: object[]; readonly sessions: Session[]; readonly Counting: SessionExtensionInput } {
    const [built, sessions]: [object[], Session[]] = [[], []]
    class Counting extends sessionExtension({ beforeFlush: () => undefined }) {
      constructor(session: Session) {
        super(session)
        built.push(this)
        sessions.push(this.session)
      }
    }
    return { built, sessions, Counting }
  }

  // ming row 72
  it('of the options run before registered ones', async () => {
    await way.transaction(db.use(sessionLog('listed', ['beforeFlush'])), async (work) => {
      work.session.registerExtension(sessionLog('registered', ['beforeFlush']))
      await work.save(article())
    })
    expect(log).toEqual(['listed.beforeFlush', 'registered.beforeFlush'])
  })

  it('of several installs run in the order of the installs, one listed twice once', async () => {
    const Both = sessionLog('both', ['beforeFlush'])
    db.use(sessionLog('first', ['beforeFlush']), Both)
    await way.save(db.use(Both, sessionLog('second', ['beforeFlush'])), article())
    expect(log).toEqual(['first.beforeFlush', 'both.beforeFlush', 'second.beforeFlush'])
  })

  // ming row 73
  it('registered late are heard from the next event on', async () => {
    await way.transaction(db.use(), async (work) => {
      await work.save(article('A'))
      work.session.registerExtension(sessionLog('late', ['beforeInsert', 'beforeCommit']))
      await work.save(article('B'))
    })
    expect(log).toEqual(['late.beforeInsert B', 'late.beforeCommit'])
  })

  // ming row 73
  it('registered in a hook are heard from the next hook of the same flush on', async () => {
    let once = false
    const Registering = sessionExtension({
      beforeFlush() {
        if (!once) this.session.registerExtension(sessionLog('late', ['beforeFlush', 'beforeInsert']))
        once = true
      },
    })
    await way.save(db.use(Registering), article('A'))
    expect(log).toEqual(['late.beforeInsert A'])
  })

  it('registered on one session are not heard in the next', async () => {
    const ds = db.use()
    await way.transaction(ds, async (work) => {
      work.session.registerExtension(sessionLog('late', ['beforeInsert']))
      await work.save(article('A'))
    })
    await way.save(ds, article('B'))
    expect(log).toEqual(['late.beforeInsert A'])
  })

  // ming row 74
  it('are built once for each session, each with its own', async () => {
    const { built, sessions, Counting } = counting()
    const ds = db.use(Counting)
    for (let turn = 0; turn < 2; turn++) {
      await way.transaction(ds, async (work) => {
        await work.save(article())
        await work.save(article())
        expect(sessions.at(-1)).toBe(work.session)
      })
    }
    await way.save(ds, article())
    expect([built.length, new Set(built).size, new Set(sessions).size]).toEqual([3, 3, 3])
  })

  it('are the same instances in a savepoint of their transaction', async () => {
    const { built, Counting } = counting()
    await way.transaction(db.use(Counting), async (work) => {
      await work.save(article())
      await work.transaction((nested) => nested.save(article()))
    })
    expect(built).toHaveLength(1)
  })

  // ming row 79
  it('of two transactions at a time never meet', async () => {
    const Own = sessionExtension({
      beforeFlush() {
        this.session.info['titles'] ??= []
        for (const one of this.session.uow.new) (this.session.info['titles'] as string[]).push((one as Article).title)
      },
      afterCommit() {
        log.push((this.session.info['titles'] as string[]).join(' '))
      },
    })
    const ds = db.use(Own)
    const transaction = (name: string) =>
      way.transaction(ds, async (work) => {
        await work.save(article(`${name}1`))
        await work.save(article(`${name}2`))
      })
    await Promise.all([transaction('x'), transaction('y')])
    expect([...log].sort()).toEqual(['x1 x2', 'y1 y2'])
  })

  // ming row 84
  it('have the session that sessionOf finds', async () => {
    const { sessions, Counting } = counting()
    await way.transaction(db.use(Counting), async (work) => {
      await work.save(article())
      expect(sessions).toEqual([work.session])
    })
  })

  // ming row 85
  it('leave the array they were listed in as it was', async () => {
    const listed = [sessionLog('S', ['beforeFlush'])]
    const copy = [...listed]
    await way.transaction(db.install({ extensions: listed }), async (work) => {
      work.session.registerExtension(sessionLog('late', ['beforeFlush']))
      await work.save(article())
    })
    expect([listed, log]).toEqual([copy, ['S.beforeFlush', 'late.beforeFlush']])
  })

  // ming row 85
  it('are not changed by what happens to that array afterwards', async () => {
    const listed = [sessionLog('S', ['beforeFlush'])]
    const ds = db.install({ extensions: listed })
    listed.push(sessionLog('pushed', ['beforeFlush']))
    await way.save(ds, article())
    expect(log).toEqual(['S.beforeFlush'])
  })

  // ming row 71
  it('come and go with sessions, while mapper extensions stay', async () => {
    const built: object[] = []
    const Mapped = mapperExtension({ beforeInsert: () => undefined })
    extend(Article, (mapper) => {
      const one = new Mapped(mapper)
      built.push(one)
      return one
    })
    const ds = db.use()
    await way.save(ds, article())
    await way.transaction(ds, (work) => work.save(article()))
    expect(built).toHaveLength(1)
  })
})

describeWays('registerExtension', (way) => {
  const db = useDatabase()

  it('refuses what could not be listed either', async () => {
    await way.transaction(db.use(), async (work) => {
      const register = (input: unknown) => errorOf(() => work.session.registerExtension(input as SessionExtensionInput))
      expect((await register({})).code).toBe('EXTENSION_NOT_LISTABLE')
      expect((await register(mapperExtension({ beforeInsert: () => undefined }))).code).toBe('EXTENSION_WRONG_LEVEL')
      expect((await register(sessionExtension({}))).code).toBe('EXTENSION_WITHOUT_HOOK')
      expect((await register(sessionExtension({ beforeComit: () => undefined } as never))).message).toContain(
        'did you mean "beforeCommit"?',
      )
    })
  })

  it('refuses a session whose transaction has ended', async () => {
    const session = await way.transaction(db.use(), (work) => Promise.resolve(work.session))
    await expect(errorOf(() => session.registerExtension(sessionLog('late')))).resolves.toMatchObject({
      code: way.pick({ ambient: 'SESSION_ENDED', session: 'SESSION_CLOSED' }), // it ends with the transaction, or when its owner says so
    })
  })

  it('takes factories and classes with options', async () => {
    const Named = class extends sessionExtension({
      beforeFlush() {
        log.push((this as unknown as { label: string }).label)
      },
    }) {
      readonly label: string
      constructor(session: Session, options: { label: string }) {
        super(session)
        this.label = options.label
      }
    }
    await way.transaction(db.use(), async (work) => {
      work.session.registerExtension((session) => new Named(session, { label: 'by factory' }))
      await work.save(article())
    })
    expect(log).toEqual(['by factory'])
  })
})
