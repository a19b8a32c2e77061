/**
 * Values changed in place: JSON, dates, buffers, arrays and value objects are seen, written, and told as they were.
 *
 * @module
 */
import { describeDatabase } from '../support/databases.js'
import { plain, stored } from '../support/kinds.js'
import { CLEAN, expectClean, standing } from '../support/opened-session.js'
import { Kinds, Money } from '../support/session-models.js'

describeDatabase('a value changed in place', () => {
  // statement 16, ming rows 93 and 94
  const mutations: [keyof Kinds, string, (kinds: Kinds) => unknown][] = [
    ['json', 'a nested member', (kinds) => ((kinds.json as { a: [number, { c: unknown }] }).a[1].c = 'deep')],
    ['json', 'an added name', (kinds) => ((kinds.json as Record<string, unknown>)['e'] = 1)],
    ['json', 'a deleted name', (kinds) => delete (kinds.json as Record<string, unknown>)['b']],
    ['simpleJson', 'a sorted list', (kinds) => (kinds.simpleJson as { list: number[] }).list.sort()],
    ['simpleJson', 'a reversed list', (kinds) => (kinds.simpleJson as { list: number[] }).list.reverse()],
    ['simpleJson', 'a cleared list', (kinds) => ((kinds.simpleJson as { list: number[] }).list.length = 0)],
    ['simpleJson', 'a spliced list', (kinds) => (kinds.simpleJson as { list: number[] }).list.splice(1, 1)],
    ['moment', 'a date', (kinds) => kinds.moment!.setUTCFullYear(2030)],
    ['bytes', 'a buffer', (kinds) => (kinds.bytes![0] = 7)],
    ['simpleArray', 'an array', (kinds) => kinds.simpleArray!.push('c')],
    ['texts', 'an array of texts', (kinds) => kinds.texts!.pop()],
    ['wholes', 'an array of numbers', (kinds) => kinds.wholes!.sort()],
    ['price', 'a value object behind a transformer', (kinds) => (kinds.price!.amount = 99)],
  ]
  it.each(mutations)('in %s is seen and written: %s', async (name, _what, mutate) => {
    const { session, sent, id, another } = await stored()
    const loaded = await session.getOrFail(Kinds, id)
    mutate(loaded)
    expect(session.state(loaded).status).toBe('dirty')
    expect(session.isModified(loaded)).toBe(true)
    expect(Object.keys(session.state(loaded).changes)).toEqual([name])
    expect(await session.flush()).toMatchObject({ updated: 1 })
    await expectClean(session, sent)
    const read = await another().getOrFail(Kinds, id)
    expect(plain(read)).toEqual(plain(loaded))
  })

  it('is seen inside of embedded objects', async () => {
    const { session, sent, id, another } = await stored()
    const loaded = await session.getOrFail(Kinds, id)
    loaded.place.spot.x = 5
    ;(loaded.place.notes as { tags: string[] }).tags.push('b')
    loaded.place.rent!.amount = 800
    expect(Object.keys(session.state(loaded).changes).sort()).toEqual(['place.notes', 'place.rent', 'place.spot.x'])
    expect(await session.flush()).toMatchObject({ updated: 1 })
    await expectClean(session, sent)
    expect((await another().getOrFail(Kinds, id)).place).toEqual(loaded.place)
  })

  it('is seen after a flush of the same value, and after each further one', async () => {
    const { session, id, another } = await stored()
    const loaded = await session.getOrFail(Kinds, id)
    for (const number of [9, 8, 7]) {
      ;(loaded.simpleJson as { list: number[] }).list.push(number)
      expect(await session.flush()).toMatchObject({ updated: 1 })
    }
    expect((await another().getOrFail(Kinds, id)).simpleJson).toEqual({ z: 1, list: [3, 1, 2, 9, 8, 7] })
  })

  it('is shown with what it was', async () => {
    const { session, id } = await stored()
    const loaded = await session.getOrFail(Kinds, id)
    loaded.moment!.setUTCFullYear(2030)
    ;(loaded.simpleJson as { list: number[] }).list.pop()
    const { changes, original } = session.state(loaded)
    expect(changes.moment).toEqual({ from: new Date('2024-02-29T12:34:56.789Z'), to: new Date('2030-03-01T12:34:56.789Z') })
    expect(changes.simpleJson).toEqual({ from: { z: 1, list: [3, 1, 2] }, to: { z: 1, list: [3, 1] } })
    expect(original.simpleJson).toEqual({ z: 1, list: [3, 1, 2] })
  })

  it('is told as it was at the flush, however it is changed later', async () => {
    const { session, id } = await stored()
    const loaded = await session.getOrFail(Kinds, id)
    await session.begin()
    loaded.price!.amount = 6
    loaded.moment!.setTime(6)
    loaded.simpleArray!.push('c')
    await session.flush()
    loaded.price!.amount = 7
    loaded.moment!.setTime(7)
    loaded.simpleArray!.push('d')
    const [change] = session.journal
    expect(change!.changes).toEqual({
      price: { from: new Money(5, 'EUR'), to: new Money(6, 'EUR') },
      moment: { from: new Date('2024-02-29T12:34:56.789Z'), to: new Date(6) },
      simpleArray: { from: ['a', 'b'], to: ['a', 'b', 'c'] },
    })
    await session.rollback()
    expect(loaded).toMatchObject({ price: { amount: 5 }, moment: new Date('2024-02-29T12:34:56.789Z'), simpleArray: ['a', 'b'] })
  })

  it('and changed back is clean again', async () => {
    const { session, sent, id } = await stored() // statement 12
    const loaded = await session.getOrFail(Kinds, id)
    loaded.text = 'other'
    loaded.wholes!.push(4)
    loaded.bytes![0] = 1
    loaded.price!.amount = 6
    loaded.place.spot.x = 9
    expect(session.isModified(loaded)).toBe(true)
    loaded.text = "it's"
    loaded.wholes!.pop()
    loaded.bytes![0] = 0
    loaded.price!.amount = 5
    loaded.place.spot.x = 1
    expect(standing(session, loaded)).toEqual(CLEAN)
    await expectClean(session, sent)
  })
})
