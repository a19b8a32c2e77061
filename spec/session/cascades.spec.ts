/**
 * What comes into a session, and leaves the database, with something else: as TypeORM's metadata says.
 *
 * @module
 */
import { describeDatabase } from '../support/databases.js'
import { errorOf, make, useSessions } from '../support/sessions.js'
import { Album, Firm, Folder, Hall, Leaf, Memo, Photo, Root, Worker } from '../support/ties.js'

const db = useSessions()

describeDatabase('cascades', () => {
  it('take new objects in with add, through every relation that cascades inserts', async () => {
    const session = db.open()
    const folder = make(Folder, { name: 'root', children: [make(Folder, { name: 'a', children: [make(Folder, { name: 'b' })] })] })
    session.add(folder)

    expect(session.uow.new.size).toBe(3)
    await session.flush()
    expect(await db.column(Folder, 'name')).toEqual(['root', 'a', 'b'])
  })

  it('find what was put into a relation after add', async () => {
    const session = db.open()
    const album = make(Album, { name: 'summer' })
    session.add(album)
    album.photos = [make(Photo, { name: 'one' })]
    album.halls = [make(Hall, { name: 'east' })]
    await session.flush()
    album.photos.push(make(Photo, { name: 'two' }))
    album.halls.push(make(Hall, { name: 'west' }))
    await session.flush()

    const [row] = await db.rows(Album, 'photos', 'halls')
    expect([row!.photos, row!.halls].map((list) => list!.map(({ name }) => name).sort())).toEqual([
      ['one', 'two'],
      ['east', 'west'],
    ])
  })

  it('go through relations of loaded objects that have not changed otherwise', async () => {
    await db.save(Leaf, { name: 'one' })
    const session = db.open()
    const leaf = await session.find(Leaf).one()
    leaf.root = make(Root, { name: 'oak' })
    await session.flush()

    expect(await db.rows(Leaf, 'root')).toMatchObject([{ root: { name: 'oak' } }])
  })

  it('do not take in new objects of relations that do not cascade: those are refused before any SQL', async () => {
    const session = db.open()
    const leaf = make(Leaf, { name: 'one', memo: make(Memo, { text: 'new' }) })
    session.add(leaf)
    let error: Awaited<ReturnType<typeof errorOf>> | undefined
    const sent = await db.sent(async () => (error = await errorOf(session.flush())))

    expect(error).toMatchObject({ code: 'RELATION_TARGET_UNSAVED', message: expect.stringMatching(/Leaf\.memo.*Memo/) })
    expect(sent.filter((line) => line.startsWith('INSERT'))).toEqual([])
    session.add(leaf.memo!)
    await session.flush()
    expect(await db.rows(Leaf, 'memo')).toMatchObject([{ memo: { text: 'new' } }])
  })

  it('leave what is changed in the unit of work while the graph cannot be planned', async () => {
    await db.save(Memo, { text: 'a' })
    const session = db.open()
    const memo = await session.find(Memo).one()
    memo.text = 'b'
    session.add(make(Leaf, { name: 'one', memo: make(Memo, { text: 'new' }) }))

    expect([session.uow.dirty.has(memo as Memo), session.uow.new.size]).toEqual([true, 1])
    expect(session.isModified(memo)).toBe(true)
    expect(String(session.uow)).toMatch(/new: Leaf.*dirty: Memo/)
  }) // A9

  it('are not needed for objects that have a row', async () => {
    const [memo] = await db.save(Memo, { text: 'a' })
    const session = db.open()
    session.add(make(Leaf, { name: 'one', memo: memo! }), make(Leaf, { name: 'two', memo: { id: memo!.id } as Memo }))
    await session.flush()

    expect((await db.rows(Leaf, 'memo')).map((leaf) => leaf.memo!.text)).toEqual(['a', 'a'])
  })

  it('delete children with their parent where removal cascades', async () => {
    await db.save(Root, { name: 'oak', leaves: [make(Leaf, { name: 'one' }), make(Leaf, { name: 'two' })] })
    const session = db.open()
    const root = await session.find(Root).with('leaves').one()
    session.delete(root)
    const sent = await db.sent(() => session.flush())

    expect([...new Set(sent.filter((line) => line.startsWith('DELETE')))]).toEqual(['DELETE leaf', 'DELETE root'])
    expect([await db.rows(Root), await db.rows(Leaf)]).toEqual([[], []])
  })

  it('find children of a deleted parent that were not loaded', async () => {
    await db.save(Root, { name: 'oak', leaves: [make(Leaf, { name: 'one' }), make(Leaf, { name: 'two' })] })
    const session = db.open()
    session.delete(await session.find(Root).one())
    const result = await session.flush()

    expect(result.deleted).toBe(3)
    expect([await db.rows(Root), await db.rows(Leaf)]).toEqual([[], []])
  })

  it('leave children alone that were taken out before their parent is deleted', async () => {
    await db.save(Root, { name: 'oak', leaves: [make(Leaf, { name: 'one' }), make(Leaf, { name: 'two' })] })
    const session = db.open()
    const root = await session.find(Root).with('leaves').one()
    const kept = root.leaves.find(({ name }) => name === 'two')!
    root.leaves.splice(root.leaves.indexOf(kept), 1)
    session.delete(root)
    await session.flush()

    expect(await db.rows(Leaf, 'root')).toMatchObject([{ name: 'two', root: null }])
  })

  it('do not delete new children of a deleted parent, nor insert them', async () => {
    await db.save(Root, { name: 'oak' })
    const session = db.open()
    const root = await session.find(Root).with('leaves').one()
    root.leaves.push(make(Leaf, { name: 'new' }))
    session.delete(root)
    await session.flush()

    expect([await db.rows(Root), await db.rows(Leaf)]).toEqual([[], []])
  })

  it('soft-remove and recover children with their parent', async () => {
    await db.save(Root, { name: 'oak', leaves: [make(Leaf, { name: 'one' })] })
    const session = db.open()
    const root = await session.find(Root).with('leaves').one()
    session.softRemove(root)
    await session.flush()
    expect([(await db.rows(Root))[0]!.deletedAt, (await db.rows(Leaf))[0]!.deletedAt]).toEqual([expect.any(Date), expect.any(Date)])
    expect(root.leaves[0]!.deletedAt).toEqual(expect.any(Date))

    session.recover(root)
    await session.flush()
    expect([(await db.rows(Root))[0]!.deletedAt, (await db.rows(Leaf))[0]!.deletedAt]).toEqual([null, null])
    expect([root.deletedAt, root.leaves[0]!.deletedAt]).toEqual([null, null])
  })

  it('do not delete what a relation without cascade leads to', async () => {
    const firm = (await db.save(Firm, { name: 'Acme' }))[0]!
    await db.save(Worker, { name: 'Ann', firm })
    const session = db.open()
    session.delete(await session.find(Worker).with('firm').one())
    await session.flush()

    expect(await db.column(Firm, 'name')).toEqual(['Acme'])
  })

  it('end at objects that lead back', async () => {
    const session = db.open()
    const root = make(Root, { name: 'oak' })
    root.leaves = [make(Leaf, { name: 'one', root }), make(Leaf, { name: 'two', root })]
    session.add(root.leaves[0]!)
    await session.flush()

    expect((await db.rows(Leaf, 'root')).map((leaf) => leaf.root!.name)).toEqual(['oak', 'oak'])
    expect(await db.rows(Root)).toHaveLength(1)
  })

  it('follow a chain of parents and children of any depth', async () => {
    const session = db.open()
    const folders = Array.from({ length: 2_000 }, (_, index) => make(Folder, { name: `${index}` }))
    folders.forEach((folder, index) => index > 0 && (folders[index - 1]!.children = [folder]))
    session.add(folders[0]!)
    const result = await session.flush()

    expect(result.inserted).toBe(2_000)
  })
})
