/**
 * Columns of every kind: as loaded they are clean, changed in place they are dirty, and only what changed is written.
 *
 * @module
 */
import { Day } from '../support/columns.js'
import { describeDatabase } from '../support/databases.js'
import { assigned, everyKind, inexact, KINDS, LOADED, place, plain, stored } from '../support/kinds.js'
import { make } from '../support/models.js'
import { CLEAN, expectClean, standing } from '../support/opened-session.js'
import { Kinds, Money, Mood, Place, Spot } from '../support/session-models.js'

describeDatabase('columns of every kind', () => {
  it('are clean once they were inserted', async () => {
    const { inserting, inserted, sent } = await stored()
    expect(inserting.state(inserted).status).toBe('clean')
    await expectClean(inserting, sent)
  })

  it('are clean as they were loaded', async () => {
    const { session, sent, id } = await stored() // statement 17
    const loaded = await session.getOrFail(Kinds, id)
    expect(standing(session, loaded)).toEqual(CLEAN)
    await expectClean(session, sent)
  })

  it('are loaded as they were inserted', async () => {
    const { session, id } = await stored({ ...everyKind(), big: '9007199254740991' })
    const loaded = await session.getOrFail(Kinds, id)
    expect(plain(loaded)).toEqual(plain({ ...everyKind(), big: '9007199254740991' }))
  })

  it('are clean as they were loaded where all are null', async () => {
    const nothing = Object.fromEntries(KINDS.map((name) => [name, null])) as Partial<Kinds>
    const { session, sent, id } = await stored({ ...nothing, place: make(Place, { spot: new Spot() }) })
    const loaded = await session.getOrFail(Kinds, id)
    expect(session.state(loaded).status).toBe('clean')
    await expectClean(session, sent)
    for (const name of LOADED) if (name !== 'place') (loaded as unknown as Record<string, unknown>)[name] = undefined
    await expectClean(session, sent)
  })

  it('are clean when each is assigned an equal value', async () => {
    const { session, sent, id } = await stored({ ...everyKind(), ...inexact }) // ming row 91
    const loaded = await session.getOrFail(Kinds, id)
    Object.assign(loaded, everyKind(), { hidden: undefined, ...inexact, json: { d: 'x', a: [1, { c: null }], b: 1 } })
    expect(standing(session, loaded)).toEqual(CLEAN)
    await expectClean(session, sent)
  })

  it('are clean when a number is assigned to a bigint or decimal that is text, or text to one that is a number', async () => {
    const { session, sent, id } = await stored({ big: '42', decimal: '7.5000' })
    const loaded = await session.getOrFail(Kinds, id)
    const swapped = (value: unknown) => (typeof value === 'string' ? Number(value) : String(value))
    loaded.big = swapped(loaded.big)
    await expectClean(session, sent)
    loaded.decimal = swapped(loaded.decimal)
    await expectClean(session, sent)
    loaded.decimal = '7.50'
    await expectClean(session, sent)
  })

  it('are clean where JSON has names of every kind', async () => {
    const json = () =>
      JSON.parse('{"__proto__": {"a": 1}, "constructor": 2, "toString": null, "": 3, "a.b": [{"__proto__": 4}]}') as unknown
    const { inserting, session, sent, id } = await stored({ json: json(), simpleJson: json() })
    await expectClean(inserting, sent)
    const loaded = await session.getOrFail(Kinds, id)
    await expectClean(session, sent)
    expect(JSON.parse(JSON.stringify(loaded.simpleJson))).toEqual(json())
    ;(loaded.json as Record<string, unknown>)['constructor'] = 5
    expect(await session.flush()).toMatchObject({ updated: 1 })
    await expectClean(session, sent)
  })

  it('are written when each is assigned another value, that column alone', async () => {
    const others: Partial<Kinds> = {
      text: 'other',
      whole: 4,
      real: 1.5,
      big: '12',
      decimal: '1.2500',
      flag: true,
      date: '2025-01-01',
      moment: new Date('2025-01-01T00:00:00.001Z'),
      bytes: Buffer.from([1]),
      json: [1, 2],
      simpleJson: { other: true },
      simpleArray: ['c'],
      texts: [],
      wholes: [1, 3],
      mood: Mood.glad,
      simpleMood: Mood.none,
      price: new Money(6, 'EUR'),
      day: new Day('2024-03-01'),
      secret: 'shout',
    }
    const { session, sent, id, another } = await stored()
    const loaded = await session.getOrFail(Kinds, id)
    for (const [name, value] of Object.entries(others)) {
      Object.assign(loaded, { [name]: value })
      expect([...Object.keys(session.state(loaded).changes)]).toEqual([name]) // statement 15
      sent.clear()
      expect(await session.flush()).toMatchObject({ updated: 1, statements: expect.any(Number) as number })
      const updates = sent.sql().filter((sql) => sql.startsWith('UPDATE'))
      expect(updates).toHaveLength(1)
      expect(assigned(updates[0]!)).toEqual([name])
      await expectClean(session, sent)
    }
    const read = await another().getOrFail(Kinds, id)
    expect(plain(read)).toEqual(plain({ ...everyKind(), ...others }))
  })
})

describeDatabase('what is written of an entity', () => {
  it('is the difference to the last flush, not to the load', async () => {
    const { session, another, id } = await stored() // ming row 92
    const loaded = await session.getOrFail(Kinds, id)
    loaded.whole = 2
    await session.flush()
    Object.assign(loaded, { whole: -3, text: 'too' })
    await session.flush()
    expect(await another().getOrFail(Kinds, id)).toMatchObject({ whole: -3, text: 'too' })
  })

  it('leaves columns alone that were not loaded', async () => {
    const { session, another, sent, id, dataSource } = await stored() // ming row 106
    const loaded = await session.getOrFail(Kinds, id)
    expect(loaded.hidden).toBeUndefined()
    loaded.text = 'seen'
    sent.clear()
    await session.flush()
    expect(
      sent
        .sql()
        .filter((sql) => sql.startsWith('UPDATE'))
        .map(assigned),
    ).toEqual([['text']])
    loaded.hidden = 'written blind'
    await session.flush()
    const read = await dataSource.manager.findOneOrFail(Kinds, { where: { id }, select: { id: true, hidden: true, text: true } })
    expect(read).toMatchObject({ text: 'seen', hidden: 'written blind' })
    await expectClean(another(), sent)
  })

  it('leaves out properties that are no columns', async () => {
    const { session, sent, id } = await stored() // ming row 93
    const loaded = await session.getOrFail(Kinds, id)
    Object.assign(loaded, { unmapped: { any: 'thing' } })
    expect(standing(session, loaded)).toEqual(CLEAN)
    await expectClean(session, sent)
  })

  it('is null where a loaded value was deleted or set to undefined', async () => {
    const { session, another, id } = await stored() // ming row 93
    const loaded = await session.getOrFail(Kinds, id)
    delete loaded.text
    Object.assign(loaded, { whole: undefined })
    Object.assign(loaded.place, { city: undefined })
    expect(Object.keys(session.state(loaded).changes).sort()).toEqual(['place.city', 'text', 'whole'])
    expect(await session.flush()).toMatchObject({ updated: 1 })
    expect(await another().getOrFail(Kinds, id)).toMatchObject({ text: null, whole: null, place: { city: null, spot: { x: 1 } } })
  })

  it('is every column of an embedded object that was set to null or undefined, and of one replaced only what differs', async () => {
    const { session, another, sent, id } = await stored()
    const loaded = await session.getOrFail(Kinds, id)
    loaded.place = place({ city: 'Ulm' })
    expect(Object.keys(session.state(loaded).changes)).toEqual(['place.city'])
    await session.flush()
    ;(loaded as { place?: Place | null }).place = null
    expect(Object.keys(session.state(loaded).changes).sort()).toEqual(
      ['city', 'notes', 'rent', 'spot.x', 'spot.y'].map((path) => `place.${path}`),
    )
    await session.flush()
    await expectClean(session, sent)
    expect((await another().getOrFail(Kinds, id)).place).toEqual({ city: null, notes: null, rent: null, spot: { x: null, y: null } })
  })

  it('is nothing where an embedded object that is all null was left out or set to null', async () => {
    const { session, sent, id } = await stored({ place: make(Place, { spot: new Spot() }) })
    const loaded = await session.getOrFail(Kinds, id)
    await expectClean(session, sent)
    ;(loaded as { place?: Place | null }).place = null
    await expectClean(session, sent)
    delete (loaded as { place?: Place }).place
    await expectClean(session, sent)
  })
})
