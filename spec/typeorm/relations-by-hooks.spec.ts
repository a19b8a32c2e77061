/**
 * Relations that hooks change are written, whichever side they edit and whether or not it was loaded. TypeORM alone loses each of these.
 *
 * @module
 */
import { type Change } from 'flushpoint'
import { closeDataSources, recordStatements } from '../support/databases.js'
import { Basket, Course, GRAPH, Line, Passport, Person, Student } from '../support/graph.js'
import { fresh, only, openWithHooks, type Hooks } from '../support/hooks.js'
import { Book, Essay, Imprint, LIBRARY, Topic, Writer } from '../support/library.js'
import { Article, Author, Comment, ENTITIES, make, Tag } from '../support/models.js'
import { describeWays } from '../support/ways-in.js'

afterEach(closeDataSources)

const entities = [...ENTITIES, ...GRAPH, ...LIBRARY]
const open = (...own: Hooks[]) => openWithHooks({ entities }, ...own)
const names = (list: readonly object[] | null | undefined) => list?.map((one: any) => (one.name ?? one.title ?? one.text) as string).sort()

/** A hook that runs in beforeFlush for the first entity of the class, or in the entity's own before-hook. */
function inHook<E extends object>(
  hook: 'beforeFlush' | 'beforeInsert' | 'beforeUpdate',
  type: new () => E,
  fn: (entity: E) => void,
): Hooks {
  if (hook !== 'beforeFlush') return { [hook]: only(type, fn) }
  return {
    beforeFlush() {
      for (const entity of [...this.session.uow.new, ...this.session.uow.dirty]) if (entity instanceof type) fn(entity)
    },
  }
}

describe.each(['beforeFlush', 'beforeInsert'] as const)('a relation set in %s', (hook) => {
  describeWays('of a new entity', (way) => {
    it('to an existing object is inserted', async () => {
      const author = make(Author, { name: 'Ann' })
      const dataSource = await open(inHook(hook, Article, (article) => void (article.author = author)))
      await way.save(dataSource, author)
      const article = await way.save(dataSource, make(Article, { title: 'a' }))
      expect((await fresh(dataSource, Article, article.id, 'author')).author).toEqual({ id: author.id, name: 'Ann' })
    })

    it('to a new object inserts that object first', async () => {
      const dataSource = await open(inHook(hook, Article, (article) => void (article.author = make(Author, { name: 'New' }))))
      const article = await way.save(dataSource, make(Article, { title: 'a' }))
      expect((await fresh(dataSource, Article, article.id, 'author')).author?.name).toBe('New')
    })

    it('as one-to-many, many-to-many and inverse one-to-one inserts the members', async () => {
      const dataSource = await open(
        inHook(hook, Article, (article) =>
          Object.assign(article, { tags: [make(Tag, { name: 't' })], comments: [make(Comment, { text: 'c' })] }),
        ),
        inHook(hook, Person, (person) => void (person.passport = make(Passport, { name: 'p' }))),
      )
      const article = await way.save(dataSource, make(Article, { title: 'a' }))
      const person = await way.save(dataSource, make(Person, { name: 'Ann' }))
      const stored = await fresh(dataSource, Article, article.id, 'tags', 'comments')
      expect([names(stored.tags), names(stored.comments)]).toEqual([['t'], ['c']])
      expect((await fresh(dataSource, Person, person.id, 'passport')).passport?.name).toBe('p')
    })

    it('inside an embedded object is written', async () => {
      const imprint = () => make(Imprint, { editor: make(Writer, { name: 'e' }), topics: [make(Topic, { name: 't' })] })
      const dataSource = await open(inHook(hook, Book, (book) => void (book.imprint = imprint())))
      const { id } = await way.save(dataSource, make(Book, { name: 'b' }))
      const book = await dataSource.manager.findOneOrFail(Book, { where: { id }, relations: { imprint: { editor: true, topics: true } } })
      expect([book.imprint.editor?.name, names(book.imprint.topics)]).toEqual(['e', ['t']])
    })

    it('as a promise on a lazy relation is written', async () => {
      const dataSource = await open(
        inHook(hook, Essay, (essay) => {
          essay.writer = Promise.resolve(make(Writer, { name: 'w' }))
          essay.topics = Promise.resolve([make(Topic, { name: 't' })])
        }),
      )
      const { id } = await way.save(dataSource, make(Essay, { name: 'e' }))
      const essay = await fresh(dataSource, Essay, id)
      expect([(await essay.writer)?.name, names(await essay.topics)]).toEqual(['w', ['t']])
    })
  })
})

describe.each(['beforeFlush', 'beforeUpdate'] as const)('a relation changed in %s', (hook) => {
  describeWays('of a stored entity', (way) => {
    async function stored(change: (article: Article) => void) {
      const dataSource = await open(inHook(hook, Article, (article) => (article.title === 'b' ? change(article) : undefined)))
      const saved = await way.save(
        dataSource,
        make(Article, {
          title: 'a',
          author: make(Author, { name: 'Ann' }),
          tags: [make(Tag, { name: 't1' }), make(Tag, { name: 't2' })],
          comments: [make(Comment, { text: 'c1' }), make(Comment, { text: 'c2' })],
        }),
      )
      return { dataSource, saved }
    }

    it.each<[string, (article: Article) => void, Record<string, unknown>]>([
      ['to a new object', (article) => void (article.author = make(Author, { name: 'New' })), { author: ['New'] }],
      ['to null', (article) => void (article.author = null), { author: undefined }],
      ['by replacing an unloaded many-to-many', (article) => void (article.tags = [make(Tag, { name: 'n' })]), { tags: ['n'] }],
      ['by emptying an unloaded many-to-many', (article) => void (article.tags = []), { tags: [] }],
      ['by replacing an unloaded one-to-many', (article) => void (article.comments = [make(Comment, { text: 'n' })]), { comments: ['n'] }],
      ['by emptying an unloaded one-to-many', (article) => void (article.comments = []), { comments: [] }],
    ])('%s is written', async (_what, change, expected) => {
      const { dataSource, saved } = await stored(change)
      const unloaded = await way.load(dataSource, Article, { id: saved.id })
      await way.save(dataSource, Object.assign(unloaded, { title: 'b' }))
      const { author, tags, comments } = await fresh(dataSource, Article, saved.id, 'author', 'tags', 'comments')
      const before = { author: ['Ann'], tags: ['t1', 't2'], comments: ['c1', 'c2'] }
      expect({ author: author ? names([author]) : undefined, tags: names(tags), comments: names(comments) }).toEqual({
        ...before,
        ...expected,
      })
    })

    it('by editing loaded collections in place is written', async () => {
      const { dataSource, saved } = await stored((article) => {
        article.tags!.push(make(Tag, { name: 'n' }))
        article.tags!.shift()
        article.comments!.splice(0, 1, make(Comment, { text: 'n' }))
      })
      await way.save(dataSource, Object.assign(saved, { title: 'b' }))
      const { tags, comments } = await fresh(dataSource, Article, saved.id, 'tags', 'comments')
      expect([names(tags), names(comments)]).toEqual([
        ['n', 't2'],
        ['c2', 'n'],
      ])
    })

    it('back to its database value is not written', async () => {
      const former: { author?: Author | null } = {}
      const { dataSource, saved } = await stored((article) => Object.assign(article, former))
      former.author = saved.author!
      const other = await way.save(dataSource, make(Author, { name: 'Other' }))
      const statements = recordStatements(dataSource)
      await way.save(dataSource, Object.assign(saved, { title: 'b', author: other }))
      expect(statements.sql().filter((sql) => /authorId.? =/.test(sql) && sql.startsWith('UPDATE'))).toEqual([])
      expect((await fresh(dataSource, Article, saved.id, 'author')).author?.name).toBe('Ann')
    })

    it('back to its members leaves a collection as it was', async () => {
      const former: { tags?: Tag[] } = {}
      const { dataSource, saved } = await stored((article) => Object.assign(article, former))
      former.tags = [...saved.tags!]
      const statements = recordStatements(dataSource)
      await way.save(dataSource, Object.assign(saved, { title: 'b', tags: [make(Tag, { name: 'dropped' })] }))
      expect(statements.sql().filter((sql) => /^(INSERT INTO|DELETE FROM) .article_tags_tag/.test(sql))).toEqual([])
      expect(names((await fresh(dataSource, Article, saved.id, 'tags')).tags)).toEqual(['t1', 't2'])
    })

    it('on the inverse side of a many-to-many is written', async () => {
      const course = make(Course, { name: 'c' })
      const dataSource = await open(inHook(hook, Student, (student) => (student.name === 'b' ? (student.courses = [course]) : undefined)))
      const student = await way.save(dataSource, make(Student, { name: 'a' }))
      await way.save(dataSource, Object.assign(student, { name: 'b' }))
      expect(names((await fresh(dataSource, Course, course.id, 'students')).students)).toEqual(['b'])
    })

    it('deletes the orphans of a collection where its relation says so', async () => {
      const dataSource = await open(inHook(hook, Basket, (basket) => (basket.name === 'b' ? (basket.lines = []) : undefined)))
      const basket = await way.save(dataSource, make(Basket, { name: 'a', lines: [make(Line, { name: 'l' })] }))
      await way.save(dataSource, Object.assign(await way.load(dataSource, Basket, { id: basket.id }), { name: 'b' }))
      expect(await dataSource.manager.count(Line)).toBe(0)
    })
  })
})

describeWays('the stand-in of an orphan', (way) => {
  it('is changed by its own before-hook', async () => {
    const dataSource = await open({ beforeUpdate: only(Article, (article) => void (article.slug = 'orphaned')) })
    const author = await way.save(dataSource, make(Author, { name: 'Ann', articles: [make(Article, { title: 'a' })] }))
    const { id } = author.articles![0]!
    await way.save(dataSource, Object.assign(author, { articles: [] }))
    expect(await fresh(dataSource, Article, id, 'author')).toMatchObject({ title: 'a', slug: 'orphaned', author: null })
  })

  it('tells its key and the parent it had', async () => {
    const told: Partial<Change>[] = []
    const dataSource = await open({ afterCommit: (changes) => void told.push(...changes.filter((change) => change.kind === 'update')) })
    const author = await way.save(dataSource, make(Author, { name: 'Ann', articles: [make(Article, { title: 'a' })] }))
    const { id } = author.articles![0]!
    await way.save(dataSource, Object.assign(author, { articles: [] }))
    expect(told).toMatchObject([{ key: { id }, before: { author: { id: author.id } }, after: { author: null } }])
  })
})
