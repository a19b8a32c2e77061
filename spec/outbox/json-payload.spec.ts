/** What is stored says the same when it is read back; what would not is refused, with the path to it. */
import fc from 'fast-check'
import { ref } from '../../lib/events/deferred.js'
import { assertJson, jsonOf } from '../../lib/outbox/json-payload.js'
import { thrownBy } from '../support/events.js'

class Film {
  id?: number
  constructor(readonly title: string) {}
}
class Price {
  constructor(readonly cents: number) {}
  toJSON() {
    return `${this.cents} cents`
  }
}
const loop: { self?: object } = {}
loop.self = loop
const circle: { name: string; lines: object[] } = { name: 'a', lines: [] }
circle.lines.push({ of: circle })

const BAD: [unknown, string, string][] = [
  [NaN, '$', 'NaN'],
  [{ a: { price: Infinity } }, '$.a.price', 'Infinity'],
  [{ lines: [0, 1, 2, { price: 1n }] }, '$.lines[3].price', 'a bigint'],
  [{ on: () => 1 }, '$.on', 'the function on'],
  [{ mark: Symbol('x') }, '$.mark', 'a symbol'],
  [{ at: new Date(NaN) }, '$.at', 'an invalid date'],
  [loop, '$.self', 'part of itself'],
  [circle, '$.lines[0].of', 'part of itself'],
  [{ of: new Map([['a', 1]]) }, '$.of', 'an instance of Map'],
  [{ of: new Set([1]) }, '$.of', 'an instance of Set'],
  [{ of: new WeakMap() }, '$.of', 'an instance of WeakMap'],
  [{ of: Promise.resolve(1) }, '$.of', 'an instance of Promise'],
  [{ of: /x/ }, '$.of', 'an instance of RegExp'],
  [{ of: Object.assign(new Error('x'), { code: 7 }) }, '$.of', 'an instance of Error'],
  [{ of: Buffer.from('x') }, '$.of', 'an instance of Buffer'],
  [{ of: new Uint8Array(1) }, '$.of', 'an instance of Uint8Array'],
  [{ of: new ArrayBuffer(1) }, '$.of', 'an instance of ArrayBuffer'],
  [{ of: new URLSearchParams('a=1') }, '$.of', 'an instance of URLSearchParams'],
  [{ of: new Blob(['x']) }, '$.of', 'an instance of Blob'],
  [{ of: new Number(NaN) }, '$.of', 'an instance of Number'],
  [{ of: new String('x') }, '$.of', 'an instance of String'],
  [{ of: Object(1n) as object }, '$.of', 'an instance of BigInt'],
  [{ of: structuredClone(new Map([['a', 1]])) }, '$.of', 'an instance of Map'],
  [{ lines: [1, undefined] }, '$.lines[1]', 'undefined'],
  // eslint-disable-next-line no-sparse-arrays -- a hole
  [{ lines: [1, , 3] }, '$.lines[1]', 'undefined'],
  [{ of: { toJSON: () => NaN } }, '$.of', 'NaN'],
  [{ of: { toJSON: () => undefined } }, '$.of', 'answers nothing'],
  [{ of: { toJSON: () => ({ a: [1n] }) } }, '$.of.a[0]', 'a bigint'],
]

describe('a payload', () => {
  it('says the same when it is read back', () => {
    fc.assert(
      fc.property(fc.jsonValue({ noUnicodeString: false }), (payload) => {
        assertJson('film.added', payload)
        const text = jsonOf('film.added', payload)
        expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(payload)))
        expect(jsonOf('film.added', JSON.parse(text))).toBe(text)
      }),
      { numRuns: 500 },
    )
  })

  it('is refused, or says the same when it is read back, whatever it is', () => {
    const anything = fc.anything({
      ...{ withBigInt: true, withBoxedValues: true, withDate: true, withMap: true, withNullPrototype: true, withObjectString: true },
      ...{ withSet: true, withSparseArray: true, withTypedArray: true },
    })
    fc.assert(
      fc.property(anything, (payload) => {
        let text: string
        try {
          text = jsonOf('film.added', payload)
        } catch (error) {
          expect(error).toMatchObject({ code: 'OUTBOX_PAYLOAD_INVALID' })
          expect(thrownBy(() => assertJson('film.added', payload)).message).toBe((error as Error).message)
          return
        }
        assertJson('film.added', payload)
        expect(JSON.parse(text) ?? undefined).toEqual(readBack(payload) ?? undefined)
      }),
      { numRuns: 2_000 },
    )
  })

  it.each([
    [undefined, 'null'],
    [null, 'null'],
    ['a\u0000"\ud800', '"a\\u0000\\"\\ud800"'],
    [{ at: new Date(0) }, '{"at":"1970-01-01T00:00:00.000Z"}'],
    [{ a: undefined, b: null }, '{"b":null}'],
    [new Film('Alien'), '{"title":"Alien"}'],
    [{ price: new Price(7) }, '{"price":"7 cents"}'],
    [{ at: new URL('http://a/b') }, '{"at":"http://a/b"}'],
    [Object.assign(Object.create(null) as object, { a: 1 }), '{"a":1}'],
    [{ empty: [{}, []] }, '{"empty":[{},[]]}'],
    [structuredClone({ a: {}, b: [] }), '{"a":{},"b":[]}'],
  ])('is stored as JSON writes it: case %#', (payload, text) => {
    assertJson('film.added', payload)
    expect(jsonOf('film.added', payload)).toBe(text)
  })

  it('may name one object twice, as long as it is no part of itself', () => {
    const film = { id: 1 }
    expect(jsonOf('film.added', { first: film, all: [film, film] })).toBe('{"first":{"id":1},"all":[{"id":1},{"id":1}]}')
  })

  it.each(BAD)('is refused with the path and kind of its first bad value: case %#', (payload, path, given) => {
    for (const call of [assertJson, jsonOf]) {
      const error = thrownBy(() => call('film.added', payload))
      expect(error.code).toBe('OUTBOX_PAYLOAD_INVALID')
      expect(error.message).toContain(`"film.added"`)
      expect(error.message).toContain(`: ${path} is `)
      expect(error.message).toContain(given)
    }
  })

  it('is not printed when it is refused', () => {
    expect(thrownBy(() => assertJson('film.added', { password: 'secret', of: [1n] })).message).not.toContain('secret')
  })
})

describe('a value that is not known yet', () => {
  it('is no fault where the event is told, and is stored once it is known', () => {
    const film = new Film('Alien')
    const payload = { film: { id: ref(film).id }, ids: [ref(film).id] }
    assertJson('film.added', payload)
    film.id = 7
    expect(jsonOf('film.added', payload)).toBe('{"film":{"id":7},"ids":[7]}')
  })

  it('is refused where it is still not known when it is to be stored', () => {
    const error = thrownBy(() => jsonOf('film.added', { ids: [ref(new Film('Alien')).id] }))
    expect(error).toMatchObject({ code: 'OUTBOX_REF_UNRESOLVED', message: expect.stringContaining('$.ids[0]') as string })
  })

  it('is refused where it turns out to be something that JSON cannot carry', () => {
    const film = new Film('Alien')
    const payload = { id: ref(film).id }
    film.id = NaN
    expect(thrownBy(() => jsonOf('film.added', payload)).code).toBe('OUTBOX_PAYLOAD_INVALID')
  })
})

/** Values as a reader of JSON is to find them: dates as texts, -0 as 0, no properties without a value. */
function readBack(value: unknown): unknown {
  if (value instanceof Date) return value.toISOString()
  if (Array.isArray(value)) return value.map(readBack)
  if (typeof value === 'object' && value !== null) {
    const members = Object.entries(value).filter(([, member]) => member !== undefined)
    return Object.fromEntries(members.map(([key, member]) => [key, readBack(member)]))
  }
  return Object.is(value, -0) ? 0 : value
}
