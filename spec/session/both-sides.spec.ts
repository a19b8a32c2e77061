/**
 * Junction rows, which two collections tell of: of rows that go, and of sides that are brought in step later.
 *
 * @module
 */
import type { OpenSession } from 'flushpoint'
import { describeDatabase } from '../support/databases.js'
import { Course, GRAPH, Student } from '../support/graph.js'
import { make, useSessions } from '../support/sessions.js'
import { Album, Hall, TIES } from '../support/ties.js'

const db = useSessions([...TIES, ...GRAPH])

const links = async () =>
  (await db.rows(Course, 'students')).flatMap(({ name, students }) => students!.map((student) => `${name} ${student.name}`)).sort()
const exhibited = async () =>
  (await db.rows(Album, 'halls')).flatMap(({ name, halls }) => halls!.map((hall) => `${name} ${hall.name}`)).sort()

/** A student and a course that know each other's side, in the session and unlinked. */
async function school(session: OpenSession) {
  const student = make(Student, { name: 'Ann', courses: [] })
  const course = make(Course, { name: 'logic', students: [] })
  session.add(student, course)
  await session.flush()
  return { student, course }
}

describeDatabase('the junction rows of a deleted row', () => {
  it('all go, also those that only the other side had made', async () => {
    const session = db.open()
    const hall = make(Hall, { name: 'red', albums: [] })
    const [summer, winter] = [make(Album, { name: 'summer', halls: [hall] }), make(Album, { name: 'winter' })]
    session.add(summer, winter, hall)
    hall.albums!.push(winter)
    await session.flush()
    expect(await exhibited()).toEqual(['summer red', 'winter red'])
    session.delete(hall)
    await session.flush()

    expect([await exhibited(), await db.rows(Hall), await db.column(Album, 'name')]).toEqual([[], [], ['summer', 'winter']])
  }) // A1

  it('all go, also those that were made elsewhere after the row was loaded with its collection', async () => {
    const [red] = await db.save(Hall, { name: 'red' }, { name: 'blue' })
    await db.save(Album, { name: 'summer', halls: await db.rows(Hall) }, { name: 'winter' })
    const session = db.open()
    const hall = await session.find(Hall, { name: 'red' }).with('albums').one()
    const [, winter] = await db.rows(Album)
    await db.ds.createQueryBuilder().relation(Album, 'halls').of(winter!.id).add(red!.id)
    session.delete(hall as Hall)
    const sent = await db.sent(() => session.flush())

    expect(sent).toEqual(['BEGIN', 'DELETE album_halls_hall', 'DELETE hall', 'COMMIT'])
    expect(await exhibited()).toEqual(['summer blue'])
  }) // A1

  it('all go when the owner is deleted', async () => {
    const [red, blue] = await db.save(Hall, { name: 'red' }, { name: 'blue' })
    await db.save(Album, { name: 'summer', halls: [red!] }, { name: 'winter', halls: [red!] })
    const session = db.open()
    const album = await session.find(Album, { name: 'summer' }).with('halls').one()
    await db.ds.createQueryBuilder().relation(Album, 'halls').of(album.id).add(blue!.id)
    session.delete(album as Album)
    await session.flush()

    expect([await exhibited(), await db.column(Hall, 'name')]).toEqual([['winter red'], ['red', 'blue']])
  })

  it('all go, and those of its neighbour stay, when both sides change in one flush', async () => {
    const [red, blue] = await db.save(Hall, { name: 'red' }, { name: 'blue' })
    await db.save(Album, { name: 'summer', halls: [red!] }, { name: 'winter', halls: [red!] })
    const session = db.open()
    const [summer, winter] = await session.find(Album).with('halls').order({ id: 'ASC' }).all()
    winter!.halls.push((await session.getOrFail(Hall, blue!.id)) as never)
    summer!.halls = []
    session.delete(await session.getOrFail(Hall, red!.id))
    await session.flush()

    expect([await exhibited(), await db.column(Hall, 'name')]).toEqual([['winter blue'], ['blue']])
  })
})

describeDatabase('both sides of a many-to-many', () => {
  it('are linked once when they are kept in step over two flushes', async () => {
    const session = db.open()
    const { student, course } = await school(session)
    student.courses!.push(course)
    await session.flush()
    course.students!.push(student)

    expect(await db.sent(() => session.flush())).toEqual([])
    expect(await db.sent(() => session.flush())).toEqual([])
    expect(await links()).toEqual(['logic Ann'])
  }) // A5

  it('are unlinked once when they are kept in step over two flushes', async () => {
    const session = db.open()
    const { student, course } = await school(session)
    student.courses!.push(course)
    course.students!.push(student)
    await session.flush()
    student.courses!.pop()
    await session.flush()
    expect(await links()).toEqual([])
    course.students!.pop()

    expect(await db.sent(() => session.flush())).toEqual([])
    expect(await links()).toEqual([])
  }) // A5

  it('are linked when one side drops the other and takes it back', async () => {
    const session = db.open()
    const { student, course } = await school(session)
    student.courses!.push(course)
    await session.flush()
    course.students!.push(student)
    await session.flush()
    student.courses!.pop()
    course.students!.pop()
    await session.flush()
    expect(await links()).toEqual([])
    course.students!.push(student)
    await session.flush()

    expect(await links()).toEqual(['logic Ann'])
  })

  it('are linked when the side that dropped the other takes it back, the other having been left as it was', async () => {
    const session = db.open()
    const { student, course } = await school(session)
    student.courses!.push(course)
    course.students!.push(student)
    await session.flush()
    student.courses!.pop()
    await session.flush()
    expect(await links()).toEqual([])
    student.courses!.push(course)
    await session.flush()

    expect(await links()).toEqual(['logic Ann'])
  }) // A5

  it('are unlinked by the side that did not link them', async () => {
    await db.save(Student, { name: 'Ann' })
    await db.save(Course, { name: 'logic' })
    const session = db.open()
    const student = await session.find(Student).with('courses').one()
    const course = await session.find(Course).with('students').one()
    student.courses.push(course as never)
    await session.flush()
    expect(course.students).toEqual([student]) // the other side is loaded, so it has followed
    course.students.pop()
    await session.flush()

    expect(await links()).toEqual([])
    expect(student.courses).toEqual([])
  })
})
