/**
 * Loads by condition, by page and by key, counts, and lists keys; names are checked before anything is sent.
 *
 * @module
 */
import { Column, Entity, ManyToOne, MoreThan, OneToMany, PrimaryColumn, PrimaryGeneratedColumn, type DataSource } from 'typeorm'
import { hasErrorCode } from '../../lib/core/errors.js'
import type { Query } from '../../lib/session/persistence.js'
import { EntityLoader } from '../../lib/typeorm/entity-loader.js'
import { entityMapOf } from '../../lib/typeorm/entity-maps.js'
import { wrapHydration } from '../../lib/typeorm/hydration.js'
import { COLUMNS, Day, Part, Sample } from '../support/columns.js'
import { databaseName, describeDatabase, openDataSource, recordStatements, type Recording } from '../support/databases.js'
import { FakeSink } from '../support/fake-sink.js'
import { Basket, GRAPH, Line } from '../support/graph.js'
import { Book, Imprint, LIBRARY, Writer } from '../support/library.js'
import { Article, Author, Comment, ENTITIES, make, Note, Tag } from '../support/models.js'
import { Animal, Cat, Country, Dog, SHAPES } from '../support/shapes.js'

@Entity({ orderBy: { name: 'DESC' } })
class Shelf {
  @PrimaryGeneratedColumn() id: number
  @Column() name: string
  @OneToMany(() => Folder, (folder) => folder.shelf, { eager: true, cascade: true }) folders: Folder[]
}

@Entity()
class Folder {
  @PrimaryGeneratedColumn() id: number
  @Column() name: string
  @ManyToOne(() => Shelf, (shelf) => shelf.folders, { nullable: true }) shelf?: Shelf | null
}

/** Keys given by hand, so that many rows need no generated ones. */
@Entity()
class Item {
  @PrimaryColumn() id: number
  @Column() name: string
}

const ALL = [...ENTITIES, ...GRAPH, ...LIBRARY, ...SHAPES, ...COLUMNS, Shelf, Folder, Item]

interface Opened {
  readonly dataSource: DataSource
  readonly loader: EntityLoader
  readonly sink: FakeSink
  readonly sent: Recording
  query(target: Parameters<DataSource['getMetadata']>[0], options?: Omit<Query, 'map'>): Query
  load<E>(target: new () => E, options?: Omit<Query, 'map'>): Promise<E[]>
}

async function open(): Promise<Opened> {
  const dataSource = await openDataSource({ entities: ALL })
  wrapHydration(dataSource)
  const loader = new EntityLoader(dataSource, dataSource.createQueryRunner())
  const sink = new FakeSink()
  const query: Opened['query'] = (target, options = {}) => ({ map: entityMapOf(dataSource.getMetadata(target)), ...options })
  return {
    dataSource,
    loader,
    sink,
    query,
    load: async <E>(target: new () => E, options?: Omit<Query, 'map'>) => (await loader.load(query(target, options), sink)) as E[],
    sent: recordStatements(dataSource),
  }
}

/** Articles a to e: a, b and c by Ann, d by Bob, e by nobody; a has two tags, b one, the others none. */
async function openArticles(): Promise<Opened> {
  const opened = await open()
  const { manager } = opened.dataSource
  const [red, blue] = await manager.save([make(Tag, { name: 'red' }), make(Tag, { name: 'blue' })])
  const [ann, bob] = await manager.save([make(Author, { name: 'Ann' }), make(Author, { name: 'Bob' })])
  const titles: [string, Author | null | undefined, Tag[]][] = [
    ['a', ann, [red!, blue!]],
    ['b', ann, [red!]],
    ['c', ann, []],
    ['d', bob, []],
    ['e', null, []],
  ]
  for (const [title, author, tags] of titles) await manager.save(make(Article, { title, author: author ?? null, tags }))
  await manager.save([make(Comment, { text: 'x' }), make(Comment, { text: 'y' })])
  opened.sent.clear()
  return opened
}

const titles = (articles: Article[]) => articles.map((article) => article.title).join('')
const names = (entities: { name: string }[]) => entities.map((entity) => entity.name)

/** The error a call rejects with, and that nothing was sent. */
async function refused(opened: Opened, call: () => Promise<unknown>): Promise<unknown> {
  opened.sent.clear()
  const error: unknown = await call().then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  expect(opened.sent.statements).toEqual([])
  return error
}

describeDatabase('loading by condition', () => {
  it('gives what matches, in order, with relations', async () => {
    const { load, sent } = await openArticles()
    const articles = await load(Article, { where: { author: { name: 'Ann' } }, order: { title: 'DESC' }, relations: ['author', 'tags'] })
    expect(titles(articles)).toBe('cba')
    expect(articles.map((article) => [article.author!.name, article.tags!.length])).toEqual([
      ['Ann', 0],
      ['Ann', 1],
      ['Ann', 2],
    ])
    expect(sent.statements).toHaveLength(1)
  })

  it('gives nothing and sends nothing for a limit of nothing', async () => {
    const { load, loader, query, sent } = await openArticles()
    expect(await load(Article, { limit: 0 })).toEqual([])
    expect(await loader.keys(query(Article, { limit: 0 }))).toEqual([])
    expect(sent.statements).toEqual([])
  })

  it('takes null for IS NULL, and refuses undefined, which would match every row', async () => {
    const { load } = await openArticles()
    expect(titles(await load(Article, { where: { author: null } as object, order: { title: 'ASC' } }))).toBe('e')
    expect(titles(await load(Article, { where: { slug: null } as object, order: { title: 'ASC' } }))).toBe('abcde')
    for (const where of [{ slug: null, title: undefined }, { author: { name: undefined } }])
      await expect(load(Article, { where: where as object })).rejects.toMatchObject({ code: 'QUERY_VALUE_UNDEFINED' })
    expect(titles(await load(Article, { where: { tags: null, author: { name: 'Ann' } } as object }))).toBe('c')
  })

  it('takes alternatives; one without condition matches everything', async () => {
    const { load } = await openArticles()
    const order = { title: 'ASC' }
    expect(titles(await load(Article, { where: [{ title: 'a' }, { author: { name: 'Bob' } }] as object[], order }))).toBe('ad')
    expect(titles(await load(Article, { where: [{ title: 'a' }, {}] as object[], order }))).toBe('abcde')
  })

  it('takes objects and bare keys for relations', async () => {
    const { load, dataSource } = await openArticles()
    const ann = await dataSource.manager.findOneByOrFail(Author, { name: 'Ann' })
    const red = await dataSource.manager.findOneByOrFail(Tag, { name: 'red' })
    const order = { title: 'ASC' }
    expect(titles(await load(Article, { where: { author: ann } as object, order }))).toBe('abc')
    expect(titles(await load(Article, { where: { author: ann.id } as object, order }))).toBe('abc')
    expect(titles(await load(Article, { where: { tags: red } as object, order }))).toBe('ab')
    const part = await dataSource.manager.save(make(Part, { maker: 'x', number: 1, name: 'old' }))
    await dataSource.manager.save(make(Part, { maker: 'x', number: 2, name: 'new', replaces: part }))
    expect(names(await load(Part, { where: { replaces: part } as object }))).toEqual(['new'])
  })

  it('transforms the values of operators once, however often they are used', async () => {
    const { load, loader, query, dataSource } = await open()
    await dataSource.manager.save(['2024-01-02', '2024-01-04'].map((text) => make(Sample, { name: text, day: new Day(text) })))
    const where = { day: MoreThan(new Day('2024-01-03')) }
    expect(names(await load(Sample, { where }))).toEqual(['2024-01-04'])
    expect(names(await load(Sample, { where }))).toEqual(['2024-01-04'])
    expect(await loader.count(query(Sample, { where }))).toBe(1)
  })

  it('reads embedded properties in conditions, order and relations', async () => {
    const { load, dataSource } = await open()
    for (const [name, year] of [
      ['x', 1900],
      ['y', 1800],
    ] as const)
      await dataSource.manager.save(make(Book, { name, imprint: make(Imprint, { place: 'Ulm', year, editor: make(Writer, { name }) }) }))
    const books = await load(Book, {
      where: { imprint: { place: 'Ulm', editor: { name: MoreThan('a') } } },
      order: { imprint: { year: 'ASC' } },
      relations: ['imprint.editor'],
    })
    expect(books.map((book) => [book.name, book.imprint.editor!.name])).toEqual([
      ['y', 'y'],
      ['x', 'x'],
    ])
    expect(names(await load(Book, { where: { imprint: null } as object }))).toEqual([])
  })

  it('loads collections whole, though a condition is about some of their members', async () => {
    const { load, sent } = await openArticles()
    expect(titles(await load(Article, { where: { tags: { id: MoreThan(0) } }, order: { title: 'ASC' } }))).toBe('ab')
    expect(sent.statements).toHaveLength(1)
    const [article, ...others] = await load(Article, { where: { tags: { name: 'blue' } }, relations: ['tags'] })
    expect(others).toEqual([])
    expect(names(article!.tags!).sort()).toEqual(['blue', 'red'])
  })

  it('leaves soft-deleted rows out unless they are asked for', async () => {
    const { load, loader, query, dataSource } = await open()
    const notes = await dataSource.manager.save([make(Note, { text: 'a' }), make(Note, { text: 'b' })])
    await dataSource.manager.softRemove(notes[0]!)
    expect((await load(Note)).map((note) => note.text)).toEqual(['b'])
    expect((await load(Note, { withDeleted: true, order: { id: 'ASC' } })).map((note) => note.text)).toEqual(['a', 'b'])
    expect(await load(Note, { keys: [{ id: notes[0]!.id }] })).toEqual([])
    expect(await load(Note, { keys: [{ id: notes[0]!.id }], withDeleted: true })).toHaveLength(1)
    expect([await loader.count(query(Note)), await loader.count(query(Note, { withDeleted: true }))]).toEqual([1, 2])
    expect(await loader.keys(query(Note))).toEqual([{ id: notes[1]!.id }])
  })

  it('leaves soft-deleted members out of collections', async () => {
    const { load, dataSource } = await open()
    const basket = await dataSource.manager.save(
      make(Basket, { name: 'b', lines: [make(Line, { name: 'x' }), make(Line, { name: 'y' })] as Line[] }),
    )
    await dataSource.manager.softRemove(basket.lines![0]!)
    const [one] = await load(Basket, { relations: ['lines'] })
    expect(names(one!.lines!)).toEqual(['y'])
  })

  it('gives the concrete classes of an inheritance', async () => {
    const { load, loader, query, dataSource } = await open()
    await dataSource.manager.save([make(Dog, { name: 'Rex' }), make(Cat, { name: 'Tom' })])
    const animals = await load(Animal, { order: { id: 'ASC' } })
    expect(animals.map((animal) => animal.constructor)).toEqual([Dog, Cat])
    const [tom] = await load(Cat)
    expect(tom).toBe(animals[1])
    expect(await loader.keys(query(Dog))).toEqual([{ id: animals[0]!.id }])
    expect(await load(Dog, { keys: animals.map(({ id }) => ({ id })) })).toEqual([animals[0]])
  })
})

describeDatabase('loading a page', () => {
  it('counts entities where collections are joined', async () => {
    const { load, sent } = await openArticles()
    const page = await load(Article, { order: { title: 'ASC' }, skip: 0, limit: 2, relations: ['tags', 'author.articles'] })
    expect(titles(page)).toBe('ab')
    expect(page.map((article) => article.tags!.length)).toEqual([2, 1])
    expect(titles(page[0]!.author!.articles!).split('').sort()).toEqual(['a', 'b', 'c'])
    expect(sent.statements).toHaveLength(2)
    expect(titles(await load(Article, { order: { title: 'DESC' }, skip: 3, limit: 5, relations: ['tags'] }))).toBe('ba')
  })

  it('needs one statement where no collection is joined', async () => {
    const { load, sent } = await openArticles()
    expect(
      titles(await load(Article, { order: { author: { name: 'DESC' }, title: 'ASC' }, skip: 1, limit: 2, relations: ['author'] })),
    ).toHaveLength(2)
    expect(sent.statements).toHaveLength(1)
  })

  it('may skip without a limit', async () => {
    const { load } = await openArticles()
    expect(titles(await load(Article, { order: { title: 'ASC' }, skip: 3 }))).toBe('de')
    expect(titles(await load(Article, { order: { title: 'ASC' }, skip: 3, relations: ['tags'] }))).toBe('de')
  })

  it('breaks ties by key', async () => {
    const { load, sent } = await openArticles()
    expect(titles(await load(Article, { order: { slug: 'ASC' }, limit: 2 }))).toBe('ab')
    expect(sent.sql()[0]).toMatch(/ORDER BY .*slug.* ASC, .*id.* ASC/)
  })

  it('orders by members of a collection', async () => {
    const { load, loader, query } = await openArticles()
    const byTag = { order: { tags: { name: 'DESC' } }, where: { tags: { id: MoreThan(0) } } } as const
    expect(titles(await load(Article, { ...byTag, limit: 2, relations: ['tags'] }))).toBe('ab')
    expect(titles(await load(Article, { ...byTag, skip: 1, limit: 2 }))).toBe('b')
    expect(await loader.keys(query(Article, byTag))).toEqual([{ id: 1 }, { id: 2 }])
  })

  it('keeps the order the entity declares, and loads eager relations', async () => {
    const { load, loader, query, dataSource } = await open()
    for (const name of ['a', 'b', 'c'])
      await dataSource.manager.save(
        make(Shelf, { name, folders: [make(Folder, { name: `${name}1` }), make(Folder, { name: `${name}2` })] }),
      )
    expect(names(await load(Shelf))).toEqual(['c', 'b', 'a'])
    const page = await load(Shelf, { limit: 2 })
    expect(page.map((shelf) => [shelf.name, names(shelf.folders).sort()])).toEqual([
      ['c', ['c1', 'c2']],
      ['b', ['b1', 'b2']],
    ])
    expect(await loader.keys(query(Shelf, { skip: 2 }))).toEqual([{ id: 1 }])
    expect(await loader.count(query(Shelf))).toBe(3)
  })
})

describeDatabase('loading by key', () => {
  it('gives the rows in the order of the keys, and leaves out those that are missing', async () => {
    const { load, dataSource, sent } = await open()
    const rows = Array.from({ length: 2100 }, (_none, index) => ({ id: index + 1, name: `item ${index + 1}` }))
    for (let from = 0; from < rows.length; from += 300) await dataSource.manager.insert(Item, rows.slice(from, from + 300))
    sent.clear()
    const wanted = [...rows.map(({ id }) => id).reverse(), 9999].filter((id) => id !== 7)
    const items = await load(Item, { keys: wanted.map((id) => ({ id })) })
    expect(items.map(({ id }) => id)).toEqual(wanted.filter((id) => id !== 9999))
    expect(sent.statements).toHaveLength(3)
  })

  it('takes composite keys, many of them, and keys in text form', async () => {
    const { load, loader, query, dataSource } = await open()
    const rows = Array.from({ length: 600 }, (_none, index) => ({ maker: `m${index % 3}`, number: index, name: `part ${index}` }))
    for (let from = 0; from < rows.length; from += 100) await dataSource.manager.insert(Part, rows.slice(from, from + 100))
    const keys = rows.map(({ maker, number }) => ({ number: String(number), maker })).reverse()
    const parts = await load(Part, { keys: [...keys, { maker: 'm9', number: 1 }], relations: ['replaces'] })
    expect(names(parts)).toEqual(rows.map(({ name }) => name).reverse())
    expect(await loader.count(query(Part, { keys: [...keys, keys[0]!] }))).toBe(600)
    expect(await loader.keys(query(Part, { where: { maker: 'm1' }, order: { number: 'DESC' }, limit: 1 }))).toEqual([
      { maker: 'm1', number: 598 },
    ])
  })

  it('finds a row though its object has another key by now', async () => {
    const { load, dataSource } = await open()
    await dataSource.manager.insert(Country, { code: 'de', name: 'Germany' })
    const [country] = await load(Country, { keys: [{ code: 'de' }] })
    country!.code = 'xx'
    expect(await load(Country, { keys: [{ code: 'de' }] })).toEqual([country])
  })

  it('finds a row by a key in another case where the database does', async () => {
    const { load, dataSource } = await open()
    await dataSource.manager.insert(Country, { code: 'de', name: 'Germany' })
    expect(await load(Country, { keys: [{ code: 'DE' }, { code: 'fr' }] })).toHaveLength(databaseName() === 'mariadb' ? 1 : 0)
  })

  it('sends nothing for no key', async () => {
    const { load, loader, query, sent } = await open()
    sent.clear()
    expect([await load(Item, { keys: [] }), await loader.count(query(Item, { keys: [] }))]).toEqual([[], 0])
    expect(sent.statements).toEqual([])
  })
})

describeDatabase('counting and listing keys', () => {
  it('counts entities, whatever is joined', async () => {
    const { loader, query } = await openArticles()
    expect(await loader.count(query(Article))).toBe(5)
    expect(await loader.count(query(Article, { where: { tags: { id: MoreThan(0) } }, relations: ['tags'], limit: 1 }))).toBe(2)
  })

  it('lists keys in an order over joined columns', async () => {
    const { loader, query, sent } = await openArticles()
    const where = { author: { name: MoreThan('A') } }
    expect(await loader.keys(query(Article, { where, order: { author: { name: 'DESC' } }, limit: 3 }))).toEqual([
      { id: 4 },
      { id: 1 },
      { id: 2 },
    ])
    expect(sent.sql()[0]).not.toContain('title')
    const tagged = { where: { tags: { id: MoreThan(0) } }, order: { author: { name: 'ASC' }, title: 'DESC' } } as const
    expect(await loader.keys(query(Article, tagged))).toEqual([{ id: 2 }, { id: 1 }])
    expect(await loader.keys(query(Article, { ...tagged, skip: 1, limit: 1 }))).toEqual([{ id: 1 }])
  })
})

describeDatabase('an unknown name', () => {
  it.each([
    ['where', { where: { titel: 'a' } }, { entity: 'Article', property: 'titel', nearest: 'title' }],
    ['where', { where: [{ author: { nmae: 'a' } }] }, { entity: 'Author', property: 'nmae', nearest: 'name' }],
    ['where', { where: { xxxxxxxx: undefined } }, { entity: 'Article', property: 'xxxxxxxx', nearest: undefined }],
    ['order', { order: { author: { nam: 'ASC' } } }, { entity: 'Author', property: 'nam', nearest: 'name' }],
    ['with', { relations: ['author.article'] }, { entity: 'Author', property: 'article', nearest: 'articles' }],
    ['with', { relations: ['title'] }, { entity: 'Article', property: 'title', nearest: undefined }],
  ] as const)('in %s is refused before anything is sent: %j', async (place, options, data) => {
    const opened = await open()
    const given = opened.query(Article, options as object)
    for (const call of [
      () => opened.loader.load(given, opened.sink),
      () => opened.loader.load({ ...given, limit: 0 }, opened.sink),
      () => opened.loader.count(given),
      () => opened.loader.keys(given),
    ]) {
      const error = await refused(opened, call)
      expect(hasErrorCode(error, 'QUERY_PROPERTY_UNKNOWN')).toBe(true)
      expect((error as Error).message).toContain(`"${data.property}" in ${place}: ${data.entity} has no such property`)
      if (data.nearest === undefined) expect((error as Error).message).not.toContain('did you mean')
      else expect((error as Error).message).toContain(`did you mean "${data.nearest}"`)
    }
  })

  it('inside embedded objects is told by its path', async () => {
    const opened = await open()
    const error = await refused(opened, () => opened.load(Book, { where: { imprint: { plaec: 'x' } } }))
    expect((error as Error).message).toContain('"imprint.plaec" in where: Book has no such property; did you mean "imprint.place"')
    const another = await refused(opened, () => opened.load(Book, { relations: ['imprint'] }))
    expect((another as Error).message).toContain('"imprint" in with: Book has no such property; did you mean "imprint.editor"')
  })

  it('is not the only thing refused: so are objects without a key', async () => {
    const opened = await open()
    const error = await refused(opened, () => opened.load(Article, { where: { author: make(Author, { name: 'new' }) } as object }))
    expect(hasErrorCode(error, 'KEY_INVALID')).toBe(true)
    const another = await refused(opened, () => opened.load(Part, { where: { replaces: 7 } as object }))
    expect(hasErrorCode(another, 'KEY_INVALID')).toBe(true)
  })
})
