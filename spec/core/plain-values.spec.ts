/** Values of columns are told in a form that JSON can carry, whatever they are. */
import { plainValues } from '../../lib/core/plain-values.js'

class Amount {
  readonly #cents: number
  constructor(cents: number) {
    this.#cents = cents
  }
  toString() {
    return `${this.#cents} ct`
  }
}

class Box {
  constructor(readonly size: unknown) {}
}

const circle: Record<string, unknown> = { a: 1 }
circle['self'] = circle
const nested = (levels: number) => Array.from({ length: levels }).reduce<unknown>((inner) => [inner], 'innermost')
const ownJson = { a: 1, toJSON: (): unknown => ownJson }
const throwing = {
  get a(): unknown {
    throw new Error('no')
  },
}

describe('a value', () => {
  it.each<[string, unknown, unknown]>([
    ['text, number, boolean, null', ['a', 1.5, true, null], ['a', 1.5, true, null]],
    ['a set: a list', new Set(['a', new Set([1n])]), ['a', ['1']]],
    ['a map: a list of pairs', new Map<unknown, unknown>([['a', 1n], [{ b: 2n }, undefined]]), [['a', '1'], [{ b: '2' }, null]]], // prettier-ignore
    ['a bigint: a text', { list: [{ big: 2n ** 64n }] }, { list: [{ big: '18446744073709551616' }] }],
    ['bytes: base64', { hash: Buffer.from([255, 254]), more: [new Uint8Array([1]).buffer] }, { hash: '//4=', more: ['AQ=='] }],
    ['a part of a buffer: base64 of that part', new Uint8Array([0, 255, 0]).subarray(1, 2), '/w=='],
    ['numbers of one kind: a list', new Float32Array([0.5, 1]), [0.5, 1]],
    ['numbers that are none: a text', [Number.NaN, -Infinity, { a: Infinity }], ['NaN', '-Infinity', { a: 'Infinity' }]],
    ['a date: a text', [new Date(0)], ['1970-01-01T00:00:00.000Z']],
    ['an invalid date: null', [new Date('x')], [null]],
    ['what JSON drops: as JSON does', { a: undefined, f: () => 1, list: [undefined, () => 1] }, { list: [null, null] }],
    ['a hole in a list: null', [, 1], [null, 1]], // eslint-disable-line no-sparse-arrays
    ['a symbol: null', Symbol('a'), null],
    ['a function: null', () => 1, null],
    ['an instance: its data', new Box(new Box(1n)), { size: { size: '1' } }],
    ['an instance with a toJSON: what that answers', { url: new URL('https://a.b/') }, { url: 'https://a.b/' }],
    ['a toJSON that answers a bigint', { toJSON: () => ({ big: 1n }) }, { big: '1' }],
    ['a toJSON that answers nothing: null', { toJSON: () => undefined }, null],
    ['a toJSON that answers itself: its data', ownJson, { a: 1 }],
    ['an instance without data that is a text: that', [new Amount(250), /x+/g], ['250 ct', '/x+/g']],
    ['what has neither: null', [Promise.resolve(1), new WeakMap()], [null, null]],
    ['an empty object', [{}, Object.create(null)], [{}, {}]],
    ['an object in itself: null there', circle, { a: 1, self: null }],
    ['one object twice: twice', { a: circle['a'], b: [{ c: 1n }], d: [{ c: 1n }] }, { a: 1, b: [{ c: '1' }], d: [{ c: '1' }] }],
    ['what throws when it is read: null', { bad: throwing, good: 1 }, { bad: null, good: 1 }],
    ['a boxed value: that', [Object(1n), Object('a')], ['1', 'a']],
    ['a key named __proto__: data', JSON.parse('{"__proto__":{"a":1}}'), JSON.parse('{"__proto__":{"a":1}}')],
    ['many levels', nested(150), nested(150)],
  ])('is told as what comes nearest: %s', (_what, value, told) => {
    const plain = plainValues({ value })
    expect(plain).toEqual({ value: told })
    expect(JSON.parse(JSON.stringify(plain))).toEqual({ value: told })
  })

  it('is null where it nests too deeply', () => {
    expect(JSON.stringify(plainValues({ value: nested(100_000) }))).toMatch(/^{"value":\[{100,}null\]{100,}}$/)
  })

  it('that is undefined is left out', () => {
    expect(plainValues({ a: undefined, b: null })).toEqual({ b: null })
  })
})
