/**
 * What objects are after the transaction they were written in was rolled back.
 *
 * @module
 */
import { describeDatabase } from '../support/databases.js'
import { make, useSessions } from '../support/sessions.js'
import { Account, Album, Folder, Hall, Memo, Photo, Plate } from '../support/ties.js'

const db = useSessions()

describeDatabase('a rollback', () => {
  it('makes a flushed new object transient and takes its key away', async () => {
    const session = db.open()
    await session.begin()
    const memo = make(Memo, { text: 'a' })
    session.add(memo)
    await session.flush()
    expect(memo.id).toEqual(expect.any(Number))
    await session.rollback()

    expect(memo.id).toBeUndefined()
    expect(memo).toMatchObject({ text: 'a' })
    expect(session.state(memo).status).toBe('detached')
    expect(session.uow.new.size).toBe(0)
    expect(await db.sent(() => session.flush())).toEqual([])
  }) // statement 34, M3

  it('takes versions, dates and defaults away that the database made', async () => {
    const session = db.open()
    await session.begin()
    const account = make(Account, { name: 'a' })
    session.add(account)
    await session.flush()
    expect(account).toMatchObject({ version: 1, balance: 0 })
    await session.rollback()

    expect(account).toEqual({ name: 'a' })
  }) // statement 34

  it('leaves a key alone that the object was given', async () => {
    const session = db.open()
    await session.begin()
    const plate = make(Plate, { id: 7, code: 'A' })
    session.add(plate)
    await session.flush()
    await session.rollback()

    expect(plate).toMatchObject({ id: 7, code: 'A' })
    expect(await session.get(Plate, 7)).toBeNull()
  }) // statement 34

  it('lets a rolled back new object be added again and inserts it once', async () => {
    const session = db.open()
    await session.begin()
    const memo = make(Memo, { text: 'a' })
    session.add(memo)
    await session.flush()
    await session.rollback()
    memo.text = 'b'
    session.add(memo)
    await session.flush()

    expect(await db.rows(Memo)).toMatchObject([{ id: memo.id, text: 'b' }])
  }) // M3

  it('makes an object transient that was added and not flushed', async () => {
    const session = db.open()
    await session.begin()
    const memo = make(Memo, { text: 'a' })
    session.add(memo)
    await session.rollback()
    await session.flush()

    expect(session.state(memo).status).toBe('detached')
    expect(await db.rows(Memo)).toEqual([])
  }) // statement 34

  it('gives changed objects the values from the start, so that the next flush agrees with the row', async () => {
    await db.save(Memo, { text: 'a', mood: 'calm' })
    const session = db.open()
    const memo = await session.find(Memo).one()
    await session.begin()
    memo.text = 'flushed'
    await session.flush()
    memo.mood = 'not flushed'
    await session.rollback()

    expect(memo).toMatchObject({ text: 'a', mood: 'calm' })
    expect(session.state(memo).status).toBe('clean')
    memo.text = 'flushed'
    await session.flush()
    expect(await db.column(Memo, 'text')).toEqual(['flushed'])
  }) // statement 34, M3

  it('restores without sending a query', async () => {
    await db.save(Memo, { text: 'a' })
    const session = db.open()
    const memo = await session.find(Memo).one()
    await session.begin()
    memo.text = 'b'
    await session.flush()

    expect(await db.sent(() => session.rollback())).toEqual(['ROLLBACK'])
    expect(memo.text).toBe('a')
  })

  it('brings deleted objects back', async () => {
    await db.save(Memo, { text: 'flushed' }, { text: 'marked' })
    const session = db.open()
    const [flushed, marked] = await session.find(Memo).order({ id: 'ASC' }).all()
    const { id } = flushed!
    await session.begin()
    session.delete(flushed!)
    await session.flush()
    session.delete(marked!)
    await session.rollback()

    expect([flushed!, marked!].map((memo) => session.state(memo).status)).toEqual(['clean', 'clean'])
    expect(await session.get(Memo, id)).toBe(flushed)
    flushed!.text = 'alive'
    await session.flush()
    expect(await db.column(Memo, 'text')).toEqual(['alive', 'marked'])
  }) // statement 34, S8

  it('restores what was changed in place by value', async () => {
    await db.save(Account, { name: 'a', data: { tags: ['x'] } })
    const session = db.open()
    const account = await session.find(Account).one()
    await session.begin()
    account.data!.tags.push('y')
    await session.flush()
    account.data!.tags.push('z')
    await session.rollback()

    expect(account.data).toEqual({ tags: ['x'] })
    expect(account.version).toBe(1)
    expect(await db.sent(() => session.flush())).toEqual([])
    account.data!.tags.push('y')
    await session.flush()
    expect(await db.column(Account, 'data')).toEqual([{ tags: ['x', 'y'] }])
  })

  it('restores collections and references', async () => {
    const [east, west] = await db.save(Hall, { name: 'east' }, { name: 'west' })
    const [album] = await db.save(Album, { name: 'summer', halls: [east!], photos: [make(Photo, { name: 'one' })] })
    await db.save(Album, { name: 'winter' })
    const session = db.open()
    const own = await session.find(Album, { id: album!.id }).with('halls', 'photos', 'photos.album').one()
    const winter = await session.find(Album, { name: 'winter' }).one()
    const photo = own.photos[0]!
    await session.begin()
    own.halls!.pop()
    own.halls!.push(await session.getOrFail(Hall, west!.id))
    photo.album = winter
    await session.flush()
    own.photos!.push(make(Photo, { name: 'two' }))
    await session.flush()
    await session.rollback()

    expect(own.halls!.map(({ name }) => name)).toEqual(['east'])
    expect(own.photos).toEqual([photo])
    expect(photo.album).toBe(own)
    expect(await db.sent(() => session.flush())).toEqual([])
    expect((await db.rows(Album, 'halls', 'photos'))[0]).toMatchObject({ halls: [{ name: 'east' }], photos: [{ name: 'one' }] })
  })

  it('keeps work pending that was pending before the begin', async () => {
    await db.save(Memo, { text: 'changed' }, { text: 'deleted' })
    const session = db.open()
    const [changed, deleted] = await session.find(Memo).order({ id: 'ASC' }).all()
    const added = make(Memo, { text: 'added' })
    changed!.text = 'before'
    session.delete(deleted!)
    session.add(added)
    await session.begin()
    changed!.text = 'inside'
    await session.flush()
    await session.rollback()

    expect(changed!.text).toBe('before')
    expect(added.id).toBeUndefined()
    expect([changed!, deleted!, added].map((memo) => session.state(memo).status)).toEqual(['dirty', 'deleted', 'new'])
    await session.flush()
    expect(await db.column(Memo, 'text')).toEqual(['before', 'added'])
  })

  it('drops what is pending where no transaction is open', async () => {
    await db.save(Memo, { text: 'a' }, { text: 'b' })
    const session = db.open()
    const [first, second] = await session.find(Memo).order({ id: 'ASC' }).all()
    first!.text = 'x'
    session.delete(second!)
    session.add(make(Memo, { text: 'c' }))
    await session.rollback()

    expect(first!.text).toBe('a')
    expect(await db.sent(() => session.flush())).toEqual([])
    expect(await db.column(Memo, 'text')).toEqual(['a', 'b'])
  })

  it('leaves no row of a circle and takes its keys back', async () => {
    const session = db.open()
    await session.begin()
    const root = make(Folder, { name: 'root', children: [make(Folder, { name: 'a' })] })
    root.children![0]!.children = [make(Folder, { name: 'b' })]
    session.add(root)
    await session.flush()
    await session.rollback()

    expect(root.id).toBeUndefined()
    expect(root.children![0]!.children![0]!.id).toBeUndefined()
    session.add(root)
    await session.flush()
    expect((await db.rows(Folder, 'parent')).map(({ name, parent }) => [name, parent?.name])).toEqual([
      ['root', undefined],
      ['a', 'root'],
      ['b', 'a'],
    ])
  })

  it('survives a second rollback, a second transaction and a commit', async () => {
    await db.save(Memo, { text: 'a' })
    const session = db.open()
    const memo = await session.find(Memo).one()
    for (const text of ['b', 'c']) {
      await session.begin()
      memo.text = text
      await session.flush()
      await session.rollback()
      expect(memo.text).toBe('a')
    }
    await session.begin()
    memo.text = 'd'
    await session.commit()
    await session.rollback()

    expect(memo.text).toBe('d')
    expect(await db.column(Memo, 'text')).toEqual(['d'])
  })
})
