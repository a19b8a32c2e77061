/**
 * Flushes where several difficulties meet.
 *
 * @module
 */
import { withSession } from 'flushpoint'
import { describeDatabase } from '../support/databases.js'
import { Friend } from '../support/shapes.js'
import { errorOf, make, useSessions } from '../support/sessions.js'
import { Account, Album, Desk, Entry, Folder, Hall, Leaf, Memo, Photo, Plate, Print, Root, TIES } from '../support/ties.js'

const db = useSessions([...TIES, Friend])

describeDatabase('a flush of one object', () => {
  it('writes it alone with the rows it depends on', async () => {
    await db.save(Memo, { text: 'a' })
    const session = db.open()
    const memo = await session.find(Memo).one()
    memo.text = 'pending'
    const leaf = make(Leaf, { name: 'one', root: make(Root, { name: 'oak' }) })
    session.add(leaf, make(Hall, { name: 'east' }))
    await session.flush(leaf)

    expect((await db.rows(Leaf, 'root'))[0]!.root!.name).toBe('oak')
    expect([await db.column(Memo, 'text'), await db.rows(Hall)]).toEqual([['a'], []])
    expect([session.state(memo).status, session.uow.new.size]).toEqual(['dirty', 1])
    await session.flush()
    expect([await db.column(Memo, 'text'), await db.column(Hall, 'name')]).toEqual([['pending'], ['east']])
  })

  it('leaves members of its one-to-many for later', async () => {
    const session = db.open()
    const album = make(Album, { name: 'summer' })
    session.add(album)
    await session.flush()
    album.photos = [make(Photo, { name: 'one' })]
    album.name = 'winter'
    await session.flush(album)
    await session.flush()

    expect(await db.rows(Photo, 'album')).toMatchObject([{ name: 'one', album: { name: 'winter' } }])
  })
})

describeDatabase('a flush with everything in it', () => {
  it('replaces a parent and all its children by others with the same unique values', async () => {
    await db.save(Hall, { name: 'east' })
    await db.save(Album, { name: 'old', prints: [make(Print, { name: 'one' })], halls: await db.rows(Hall) })
    const session = db.open()
    const album = await session.find(Album).with('prints', 'halls').one()
    session.delete(...(album.prints as unknown as Print[]), album, ...(album.halls as unknown as Hall[]))
    const next = make(Album, { name: 'new', prints: [make(Print, { name: 'one' })], halls: [make(Hall, { name: 'east' })] })
    session.add(next)
    await session.flush()

    expect(await db.rows(Album, 'prints', 'halls')).toMatchObject([{ name: 'new', prints: [{ name: 'one' }], halls: [{ name: 'east' }] }])
    expect(await db.rows(Hall)).toHaveLength(1)
    expect(await db.sent(() => session.flush())).toEqual([])
  })

  it('swaps unique values while one of the rows gets a new neighbour', async () => {
    await db.save(Desk, { name: 'one', code: 'A' }, { name: 'two', code: 'B' })
    const session = db.open()
    const [one, two] = await session.find(Desk).order({ id: 'ASC' }).all()
    one!.code = 'B'
    two!.code = 'C'
    session.add(make(Desk, { name: 'three', code: 'A' }))
    await session.flush()

    expect(await db.column(Desk, 'code')).toEqual(['B', 'C', 'A'])
  })

  it('takes a refused swap and a circle of rows apart after a rollback', async () => {
    await db.save(Desk, { name: 'one', code: 'A' }, { name: 'two', code: 'B' })
    const session = db.open()
    const [one, two] = await session.find(Desk).order({ id: 'ASC' }).all()
    const [ann, bob] = [make(Friend, { name: 'Ann' }), make(Friend, { name: 'Bob' })]
    ;[ann.best, bob.best] = [bob, ann]
    await session.begin()
    ;[one!.code, two!.code] = ['B', 'A']
    session.add(ann, bob)
    await session.flush()
    await session.rollback()

    expect([one!.code, two!.code, ann.id, bob.id, ann.best, bob.best]).toEqual(['A', 'B', undefined, undefined, bob, ann])
    expect(await db.sent(() => session.flush())).toEqual([])
    expect([await db.column(Desk, 'code'), await db.rows(Friend)]).toEqual([['A', 'B'], []])
    session.add(ann)
    one!.code = 'C'
    await session.flush()
    expect((await db.rows(Friend, 'best')).map(({ best }) => best!.name).sort()).toEqual(['Ann', 'Bob'])
  })

  it('turns the tree of one table upside down', async () => {
    const [root] = await db.save(Folder, { name: 'root' })
    const [home] = await db.save(Folder, { name: 'home', parent: root! })
    await db.save(Folder, { name: 'mail', parent: home! })
    const session = db.open()
    const folders = await session.find(Folder).with('parent').order({ id: 'ASC' }).all()
    const [top, middle, bottom] = folders as unknown as Folder[]
    bottom!.parent = null
    middle!.parent = bottom!
    top!.parent = middle!
    await session.flush()

    expect((await db.rows(Folder, 'parent')).map(({ name, parent }) => [name, parent?.name])).toEqual([
      ['root', 'home'],
      ['home', 'mail'],
      ['mail', undefined],
    ])
  })

  it('deletes a parent whose child is moved to a new one in the same flush, inside a savepoint that is rolled back', async () => {
    await db.save(Album, { name: 'old', prints: [make(Print, { name: 'one' })] })
    const session = db.open()
    const album = await session.find(Album).with('prints').one()
    const print = album.prints[0] as Print
    await session.begin()
    await errorOf(
      session.transaction(async () => {
        const next = make(Album, { name: 'new', prints: [print] })
        session.add(next)
        album.prints.length = 0
        session.delete(album)
        await session.flush()
        expect((await session.manager.find(Print, { relations: { album: true } }))[0]!.album.name).toBe('new')
        throw new Error('undone')
      }),
    )
    await session.commit()

    expect(album.prints).toEqual([print])
    expect(await db.rows(Album, 'prints')).toMatchObject([{ name: 'old', prints: [{ name: 'one' }] }])
    album.name = 'alive'
    await session.flush()
    expect(await db.column(Album, 'name')).toEqual(['alive'])
  })

  it('refuses a changed key and names both', async () => {
    await db.save(Plate, { id: 1, code: 'A' })
    const session = db.open()
    const plate = await session.getOrFail(Plate, 1)
    plate.id = 2
    plate.code = 'B'

    expect(await errorOf(session.flush())).toMatchObject({ code: 'KEY_CHANGED', message: expect.stringMatching(/Plate.*2.*1/) })
    plate.id = 1
    await session.flush()
    expect(await db.rows(Plate)).toMatchObject([{ id: 1, code: 'B' }])
  })

  it('writes what is changed on an object after its delete was taken back', async () => {
    await db.save(Memo, { text: 'a' })
    const session = db.open()
    const memo = await session.find(Memo).one()
    session.delete(memo)
    memo.text = 'b'
    session.add(memo)
    await session.flush()

    expect(await db.column(Memo, 'text')).toEqual(['b'])
  })

  it('deletes an object that was mutated after delete, and says nothing else about it', async () => {
    await db.save(Account, { name: 'a' })
    const session = db.open()
    const account = await session.find(Account).one()
    session.delete(account)
    account.balance = 5
    const result = await session.flush()

    expect(result).toMatchObject({ deleted: 1, updated: 0 })
    account.balance = 6
    expect(await db.sent(() => session.flush())).toEqual([])
  })

  it('adds and deletes an object of a key that is given, without SQL', async () => {
    const session = db.open()
    const plate = make(Plate, { id: 1, code: 'A' })
    session.add(plate)
    expect(await session.get(Plate, 1)).toBe(plate)
    session.delete(plate)

    expect(await db.sent(() => session.flush())).toEqual([])
    expect(session.state(plate).status).toBe('detached')
  }) // statement 10
})

describeDatabase('a transaction that cannot be saved', () => {
  it('tells so at commit after a statement failed in it, and its objects are as at the begin', async () => {
    await db.save(Hall, { name: 'east' })
    await db.save(Entry, { book: 'log', page: 1, text: 'a' })
    const session = db.open()
    const entry = await session.find(Entry).one()
    await session.begin()
    entry.text = 'b'
    await session.flush()
    session.add(make(Hall, { name: 'east' }))
    await errorOf(session.flush())
    await session.rollback()

    expect(entry).toMatchObject({ text: 'a', version: 1 })
    entry.text = 'c'
    await session.flush()
    expect(await db.rows(Entry)).toMatchObject([{ text: 'c', version: 2 }])
  })

  it('is undone, objects included, when the block it surrounds throws', async () => {
    await db.save(Memo, { text: 'a' })
    let [memo, added] = [make(Memo, {}), make(Memo, { text: 'added' })]
    const error = await errorOf(
      withSession(db.ds, async (session) => {
        memo = await session.find(Memo).one()
        memo.text = 'b'
        session.add(added)
        await session.flush()
        throw new Error('undone')
      }),
    )

    expect(error.message).toBe('undone')
    expect([memo.text, added.id]).toEqual(['a', undefined])
    expect(await db.column(Memo, 'text')).toEqual(['a'])
    added = await withSession(db.ds, (session) => Promise.resolve((session.add(added), added)))
    expect(await db.column(Memo, 'text')).toEqual(['a', 'added'])
  })

  it('forgets nothing when its commit fails in a hook', async () => {
    let isMended = false
    const session = db.open({
      beforeCommit() {
        if (!isMended) throw new Error('broken')
      },
    })
    const memo = make(Memo, { text: 'before' })
    session.add(memo)
    await session.begin()
    expect((await errorOf(session.commit())).message).toBe('broken')

    expect([session.scope, session.state(memo).status, memo.id]).toEqual([null, 'new', undefined])
    isMended = true
    await session.commit()
    expect(await db.column(Memo, 'text')).toEqual(['before'])
  })
})

describeDatabase('a flush that is under way', () => {
  const turn = () => new Promise((resolve) => setImmediate(resolve))

  it('is undone by a rollback that is called meanwhile', async () => {
    await db.save(Memo, { text: 'a' })
    const session = db.open()
    const memo = await session.find(Memo).one()
    await session.begin()
    memo.text = 'b'
    session.add(make(Memo, { text: 'new' }))
    const flushing = session.flush()
    await turn()
    await Promise.allSettled([flushing, session.rollback()])

    expect(memo.text).toBe('a')
    expect(await db.sent(() => session.flush())).toEqual([])
    expect(await db.column(Memo, 'text')).toEqual(['a'])
  })

  it('is awaited by a commit, which writes what came after it', async () => {
    const session = db.open()
    const memo = make(Memo, { text: 'a' })
    await session.begin()
    session.add(memo)
    const flushing = session.flush()
    await turn()
    memo.text = 'b'
    await Promise.all([flushing, session.commit()])

    expect(await db.column(Memo, 'text')).toEqual(['b'])
  })

  it('has written its rows, or rejects, when the session is closed meanwhile', async () => {
    const session = db.open()
    session.add(make(Memo, { text: 'a' }))
    const flushing = session.flush()
    await turn()
    const [flush, close] = await Promise.allSettled([flushing, session.close()])

    expect(close.status).toBe('fulfilled')
    expect(await db.column(Memo, 'text')).toEqual(flush.status === 'fulfilled' ? ['a'] : [])
  })
})
