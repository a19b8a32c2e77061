/**
 * Keys and unique values that pass from one row to another within one flush.
 *
 * @module
 */
import { describeDatabase } from '../support/databases.js'
import { errorOf, make, useSessions } from '../support/sessions.js'
import { Captain, Coupon, Desk, Entry, Firm, House, Memo, Plate, Ship, Worker } from '../support/ties.js'

const db = useSessions()

/** Swaps the codes of two rows and tells what a flush says to it. */
async function refusal(session: ReturnType<typeof db.open>) {
  let error: Awaited<ReturnType<typeof errorOf>> | undefined
  const sent = await db.sent(async () => (error = await errorOf(session.flush())))
  return { error: error!, writes: sent.filter((line) => /^(INSERT|UPDATE|DELETE)/.test(line)) }
}

describeDatabase('keys and unique values in one flush', () => {
  it('deletes a row and inserts another with the same key', async () => {
    await db.save(Plate, { id: 1, code: 'old' })
    const session = db.open()
    const former = await session.getOrFail(Plate, 1)
    session.delete(former)
    const plate = make(Plate, { id: 1, code: 'new' })
    session.add(plate)
    await session.flush()

    expect(await db.rows(Plate)).toEqual([{ id: 1, code: 'new', color: 'white' }])
    expect(await session.get(Plate, 1)).toBe(plate)
    expect(session.state(former).status).not.toBe('clean')
  }) // statement 22

  it('deletes a row and inserts another with the same key of two parts', async () => {
    await db.save(Entry, { book: 'log', page: 1, text: 'old' })
    const session = db.open()
    session.delete(await session.getOrFail(Entry, { book: 'log', page: 1 }))
    session.add(make(Entry, { book: 'log', page: 1, text: 'new' }))
    await session.flush()

    expect(await db.column(Entry, 'text')).toEqual(['new'])
  }) // statement 22

  it('puts both rows back when a replacement of a key is rolled back', async () => {
    await db.save(Plate, { id: 1, code: 'old' })
    const session = db.open()
    const former = await session.getOrFail(Plate, 1)
    await session.begin()
    session.delete(former)
    session.add(make(Plate, { id: 1, code: 'new' }))
    await session.flush()
    await session.rollback()

    expect(await session.get(Plate, 1)).toBe(former)
    expect(session.state(former).status).toBe('clean')
    former.code = 'newer'
    await session.flush()
    expect(await db.column(Plate, 'code')).toEqual(['newer'])
  })

  it('deletes a row and inserts another with the same unique value', async () => {
    await db.save(Plate, { id: 1, code: 'A' })
    const session = db.open()
    session.add(make(Plate, { id: 2, code: 'A' }))
    session.delete(await session.getOrFail(Plate, 1))
    await session.flush()

    expect(await db.rows(Plate)).toEqual([{ id: 2, code: 'A', color: 'white' }])
  }) // statement 23, S5

  it('inserts a row with the unique value another row gives up', async () => {
    await db.save(Plate, { id: 1, code: 'A' })
    const session = db.open()
    session.add(make(Plate, { id: 2, code: 'A' }))
    ;(await session.getOrFail(Plate, 1)).code = 'B'
    await session.flush()

    expect(await db.column(Plate, 'code')).toEqual(['B', 'A'])
  })

  it('gives a row the unique value of one that is deleted', async () => {
    await db.save(Plate, { id: 1, code: 'A' }, { id: 2, code: 'B' })
    const session = db.open()
    const [first, second] = await session.find(Plate).order({ id: 'ASC' }).all()
    first!.code = 'B'
    session.delete(second!)
    await session.flush()

    expect(await db.column(Plate, 'code')).toEqual(['B'])
  })

  it('gives a row the unique value that a soft-removed one gives up', async () => {
    await db.save(Coupon, { code: 'A' }, { code: 'B' })
    const session = db.open()
    const [one, two] = await session.find(Coupon).order({ id: 'ASC' }).all()
    two!.code = 'gone'
    session.softRemove(two!)
    one!.code = 'B'
    await session.flush()

    expect((await db.rows(Coupon)).map(({ code, deletedAt }) => [code, Boolean(deletedAt)])).toEqual([
      ['B', false],
      ['gone', true],
    ])
  })

  it('leaves the unique value of a soft-removed row where it is', async () => {
    await db.save(Coupon, { code: 'A' })
    const session = db.open()
    const coupon = await session.find(Coupon).one()
    session.softRemove(coupon)
    const next = make(Coupon, { code: 'A' })
    session.add(next)
    expect((await errorOf(session.flush())).message).toMatch(/unique|duplicate/i)
    next.code = 'B'
    await session.flush()

    expect(await db.column(Coupon, 'code')).toEqual(['A', 'B'])
  })

  it('passes unique values down a chain of rows', async () => {
    await db.save(Plate, ...[1, 2, 3, 4].map((id) => ({ id, code: `${id}` })))
    const session = db.open()
    for (const plate of await session.find(Plate).all()) plate.code = `${plate.id + 1}`
    await session.flush()

    expect(await db.column(Plate, 'code')).toEqual(['2', '3', '4', '5'])
    for (const plate of await session.find(Plate).all()) plate.code = `${plate.id}`
    await session.flush()
    expect(await db.column(Plate, 'code')).toEqual(['1', '2', '3', '4'])
  })

  it('swaps the values of a nullable unique column', async () => {
    await db.save(Desk, { name: 'one', code: 'A' }, { name: 'two', code: 'B' })
    const session = db.open()
    const [one, two] = await session.find(Desk).order({ id: 'ASC' }).all()
    ;[one!.code, two!.code] = [two!.code!, one!.code!]
    const result = await session.flush()

    expect(await db.column(Desk, 'code')).toEqual(['B', 'A'])
    expect([one!.code, two!.code]).toEqual(['B', 'A'])
    expect(result.updated).toBe(2)
    expect(await db.sent(() => session.flush())).toEqual([])
  }) // statement 24, M15, S5

  it('rotates the values of a nullable unique column among three rows', async () => {
    await db.save(Desk, ...['A', 'B', 'C'].map((code) => ({ name: code, code })))
    const session = db.open()
    const desks = await session.find(Desk).order({ id: 'ASC' }).all()
    desks.forEach((desk, index) => (desk.code = ['B', 'C', 'A'][index]!))
    await session.flush()

    expect(await db.column(Desk, 'code')).toEqual(['B', 'C', 'A'])
  })

  it('swaps two pairs at once', async () => {
    await db.save(Desk, ...['A', 'B', 'C', 'D'].map((code) => ({ name: code, code })))
    const session = db.open()
    const desks = await session.find(Desk).order({ id: 'ASC' }).all()
    desks.forEach((desk, index) => (desk.code = ['B', 'A', 'D', 'C'][index]!))
    await session.flush()

    expect(await db.column(Desk, 'code')).toEqual(['B', 'A', 'D', 'C'])
  })

  it('swaps the nullable part of a unique pair of columns', async () => {
    await db.save(House, { street: 'Elm', number: 1 }, { street: 'Elm', number: 2 })
    const session = db.open()
    const [one, two] = await session.find(House).order({ id: 'ASC' }).all()
    ;[one!.number, two!.number] = [2, 1]
    await session.flush()

    expect(await db.column(House, 'number')).toEqual([2, 1])
  })

  it('swaps the targets of a nullable one-to-one', async () => {
    const [argo, beagle] = await db.save(Ship, { name: 'Argo' }, { name: 'Beagle' })
    await db.save(Captain, { name: 'Jason', ship: beagle! }, { name: 'FitzRoy', ship: argo! })
    const session = db.open()
    const [jason, fitzroy] = await session.find(Captain).with('ship').order({ id: 'ASC' }).all()
    ;[jason!.ship, fitzroy!.ship] = [fitzroy!.ship!, jason!.ship!]
    await session.flush()

    expect((await db.rows(Captain, 'ship')).map(({ ship }) => ship!.name)).toEqual(['Argo', 'Beagle'])
  })

  it('refuses a swap of a required unique column before any SQL and names both rows', async () => {
    await db.save(Plate, { id: 11, code: 'A' }, { id: 12, code: 'B' })
    const session = db.open()
    const [one, two] = await session.find(Plate).order({ id: 'ASC' }).all()
    ;[one!.code, two!.code] = ['B', 'A']
    session.add(make(Memo, { text: 'other work' }))
    const { error, writes } = await refusal(session)

    expect(writes).toEqual([])
    expect(error).toMatchObject({ code: 'UNIQUE_CYCLE', message: expect.stringContaining('"code"') })
    expect(error.message).toMatch(/Plate.*11/)
    expect(error.message).toMatch(/Plate.*12/)
  }) // statement 24, M15, S5

  it('is usable after a refused swap', async () => {
    await db.save(Plate, { id: 1, code: 'A' }, { id: 2, code: 'B' })
    const session = db.open()
    const [one, two] = await session.find(Plate).order({ id: 'ASC' }).all()
    ;[one!.code, two!.code] = ['B', 'A']
    await refusal(session)
    one!.code = 'interim'
    await session.flush()
    one!.code = 'B'
    await session.flush()

    expect(await db.column(Plate, 'code')).toEqual(['B', 'A'])
  })

  it('leaves the rows of a swap to each other when one of them does not change its value after all', async () => {
    await db.save(Plate, { id: 1, code: 'A' }, { id: 2, code: 'B' })
    const session = db.open()
    const [one, two] = await session.find(Plate).order({ id: 'ASC' }).all()
    ;[one!.code, two!.code] = ['B', 'A']
    ;[one!.code, two!.code] = ['A', 'B']

    expect(await db.sent(() => session.flush())).toEqual([])
  })

  it('moves the one end of a one-to-one to a row that is new in the same flush', async () => {
    const ship = make(Ship, { name: 'old' })
    const [captain, other] = [make(Captain, { name: 'Ann', ship }), make(Captain, { name: 'Bea' })]
    const session = db.open()
    session.add(ship, captain, other)
    await session.flush()
    const built = make(Ship, { name: 'new' })
    session.add(built)
    captain.ship = built
    other.ship = ship
    await session.flush()

    const captains = await db.rows(Captain, 'ship')
    expect(captains.map(({ name, ship }) => [name, ship?.name])).toEqual([
      ['Ann', 'new'],
      ['Bea', 'old'],
    ])
  })

  it('writes circles of several new rows in one flush', async () => {
    const session = db.open()
    for (const name of ['a', 'b', 'c']) {
      const firm = make(Firm, { name })
      const boss = make(Worker, { name, firm })
      firm.boss = boss
      session.add(boss, firm)
    }
    await session.flush()

    const firms = await db.rows(Firm, 'boss')
    expect(firms.map(({ name, boss }) => [name, boss?.name])).toEqual(['a', 'b', 'c'].map((name) => [name, name]))
  })
})
