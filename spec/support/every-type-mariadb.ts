/**
 * The column types of MariaDB.
 *
 * @module
 */
import type { TypeSample } from './every-type.js'
import { BYTES, FLOATS, JSONS, Level, LONG_TEXT, Mood, MOMENTS, TEXTS } from './every-type-values.js'

const WIDTHS = { tinyint: 7, smallint: 15, mediumint: 23, int: 31 } as const

const integers = (Object.keys(WIDTHS) as (keyof typeof WIDTHS)[]).flatMap((type): TypeSample[] => {
  const most = 2 ** WIDTHS[type] - 1
  return [
    {
      name: type,
      column: { type },
      values: [0, -0, most, -most - 1, '12', ' 7 ', 1.5, '1.5', 2.5, -1.5, '1e1'],
      refused: [most + 1, 'x', '', '1x'],
    },
    { name: `${type} unsigned`, column: { type, unsigned: true }, values: [0, most * 2 + 1], refused: [-1] },
  ]
})

const numbers: readonly TypeSample[] = [
  ...integers,
  {
    name: 'bigint',
    column: { type: 'bigint' },
    values: [
      0,
      9007199254740991,
      '9223372036854775807',
      '-9223372036854775808',
      9007199254740993n,
      '9007199254740993',
      '9007199254740993.5',
    ],
    refused: ['9223372036854775808', 1e21],
  },
  {
    name: 'bigint unsigned',
    column: { type: 'bigint', unsigned: true },
    values: ['18446744073709551615', 2n ** 63n, 1e15],
    refused: [-1, '18446744073709551616'],
  },
  {
    name: 'decimal(10, 2)',
    column: { type: 'decimal', precision: 10, scale: 2 },
    values: [0, -0, 1.005, '1.005', 0.1 + 0.2, '12345678.99', '1e2', 1e-10],
    refused: [123456789, 'x'],
  },
  {
    name: 'decimal(40, 20)',
    column: { type: 'decimal', precision: 40, scale: 20 },
    values: ['12345678901234567890.12345678901234567891', 0.1 + 0.2, 5e-324, 1e18],
  },
  { name: 'double', column: { type: 'double' }, values: [...FLOATS, '0.1'], refused: ['1e309', '1.5x'] },
  {
    name: 'float',
    column: { type: 'float' },
    values: [0, 0.1, 16777217, 1e38, 1.17549e-38, 3.14159274, 123456.789, 0.3333333],
    refused: [1e39],
  },
  { name: 'float(8, 3)', column: { type: 'float', precision: 8, scale: 3 }, values: [1.2345, 99999.1234] },
  { name: 'double, not finite', column: { type: 'double' }, values: [1], refused: [NaN, Infinity] },
  { name: 'boolean', column: { type: 'boolean' }, values: [true, false] },
  { name: 'Boolean', column: { type: Boolean }, values: [true, false] },
  { name: 'Number', column: { type: Number }, values: [1, 2.7, '3'] },
  { name: 'year', column: { type: 'year' }, values: [2024, 1901, 2155], refused: [1800] },
  { name: 'year as text', column: { type: 'year' }, values: ['2024', '70', '0000'], refused: ['x'] },
  { name: 'bit(1)', column: { type: 'bit' }, values: [Buffer.from([1]), Buffer.from([0])], alone: /column of type bit/ },
]

const texts: readonly TypeSample[] = [
  { name: 'text', column: { type: 'text' }, values: TEXTS, refused: ['x'.repeat(65536)] },
  { name: 'longtext', column: { type: 'longtext' }, values: [LONG_TEXT.slice(0, 200_000), 'short'] },
  { name: 'longtext of a megabyte', column: { type: 'longtext' }, values: [LONG_TEXT, 'short'], alone: /too heavy/ },
  { name: 'text with NUL', column: { type: 'text' }, values: ['a', 'a\0b'], alone: /character that JSON does not carry/ },
  {
    name: 'text with half a character',
    column: { type: 'text' },
    values: ['a', 'a\ud800b', '\udc00'],
    alone: /character that JSON does not carry/,
  },
  { name: 'text of numbers', column: { type: 'text' }, values: ['a', 5, 1.5], alone: /number in a column of text/ },
  { name: 'varchar(255)', column: { type: 'varchar' }, values: TEXTS },
  {
    name: 'varchar(5)',
    column: { type: 'varchar', length: 5 },
    values: ['', 'ab', 'abc   ', '     ', 'ab      ', 'äöüßé', '😀😀😀😀😀'],
    refused: ['abcdef', '😀😀😀😀😀a'],
  },
  {
    name: 'varchar, latin1',
    column: { type: 'varchar', length: 40, charset: 'latin1', collation: 'latin1_swedish_ci' },
    values: ['äöü', 'abc €'],
    refused: ['日本語'],
  },
  { name: 'char(5)', column: { type: 'char', length: 5 }, values: ['', 'ab', 'ab ', 'abcde', 'ab      ', 'äöüßé'], refused: ['abcdef'] },
  { name: 'nvarchar', column: { type: 'nvarchar' }, values: TEXTS.slice(-9) },
  {
    name: 'uuid',
    column: { type: 'uuid' },
    values: ['11111111-2222-4333-8444-555555555555', 'AAAAAAAA-BBBB-4CCC-8DDD-EEEEEEEEEEEE'],
    refused: ['x'],
  },
  { name: 'inet4', column: { type: 'inet4' }, values: ['192.168.0.1'], refused: ['300.0.0.1'] },
  { name: 'inet6', column: { type: 'inet6' }, values: ['::1', 'fe80::1'], refused: ['x'] },
  { name: 'enum', column: { type: 'enum', enum: Mood }, values: Object.values(Mood), refused: ['gladder'] },
  { name: 'enum of numbers', column: { type: 'enum', enum: Level }, values: [Level.low, Level.high, Level.none, '20'], refused: [7] },
  { name: 'simple-enum', column: { type: 'simple-enum', enum: Mood }, values: Object.values(Mood) },
  {
    name: 'set',
    column: { type: 'set', enum: ['a', 'b', 'with blank'] },
    values: [[], ['a'], ['b', 'a'], ['with blank', 'a', 'a'], 'a,b'],
    refused: [['x']],
  },
  { name: 'json', column: { type: 'json' }, values: JSONS },
  { name: 'simple-array', column: { type: 'simple-array' }, values: [[], [''], ['a', 'b'], ['a,b', '"'], [1, 2], 'x,y'] },
  { name: 'simple-json', column: { type: 'simple-json' }, values: JSONS },
]

const moments: readonly TypeSample[] = [
  { name: 'date', column: { type: 'date' }, values: ['2024-02-29', new Date(2024, 1, 29), '9999-12-31'], refused: ['2023-02-29', 'x'] },
  ...([0, 3, 6] as const).flatMap((precision): TypeSample[] => [
    {
      name: `time(${precision})`,
      column: { type: 'time', precision },
      values: ['12:34:56.789012', '-838:59:59', '00:00', new Date(2024, 1, 29, 4, 5, 6)],
      refused: ['x'],
    },
    {
      name: `datetime(${precision})`,
      column: { type: 'datetime', precision },
      values: [...MOMENTS, '2024-02-29 12:34:56.789012', '0044-03-15 12:00:00'],
    },
    {
      name: `timestamp(${precision})`,
      column: { type: 'timestamp', precision },
      values: [...MOMENTS, '2024-02-29 12:34:56.789'],
      refused: [new Date('1960-01-01')],
    },
  ]),
  { name: 'datetime, not valid', column: { type: 'datetime' }, values: [new Date(NaN), MOMENTS[0]], alone: /object in a column of text/ },
  { name: 'Date', column: { type: Date }, values: MOMENTS },
]

const binaries: readonly TypeSample[] = [
  {
    name: 'binary(16)',
    column: { type: 'binary', length: 16 },
    values: [Buffer.alloc(16, 7), Buffer.from([0, 255])],
    refused: [Buffer.alloc(17)],
  },
  {
    name: 'varbinary(8)',
    column: { type: 'varbinary', length: 8 },
    values: [Buffer.alloc(0), Buffer.from([0, 255, 32, 0])],
    refused: [Buffer.alloc(9)],
  },
  { name: 'blob', column: { type: 'blob' }, values: BYTES.slice(0, -1), refused: [Buffer.alloc(65536)] },
  { name: 'longblob', column: { type: 'longblob' }, values: BYTES },
  { name: 'blob of other bytes', column: { type: 'blob' }, values: [new Uint8Array([0, 255]), BYTES[2]], alone: /no Buffer/ },
  { name: 'blob of texts', column: { type: 'blob' }, values: [BYTES[2], 'text'], alone: /binary value that is no Buffer/ },
  { name: 'point', column: { type: 'point' }, values: ['POINT(1 2)'], alone: /column of type point/ },
]

export const MARIADB_TYPES: readonly TypeSample[] = [...numbers, ...texts, ...moments, ...binaries]
