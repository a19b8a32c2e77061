/**
 * What two sides of a relation say at different times, and what goes while others still lead to it.
 *
 * @module
 */
import { Bunk, CREW, Sailor } from '../support/crew.js'
import { describeDatabase } from '../support/databases.js'
import { Post, Poster } from '../support/session-models.js'
import { errorOf, make, useSessions } from '../support/sessions.js'
import { Album, Folder, Hall, Photo, Print, TIES } from '../support/ties.js'

const db = useSessions([...TIES, ...CREW, Post, Poster])

const named = <E extends { name: string }>(type: new () => E, ...names: string[]) =>
  names.map((name) => make(type, { name } as unknown as Partial<E>))
const parents = async () => Object.fromEntries((await db.rows(Folder, 'parent')).map(({ name, parent }) => [name, parent?.name ?? null]))
/** Folders a and b with their children, c in a; as they are loaded. */
async function folders(isParentLoaded = true) {
  await db.save(Folder, { name: 'a', children: named(Folder, 'c') }, { name: 'b' })
  const session = db.open()
  const all = await session.find(Folder).with('children').all()
  if (isParentLoaded) await session.find(Folder).with('parent').all()
  const [a, b, c] = ['a', 'b', 'c'].map((name) => all.find((folder) => folder.name === name) as Folder)
  return { session, a: a!, b: b!, c: c! }
}

describeDatabase('a child that was moved by its own side', () => {
  it.each([true, false])('stays with its new parent when the old collection is tidied later (parent loaded: %p)', async (isLoaded) => {
    const { session, a, b, c } = await folders(isLoaded)
    c.parent = b
    await session.flush()
    a.children!.pop()

    expect(await db.sent(() => session.flush())).toEqual([])
    expect(await parents()).toEqual({ a: null, b: null, c: 'b' })
    expect(c.parent).toBe(b)
    expect(session.isModified(a)).toBe(false)
  }) // A3

  it('keeps its row where orphans are deleted', async () => {
    await db.save(Album, { name: 'summer', prints: named(Print, 'one') }, { name: 'winter' })
    const session = db.open()
    const [summer, winter] = await session.find(Album).with('prints', 'prints.album').order({ id: 'ASC' }).all()
    const print = summer!.prints[0] as Print
    print.album = winter!
    await session.flush()
    summer!.prints = []

    expect(await db.sent(() => session.flush())).toEqual([])
    expect((await db.rows(Print, 'album')).map(({ name, album }) => [name, album.name])).toEqual([['one', 'winter']])
    expect(session.state(print).status).toBe('clean')
  }) // A3

  it('is an orphan again when its new parent drops it', async () => {
    const { session, a, b, c } = await folders()
    c.parent = b
    b.children!.push(c)
    await session.flush()
    a.children = []
    await session.flush()
    b.children = []
    await session.flush()

    expect(await parents()).toEqual({ a: null, b: null, c: null })
    expect(c.parent).toBeNull()
  })

  it('can be taken back by the collection that was tidied', async () => {
    const { session, a, b, c } = await folders()
    c.parent = b
    await session.flush()
    a.children!.pop()
    await session.flush()
    a.children!.push(c)
    await session.flush()

    expect(await parents()).toEqual({ a: null, b: null, c: 'a' })
    expect(c.parent).toBe(a)
  })

  it('sends nothing when the new collection takes it later', async () => {
    const { session, b, c } = await folders()
    c.parent = b
    await session.flush()
    b.children!.push(c)

    expect(await db.sent(() => session.flush())).toEqual([])
    expect(session.isModified(b)).toBe(false)
  }) // A6

  it('sends nothing when the old collection drops it after its own side was emptied', async () => {
    const { session, a, c } = await folders()
    c.parent = null
    await session.flush()
    a.children!.length = 0

    expect(await db.sent(() => session.flush())).toEqual([])
    expect(await parents()).toEqual({ a: null, b: null, c: null })
  }) // A6

  it('runs no hooks for a collection that is tidied', async () => {
    const heard: string[] = []
    const note = (hook: string) => (entity: object) => void heard.push(`${hook} ${(entity as Folder).name}`)
    const session = db.open({ beforeUpdate: note('before'), afterUpdate: note('after') })
    const [a, c] = named(Folder, 'a', 'c') as [Folder, Folder]
    a.children = []
    session.add(a, c)
    await session.flush()
    c.parent = a
    await session.flush()
    a.children.push(c)
    const { updated } = await session.flush()

    expect([heard, updated]).toEqual([['before c', 'after c'], 0])
  }) // A6
})

describeDatabase('a child without a parent', () => {
  it.each(['given as null', 'not given'])('is taken by a collection, its own side %s', async (given) => {
    const session = db.open()
    const [a, c] = named(Folder, 'a', 'c') as [Folder, Folder]
    a.children = []
    session.add(a, c)
    await session.flush()
    if (given === 'given as null') c.parent = null
    expect(await db.sent(() => session.flush())).toEqual([])
    a.children.push(c)
    await session.flush()

    expect(await parents()).toEqual({ a: null, c: 'a' })
    expect(await db.sent(() => session.flush())).toEqual([])
    expect(session.isModified(a)).toBe(false)
  }) // A4
})

describeDatabase('a new entity that is deleted before it has a row', () => {
  it('is not inserted where a collection still leads to it', async () => {
    const session = db.open()
    const [hall, photo] = [make(Hall, { name: 'a' }), make(Photo, { name: 'one' })]
    const album = make(Album, { name: 'summer', halls: [hall], photos: [photo] })
    session.add(album)
    session.delete(hall)
    session.delete(photo)
    await session.flush()

    expect([await db.rows(Hall), await db.rows(Photo)]).toEqual([[], []])
    expect((await db.rows(Album, 'halls')).map(({ halls }) => halls)).toEqual([[]])
    expect([session.state(hall).status, session.state(photo).status]).toEqual(['detached', 'detached'])
    expect(await db.sent(() => session.flush())).toEqual([])
  }) // A7

  it('is not inserted where it was put into a loaded collection', async () => {
    await db.save(Album, { name: 'summer' })
    const session = db.open()
    const album = await session.find(Album).with('halls', 'photos').one()
    const [hall, photo] = [make(Hall, { name: 'a' }), make(Photo, { name: 'one' })]
    album.halls.push(hall as never)
    album.photos.push(photo as never)
    session.add(hall, photo)
    session.delete(hall)
    session.delete(photo)

    expect((await db.sent(() => session.flush())).filter((line) => line.startsWith('INSERT'))).toEqual([])
    expect([await db.rows(Hall), await db.rows(Photo)]).toEqual([[], []])
  }) // A7

  it('is not inserted when the object that leads to it is added once more', async () => {
    const session = db.open()
    const hall = make(Hall, { name: 'a' })
    const album = make(Album, { name: 'summer', halls: [hall] })
    session.add(album)
    session.delete(hall)
    session.add(album)
    await session.flush()

    expect([await db.column(Album, 'name'), await db.rows(Hall)]).toEqual([['summer'], []])
  }) // A7

  it('is inserted when it is added again', async () => {
    const session = db.open()
    const hall = make(Hall, { name: 'a' })
    session.add(make(Album, { name: 'summer', halls: [hall] }))
    session.delete(hall)
    session.add(hall)
    await session.flush()

    expect((await db.rows(Album, 'halls'))[0]!.halls).toMatchObject([{ name: 'a' }])
  })

  it('is refused before anything is written where a reference still leads to it', async () => {
    const session = db.open()
    const author = make(Poster, { name: 'Ann' })
    const post = make(Post, { title: 'hello', author })
    session.add(post)
    session.delete(author)
    const sent = await db.sent(async () => {
      expect(await errorOf(session.flush())).toMatchObject({ code: 'RELATION_TARGET_UNSAVED' })
    })
    expect([sent, await db.rows(Poster)]).toEqual([['BEGIN', 'ROLLBACK'], []])
    post.author = null
    await session.flush()

    expect([await db.column(Post, 'authorId'), await db.rows(Poster)]).toEqual([[null], []])
  }) // A7
})

describeDatabase('the unique value of a row that is deleted', () => {
  /** Ann has the bunk and is Ben's mentor. */
  async function crew() {
    const session = db.open()
    const bunk = make(Bunk, { name: 'lower' })
    const ann = make(Sailor, { name: 'Ann', bunk, callSign: 'A1' })
    const ben = make(Sailor, { name: 'Ben', mentor: ann })
    session.add(bunk, ann, ben)
    await session.flush()
    return { session, bunk, ann, ben }
  }

  it('goes to the row that leads to it no longer, by relation', async () => {
    const { session, bunk, ann, ben } = await crew()
    ben.mentor = null
    ben.bunk = bunk
    session.delete(ann)
    await session.flush()

    expect((await db.rows(Sailor, 'bunk', 'mentor')).map(({ name, ...rest }) => [name, rest.bunk?.name, rest.mentor])).toEqual([
      ['Ben', 'lower', null],
    ])
    expect(await db.sent(() => session.flush())).toEqual([])
  }) // A10

  it('goes to the row that leads to it no longer, by column', async () => {
    const { session, ann, ben } = await crew()
    ben.mentor = null
    ben.callSign = 'A1'
    session.delete(ann)
    const result = await session.flush()

    expect(await db.column(Sailor, 'callSign')).toEqual(['A1'])
    expect([result.updated, result.deleted]).toEqual([1, 1])
  }) // A10

  it('is taken with one statement for each row where nothing else ties them', async () => {
    const { session, ann } = await crew()
    session.add(make(Sailor, { name: 'Cid', callSign: 'A1' }))
    const [, ben] = await session.find(Sailor).order({ id: 'ASC' }).all()
    ben!.mentor = null
    session.delete(ann)
    const sent = await db.sent(() => session.flush())

    expect(sent).toEqual(['BEGIN', 'UPDATE sailor', 'DELETE sailor', 'INSERT sailor', 'COMMIT'])
  })
})

describeDatabase('an entity that is added again', () => {
  it('takes in what its relations lead to by now', async () => {
    await db.save(Album, { name: 'summer' })
    const session = db.open()
    const album = await session.find(Album).with('photos').one()
    const photo = make(Photo, { name: 'one' })
    album.photos.push(photo as never)
    session.add(album as Album)

    expect([session.state(photo).status, session.uow.new.has(photo)]).toEqual(['new', true])
    expect(session.state(album).status).not.toBe('new')
    session.delete(photo)
    await session.flush()
    expect(await db.rows(Photo)).toEqual([])
  }) // A11

  it('takes in what is new below a new entity that was added', async () => {
    const session = db.open()
    const [a, b, c] = named(Folder, 'a', 'b', 'c') as [Folder, Folder, Folder]
    session.add(a)
    b.children = [c]
    a.children = [b]
    session.add(a)

    expect([b, c].map((folder) => session.state(folder).status)).toEqual(['new', 'new'])
  }) // A11
})
