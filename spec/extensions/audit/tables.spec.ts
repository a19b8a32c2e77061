/** The table of an audit trail is the same from its entity as from its migration, on every database. */
import { auditEntities, auditMigration, type AuditEntityOptions } from 'flushpoint/extensions'
import type { DataSource, DataSourceOptions, QueryRunner, Table } from 'typeorm'
import { errorOf } from '../../support/chains.js'
import {
  closeDataSources,
  databaseName,
  dataSourceOptions,
  describeDatabase,
  openDataSource,
  type ExtraOptions,
} from '../../support/databases.js'
import { thrownBy } from '../../support/events.js'

const TYPE = databaseName()

const optionsFor = (made: AuditEntityOptions = {}, extra: ExtraOptions = {}): DataSourceOptions =>
  dataSourceOptions({ entities: auditEntities(TYPE, made), migrations: [auditMigration(undefined, made)], synchronize: false, ...extra })

/** What `synchronize` would do, and `migration:generate` would write. */
async function differences(dataSource: DataSource): Promise<readonly string[]> {
  const { upQueries, downQueries } = await dataSource.driver.createSchemaBuilder().log()
  return [...upQueries, ...downQueries].map(({ query }) => query)
}

async function tableOf(dataSource: DataSource): Promise<Table | undefined> {
  const runner = dataSource.createQueryRunner()
  return runner.getTable(dataSource.getMetadata('AuditEntry').tablePath).finally(() => runner.release())
}

describeDatabase('the table of an audit trail', () => {
  afterEach(closeDataSources)

  it('leaves synchronize nothing to do after the migration', async () => {
    const migrated = await openDataSource(optionsFor())
    expect(await differences(migrated)).not.toEqual([])
    await migrated.runMigrations()
    expect(await differences(migrated)).toEqual([])
  })

  it('leaves the migration nothing to do after synchronize', async () => {
    const synchronised = await openDataSource(optionsFor({}, { synchronize: true }))
    await synchronised.runMigrations()
    expect(await differences(synchronised)).toEqual([])
  })

  it('has its name, and the prefix of the DataSource, either way', async () => {
    const migrated = await openDataSource(optionsFor({ table: 'trail' }, { entityPrefix: 'app_' }))
    await migrated.runMigrations()
    expect(migrated.getMetadata('AuditEntry').tableName).toBe('app_trail')
    expect(await differences(migrated)).toEqual([])
  })

  it('has indices for rows and times', async () => {
    const dataSource = await openDataSource(optionsFor({}, { synchronize: true }))
    const indices = (await tableOf(dataSource))!.indices.map(({ columnNames }) => [...columnNames].sort().join()).sort()
    expect(indices).toEqual(['entity,entity_key,seq', 'recorded_at'])
  })

  it('is gone after down', async () => {
    const dataSource = await openDataSource(optionsFor())
    await dataSource.runMigrations()
    await dataSource.undoLastMigration()
    expect(await tableOf(dataSource)).toBeUndefined()
  })
})

describeDatabase(
  'a schema of its own for an audit trail',
  () => {
    it('is made by the migration', async () => {
      const { schema, database } = dataSourceOptions() as { schema?: string; database?: string }
      const elsewhere = `${(TYPE === 'postgres' ? schema : database)!}_audit`
      const dataSource = await openDataSource(optionsFor({ schema: elsewhere }))
      await dataSource.runMigrations()
      try {
        expect((await tableOf(dataSource))?.name).toBe(`${elsewhere}.audit_entry`)
        expect(await differences(dataSource)).toEqual([])
      } finally {
        const runner = dataSource.createQueryRunner()
        await (TYPE === 'postgres' ? runner.dropSchema(elsewhere, true, true) : runner.dropDatabase(elsewhere, true))
        await runner.release()
        await closeDataSources()
      }
    })
  },
  ['postgres', 'mariadb'],
)

describe('what has no place for an audit trail', () => {
  it.each(['mssql', 'oracle', 'cockroachdb', 'mongodb', 'sqljs'] as const)('a database of the type %s is refused', async (type) => {
    const runner = { connection: { options: { type } } } as unknown as QueryRunner
    expect(thrownBy(() => auditEntities(type)).code).toBe('AUDIT_DATABASE_UNSUPPORTED')
    expect((await errorOf(new (auditMigration())().up(runner))).code).toBe('AUDIT_DATABASE_UNSUPPORTED')
  })

  it('options that nobody knows, schemas of SQLite, and times that TypeORM cannot read, are refused', () => {
    expect(thrownBy(() => auditEntities('postgres', { scheme: 'x' } as never)).code).toBe('OPTION_UNKNOWN')
    expect(thrownBy(() => auditEntities('postgres', { schema: '' })).code).toBe('OPTION_INVALID')
    expect(thrownBy(() => auditEntities('postgres', { table: 'a.b' })).code).toBe('OPTION_INVALID')
    expect(thrownBy(() => auditEntities('better-sqlite3', { schema: 'x' })).code).toBe('OPTION_INVALID')
    expect(thrownBy(() => auditMigration(1)).code).toBe('OPTION_INVALID')
  })
})
