/**
 * What becomes of a row whose parent drops it: as its relation declares.
 *
 * @module
 */
import { describeDatabase } from '../support/databases.js'
import { make, useSessions } from '../support/sessions.js'
import { Album, Frame, Photo, Print, Proof } from '../support/ties.js'

const db = useSessions()

/** Two children of each kind, all loaded. */
async function loaded() {
  const two = <E extends object>(type: new () => E) => ['one', 'two'].map((name) => make(type, { name } as unknown as Partial<E>))
  await db.save(Album, { name: 'summer', photos: two(Photo), prints: two(Print), frames: two(Frame), proofs: two(Proof) })
  const session = db.open()
  const album = await session.find(Album).with('photos', 'prints', 'frames', 'proofs').one()
  for (const list of [album.photos, album.prints, album.frames, album.proofs]) (list as { id: number }[]).sort((a, b) => a.id - b.id)
  return { session, album }
}

describeDatabase('orphans', () => {
  it('lose the key of their parent by default', async () => {
    const { session, album } = await loaded()
    album.photos.shift()
    await session.flush()

    expect((await db.rows(Photo, 'album')).map(({ album: parent }) => parent?.name)).toEqual([undefined, 'summer'])
  })

  it('are deleted where that is declared', async () => {
    const { session, album } = await loaded()
    const orphan = album.prints.shift()!
    const result = await session.flush()

    expect(result.deleted).toBe(1)
    expect(await db.column(Print, 'name')).toEqual(['two'])
    expect(session.state(orphan).status).toBe('detached')
    expect(await db.sent(() => session.flush())).toEqual([])
  })

  it('are soft-removed where that is declared', async () => {
    const { session, album } = await loaded()
    const orphan = album.frames.shift() as Frame
    const result = await session.flush()

    expect(result.softRemoved).toBe(1)
    expect((await db.rows(Frame)).map(({ deletedAt }) => Boolean(deletedAt))).toEqual([true, false])
    expect(orphan.deletedAt).toEqual(expect.any(Date))
  })

  it('are left alone where that is declared', async () => {
    const { session, album } = await loaded()
    album.proofs.shift()

    expect((await db.sent(() => session.flush())).filter((line) => /^(UPDATE|DELETE)/.test(line))).toEqual([])
    expect((await db.rows(Proof, 'album')).map(({ album: parent }) => parent?.name)).toEqual(['summer', 'summer'])
  })

  it('are not orphans when another parent takes them', async () => {
    const { session, album } = await loaded()
    const other = make(Album, { name: 'winter', prints: [album.prints.shift() as Print] })
    session.add(other)
    await session.flush()

    expect((await db.rows(Print, 'album')).map(({ album: parent }) => parent.name)).toEqual(['winter', 'summer'])
  })

  it('are not orphans when their own reference leads elsewhere', async () => {
    const { session, album } = await loaded()
    const other = make(Album, { name: 'winter' })
    session.add(other)
    const print = album.prints.shift() as Print
    print.album = other
    await session.flush()

    expect((await db.rows(Print, 'album')).map(({ album: parent }) => parent.name)).toEqual(['winter', 'summer'])
  })

  it('are dropped without SQL when they were never inserted', async () => {
    const { session, album } = await loaded()
    album.prints.push(make(Print, { name: 'three' }) as never)
    album.prints.pop()

    expect(await db.sent(() => session.flush())).toEqual([])
  })

  it('run their hooks', async () => {
    await loaded()
    const seen: string[] = []
    const session = db.open({
      beforeDelete: (entity) => void seen.push(`delete ${(entity as Print).name}`),
      beforeSoftRemove: (entity) => void seen.push(`soft-remove ${(entity as Frame).name}`),
      beforeUpdate: (entity) => void (entity instanceof Photo && seen.push(`update ${entity.name}`)),
    })
    const album = await session.find(Album).with('photos', 'prints', 'frames').one()
    album.photos = []
    album.prints = []
    album.frames = []
    await session.flush()

    expect(seen.sort()).toEqual(['delete one', 'delete two', 'soft-remove one', 'soft-remove two', 'update one', 'update two'])
  })

  it('come back when the flush is rolled back', async () => {
    const { session, album } = await loaded()
    await session.begin()
    album.prints.length = 0
    album.frames.length = 0
    album.photos.length = 0
    await session.flush()
    await session.rollback()

    expect([album.prints, album.frames, album.photos].map((list) => list.length)).toEqual([2, 2, 2])
    expect(album.frames.map((frame) => (frame as Frame).deletedAt)).toEqual([null, null])
    expect(await db.sent(() => session.flush())).toEqual([])
    expect([await db.rows(Print), await db.rows(Frame), await db.rows(Photo)].map((rows) => rows.length)).toEqual([2, 2, 2])
  })

  it('are all found when the collection is replaced', async () => {
    const { session, album } = await loaded()
    album.prints = [make(Print, { name: 'three' })] as never
    await session.flush()

    expect(await db.column(Print, 'name')).toEqual(['three'])
  })
})
