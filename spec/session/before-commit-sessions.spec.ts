/** session.onBeforeCommit in sessions of one's own: blocks that write nothing, flushes that are their own transaction, joined sessions, refusals. */
import { openSession, withSession, type Session } from 'flushpoint'
import { errorOf, log, sessionExtension, useDatabase } from '../support/chains.js'
import { describeDatabase, isSingleConnection } from '../support/databases.js'
import { Article, make, Tag } from '../support/models.js'
import { watch } from '../support/watch.js'

const article = (title = 'A') => make(Article, { title })
const tag = (name: string) => make(Tag, { name })

describeDatabase('what waits before the commit of a session of its own', () => {
  const db = useDatabase()

  it('begins a transaction for a block that wrote nothing', async () => {
    const ds = db.use()
    const { note, lines } = watch(ds)
    await withSession(ds, async (session) => {
      session.onBeforeCommit(() => note(`called in ${session.scope?.kind}`))
      await session.find(Article)
    })
    expect(lines()).toEqual(['BEGIN', 'called in transaction', 'COMMIT'])
  })

  it('is called once by a flush of one entity, whatever waits beside that', async () => {
    const ds = db.use(
      sessionExtension({
        beforeCommit() {
          this.session.onBeforeCommit(() => void log.push('called'))
        },
      }),
    )
    const session = openSession(ds)
    const [one, other] = [article('one'), article('other')]
    session.add(one, other)
    await session.flush(one)
    expect(log).toEqual(['called'])
    expect((await ds.manager.find(Article)).map(({ title }) => title)).toEqual(['one'])
    await session.close()
  })

  it('writes in that transaction, which is undone by its veto', async () => {
    const ds = db.use()
    const running = withSession(ds, async (session) => {
      session.onBeforeCommit(async () => {
        await session.manager.insert(Article, { title: 'undone' })
        throw new Error('veto')
      })
    })
    expect(await errorOf(running)).toMatchObject({ message: 'veto' })
    await withSession(ds, async (session) => session.onBeforeCommit(() => session.add(article('kept'))))
    expect((await ds.manager.find(Article)).map(({ title }) => title)).toEqual(['kept'])
  })

  it('begins none for a block that fails, or whose callback was dropped', async () => {
    const ds = db.use()
    const { note, lines } = watch(ds)
    await errorOf(
      withSession(ds, async (session) => {
        session.onBeforeCommit(() => note('called'))
        throw new Error('no')
      }),
    )
    await withSession(ds, async (session) => {
      await errorOf(
        session.transaction(async () => {
          session.onBeforeCommit(() => note('called'))
          throw new Error('no')
        }),
      )
    })
    expect(lines()).toEqual(['BEGIN', 'SAVEPOINT', 'ROLLBACK TO', 'COMMIT'])
  })

  it('is called in the order of registration where the block begins its transaction between', async () => {
    const ds = db.use()
    const { note, lines } = watch(ds)
    await withSession(ds, async (session) => {
      session.onBeforeCommit(() => note('before it'))
      session.add(article())
      await session.flush()
      session.onBeforeCommit(() => note('in it'))
    })
    expect(lines()).toEqual(['BEGIN', 'article', 'before it', 'in it', 'COMMIT'])
  })

  it('belongs to the flush whose hook registered it, where that is its own transaction', async () => {
    const ds = db.use(
      sessionExtension({
        beforeInsert() {
          this.session.onBeforeCommit(() => note('called'))
        },
      }),
    )
    const { note, lines } = watch(ds)
    await using session = openSession(ds)
    for (const title of ['a', 'b']) {
      session.add(article(title))
      await session.flush()
    }
    expect(lines()).toEqual(['BEGIN', 'article', 'called', 'COMMIT', 'BEGIN', 'article', 'called', 'COMMIT'])
  })

  it('is called once where the flush is of one entity and others stay pending', async () => {
    const ds = db.use(
      sessionExtension({
        beforeInsert() {
          this.session.onBeforeCommit(() => note('called'))
        },
      }),
    )
    const { note, lines } = watch(ds)
    await using session = openSession(ds)
    const [wanted, pending] = [article('wanted'), tag('pending')]
    session.add(wanted, pending)
    await session.flush(wanted)
    expect([lines(), session.isModified(pending)]).toEqual([['BEGIN', 'article', 'called', 'COMMIT'], true])
  })

  it('is called before the savepoint of a session that joined is released, and else before its own COMMIT', async () => {
    const ds = db.use()
    const { note, lines } = watch(ds)
    await withSession(ds, async (outer) => {
      outer.onBeforeCommit(() => note('outer'))
      outer.add(article('outer'))
      await outer.flush()
      await withSession(ds, async (inner) => {
        inner.onBeforeCommit(() => note('inner'))
        inner.add(tag('inner'))
      })
    })
    const [begin, end] = isSingleConnection() ? ['SAVEPOINT', 'RELEASE'] : ['BEGIN', 'COMMIT']
    expect(lines()).toEqual(['BEGIN', 'article', begin, 'tag', 'inner', end, 'outer', 'COMMIT'])
  })
})

describeDatabase('onBeforeCommit is refused', () => {
  const db = useDatabase()

  it('where no transaction is open', async () => {
    const ds = db.use()
    await using session = openSession(ds)
    expect(await errorOf(() => session.onBeforeCommit(() => {}))).toMatchObject({ code: 'SESSION_WITHOUT_TRANSACTION' })
  })

  it('for a save and a statement that are their own commit', async () => {
    const errors: unknown[] = []
    const ask = async function (this: { session: Session }) {
      errors.push((await errorOf(() => this.session.onBeforeCommit(() => {}))).code)
    } as never
    const ds = db.use(sessionExtension({ afterInsert: ask, beforeBulk: ask }))
    await ds.manager.save(article(), { transaction: false })
    await ds.manager.insert(Article, { title: 'B' })
    expect(errors).toEqual(['SESSION_WITHOUT_TRANSACTION', 'SESSION_WITHOUT_TRANSACTION'])
  })

  it('after the commit, by whoever is told of it, and when the session is over', async () => {
    const errors: unknown[] = []
    const ds = db.use(
      sessionExtension({
        async afterCommit() {
          errors.push((await errorOf(() => this.session.onBeforeCommit(() => {}))).code)
        },
      }),
    )
    await ds.manager.save(article())
    const session = openSession(ds)
    await session.close()
    errors.push((await errorOf(() => session.onBeforeCommit(() => {}))).code)
    expect(errors).toEqual(['SESSION_ENDED', 'SESSION_CLOSED'])
  })

  it('for what is no function', async () => {
    const ds = db.use()
    const running = withSession(ds, async (session) => session.onBeforeCommit('later' as never))
    expect(await errorOf(running)).toMatchObject({ code: 'OPTION_INVALID' })
  })
})
