/** The last look before anything is sent: what beforeWrite sees, and what it can do. */
import { install, SessionExtension, type EntityState } from 'flushpoint'
import { extend, log, mapperExtension, mapperLog, sessionExtension, useDatabase } from '../support/chains.js'
import { recordStatements } from '../support/databases.js'
import { Article, Author, make } from '../support/models.js'
import { describeWays } from '../support/ways-in.js'

describeWays('beforeWrite', (way) => {
  const db = useDatabase()

  it('runs once per flush, after all before-hooks, with what they changed', async () => {
    extend(
      Article,
      mapperExtension({
        beforeInsert: (article: Article) => void (article.title = article.title.toUpperCase()),
      }),
    )
    const seen = sessionExtension({
      beforeInsert: () => void log.push('beforeInsert'),
      beforeWrite() {
        const titles = [...this.session.uow.new].map((entity) => {
          const { changes } = this.session.state(entity) as EntityState<Article>
          return `${(entity as Article).title} ${changes.title!.to}`
        })
        log.push(`beforeWrite ${titles.join()}`)
      },
      afterFlush: () => void log.push('afterFlush'),
    })
    await way.save(db.use(seen), [make(Article, { title: 'a' }), make(Article, { title: 'b' })])
    expect(log).toEqual(['beforeInsert', 'beforeInsert', 'beforeWrite A A,B B', 'afterFlush'])
  })

  it('vetoes the flush with nothing sent', async () => {
    const refused = new Error('refused')
    const veto = sessionExtension({
      beforeWrite() {
        throw refused
      },
    })
    const statements = recordStatements(db.use(veto))
    await expect(way.save(db.ds, make(Article, { title: 'a' }))).rejects.toBe(refused)
    expect(statements.sql().filter((sql) => sql.includes('INSERT'))).toEqual([])
    statements.stop()
    expect(await db.ds.manager.count(Article)).toBe(0)
  })

  it('writes the columns it sets', async () => {
    const late = sessionExtension({
      beforeWrite() {
        for (const entity of this.session.uow.new) if (entity instanceof Article) entity.title += '!'
      },
      afterCommit: (changes) => void log.push(...changes.map(({ after }) => (after as Article).title)),
    })
    await way.save(db.use(late), make(Article, { title: 'a' }))
    expect((await db.ds.manager.find(Article)).map(({ title }) => title)).toEqual(['a!'])
    expect(log).toEqual(['a!'])
  })

  it('runs again for what it adds, after the hooks of that', async () => {
    extend(Author, mapperLog('M', ['beforeInsert']))
    const adds = sessionExtension({
      beforeWrite() {
        log.push(`beforeWrite ${this.session.uow.new.size}`)
        if (this.session.uow.new.size === 1) this.session.add(make(Author, { name: 'late' }))
      },
    })
    await way.save(db.use(adds), make(Article, { title: 'a' }))
    expect(log).toEqual(['beforeWrite 1', 'M.beforeInsert late', 'beforeWrite 2'])
    expect(await db.ds.manager.count(Author)).toBe(1)
  })

  it('is not asked where nothing is written', async () => {
    const article = await way.seed(db.ds, make(Article, { title: 'a' }))
    await way.save(db.use(sessionExtension({ beforeWrite: () => void log.push('beforeWrite') })), article)
    expect(log).toEqual([])
  })

  it('sees what will be deleted', async () => {
    const article = await way.seed(db.ds, make(Article, { title: 'a' }))
    const seen = sessionExtension({
      beforeWrite() {
        log.push(...[...this.session.uow.deleted].map((entity) => `deleted ${(entity as Article).title}`))
      },
    })
    await way.remove(db.use(seen), article)
    expect(log).toEqual(['deleted a'])
  })
})

describe('checkInstall', () => {
  const db = useDatabase()

  it('hears of the DataSource and the options where the class is installed, and may refuse', () => {
    const refused = new Error('refused')
    const seen: unknown[] = []
    class Checked extends SessionExtension {
      override beforeFlush(): void {}

      static override checkInstall(dataSource: unknown, options: unknown): void {
        seen.push(dataSource, options)
        if (options !== undefined) throw refused
      }
    }
    install(db.ds, { extensions: [Checked] })()
    expect(seen).toHaveLength(2)
    expect(seen[0]).toBe(db.ds)
    expect(seen[1]).toBeUndefined()
    const subscribers = db.ds.subscribers.length
    expect(() => install(db.ds, { extensions: [Checked.with({ strict: true } as never)] })).toThrow(refused)
    expect(seen[3]).toEqual({ strict: true })
    expect(db.ds.subscribers).toHaveLength(subscribers)
  })
})
