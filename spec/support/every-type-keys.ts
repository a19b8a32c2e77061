/**
 * What becomes of rows whose key is of one type: an entity with such a key that others refer to, and the story of its rows.
 *
 * @module
 */
import { EntitySchema, type EntitySchemaColumnOptions, type EntitySchemaRelationOptions, type ValueTransformer } from 'typeorm'
import { databaseName, type DatabaseName } from './databases.js'
import { Coin } from './every-type-shapes.js'
import type { Story, Values } from './every-type-story.js'

/** A type of keys, with keys that are hard to tell apart. */
export interface KeySample {
  readonly name: string
  readonly column: EntitySchemaColumnOptions
  readonly keys: readonly unknown[]
  /** Where columns that refer to such a key have no such type, or no transformer. */
  readonly isUnreferred?: boolean
  /** Why rows are found one by one, where they are. */
  readonly alone?: RegExp
}

export interface KeyModel {
  readonly schema: EntitySchema<Values>
  readonly target: new () => Values
  readonly sample: KeySample
}

const UUIDS = ['11111111-2222-4333-8444-555555555555', 'aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee', 'AAAAAAAA-BBBB-4CCC-8DDD-FFFFFFFFFFFF']
const SMALL_UUIDS = [...UUIDS.slice(0, 2), '99999999-2222-4333-8444-555555555555']
const BIG = ['9007199254740991', '9007199254740992', '9007199254740993', '9007199254740994', '-9223372036854775808', '9223372036854775807']
const DAYS = ['2024-02-28', '2024-02-29', '2024-03-01', '1970-01-01']
const MOMENTS = [0, 1, 2, 999, 1000].map((ms) => new Date(1_709_210_096_000 + ms))
const WORDS = [
  'a',
  'b ',
  ' c',
  '7',
  '07',
  '1e1',
  '10',
  "it's",
  '"q"',
  'a,b',
  'back\\slash',
  '{x}',
  '%',
  '_',
  'null',
  '$1',
  '?',
  '-- x',
  '\t',
]
const LETTERS = ['ä', 'a\u0308', 'ß', 'é', '日本', '😀', 'Ω']
const BINARIES = [Buffer.from([0]), Buffer.from([0, 0]), Buffer.from([255, 39]), Buffer.from('\\x00'), Buffer.alloc(16, 'a')]
const DECIMALS = ['1', '1.5', '2.50', '-3.75', '9007199254740993.0000000001', '9007199254740993.0000000002', '9007199254740992']

const dashed = (hex: string) => hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-')
const packed: ValueTransformer = {
  to: (uuid?: string | null) => uuid && Buffer.from(uuid.replaceAll('-', ''), 'hex'),
  from: (bytes?: Buffer | null) => bytes && dashed(bytes.toString('hex')),
}
const COINS = [1, 1.5, 10].map((amount) => new Coin(amount, 'EUR'))

const postgres: readonly KeySample[] = [
  { name: 'int', column: { type: 'int' }, keys: [1, 2, 3, -1, 0] },
  { name: 'bigint', column: { type: 'bigint' }, keys: BIG },
  { name: 'bigint as bigint', column: { type: 'bigint' }, keys: BIG.map(BigInt) },
  { name: 'varchar', column: { type: 'varchar' }, keys: ['', ...WORDS, ...LETTERS] },
  { name: 'text', column: { type: 'text' }, keys: ['x'.repeat(1000), 'x'.repeat(1001), ...LETTERS] },
  { name: 'char(5)', column: { type: 'char', length: 5 }, keys: ['a', 'ab', 'ab c', 'abcde', 'ä'] },
  { name: 'uuid', column: { type: 'uuid' }, keys: UUIDS },
  { name: 'numeric', column: { type: 'numeric', precision: 30, scale: 10 }, keys: DECIMALS },
  { name: 'date', column: { type: 'date' }, keys: DAYS },
  { name: 'timestamp(3)', column: { type: 'timestamp', precision: 3 }, keys: MOMENTS },
  { name: 'timestamptz', column: { type: 'timestamptz' }, keys: MOMENTS },
  { name: 'time', column: { type: 'time' }, keys: ['00:00:00', '00:00:01', '23:59:59.999999'] },
  { name: 'bytea', column: { type: 'bytea' }, keys: BINARIES },
  { name: 'bytea of uuids', column: { type: 'bytea', transformer: packed }, keys: SMALL_UUIDS, isUnreferred: true },
  { name: 'varchar of value objects', column: { type: 'varchar', transformer: Coin.transformer }, keys: COINS, isUnreferred: true },
  { name: 'double precision', column: { type: 'float' }, keys: [0.1, 0.2, 0.1 + 0.2, 0.3, 1e308, 5e-324] },
  { name: 'boolean', column: { type: 'boolean' }, keys: [true, false] },
  { name: 'enum', column: { type: 'enum', enum: ['a', 'b', 'c'] }, keys: ['b', 'a', 'c'], isUnreferred: true },
  { name: 'inet', column: { type: 'inet' }, keys: ['10.0.0.1', '10.0.0.2', '::1'] },
  { name: 'int4range', column: { type: 'int4range' }, keys: ['[1,5)', '[2,5)', '(,3)'] },
  { name: 'bit(3)', column: { type: 'bit', length: 3 }, keys: ['101', '100', '001'] },
]

const mariadb: readonly KeySample[] = [
  { name: 'int', column: { type: 'int' }, keys: [1, 2, 3, -1, 0] },
  { name: 'bigint', column: { type: 'bigint' }, keys: BIG },
  { name: 'bigint as bigint', column: { type: 'bigint' }, keys: BIG.map(BigInt) },
  {
    name: 'bigint unsigned',
    column: { type: 'bigint', unsigned: true },
    keys: ['18446744073709551615', '18446744073709551614', ...BIG.slice(0, 4)],
  },
  { name: 'varchar', column: { type: 'varchar' }, keys: ['', ...WORDS] },
  {
    name: 'varchar, not ASCII',
    column: { type: 'varchar', collation: 'utf8mb4_bin' },
    keys: LETTERS,
    alone: /key that is not plain ASCII/,
  },
  { name: 'varchar, binary', column: { type: 'varchar', length: 40, collation: 'utf8mb4_bin' }, keys: ['a', 'A', 'b'] },
  {
    name: 'varchar, latin1',
    column: { type: 'varchar', length: 40, charset: 'latin1', collation: 'latin1_general_cs' },
    keys: ['a', 'A', 'b'],
  },
  { name: 'char(5)', column: { type: 'char', length: 5 }, keys: ['a', 'ab', 'ab c', 'abcde'] },
  { name: 'uuid', column: { type: 'uuid' }, keys: UUIDS },
  { name: 'decimal(30, 10)', column: { type: 'decimal', precision: 30, scale: 10 }, keys: DECIMALS },
  { name: 'date', column: { type: 'date' }, keys: DAYS },
  { name: 'datetime(3)', column: { type: 'datetime', precision: 3 }, keys: MOMENTS },
  { name: 'timestamp(6)', column: { type: 'timestamp', precision: 6 }, keys: MOMENTS },
  { name: 'time', column: { type: 'time' }, keys: ['00:00:00', '00:00:01', '23:59:59'], alone: /key of type time/ },
  { name: 'binary(16)', column: { type: 'binary', length: 16 }, keys: [Buffer.alloc(16, 1), Buffer.alloc(16, 2), Buffer.alloc(16, 'a')] },
  { name: 'binary(16) of uuids', column: { type: 'binary', length: 16, transformer: packed }, keys: SMALL_UUIDS, isUnreferred: true },
  {
    name: 'varchar of value objects',
    column: { type: 'varchar', length: 40, transformer: Coin.transformer },
    keys: COINS,
    isUnreferred: true,
  },
  { name: 'varbinary(16)', column: { type: 'varbinary', length: 16 }, keys: BINARIES },
  { name: 'double', column: { type: 'double' }, keys: [0.1, 0.2, 0.3], alone: /key of type double/ },
  { name: 'enum', column: { type: 'enum', enum: ['a', 'b', 'c'] }, keys: ['b', 'a', 'c'], alone: /key of type enum/ },
  { name: 'inet6', column: { type: 'inet6' }, keys: ['::1', '::2', 'fe80::1'] },
]

const sqlite: readonly KeySample[] = [
  { name: 'int', column: { type: 'int' }, keys: [1, 2, 3, -1, 0] },
  { name: 'bigint', column: { type: 'bigint' }, keys: [1, Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER, '5'] },
  { name: 'varchar', column: { type: 'varchar' }, keys: ['', ...WORDS, ...LETTERS] },
  { name: 'text', column: { type: 'text' }, keys: ['x'.repeat(1000), 'x'.repeat(1001), ...LETTERS] },
  { name: 'text with NUL', column: { type: 'text' }, keys: ['a\0b', 'a\0c', 'a'], alone: /JSON does not carry/ },
  { name: 'decimal', column: { type: 'decimal' }, keys: [1, 1.5, '2.50', -3.75, 0.1 + 0.2, 0.3] },
  { name: 'real', column: { type: 'real' }, keys: [0.1, 0.2, 0.1 + 0.2, 0.3, 1e308, 5e-324] },
  { name: 'date', column: { type: 'date' }, keys: DAYS },
  { name: 'datetime', column: { type: 'datetime' }, keys: MOMENTS },
  { name: 'blob', column: { type: 'blob' }, keys: BINARIES },
  { name: 'blob of uuids', column: { type: 'blob', transformer: packed }, keys: SMALL_UUIDS, isUnreferred: true },
  { name: 'varchar of value objects', column: { type: 'varchar', transformer: Coin.transformer }, keys: COINS, isUnreferred: true },
  { name: 'boolean', column: { type: 'boolean' }, keys: [true, false] },
]

const samples: Readonly<Record<DatabaseName, readonly KeySample[]>> = { postgres, mariadb, sqlite, 'better-sqlite3': sqlite }
export const KEY_SAMPLES = samples[databaseName()]

/** Everything of a row has to be told apart by the key: what is read back, versions, relations. */
export function keyModelOf(sample: KeySample, index: number): KeyModel {
  const name = `Key${index}`
  const target = { [name]: class {} }[name] as new () => Values
  const columns: Record<string, EntitySchemaColumnOptions> = {
    key: { ...sample.column, primary: true },
    name: { type: 'varchar' },
    style: { type: 'varchar', default: 'plain' },
    version: { type: 'int', version: true },
    updatedAt: { type: Date, updateDate: true },
    deletedAt: { type: Date, deleteDate: true, nullable: true },
  }
  const relations: Record<string, EntitySchemaRelationOptions> = {
    next: { type: 'many-to-one', target: name, nullable: true },
    friends: { type: 'many-to-many', target: name, joinTable: true },
  }
  if (sample.isUnreferred) {
    for (const name in relations) delete relations[name]
  }
  return { schema: new EntitySchema<Values>({ name, target, columns, relations: relations as never }), target, sample }
}

/** Rows are inserted, changed in part, referred to, removed softly, taken back and deleted. */
export function keyStory({ target, sample }: KeyModel): Story<Values> {
  const count = sample.keys.length
  return {
    entities: () =>
      sample.keys.map((key, index) =>
        Object.assign(new target(), { key, name: `row ${index}`, friends: [], ...(index % 3 === 2 && { style: 'own' }) }),
      ),
    edits: [
      ({ entity, session }) => session.add(entity),
      ({ entity, index, entities }) => {
        if (index % 3 !== 0) entity['name'] += '!'
        if (index % 3 !== 1) entity['next'] = entities[(index + 1) % count]
      },
      ({ entity, index, entities }) => void (entity['friends'] = [entities[(index + 1) % count], entity]),
      ({ entity }) => void (entity['friends'] = [entity]),
      ({ entity, index, session }) => index > 0 && session.softRemove(entity),
      ({ entity, index, session }) => index > 0 && session.recover(entity),
      ({ entity }) => Object.assign(entity, { friends: [], next: null }),
      ({ entity, index, session }) => index > 0 && session.delete(entity),
    ],
    stored: async (session) => {
      const relations = sample.isUnreferred ? {} : { next: true, friends: true }
      const rows = await session.manager.find(target, { relations, withDeleted: true })
      return rows.map(shown).sort((a, b) => (a['name'] < b['name'] ? -1 : 1))
    },
    held: shown,
  }
}

/** Nothing but a key and a name, so that rows are found by the key alone. */
export function bareKeyModelOf(sample: KeySample, index: number): KeyModel {
  const name = `Bare${index}`
  const target = { [name]: class {} }[name] as new () => Values
  const columns: Record<string, EntitySchemaColumnOptions> = { key: { ...sample.column, primary: true }, name: { type: 'varchar' } }
  return { schema: new EntitySchema<Values>({ name, target, columns }), target, sample }
}

/** Every second row is changed, and every second deleted: their neighbours must stay as they are. */
export function bareKeyStory({ target, sample }: KeyModel): Story<Values> {
  return {
    entities: () => sample.keys.map((key, index) => Object.assign(new target(), { key, name: `row ${index}` })),
    edits: [
      ({ entity, session }) => session.add(entity),
      ({ entity, index }) => index % 2 === 0 && (entity['name'] += '!'),
      ({ entity, index, session }) => index % 2 === 0 && session.delete(entity),
    ],
    stored: async (session) => (await session.manager.find(target)).sort((a, b) => (a['name'] < b['name'] ? -1 : 1)),
  }
}

/** Dates differ between two tellings; that they are there does not. */
function shown(entity: Values): Values {
  const { updatedAt, deletedAt, next, friends, ...rest } = entity
  const dates = { updatedAt: updatedAt instanceof Date, deletedAt: deletedAt instanceof Date }
  const names = (friends as Values[] | undefined)?.map(({ name }) => name as string).sort()
  return { ...rest, ...dates, next: (next as Values | undefined)?.['name'], friends: names }
}
