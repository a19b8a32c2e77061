/**
 * Relations that are part of a key say which row it is: they can be given to a new row, and not changed of one that is there.
 *
 * @module
 */
import { Bunk, CREW, Duty, Sailor } from '../support/crew.js'
import { describeDatabase } from '../support/databases.js'
import { Price, Shop } from '../support/session-models.js'
import { errorOf, make, useSessions } from '../support/sessions.js'

const db = useSessions([...CREW, Shop, Price])

/** Ann's duty, and Ben who has none; all of it written by the session. */
async function written() {
  const session = db.open()
  const [ann, ben] = [make(Sailor, { name: 'Ann' }), make(Sailor, { name: 'Ben' })]
  const bunk = make(Bunk, { name: 'lower' })
  const duty = make(Duty, { sailor: ann, bunk })
  session.add(ann, ben, bunk, duty)
  await session.flush()
  return { session, ann, ben, bunk, duty }
}

/** A shop with a price, and another one without, as loaded. */
async function loaded(...relations: ('shop' | 'none')[]) {
  await db.save(Shop, { name: 'corner', prices: [make(Price, { good: 'tea', amount: 3 })] }, { name: 'market' })
  const session = db.open()
  const [corner, market] = await session.find(Shop).with('prices').order({ id: 'ASC' }).all()
  if (relations.includes('shop')) await session.find(Price).with('shop').all()
  return { session, corner: corner as Shop, market: market as Shop, price: corner!.prices[0] as Price }
}

const isWrite = (line: string) => /^(INSERT|UPDATE|DELETE)/.test(line)
const duties = async () => (await db.rows(Duty)).map(({ sailorId, bunkId, rota }) => [sailorId, bunkId, rota])
const shopOf = async () => (await db.rows(Price, 'shop')).map(({ shop }) => shop?.name)

describeDatabase('a relation that is part of a composite key', () => {
  it('gives a new row its key', async () => {
    const { session, ann, bunk, duty } = await written()

    expect(duty).toMatchObject({ sailorId: ann.id, bunkId: bunk.id })
    expect(await duties()).toEqual([[ann.id, bunk.id, 'daily']])
    expect(await session.get(Duty, { sailorId: ann.id, bunkId: bunk.id })).toBe(duty)
  })

  it('may be changed as long as there is no row', async () => {
    const { session, ben, ann, bunk } = await written()
    const upper = make(Bunk, { name: 'upper' })
    const duty = make(Duty, { sailor: ann, bunk: upper })
    session.add(duty, upper)
    duty.sailor = ben
    await session.flush()

    expect(await duties()).toEqual([
      [ann.id, bunk.id, 'daily'],
      [ben.id, upper.id, 'daily'],
    ])
    expect(await session.get(Duty, { sailorId: ben.id, bunkId: upper.id })).toBe(duty)
  })

  it('is refused before anything is written when it leads to another row', async () => {
    const { session, ann, ben, bunk, duty } = await written()
    duty.sailor = ben
    duty.rota = 'weekly'
    const sent = await db.sent(async () => {
      expect(await errorOf(session.flush())).toMatchObject({ code: 'KEY_CHANGED' })
    })

    expect(sent.filter(isWrite)).toEqual([])
    expect(await duties()).toEqual([[ann.id, bunk.id, 'daily']])
  })

  it('names the relation, the key of the row and the key that was wanted', async () => {
    const { session, ann, ben, duty } = await written()
    duty.sailor = ben
    const { message } = await errorOf(session.flush())

    expect(message).toContain('Duty.sailor')
    expect(message).toContain(String(ann.id))
    expect(message).toContain(String(ben.id))
  })

  it('is written again after it was put back', async () => {
    const { session, ann, ben, bunk, duty } = await written()
    duty.sailor = ben
    await errorOf(session.flush())
    duty.sailor = ann
    expect(await db.sent(() => session.flush())).toEqual([])
    duty.rota = 'weekly'
    await session.flush()

    expect(await duties()).toEqual([[ann.id, bunk.id, 'weekly']])
    expect(await session.get(Duty, { sailorId: ann.id, bunkId: bunk.id })).toBe(duty)
  })

  it('is refused when it is taken away', async () => {
    const { session, duty } = await written()
    duty.sailor = null as never

    expect((await errorOf(session.flush())).code).toMatch(/^(KEY_CHANGED|REQUIRED_MISSING)$/)
    expect(await duties()).toHaveLength(1)
  })

  it('is unchanged when another object with the same key stands in for it', async () => {
    const { session, ann, duty } = await written()
    duty.sailor = make(Sailor, { id: ann.id })

    expect(await db.sent(() => session.flush())).toEqual([])
  })

  it('is refused where its column leads elsewhere', async () => {
    const { session, ann, ben, duty } = await written()
    duty.sailorId = ben.id
    expect(await errorOf(session.flush())).toMatchObject({ code: 'KEY_CHANGED' })
    duty.sailorId = ann.id

    expect(await db.sent(() => session.flush())).toEqual([])
  })

  it('lets its row be deleted, and another one take its place', async () => {
    const { session, ben, bunk, duty } = await written()
    session.delete(duty)
    session.add(make(Duty, { sailor: ben, bunk }))
    await session.flush()

    expect(await duties()).toEqual([[ben.id, bunk.id, 'daily']])
  })

  it.each(['shop', 'none'] as const)('is refused when the collection of another row takes its row (loaded: %s)', async (relation) => {
    const { session, corner, market, price } = await loaded(relation)
    corner.prices = []
    market.prices!.push(price)
    const sent = await db.sent(async () => {
      expect(await errorOf(session.flush())).toMatchObject({ code: 'KEY_CHANGED' })
    })

    expect(sent.filter(isWrite)).toEqual([])
    expect(await shopOf()).toEqual(['corner'])
  })

  it('is left alone by a collection that has it and loses nothing', async () => {
    const { session, corner, price } = await loaded('shop')
    price.amount = 4
    corner.prices = [price]
    await session.flush()

    expect(await db.column(Price, 'amount')).toEqual([4])
    expect(await shopOf()).toEqual(['corner'])
  })
})
