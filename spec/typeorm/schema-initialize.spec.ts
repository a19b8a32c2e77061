/**
 * Schema changes of synchronize and migrations, also those that run while the data source is initialised.
 *
 * @module
 */
import { install, sessionSubscriber, SessionExtension, type SchemaChange, type Session } from 'flushpoint'
import { DataSource, Table, type DataSourceOptions, type MigrationInterface, type QueryRunner } from 'typeorm'
import { closeAll, createDatabase, dataSourceOptions, describeDatabase, openDataSource, type ExtraOptions } from '../support/databases.js'
import type { Hooks } from '../support/hooks.js'
import { LIBRARY, Writer } from '../support/library.js'
import { Article, Author, Comment, ENTITIES, make, Tag } from '../support/models.js'
import {
  box,
  column,
  hookClass,
  idColumn,
  onDatabase,
  schemaLog,
  shelf,
  toShelf,
  withRunner,
  type SchemaLog,
} from '../support/schema-log.js'
import { errorOf } from '../support/sessions.js'

/** Options of a data source that is initialised with what hears of the schema. */
function listening(extra: ExtraOptions, ...own: Hooks[]): { readonly options: DataSourceOptions; readonly log: SchemaLog } {
  const log = schemaLog()
  return {
    options: dataSourceOptions({ ...extra, subscribers: [sessionSubscriber({ extensions: [log.extension, ...own.map(hookClass)] })] }),
    log,
  }
}

class CreateShelf1700000000001 implements MigrationInterface {
  async up(runner: QueryRunner) {
    await runner.manager.insert(Writer, { name: 'before' })
    await runner.createTable(shelf())
    await runner.manager.save(make(Writer, { name: 'after' }))
  }
  async down(runner: QueryRunner) {
    await runner.dropTable('shelf')
  }
}

class CreateBox1700000000002 implements MigrationInterface {
  async up(runner: QueryRunner) {
    await runner.createTable(box())
    await runner.createForeignKey('box', toShelf())
    await runner.renameTable('box', 'crate')
  }
  async down(runner: QueryRunner) {
    await runner.dropTable('crate')
  }
}

class Fail1700000000003 implements MigrationInterface {
  async up(runner: QueryRunner) {
    await runner.addColumn('shelf', column('colour', { isNullable: true }))
    throw new Error('no')
  }
  down() {
    return Promise.resolve()
  }
}

const MIGRATIONS = [CreateShelf1700000000001, CreateBox1700000000002]
const SHELVES = ['createTable shelf', 'createTable box', 'alterTable box', 'renameTable box -> crate']

describeDatabase('synchronize', () => {
  afterEach(closeAll)

  it('tells each table it creates while the data source is initialised, then what links them', async () => {
    const { options, log } = listening({ entities: [Author, Article, Comment, Tag] })
    await openDataSource(options)
    const told = log.told()
    const tables = ['article', 'article_tags_tag', 'author', 'comment', 'tag']
    expect(told.slice(0, 5).sort()).toEqual(tables.map((table) => `createTable ${table}`))
    expect(new Set(told.slice(5))).toEqual(new Set(['alterTable article', 'alterTable comment', 'alterTable article_tags_tag']))
    expect(log.changes.findLast(({ table }) => table === 'comment')!.afterSchema).toContain('FOREIGN KEY')
  })

  it('tells nothing when it is initialised again, and what differs once entities do', async () => {
    const { options, log } = listening({ entities: [Writer] })
    await (await openDataSource(options)).destroy()
    expect(log.told()).toEqual(['createTable writer'])
    const same = listening({ entities: [Writer] })
    await (await openDataSource({ ...options, subscribers: same.options.subscribers! })).destroy()
    expect(same.log.told()).toEqual([])
    const more = listening({ entities: LIBRARY })
    await openDataSource({ ...options, entities: LIBRARY, subscribers: more.options.subscribers! })
    const told = more.log.told()
    expect(told).toContain('createTable book')
    expect(told).not.toContain('createTable writer')
  })

  it('tells a listener that was installed before the data source was initialised, each time it is', async () => {
    const options = dataSourceOptions({ entities: [Writer] })
    await createDatabase(options)
    const dataSource = new DataSource(options)
    const log = schemaLog()
    const uninstall = install(dataSource, { extensions: [log.extension] })
    await dataSource.initialize()
    expect(log.told()).toEqual(['createTable writer'])
    await dataSource.dropDatabase()
    await dataSource.destroy()
    expect(log.told()).toEqual(['dropTable writer'])
    await dataSource.initialize()
    uninstall()
    await dataSource.dropDatabase()
    await dataSource.destroy()
    expect(log.told()).toEqual(['createTable writer'])
  })

  it('called by hand is told like the rest', async () => {
    const { options, log } = listening({ entities: [Writer], synchronize: false })
    const dataSource = await openDataSource(options)
    expect(log.told()).toEqual([])
    await dataSource.synchronize()
    expect(log.told()).toEqual(['createTable writer'])
    await dataSource.synchronize(true)
    expect(log.told()).toEqual(['dropTable writer', 'createTable writer'])
  })

  it('tells what dropSchema drops', async () => {
    const first = listening({ entities: [Writer] })
    await (await openDataSource(first.options)).destroy()
    const { options, log } = listening({ entities: [Writer], dropSchema: true })
    await openDataSource({ ...first.options, ...{ dropSchema: true }, subscribers: options.subscribers! } as DataSourceOptions)
    expect(log.told()).toEqual(['dropTable writer', 'createTable writer'])
    expect(log.changes[0]!.beforeSchema).toBe(first.log.changes[0]!.afterSchema)
  })

  it('says the same text of a table that is made by hand alike', async () => {
    const { options, log } = listening({ entities: [Tag] })
    const dataSource = await openDataSource(options)
    await withRunner(dataSource, async (runner) => {
      const loaded = (await runner.getTable('tag'))!
      await runner.dropTable('tag')
      await runner.createTable(loaded)
    })
    expect(log.told()).toEqual(['createTable tag', 'dropTable tag', 'createTable tag'])
    expect(log.changes[2]!.afterSchema).toBe(log.changes[0]!.afterSchema)
  })

  it('calls the transaction hooks of its session while initialising, and no other hook before or after that', async () => {
    const lines: string[] = []
    const { options } = listening(
      { entities: [Writer] },
      {
        afterBegin: () => void lines.push('afterBegin'),
        beforeFlush: () => void lines.push('beforeFlush'),
        afterSchemaChange: ({ table }: SchemaChange) => void lines.push(`afterSchemaChange ${table}`),
        beforeCommit: () => void lines.push('beforeCommit'),
        afterCommit: (changes) => void lines.push(`afterCommit ${changes.length}`),
      },
    )
    await openDataSource(options)
    expect(lines).toEqual(['afterSchemaChange writer', 'beforeCommit', 'afterCommit 0'])
  })

  it('builds no other extension while initialising, and none that is listed by a function', async () => {
    const built: string[] = []
    class Other extends SessionExtension {
      constructor(session: Session) {
        super(session)
        built.push('other')
      }
      override beforeFlush() {}
    }
    const listed = (session: Session) => {
      built.push('listed by a function')
      return Object.assign(new Other(session), { afterSchemaChange: () => void built.push('told') })
    }
    const log = schemaLog()
    const subscriber = sessionSubscriber({ extensions: [Other, listed, log.extension] })
    const dataSource = await openDataSource({ entities: [Writer], subscribers: [subscriber] })
    expect(log.told()).toEqual(['createTable writer'])
    expect(built).toEqual([])
    await withRunner(dataSource, (runner) => runner.createTable(shelf()))
    expect(log.told()).toEqual(['createTable shelf'])
    expect(built).toEqual(['other', 'listed by a function', 'other', 'told'])
  })

  it('fails with the error of a hook, and leaves no table', async () => {
    const { options } = listening({ entities: [Writer] }, { afterSchemaChange: () => Promise.reject(new Error('veto')) })
    await createDatabase(options)
    const dataSource = new DataSource(options)
    expect((await errorOf(dataSource.initialize())).message).toBe('veto')
    expect(dataSource.isInitialized).toBe(false)
    const plain = await openDataSource({ ...options, synchronize: false, subscribers: [] } as DataSourceOptions)
    expect(await withRunner(plain, (runner) => runner.hasTable('writer'))).toBe(
      onDatabase({ sqlite: false, postgres: false, mariadb: true }),
    )
  })

  it('is initialised at the second attempt as at the first', async () => {
    let isFirst = true
    const { options, log } = listening(
      { entities: [Writer] },
      {
        afterSchemaChange() {
          if (isFirst) throw new Error('veto')
        },
      },
    )
    await createDatabase(options)
    const dataSource = new DataSource(options)
    await errorOf(dataSource.initialize())
    isFirst = false
    await dataSource.initialize()
    await dataSource.manager.save(make(Writer, { name: 'Ann' }))
    await dataSource.destroy()
    expect(log.told()).toEqual(onDatabase({ sqlite: ['createTable writer', 'createTable writer'], postgres: ['createTable writer', 'createTable writer'], mariadb: ['createTable writer'] })) // prettier-ignore
  })
})

describeDatabase('migrations', () => {
  afterEach(closeAll)

  async function openMigrated(migrations: readonly (new () => MigrationInterface)[], extra: ExtraOptions = {}, ...own: Hooks[]) {
    const { options, log } = listening({ entities: [Writer], migrations, synchronize: false, ...extra }, ...own)
    await createDatabase(options)
    const first = await openDataSource({
      ...options,
      migrations: [],
      migrationsRun: false,
      synchronize: true,
      subscribers: [],
    } as DataSourceOptions)
    await first.destroy()
    return { dataSource: await openDataSource(options), log }
  }

  it.each(['all', 'each', 'none'] as const)('are told when they are run by hand, in transactions: %s', async (mode) => {
    const { dataSource, log } = await openMigrated(MIGRATIONS, { migrationsTransactionMode: mode })
    expect(log.told()).toEqual([])
    await dataSource.runMigrations()
    expect(log.told()).toEqual(['createTable migrations', ...SHELVES])
    await dataSource.undoLastMigration()
    expect(log.told()).toEqual(['dropTable crate'])
  })

  it.each(['all', 'each', 'none'] as const)(
    'are told when they run while the data source is initialised, in transactions: %s',
    async (mode) => {
      const { log } = await openMigrated(MIGRATIONS, { migrationsRun: true, migrationsTransactionMode: mode })
      expect(log.told()).toEqual(['createTable migrations', ...SHELVES])
    },
  )

  it('that fail are told, and what they registered is taken back', async () => {
    const lines: string[] = []
    const { dataSource } = await openMigrated(
      [CreateShelf1700000000001, Fail1700000000003],
      { migrationsTransactionMode: 'each' },
      {
        afterSchemaChange({ kind, table }) {
          this.session.onCommit(() => void lines.push(`committed ${kind} ${table}`))
          this.session.onRollback(() => void lines.push(`rolled back ${kind} ${table}`))
        },
      },
    )
    const log = jest.spyOn(console, 'log').mockImplementation() // where TypeORM says that a migration has failed
    expect((await errorOf(dataSource.runMigrations())).message).toBe('no')
    log.mockRestore()
    expect(lines).toEqual(['committed createTable migrations', 'committed createTable shelf', 'rolled back alterTable shelf'])
  })

  it('that write rows while the data source is initialised are not heard of by other hooks, before an operation and after it', async () => {
    const rows: string[] = []
    const { dataSource } = await openMigrated(
      [CreateShelf1700000000001],
      { migrationsRun: true },
      {
        beforeBulk: ({ kind }) => void rows.push(kind),
        beforeInsert: (entity) => void rows.push((entity as Writer).name),
        afterCommit: (changes) => void rows.push(...changes.map(({ kind }) => kind)),
      },
    )
    expect((await dataSource.manager.find(Writer)).map(({ name }) => name).sort()).toEqual(['after', 'before'])
    expect(rows).toEqual([])
    await dataSource.manager.save(make(Writer, { name: 'Ann' }))
    expect(rows).toEqual(['Ann', 'insert'])
  })

  it('that are run by hand are heard of by all hooks', async () => {
    const rows: string[] = []
    const { dataSource } = await openMigrated(
      [CreateShelf1700000000001],
      {},
      {
        beforeBulk: ({ kind, target }) => void rows.push(`${kind} ${(target as { name: string }).name}`),
        beforeInsert: (entity) => void rows.push((entity as Writer).name),
      },
    )
    await dataSource.runMigrations()
    expect(rows).toEqual(['insert Writer', 'after'])
  })
})

describeDatabase('a data source without anybody who listens to the schema', () => {
  afterEach(closeAll)

  it('sends the same statements while it is initialised', async () => {
    class Other extends SessionExtension {
      override beforeFlush() {}
    }
    const plain = dataSourceOptions({ entities: ENTITIES })
    const listed = dataSourceOptions({ entities: ENTITIES, subscribers: [sessionSubscriber({ extensions: [Other] })] })
    const sent: string[][] = []
    for (const options of [plain, listed]) {
      const statements: string[] = []
      const logQuery = (sql: string) => void statements.push(sql.replace(/flushpoint_\w+/g, ''))
      const nothing = () => undefined
      const logger = {
        logQuery,
        logQueryError: nothing,
        logQuerySlow: nothing,
        logSchemaBuild: nothing,
        logMigration: nothing,
        log: nothing,
      }
      await openDataSource({ ...options, logging: true, logger } as DataSourceOptions)
      sent.push(statements)
    }
    expect(sent[0]!.length).toBeGreaterThan(10)
    expect(sent[1]).toEqual(sent[0])
  })

  it('keeps operations of its own apart from those of another one that is listened to', async () => {
    const { options, log } = listening({ entities: [Writer] })
    await openDataSource(options)
    log.told()
    const other = await openDataSource({ entities: [] })
    await withRunner(other, (runner) => runner.createTable(new Table({ name: 'shelf', columns: [idColumn()] })))
    expect(log.told()).toEqual([])
  })
})
