/**
 * One object for each row, whatever has loaded it.
 *
 * @module
 */
import { In } from 'typeorm'
import { describeDatabase } from '../support/databases.js'
import { Article, Author, Comment, make, Tag } from '../support/models.js'
import { Album, Band, Genre, Track } from '../support/session-models.js'
import { expectClean, openWithSession, type Opened } from '../support/opened-session.js'

interface Stored extends Opened {
  readonly ids: number[]
  readonly authorId: number
}

/** Three articles by one author, with two tags and two comments each. */
async function articles(): Promise<Stored> {
  const opened = await openWithSession()
  const { manager } = opened.dataSource
  const mark = `${Math.random()}`
  const author = await manager.save(make(Author, { name: 'Ann' }))
  const tags = await manager.save([1, 2].map((number) => make(Tag, { name: `tag ${number} ${mark}` })))
  const ids: number[] = []
  for (const title of ['a', 'b', 'c']) {
    const comments = ['x', 'y'].map((text) => make(Comment, { text }))
    ids.push((await manager.save(make(Article, { title, author, tags: [...tags], comments }))).id)
  }
  opened.sent.clear()
  return { ...opened, ids, authorId: author.id }
}

const byId = (one: { id: number }, other: { id: number }) => one.id - other.id

describeDatabase('one row', () => {
  it('is one object by key, by query, by page and by iteration', async () => {
    const { session, ids, sent } = await articles() // statement 1, ming row 111
    const [id] = ids
    const article = await session.get(Article, id!)
    expect(await session.get(Article, { id: id! })).toBe(article)
    expect(await session.getOrFail(Article, id!)).toBe(article)
    expect(await session.find(Article, { id: id! }).one()).toBe(article)
    expect((await session.find(Article, { id: In(ids) }).order({ id: 'ASC' }))[0]).toBe(article)
    expect(
      await session
        .find(Article, { id: In(ids) })
        .order({ id: 'ASC' })
        .limit(1)
        .first(),
    ).toBe(article)
    expect(
      (
        await session
          .find(Article, { id: In(ids) })
          .order({ id: 'DESC' })
          .skip(2)
          .limit(1)
      )[0],
    ).toBe(article)
    const seen: Article[] = []
    for await (const one of session.find(Article, { id: In(ids) }).order({ id: 'ASC' })) seen.push(one)
    expect(seen[0]).toBe(article)
    expect(seen).toHaveLength(3)
    await expectClean(session, sent)
  })

  it('is one object where a page joins its relations', async () => {
    const { session, ids, sent } = await articles()
    const first = await session
      .find(Article, { id: In(ids) })
      .order({ title: 'ASC' })
      .with('tags', 'comments', 'author')
      .limit(2)
    const second = await session
      .find(Article, { id: In(ids) })
      .order({ title: 'ASC' })
      .with('tags', 'comments', 'author')
      .skip(1)
      .limit(2)
    expect(first.map(({ title }) => title)).toEqual(['a', 'b'])
    expect(second.map(({ title }) => title)).toEqual(['b', 'c'])
    expect(second[0]).toBe(first[1])
    expect(second[1]!.author).toBe(first[0]!.author)
    expect([...second[1]!.tags!].sort(byId)).toEqual([...first[0]!.tags!].sort(byId))
    for (const tag of second[1]!.tags!) expect(first[0]!.tags).toContain(tag)
    await expectClean(session, sent)
  })

  it('is one object as an entity and as a relation of another, however deep', async () => {
    const { session, ids, authorId, sent } = await articles()
    const author = await session.getOrFail(Author, authorId)
    const found = await session
      .find(Article, { id: In(ids) })
      .order({ id: 'ASC' })
      .with('author.articles.comments', 'author.articles.tags')
    for (const article of found) {
      expect(article.author).toBe(author)
      expect([...author.articles!].sort(byId)[found.indexOf(article)]).toBe(article)
    }
    const [comment] = author.articles![0]!.comments!
    expect(await session.get(Comment, comment!.id)).toBe(comment)
    const again = await session.find(Comment, { id: comment!.id }).with('article.author').one()
    expect(again).toBe(comment)
    expect(comment!.article).toBe(author.articles![0])
    await expectClean(session, sent)
  })

  it('is one object when a relation has brought it first', async () => {
    const { session, ids, authorId, sent } = await articles()
    const author = await session.find(Author, { id: authorId }).with('articles').one()
    sent.clear()
    for (const article of author.articles!) expect(await session.get(Article, article.id)).toBe(article)
    expect(sent.sql()).toEqual([]) // statement 2
    expect(await session.find(Article, { id: ids[0]! }).one()).toBe([...author.articles!].sort(byId)[0])
  })

  it('is one object with what each query adds to it', async () => {
    const { session, ids, sent } = await articles()
    const article = await session.getOrFail(Article, ids[0]!)
    expect([article.author, article.tags, article.comments]).toEqual([undefined, undefined, undefined])
    expect(await session.find(Article, { id: ids[0]! }).with('tags').one()).toBe(article)
    expect(article.tags).toHaveLength(2)
    const { tags } = article
    await session.find(Article, { id: ids[0]! }).with('author', 'comments', 'tags').one()
    expect([article.author!.name, article.comments!.length]).toEqual(['Ann', 2])
    expect(article.tags).toBe(tags)
    await expectClean(session, sent)
  })

  it('is one object by its eager relations', async () => {
    const { session, sent, another } = await openWithSession()
    const band = make(Band, { name: 'The Band' })
    const genres = [make(Genre, { name: 'folk' }), make(Genre, { name: 'rock' })]
    const albums = ['one', 'two'].map((name) =>
      make(Album, { name, band, genres: [...genres], tracks: [make(Track, { name: `${name}.1` })] }),
    )
    const writing = another()
    writing.add(...albums)
    await writing.flush()
    await expectClean(writing, sent)
    const [one, two] = await session.find(Album, { id: In(albums.map(({ id }) => id)) }).order({ id: 'ASC' })
    expect(one!.band).toBe(two!.band)
    expect(one!.band).toMatchObject({ name: 'The Band' })
    expect([...one!.genres].sort(byId)).toEqual([...two!.genres].sort(byId))
    for (const genre of one!.genres) expect(two!.genres).toContain(genre)
    sent.clear()
    expect(await session.get(Track, one!.tracks[0]!.id)).toBe(one!.tracks[0])
    expect(await session.get(Band, band.id)).toBe(one!.band)
    expect(sent.sql()).toEqual([])
    expect(await session.get(Album, albums[0]!.id)).toBe(one)
    const track = await session.find(Track, { id: one!.tracks[0]!.id }).with('album').one()
    expect(track.album).toBe(one)
    await expectClean(session, sent)
  })

  it('is one object for tasks that load it at the same time', async () => {
    const { session, ids, sent } = await articles()
    const loads = [
      session.get(Article, ids[0]!),
      session
        .find(Article, { id: In(ids) })
        .order({ id: 'ASC' })
        .first(),
      session.find(Article, { id: ids[0]! }).with('tags').one(),
      session.get(Article, ids[0]!),
    ]
    const [first, ...others] = await Promise.all(loads)
    for (const other of others) expect(other).toBe(first)
    expect(first!.tags).toHaveLength(2)
    await expectClean(session, sent)
  })

  it('is another object in another session', async () => {
    const { session, another, ids } = await articles()
    const article = await session.getOrFail(Article, ids[0]!)
    const other = await another().getOrFail(Article, ids[0]!)
    expect(other).not.toBe(article)
    expect(other).toEqual(article)
  })

  it('is another object once the session has let go of it', async () => {
    const { session, ids } = await articles() // ming row 119
    const article = await session.getOrFail(Article, ids[0]!)
    session.clear()
    const second = await session.getOrFail(Article, ids[0]!)
    expect(second).not.toBe(article)
    session.expunge(second)
    expect(await session.getOrFail(Article, ids[0]!)).not.toBe(second)
  })
})

describeDatabase('session.get', () => {
  it('sends nothing for what is known', async () => {
    const { session, ids, sent } = await articles() // statement 2
    await session.find(Article, { id: In(ids) })
    sent.clear()
    for (const id of ids) expect(await session.get(Article, id)).toMatchObject({ id })
    expect(sent.sql()).toEqual([])
  })

  it('sends one query for what is not known, and another one each time nothing was there', async () => {
    const { session, ids, sent } = await articles()
    await session.get(Article, ids[0]!)
    expect(sent.statements).toHaveLength(1)
    sent.clear()
    expect([await session.get(Article, -1), await session.get(Article, -1)]).toEqual([null, null])
    expect(sent.statements).toHaveLength(2)
  })

  it('gives a new entity by the key it was given, before any flush', async () => {
    const { session, sent, ids } = await articles() // statement 10, ming row 112
    const tag = make(Tag, { id: 100_000 + ids[0]!, name: `preset ${ids[0]!}` })
    session.add(tag)
    expect(await session.get(Tag, tag.id)).toBe(tag)
    expect(sent.sql()).toEqual([])
    await session.flush()
    expect(await session.get(Tag, tag.id)).toBe(tag)
    expect(await session.find(Tag, { id: tag.id }).one()).toBe(tag)
  })

  it('gives a new entity by the key the database has given it', async () => {
    const { session, sent } = await articles() // ming row 117
    const author = make(Author, { name: 'Bob' })
    session.add(author)
    await session.flush()
    sent.clear()
    expect(await session.get(Author, author.id)).toBe(author)
    expect(sent.sql()).toEqual([])
    expect(await session.find(Author, { id: author.id }).one()).toBe(author)
  })

  it('gives an entity that is marked for deletion, until it is gone', async () => {
    const { session, ids, sent } = await articles() // ming row 113
    const article = await session.getOrFail(Article, ids[0]!)
    session.delete(article)
    expect(await session.get(Article, ids[0]!)).toBe(article)
    await session.flush()
    expect(await session.get(Article, ids[0]!)).toBeNull()
    sent.clear()
  })

  it('gives null when the row of an expired entity is gone', async () => {
    const { session, ids, dataSource } = await articles() // statement 11
    const article = await session.getOrFail(Article, ids[0]!)
    session.expire(article)
    await dataSource.manager.delete(Article, ids[0]!)
    expect(await session.get(Article, ids[0]!)).toBeNull()
    expect(session.state(article).status).toBe('detached')
  })

  it('refuses a second object for a key that is taken', async () => {
    const { session, ids } = await articles()
    const article = await session.getOrFail(Article, ids[0]!)
    expect(() => session.add(make(Article, { id: ids[0]!, title: 'impostor' }))).toThrow(
      expect.objectContaining({ code: 'IDENTITY_TAKEN', message: expect.stringContaining(`Article`) as string }) as Error,
    )
    expect(await session.get(Article, ids[0]!)).toBe(article)
    article.title = 'still usable'
    expect(await session.flush()).toMatchObject({ updated: 1 })
  })
})

describeDatabase('a query', () => {
  it('never overwrites what an entity holds, changed or not', async () => {
    const { session, ids, dataSource, sent } = await articles() // statement 3, ming row 114
    const [a, b] = await session.find(Article, { id: In(ids) }).order({ id: 'ASC' })
    a!.title = 'pending'
    await dataSource.manager.update(Article, { id: In(ids) }, { title: 'by others' })
    sent.clear()
    const found = await session
      .find(Article, { id: In(ids) })
      .order({ id: 'ASC' })
      .with('tags')
    expect(found.map(({ title }) => title)).toEqual(['pending', 'b', 'c'])
    expect(await session.find(Article, { title: 'by others', id: b!.id }).one()).toBe(b)
    expect(b!.title).toBe('b')
    expect(session.state(a!).changes.title).toEqual({ from: 'a', to: 'pending' })
    expect(await session.flush()).toMatchObject({ updated: 1 })
    const { title } = await dataSource.manager.findOneByOrFail(Article, { id: a!.id })
    expect(title).toBe('pending')
  })

  it('never overwrites relations that were changed', async () => {
    const { session, ids, sent } = await articles()
    const article = await session.find(Article, { id: ids[0]! }).with('tags', 'comments', 'author').one()
    const [removed] = article.tags!.splice(0, 1)
    const added = make(Comment, { text: 'new' })
    article.comments!.push(added)
    article.author = null
    await session.find(Article, { id: In(ids) }).with('tags', 'comments', 'author', 'author.articles')
    expect(article.tags).not.toContain(removed)
    expect(article.comments).toContain(added)
    expect(article.author).toBeNull()
    await session.flush()
    await expectClean(session, sent)
  })

  it('keeps a change that was made before what it is a change of was read', async () => {
    const { session, ids, another, sent } = await articles() // MikroORM GHx33
    const article = await session.getOrFail(Article, ids[0]!)
    const other = make(Author, { name: 'Zoe' })
    article.author = other
    const reread = await session.find(Article, { id: ids[0]! }).with('author').one()
    expect(reread.author).toBe(other)
    await session.flush()
    await expectClean(session, sent)
    expect((await another().find(Article, { id: ids[0]! }).with('author').one()).author).toMatchObject({ name: 'Zoe' })
  })

  it('leaves an entity marked for deletion marked', async () => {
    const { session, ids } = await articles() // ming row 115
    const article = await session.getOrFail(Article, ids[0]!)
    session.delete(article)
    expect(await session.find(Article, { id: ids[0]! }).one()).toBe(article)
    expect(session.state(article).status).toBe('deleted')
  })
})
