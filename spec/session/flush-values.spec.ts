/**
 * Which values a flush brings back, and that each gets to the right object.
 *
 * @module
 */
import { describeDatabase } from '../support/databases.js'
import { Note } from '../support/models.js'
import { Badge, Money, Owner, ROWS, Thing } from '../support/rows.js'
import { make, useSessions } from '../support/sessions.js'
import { Account, Album, Hall, Memo, Photo, TIES } from '../support/ties.js'

const db = useSessions([...TIES, ...ROWS, Note])

describeDatabase('values made by the database', () => {
  it('puts every generated key on the object whose row has it', async () => {
    const session = db.open()
    const memos = Array.from({ length: 300 }, (_, index) => make(Memo, { text: `text ${index}`, mood: index % 3 ? 'calm' : 'wild' }))
    const halls = Array.from({ length: 50 }, (_, index) => make(Hall, { name: `hall ${index}` }))
    memos.forEach((memo, index) => session.add(memo, ...halls.slice(index, index + 1)))
    await session.flush()

    const texts = new Map((await db.rows(Memo)).map(({ id, text }) => [id, text]))
    expect(texts.size).toBe(300)
    for (const memo of memos) expect(texts.get(memo.id)).toBe(memo.text)
    const names = new Map((await db.rows(Hall)).map(({ id, name }) => [id, name]))
    for (const hall of halls) expect(names.get(hall.id)).toBe(hall.name)
  }) // statement 27, M13

  it('puts generated keys on the right objects where column sets differ', async () => {
    const session = db.open()
    const memos = Array.from({ length: 60 }, (_, index) =>
      make(Memo, { text: `${index}`, ...(index % 2 && { mood: 'calm' }), ...(index % 3 && { hint: 'psst' }) }),
    )
    session.add(...memos.toReversed())
    await session.flush()

    const rows = new Map((await db.rows(Memo)).map((row) => [row.id, row]))
    for (const memo of memos) expect(rows.get(memo.id)).toMatchObject({ ...memo })
  }) // statement 27, M13

  it('puts generated uuids on the right objects', async () => {
    const session = db.open()
    const badges = Array.from({ length: 20 }, (_, index) => make(Badge, { text: `badge ${index}` }))
    session.add(...badges)
    await session.flush()

    const texts = new Map((await db.rows(Badge)).map(({ id, text }) => [id, text]))
    for (const badge of badges) expect(texts.get(badge.id)).toBe(badge.text)
  }) // statement 27

  it('puts defaults, dates and versions on new objects', async () => {
    const session = db.open()
    const note = make(Note, { text: 'a' })
    const memo = make(Memo, { text: 'b' })
    session.add(note, memo)
    await session.flush()

    expect(note).toMatchObject({ id: expect.any(Number), createdAt: expect.any(Date), updatedAt: expect.any(Date), version: 1 })
    expect(memo).toMatchObject({ id: expect.any(Number), mood: 'draft' })
    expect((await db.rows(Note))[0]).toMatchObject({ ...note })
    expect((await db.rows(Memo))[0]).toMatchObject({ ...memo })
    expect(await db.sent(() => session.flush())).toEqual([])
  }) // statement 27

  it('puts new update dates on changed objects', async () => {
    const session = db.open()
    const note = make(Note, { text: 'a' })
    session.add(note)
    await session.flush()
    await db.ds.query(`UPDATE ${db.ds.driver.escape('note')} SET ${db.ds.driver.escape('updatedAt')} = '2001-02-03 04:05:06'`)
    await session.refresh(note)
    note.text = 'b'
    await session.flush()

    expect(note.updatedAt.getFullYear()).toBeGreaterThan(2001)
    expect((await db.rows(Note))[0]).toMatchObject({ ...note })
  })

  it('leaves the values of an object alone that the database took as they were', async () => {
    const session = db.open()
    const owner = make(Owner, { name: 'Ann', home: { label: 'home', place: { city: 'Rome', zip: 1 } } })
    const worth = new Money(5, 'EUR')
    const data = { list: [1, { two: 2 }] }
    const thing = make(Thing, { slug: 'lamp', owner, worth, data, words: ['a', 'b'], bytes: Buffer.from('x') })
    session.add(owner, thing)
    await session.flush()

    expect(thing.worth).toBe(worth)
    expect(thing.data).toBe(data)
    expect((await db.rows(Thing, 'owner'))[0]).toMatchObject({ data, words: ['a', 'b'], owner: { name: 'Ann' } })
    expect(await db.sent(() => session.flush())).toEqual([])
  })

  it('counts a version for a change in place', async () => {
    const session = db.open()
    const account = make(Account, { name: 'a', data: { tags: [] } })
    session.add(account)
    await session.flush()
    account.data!.tags.push('x')
    await session.flush()

    expect(await db.rows(Account)).toEqual([{ ...account }])
    expect(account.version).toBe(2)
  })
})

describeDatabase('statements of a flush', () => {
  it('are none, not even a transaction, without net changes', async () => {
    await db.save(Memo, { text: 'a' })
    const session = db.open()
    const memo = await session.find(Memo).one()
    memo.text = 'b'
    memo.text = 'a'
    session.add(memo)

    expect(await db.sent(() => session.flush())).toEqual([])
  }) // statement 14

  it('write changed columns alone', async () => {
    await db.save(Memo, { text: 'a', hint: 'h' })
    const session = db.open()
    const memo = await session.find(Memo).one()
    memo.hint = null
    const [update] = (await db.sqlOf(() => session.flush())).filter((sql) => sql.startsWith('UPDATE'))

    expect(update).toMatch(/hint/)
    expect(update).not.toMatch(/text|mood/)
  }) // statement 15

  it('do not overwrite columns that somebody else has changed meanwhile', async () => {
    await db.save(Memo, { text: 'a', hint: 'h' })
    const session = db.open()
    const memo = await session.find(Memo).one()
    await db.ds.manager.update(Memo, memo.id, { text: 'theirs' })
    memo.hint = 'ours'
    await session.flush()

    expect(await db.rows(Memo)).toMatchObject([{ text: 'theirs', hint: 'ours' }])
  }) // statement 15

  it('are not more for deleted parents whose children are loaded: none of them is read again', async () => {
    await db.save(Album, ...Array.from({ length: 20 }, (_, index) => ({ name: `${index}`, photos: [make(Photo, { name: `${index}` })] })))
    const session = db.open()
    const albums = await session.find(Album).with('photos', 'prints', 'frames', 'proofs', 'halls').all()
    session.delete(...albums, ...albums.flatMap(({ photos }) => photos as unknown as Photo[]))
    const sent = await db.sent(() => session.flush())

    expect(sent.filter((line) => line.startsWith('SELECT'))).toEqual([])
    expect([await db.rows(Album), await db.rows(Photo)]).toEqual([[], []])
  }) // S10

  it('write rows whose changed columns differ in one flush', async () => {
    await db.save(Memo, ...Array.from({ length: 40 }, (_, index) => ({ text: `${index}` })))
    const session = db.open()
    const memos = await session.find(Memo).order({ id: 'ASC' }).all()
    memos.forEach((memo, index) => (index % 2 ? (memo.text += '!') : (memo.hint = `hint ${index}`)))
    const result = await session.flush()

    expect(result.updated).toBe(40)
    expect((await db.rows(Memo)).map(({ text, hint }) => [text, hint])).toEqual(
      memos.map((_, index) => (index % 2 ? [`${index}!`, null] : [`${index}`, `hint ${index}`])),
    )
  })
})
