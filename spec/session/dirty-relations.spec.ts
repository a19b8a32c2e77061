/**
 * Relations: as loaded they are clean, a change is told with what came and what went, and a join column beside its relation agrees with it.
 *
 * @module
 */
import { describeDatabase } from '../support/databases.js'
import { work } from '../support/hooks.js'
import { Article, Author, Comment, make, Tag } from '../support/models.js'
import { Post, Poster, Price, Shop } from '../support/session-models.js'
import { Friend } from '../support/shapes.js'
import { CLEAN, codeOf, expectClean, openWithSession, standing } from '../support/opened-session.js'

async function withArticle() {
  const opened = await openWithSession()
  const { manager } = opened.dataSource
  const mark = `${Math.random()}`
  const author = await manager.save(make(Author, { name: 'Ann' }))
  const comments = ['x', 'y'].map((text) => make(Comment, { text }))
  const tags = [1, 2].map((number) => make(Tag, { name: `d${number} ${mark}` }))
  const { id } = await manager.save(make(Article, { title: 'first', author, comments, tags }))
  const fresh = () => manager.findOneOrFail(Article, { where: { id }, relations: { author: true, comments: true, tags: true } })
  return { ...opened, id, mark, manager, authorId: author.id, fresh }
}

const COMPLETE = ['author', 'comments', 'tags'] as const

describeDatabase('a relation as loaded', () => {
  it('is clean in every depth', async () => {
    const { session, id, sent } = await withArticle() // statement 17
    const article = await session
      .find(Article, { id })
      .with(...COMPLETE, 'author.articles', 'comments.article')
      .one()
    expect(standing(session, article)).toEqual(CLEAN)
    await expectClean(session, sent)
  })

  it('is clean where nothing is behind it', async () => {
    const { session, manager, sent } = await withArticle()
    const { id } = await manager.save(make(Article, { title: 'bare' }))
    const article = await session
      .find(Article, { id })
      .with(...COMPLETE)
      .one()
    expect([article.author, article.tags, article.comments]).toEqual([null, [], []])
    await expectClean(session, sent)
    Object.assign(article, { author: undefined })
    await expectClean(session, sent)
  })

  it('is clean as it was inserted', async () => {
    const { session, mark, sent } = await withArticle()
    session.add(
      make(Article, {
        title: 'new',
        author: make(Author, { name: 'new' }),
        tags: [make(Tag, { name: `new ${mark}` })],
        comments: [make(Comment, { text: 'new' })],
      }),
    )
    expect(await session.flush()).toMatchObject({ inserted: 4 })
    await expectClean(session, sent)
  })

  it('is clean where its members only changed their order', async () => {
    const { session, id, sent } = await withArticle()
    const article = await session
      .find(Article, { id })
      .with(...COMPLETE)
      .one()
    article.tags!.reverse()
    article.comments = [...article.comments!].reverse()
    expect(standing(session, article)).toEqual(CLEAN)
    await expectClean(session, sent)
  })

  it('is clean where it was changed and changed back', async () => {
    const { session, id, sent } = await withArticle() // statement 12
    const article = await session
      .find(Article, { id })
      .with(...COMPLETE)
      .one()
    const { author } = article
    const tag = article.tags!.pop()
    article.author = null
    expect(standing(session, article).isModified).toBe(true)
    article.author = author
    article.tags!.push(tag!)
    expect(standing(session, article)).toEqual(CLEAN)
    await expectClean(session, sent)
  })

  it('is clean where another object with the same key was assigned', async () => {
    const { session, id, authorId, sent } = await withArticle()
    const article = await session.getOrFail(Article, id)
    article.author = make(Author, { id: authorId })
    expect(standing(session, article)).toEqual(CLEAN)
    await expectClean(session, sent)
  })
})

describeDatabase('a change of a relation', () => {
  it('is told with the keys of a to-one', async () => {
    const { session, id, authorId, manager, fresh } = await withArticle() // statement 13
    const bob = await manager.save(make(Author, { name: 'Bob' }))
    const article = await session.find(Article, { id }).with('author').one()
    article.author = await session.getOrFail(Author, bob.id)
    expect(session.state(article).changes).toEqual({ author: { from: { id: authorId }, to: { id: bob.id } } })
    expect(session.state(article).original.author).toEqual({ id: authorId })
    await session.flush()
    expect((await fresh()).author).toMatchObject({ id: bob.id })
  })

  it('is told although the to-one was not loaded', async () => {
    const { session, id, authorId, fresh } = await withArticle()
    const article = await session.getOrFail(Article, id)
    article.author = null
    expect(session.state(article).changes).toEqual({ author: { from: { id: authorId }, to: null } })
    await session.flush()
    expect((await fresh()).author).toBeNull()
  })

  it('is told with what came and what went of a collection', async () => {
    const { session, id, mark, fresh } = await withArticle() // statement 13
    const article = await session
      .find(Article, { id })
      .with(...COMPLETE)
      .one()
    const [kept, gone] = article.tags!
    const tag = make(Tag, { name: `came ${mark}` })
    article.tags = [tag, kept!]
    const state = session.state(article)
    expect([state.changed('tags'), state.changed('comments'), state.changed('title')]).toEqual([true, false, false])
    expect(work(session.uow).dirty).toEqual(['Article first'])
    await session.begin()
    await session.flush()
    const change = session.journal.find(({ entity }) => entity === article)!
    expect(change.relations).toEqual({ tags: { added: [tag], removed: [gone] } })
    await session.commit()
    expect((await fresh()).tags!.map(({ id: tagId }) => tagId).sort()).toEqual([kept!.id, tag.id].sort())
  })

  it('of a collection that was not loaded is by difference to what is there', async () => {
    const { session, id, mark, sent, fresh } = await withArticle()
    const article = await session.getOrFail(Article, id)
    article.tags = [make(Tag, { name: `only ${mark}` })]
    await session.flush()
    expect((await fresh()).tags!.map(({ name }) => name)).toEqual([`only ${mark}`])
    await expectClean(session, sent)
  })

  it('of a member twice in a collection is one member', async () => {
    const { session, id, sent, fresh } = await withArticle()
    const article = await session.find(Article, { id }).with('tags').one()
    article.tags!.push(article.tags![0]!)
    await session.flush()
    expect((await fresh()).tags).toHaveLength(2)
    await expectClean(session, sent)
  })

  it('leads to a row that the session does not know by its key alone', async () => {
    const { session, id, manager, sent, fresh } = await withArticle()
    const bob = await manager.save(make(Author, { name: 'Bob' }))
    const article = await session.getOrFail(Article, id)
    article.author = make(Author, { id: bob.id })
    expect(await session.flush()).toMatchObject({ inserted: 0, updated: 1 })
    expect((await fresh()).author).toMatchObject({ id: bob.id, name: 'Bob' })
    await expectClean(session, sent)
  })

  it('to itself is written', async () => {
    const { session, another, sent } = await openWithSession()
    const [one, two] = [make(Friend, { name: 'one' }), make(Friend, { name: 'two' })]
    one.best = one
    two.best = one
    session.add(two)
    await session.flush()
    await expectClean(session, sent)
    const reading = another()
    const read = await reading.find(Friend, { id: two.id }).with('best.best').one()
    expect(read.best!.best).toBe(read.best)
    await expectClean(reading, sent)
  })

  it('to a new object nobody adds is refused before any SQL, and the session goes on', async () => {
    const { session, manager, sent } = await withArticle()
    const { id } = await manager.save(make(Post, { title: 'p' }))
    const comment = await session.getOrFail(Post, id)
    const article = make(Article, { title: 'unsaved' })
    const loose = make(Comment, { text: 'loose', article })
    session.add(loose)
    sent.clear()
    expect(await codeOf(() => session.flush())).toBe('RELATION_TARGET_UNSAVED')
    expect(sent.sql().filter((sql) => sql.startsWith('INSERT'))).toEqual([])
    expect([session.state(loose).status, session.state(comment).status]).toEqual(['new', 'clean'])
    session.add(article)
    expect(await session.flush()).toMatchObject({ inserted: 2 })
    await expectClean(session, sent)
  })
})

describeDatabase('a join column beside its relation', () => {
  async function withPost() {
    const opened = await openWithSession()
    const { manager } = opened.dataSource
    const [ann, bob] = await manager.save([make(Poster, { name: 'Ann' }), make(Poster, { name: 'Bob' })])
    const { id } = await manager.save(make(Post, { title: 'p', author: ann! }))
    const fresh = async () => (await manager.findOneByOrFail(Post, { id })).authorId
    return { ...opened, manager, ann: ann!, bob: bob!, id, fresh }
  }

  it('is clean as loaded, with the relation and without', async () => {
    const { session, id, ann, sent } = await withPost()
    const post = await session.getOrFail(Post, id)
    expect([post.authorId, post.author]).toEqual([ann.id, undefined])
    await expectClean(session, sent)
    await session.find(Post, { id }).with('author.posts').one()
    expect(post.author).toMatchObject({ id: ann.id })
    await expectClean(session, sent)
  })

  it('is written when it alone is changed, where the relation is not loaded', async () => {
    const { session, id, bob, fresh, sent } = await withPost()
    const post = await session.getOrFail(Post, id)
    post.authorId = bob.id
    expect(standing(session, post)).toMatchObject({ status: 'dirty', isModified: true })
    expect(await session.flush()).toMatchObject({ updated: 1 })
    expect(await fresh()).toBe(bob.id)
    await expectClean(session, sent)
    expect((await session.find(Post, { id }).with('author').one()).author).toMatchObject({ id: bob.id })
    await expectClean(session, sent)
  })

  it('is written when it alone is changed, where the relation is loaded', async () => {
    const { session, id, bob, fresh, sent } = await withPost()
    const post = await session.find(Post, { id }).with('author').one()
    post.authorId = bob.id
    expect(await session.flush()).toMatchObject({ updated: 1 })
    expect(await fresh()).toBe(bob.id)
    await expectClean(session, sent)
  })

  it('follows the relation when that is changed', async () => {
    const { session, id, bob, fresh, sent } = await withPost()
    const post = await session.find(Post, { id }).with('author').one()
    post.author = await session.getOrFail(Poster, bob.id)
    expect(await session.flush()).toMatchObject({ updated: 1 })
    expect([await fresh(), post.authorId]).toEqual([bob.id, bob.id])
    await expectClean(session, sent)
  })

  it('follows the relation to nothing, and is nothing where it alone is set so', async () => {
    const { session, id, fresh, sent, another } = await withPost()
    const post = await session.find(Post, { id }).with('author').one()
    post.author = null
    await session.flush()
    expect([await fresh(), post.authorId]).toEqual([null, null])
    await expectClean(session, sent)
    const second = another()
    const again = await second.getOrFail(Post, id)
    again.authorId = null
    await expectClean(second, sent)
  })

  it('is set by a new object behind the relation', async () => {
    const { session, id, fresh, sent } = await withPost()
    const post = await session.getOrFail(Post, id)
    post.author = make(Poster, { name: 'new' })
    const added = make(Post, { title: 'q', author: post.author })
    session.add(added)
    expect(await session.flush()).toMatchObject({ inserted: 2, updated: 1 })
    expect([post.authorId, added.authorId, await fresh()]).toEqual([post.author.id, post.author.id, post.author.id])
    await expectClean(session, sent)
  })

  it('of a new object is enough without the relation', async () => {
    const { session, ann, manager, sent } = await withPost()
    const post = make(Post, { title: 'q', authorId: ann.id })
    session.add(post)
    await session.flush()
    expect(await manager.findOneByOrFail(Post, { id: post.id })).toMatchObject({ authorId: ann.id })
    await expectClean(session, sent)
  })

  it('that is part of the key is filled in from the relation', async () => {
    const { session, manager, sent } = await withPost()
    const shop = make(Shop, { name: 's' })
    const price = make(Price, { good: 'tea', amount: 1, shop })
    session.add(shop, price)
    await session.flush()
    expect(price.shopId).toBe(shop.id)
    expect(await session.get(Price, { good: 'tea', shopId: shop.id })).toBe(price)
    expect(await manager.countBy(Price, { shopId: shop.id })).toBe(1)
    await expectClean(session, sent)
  })
})
