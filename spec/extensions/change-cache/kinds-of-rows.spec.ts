/**
 * ChangeCache with mappings of every kind: inheritance, embedded and lazy relations, keys of several parts, keys that are changed on their way.
 *
 * @module
 */
import { sessionSubscriber, type EntityClass } from 'flushpoint'
import { ChangeCache } from 'flushpoint/extensions'
import { Keyv } from 'keyv'
import { Column, Entity, JoinColumn, ManyToOne, OneToMany, OneToOne, PrimaryColumn, PrimaryGeneratedColumn } from 'typeorm'
import { namesOf, recordsIn } from '../../support/change-records.js'
import { closeDataSources, databaseName, openOnUsedTables } from '../../support/databases.js'
import { Book, Essay, LIBRARY, Topic, Writer } from '../../support/library.js'
import { Label, MUSIC, Release, Single } from '../../support/music.js'
import { make } from '../../support/models.js'
import { describeWays } from '../../support/ways-in.js'

/** Its key has two parts. */
@Entity()
class Shelf {
  @PrimaryColumn({ length: 20 }) hall: string
  @PrimaryColumn({ type: 'int' }) place: number
  @Column({ length: 20, unique: true }) code: string
  @OneToMany(() => Volume, (volume) => volume.shelf) volumes?: Volume[]
  @OneToOne(() => Plate, (plate) => plate.shelf) plate?: Plate | null
}

@Entity()
class Volume {
  @PrimaryGeneratedColumn() id: number
  @Column() name: string
  @ManyToOne(() => Shelf, (shelf) => shelf.volumes, { nullable: true, onDelete: 'CASCADE' }) shelf?: Shelf | null
}

/** Its key is kept in another form. */
@Entity()
class Mark {
  @PrimaryColumn({ length: 20, transformer: { to: (name: string) => name.toUpperCase(), from: (name: string) => name.toLowerCase() } })
  name: string
  @Column({ type: 'int' }) size: number
}

/** Points by a column that is no key. */
@Entity()
class Plate {
  @PrimaryGeneratedColumn() id: number
  @Column() text: string
  @OneToOne(() => Shelf, (shelf) => shelf.plate, { nullable: true, onDelete: 'SET NULL' })
  @JoinColumn({ referencedColumnName: 'code' })
  shelf?: Shelf | null
}

const entities = [...LIBRARY, ...(MUSIC as EntityClass[]), Shelf, Volume, Plate, Mark]

describeWays('a record', (way) => {
  let cache: Keyv
  beforeEach(() => void (cache = new Keyv()))
  afterEach(closeDataSources)

  const open = (...roots: EntityClass[]) =>
    openOnUsedTables({
      entities: entities as never,
      subscribers: [sessionSubscriber({ extensions: [ChangeCache.with({ cache, ...(roots.length > 0 && { roots }) })] })],
    })

  it('names the class a row is of, also where another one was asked for', async () => {
    const dataSource = await open(Release)
    const single = await way.save(dataSource, make(Single, { name: 's' }))
    single.name = 't'
    await way.save(dataSource, single)
    await way.remove(dataSource, single)
    expect((await recordsIn(cache)).map(namesOf)).toEqual([
      { created: ['Single 1'], updated: [], deleted: [] },
      { created: [], updated: ['Single 1'], deleted: [] },
      { created: [], updated: [], deleted: ['Single 1'] },
    ])
  })

  it('has relations of embedded objects, to-one and many-to-many', async () => {
    const dataSource = await open()
    const [editor, topic] = await way.seed(dataSource, [make(Writer, { name: 'w' }), make(Topic, { name: 't' })] as const)
    await way.save(dataSource, make(Book, { name: 'b', imprint: { place: 'Bonn', year: null, editor, topics: [topic] } }))
    await way.save(dataSource, make(Book, { name: 'c', imprint: { place: null, year: 1 } }))
    const [first, second] = await recordsIn(cache)
    expect(first!.created[0]!.data).toEqual({
      id: 1,
      name: 'b',
      model: 'Book',
      imprint: { editor: { id: editor.id }, place: 'Bonn', topics: [{ id: topic.id }], year: null },
    })
    expect(second!.created[0]!.data).toMatchObject({ imprint: { editor: null, topics: [], year: 1 } })
  })

  it('has lazy relations', async () => {
    const dataSource = await open()
    const [writer, topic] = await way.seed(dataSource, [make(Writer, { name: 'w' }), make(Topic, { name: 't' })] as const)
    await way.save(dataSource, make(Essay, { name: 'e', writer: Promise.resolve(writer), topics: Promise.resolve([topic]) }))
    expect((await recordsIn(cache))[0]!.created[0]!.data).toEqual({
      ...{ id: 1, name: 'e', model: 'Essay', writer: { id: writer.id }, topics: [{ id: topic.id }] },
    })
  })

  it('has rows of a class without a decorator', async () => {
    const dataSource = await open()
    await way.save(dataSource, make(Label, { name: 'l' }))
    expect((await recordsIn(cache))[0]!.created).toMatchObject([{ model: 'Label', id: '1', obj_as_str: 'l', data: { name: 'l' } }])
  })

  it('finds rows by keys in the form they are stored in', async () => {
    const dataSource = await open()
    const mark = await way.save(dataSource, make(Mark, { name: 'abc', size: 1 }))
    await way.remove(dataSource, mark)
    expect(await recordsIn(cache)).toMatchObject([
      { created: [{ model: 'Mark', id: 'ABC', obj_as_str: 'ABC', data: { name: 'ABC', size: 1 } }] },
      { deleted: [{ model: 'Mark', id: 'ABC' }] },
    ])
  })

  it('finds rows by keys of several parts', async () => {
    const dataSource = await open(Shelf)
    const shelf = await way.seed(dataSource, make(Shelf, { hall: 'east', place: 7, code: 'E7' }))
    await way.save(dataSource, [make(Volume, { name: 'one', shelf }), make(Volume, { name: 'two', shelf })])
    const [record] = await recordsIn(cache)
    expect(record!.updated).toMatchObject([
      {
        model: 'Shelf',
        id: 'east,7',
        data: { hall: 'east', place: 7, plate: null, volumes: [{ name: 'one', shelf: { hall: 'east', place: 7 } }, { name: 'two' }] },
      },
    ])
  })

  it('finds rows by other columns than the key', async () => {
    const dataSource = await open(Shelf)
    const shelf = await way.seed(dataSource, make(Shelf, { hall: 'east', place: 7, code: 'E7' }))
    const plate = await way.save(dataSource, make(Plate, { text: 'hello', shelf }))
    await way.remove(dataSource, plate)
    const [first, second] = await recordsIn(cache)
    expect(first!.updated).toMatchObject([{ id: 'east,7', data: { plate: { text: 'hello', shelf: { code: 'E7' } } } }])
    expect(second!.updated).toMatchObject([{ id: 'east,7', data: { plate: null } }])
  })

  it('tells roots as deleted, or as updated, that the database deletes, or lets go, with a row', async () => {
    const dataSource = await open(Shelf, Volume, Plate)
    const shelf = await way.seed(dataSource, make(Shelf, { hall: 'east', place: 7, code: 'E7' }))
    await way.seed(dataSource, make(Volume, { name: 'v', shelf }))
    await way.seed(dataSource, make(Plate, { text: 'p', shelf }))
    await way.remove(dataSource, shelf)
    expect((await recordsIn(cache)).map(namesOf)).toEqual([{ created: [], updated: ['Plate 1'], deleted: ['Shelf east,7', 'Volume 1'] }])
    expect((await recordsIn(cache))[0]!.updated[0]!.data).toMatchObject({ shelf: null })
  })

  it('has more rows than one statement can ask for', async () => {
    const dataSource = await open()
    await way.save(
      dataSource,
      Array.from({ length: 1_203 }, (_, at) => make(Writer, { name: `w${at}` })),
    )
    const [record] = await recordsIn(cache)
    expect(record!.created.map(({ obj_as_str }) => obj_as_str)).toEqual(Array.from({ length: 1_203 }, (_, at) => `w${at}`))
  })
})

const describeSqlite = databaseName() === 'better-sqlite3' ? describe : describe.skip

describeSqlite('a record of very many rows', () => {
  afterEach(closeDataSources)

  it('has all of them', async () => {
    const cache = new Keyv()
    const extensions = [ChangeCache.with({ cache, neighbours: true, timeoutMs: 60_000 })]
    const dataSource = await openOnUsedTables({ entities: entities as never, subscribers: [sessionSubscriber({ extensions })] })
    const shelf = await dataSource.manager.save(make(Shelf, { hall: 'east', place: 7, code: 'E7' }))
    await dataSource.query(
      `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 130000)
       INSERT INTO volume(name, "shelfHall", "shelfPlace") SELECT 'v', 'east', 7 FROM n`,
    )
    await cache.clear()
    await dataSource.manager.save(Object.assign(shelf, { code: 'E8' }))
    expect((await recordsIn(cache))[0]!.updated).toHaveLength(130_001)
  }, 60_000)
})
