/**
 * Tables that were not made from their entities: their columns are what the database says, many rows at a time exactly as one by one.
 *
 * @module
 */
import { EntitySchema, type DataSource, type EntitySchemaColumnOptions } from 'typeorm'
import { databaseName, describeDatabase, openDataSource, type DatabaseName } from '../../support/databases.js'
import { isByRow, tell, told, type Story, type Values } from '../../support/every-type-story.js'

interface Difference {
  /** As the entity has it. */
  readonly entity: EntitySchemaColumnOptions
  /** As the table has it. */
  readonly table: string
  readonly values: readonly unknown[]
}

const MOMENTS = [new Date('2024-02-29T12:34:56.789Z'), new Date('2024-07-01T00:00:00.001Z'), new Date(0)]

const POSTGRES: readonly Difference[] = [
  { entity: { type: 'varchar' }, table: 'uuid', values: ['11111111-2222-4333-8444-555555555555', 'aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee'] },
  { entity: { type: 'varchar' }, table: 'text', values: ['a', 'b'.repeat(300)] },
  { entity: { type: 'varchar' }, table: 'own_mood', values: ['glad', 'sad'] },
  { entity: { type: 'varchar' }, table: 'inet', values: ['10.0.0.1', '::1'] },
  { entity: { type: 'varchar' }, table: 'own_domain', values: ['a', 'b'] },
  { entity: { type: 'enum', enum: ['glad', 'sad'] }, table: 'own_mood', values: ['glad', 'sad'] },
  { entity: { type: 'enum', enum: ['glad', 'sad'] }, table: 'varchar(10)', values: ['glad', 'sad'] },
  { entity: { type: 'int' }, table: 'bigint', values: [1, 9007199254740991] },
  { entity: { type: 'int' }, table: 'numeric(10, 2)', values: [1.5, -2.25] },
  { entity: { type: 'int' }, table: 'double precision', values: [0.1, 1e300] },
  { entity: { type: 'int' }, table: 'text', values: [1, 2] },
  { entity: { type: 'timestamp' }, table: 'timestamptz', values: MOMENTS },
  { entity: { type: 'timestamptz' }, table: 'timestamp', values: MOMENTS },
  { entity: { type: 'timestamp' }, table: 'date', values: MOMENTS },
  { entity: { type: 'json' }, table: 'jsonb', values: [{ a: 1 }, [2], 'x'] },
  { entity: { type: 'jsonb' }, table: 'json', values: [{ b: 1, a: 1 }, [2], 'x'] },
  { entity: { type: 'simple-json' }, table: 'jsonb', values: [{ a: 1 }, [2]] },
  { entity: { type: 'text', array: true }, table: 'varchar(5)[]', values: [['a', 'b,c'], []] },
  { entity: { type: 'text', array: true }, table: 'uuid[]', values: [['11111111-2222-4333-8444-555555555555'], []] },
  { entity: { type: 'int', array: true }, table: 'bigint[]', values: [[9007199254740991], []] },
  { entity: { type: 'boolean' }, table: 'text', values: [true, false] },
]

const MARIADB: readonly Difference[] = [
  { entity: { type: 'varchar' }, table: 'uuid', values: ['11111111-2222-4333-8444-555555555555'] },
  { entity: { type: 'varchar' }, table: "enum('glad', 'sad')", values: ['glad', 'sad'] },
  { entity: { type: 'varchar' }, table: 'tinytext', values: ['a', 'b'.repeat(255)] },
  { entity: { type: 'varchar' }, table: 'float', values: ['123456.789', '0.1'] },
  { entity: { type: 'int' }, table: 'decimal(10, 2)', values: [1.5, -2.25] },
  { entity: { type: 'int' }, table: 'float', values: [123456.789, 0.1] },
  { entity: { type: 'int' }, table: 'bigint unsigned', values: [1, '18446744073709551615'] },
  { entity: { type: 'decimal' }, table: 'double', values: [0.1, 1e300] },
  { entity: { type: 'datetime' }, table: 'timestamp(3)', values: MOMENTS.slice(0, 2) },
  { entity: { type: 'datetime' }, table: 'varchar(40)', values: MOMENTS },
  { entity: { type: 'simple-json' }, table: 'json', values: [{ a: 1 }, [2]] },
]

const SQLITE: readonly Difference[] = [
  { entity: { type: 'varchar' }, table: 'integer', values: ['1', '007', 'x'] },
  { entity: { type: 'int' }, table: 'text', values: ['1', '007'] },
  { entity: { type: 'int' }, table: 'real', values: [1, 0.1] },
  { entity: { type: 'datetime' }, table: 'text', values: MOMENTS },
  { entity: { type: 'varchar' }, table: 'blob', values: ['a', 'b'] },
]

const differences: Readonly<Record<DatabaseName, readonly Difference[]>> = {
  postgres: POSTGRES,
  mariadb: MARIADB,
  sqlite: SQLITE,
  'better-sqlite3': SQLITE,
}
const models = differences[databaseName()].map((difference, index) => {
  const name = `other${index}`
  const target = { [name]: class {} }[name] as new () => Values
  const columns: Record<string, EntitySchemaColumnOptions> = {
    id: { type: 'int', primary: true },
    value: { ...difference.entity, nullable: true },
    other: { type: 'int', nullable: true },
  }
  return { ...difference, name, target, schema: new EntitySchema<Values>({ name, tableName: name, target, columns }) }
})

describeDatabase('columns that are not what the entity says', () => {
  let ds: DataSource
  beforeAll(async () => {
    ds = await openDataSource({ entities: models.map(({ schema }) => schema), synchronize: false })
    if (databaseName() === 'postgres') {
      await ds.query(`CREATE TYPE own_mood AS ENUM ('glad', 'sad')`)
      await ds.query(`CREATE DOMAIN own_domain AS varchar(3)`)
    }
    for (const { name, table } of models) await ds.query(`CREATE TABLE ${name} (id int primary key, value ${table}, other int)`)
  })

  const labelOf = ({ entity, table }: Difference) => `${String(entity.type)}${entity.array ? '[]' : ''} for ${table}`
  it.each(models.map((model) => [labelOf(model), model] as const))(
    'take values alike by either path: %s',
    async (_label, { target, values }) => {
      const list = [...values, null, values[0]]
      const story: Story<Values> = {
        entities: () => list.map((value, id) => Object.assign(new target(), { id, value })),
        edits: [
          ({ entity, session }) => session.add(entity),
          ({ entity, index }) => Object.assign(entity, index % 2 ? { value: list[(index + 1) % list.length] } : { other: index }),
          ({ entity, index }) => Object.assign(entity, { value: list[(index + 2) % list.length], other: -index }),
          ({ entity, session }) => session.delete(entity),
        ],
        stored: async (session) => (await session.manager.query(`SELECT * FROM ${target.name} ORDER BY id`)) as Values[],
      }
      const [set, row] = [await tell(ds, story, 'set'), await tell(ds, story, 'row')]
      expect(told(set)).toEqual(told(row))
      if (!isByRow) expect(set[3]!.paths).toEqual(['set'])
    },
  )
})

describeDatabase(
  'a key that is not what the entity says',
  () => {
    it('is found alike by either path', async () => {
      class Other {
        id: string
        name: string
      }
      const columns = { id: { type: 'varchar', primary: true }, name: { type: 'varchar' } } as const
      const ds = await openDataSource({
        entities: [new EntitySchema<Values>({ name: 'other', target: Other, columns })],
        synchronize: false,
      })
      await ds.query('CREATE TABLE other (id uuid primary key, name text)')
      const ids = [1, 2, 3].map((digit) => `11111111-2222-4333-8444-55555555555${digit}`)
      const story: Story<Other> = {
        entities: () => ids.map((id) => Object.assign(new Other(), { id, name: id })),
        edits: [
          ({ entity, session }) => session.add(entity),
          ({ entity }) => (entity.name += '!'),
          ({ entity, index, session }) => index && session.delete(entity),
        ],
        stored: async (session) => (await session.manager.query('SELECT * FROM other ORDER BY id')) as Values[],
      }
      expect(told(await tell(ds, story, 'set'))).toEqual(told(await tell(ds, story, 'row')))
    })
  },
  ['postgres', 'mariadb'],
)

describeDatabase('a default of which the entity knows nothing', () => {
  it('is there for rows that give nothing, and no other, alike by either path', async () => {
    class Thing {
      id: number
      value?: number | null
    }
    const columns = { id: { type: 'int', primary: true }, value: { type: 'int', nullable: true } } as const
    const ds = await openDataSource({ entities: [new EntitySchema<Values>({ name: 'thing', target: Thing, columns })], synchronize: false })
    await ds.query('CREATE TABLE thing (id int primary key, value int default 7)')
    const story: Story<Thing> = {
      entities: () => [1, null, undefined, 2, undefined, null].map((value, id) => Object.assign(new Thing(), { id, value })),
      edits: [({ entity, session }) => session.add(entity), ({ entity, index }) => index % 2 && (entity.value = index)],
      stored: async (session) => (await session.manager.query('SELECT * FROM thing ORDER BY id')) as Values[],
    }
    const [set, row] = [await tell(ds, story, 'set'), await tell(ds, story, 'row')]
    expect(told(set)).toEqual(told(row))
    if (!isByRow) expect(new Set(set.flatMap(({ paths }) => paths))).toEqual(new Set(['set']))
  })
})
