/** The tables of an outbox are the same from its entities as from its migration, on every database. */
import { type DataSource, type DataSourceOptions, type QueryRunner, type Table } from 'typeorm'
import { outboxEntities, outboxMigration, type OutboxEntityOptions } from '../../lib/outbox/sql/outbox-entities.js'
import { OUTBOX_TABLES } from '../../lib/outbox/sql/tables.js'
import {
  closeDataSources,
  createDatabase,
  databaseName,
  dataSourceOptions,
  describeDatabase,
  openDataSource,
  type ExtraOptions,
} from '../support/databases.js'
import { errorOf } from '../support/chains.js'
import { thrownBy } from '../support/events.js'

const TYPE = databaseName()

const optionsFor = (made: OutboxEntityOptions = {}, extra: ExtraOptions = {}): DataSourceOptions =>
  dataSourceOptions({ entities: outboxEntities(TYPE, made), migrations: [outboxMigration(undefined, made)], synchronize: false, ...extra })

/** What `synchronize` would do, and `migration:generate` would write. */
async function differences(dataSource: DataSource): Promise<readonly string[]> {
  const { upQueries, downQueries } = await dataSource.driver.createSchemaBuilder().log()
  return [...upQueries, ...downQueries].map(({ query }) => query)
}

function onRunner<T>(dataSource: DataSource, fn: (runner: QueryRunner) => Promise<T>): Promise<T> {
  const runner = dataSource.createQueryRunner()
  return fn(runner).finally(() => runner.release())
}

function tablesOf(dataSource: DataSource): Promise<(Table | undefined)[]> {
  return onRunner(dataSource, async (runner) => {
    const tables: (Table | undefined)[] = []
    for (const { tablePath } of dataSource.entityMetadatas) tables.push(await runner.getTable(tablePath))
    return tables
  })
}

/** Columns and indices without what names the database around them. */
function shapeOf(table: Table | undefined) {
  return {
    // databases list columns in whichever order they find them
    columns: table?.columns
      .map(({ name, type, length, default: value, isNullable, isPrimary, isGenerated, charset, collation }) =>
        [name, type, length, value, isNullable, isPrimary, isGenerated, charset, collation].map(String).join(' '),
      )
      .sort(),
    indices: table?.indices.map(({ name, columnNames, isUnique }) => `${name} ${columnNames.join()} ${isUnique}`).sort(),
  }
}

describeDatabase('the tables of an outbox', () => {
  afterEach(closeDataSources)

  it('leave synchronize nothing to do after the migration', async () => {
    const migrated = await openDataSource(optionsFor())
    expect(await differences(migrated)).not.toEqual([])
    await migrated.runMigrations()
    expect(await differences(migrated)).toEqual([])
  })

  it('leave the migration nothing to do after synchronize', async () => {
    const synchronised = await openDataSource(optionsFor({}, { synchronize: true }))
    await synchronised.runMigrations()
    expect(await differences(synchronised)).toEqual([])
  })

  it('have the same columns and indices either way', async () => {
    const migrated = await openDataSource(optionsFor())
    await migrated.runMigrations()
    const synchronised = await openDataSource(optionsFor({}, { synchronize: true }))
    const shapes = (await tablesOf(migrated)).map(shapeOf)
    expect(shapes.map(({ columns }) => columns?.length)).toEqual(OUTBOX_TABLES.map(({ columns }) => columns.length))
    expect(shapes).toEqual((await tablesOf(synchronised)).map(shapeOf))
  })

  it('have the prefix of the DataSource either way', async () => {
    const migrated = await openDataSource(optionsFor({}, { entityPrefix: 'app_' }))
    await migrated.runMigrations()
    expect(migrated.getMetadata('OutboxMessage').tableName).toBe('app_outbox_message')
    expect(await differences(migrated)).toEqual([])
    await migrated.undoLastMigration()
    expect(await tablesOf(migrated)).toEqual([undefined, undefined, undefined, undefined, undefined])
  })

  it('are gone after down', async () => {
    const dataSource = await openDataSource(optionsFor())
    await dataSource.runMigrations()
    expect(await tablesOf(dataSource)).not.toContain(undefined)
    await dataSource.undoLastMigration()
    expect(await tablesOf(dataSource)).toEqual([undefined, undefined, undefined, undefined, undefined])
  })

  it('tell texts apart that differ in case alone', async () => {
    const dataSource = await openDataSource(optionsFor({}, { synchronize: true }))
    const slots = dataSource.getRepository('OutboxSlot')
    await slots.insert([
      { subscription: 'search', slot: 1 },
      { subscription: 'Search', slot: 1 },
    ])
    expect(await slots.countBy({ subscription: 'search' })).toBe(1)
  })
})

describeDatabase(
  'a schema of its own for an outbox',
  () => {
    let dataSource: DataSource
    let elsewhere: string

    beforeEach(async () => {
      const { schema, database } = dataSourceOptions() as { schema?: string; database?: string }
      elsewhere = `${(TYPE === 'postgres' ? schema : database)!}_outbox`
      dataSource = await openDataSource(optionsFor({ schema: elsewhere }))
    })
    afterEach(async () => {
      await onRunner(dataSource, (runner) =>
        TYPE === 'postgres' ? runner.dropSchema(elsewhere, true, true) : runner.dropDatabase(elsewhere, true),
      )
      await closeDataSources()
    })

    it('is made by the migration, with tables as the entities have them', async () => {
      await dataSource.runMigrations()
      expect((await tablesOf(dataSource)).map((table) => table?.name)).toEqual(OUTBOX_TABLES.map(({ name }) => `${elsewhere}.${name}`))
      expect(await differences(dataSource)).toEqual([])
    })

    it('is left there, and its tables dropped, by down', async () => {
      await dataSource.runMigrations()
      await dataSource.undoLastMigration()
      expect(await tablesOf(dataSource)).toEqual([undefined, undefined, undefined, undefined, undefined])
      const isThere = await onRunner(dataSource, (runner) =>
        TYPE === 'postgres' ? runner.hasSchema(elsewhere) : runner.hasDatabase(elsewhere),
      )
      expect(isThere).toBe(true)
    })

    it('may be there already', async () => {
      await onRunner(dataSource, (runner) => (TYPE === 'postgres' ? runner.createSchema(elsewhere) : runner.createDatabase(elsewhere)))
      await dataSource.runMigrations()
      expect(await differences(dataSource)).toEqual([])
    })
  },
  ['postgres', 'mariadb'],
)

describeDatabase(
  'in a database of another character set',
  () => {
    it('a message keeps every character', async () => {
      const options = optionsFor()
      await createDatabase(options)
      const plain = await openDataSource({ ...options, entities: [], migrations: [] })
      await plain.query(`ALTER DATABASE \`${(options as { database: string }).database}\` CHARACTER SET latin1`)
      const dataSource = await openDataSource(options)
      await dataSource.runMigrations()
      await dataSource.getRepository('InboxMessage').insert({ consumer: 'Žofie 🎬', message_id: '1', processed_at: 1 })
      expect(await dataSource.getRepository('InboxMessage').findBy({})).toMatchObject([{ consumer: 'Žofie 🎬' }])
      await closeDataSources()
    })
  },
  ['mariadb'],
)

describe('what has no place for an outbox', () => {
  const runnerOf = (type: string) => ({ connection: { options: { type } } }) as unknown as QueryRunner

  it.each(['mssql', 'oracle', 'cockroachdb', 'mongodb', 'sqljs'] as const)('a database of the type %s is refused', async (type) => {
    expect(thrownBy(() => outboxEntities(type)).code).toBe('OUTBOX_DATABASE_UNSUPPORTED')
    const migration = new (outboxMigration())()
    expect((await errorOf(migration.up(runnerOf(type)))).code).toBe('OUTBOX_DATABASE_UNSUPPORTED')
    expect((await errorOf(migration.down(runnerOf(type)))).code).toBe('OUTBOX_DATABASE_UNSUPPORTED')
  })

  it('a schema is refused on SQLite, which has none', async () => {
    expect(thrownBy(() => outboxEntities('sqlite', { schema: 'events' })).code).toBe('OPTION_INVALID')
    const migration = new (outboxMigration(undefined, { schema: 'events' }))()
    expect((await errorOf(migration.up(runnerOf('better-sqlite3')))).code).toBe('OPTION_INVALID')
  })

  it('options that nobody knows, and times that TypeORM cannot read, are refused where they are written', () => {
    expect(thrownBy(() => outboxEntities('postgres', { scheme: 'events' } as never)).code).toBe('OPTION_UNKNOWN')
    expect(thrownBy(() => outboxEntities('postgres', { schema: '' })).code).toBe('OPTION_INVALID')
    expect(thrownBy(() => outboxMigration(1, {})).code).toBe('OPTION_INVALID')
    expect(thrownBy(() => outboxMigration(undefined, { schema: 7 } as never)).code).toBe('OPTION_INVALID')
  })
})
