/** Events of one key go to one slot, for good; a key is a short text. */
import fc from 'fast-check'
import { aggregateOf, checkedKey, slotOf } from '../../lib/outbox/partition-key.js'
import { thrownBy } from '../support/events.js'

describe('what an event is about', () => {
  it.each([
    ['build.issued', { id: 7 }, { type: 'build', id: '7' }],
    ['stock.item.moved', { id: 'a-1' }, { type: 'stock.item', id: 'a-1' }],
    ['issued', { id: 12n }, { type: 'issued', id: '12' }],
    ['build.issued', { id: 0 }, { type: 'build', id: '0' }],
    ['build.issued', {}, undefined],
    ['build.issued', { id: null }, undefined],
    ['build.issued', { id: { part: 1 } }, undefined],
    ['build.issued', undefined, undefined],
    ['build.issued', 'id', undefined],
    ['build.issued', [7], undefined],
  ])('%s with its payload is about this: case %#', (name, payload, about) => {
    expect(aggregateOf(name, payload)).toEqual(about)
  })
})

describe('a partition key', () => {
  it.each([
    ['build:7', 'build:7'],
    [7, '7'],
    [0, '0'],
    [9007199254740993n, '9007199254740993'],
    ['x'.repeat(255), 'x'.repeat(255)],
    ['film 🎬', 'film 🎬'],
    [undefined, undefined],
    [null, undefined],
  ])('may be given as %p', (given, key) => {
    expect(checkedKey('build.issued', given)).toBe(key)
  })

  it.each(['', 'x'.repeat(256), 'a\u0000b', 'a\ud800', '\udc00a', {}, ['a'], true, Symbol('a'), () => 'a'])(
    'is refused where it is %p',
    (given) => {
      const error = thrownBy(() => checkedKey('build.issued', given))
      expect(error).toMatchObject({ code: 'OUTBOX_KEY_INVALID', message: expect.stringContaining('build.issued') as string })
    },
  )

  it('is not printed when it is refused', () => {
    expect(thrownBy(() => checkedKey('build.issued', `secret${'x'.repeat(255)}`)).message).not.toContain('secret')
  })
})

describe('the slot of a key', () => {
  /** Of the reference implementation (FNV-1a, 32 bits): other versions of this package have to agree. */
  it.each([
    ['', 0x811c9dc5],
    ['a', 0xe40c292c],
    ['foobar', 0xbf9cf968],
  ])('of %j follows from its known hash', (key, hash) => {
    expect(slotOf(key, 2 ** 32)).toBe(hash)
    expect(slotOf(key, 32)).toBe(hash % 32)
    expect(slotOf(key, 1_000)).toBe(hash % 1_000)
  })

  it('is the same each time, and one of the slots there are', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.integer({ min: 1, max: 1_024 }), (key, slots) => {
        const slot = slotOf(key, slots)
        expect(Number.isInteger(slot) && slot >= 0 && slot < slots).toBe(true)
        expect(slotOf(key, slots)).toBe(slot)
      }),
    )
  })

  it('spreads keys that count up over all slots, none with twice its share', () => {
    const counts = new Map<number, number>()
    for (let id = 0; id < 32_000; id++) {
      const slot = slotOf(`film:${id}`, 32)
      counts.set(slot, (counts.get(slot) ?? 0) + 1)
    }
    expect(counts.size).toBe(32)
    expect(Math.max(...counts.values())).toBeLessThan(2_000)
  })
})
