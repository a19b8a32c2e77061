/**
 * Values are read again: at once by refresh, at the next query by expire, after each commit where the session is opened so.
 *
 * @module
 */
import { describeDatabase } from '../support/databases.js'
import { hooks, work } from '../support/hooks.js'
import { Article, Author, Comment, make, Note, Tag } from '../support/models.js'
import { Kinds, Money, Place, Post, Poster, Spot, Stamped } from '../support/session-models.js'
import { Dog } from '../support/shapes.js'
import { CLEAN, codeOf, errorOf, expectClean, naming, openWithSession, standing } from '../support/opened-session.js'

async function withArticle() {
  const opened = await openWithSession()
  const { manager } = opened.dataSource
  const mark = `${Math.random()}`
  const { id } = await manager.save(
    make(Article, {
      title: 'first',
      slug: 'slug',
      author: make(Author, { name: 'Ann' }),
      tags: [1, 2].map((number) => make(Tag, { name: `r${number} ${mark}` })),
      comments: ['x', 'y'].map((text) => make(Comment, { text })),
    }),
  )
  return { ...opened, id, mark, manager, byOthers: (values: object) => manager.update(Article, id, values) }
}

describeDatabase('refresh', () => {
  it('reads the row into the same object and drops what was pending', async () => {
    const { session, id, byOthers, sent } = await withArticle() // statement 4, ming row 116
    const article = await session.getOrFail(Article, id)
    article.title = 'pending'
    article.slug = null
    await byOthers({ title: 'theirs' })
    expect(await session.refresh(article)).toBe(article)
    expect(article).toMatchObject({ title: 'theirs', slug: 'slug' })
    expect(standing(session, article)).toEqual(CLEAN)
    expect(session.state(article).original.title).toBe('theirs')
    await expectClean(session, sent)
  })

  it('reads columns of every kind', async () => {
    const { session, another, dataSource } = await openWithSession()
    const kinds = make(Kinds, {
      json: { a: [1] },
      moment: new Date('2024-01-01T00:00:00.000Z'),
      bytes: Buffer.from('ab'),
      simpleArray: ['a'],
      price: new Money(1, 'EUR'),
      place: make(Place, { city: 'Bonn', spot: make(Spot, { x: 1 }) }),
    })
    const writing = another()
    writing.add(kinds)
    await writing.flush()
    const loaded = await session.getOrFail(Kinds, kinds.id)
    ;(loaded.json as { a: number[] }).a.push(2)
    loaded.moment!.setTime(0)
    loaded.bytes![0] = 0
    loaded.simpleArray = null
    loaded.price!.amount = 2
    loaded.place.spot.x = 2
    loaded.text = 'mine'
    await dataSource.manager.update(Kinds, kinds.id, { whole: 5 })
    await session.refresh(loaded)
    expect(standing(session, loaded)).toEqual(CLEAN)
    const fresh = await another().getOrFail(Kinds, kinds.id)
    expect(loaded).toEqual(fresh)
    expect(loaded).toMatchObject({ whole: 5, text: null, json: { a: [1] }, bytes: Buffer.from('ab'), price: { amount: 1 } })
  })

  it('reads what was set to undefined or deleted, too', async () => {
    const { session, id } = await withArticle()
    const article = await session.getOrFail(Article, id)
    Object.assign(article, { slug: undefined })
    delete (article as { title?: string }).title
    await session.refresh(article)
    expect(article).toMatchObject({ title: 'first', slug: 'slug' })
    expect(standing(session, article)).toEqual(CLEAN)
  })

  it('reads the relations again that were loaded, with the same objects', async () => {
    const { session, id, manager, sent } = await withArticle()
    const article = await session.find(Article, { id }).with('author', 'tags', 'comments').one()
    const [tag] = article.tags!
    const [comment, other] = article.comments!
    article.tags = []
    article.comments!.push(make(Comment, { text: 'pending' }))
    article.author = null
    await manager.save(make(Comment, { text: 'theirs', article: make(Article, { id }) }))
    await manager.delete(Comment, other!.id)
    await session.refresh(article)
    expect(article.tags).toHaveLength(2)
    expect(article.tags).toContain(tag)
    expect(article.comments!.map(({ text }) => text).sort()).toEqual([comment!.text, 'theirs'].sort())
    expect(article.comments).toContain(comment)
    expect(article.author).toMatchObject({ name: 'Ann' })
    expect(standing(session, article)).toEqual(CLEAN)
    await expectClean(session, sent)
  })

  it('leaves relations unloaded that were not loaded', async () => {
    const { session, id } = await withArticle()
    const article = await session.getOrFail(Article, id)
    await session.refresh(article)
    expect([article.author, article.tags, article.comments]).toEqual([undefined, undefined, undefined])
  })

  it('drops a relation that was set although it was not loaded', async () => {
    const { session, id, sent } = await withArticle()
    const article = await session.getOrFail(Article, id)
    article.author = make(Author, { name: 'pending' })
    article.tags = []
    await session.refresh(article)
    expect(article.author).toMatchObject({ name: 'Ann' })
    expect(article.tags).toHaveLength(2)
    await expectClean(session, sent)
  })

  it('leaves pending changes of others alone, of related ones too', async () => {
    const { session, id } = await withArticle()
    const article = await session.find(Article, { id }).with('author', 'comments').one()
    article.author!.name = 'pending'
    article.comments![0]!.text = 'pending'
    await session.refresh(article)
    expect(work(session.uow)).toEqual({ dirty: expect.arrayContaining(['Author pending', 'Comment pending']) as string[] })
    expect(await session.flush()).toMatchObject({ updated: 2 })
  })

  it('of a join column beside its relation reads both', async () => {
    const { session, dataSource, sent } = await openWithSession()
    const [ann, bob] = await dataSource.manager.save([make(Poster, { name: 'Ann' }), make(Poster, { name: 'Bob' })])
    const { id } = await dataSource.manager.save(make(Post, { title: 'p', author: ann! }))
    const post = await session.find(Post, { id }).with('author').one()
    await dataSource.manager.update(Post, id, { authorId: bob!.id })
    await session.refresh(post)
    expect([post.authorId, post.author]).toEqual([bob!.id, expect.objectContaining({ name: 'Bob' })])
    await expectClean(session, sent)
  })

  it('lets go of an object whose version is stale, which can then be written', async () => {
    const { session, dataSource } = await openWithSession()
    const { id } = await dataSource.manager.save(make(Note, { text: 'a' }))
    const note = await session.getOrFail(Note, id)
    await dataSource.manager.save(make(Note, { id, text: 'theirs' }))
    note.text = 'mine'
    const error = await errorOf(() => session.flush())
    expect(error).toMatchObject({ code: 'ROWS_STALE', message: naming('Note', id) })
    expect(work(session.uow)).toEqual({ dirty: ['Note mine'] })
    await session.refresh(note)
    expect(note).toMatchObject({ text: 'theirs', version: 2 })
    note.text = 'mine'
    expect(await session.flush()).toMatchObject({ updated: 1 })
    expect(note.version).toBe(3)
  })

  it('throws when the row is gone, naming entity and key, and leaves the object as it is', async () => {
    const { session, id, manager } = await withArticle() // statement 11
    const article = await session.getOrFail(Article, id)
    await manager.delete(Article, id)
    article.title = 'pending'
    const error = await errorOf(() => session.refresh(article))
    expect(error).toMatchObject({ code: 'ROW_GONE', message: naming('Article', id) })
    expect(article.title).toBe('pending')
    session.expunge(article)
    expect(await session.get(Article, id)).toBeNull()
    expect(await session.flush()).toMatchObject({ statements: 0 })
  })

  it('is refused for an object that is new, and for one that is deleted', async () => {
    const { session, id } = await withArticle()
    const fresh = make(Article, { title: 'new' })
    session.add(fresh)
    expect(await codeOf(() => session.refresh(fresh))).toBe('ENTITY_STATE_WRONG')
    const article = await session.find(Article, { id }).with('comments', 'tags').one()
    await session.begin()
    session.delete(article)
    await session.flush()
    expect(await codeOf(() => session.refresh(article))).toBe('ENTITY_STATE_WRONG')
    await session.rollback()
  })

  it('leaves a mark for deletion where it is', async () => {
    const { session, id, byOthers } = await withArticle() // ming row 115
    const article = await session.getOrFail(Article, id)
    session.delete(article)
    await byOthers({ title: 'theirs' })
    await session.refresh(article)
    expect([article.title, session.state(article).status]).toEqual(['theirs', 'deleted'])
  })

  it('reads a soft-removed row, too', async () => {
    const { session, dataSource } = await openWithSession()
    const { id } = await dataSource.manager.save(make(Stamped, { name: 'a' }))
    const entity = await session.getOrFail(Stamped, id)
    await dataSource.manager.softDelete(Stamped, id)
    await session.refresh(entity)
    expect(entity.deletedAt).toBeInstanceOf(Date)
    expect(standing(session, entity)).toEqual(CLEAN)
  })

  it('reads an entity of a derived class with its own columns', async () => {
    const { session, dataSource } = await openWithSession()
    const { id } = await dataSource.manager.save(make(Dog, { name: 'Rex', trick: 'sit' }))
    const dog = await session.getOrFail(Dog, id)
    dog.trick = 'pending'
    await session.refresh(dog)
    expect(dog.trick).toBe('sit')
  })

  it('runs no load hook again', async () => {
    const { session, id } = await withArticle()
    const heard: string[] = []
    session.registerExtension(hooks({ afterLoad: (entity) => void heard.push(entity.constructor.name) }))
    const article = await session.getOrFail(Article, id)
    await session.refresh(article)
    expect(heard).toEqual(['Article'])
  })

  it('keeps what is changed while it is under way out of the way of others', async () => {
    const { session, id, byOthers } = await withArticle()
    const article = await session.find(Article, { id }).with('author').one()
    await byOthers({ title: 'theirs' })
    const refreshing = session.refresh(article)
    article.author!.name = 'changed meanwhile'
    await refreshing
    expect(article.author!.name).toBe('changed meanwhile')
    expect(await session.flush()).toMatchObject({ updated: 1 })
  })

  it('of two objects at the same time reads both', async () => {
    const { session, id, manager } = await withArticle()
    const article = await session.getOrFail(Article, id)
    const author = await manager.save(make(Author, { name: 'old' }))
    const loaded = await session.getOrFail(Author, author.id)
    article.title = 'pending'
    loaded.name = 'pending'
    await Promise.all([session.refresh(article), session.refresh(loaded)])
    expect([article.title, loaded.name]).toEqual(['first', 'old'])
  })
})

describeDatabase('expire', () => {
  it('lets the next query read the values again', async () => {
    const { session, id, byOthers, sent } = await withArticle() // statement 4
    const article = await session.getOrFail(Article, id)
    await byOthers({ title: 'theirs' })
    session.expire(article)
    expect(article.title).toBe('first')
    sent.clear()
    expect(await session.get(Article, id)).toBe(article)
    expect(sent.statements).toHaveLength(1)
    expect(article.title).toBe('theirs')
    sent.clear()
    expect(await session.get(Article, id)).toBe(article)
    expect(sent.sql()).toEqual([])
    await expectClean(session, sent)
  })

  it('is answered by any query that returns the entity, as a relation too', async () => {
    const { session, id, byOthers } = await withArticle()
    const article = await session.find(Article, { id }).with('comments').one()
    await byOthers({ title: 'theirs' })
    session.expire(article)
    await session.find(Comment, { id: article.comments![0]!.id }).with('article').one()
    expect(article.title).toBe('theirs')
  })

  it('leaves pending changes alone', async () => {
    const { session, id, byOthers, manager } = await withArticle()
    const article = await session.getOrFail(Article, id)
    await byOthers({ title: 'theirs', slug: 'theirs' })
    session.expire(article)
    article.title = 'pending'
    expect(await session.get(Article, id)).toBe(article)
    expect(article.title).toBe('pending')
    expect(await session.flush()).toMatchObject({ updated: 1 })
    expect(await manager.findOneByOrFail(Article, { id })).toMatchObject({ title: 'pending', slug: 'theirs' })
  })

  it('is refused for what is not in the session', async () => {
    const { session, id } = await withArticle()
    expect(await codeOf(() => session.expire(make(Article, { id, title: 'x' })))).toBe('ENTITY_STATE_WRONG')
  })
})

describeDatabase('a commit', () => {
  it('keeps the values in memory', async () => {
    const { session, id, byOthers, sent } = await withArticle() // statement 33
    const article = await session.getOrFail(Article, id)
    article.title = 'mine'
    await session.begin()
    await session.commit()
    await byOthers({ title: 'theirs' })
    sent.clear()
    expect(await session.get(Article, id)).toBe(article)
    expect([article.title, sent.sql()]).toEqual(['mine', []])
  })

  it('expires everything where the session is opened with expireOnCommit', async () => {
    const { another, id, byOthers, manager } = await withArticle()
    const session = another({ expireOnCommit: true })
    const article = await session.getOrFail(Article, id)
    const author = make(Author, { name: 'new' })
    await session.begin()
    session.add(author)
    article.title = 'mine'
    await session.commit()
    await byOthers({ title: 'theirs' })
    await manager.update(Author, author.id, { name: 'renamed' })
    expect(await session.get(Article, id)).toBe(article)
    expect(await session.get(Author, author.id)).toBe(author)
    expect([article.title, author.name]).toEqual(['theirs', 'renamed'])
    expect(await session.flush()).toMatchObject({ statements: 0 })
  })

  it('expires by a flush that commits for itself, and not by a rollback', async () => {
    const { another, id, byOthers } = await withArticle()
    const session = another({ expireOnCommit: true })
    const article = await session.getOrFail(Article, id)
    await session.begin()
    article.title = 'undone'
    await session.rollback()
    await byOthers({ title: 'theirs' })
    expect((await session.getOrFail(Article, id)).title).toBe('first')
    article.slug = 'flushed'
    await session.flush()
    expect((await session.getOrFail(Article, id)).title).toBe('theirs')
  })
})
