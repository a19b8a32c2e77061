/**
 * Detached and plain values are copied on to the session's own objects.
 *
 * @module
 */
import { describeDatabase } from '../support/databases.js'
import { work } from '../support/hooks.js'
import { Article, Author, Comment, make, Note, Tag } from '../support/models.js'
import { Kinds, Money, Place, Post, Poster, Spot } from '../support/session-models.js'
import { Animal, Country, Dog } from '../support/shapes.js'
import { Part } from '../support/columns.js'
import { CLEAN, codeOf, errorOf, expectClean, naming, openWithSession, standing } from '../support/opened-session.js'

async function withArticle() {
  const opened = await openWithSession()
  const { manager } = opened.dataSource
  const mark = `${Math.random()}`
  const author = await manager.save(make(Author, { name: 'Ann' }))
  const comments = ['x', 'y'].map((text) => make(Comment, { text }))
  const tags = [1, 2].map((number) => make(Tag, { name: `m${number} ${mark}` }))
  const { id } = await manager.save(make(Article, { title: 'first', slug: 'slug', author, comments, tags }))
  const fresh = (...relations: string[]) =>
    manager.findOneOrFail(Article, { where: { id }, relations: Object.fromEntries(relations.map((name) => [name, true])) })
  return { ...opened, id, mark, manager, author, fresh }
}

describeDatabase('merge', () => {
  it('copies the state of a detached object on to the own one and gives that; the argument stays detached', async () => {
    const { session, another, id, fresh } = await withArticle() // statement 8
    const detached = await another().getOrFail(Article, id)
    const own = await session.getOrFail(Article, id)
    detached.title = 'merged'
    expect(await session.merge(Article, { ...detached })).toBe(own)
    expect(own).toMatchObject({ title: 'merged', slug: 'slug' })
    expect(standing(session, own)).toEqual({ status: 'dirty', changed: ['title'], isModified: true })
    expect(session.state(detached).status).toBe('detached')
    detached.title = 'later'
    expect(await session.flush()).toMatchObject({ inserted: 0, updated: 1 })
    expect((await fresh()).title).toBe('merged')
  })

  it('takes an object that another open session keeps, which that one keeps', async () => {
    const { session, another, id } = await withArticle()
    const other = another()
    const theirs = await other.getOrFail(Article, id)
    theirs.title = 'merged'
    const own = await session.merge(Article, theirs)
    expect(own).not.toBe(theirs)
    expect(own.title).toBe('merged')
    expect([session.state(own).status, other.state(theirs).status]).toEqual(['dirty', 'dirty'])
    expect([session.state(theirs).status, await other.get(Article, id)]).toEqual(['detached', theirs])
  })

  it('loads the object where the session does not know it, with one query', async () => {
    const { session, id, sent } = await withArticle()
    sent.clear()
    const own = await session.merge(Article, { id, title: 'merged' })
    expect(sent.sql().filter((sql) => sql.startsWith('SELECT'))).toHaveLength(1)
    expect(own).toBeInstanceOf(Article)
    expect(own).toMatchObject({ id, title: 'merged', slug: 'slug' })
    expect(session.state(own).changes).toEqual({ title: { from: 'first', to: 'merged' } })
    expect(await session.get(Article, id)).toBe(own)
  })

  it('makes a new object where there is no key, and where there is no row', async () => {
    const { session, another, manager } = await withArticle()
    const unkeyed = await session.merge(Author, { name: 'unkeyed' })
    const country = await session.merge(Country, { code: 'XY', name: 'Nowhere' })
    expect([session.state(unkeyed).status, session.state(country).status]).toEqual(['new', 'new'])
    expect([unkeyed, country].map((one) => one.constructor)).toEqual([Author, Country])
    expect(await session.flush()).toMatchObject({ inserted: 2 })
    expect(await manager.existsBy(Author, { id: unkeyed.id })).toBe(true)
    expect(await another().merge(Country, { code: 'XY', name: 'Somewhere' })).toMatchObject({ name: 'Somewhere' })
  })

  it('leaves alone what the values do not have, and writes null where they say so', async () => {
    const { session, id, fresh } = await withArticle()
    await session.merge(Article, { id, slug: null, ...({ title: undefined } as object) })
    await session.flush()
    expect(await fresh()).toMatchObject({ title: 'first', slug: null })
  })

  it('is clean where nothing differs', async () => {
    const { session, another, id, sent } = await withArticle()
    const detached = await another().getOrFail(Article, id)
    const own = await session.merge(Article, { ...detached })
    expect(standing(session, own)).toEqual(CLEAN)
    await expectClean(session, sent)
  })

  it('shares nothing with the values that could be changed in place', async () => {
    const { session, another } = await withArticle()
    const values = {
      json: { list: [1] },
      moment: new Date('2024-01-01T00:00:00Z'),
      bytes: Buffer.from('ab'),
      simpleArray: ['a'],
      price: new Money(3, 'EUR'),
      place: make(Place, { city: 'Bonn', notes: { a: 1 }, spot: make(Spot, { x: 1, y: 2 }) }),
    }
    const own = await session.merge(Kinds, values)
    values.json.list.push(2)
    values.moment.setTime(0)
    values.bytes[0] = 0
    values.simpleArray.push('b')
    values.price.amount = 4
    values.place.spot.x = 9
    values.place.notes!['a'] = 9
    await session.flush()
    const read = await another().getOrFail(Kinds, own.id)
    expect(read).toMatchObject({
      json: { list: [1] },
      moment: new Date('2024-01-01T00:00:00Z'),
      bytes: Buffer.from('ab'),
      simpleArray: ['a'],
      price: { amount: 3 },
      place: { city: 'Bonn', notes: { a: 1 }, spot: { x: 1, y: 2 } },
    })
  })

  it('takes part of an embedded object and leaves the rest', async () => {
    const { session, another } = await withArticle()
    const writing = another()
    const kinds = make(Kinds, { place: make(Place, { city: 'Bonn', spot: make(Spot, { x: 1, y: 2 }) }) })
    writing.add(kinds)
    await writing.flush()
    const own = await session.merge(Kinds, { id: kinds.id, place: { spot: { y: 3 } } as Place })
    expect(own.place).toMatchObject({ city: 'Bonn', spot: { x: 1, y: 3 } })
    expect(standing(session, own).changed).toEqual(['place.spot.y'])
  })

  it('refuses values of another version than the row, and takes those of the same', async () => {
    const { session, manager } = await withArticle() // statement 9
    const { id } = await manager.save(make(Note, { text: 'a' }))
    await manager.save(make(Note, { id, text: 'theirs' }))
    const error = await errorOf(() => session.merge(Note, { id, text: 'mine', version: 1 }))
    expect(error).toMatchObject({ code: 'ROWS_STALE', message: naming('Note', id) })
    const own = await session.getOrFail(Note, id)
    expect(standing(session, own)).toEqual(CLEAN)
    expect(own.text).toBe('theirs')
    await session.merge(Note, { id, text: 'mine', version: 2 })
    expect(await session.flush()).toMatchObject({ updated: 1 })
    expect(own).toMatchObject({ text: 'mine', version: 3 })
  })

  it('finds the object by a composite key', async () => {
    const { session, another, mark } = await withArticle()
    const writing = another()
    writing.add(make(Part, { maker: mark, number: 1, name: 'one' }))
    await writing.flush()
    const own = await session.merge(Part, { maker: mark, number: 1, name: 'two' })
    expect(standing(session, own)).toMatchObject({ status: 'dirty', changed: ['name'] })
    expect(await session.flush()).toMatchObject({ updated: 1 })
  })

  it('finds the object of a derived class through its base, with that class’ columns', async () => {
    const { session, manager } = await withArticle()
    const { id } = await manager.save(make(Dog, { name: 'Rex', trick: 'sit' }))
    const own = await session.merge(Animal, { id, name: 'Max' })
    expect(own).toBeInstanceOf(Dog)
    expect(await session.merge(Dog, { id, trick: 'roll' })).toBe(own)
    await session.flush()
    expect(await manager.findOneByOrFail(Dog, { id })).toMatchObject({ name: 'Max', trick: 'roll' })
  })

  it('cancels nothing: a merge on to an entity with pending changes keeps those it does not name', async () => {
    const { session, id } = await withArticle()
    const own = await session.getOrFail(Article, id)
    own.slug = 'pending'
    await session.merge(Article, { id, title: 'merged' })
    expect(own).toMatchObject({ title: 'merged', slug: 'pending' })
  })

  it('refuses what are no values', async () => {
    const { session, sent } = await withArticle()
    expect(await codeOf(() => session.merge(Article, null as unknown as object))).toBe('ENTITY_NOT_MAPPED')
    await expectClean(session, sent)
  })
})

describeDatabase('merge of relations', () => {
  it('leads to the own objects, merged themselves', async () => {
    const { session, id, author, another, manager } = await withArticle()
    const own = await session.getOrFail(Author, author.id)
    const detached = await another().find(Article, { id }).with('author', 'comments', 'tags').one()
    detached.author!.name = 'Bea'
    detached.comments![0]!.text = 'edited'
    const merged = await session.merge(Article, detached)
    expect(merged.author).toBe(own)
    expect(own.name).toBe('Bea')
    expect(await session.get(Comment, detached.comments![0]!.id)).toBe(merged.comments!.find(({ text }) => text === 'edited'))
    expect(await session.flush()).toMatchObject({ inserted: 0, updated: 2, deleted: 0 })
    expect(await manager.findOneByOrFail(Comment, { id: detached.comments![0]!.id })).toMatchObject({ text: 'edited' })
  })

  it('is clean where nothing differs', async () => {
    const { session, id, another, sent } = await withArticle()
    const detached = await another().find(Article, { id }).with('author', 'comments', 'tags').one()
    await session.merge(Article, detached)
    await expectClean(session, sent)
  })

  it('adds and removes members as the values say', async () => {
    const { session, id, another, mark, fresh } = await withArticle()
    const detached = await another().find(Article, { id }).with('comments', 'tags').one()
    const [kept, dropped] = detached.tags!
    const added = make(Tag, { name: `added ${mark}` })
    await session.merge(Article, { id, tags: [{ ...kept! }, added], comments: [] })
    await session.flush()
    const { tags, comments } = await fresh('tags', 'comments')
    expect(tags!.map(({ name }) => name).sort()).toEqual([kept!.name, added.name].sort())
    expect(tags!.map(({ name }) => name)).not.toContain(dropped!.name)
    expect(comments).toEqual([])
  })

  it('takes a bare key for a reference, which stays as it is', async () => {
    const { session, id, manager, fresh } = await withArticle()
    const bob = await manager.save(make(Author, { name: 'Bob' }))
    const own = await session.merge(Article, { id, author: { id: bob.id } as Author })
    expect(own.author).toMatchObject({ id: bob.id, name: 'Bob' })
    expect(await session.flush()).toMatchObject({ inserted: 0, updated: 1 })
    expect((await fresh('author')).author).toMatchObject({ id: bob.id, name: 'Bob' })
  })

  it('sets a relation to nothing where the values say null', async () => {
    const { session, id, fresh } = await withArticle()
    await session.merge(Article, { id, author: null })
    await session.flush()
    expect((await fresh('author')).author).toBeNull()
  })

  it('takes a graph whose objects lead to each other', async () => {
    const { session, id, author, another, sent } = await withArticle()
    const detached = await another().find(Author, { id: author.id }).with('articles.author', 'articles.comments.article').one()
    expect(detached.articles![0]!.author).toBe(detached)
    detached.name = 'round'
    const own = await session.merge(Author, detached)
    expect(own.articles![0]!.author).toBe(own)
    expect(own.articles![0]!.comments![0]!.article).toBe(own.articles![0])
    expect(own.articles![0]).toBe(await session.get(Article, id))
    expect(work(session.uow)).toEqual({ dirty: ['Author round'] })
    await session.flush()
    await expectClean(session, sent)
  })

  it('takes the join column beside a relation', async () => {
    const { session, manager, sent } = await withArticle()
    const [ann, bob] = await manager.save([make(Poster, { name: 'Ann' }), make(Poster, { name: 'Bob' })])
    const { id } = await manager.save(make(Post, { title: 'p', author: ann! }))
    const own = await session.merge(Post, { id, authorId: bob!.id })
    expect(await session.flush()).toMatchObject({ updated: 1 })
    expect(own.authorId).toBe(bob!.id)
    expect(await manager.findOneByOrFail(Post, { id })).toMatchObject({ authorId: bob!.id })
    await expectClean(session, sent)
  })
})
