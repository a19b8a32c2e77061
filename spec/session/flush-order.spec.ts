/**
 * In which order a flush writes its rows.
 *
 * @module
 */
import { describeDatabase, type Statement } from '../support/databases.js'
import { plainSql } from '../support/plain-sql.js'
import { Country, Friend } from '../support/shapes.js'
import { errorOf, make, useSessions } from '../support/sessions.js'
import { Album, Egg, Firm, Folder, Hall, Hen, Leaf, Memo, Photo, Root, TIES, Worker } from '../support/ties.js'

const db = useSessions([...TIES, Friend, Country])
/** Tables in the order in which they are written, however many statements that takes. */
async function writes(fn: () => Promise<unknown>): Promise<string[]> {
  const lines = (await db.sent(fn)).filter((line) => /^(INSERT|UPDATE|DELETE)/.test(line))
  return lines.filter((line, index) => line !== lines[index - 1])
}

describeDatabase('the order of a flush', () => {
  it('inserts parents before children, whatever was added first', async () => {
    const session = db.open()
    const root = make(Root, { name: 'oak' })
    const memo = make(Memo, { text: 'green' })
    session.add(make(Leaf, { name: 'one', root, memo }), memo, root)

    const sent = await writes(() => session.flush())

    expect(sent.at(-1)).toBe('INSERT leaf')
    expect(sent.toSorted()).toEqual(['INSERT leaf', 'INSERT memo', 'INSERT root'])
    const [leaf] = await db.rows(Leaf, 'root', 'memo')
    expect(leaf).toMatchObject({ name: 'one', root: { name: 'oak' }, memo: { text: 'green' } })
  }) // statement 19

  it('finds the parent by the back reference when only the child is added', async () => {
    const session = db.open()
    session.add(make(Leaf, { name: 'one', root: make(Root, { name: 'oak' }) }))

    expect(await writes(() => session.flush())).toEqual(['INSERT root', 'INSERT leaf'])
  }) // statement 19

  it('deletes children before parents, whatever was deleted first', async () => {
    const [root] = await db.save(Root, { name: 'oak' })
    await db.save(Leaf, { name: 'one', root: root! })
    const session = db.open()
    const [leaf] = await session.find(Leaf).all()
    session.delete((await session.get(Root, root!.id))!, leaf!)

    expect(await writes(() => session.flush())).toEqual(['DELETE leaf', 'DELETE root'])
    expect([await db.rows(Root), await db.rows(Leaf)]).toEqual([[], []])
  }) // statement 19

  it('moves a child to a new parent before it deletes the old one', async () => {
    const [oak] = await db.save(Root, { name: 'oak' })
    await db.save(Leaf, { name: 'one', root: oak! })
    const session = db.open()
    const leaf = await session.find(Leaf).with('root').one()
    session.delete(leaf.root!)
    leaf.root = make(Root, { name: 'elm' })
    session.add(leaf.root)

    expect(await writes(() => session.flush())).toEqual(['INSERT root', 'UPDATE leaf', 'DELETE root'])
    expect((await db.rows(Leaf, 'root'))[0]!.root!.name).toBe('elm')
  })

  it('inserts the rows of one table in the order of add', async () => {
    const session = db.open()
    for (const text of ['c', 'a', 'b']) session.add(make(Memo, { text }))
    await session.flush()

    expect(await db.column(Memo, 'text')).toEqual(['c', 'a', 'b'])
  }) // statement 20

  it('updates and deletes the rows of one table in the order of their keys', async () => {
    const codes = ['k0', 'k1', 'k2', 'k3', 'k4', 'k5']
    await db.save(Country, ...codes.map((code) => ({ code, name: code.toUpperCase() })))
    const session = db.open()
    const countries = await session.find(Country).order({ code: 'DESC' }).all()
    for (const country of countries.slice(0, 3)) country.name += '!'
    session.delete(...countries.slice(3))
    const statements: Statement[] = []
    await db.sqlOf(() => session.flush(), statements)

    const keysIn = (verb: string) =>
      statements
        .filter(({ sql }) => plainSql(sql).startsWith(verb))
        .flatMap(({ parameters }) => JSON.stringify(parameters).match(/\bk\d\b/g) ?? [])
    expect(keysIn('UPDATE')).toEqual(['k3', 'k4', 'k5'])
    expect(keysIn('DELETE')).toEqual(['k0', 'k1', 'k2'])
    expect(await db.column(Country, 'name')).toEqual(['K3!', 'K4!', 'K5!'])
  }) // statement 20

  it('updates and deletes tables that do not refer to each other in one order, whatever came first', async () => {
    const [country] = await db.save(Country, { code: 'k', name: 'K' })
    const [memo] = await db.save(Memo, { text: 'm' })
    const order = async (kinds: readonly (typeof Country | typeof Memo)[]) => {
      const session = db.open()
      const loaded = new Map<unknown, Country | Memo>()
      for (const kind of kinds)
        loaded.set(kind, kind === Country ? await session.getOrFail(Country, country!.code) : await session.getOrFail(Memo, memo!.id))
      Object.assign(loaded.get(Country)!, { name: `${kinds.length} ${kinds[0]!.name}` })
      Object.assign(loaded.get(Memo)!, { text: `${kinds.length} ${kinds[0]!.name}` })
      return writes(() => session.flush())
    }

    expect(await order([Memo, Country])).toEqual(['UPDATE country', 'UPDATE memo'])
    expect(await order([Country, Memo])).toEqual(['UPDATE country', 'UPDATE memo'])
  })

  it('inserts a tree of one table from the root down', async () => {
    const session = db.open()
    const root = make(Folder, { name: 'root' })
    const home = make(Folder, { name: 'home', parent: root })
    session.add(make(Folder, { name: 'mail', parent: home }), home, root)
    await session.flush()

    const folders = await db.rows(Folder, 'parent')
    expect(folders.map(({ name, parent }) => [name, parent?.name])).toEqual([
      ['root', undefined],
      ['home', 'root'],
      ['mail', 'home'],
    ])
  }) // statement 21

  it('deletes a tree of one table from the leaves up', async () => {
    const [root] = await db.save(Folder, { name: 'root' })
    const [home] = await db.save(Folder, { name: 'home', parent: root! })
    await db.save(Folder, { name: 'mail', parent: home! })
    const session = db.open()
    session.delete(...(await session.find(Folder).with('parent').all()))
    await session.flush()

    expect(await db.rows(Folder)).toEqual([])
  }) // statement 21

  it('deletes a tree of one table whose parents were not loaded', async () => {
    const [root] = await db.save(Folder, { name: 'root' })
    const [home] = await db.save(Folder, { name: 'home', parent: root! })
    await db.save(Folder, { name: 'mail', parent: home! })
    const session = db.open()
    session.delete(...(await session.find(Folder).all()))
    await session.flush()

    expect(await db.rows(Folder)).toEqual([])
  }) // statement 21

  it('breaks a circle of two rows by an insert without the key and an update', async () => {
    const session = db.open()
    const ann = make(Friend, { name: 'Ann' })
    const bob = make(Friend, { name: 'Bob', best: ann })
    ann.best = bob
    session.add(ann, bob)

    expect(await writes(() => session.flush())).toContain('UPDATE friend')
    const friends = await db.rows(Friend, 'best')
    expect(Object.fromEntries(friends.map(({ name, best }) => [name, best?.name]))).toEqual({ Ann: 'Bob', Bob: 'Ann' })
    expect(await db.sent(() => session.flush())).toEqual([])
  }) // statement 21

  it('writes a row that refers to itself', async () => {
    const session = db.open()
    const ann = make(Friend, { name: 'Ann' })
    ann.best = ann
    session.add(ann)
    await session.flush()

    expect((await db.rows(Friend, 'best'))[0]!.best).toMatchObject({ id: ann.id })
    session.delete(ann)
    await session.flush()
    expect(await db.rows(Friend)).toEqual([])
  }) // statement 21

  it('breaks a circle of two tables at its nullable key', async () => {
    const session = db.open()
    const firm = make(Firm, { name: 'Acme' })
    const boss = make(Worker, { name: 'Ann', firm })
    firm.boss = boss
    session.add(boss, firm)

    expect(await writes(() => session.flush())).toEqual(['INSERT firm', 'INSERT worker', 'UPDATE firm'])
    expect((await db.rows(Firm, 'boss'))[0]).toMatchObject({ name: 'Acme', boss: { name: 'Ann' } })
  }) // statement 21

  it('deletes a circle of two tables', async () => {
    const session = db.open()
    const firm = make(Firm, { name: 'Acme' })
    const boss = make(Worker, { name: 'Ann', firm })
    firm.boss = boss
    session.add(boss, firm)
    await session.flush()
    session.delete(firm, boss)
    await session.flush()

    expect([await db.rows(Firm), await db.rows(Worker)]).toEqual([[], []])
  }) // statement 21

  it('refuses a circle of required keys before any SQL and names its rows', async () => {
    const session = db.open()
    const hen = make(Hen, { name: 'Berta' })
    hen.egg = make(Egg, { name: 'brown', hen })
    session.add(hen, hen.egg)
    let error: Awaited<ReturnType<typeof errorOf>> | undefined

    expect(await db.sent(async () => (error = await errorOf(session.flush())))).not.toContainEqual(expect.stringMatching(/^INSERT/))
    expect(error).toMatchObject({ code: 'INSERT_CYCLE' })
    expect(error!.message).toMatch(/Hen.*Egg|Egg.*Hen/)
    session.expunge(hen)
    session.expunge(hen.egg)
    session.add(make(Memo, { text: 'usable' }))
    await session.flush()
    expect(await db.column(Memo, 'text')).toEqual(['usable'])
  })

  it('refuses a row without its required relation before any SQL and names both', async () => {
    const session = db.open()
    const worker = make(Worker, { name: 'Ann' })
    session.add(make(Memo, { text: 'other work' }), worker)
    let error: Awaited<ReturnType<typeof errorOf>> | undefined

    expect(await db.sent(async () => (error = await errorOf(session.flush())))).not.toContainEqual(expect.stringMatching(/^INSERT/))
    expect(error).toMatchObject({ code: 'REQUIRED_MISSING', message: expect.stringMatching(/Worker.*"firm"/) })
    worker.firm = make(Firm, { name: 'Acme' })
    session.add(worker.firm)
    await session.flush()
    expect((await db.rows(Worker, 'firm'))[0]).toMatchObject({ firm: { name: 'Acme' } })
    expect(await db.column(Memo, 'text')).toEqual(['other work'])
  })

  it('links after both sides are inserted and unlinks before a side is deleted', async () => {
    const session = db.open()
    const hall = make(Hall, { name: 'east' })
    const album = make(Album, { name: 'summer', halls: [hall] })
    session.add(album)
    expect((await writes(() => session.flush())).at(-1)).toBe('INSERT album_halls_hall')

    session.delete(hall)
    album.halls = []
    expect(await writes(() => session.flush())).toEqual(['DELETE album_halls_hall', 'DELETE hall'])
  })

  it('writes children of a parent that is inserted by the same flush with its key', async () => {
    const session = db.open()
    const album = make(Album, { name: 'summer' })
    album.photos = ['a', 'b', 'c'].map((name) => make(Photo, { name }))
    session.add(album)

    expect(await writes(() => session.flush())).not.toContain('UPDATE photo')
    expect((await db.rows(Photo, 'album')).map(({ name, album: one }) => [name, one?.id])).toEqual([
      ['a', album.id],
      ['b', album.id],
      ['c', album.id],
    ])
  })
})
