/**
 * Values that are hard to carry, for types that every database has.
 *
 * @module
 */

/** Every character that has a meaning in SQL, JSON, arrays or regular expressions, and some that have none anywhere. */
export const TEXTS = [
  '',
  ' ',
  '  two blanks  ',
  'null',
  'NULL',
  "it's",
  '"quoted"',
  'back\\slash',
  '\\',
  '\\"',
  '\\u0041 \\n \\x41',
  'line\nfeed\r\ttab',
  Array.from({ length: 31 }, (_none, index) => String.fromCharCode(index + 1)).join(''),
  '\u007f\u0080\u00a0\u2028\u2029\ufeff\uffff',
  '{a,b}',
  '{"a": [1, null]}',
  '[1, 2]',
  '$1 ? :name ?? $$ %s',
  '`tick` [bracket] -- comment /* more */ ; #',
  'äöü ß Ελλάδα עברית 日本語 e\u0301 é',
  '😀👩‍👩‍👧🇨🇭',
  '__proto__',
  '007',
  '1e3',
  '-0',
  'true',
  '2024-02-29',
] as const

export const LONG_TEXT = 'long "text" with \\ and ü\n'.repeat(40_000)

export const FLOATS = [
  0,
  -0,
  1,
  -1.5,
  0.1 + 0.2,
  1e308,
  -1.7976931348623157e308,
  5e-324,
  2.2250738585072014e-308,
  1.0000000000000002,
  123456789012345680,
  9007199254740992,
  1e21,
  1e-7,
  Math.PI,
  4.35,
  1.2345678901234e-7,
  8.41e21,
  9.5e-300,
  8.4e21,
] as const

export const JSONS = [
  'text',
  '',
  'null',
  '"',
  0,
  -1.5,
  1e21,
  true,
  false,
  [],
  {},
  [null],
  [[], [[]], {}],
  { a: null, b: [1, { c: 'ü' }], 'a key with "quotes" and \\': "it's" },
  { deep: { deeper: { deepest: [{ x: [1, 2, 3] }] } } },
  { emoji: '😀', separators: '\u2028\u2029', controls: '\u0001\u001f\n', name: '日本語' },
  { toJSON: () => null },
  { toJSON: () => [1, { a: 2 }] },
  { '': '', ' ': ' ', number: 0.1, long: '12345678901234567890' },
] as const

export const MOMENTS = [
  new Date('2024-02-29T12:34:56.789Z'),
  new Date('1970-01-02T00:00:01.000Z'),
  new Date('2024-03-31T01:30:00.001Z'),
  new Date('2024-10-27T00:30:00.500Z'),
  new Date('2024-10-27T01:30:00.999Z'),
  new Date('2037-12-31T23:59:59.999Z'),
] as const

export const BYTES = [
  Buffer.alloc(0),
  Buffer.from([0]),
  Buffer.from([0, 255, 39, 34, 92, 10]),
  Buffer.from('\\x41'),
  Buffer.from(Array.from({ length: 256 }, (_none, index) => index)),
  Buffer.alloc(100_000, 'abc\0ü'),
] as const

export enum Mood {
  glad = 'glad',
  sad = 'very sad',
  none = 'no, "mood" {at} all',
}

export enum Level {
  low = 1,
  high = 20,
  none = 0,
}
