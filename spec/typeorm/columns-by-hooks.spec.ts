/**
 * Columns that hooks set are written: the entity's own, embedded ones, those of other entities of the flush, and those set afterwards.
 *
 * @module
 */
import { closeDataSources, recordStatements } from '../support/databases.js'
import { fresh, label, once, only, openWithHooks, type Hooks } from '../support/hooks.js'
import { Book, Imprint, LIBRARY } from '../support/library.js'
import { Article, Author, ENTITIES, make, Note, Tag } from '../support/models.js'
import { describeWays } from '../support/ways-in.js'

afterEach(closeDataSources)

const entities = [...ENTITIES, ...LIBRARY]
const open = (...own: Hooks[]) => openWithHooks({ entities }, ...own)

describeWays('a column set by a hook', (way) => {
  it.each(['beforeFlush', 'beforeInsert'] as const)('in %s is inserted', async (hook) => {
    const set = (article: object) => void ((article as Article).slug = hook)
    const dataSource = await open({
      [hook](this: any, entity?: object) {
        ;(entity === undefined ? [...this.session.uow.new] : [entity]).forEach(set)
      },
    })
    const article = await way.save(dataSource, make(Article, { title: 'a' }))
    expect((await fresh(dataSource, Article, article.id)).slug).toBe(hook)
  })

  it.each(['beforeFlush', 'beforeUpdate'] as const)('in %s is updated, together with what the caller changed', async (hook) => {
    const set = (article: object) => void ((article as Article).slug = hook)
    const dataSource = await open({
      [hook](this: any, entity?: object) {
        ;(entity === undefined ? [...this.session.uow.dirty] : [entity]).forEach(set)
      },
    })
    const article = await way.save(dataSource, make(Article, { title: 'a' }))
    await way.save(dataSource, Object.assign(article, { title: 'b' }))
    expect(await fresh(dataSource, Article, article.id)).toMatchObject({ title: 'b', slug: hook })
  })

  it('back to its database value is not written, and its row neither when nothing else changed', async () => {
    const dataSource = await open({
      beforeUpdate: only(Article, (article, { original }) => void (article.title = (original as Article).title)),
    })
    const article = await way.save(dataSource, make(Article, { title: 'a' }))
    const statements = recordStatements(dataSource)
    await way.save(dataSource, Object.assign(article, { title: 'b' }))
    expect(statements.sql().filter((sql) => sql.startsWith('UPDATE'))).toEqual([])
    expect((await fresh(dataSource, Article, article.id)).title).toBe('a')
  })

  it('to null empties the column', async () => {
    const dataSource = await open({ beforeUpdate: only(Article, (article) => void (article.slug = null)) })
    const article = await way.save(dataSource, make(Article, { title: 'a', slug: 's' }))
    await way.save(dataSource, Object.assign(article, { title: 'b' }))
    expect((await fresh(dataSource, Article, article.id)).slug).toBeNull()
  })

  it('inside an embedded object is written', async () => {
    const dataSource = await open({
      beforeInsert: only(Book, (book) => void (book.imprint = make(Imprint, { place: 'Leipzig', year: 1900 }))),
      beforeUpdate: only(Book, (book) => void (book.imprint.year = 1901)),
    })
    const book = await way.save(dataSource, make(Book, { name: 'b' }))
    expect((await fresh(dataSource, Book, book.id)).imprint).toMatchObject({ place: 'Leipzig', year: 1900 })
    await way.save(dataSource, Object.assign(book, { name: 'c' }))
    expect((await fresh(dataSource, Book, book.id)).imprint).toMatchObject({ place: 'Leipzig', year: 1901 })
  })

  it('in beforeSoftRemove and beforeRecover is written beside the delete date', async () => {
    const dataSource = await open({
      beforeSoftRemove: only(Note, (note) => void (note.reason = 'removed')),
      beforeRecover: only(Note, (note) => void (note.reason = 'recovered')),
    })
    const note = await way.save(dataSource, make(Note, { text: 'n' }))
    await way.softRemove(dataSource, note)
    const removed = await fresh(dataSource, Note, note.id)
    expect(removed.reason).toBe('removed')
    expect(removed.deletedAt).toBeInstanceOf(Date)
    await way.recover(dataSource, note)
    expect(await fresh(dataSource, Note, note.id)).toMatchObject({ reason: 'recovered', deletedAt: null })
  })

  it("in beforeSoftRemove is written beside the date, with what the caller left unsaved in a session but not by TypeORM's softRemove", async () => {
    const dataSource = await open({ beforeSoftRemove: only(Note, (note) => void (note.reason = 'removed')) })
    const note = await way.save(dataSource, make(Note, { text: 'saved' }))
    await way.softRemove(dataSource, Object.assign(note, { text: 'unsaved' }))
    const text = way.pick({ ambient: 'saved', session: 'unsaved' }) // a flush writes everything that is pending
    expect(await fresh(dataSource, Note, note.id)).toMatchObject({ text, reason: 'removed' })
  })
})

describeWays('another entity of the same flush', (way) => {
  it('changed before its own hook ran is written with the change and gets its hook once', async () => {
    const log: string[] = []
    const dataSource = await open({
      beforeInsert: only(Author, (author) => {
        log.push(label(author))
        for (const article of author.articles ?? []) article.slug = 'by hook'
      }),
    })
    const article = make(Article, { title: 'a' })
    await way.save(dataSource, make(Author, { name: 'Ann', articles: [article] }))
    expect((await fresh(dataSource, Article, article.id)).slug).toBe('by hook')
    expect(log).toEqual(['Author Ann'])
  })

  it('that was unchanged so far is written and gets its own before-hook in a second wave', async () => {
    const log: string[] = []
    const dataSource = await open({
      beforeUpdate: (entity) => {
        log.push(label(entity))
        if (entity instanceof Article) entity.author!.name = 'second wave'
      },
    })
    const author = await way.save(dataSource, make(Author, { name: 'Ann' }))
    const article = await way.save(dataSource, make(Article, { title: 'a', author }))
    await way.save(dataSource, [Object.assign(article, { title: 'b' }), author])
    expect(log).toEqual(['Article b', 'Author second wave'])
    expect((await fresh(dataSource, Author, author.id)).name).toBe('second wave')
  })

  it('gets its after-hook too, and the change is in the journal', async () => {
    const log: string[] = []
    const dataSource = await open({
      beforeUpdate: only(Article, ({ author }) => void (author!.name = 'changed')),
      afterUpdate: (entity) => void log.push(label(entity)),
      afterCommit: (changes) =>
        void log.push(...changes.map(({ kind, table, changes: { name } }) => `${kind} ${table} ${JSON.stringify(name)}`)),
    })
    const author = await way.save(dataSource, make(Author, { name: 'Ann' }))
    const article = await way.save(dataSource, make(Article, { title: 'a', author }))
    log.length = 0
    await way.save(dataSource, [Object.assign(article, { title: 'b' }), author])
    expect(log).toEqual(['Article b', 'Author changed', 'update article undefined', 'update author {"from":"Ann","to":"changed"}'])
  })
})

describeWays('a change made in an after-hook', (way) => {
  it.each(['afterInsert', 'afterFlush'] as const)('(%s) is written before the commit', async (hook) => {
    const article = make(Article, { title: 'a' })
    const dataSource = await open({ [hook]: once(() => (article.slug = `${article.id}-a`)) })
    await way.save(dataSource, article)
    expect((await fresh(dataSource, Article, article.id)).slug).toBe(`${article.id}-a`)
  })

  it('is a flush of its own, with its hooks', async () => {
    const log: string[] = []
    const dataSource = await open({
      beforeFlush: () => void log.push('flush'),
      afterInsert: only(Article, (article) => void (article.slug = 'late')),
      beforeUpdate: only(Article, (article, { changes }) => void log.push(`${label(article)} ${Object.keys(changes).join()}`)),
    })
    await way.save(dataSource, make(Article, { title: 'a' }))
    expect(log).toEqual(['flush', 'flush', 'Article a slug'])
  })

  it('of a collection is written as well', async () => {
    const tag = make(Tag, { name: 't' })
    const dataSource = await open({ afterInsert: only(Article, (article) => void (article.tags = [tag])) })
    const article = await way.save(dataSource, make(Article, { title: 'a' }))
    expect((await fresh(dataSource, Article, article.id, 'tags')).tags).toEqual([{ id: tag.id, name: 't' }])
  })

  it('is undone with the transaction', async () => {
    const dataSource = await open({ afterInsert: only(Article, (article) => void (article.slug = 'late')) })
    const failed = way.transaction(dataSource, async (work) => {
      await work.save(make(Article, { title: 'a' }))
      throw new Error('no')
    })
    await expect(failed).rejects.toThrow('no')
    expect(await dataSource.manager.count(Article)).toBe(0)
  })
})
