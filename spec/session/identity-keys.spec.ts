/**
 * One object for each row, whatever its key is made of and whichever class of a hierarchy was asked for.
 *
 * @module
 */
import { randomUUID } from 'node:crypto'
import { Day, Part } from '../support/columns.js'
import { describeDatabase } from '../support/databases.js'
import { make } from '../support/models.js'
import { BigKey, DayKey, Price, Shop, Stamped } from '../support/session-models.js'
import { Animal, Cat, Country, Dog, PlanetSchema, StarSchema, Token, type Planet, type Star } from '../support/shapes.js'
import { CLEAN, codeOf, expectClean, openWithSession, standing } from '../support/opened-session.js'

let count = 0
/** A text no other test of this file uses. */
const unique = (prefix: string) => `${prefix}${++count}`

describeDatabase('a composite key', () => {
  async function parts() {
    const opened = await openWithSession()
    const maker = unique('maker')
    const [one, two] = [1, 2].map((number) => make(Part, { maker, number, name: `part ${number}` }))
    two!.replaces = one!
    const writing = opened.another()
    writing.add(two!, one!)
    await writing.flush()
    await expectClean(writing, opened.sent)
    return { ...opened, maker }
  }

  it('leads to one object by every way of loading', async () => {
    const { session, maker, sent } = await parts()
    const two = await session.find(Part, { maker, number: 2 }).with('replaces').one()
    sent.clear()
    expect(await session.get(Part, { maker, number: 2 })).toBe(two)
    expect(await session.get(Part, { number: 1, maker })).toBe(two.replaces)
    expect(sent.sql()).toEqual([])
    const found = await session.find(Part, { maker }).order({ number: 'ASC' }).with('replaces').limit(2)
    expect(found).toEqual([two.replaces, two])
    expect(found[1]).toBe(two)
    await expectClean(session, sent)
  })

  it('is told with all its parts, and refused with fewer', async () => {
    const { session, maker } = await parts()
    const part = await session.getOrFail(Part, { maker, number: 1 })
    expect(session.state(part).key).toEqual({ maker, number: 1 })
    expect(await codeOf(() => session.get(Part, { maker }))).toBe('KEY_INVALID')
    expect(await codeOf(() => session.get(Part, maker))).toBe('KEY_INVALID')
    expect(await codeOf(() => session.get(Part, null as unknown as string))).toBe('KEY_INVALID')
    expect(await session.get(Part, { maker, number: 3 })).toBeNull()
  })

  it('does not mix up keys whose parts run together', async () => {
    const { session } = await openWithSession()
    const maker = unique('m')
    const parts = [
      make(Part, { maker: `${maker},1`, number: 1, name: 'a' }),
      make(Part, { maker: `${maker}`, number: 11, name: 'b' }),
      make(Part, { maker: `${maker}"`, number: 1, name: 'c' }),
    ]
    session.add(...parts)
    await session.flush()
    for (const part of parts) expect(await session.get(Part, { maker: part.maker, number: part.number })).toBe(part)
  })

  it('refuses a lookup by a part that is undefined, in every shape of key', async () => {
    const { session } = await parts()
    expect(await codeOf(() => session.get(Country, undefined as unknown as string))).toBe('KEY_INVALID')
    expect(await codeOf(() => session.get(Country, { code: undefined } as object))).toBe('KEY_INVALID')
    expect(await codeOf(() => session.getOrFail(Part, { maker: 'x', number: undefined as unknown as number }))).toBe('KEY_INVALID')
  })
})

describeDatabase('a key that is a relation and a column', () => {
  async function prices() {
    const opened = await openWithSession()
    const shop = make(Shop, { name: 'corner', prices: ['tea', 'milk'].map((good) => make(Price, { good, amount: 3 })) })
    const writing = opened.another()
    writing.add(shop)
    await writing.flush()
    await expectClean(writing, opened.sent)
    return { ...opened, shopId: shop.id }
  }

  it('leads to one object by key, by query and by relation', async () => {
    const { session, shopId, sent } = await prices()
    const shop = await session.find(Shop, { id: shopId }).with('prices').one()
    expect(shop.prices!.map(({ good }) => good).sort()).toEqual(['milk', 'tea'])
    for (const price of shop.prices!) {
      expect(await session.get(Price, { good: price.good, shopId })).toBe(price)
      expect(
        await session
          .find(Price, { good: price.good, shop: { id: shopId } })
          .with('shop')
          .one(),
      ).toBe(price)
      expect(price.shop).toBe(shop)
      expect(session.state(price).key).toEqual({ good: price.good, shopId })
    }
    await expectClean(session, sent)
  })

  it('is written as the relation says', async () => {
    const { session, shopId, another } = await prices()
    const shop = await session.getOrFail(Shop, shopId)
    session.add(make(Price, { good: 'rice', shop, amount: 5 }))
    await session.flush()
    expect(await another().get(Price, { good: 'rice', shopId })).toMatchObject({ amount: 5, shopId })
  })
})

describeDatabase('a generated key', () => {
  it('leads to the inserted object, be it a number or a uuid', async () => {
    const { session, sent, another } = await openWithSession()
    const entities = [make(Animal, { name: 'it' }), make(Token, { name: 't' }), make(Stamped, { name: 's' })] as const
    session.add(...entities)
    await session.flush()
    sent.clear()
    expect(await session.get(Animal, entities[0].id)).toBe(entities[0])
    expect(await session.get(Token, entities[1].id)).toBe(entities[1])
    expect(await session.get(Stamped, entities[2].id)).toBe(entities[2])
    expect(sent.sql()).toEqual([])
    expect(await session.find(Token, { id: entities[1].id }).one()).toBe(entities[1])
    const reading = another()
    for (const entity of [await reading.get(Token, entities[1].id), await reading.get(Stamped, entities[2].id)])
      expect(standing(reading, entity!)).toEqual(CLEAN)
    await expectClean(reading, sent)
  })

  it('that was preset is kept', async () => {
    const { session, sent, another } = await openWithSession()
    const token = make(Token, { id: randomUUID(), name: 'preset' })
    const country = make(Country, { code: 'FR', name: 'France' })
    session.add(token, country)
    expect(await session.get(Token, token.id)).toBe(token)
    expect(await session.get(Country, 'FR')).toBe(country)
    await session.flush()
    expect([token.id, country.code]).toEqual([token.id, 'FR'])
    await expectClean(session, sent)
    expect(await another().get(Token, token.id)).toEqual(token)
  })
})

describeDatabase('a key of another kind', () => {
  it('leads to one object where a number is given as text', async () => {
    const { session, dataSource } = await openWithSession()
    const { id } = await dataSource.manager.save(make(Animal, { name: 'it' }))
    const animal = await session.getOrFail(Animal, String(id))
    expect(animal.id).toBe(id)
    expect(await session.get(Animal, id)).toBe(animal)
    expect(await session.get(Animal, { id: String(id) as unknown as number })).toBe(animal)
  })

  it('leads to one object where the database stores a uuid in other letters than it was given in', async () => {
    const { session, sent } = await openWithSession()
    const token = make(Token, { id: randomUUID().toUpperCase(), name: 't' })
    session.add(token)
    await session.flush()
    expect(await session.find(Token, { name: 't', id: token.id }).one()).toBe(token)
    await expectClean(session, sent)
  })

  it('leads to one object where the database finds it in other letters, too', async () => {
    const { session, another } = await openWithSession()
    const code = unique('q').slice(-2).toLowerCase()
    const writing = another()
    writing.add(make(Country, { code, name: 'c' }))
    await writing.flush()
    const country = await session.getOrFail(Country, code)
    const other = await session.get(Country, code.toUpperCase())
    expect(other === null || other === country).toBe(true)
  })

  it('leads to one object where it is a bigint, as text or as a number', async () => {
    const { session, sent, another } = await openWithSession()
    const id = `${900_000_000_000 + ++count}`
    const entity = make(BigKey, { id, name: 'big' })
    session.add(entity)
    await session.flush()
    sent.clear()
    expect(await session.get(BigKey, id)).toBe(entity)
    expect(await session.get(BigKey, Number(id))).toBe(entity)
    expect(await session.get(BigKey, BigInt(id))).toBe(entity)
    expect(sent.sql()).toEqual([])
    expect(await session.find(BigKey, { id }).one()).toBe(entity)
    await expectClean(session, sent)
    const reading = another()
    const read = await reading.getOrFail(BigKey, id)
    expect(await reading.get(BigKey, Number(id))).toBe(read)
    read.name = 'bigger'
    expect(await reading.flush()).toMatchObject({ updated: 1 })
  })

  it('leads to one object where a transformer makes a value object of it', async () => {
    const { session, sent, another } = await openWithSession()
    const day = new Day('2024-05-06')
    const entity = make(DayKey, { day, name: 'd' })
    session.add(entity)
    await session.flush()
    expect(await session.find(DayKey).one()).toBe(entity)
    await expectClean(session, sent)
    const reading = another()
    const read = await reading.find(DayKey).one()
    expect(read.day).toEqual(day)
    expect(await reading.find(DayKey).one()).toBe(read)
    expect(await reading.get(DayKey, { day: new Day('2024-05-06') })).toBe(read)
    read.name = 'e'
    expect(await reading.flush()).toMatchObject({ updated: 1 })
    expect((await another().find(DayKey).one()).name).toBe('e')
    reading.delete(read)
    expect(await reading.flush()).toMatchObject({ deleted: 1 })
  })
})

describeDatabase('a row of a class hierarchy', () => {
  async function animals() {
    const opened = await openWithSession()
    const writing = opened.another()
    const dog = make(Dog, { name: 'Rex', trick: 'sit' })
    const cat = make(Cat, { name: 'Tom', lives: 9 })
    const animal = make(Animal, { name: 'It' })
    writing.add(dog, cat, animal)
    await writing.flush()
    await expectClean(writing, opened.sent)
    return { ...opened, writing, dog, cat, animal }
  }

  it('is one object through the base class and through its own', async () => {
    const { session, dog, cat, animal, sent } = await animals() // ming row 118
    const base = await session.getOrFail(Animal, dog.id)
    expect(base).toBeInstanceOf(Dog)
    sent.clear()
    expect(await session.get(Dog, dog.id)).toBe(base)
    expect(sent.sql()).toEqual([])
    expect(await session.find(Dog, { id: dog.id }).one()).toBe(base)
    const own = await session.getOrFail(Cat, cat.id)
    expect(await session.find(Animal, { id: cat.id }).one()).toBe(own)
    const all = await session.find(Animal, [{ id: dog.id }, { id: cat.id }, { id: animal.id }]).order({ id: 'ASC' })
    expect(all.map((one) => [one.constructor, one.name])).toEqual([
      [Dog, 'Rex'],
      [Cat, 'Tom'],
      [Animal, 'It'],
    ])
    expect([all[0] === base, all[1] === own]).toEqual([true, true])
    await expectClean(session, sent)
  })

  it('is one object right after its insert', async () => {
    const { writing, dog, cat, sent } = await animals()
    sent.clear()
    expect(await writing.get(Animal, dog.id)).toBe(dog)
    expect(sent.sql()).toEqual([])
    expect(await writing.find(Animal, { id: cat.id }).one()).toBe(cat)
  })

  it('is nothing through a class it is not of', async () => {
    const { session, dog, animal } = await animals()
    await session.getOrFail(Animal, dog.id)
    expect(await session.get(Cat, dog.id)).toBeNull()
    expect(await session.get(Cat, animal.id)).toBeNull()
    expect(await session.get(Dog, animal.id)).toBeNull()
  })

  it('has the columns of its own class, whichever was asked for', async () => {
    const { session, dog, another } = await animals()
    const base = (await session.getOrFail(Animal, dog.id)) as Dog
    expect(base.trick).toBe('sit')
    base.trick = 'roll'
    expect(standing(session, base)).toEqual({ status: 'dirty', changed: ['trick'], isModified: true })
    await session.flush()
    expect(await another().getOrFail(Dog, dog.id)).toMatchObject({ name: 'Rex', trick: 'roll' })
  })
})

describeDatabase('an entity of a schema', () => {
  it('is one object, with a class and without', async () => {
    const { session, sent, dataSource } = await openWithSession()
    const planet = (await dataSource.manager.save(PlanetSchema, { name: 'Mars' })) as Planet & { id: number }
    const star = (await dataSource.manager.save(StarSchema, { name: 'Sun' })) as Star
    const [mars, sun] = [await session.getOrFail(PlanetSchema, planet.id), await session.getOrFail(StarSchema, star.id)]
    expect(await session.find(PlanetSchema, { name: 'Mars' }).one()).toBe(mars)
    expect(await session.find(StarSchema, { id: star.id }).one()).toBe(sun)
    await expectClean(session, sent)
    mars.moons = 2
    sun.name = 'Sol'
    expect(await session.flush()).toMatchObject({ updated: 2 })
    expect(await dataSource.manager.findOneBy(PlanetSchema, { id: planet.id })).toMatchObject({ name: 'Mars', moons: 2 })
  })
})
