/**
 * What a cursor finds: conditions, order, pages, relations, and the ways to ask for the result.
 *
 * @module
 */
import { openSession, type OpenSession } from 'flushpoint'
import { ILike, In, IsNull, MoreThan, Not, QueryFailedError, Raw } from 'typeorm'
import { errorOf, useDatabase } from '../support/chains.js'
import { describeDatabase, recordStatements } from '../support/databases.js'
import { Article, Author, Comment, make, Tag } from '../support/models.js'

const titles = (articles: readonly Article[]) => articles.map(({ title }) => title)
const BY_TITLE = { title: 'ASC' } as const

describeDatabase('a cursor', () => {
  let session: OpenSession
  afterEach(() => session.close()) // before the tables are emptied
  const database = useDatabase()

  /** Ann wrote a1, a2 and a3 (with two comments each and both tags), Bob b1; n1 has no author. */
  beforeEach(async () => {
    const tags = [make(Tag, { name: 'red' }), make(Tag, { name: 'blue' })]
    const article = (title: string, slug: string | null) =>
      make(Article, { title, slug, tags, comments: ['x', 'y'].map((text) => make(Comment, { text: `${title}${text}` })) })
    await database.ds.manager.save(tags)
    await database.ds.manager.save([
      make(Author, { name: 'Ann', articles: [article('a1', 's1'), article('a2', 's2'), article('a3', null)] }),
      make(Author, { name: 'Bob', articles: [make(Article, { title: 'b1', slug: 's1' })] }),
    ])
    await database.ds.manager.save(make(Article, { title: 'n1' }))
    session = openSession(database.ds)
  })

  describe('is lazy', () => {
    it('sends nothing before it is awaited or iterated', async () => {
      const recording = recordStatements(database.ds)
      const cursor = session.find(Article).where({ slug: 's1' }).order(BY_TITLE).limit(2).with('author')
      await new Promise((resolve) => setImmediate(resolve))
      expect(recording.statements).toHaveLength(0)
      await cursor
      expect(recording.statements).toHaveLength(1)
      recording.stop()
    })

    it('runs again each time it is awaited', async () => {
      const cursor = session.find(Article, { slug: 's2' })
      expect(titles(await cursor)).toEqual(['a2'])
      await database.ds.manager.update(Article, { title: 'b1' }, { slug: 's2' })
      expect(titles(await cursor.order(BY_TITLE))).toEqual(['a2', 'b1'])
      expect(await cursor).toHaveLength(2)
    })

    it('is left as it was by every refinement', async () => {
      const base = session.find(Article)
      const narrow = base.where({ slug: 's1' })
      const refined = [base.order({ title: 'DESC' }), base.skip(3), base.limit(1), base.with('author'), narrow]
      expect(new Set([base, ...refined]).size).toBe(6)
      expect(await base.count()).toBe(5)
      expect(await base).toHaveLength(5)
      expect(await narrow.order(BY_TITLE).limit(1).all()).toHaveLength(1)
      expect(await narrow).toHaveLength(2)
      expect((await base.order(BY_TITLE).first())!.author).toBeUndefined()
    })

    it('says what it asks for when it is printed, and is no value otherwise', async () => {
      const cursor = session.find(Article, { slug: 's1' }).limit(2)
      expect(String(cursor)).toBe('Cursor of Article; where {"slug":"s1"}; limit 2')
      expect(await errorOf(() => Number(cursor))).toMatchObject({ code: 'CURSOR_NOT_A_VALUE' })
    })
  })

  describe('narrows', () => {
    it('takes TypeORM operators, null and lists of alternatives', async () => {
      const find = async (where: Parameters<typeof session.find<Article>>[1]) => titles(await session.find(Article, where).order(BY_TITLE))
      expect(await find({ slug: null as never })).toEqual(['a3', 'n1'])
      expect(await find({ slug: Not(IsNull()) })).toEqual(['a1', 'a2', 'b1'])
      expect(await find({ title: In(['a1', 'n1']) })).toEqual(['a1', 'n1'])
      expect(await find([{ title: 'a1' }, { slug: 's1' }])).toEqual(['a1', 'b1'])
      expect(await find({ title: ILike('A%') })).toEqual(['a1', 'a2', 'a3'])
      expect(await find([])).toHaveLength(5)
    })

    it('looks through relations, by object, by key and by condition', async () => {
      const ann = await session.find(Author, { name: 'Ann' }).one()
      const find = async (where: object) => titles(await session.find(Article, where).order(BY_TITLE))
      expect(await find({ author: { name: 'Ann' } })).toEqual(['a1', 'a2', 'a3'])
      expect(await find({ author: ann })).toEqual(['a1', 'a2', 'a3'])
      expect(await find({ author: ann.id })).toEqual(['a1', 'a2', 'a3'])
      expect(await find({ author: { id: ann.id } })).toEqual(['a1', 'a2', 'a3'])
      expect(await find({ author: null })).toEqual(['n1'])
      expect(await find({ comments: { text: 'a2x' } })).toEqual(['a2'])
    })

    it('holds every condition that was given, one after another', async () => {
      const found = session.find(Article, { author: { name: 'Ann' } }).where({ title: MoreThan('a1') })
      expect(titles(await found.order(BY_TITLE))).toEqual(['a2', 'a3'])
      expect(titles(await found.where({ slug: 's2' }))).toEqual(['a2'])
      expect(await found.where({ slug: 's1' })).toEqual([])
    })

    it('holds two conditions on one property, and on one relation', async () => {
      expect(await session.find(Article, { title: 'a1' }).where({ title: 'a2' })).toEqual([])
      const between = session.find(Article, { title: MoreThan('a1') }).where({ title: Not('b1') })
      expect(titles(await between.order(BY_TITLE))).toEqual(['a2', 'a3', 'n1'])
      const ann = session.find(Article, { author: { name: 'Ann' } })
      expect(await ann.where({ author: { name: 'Bob' } })).toEqual([])
      expect(await ann.where({ author: { id: MoreThan(0) } })).toHaveLength(3)
    })

    it('multiplies alternatives with alternatives', async () => {
      const either = session.find(Article, [{ title: 'a1' }, { title: 'a2' }, { title: 'b1' }])
      const both = either.where([{ slug: 's1' }, { slug: null as never }])
      expect(titles(await both.order(BY_TITLE))).toEqual(['a1', 'b1'])
    })
  })

  describe('orders and pages', () => {
    it('orders by columns, by related columns and in several steps', async () => {
      expect(titles(await session.find(Article).order({ title: 'DESC' }))).toEqual(['n1', 'b1', 'a3', 'a2', 'a1'])
      const authored = session.find(Article, { author: { id: MoreThan(0) } })
      expect(titles(await authored.order({ author: { name: 'DESC' } }).order({ title: 'DESC' }))).toEqual(['b1', 'a3', 'a2', 'a1'])
    })

    it('lets a later order of the same property replace the earlier', async () => {
      expect(titles(await session.find(Article).order(BY_TITLE).order({ title: 'DESC' }).limit(1))).toEqual(['n1'])
    })

    it('skips and limits, with one of both or with both', async () => {
      const all = session.find(Article).order(BY_TITLE)
      expect(titles(await all.skip(3))).toEqual(['b1', 'n1'])
      expect(titles(await all.limit(2))).toEqual(['a1', 'a2'])
      expect(titles(await all.skip(1).limit(2))).toEqual(['a2', 'a3'])
      expect(titles(await all.limit(4).limit(1))).toEqual(['a1'])
      expect(await all.skip(9)).toEqual([])
      expect(await all.limit(0)).toEqual([])
    })

    it('counts entities with limit and skip, whatever relations join', async () => {
      const joined = session.find(Article).with('comments', 'tags', 'author').order(BY_TITLE)
      const page = await joined.skip(1).limit(2)
      expect(titles(page)).toEqual(['a2', 'a3'])
      expect(page.map(({ comments }) => comments.length)).toEqual([2, 2])
      expect(page.map(({ tags }) => tags.length)).toEqual([2, 2])
      const filtered = session.find(Article, { comments: { text: ILike('a%') } }).order(BY_TITLE)
      expect(titles(await filtered.skip(1).limit(1))).toEqual(['a2'])
      expect(titles(await filtered)).toEqual(['a1', 'a2', 'a3'])
      const ordered = session.find(Article, { title: ILike('a%') }).order({ comments: { text: 'DESC' } })
      expect(titles(await ordered.limit(2))).toEqual(['a3', 'a2'])
    })

    it('counts what matches without skip and limit, in one statement', async () => {
      const recording = recordStatements(database.ds)
      expect(
        await session
          .find(Article, { author: { name: 'Ann' } })
          .with('comments')
          .order(BY_TITLE)
          .skip(1)
          .limit(1)
          .count(),
      ).toBe(3)
      expect(await session.find(Article, { comments: { text: ILike('a%') } }).count()).toBe(3)
      expect(await session.find(Article, { title: 'none' }).count()).toBe(0)
      expect(recording.statements).toHaveLength(3)
      expect(String(session)).toContain('0 tracked')
      recording.stop()
    })
  })

  describe('loads relations', () => {
    it('of every kind, deep ones too, and leaves others out', async () => {
      const article = await session.find(Article, { title: 'a1' }).with('author.articles', 'comments').one()
      expect(article.author!.name).toBe('Ann')
      expect(article.author!.articles!.map(({ title }) => title).sort()).toEqual(['a1', 'a2', 'a3'])
      expect(article.author!.articles).toContain(article)
      expect(article.comments.map(({ text }) => text).sort()).toEqual(['a1x', 'a1y'])
      expect(article.tags).toBeUndefined()
    })

    it('gathers the relations of several calls', async () => {
      const article = await session.find(Article, { title: 'a1' }).with('author').with('tags').with('author').one()
      expect([article.author?.name, article.tags.length]).toEqual(['Ann', 2])
    })

    it('gives null and an empty list where there is nothing', async () => {
      const article = await session.find(Article, { title: 'n1' }).with('author', 'comments').one()
      expect([article.author, article.comments]).toEqual([null, []])
    })

    it('loads a collection whole, whatever the condition says of its members', async () => {
      const [article] = await session.find(Article, { comments: { text: 'a1x' } }).with('comments')
      expect(article!.comments).toHaveLength(2)
    })

    it('adds a relation to an entity the session has, and keeps its pending changes', async () => {
      const article = await session.find(Article, { title: 'a1' }).one()
      article.title = 'changed'
      const again = await session.find(Article, { title: 'a1' }).with('author').one()
      expect(again).toBe(article)
      expect([article.title, article.author!.name]).toEqual(['changed', 'Ann'])
      expect([...session.uow.dirty]).toEqual([article])
    })
  })

  describe('answers', () => {
    it('all and a plain await alike', async () => {
      const cursor = session.find(Article).order(BY_TITLE)
      expect(await cursor.all()).toEqual(await cursor)
      expect(await cursor.then((articles) => articles.length)).toBe(5)
    })

    it('first: the first in order, or null, reading one row', async () => {
      const cursor = session.find(Article).order({ title: 'DESC' })
      const first = await cursor.first()
      expect(first!.title).toBe('n1')
      expect(await cursor.first()).toBe(first)
      expect(String(session)).toContain('1 tracked')
      expect((await cursor.skip(1).first())!.title).toBe('b1')
      expect(await session.find(Article, { title: 'none' }).first()).toBeNull()
      expect(await cursor.limit(0).first()).toBeNull()
    })

    it('one: the only one, else an error that names the entity', async () => {
      expect((await session.find(Article, { title: 'a2' }).one()).slug).toBe('s2')
      const none = await errorOf(session.find(Article, { title: 'none' }).one())
      expect(none).toMatchObject({ code: 'ENTITY_NOT_FOUND' })
      expect(none.message).toContain('Article')
      expect(none.message).toContain('none')
      const several = await errorOf(session.find(Article, { slug: 's1' }).one())
      expect(several).toMatchObject({ code: 'RESULT_NOT_UNIQUE' })
      expect(several.message).toContain('Article')
    })

    it('oneOrNull: the only one or null, but not one of several', async () => {
      expect((await session.find(Article, { title: 'a2' }).oneOrNull())!.slug).toBe('s2')
      expect(await session.find(Article, { title: 'none' }).oneOrNull()).toBeNull()
      expect(await errorOf(session.find(Article, { slug: 's1' }).oneOrNull())).toMatchObject({ code: 'RESULT_NOT_UNIQUE' })
      expect((await session.find(Article, { slug: 's1' }).order(BY_TITLE).limit(1).oneOrNull())!.title).toBe('a1')
    })

    it('with the error of the database, and can be asked again', async () => {
      const failed = await errorOf(session.find(Article, { title: Raw(() => 'no_such_function()') }).all())
      expect(failed).toBeInstanceOf(QueryFailedError)
      expect(await session.find(Article).count()).toBe(5)
    })
  })

  describe('refuses', () => {
    it.each([
      ['where', (s: OpenSession) => s.find(Article, { titel: 'x' } as never), 'titel', 'title'],
      ['where', (s: OpenSession) => s.find(Article).where({ author: { nam: 'x' } } as never), 'nam', 'name'],
      ['order', (s: OpenSession) => s.find(Article).order({ titel: 'ASC' } as never), 'titel', 'title'],
      ['order', (s: OpenSession) => s.find(Article).order({ author: { nam: 'ASC' } } as never), 'nam', 'name'],
      ['with', (s: OpenSession) => s.find(Article).with('autor' as never), 'autor', 'author'],
      ['with', (s: OpenSession) => s.find(Article).with('author.artikles' as never), 'artikles', 'articles'],
      ['with', (s: OpenSession) => s.find(Article).with('title' as never), 'title', ''],
    ] as const)('an unknown property in %s, before any SQL, with the nearest name', async (place, make, property, nearest) => {
      const recording = recordStatements(database.ds)
      for (const run of ['all', 'first', 'one', 'oneOrNull', 'count'] as const) {
        if (run === 'count' && place !== 'where') continue
        const error = await errorOf((async () => make(session)[run]())())
        expect(error).toMatchObject({ code: 'QUERY_PROPERTY_UNKNOWN' })
        expect(error.message).toContain(`"${property}" in ${place}`)
        expect(error.message).toContain(nearest)
      }
      expect(recording.statements).toHaveLength(0)
      recording.stop()
      expect(await session.find(Article).count()).toBe(5)
    })

    it('undefined as a condition, which would match everything', async () => {
      expect(await errorOf(session.find(Article, { slug: undefined as never }).all())).toMatchObject({ code: 'QUERY_VALUE_UNDEFINED' })
    })

    it('a class that is no entity', async () => {
      expect(await errorOf(() => session.find(class Stranger {}))).toMatchObject({ code: 'ENTITY_NOT_MAPPED' })
    })

    it('to run once the session is closed', async () => {
      const cursor = session.find(Article)
      await session.close()
      expect(await errorOf(cursor.all())).toMatchObject({ code: 'SESSION_CLOSED' })
      expect(await errorOf(cursor.count())).toMatchObject({ code: 'SESSION_CLOSED' })
      expect(await errorOf(() => session.find(Article))).toMatchObject({ code: 'SESSION_CLOSED' })
    })
  })
})
