/**
 * Collections are written by the difference of their members.
 *
 * @module
 */
import { describeDatabase } from '../support/databases.js'
import { Course, GRAPH, Person, Student } from '../support/graph.js'
import { errorOf, make, useSessions } from '../support/sessions.js'
import { Album, Hall, Photo, TIES } from '../support/ties.js'

const db = useSessions([...TIES, ...GRAPH])
const names = (rows: readonly { name: string }[] | undefined) => rows?.map(({ name }) => name).sort()

/** An album in halls a and b, and a hall c. */
async function loaded() {
  const [a, b] = await db.save(Hall, { name: 'a' }, { name: 'b' }, { name: 'c' })
  await db.save(Album, { name: 'summer', halls: [a!, b!] })
  const session = db.open()
  const album = await session.find(Album).with('halls').one()
  const [, , c] = await session.find(Hall).order({ name: 'ASC' }).all()
  return { session, album, c: c! }
}

describeDatabase('members of a many-to-many', () => {
  it('are linked and unlinked as they come and go, and nothing else is written', async () => {
    const { session, album, c } = await loaded()
    album.halls = [...album.halls.filter(({ name }) => name !== 'a'), c]
    const statements = await db.sent(() => session.flush())

    expect(statements.sort()).toEqual(['BEGIN', 'COMMIT', 'DELETE album_halls_hall', 'INSERT album_halls_hall'])
    expect(names((await db.rows(Album, 'halls'))[0]!.halls)).toEqual(['b', 'c'])
    expect(await db.sent(() => session.flush())).toEqual([])
  })

  it('are compared as a set: order and a new array mean nothing', async () => {
    const { session, album } = await loaded()
    album.halls = album.halls.toReversed()

    expect(await db.sent(() => session.flush())).toEqual([])
  })

  it('are linked once when they are listed twice', async () => {
    const { session, album, c } = await loaded()
    album.halls.push(c, c)
    await session.flush()

    expect(names((await db.rows(Album, 'halls'))[0]!.halls)).toEqual(['a', 'b', 'c'])
  })

  it('are left alone where the collection was not loaded', async () => {
    await loaded()
    const session = db.open()
    const album = await session.find(Album).one()
    album.name = 'winter'
    await session.flush()

    expect(names((await db.rows(Album, 'halls'))[0]!.halls)).toEqual(['a', 'b'])
  })

  it('are all unlinked by an empty array', async () => {
    const { session, album } = await loaded()
    album.halls = []
    await session.flush()

    expect((await db.rows(Album, 'halls'))[0]!.halls).toEqual([])
    expect(await db.rows(Hall)).toHaveLength(3)
  })

  it('can be edited from the inverse side', async () => {
    const { session, album } = await loaded()
    const hall = await session.find(Hall, { name: 'c' }).with('albums').one()
    hall.albums.push(album)
    await session.flush()

    expect(names((await db.rows(Album, 'halls'))[0]!.halls)).toEqual(['a', 'b', 'c'])
  })

  it('are linked once when both sides say so, and unlinked once', async () => {
    const session = db.open()
    const [student, course] = [make(Student, { name: 'Ann' }), make(Course, { name: 'Logic' })]
    student.courses = [course]
    course.students = [student]
    session.add(student)
    const links = async () => (await db.sent(() => session.flush())).filter((line) => line.endsWith('course_students_student'))

    expect(await links()).toEqual(['INSERT course_students_student'])
    student.courses = []
    course.students = []
    expect(await links()).toEqual(['DELETE course_students_student'])
  })

  it('of a class with itself are linked in the right direction', async () => {
    const session = db.open()
    const [ann, bob] = [make(Person, { name: 'Ann' }), make(Person, { name: 'Bob' })]
    ann.follows = [bob]
    session.add(ann, bob)
    await session.flush()

    const people = await db.rows(Person, 'follows', 'followers')
    expect(people.map(({ follows, followers }) => [names(follows), names(followers)])).toEqual([
      [['Bob'], []],
      [[], ['Ann']],
    ])
  })

  it('are unlinked when either side is deleted, also where it was not loaded', async () => {
    const { album } = await loaded()
    const session = db.open()
    session.delete(await session.find(Hall, { name: 'a' }).one())
    await session.flush()
    expect(names((await db.rows(Album, 'halls'))[0]!.halls)).toEqual(['b'])

    session.delete(await session.getOrFail(Album, album.id))
    await session.flush()
    expect([await db.rows(Album), names(await db.rows(Hall))]).toEqual([[], ['b', 'c']])
  })

  it('may stay in the array of the other side when they are deleted', async () => {
    const { session, album } = await loaded()
    session.delete(album.halls[0]! as Hall)
    await session.flush()
    expect(await db.sent(() => session.flush())).toEqual([])
    album.halls = album.halls.slice(1)
    await session.flush()

    expect(names((await db.rows(Album, 'halls'))[0]!.halls)).toEqual(names(album.halls))
  })

  it('that somebody else has unlinked already can be unlinked', async () => {
    const { session, album } = await loaded()
    await db.ds.createQueryBuilder().relation(Album, 'halls').of(album.id).remove(album.halls[0]!.id)
    album.halls = []
    await session.flush()

    expect((await db.rows(Album, 'halls'))[0]!.halls).toEqual([])
  })

  it('are linked again when a removed one comes back in a later flush', async () => {
    const { session, album } = await loaded()
    const [first] = album.halls.splice(0, 1)
    await session.flush()
    album.halls.push(first!)
    await session.flush()

    expect(names((await db.rows(Album, 'halls'))[0]!.halls)).toEqual(['a', 'b'])
  })

  it('are told by name in changes', async () => {
    const told: unknown[] = []
    const { session, album, c } = await loaded()
    await session.begin()
    session.onCommit((changes) => void told.push(...changes.map(({ kind, relations }) => [kind, relations])))
    const [removed] = album.halls.splice(0, 1)
    album.halls.push(c)
    await session.commit()

    expect(told).toEqual([['update', { halls: { added: [c], removed: [removed] } }]])
  }) // statement 13
})

describeDatabase('members of a one-to-many', () => {
  it('get the key of their parent, and lose it', async () => {
    await db.save(Album, { name: 'summer', photos: [make(Photo, { name: 'one' }), make(Photo, { name: 'two' })] })
    const session = db.open()
    const album = await session.find(Album).with('photos').one()
    album.photos.splice(
      album.photos.findIndex(({ name }) => name === 'one'),
      1,
    )
    album.photos.push(make(Photo, { name: 'three' }))
    await session.flush()

    expect((await db.rows(Photo, 'album')).map(({ name, album: parent }) => [name, parent?.id])).toEqual([
      ['one', undefined],
      ['two', album.id],
      ['three', album.id],
    ])
    expect(await db.sent(() => session.flush())).toEqual([])
  })

  it('move from one parent to another', async () => {
    await db.save(Album, { name: 'summer', photos: [make(Photo, { name: 'one' })] })
    await db.save(Album, { name: 'winter' })
    const session = db.open()
    const [summer, winter] = await session.find(Album).with('photos').order({ id: 'ASC' }).all()
    winter!.photos.push(summer!.photos.pop()!)
    const sent = await db.sent(() => session.flush())

    expect(sent.filter((line) => line.startsWith('UPDATE'))).toEqual(['UPDATE photo'])
    expect((await db.rows(Album, 'photos')).map(({ photos }) => names(photos))).toEqual([[], ['one']])
  })

  it('follow their own reference when that was changed and the collections were not', async () => {
    await db.save(Album, { name: 'summer', photos: [make(Photo, { name: 'one' })] })
    await db.save(Album, { name: 'winter' })
    const session = db.open()
    const [summer, winter] = await session.find(Album).with('photos', 'photos.album').order({ id: 'ASC' }).all()
    const photo = summer!.photos[0] as Photo
    photo.album = winter!
    await session.flush()

    expect((await db.rows(Album, 'photos')).map(({ photos }) => names(photos))).toEqual([[], ['one']])
    expect(await db.sent(() => session.flush())).toEqual([])
  })

  it('have their loaded reference changed with the row', async () => {
    await db.save(Album, { name: 'summer', photos: [make(Photo, { name: 'one' })] })
    await db.save(Album, { name: 'winter' })
    const session = db.open()
    const [summer, winter] = await session.find(Album).with('photos', 'photos.album').order({ id: 'ASC' }).all()
    const photo = summer!.photos.pop() as Photo
    winter!.photos.push(photo as never)
    await session.flush()

    expect(photo.album).toBe(winter)
    expect(await db.sent(() => session.flush())).toEqual([])
  })

  it('may stay in the array of their parent when they are deleted', async () => {
    await db.save(Album, { name: 'summer', photos: [make(Photo, { name: 'one' })] })
    const session = db.open()
    const album = await session.find(Album).with('photos').one()
    session.delete(album.photos[0] as Photo)
    await session.flush()
    expect(await db.sent(() => session.flush())).toEqual([])
    album.photos = []

    expect(await db.sent(() => session.flush())).toEqual([])
    expect(await db.rows(Photo)).toEqual([])
  }) // statement 14

  it('that are new and not added are refused where the relation does not cascade', async () => {
    const session = db.open()
    const person = make(Person, { name: 'Ann', followers: [make(Person, { name: 'Bob' })] })
    session.add(person)

    expect(await errorOf(session.flush())).toMatchObject({ code: 'RELATION_TARGET_UNSAVED' })
  })
})
