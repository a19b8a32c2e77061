/**
 * What `session.uow.relations` tells before a flush: which collections gain and lose members, whatever rows that means.
 *
 * @module
 */
import { openSession, sessionSubscriber, SessionExtension } from 'flushpoint'
import { Column, Entity, ManyToOne, OneToMany, PrimaryGeneratedColumn, type DataSource } from 'typeorm'
import { describeDatabase, openDataSource } from '../support/databases.js'
import { fresh } from '../support/hooks.js'
import { Basket, Course, GRAPH, Line, Person, Slip, Student } from '../support/graph.js'
import { Book, Essay, Imprint, LIBRARY, Topic } from '../support/library.js'
import { make } from '../support/models.js'
import { emptyTables } from '../support/sessions.js'
import { Album, Hall, Photo, Proof, TIES } from '../support/ties.js'
import { describeWays, type WayIn } from '../support/ways-in.js'

@Entity()
class Shelf {
  @PrimaryGeneratedColumn() id: number
  @Column() name: string
  @OneToMany(() => Jar, (jar) => jar.shelf, { persistence: false }) jars?: Jar[]
}

@Entity()
class Jar {
  @PrimaryGeneratedColumn() id: number
  @Column() name: string
  @ManyToOne(() => Shelf, (shelf) => shelf.jars, { nullable: true }) shelf?: Shelf | null
}

let ds: DataSource
/** One list of edits for each flush, as text: `Course logic.students +Ann -Bob`. */
let flushes: string[][] = []
/** What happens in beforeFlush, before the edits are read. */
let before: (extension: SessionExtension) => unknown = () => undefined
let after: unknown[] = []

const nameOf = (entity: object) => (entity as { name?: string }).name ?? `#${(entity as { id: number }).id}`

class Watch extends SessionExtension {
  override beforeFlush() {
    before(this)
    const edits = this.session.uow.relations.map(({ entity, target, relation, added, removed }) => {
      const members = [...added.map((one) => `+${nameOf(one)}`), ...removed.map((one) => `-${(one as { id: number }).id}`)]
      return `${(target as { name: string }).name} ${nameOf(entity)}.${relation} ${members.join(' ')}`
    })
    flushes.push(edits)
  }
  override afterFlush() {
    after.push(this.session.uow.relations)
  }
}

beforeAll(async () => {
  const entities = [...GRAPH, ...LIBRARY, ...TIES, Shelf, Jar]
  ds = await openDataSource({ entities, subscribers: [sessionSubscriber({ extensions: [Watch] })] })
})
afterEach(async () => {
  flushes = []
  after = []
  before = () => undefined
  await emptyTables(ds)
})

const student = (name: string) => make(Student, { name })
const course = (name: string, students?: Student[]) => make(Course, { name, ...(students && { students }) })
const storedCourse = async (way: WayIn, ...names: string[]) => {
  const { id } = await way.seed(ds, course('logic', names.map(student)))
  return way.load(ds, Course, { id }, 'students')
}
const studentsOf = async (id: number) => (await fresh(ds, Course, id, 'students')).students!.map(({ name }) => name).sort()

describeWays('edits of a many-to-many', (way) => {
  it('are the members that come and go', async () => {
    const logic = await storedCourse(way, 'Ann', 'Bob')
    const cid = await way.seed(ds, student('Cid'))
    const [ann, bob] = logic.students!.sort((one, other) => one.name.localeCompare(other.name))
    await way.save(ds, Object.assign(logic, { students: [ann, cid] }))
    expect(flushes).toEqual([[`Course logic.students +Cid -${bob!.id}`]])
    expect(await studentsOf(logic.id)).toEqual(['Ann', 'Cid'])
  })

  it('are told of the inverse side where that was edited', async () => {
    const logic = await way.seed(ds, course('logic'))
    const { id } = await way.seed(ds, student('Ann'))
    const ann = await way.load(ds, Student, { id }, 'courses')
    ann.courses!.push(logic)
    await way.save(ds, ann)
    expect(flushes).toEqual([['Student Ann.courses +logic']])
    expect(await studentsOf(logic.id)).toEqual(['Ann'])
  })

  it('are told of the side of a class with itself that was edited', async () => {
    const [ann, bob] = await way.seed(ds, [make(Person, { name: 'Ann' }), make(Person, { name: 'Bob' })])
    const one = await way.load(ds, Person, { id: ann!.id }, 'follows')
    one.follows!.push(bob!)
    await way.save(ds, one)
    expect(flushes).toEqual([['Person Ann.follows +Bob']])
    expect((await fresh(ds, Person, bob!.id, 'followers')).followers!.map(({ name }) => name)).toEqual(['Ann'])
  })

  it('are all members of a new owner', async () => {
    const ann = await way.seed(ds, student('Ann'))
    await way.save(ds, course('logic', [ann, student('Bob')]))
    expect(flushes).toEqual([['Course logic.students +Ann +Bob']])
  })

  it('are those of embedded collections, by their path', async () => {
    const book = await way.save(ds, make(Book, { name: 'b', imprint: make(Imprint, { topics: [make(Topic, { name: 't' })] }) }))
    expect(flushes).toEqual([['Book b.imprint.topics +t']])
    flushes = []
    book.imprint.topics = []
    const [{ id }] = (await ds.manager.find(Topic)) as [Topic]
    await way.save(ds, book)
    expect(flushes).toEqual([[`Book b.imprint.topics -${id}`]])
  })

  it('are those of lazy collections, too', async () => {
    const essay = new Essay()
    essay.name = 'e'
    essay.topics = Promise.resolve([make(Topic, { name: 't' })])
    await way.save(ds, essay)
    expect(flushes).toEqual([['Essay e.topics +t']])
    expect(await (await fresh(ds, Essay, essay.id)).topics).toMatchObject([{ name: 't' }])
  })
})

describeWays('edits of a one-to-many', (way) => {
  const stored = async <E extends { id: number }>(type: new () => E, values: Partial<E>, ...relations: string[]) => {
    const { id } = await way.seed(ds, make(type, values))
    return way.load(ds, type, { id } as never, ...relations)
  }

  it('are the members that come and go, whatever becomes of those', async () => {
    const values = { name: 'b', lines: [make(Line, { name: 'l' })], slips: [make(Slip, { name: 's' })] }
    const basket = await stored(Basket, values, 'lines', 'slips')
    const [line, slip] = [basket.lines![0]!, basket.slips![0]!]
    await way.save(ds, Object.assign(basket, { lines: [make(Line, { name: 'l2' })], slips: [] }))
    expect(flushes.flat().sort()).toEqual([`Basket b.lines +l2 -${line.id}`, `Basket b.slips -${slip.id}`])
    expect((await ds.manager.find(Line)).map(({ name }) => name)).toEqual(['l2'])
  })

  it('are all members of a new owner', async () => {
    await way.save(ds, make(Album, { name: 'a', photos: [make(Photo, { name: 'p' })], halls: [make(Hall, { name: 'h' })] }))
    expect(flushes.flat().sort()).toEqual(['Album a.halls +h', 'Album a.photos +p'])
  })

  it('are none of those that are left where they are', async () => {
    const album = await stored(Album, { name: 'a', proofs: [make(Proof, { name: 'p' })] }, 'proofs')
    await way.save(ds, Object.assign(album, { name: 'b', proofs: [] }))
    expect(flushes).toEqual([[]])
    expect((await fresh(ds, Album, album.id, 'proofs')).proofs).toHaveLength(1)
  })

  it('are all that it had where it is set to null', async () => {
    const album = await stored(Album, { name: 'a', photos: [make(Photo, { name: 'p' })] }, 'photos')
    const [photo] = album.photos!
    await way.save(ds, Object.assign(album, { photos: null }))
    expect(flushes).toEqual([[`Album a.photos -${photo!.id}`]])
    expect((await fresh(ds, Photo, photo!.id, 'album')).album).toBeNull()
  })

  it('are told of both owners when a member moves', async () => {
    const one = await stored(Album, { name: 'one', photos: [make(Photo, { name: 'p' })] }, 'photos')
    const other = await stored(Album, { name: 'other' }, 'photos')
    const photo = one.photos!.pop()!
    other.photos!.push(photo)
    await way.save(ds, [one, other])
    expect(flushes.flat().sort()).toEqual([`Album one.photos -${photo.id}`, 'Album other.photos +p'])
    expect((await fresh(ds, Photo, photo.id, 'album')).album?.name).toBe('other')
  })

  it('are none of a relation that is only read', async () => {
    const jar = await way.seed(ds, make(Jar, { name: 'j' }))
    await way.save(ds, make(Shelf, { name: 's', jars: [jar] }))
    expect(flushes).toEqual([[]])
  })
})

describeWays('session.uow.relations', (way) => {
  it('has nothing of collections that are not loaded, or have the members they had', async () => {
    const { id } = await storedCourse(way, 'Ann')
    const unloaded = await way.load(ds, Course, { id })
    await way.save(ds, Object.assign(unloaded, { name: 'ethics' }))
    const logic = await way.load(ds, Course, { id }, 'students')
    await way.save(ds, Object.assign(logic, { name: 'physics', students: [...logic.students!] }))
    expect(flushes).toEqual([[], []])
  })

  it('has nothing of an owner that is deleted', async () => {
    const logic = await storedCourse(way, 'Ann')
    await way.remove(ds, logic)
    expect(flushes).toEqual([[]])
  })

  it('has what a hook has done to loaded collections before', async () => {
    const logic = await storedCourse(way, 'Ann')
    const bob = await way.seed(ds, student('Bob'))
    before = () => logic.students!.push(bob)
    await way.save(ds, Object.assign(logic, { name: 'ethics' }))
    expect(flushes).toEqual([['Course ethics.students +Bob']])
    expect(await studentsOf(logic.id)).toEqual(['Ann', 'Bob'])
  })

  it('has nothing of members that were there, of an owner that a hook brings in', async () => {
    const logic = await storedCourse(way, 'Ann')
    before = ({ session }) => session.add(Object.assign(logic, { name: 'ethics' }))
    await way.save(ds, student('Bob'))
    expect(flushes).toEqual([[]])
    expect((await ds.manager.find(Course)).map(({ name }) => name)).toEqual(['ethics'])
    expect(await studentsOf(logic.id)).toEqual(['Ann'])
  })

  it('has nothing of an owner that a hook takes out of the flush', async () => {
    const logic = await storedCourse(way, 'Ann')
    before = ({ session }) => session.expunge(logic)
    await way.save(ds, Object.assign(logic, { name: 'ethics', students: [] }))
    expect(flushes).toEqual([[]])
    expect(await studentsOf(logic.id)).toEqual(['Ann'])
  })

  it('has nothing of a new member that a hook has deleted', async () => {
    const [logic, bob] = [course('logic', [student('Ann')]), student('Bob')]
    logic.students!.push(bob)
    before = ({ session }) => session.delete(bob)
    await way.save(ds, logic)
    expect(flushes).toEqual([['Course logic.students +Ann']])
    expect(await studentsOf(logic.id)).toEqual(['Ann'])
  })

  it('is empty after the statements', async () => {
    await way.save(ds, course('logic', [student('Ann')]))
    expect(after).toEqual([[]])
  })

  it('is told with the real objects and cannot be changed', async () => {
    const logic = course('logic', [student('Ann')])
    const found: unknown[] = []
    before = ({ session }) => {
      const { uow } = session
      const [edit] = uow.relations
      expect(edit!.entity).toBe(logic)
      expect(edit!.added[0]).toBe(logic.students![0])
      expect(edit!.target).toBe(Course)
      found.push(uow.relations === uow.relations, Object.isFrozen(uow.relations), Object.isFrozen(edit))
    }
    await way.save(ds, logic)
    expect(found).toEqual([true, true, true])
  })
})

describeDatabase('session.uow.relations of an open session', () => {
  it('may be read at any time, and follows the objects', async () => {
    await using session = openSession(ds)
    const logic = course('logic', [])
    session.add(logic)
    expect(session.uow.relations).toEqual([])
    const ann = student('Ann')
    logic.students!.push(ann)
    expect(session.uow.relations).toEqual([{ entity: logic, target: Course, relation: 'students', added: [ann], removed: [] }])
    await session.flush()
    expect(session.uow.relations).toEqual([])
    logic.students!.pop()
    expect(session.uow.relations).toMatchObject([{ added: [], removed: [ann] }])
  })

  it('tells both sides where both were edited, though one row is written', async () => {
    await using session = openSession(ds)
    const [logic, ann] = [course('logic', []), Object.assign(student('Ann'), { courses: [] as Course[] })]
    session.add(logic, ann)
    await session.flush()
    flushes = []
    logic.students!.push(ann)
    ann.courses.push(logic)
    await session.flush()
    expect(flushes.flat().sort()).toEqual(['Course logic.students +Ann', 'Student Ann.courses +logic'])
    expect(await studentsOf(logic.id)).toEqual(['Ann'])
  })

  it('has nothing of a member that is deleted in the same flush', async () => {
    await using session = openSession(ds)
    const [logic, ann] = [course('logic', []), student('Ann')]
    session.add(logic, ann)
    await session.flush()
    logic.students!.push(ann)
    session.delete(ann)
    expect(session.uow.relations).toEqual([])
    await session.flush()
    expect(await studentsOf(logic.id)).toEqual([])
  })

  it('has what a graph holds that cannot be written as it is, so that hooks can mend it', async () => {
    await using session = openSession(ds)
    const [hall, album] = [make(Hall, { name: 'h' }), make(Album, { name: 'a' })]
    hall.albums = [album] // does not cascade
    before = () => session.add(album)
    session.add(hall)
    expect(session.uow.relations).toMatchObject([{ entity: hall, relation: 'albums', added: [album] }])
    await session.flush()
    expect(flushes).toEqual([['Hall h.albums +a']])
    expect((await fresh(ds, Album, album.id, 'halls')).halls).toMatchObject([{ name: 'h' }])
  })
})
