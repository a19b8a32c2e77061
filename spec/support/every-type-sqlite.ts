/**
 * The column types of SQLite.
 *
 * @module
 */
import { databaseName, typeormMajor } from './databases.js'
import type { TypeSample } from './every-type.js'
import { BYTES, FLOATS, JSONS, Level, LONG_TEXT, Mood, MOMENTS, TEXTS } from './every-type-values.js'

const WHOLE = [0, -0, 1, -1, 2147483648, 9007199254740991, -9007199254740991, '9223372036854775807', '12', '1e3', 1.5, '1.5', 1e18, 1e19]

/** The other driver binds them as NULL. */
const BIGINTS: TypeSample = { name: 'bigint of bigints', column: { type: 'bigint' }, values: [1n, 2n ** 53n + 1n, -(2n ** 63n)] }
const JSONB: TypeSample = { name: 'jsonb', column: { type: 'jsonb' }, values: ['{"a": 1}', '[]'], alone: /column of type jsonb/ }

export const SQLITE_TYPES: readonly TypeSample[] = [
  ...(['int', 'integer', 'bigint'] as const).map((type): TypeSample => ({
    name: type,
    column: { type },
    values: WHOLE,
  })),
  ...(['real', 'numeric', 'decimal'] as const).map((type): TypeSample => ({
    name: type,
    column: { type },
    values: [...FLOATS, '0.1', '1.50', '12345678901234567890.5', '9007199254740993'],
  })),
  { name: 'real, not finite', column: { type: 'real' }, values: [1], refused: [Infinity, -Infinity, NaN] },
  ...(databaseName() === 'better-sqlite3' ? [BIGINTS] : []),
  { name: 'Number', column: { type: Number }, values: WHOLE },
  { name: 'boolean', column: { type: 'boolean' }, values: [true, false] },
  { name: 'Boolean', column: { type: Boolean }, values: [true, false] },
  { name: 'text', column: { type: 'text' }, values: [...TEXTS, LONG_TEXT] },
  { name: 'text with NUL', column: { type: 'text' }, values: ['a', 'a\0b'], alone: /character that JSON does not carry/ },
  {
    name: 'text with half a character',
    column: { type: 'text' },
    values: ['a', 'a\ud800b', '\udc00'],
    alone: /character that JSON does not carry/,
  },
  { name: 'text of numbers', column: { type: 'text' }, values: ['a', 5, 1.5], alone: /number in a column of text/ },
  ...(['varchar', 'nvarchar', 'clob', 'varying character'] as const).map((type): TypeSample => ({
    name: type,
    column: { type },
    values: TEXTS,
  })),
  { name: 'varchar(5)', column: { type: 'varchar', length: 5 }, values: ['ab  ', 'abcdefgh'] },
  { name: 'String', column: { type: String }, values: TEXTS.slice(0, 9) },
  { name: 'date', column: { type: 'date' }, values: ['2024-02-29', new Date(2024, 1, 29), 'x'] },
  { name: 'time', column: { type: 'time' }, values: ['12:34:56.789', new Date(2024, 1, 29, 4, 5, 6)] },
  { name: 'datetime', column: { type: 'datetime' }, values: [...MOMENTS, '2024-02-29 12:34:56+05:30', '2024-02-29T12:34:56.789Z'] },
  { name: 'Date', column: { type: Date }, values: MOMENTS },
  { name: 'blob', column: { type: 'blob' }, values: BYTES },
  { name: 'Buffer', column: { type: Buffer as never }, values: BYTES },
  { name: 'blob of other bytes', column: { type: 'blob' }, values: [new Uint8Array([0, 255]), BYTES[2]], alone: /no Buffer/ },
  { name: 'blob of texts', column: { type: 'blob' }, values: [BYTES[2], 'text'], alone: /binary value that is no Buffer/ },
  { name: 'simple-array', column: { type: 'simple-array' }, values: [[], [''], ['a', 'b'], ['a,b', '"'], [1, 2], 'x,y'] },
  { name: 'simple-json', column: { type: 'simple-json' }, values: JSONS },
  { name: 'json', column: { type: 'json' }, values: JSONS },
  ...(typeormMajor() === '1' ? [JSONB] : []),
  { name: 'simple-enum', column: { type: 'simple-enum', enum: Mood }, values: Object.values(Mood), refused: ['gladder'] },
  {
    name: 'simple-enum of numbers',
    column: { type: 'simple-enum', enum: Level },
    values: [Level.low, Level.high, Level.none],
    refused: [2],
  },
]
