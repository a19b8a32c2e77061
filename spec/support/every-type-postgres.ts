/**
 * The column types of PostgreSQL.
 *
 * @module
 */
import type { TypeSample } from './every-type.js'
import { BYTES, FLOATS, JSONS, Level, LONG_TEXT, Mood, MOMENTS, TEXTS } from './every-type-values.js'

const UUIDS = ['11111111-2222-4333-8444-555555555555', 'AAAAAAAA-BBBB-4CCC-8DDD-EEEEEEEEEEEE', '{a0eebc999c0b4ef8bb6d6bb9bd380a11}']
const STAMPS = [...MOMENTS, '2024-02-29 12:34:56.789+05:30', '2024-02-29T12:34:56.5Z', '0044-03-15 12:00:00']
const LEAP = '2024-02-29 23:59:59.9999999'

const numbers: readonly TypeSample[] = [
  { name: 'smallint', column: { type: 'smallint' }, values: [0, -32768, 32767, '12'], refused: [32768, 1.5, 'x', ''] },
  { name: 'integer', column: { type: 'int' }, values: [0, -0, 2147483647, -2147483648, '5', ' 7 '], refused: [2147483648, 0.5, NaN, true] },
  {
    name: 'bigint',
    column: { type: 'bigint' },
    values: [0, 9007199254740991, '9223372036854775807', '-9223372036854775808', 9007199254740993n, '9007199254740993'],
    refused: ['9223372036854775808', 1e21, Infinity],
  },
  {
    name: 'numeric',
    column: { type: 'numeric' },
    values: [...FLOATS, '12345678901234567890.12345678901234567890', '1.500', 'NaN', NaN, Infinity, '-Infinity', 10n ** 40n],
    refused: ['1,5'],
  },
  {
    name: 'numeric(10, 2)',
    column: { type: 'decimal', precision: 10, scale: 2 },
    values: [0, 1.005, '1.005', '12345678.99', -1.5, 0.1 + 0.2, 'NaN'],
    refused: [123456789, '99999999.995', Infinity],
  },
  { name: 'real', column: { type: 'real' }, values: [0, -0, 0.1, 1e38, 1e-45, 16777217, NaN, -Infinity, '3.14'], refused: [1e39, 1e-50] },
  {
    name: 'double precision',
    column: { type: 'float' },
    values: [...FLOATS, NaN, Infinity, -Infinity, '0.1'],
    refused: ['1e309', '1e-400'],
  },
  { name: 'money', column: { type: 'money' }, values: ['12.34', '$1,000.00', 0.1 + 0.2, -5], refused: ['x'] },
  { name: 'boolean', column: { type: 'boolean' }, values: [true, false, 't', 'no', '0'], refused: ['x', 2] },
  { name: 'Boolean', column: { type: Boolean }, values: [true, false, 'yes', 0] },
]

const texts: readonly TypeSample[] = [
  {
    name: 'text',
    column: { type: 'text' },
    values: [...TEXTS, LONG_TEXT, '\ud800', 'a\udc00b', 5, true, 10n, { a: 1 }],
    refused: ['a\0b'],
  },
  { name: 'varchar', column: { type: 'varchar' }, values: [...TEXTS.slice(0, 9), new String('boxed')], refused: ['\0'] },
  {
    name: 'varchar(5)',
    column: { type: 'varchar', length: 5 },
    values: ['', 'ab', 'abc   ', '     ', 'ab      ', 'äöüßé', '😀😀😀😀😀'],
    refused: ['abcdef', '😀😀😀😀😀a'],
  },
  {
    name: 'char(5)',
    column: { type: 'char', length: 5 },
    values: ['', 'ab', 'ab ', 'abcde', 'ab      ', '     ', 'äöüßé'],
    refused: ['abcdef'],
  },
  { name: 'character(1)', column: { type: 'character' }, values: ['', 'a', 'ü'], refused: ['ab'] },
  { name: 'xml', column: { type: 'xml' }, values: ['<a b="c">ü &amp; "</a>', 'text'], refused: ['<a>'] },
  { name: 'uuid', column: { type: 'uuid' }, values: UUIDS, refused: ['x', ''] },
  { name: 'simple-array', column: { type: 'simple-array' }, values: [[], [''], ['a', 'b'], ['a,b', '"'], [1, 2], 'x,y'] },
  { name: 'simple-json', column: { type: 'simple-json' }, values: JSONS },
  { name: 'tsvector', column: { type: 'tsvector' }, values: ["'a':1 'b':2", 'the quick fox'], refused: ["'a"] },
  { name: 'tsquery', column: { type: 'tsquery' }, values: ["'a' & 'b'", '!x'], refused: ['a &'] },
]

const enums: readonly TypeSample[] = [
  { name: 'enum', column: { type: 'enum', enum: Mood }, values: Object.values(Mood), refused: ['gladder', ''] },
  { name: 'enum of its own name', column: { type: 'enum', enum: Mood, enumName: 'Own Mood' }, values: Object.values(Mood) },
  { name: 'enum of numbers', column: { type: 'enum', enum: Level }, values: [Level.low, Level.high, Level.none, '20'], refused: [2] },
  { name: 'simple-enum', column: { type: 'simple-enum', enum: Mood }, values: Object.values(Mood) },
  {
    name: 'enum[]',
    column: { type: 'enum', enum: Mood, array: true },
    values: [[], [Mood.glad], Object.values(Mood), [Mood.none, null]],
    refused: [['gladder']],
  },
  { name: 'enum[] of numbers', column: { type: 'enum', enum: Level, array: true }, values: [[], [1, 20, 0], ['1']] },
]

const moments: readonly TypeSample[] = [
  {
    name: 'date',
    column: { type: 'date' },
    values: ['2024-02-29', new Date(2024, 1, 29), '0044-03-15 BC', 'infinity', '9999-12-31'],
    refused: ['2023-02-29'],
  },
  {
    name: 'time',
    column: { type: 'time' },
    values: ['12:34:56.789012', '00:00', '24:00:00', new Date(2024, 1, 29, 4, 5, 6)],
    refused: ['25:00'],
  },
  { name: 'time(0)', column: { type: 'time', precision: 0 }, values: ['12:34:56.5', '23:59:59.9'] },
  { name: 'timetz(3)', column: { type: 'timetz', precision: 3 }, values: ['12:34:56.7895+05:30', '12:34:56Z', '12:34:56'] },
  ...([undefined, 0, 3] as const).flatMap((precision): TypeSample[] => {
    const given = precision === undefined ? {} : { precision }
    return [
      { name: `timestamp(${precision})`, column: { type: 'timestamp', ...given }, values: STAMPS },
      {
        name: `timestamptz(${precision})`,
        column: { type: 'timestamptz', ...given },
        values: [...STAMPS, LEAP],
        refused: ['x'],
      },
    ]
  }),
  { name: 'Date', column: { type: Date }, values: [...MOMENTS] },
  {
    name: 'interval',
    column: { type: 'interval' },
    values: ['1 year 2 mons -3 days 04:05:06.789', 'P1Y2M', '00:00', '-1 day'],
    refused: ['x'],
  },
]

const binaries: readonly TypeSample[] = [
  { name: 'bytea', column: { type: 'bytea' }, values: [...BYTES, new Uint8Array([1, 2, 255]), '\\x4142', 'abc\\\\'], refused: ['\\xZZ'] },
  { name: 'bit(5)', column: { type: 'bit', length: 5 }, values: ['10101', '00000'], refused: ['101', '101010', '2'] },
  { name: 'bit varying(8)', column: { type: 'bit varying', length: 8 }, values: ['', '1', '10101010'], refused: ['101010101'] },
]

const compounds: readonly TypeSample[] = [
  { name: 'json', column: { type: 'json' }, values: JSONS },
  { name: 'jsonb', column: { type: 'jsonb' }, values: JSONS, refused: [{ a: '\0' }] },
  { name: 'inet', column: { type: 'inet' }, values: ['192.168.0.1', '10.0.0.0/8', '::1', 'fe80::1/64'], refused: ['300.0.0.1'] },
  { name: 'cidr', column: { type: 'cidr' }, values: ['10.0.0.0/8', '2001:db8::/32'], refused: ['10.0.0.1/8'] },
  { name: 'macaddr', column: { type: 'macaddr' }, values: ['08:00:2b:01:02:03', '08002b010203'] },
  { name: 'macaddr8', column: { type: 'macaddr8' }, values: ['08:00:2b:01:02:03:04:05'] },
  ...(['point', 'line', 'lseg', 'box', 'path', 'polygon', 'circle'] as const).map((type): TypeSample => {
    const values = {
      point: ['(1.5,-2)', '1e300,0.1'],
      line: ['{1,2,3}'],
      lseg: ['[(0,0),(1,1)]'],
      box: ['(3,3),(1,1)'],
      path: ['[(0,0),(1,1),(2,0)]', '((0,0),(1,1))'],
      polygon: ['((0,0),(1,1),(2,0))'],
      circle: ['<(1,2),3>'],
    }
    return { name: type, column: { type }, values: values[type], refused: ['x'] }
  }),
  { name: 'int4range', column: { type: 'int4range' }, values: ['[1,5)', '[1,5]', 'empty', '(,)', '(,3]'], refused: ['[5,1]'] },
  { name: 'int8range', column: { type: 'int8range' }, values: ['[1,9223372036854775806)'] },
  { name: 'numrange', column: { type: 'numrange' }, values: ['[0.1,2.50)'] },
  { name: 'tsrange', column: { type: 'tsrange' }, values: ['[2024-01-01,2024-02-01)', '["2024-01-01 10:00:00.123456",)'] },
  { name: 'tstzrange', column: { type: 'tstzrange' }, values: ['[2024-01-01 00:00:00+05:30,2024-02-01)'] },
  { name: 'daterange', column: { type: 'daterange' }, values: ['[2024-01-01,2024-02-01]'] },
  { name: 'int4multirange', column: { type: 'int4multirange' }, values: ['{}', '{[1,3),[5,9)}'] },
]

const arrays: readonly TypeSample[] = [
  {
    name: 'int[]',
    column: { type: 'int', array: true },
    values: [
      [],
      [1],
      [1, null, -3],
      [
        [1, 2],
        [3, 4],
      ],
      [[[1], [2]]],
      '{5,6}',
      '[0:1]={7,8}',
    ],
    refused: [['x'], [[1], [2, 3]], [1.5], '5,6'],
  },
  {
    name: 'text[]',
    column: { type: 'text', array: true },
    values: [
      [],
      [''],
      [...TEXTS],
      [null, 'null', 'NULL', undefined],
      [
        ['a,b', '"'],
        ['\\', '{}'],
      ],
      ['\ud800', LONG_TEXT],
    ],
    refused: [['a\0b']],
  },
  { name: 'varchar(3)[]', column: { type: 'varchar', length: 3, array: true }, values: [[], ['abc', 'ab   ']], refused: [['abcd']] },
  { name: 'boolean[]', column: { type: 'boolean', array: true }, values: [[], [true, false, null]] },
  { name: 'bigint[]', column: { type: 'bigint', array: true }, values: [[], ['9007199254740993', 5, 7n]] },
  { name: 'double precision[]', column: { type: 'float', array: true }, values: [[], [...FLOATS, NaN, Infinity]] },
  {
    name: 'numeric(5, 2)[]',
    column: { type: 'numeric', precision: 5, scale: 2, array: true },
    values: [[1.005, '2.5']],
    refused: [[1000]],
  },
  { name: 'uuid[]', column: { type: 'uuid', array: true }, values: [[], UUIDS.slice(0, 2)] },
  { name: 'date[]', column: { type: 'date', array: true }, values: [[], ['2024-02-29', null]] },
  { name: 'timestamptz[]', column: { type: 'timestamptz', array: true }, values: [[], ['2024-02-29 12:00:00+05:30']] },
  { name: 'timestamptz[] of dates', column: { type: 'timestamptz', array: true }, values: [[...MOMENTS]], alone: /array of values/ },
  { name: 'bytea[]', column: { type: 'bytea', array: true }, values: [[Buffer.from([0, 255])]], alone: /array of values/ },
  { name: 'int4range[]', column: { type: 'int4range', array: true }, values: [[], ['[1,5)', '(,3]']] },
  { name: 'point[]', column: { type: 'point', array: true }, values: [['(1,2)', '(3,4)']] },
  { name: 'inet[]', column: { type: 'inet', array: true }, values: [['10.0.0.1', '::1']] },
  { name: 'char(3)[]', column: { type: 'char', length: 3, array: true }, values: [['a', 'abc']], refused: [['abcd']] },
]

export const POSTGRES_TYPES: readonly TypeSample[] = [...numbers, ...texts, ...enums, ...moments, ...binaries, ...compounds, ...arrays]
