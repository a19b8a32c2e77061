/** session.onBeforeCommit: called after every beforeCommit hook and before COMMIT, once, for what is committed and nothing else. */
import { sessionOf, withoutExtensions, type Session } from 'flushpoint'
import { errorOf, extend, mapperExtension, sessionExtension, useDatabase } from '../support/chains.js'
import { Article, make, Tag } from '../support/models.js'
import { watch } from '../support/watch.js'
import { describeWays } from '../support/ways-in.js'

const article = (title = 'A') => make(Article, { title })
const tag = (name: string) => make(Tag, { name })

describeWays('what waits before the commit', (way) => {
  const db = useDatabase()
  const count = () => db.ds.manager.count(Article)

  it('is called after all beforeCommit hooks and what they left to write, just before COMMIT, in the order it was registered', async () => {
    const hook = (name: string) => sessionExtension({ beforeCommit: () => note(name) })
    const adding = sessionExtension({
      beforeCommit() {
        if (!isAdded) this.session.add(tag('red'))
        isAdded = true
      },
    })
    let isAdded = false
    const ds = db.use(hook('first hook'), adding, hook('last hook'))
    const { note, lines } = watch(ds)
    await way.transaction(ds, async ({ session, save }) => {
      session.onBeforeCommit(() => note('early'))
      await save(article())
      session.onBeforeCommit(() => note('late'))
    })
    const all = lines()
    expect(all.slice(all.indexOf('article'))).toEqual([
      'article',
      'first hook',
      'last hook',
      ...['tag', 'first hook', 'last hook'],
      'early',
      'late',
      'COMMIT',
    ])
  })

  it('is awaited, in the session and transaction it was registered in', async () => {
    const ds = db.use()
    const seen: unknown[] = []
    await way.transaction(ds, async ({ session, save, manager }) => {
      await save(article())
      session.onBeforeCommit(async () => {
        seen.push(await manager.count(Article), session.scope?.kind, session.scope?.depth)
      })
    })
    expect(seen).toEqual([1, 'transaction', 1])
  })

  it('vetoes the commit by what it throws, and the caller gets that very error', async () => {
    const ds = db.use()
    const veto = new Error('veto')
    const told: string[] = []
    const running = way.transaction(ds, async ({ session, save }) => {
      await save(article())
      session.onCommit(() => void told.push('commit'))
      session.onRollback(() => void told.push('rollback'))
      session.onBeforeCommit(() => Promise.reject(veto))
      session.onBeforeCommit(() => void told.push('not reached'))
    })
    expect(await errorOf(running)).toBe(veto)
    expect([told, await count()]).toEqual([['rollback'], 0])
  })

  it('may add work: that is written, and beforeCommit hooks run again', async () => {
    const ds = db.use(sessionExtension({ beforeCommit: () => note('hook') }))
    const { note, lines } = watch(ds)
    await way.transaction(ds, async ({ session, save }) => {
      await save(article())
      session.onBeforeCommit(() => session.add(tag('red')))
    })
    const all = lines()
    expect(all.slice(all.indexOf('article'))).toEqual(['article', 'hook', 'hook', 'tag', 'hook', 'COMMIT'])
    expect(await ds.manager.count(Tag)).toBe(1)
  })

  it('may register more of its kind, which are called, too, behind what was left to write', async () => {
    const ds = db.use()
    const { note, lines } = watch(ds)
    await way.transaction(ds, async ({ session, save }) => {
      await save(article())
      session.onBeforeCommit(() => {
        note('a')
        session.onBeforeCommit(async () => {
          note('b')
          session.add(tag('red'))
          session.onBeforeCommit(() => note('c'))
        })
      })
    })
    const all = lines()
    expect(all.slice(all.indexOf('a'))).toEqual(['a', 'b', 'tag', 'c', 'COMMIT'])
  })

  it.each([
    ['itself', (_session: Session) => {}],
    ['itself, and adds work', (session: Session) => session.add(article('again'))],
  ] as const)('is refused where it registers %s for ever', async (_, add) => {
    const ds = db.use()
    const running = way.transaction(ds, async ({ session, save }) => {
      await save(article())
      const again = () => {
        add(session)
        session.onBeforeCommit(again)
      }
      session.onBeforeCommit(again)
    })
    expect(await errorOf(running)).toMatchObject({ code: 'FLUSH_NEVER_SETTLES' })
    expect(await count()).toBe(0)
  })

  it('is dropped with the level it was registered in, and stays with one that is released', async () => {
    const ds = db.use()
    const { note, lines } = watch(ds)
    await way.transaction(ds, async (work) => {
      work.session.onBeforeCommit(() => note('outer'))
      await work.save(article())
      await work.transaction(async (inner) => inner.session.onBeforeCommit(() => note('released')))
      await errorOf(
        work.transaction(async (inner) => {
          inner.session.onBeforeCommit(() => note('undone'))
          await inner.transaction(async (innermost) => innermost.session.onBeforeCommit(() => note('undone with it')))
          throw new Error('no')
        }),
      )
      work.session.onBeforeCommit(() => note('last'))
    })
    const all = lines()
    expect(all.filter((line) => ['outer', 'released', 'undone', 'undone with it', 'last'].includes(line))).toEqual([
      'outer',
      'released',
      'last',
    ])
    expect(all.at(-1)).toBe('COMMIT')
    expect(all.indexOf('last')).toBe(all.length - 2)
  })

  it('is dropped where a level that it begins itself is undone, and the rest is called', async () => {
    const ds = db.use()
    const { note, lines } = watch(ds)
    await way.transaction(ds, async (work) => {
      await work.save(article())
      work.session.onBeforeCommit(async () => {
        await errorOf(
          work.session.transaction(async () => {
            work.session.onBeforeCommit(() => note('undone'))
            throw new Error('no')
          }),
        )
      })
      work.session.onBeforeCommit(() => note('next'))
    })
    expect(lines().filter((line) => ['undone', 'next'].includes(line))).toEqual(['next'])
  })

  it('is dropped with a flush that is undone alone', async () => {
    extend(
      Tag,
      mapperExtension({
        beforeInsert: ({ name }: Tag, _, session) => {
          session.onBeforeCommit(() => note(name))
          if (name === 'bad') throw new Error('veto')
        },
      }),
    )
    const ds = db.install({ savepoints: true })
    const { note, lines } = watch(ds)
    await way.transaction(ds, async (work) => {
      await work.save(article())
      const bad = tag('bad')
      await errorOf(work.save(bad))
      work.giveUp(bad)
      await work.save(tag('good'))
    })
    expect(lines().filter((line) => ['bad', 'good'].includes(line))).toEqual(['good'])
  })

  it('is called by a commit inside withoutExtensions, too', async () => {
    const ds = db.use()
    const { note, lines } = watch(ds)
    await withoutExtensions(() =>
      way.transaction(ds, async ({ session, save }) => {
        await save(article())
        session.onBeforeCommit(() => note('called'))
      }),
    )
    expect(lines().slice(-2)).toEqual(['called', 'COMMIT'])
  })

  it('is called for a hook of a single save, by the transaction of that save', async () => {
    extend(Article, mapperExtension({ afterInsert: (_, __, session) => session.onBeforeCommit(() => note('called')) }))
    const ds = db.use()
    const { note, lines } = watch(ds)
    await way.save(ds, article())
    expect(lines()).toEqual(['BEGIN', 'article', 'called', 'COMMIT'])
  })

  it('waits for a transaction that is begun by hand', async () => {
    const ds = db.use(
      sessionExtension({
        afterInsert() {
          this.session.onBeforeCommit(() => note('called'))
        },
      }),
    )
    const { note, lines } = watch(ds)
    const byHand = await way.byHand(ds)
    for (const end of ['commit', 'rollback', 'commit'] as const) {
      await byHand.begin()
      await byHand.save(article())
      await byHand[end]()
    }
    await byHand.end()
    expect(lines()).toEqual([
      ...['BEGIN', 'article', 'called', 'COMMIT'],
      ...['BEGIN', 'article', 'ROLLBACK'],
      ...['BEGIN', 'article', 'called', 'COMMIT'],
    ])
  })

  it('is called again by another try to commit after its veto', async () => {
    const ds = db.use()
    const { note, lines } = watch(ds)
    const runner = ds.createQueryRunner()
    await runner.startTransaction()
    await runner.manager.save(article())
    let isWilling = false
    const session = sessionOf(runner)
    session.onBeforeCommit(() => note('before'))
    session.onBeforeCommit(() => {
      note(isWilling ? 'willing' : 'veto')
      if (!isWilling) throw new Error('veto')
    })
    session.onBeforeCommit(() => note('after'))
    await errorOf(runner.commitTransaction())
    isWilling = true
    await runner.commitTransaction()
    await runner.release()
    expect(lines().slice(2)).toEqual(['before', 'veto', 'willing', 'after', 'COMMIT'])
  })
})
