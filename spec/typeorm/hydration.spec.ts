/**
 * Queries that hand each entity they hydrate to a sink, joined ones too, and take what it answers.
 *
 * @module
 */
import { Column, Entity, ManyToOne, OneToMany, PrimaryGeneratedColumn, TableInheritance, ChildEntity, type DataSource } from 'typeorm'
import { entityMapOf } from '../../lib/typeorm/entity-maps.js'
import { hydrateInto, wrapHydration } from '../../lib/typeorm/hydration.js'
import { COLUMNS, Part } from '../support/columns.js'
import { describeDatabase, openDataSource } from '../support/databases.js'
import { FakeSink } from '../support/fake-sink.js'
import { GRAPH, Passport, Person } from '../support/graph.js'
import { Book, Imprint, LIBRARY, Topic, Writer } from '../support/library.js'
import { Article, Author, Comment, ENTITIES, make, Tag } from '../support/models.js'
import { Friend, PlanetSchema, SHAPES } from '../support/shapes.js'

@Entity()
class Owner {
  @PrimaryGeneratedColumn() id: number
  @Column() name: string
  @OneToMany(() => Pet, (pet) => pet.owner) pets?: Pet[]
}

@Entity()
@TableInheritance({ column: { type: 'varchar', name: 'kind' } })
class Pet {
  @PrimaryGeneratedColumn() id: number
  @Column() name: string
  @ManyToOne(() => Owner, (owner) => owner.pets, { nullable: true }) owner?: Owner | null
}

@ChildEntity()
class Parrot extends Pet {
  @Column({ nullable: true, type: 'varchar' }) phrase?: string | null
  @ManyToOne(() => Owner, { nullable: true }) teacher?: Owner | null
}

@ChildEntity()
class Snake extends Pet {
  @Column({ nullable: true, type: 'int' }) length?: number | null
}

const ALL = [...ENTITIES, ...GRAPH, ...LIBRARY, ...SHAPES, ...COLUMNS, Owner, Pet, Parrot, Snake]

async function open(): Promise<DataSource> {
  const dataSource = await openDataSource({ entities: ALL })
  expect(wrapHydration(dataSource)).toBe(true)
  return dataSource
}

/** A marked query by find options. */
function query(dataSource: DataSource, target: Parameters<DataSource['getMetadata']>[0], options: object, sink: FakeSink) {
  const { name } = dataSource.getMetadata(target)
  return hydrateInto(dataSource.manager.createQueryBuilder(target, name).setFindOptions({ relationLoadStrategy: 'join', ...options }), sink)
}

async function stored(dataSource: DataSource): Promise<void> {
  const [red, blue] = [make(Tag, { name: 'red' }), make(Tag, { name: 'blue' })]
  const ann = make(Author, { name: 'Ann' })
  for (const title of ['a', 'b'])
    await dataSource.manager.save(
      make(Article, { title, author: ann, tags: [red, blue], comments: [make(Comment, { text: `on ${title}` })] }),
    )
  await dataSource.manager.save(make(Article, { title: 'c' }))
}

describeDatabase('a marked query', () => {
  it('gives one object for each row, however often and wherever it is joined', async () => {
    const dataSource = await open()
    await stored(dataSource)
    const sink = new FakeSink()
    const relations = { author: { articles: { tags: true } }, tags: true, comments: { article: true } }
    const articles = (await query(dataSource, Article, { relations, order: { id: 'ASC' } }, sink).getMany()) as Article[]
    expect(articles.map((article) => article.title)).toEqual(['a', 'b', 'c'])
    const [a, b, c] = articles
    expect(a!.author).toBe(b!.author)
    expect(new Set(a!.author!.articles)).toEqual(new Set([a, b]))
    expect(a!.author!.articles!.every((article) => article === a || article === b)).toBe(true)
    expect(a!.comments![0]!.article).toBe(a)
    expect([...a!.tags!].sort(byId)).toEqual([...b!.tags!].sort(byId))
    expect([...a!.tags!].sort(byId)[0]).toBe([...b!.tags!].sort(byId)[0])
    expect([c!.author, c!.tags, c!.comments]).toEqual([null, [], []])
    expect(sink.instances.size).toBe(3 + 1 + 2 + 2)
  })

  it('tells the key behind each to-one, joined or not, and null where the row refers to nothing', async () => {
    const dataSource = await open()
    await stored(dataSource)
    for (const relations of [{}, { author: true }]) {
      const sink = new FakeSink()
      const articles = await query(dataSource, Article, { relations, order: { id: 'ASC' } }, sink).getMany()
      expect(articles.map((article) => sink.keysOf(article))).toEqual([{ author: { id: 1 } }, { author: { id: 1 } }, { author: null }])
    }
  })

  it('tells no key where the query did not read it', async () => {
    const dataSource = await open()
    await stored(dataSource)
    const sink = new FakeSink()
    const [article] = await query(dataSource, Article, { select: { id: true, title: true }, order: { id: 'ASC' }, take: 1 }, sink).getMany()
    expect(sink.keysOf(article!)).toEqual({ author: undefined })
  })

  it('gives objects the sink had before, with what they lacked', async () => {
    const dataSource = await open()
    await stored(dataSource)
    const sink = new FakeSink()
    const [first] = (await query(dataSource, Article, { where: { title: 'a' } }, sink).getMany()) as Article[]
    const [again] = (await query(dataSource, Article, { where: { title: 'a' }, relations: { tags: true } }, sink).getMany()) as Article[]
    expect(again).toBe(first)
    expect(first!.tags).toHaveLength(2)
  })

  it('gives instances of concrete classes through the base and through the class, with the keys of their own relations', async () => {
    const dataSource = await open()
    const { manager } = dataSource
    const ann = await manager.save(make(Owner, { name: 'Ann' }))
    await manager.save(make(Parrot, { name: 'Polly', phrase: 'hello', owner: ann, teacher: ann }))
    await manager.save(make(Snake, { name: 'Sid', length: 2, owner: ann }))
    await manager.save(make(Pet, { name: 'It' }))
    const sink = new FakeSink()
    const pets = await query(dataSource, Pet, { order: { id: 'ASC' }, relations: { owner: { pets: true } } }, sink).getMany()
    expect(pets.map((pet) => pet.constructor)).toEqual([Parrot, Snake, Pet])
    expect(pets[0]).toMatchObject({ name: 'Polly', phrase: 'hello' })
    expect((pets[0] as Pet).owner!.pets!.every((pet) => pets.includes(pet))).toBe(true)
    expect(sink.rows.filter((row) => row.entity === pets[0]).map((row) => row.map)).toEqual([entityMapOf(dataSource.getMetadata(Parrot))])
    expect(sink.keysOf(pets[0]!)).toEqual({ owner: { id: ann.id }, teacher: { id: ann.id } })
    expect(sink.keysOf(pets[2]!)).toEqual({ owner: null })
    expect(await query(dataSource, Parrot, {}, sink).getMany()).toEqual([pets[0]])
    expect((await query(dataSource, Parrot, {}, sink).getMany())[0]).toBe(pets[0])
  })

  it('reads composite keys and references to them', async () => {
    const dataSource = await open()
    const old = await dataSource.manager.save(make(Part, { maker: 'x', number: 1, name: 'old' }))
    await dataSource.manager.save(make(Part, { maker: 'x', number: 2, name: 'new', replaces: old }))
    const sink = new FakeSink()
    const parts = (await query(dataSource, Part, { order: { number: 'ASC' }, relations: { replaces: true } }, sink).getMany()) as Part[]
    expect(parts[1]!.replaces).toBe(parts[0])
    expect(parts.map((part) => sink.keysOf(part))).toEqual([{ replaces: null }, { replaces: { maker: 'x', number: 1 } }])
  })

  it('reads relations inside embedded objects', async () => {
    const dataSource = await open()
    const editor = make(Writer, { name: 'Eve' })
    await dataSource.manager.save(
      make(Book, { name: 'b', imprint: make(Imprint, { place: 'Leipzig', editor, topics: [make(Topic, { name: 't' })] }) }),
    )
    const sink = new FakeSink()
    const relations = { imprint: { editor: true, topics: true } }
    const [book] = (await query(dataSource, Book, { relations }, sink).getMany()) as Book[]
    expect(sink.keysOf(book!)).toEqual({ 'imprint.editor': { id: 1 } })
    expect([...sink.instances.values()]).toEqual(expect.arrayContaining([book, book!.imprint.editor, book!.imprint.topics![0]]))
    expect(sink.instances.size).toBe(3)
  })

  it('gives objects that refer to themselves and to each other', async () => {
    const dataSource = await open()
    const me = await dataSource.manager.save(make(Friend, { name: 'me' }))
    await dataSource.manager.save(Object.assign(me, { best: me }))
    const holder = await dataSource.manager.save(make(Person, { name: 'p', passport: make(Passport, { name: 'q' }) }))
    const sink = new FakeSink()
    const [friend] = (await query(dataSource, Friend, { relations: { best: { best: true } } }, sink).getMany()) as Friend[]
    expect(friend!.best).toBe(friend)
    const options = { where: { id: holder.id }, relations: { passport: { holder: true } } }
    const [person] = (await query(dataSource, Person, options, sink).getMany()) as Person[]
    expect(person!.passport!.holder).toBe(person)
  })

  it('gives plain objects of an entity schema', async () => {
    const dataSource = await open()
    await dataSource.manager.save(PlanetSchema, { name: 'Mars', moons: 2 })
    const sink = new FakeSink()
    const planets = await query(dataSource, PlanetSchema, {}, sink).getMany()
    expect(planets).toEqual([{ id: 1, name: 'Mars', moons: 2 }])
    expect((await query(dataSource, PlanetSchema, {}, sink).getMany())[0]).toBe(planets[0])
  })

  it('is marked in its pages too', async () => {
    const dataSource = await open()
    await stored(dataSource)
    const sink = new FakeSink()
    const [known] = await query(dataSource, Article, { where: { title: 'b' } }, sink).getMany()
    const options = { relations: { tags: true, author: true }, order: { title: 'ASC' }, skip: 1, take: 1 }
    const page = (await query(dataSource, Article, options, sink).getMany()) as Article[]
    expect(page).toHaveLength(1)
    expect(page[0]).toBe(known)
    expect(page[0]!.tags).toHaveLength(2)
  })

  it('leaves other queries alone', async () => {
    const dataSource = await open()
    await stored(dataSource)
    const sink = new FakeSink()
    const marked = await query(dataSource, Article, {}, sink).getMany()
    const calls = sink.rows.length
    const [own] = await dataSource.manager.find(Article, { relations: { author: true } })
    expect(marked).not.toContain(own)
    expect(sink.rows).toHaveLength(calls)
  })
})

function byId(a: { id: number }, b: { id: number }): number {
  return a.id - b.id
}
