/**
 * Ten things TypeORM does that decided the design, each as what flushpoint gives instead.
 *
 * @module
 */
import { MapperExtension, mapper, SessionExtension, sessionOf, type BulkStatement, type Change, type EntityState } from 'flushpoint'
import type { EntitySubscriberInterface } from 'typeorm'
import { BULK_ENTITIES, Item } from '../support/bulk-log.js'
import { closeAll, describeDatabase, recordStatements } from '../support/databases.js'
import { Article, Author, Comment, ENTITIES, make, Note, Tag } from '../support/models.js'
import { collectWarnings, errorOf, namesOf, openLogged, openStranger } from '../support/transaction-log.js'

const author = (name: string) => make(Author, { name })
const tick = () => new Promise<void>((resolve) => setImmediate(resolve))

const articleHook: { beforeInsert?: (article: Article) => void; beforeUpdate?: (article: Article, state: EntityState) => void } = {}
class ArticleHook extends MapperExtension<Article> {
  override beforeInsert(article: Article) {
    articleHook.beforeInsert?.(article)
  }
  override beforeUpdate(article: Article, state: EntityState<Article>) {
    articleHook.beforeUpdate?.(article, state)
  }
}
mapper(Article, { extensions: [ArticleHook] })

describeDatabase('facts of TypeORM, mended', () => {
  afterEach(closeAll)
  afterEach(() => jest.restoreAllMocks())
  afterEach(() => {
    delete articleHook.beforeInsert
    delete articleHook.beforeUpdate
  })

  // fact 1
  it('hooks run one after another, and the first error leaves none running', async () => {
    const log: string[] = []
    const slow = (name: string, error?: Error) =>
      class extends SessionExtension {
        override async beforeInsert(entity: object) {
          log.push(`${name}> ${(entity as Author).name}`)
          await tick()
          log.push(`${name}< ${(entity as Author).name}`)
          if (error !== undefined && (entity as Author).name === 'Bea') throw error
        }
      }
    const error = new Error('no Bea')
    const { dataSource } = await openLogged({ extensions: [slow('a', error), slow('b')] })
    await expect(dataSource.manager.save(['Ann', 'Bea', 'Cid'].map(author))).rejects.toBe(error)
    const atRejection = [...log]
    await tick()
    expect(atRejection).toEqual(['a> Ann', 'a< Ann', 'b> Ann', 'b< Ann', 'a> Bea', 'a< Bea'])
    expect(log).toEqual(atRejection)
  })

  // fact 2
  it('afterCommit comes once, after the outermost COMMIT, with everything that changed', async () => {
    const { dataSource, lines } = await openLogged()
    const recording = recordStatements(dataSource)
    const seen: string[] = []
    await dataSource.transaction(async (manager) => {
      sessionOf(manager).onCommit(() => void seen.push(recording.sql().at(-1)!))
      await manager.save(author('Ann'))
      await manager.transaction((inner) => inner.save(author('Bea')))
      expect(lines).not.toContainEqual(expect.stringMatching(/^commit/))
    })
    expect(lines.at(-1)).toBe('commit: insert Ann, insert Bea')
    expect(seen).toEqual(['COMMIT'])
  })

  // fact 3
  it('a throwing afterTransactionCommit neither rejects a committed transaction nor rolls back an outer one', async () => {
    collectWarnings()
    const { dataSource } = await openLogged()
    jest.spyOn(dataSource.logger, 'log').mockImplementation(() => undefined)
    dataSource.subscribers.push({ afterTransactionCommit: () => Promise.reject(new Error('late')) })
    await dataSource.transaction(async (outer) => {
      await outer.save(author('before'))
      await outer.transaction((inner) => inner.save(author('inner')))
      await outer.save(author('later'))
    })
    expect(await namesOf(dataSource, Author)).toEqual(['before', 'inner', 'later'])
  })

  // fact 4
  it('a throwing nested beforeTransactionStart leaves no connection inside a transaction', async () => {
    const { dataSource } = await openLogged()
    let begins = 0
    const foreign: EntitySubscriberInterface = {
      beforeTransactionStart: () => (++begins === 2 ? Promise.reject(new Error('no')) : undefined),
    }
    dataSource.subscribers.push(foreign)
    const work = dataSource.transaction(async (outer) => {
      await outer.save(author('undone'))
      await outer.transaction((inner) => inner.save(author('never')))
    })
    await expect(work).rejects.toThrow('no')
    await dataSource.manager.save(author('next request'))
    expect(await namesOf(await openStranger(dataSource), Author)).toEqual(['next request'])
  })

  // fact 5
  it('relations assigned in a before-hook are written, also back to their database value', async () => {
    const { dataSource } = await openLogged()
    articleHook.beforeInsert = (article) => {
      article.author = author('new object')
      article.tags = [make(Tag, { name: 'hook' })]
      article.comments = [make(Comment, { text: 'first' })]
    }
    const article = await dataSource.manager.save(make(Article, { title: 'x' }))
    const loaded = () =>
      dataSource.manager.findOneOrFail(Article, { where: { id: article.id }, relations: { author: true, tags: true, comments: true } })
    expect(await loaded()).toMatchObject({ author: { name: 'new object' }, tags: [{ name: 'hook' }], comments: [{ text: 'first' }] })

    const other = await dataSource.manager.save(author('other'))
    const former = article.author
    articleHook.beforeUpdate = (changed) => void (changed.author = former!)
    await dataSource.manager.save(Object.assign(article, { title: 'y', author: other }))
    expect(await loaded()).toMatchObject({ title: 'y', author: { name: 'new object' } })
  })

  // fact 6
  it("an entity changed by another entity's before-hook gets its own beforeUpdate", async () => {
    const updates: string[] = []
    class Touch extends SessionExtension {
      override beforeUpdate(entity: object, state: EntityState) {
        updates.push(`${entity.constructor.name}: ${Object.keys(state.changes).join()}`)
        if (entity instanceof Article) entity.author!.name = 'touched'
      }
    }
    const { dataSource } = await openLogged({ extensions: [Touch] })
    const article = await dataSource.manager.save(make(Article, { title: 'x', author: author('Ann') }))
    await dataSource.manager.save([Object.assign(article, { title: 'y' }), article.author!])
    expect(updates).toEqual(['Article: title', 'Author: name'])
    expect(await namesOf(dataSource, Author)).toEqual(['touched'])
  })

  // fact 7
  it('writes by query tell their rows with old values, and their commit', async () => {
    let net: readonly Change[] = []
    class Images extends SessionExtension {
      override beforeBulk(statement: BulkStatement) {
        statement.wantImages('both')
      }
      override afterCommit(changes: readonly Change[]) {
        net = changes
      }
    }
    const { dataSource } = await openLogged({ extensions: [Images] }, { entities: BULK_ENTITIES })
    await dataSource.manager.insert(Item, { name: 'apple', stock: 1 })
    await dataSource.manager.increment(Item, { name: 'apple' }, 'stock', 2)
    expect(net.map(({ kind, changes }) => [kind, changes])).toEqual([['update', { stock: { from: 1, to: 3 } }]])
  })

  // fact 8
  it('new, changed and deleted work of hooks goes in one flush, in dependency order', async () => {
    class Mixed extends SessionExtension {
      override beforeFlush() {
        this.session.add(make(Comment, { text: 'by hook', article }))
        this.session.delete(old)
      }
    }
    const { dataSource, lines } = await openLogged({ extensions: [Mixed] }, { entities: ENTITIES })
    const stranger = await openStranger(dataSource)
    const article = await stranger.manager.save(make(Article, { title: 'x' }))
    const old = await stranger.manager.save(make(Tag, { name: 'old' }))
    await dataSource.manager.save(Object.assign(article, { title: 'y' }))
    expect(lines).toEqual(['begin transaction 1', 'beforeCommit', 'commit: insert by hook, update x -> y, delete old'])
  })

  // fact 9
  it('foreign listeners have settled before our entity hooks begin', async () => {
    const log: string[] = []
    class Ours extends SessionExtension {
      override beforeInsert(entity: object) {
        log.push(`ours ${(entity as Author).name}`)
      }
    }
    const { dataSource } = await openLogged({ extensions: [Ours] })
    const foreign: EntitySubscriberInterface<Author> = {
      listenTo: () => Author,
      async beforeInsert({ entity }) {
        await tick()
        entity.name += '!'
        log.push(`foreign ${entity.name}`)
      },
    }
    dataSource.subscribers.push(foreign)
    await dataSource.manager.save([author('Ann'), author('Bea')])
    expect(log).toEqual(['foreign Ann!', 'foreign Bea!', 'ours Ann!', 'ours Bea!'])
    expect(await namesOf(dataSource, Author)).toEqual(['Ann!', 'Bea!'])
  })

  // fact 10
  it('concurrent transactions of one data source never share rows, runners or sessions', async () => {
    const { dataSource, lines } = await openLogged()
    const sessions = new Set<unknown>()
    const request = (name: string, fails: boolean) =>
      dataSource.transaction(async (manager) => {
        sessions.add(sessionOf(manager))
        await manager.save(author(name))
        await tick()
        await manager.save(make(Note, { text: name }))
        if (fails) throw new Error(name)
      })
    await Promise.all(['a', 'b', 'c', 'd'].map((name, index) => errorOf(request(name, index % 2 === 1))))
    expect(sessions.size).toBe(4)
    expect(await namesOf(dataSource, Author)).toEqual(['a', 'c'])
    expect(lines.filter((line) => /^(commit|rollback)/.test(line)).sort()).toEqual([
      'commit: insert a, insert a',
      'commit: insert c, insert c',
      'rollback transaction 1: insert b, insert b',
      'rollback transaction 1: insert d, insert d',
    ])
  })
})
