/**
 * TableEvents: tables that are created, dropped, renamed and altered, alone and together with rows.
 *
 * @module
 */
import { install, openSession, sessionSubscriber, withContext } from 'flushpoint'
import { AlterTableEvent, CreateTableEvent, DropTableEvent, RenameTableEvent } from 'flushpoint/events'
import { TableEvents, type TableEventsOptions } from 'flushpoint/extensions'
import { Column, Entity, Index, PrimaryGeneratedColumn, type DataSourceOptions, type MigrationInterface, type QueryRunner } from 'typeorm'
import { closeAll, dataSourceOptions, describeDatabase, openDataSource, type ExtraOptions } from '../support/databases.js'
import { hooks, type Hooks } from '../support/hooks.js'
import { Writer } from '../support/library.js'
import { Article, Author, Comment, make, Tag } from '../support/models.js'
import { box, column, databaseOf, INT, onName, shelf, TEXT, toShelf, withRunner } from '../support/schema-log.js'
import { errorOf } from '../support/sessions.js'
import { tellEvent, useEvents } from '../support/tracked-events.js'
import { describeWays } from '../support/ways-in.js'

function listening(options: TableEventsOptions = {}, extra: ExtraOptions = {}, ...own: Hooks[]): DataSourceOptions {
  const extensions = [TableEvents.with(options), ...own.map(hooks)]
  return dataSourceOptions({ entities: [Writer], ...extra, subscribers: [sessionSubscriber({ extensions })] })
}

const colour = () => column('colour', { isNullable: true })
const ID = `  "id" ${INT} NOT NULL GENERATED increment`
const REST = [`  "name" ${TEXT}(40) NOT NULL DEFAULT 'x'`, `  "note" ${TEXT}(40) NULL`, '  PRIMARY KEY ("id")']
const textOf = (table: string, ...added: string[]) => `TABLE "${table}" (\n${[ID, ...added, ...REST].join(',\n')}\n)`
const COLOUR = `  "colour" ${TEXT}(40) NULL`

describeWays('operations on the schema', (way) => {
  const tracked = useEvents()
  afterEach(closeAll)

  async function open(options?: TableEventsOptions, ...own: Hooks[]) {
    const dataSource = await openDataSource(listening(options, {}, ...own))
    await tracked.events()
    return dataSource
  }

  async function openFurnished(options?: TableEventsOptions) {
    const dataSource = await open(options)
    await withRunner(dataSource, (runner) => runner.createTable(shelf()))
    await tracked.events()
    return dataSource
  }

  const inTransaction = (dataSource: Awaited<ReturnType<typeof open>>, fn: (runner: QueryRunner) => Promise<unknown>) =>
    way.transaction(dataSource, ({ manager }) => fn(manager.queryRunner!))

  // B20
  it('that create a table are one create-table, with its schema; with rows insert-rows follows', async () => {
    const dataSource = await open()
    await withContext({ actor: { id: 'root' } }, () => inTransaction(dataSource, (runner) => runner.createTable(shelf())))
    const [event, ...others] = await tracked.events()
    expect(others).toEqual([])
    expect(event).toBeInstanceOf(CreateTableEvent)
    expect(event!.actor).toEqual({ id: 'root' })
    expect(event!.properties()).toEqual({ database: databaseOf(dataSource), table: 'shelf', schema: textOf('shelf') })
    await way.transaction(dataSource, async ({ manager, save }) => {
      await manager.queryRunner!.createTable(box())
      await save(make(Writer, { name: 'Ann' }))
    })
    expect(await tracked.told()).toEqual(['create-table box', 'insert-rows writer 1'])
  })

  // B21
  it('that find the table there are nothing: only its rows are told', async () => {
    const dataSource = await openFurnished()
    await way.transaction(dataSource, async ({ manager, save }) => {
      await manager.queryRunner!.createTable(shelf(), true)
      await save(make(Writer, { name: 'Ann' }))
    })
    expect(await tracked.told()).toEqual(['insert-rows writer 1'])
  })

  // B22
  it('that alter a table made in the same transaction are part of its create-table, which tells the last schema', async () => {
    const dataSource = await open()
    await way.transaction(dataSource, async ({ manager, save }) => {
      await manager.queryRunner!.createTable(shelf())
      await save(make(Writer, { name: 'Ann' }))
      await manager.queryRunner!.addColumn('shelf', colour())
    })
    const events = await tracked.events()
    expect(events.map((event) => event.name)).toEqual(['create-table', 'insert-rows'])
    expect(events[0]!.properties()['schema']).toBe(textOf('shelf', COLOUR))
    await inTransaction(dataSource, (runner) => runner.dropColumn('shelf', 'colour'))
    expect(await tracked.told()).toEqual(['alter-table shelf'])
  })

  // B13, B15
  it('that come after rows in one transaction are told after them, with the new column in the schema afterwards alone', async () => {
    const dataSource = await openFurnished()
    await way.transaction(dataSource, async ({ manager, save }) => {
      await save(make(Writer, { name: 'Ann' }))
      await manager.upsert(Writer, [{ id: 7, name: 'Bea' }], ['id'])
      await manager.queryRunner!.addColumn('shelf', colour())
    })
    const events = await tracked.events()
    expect(events.map((event) => event.name)).toEqual(['insert-rows', 'upsert-rows', 'alter-table'])
    expect(events.at(-1)).toBeInstanceOf(AlterTableEvent)
    expect(events.at(-1)!.properties()).toEqual({
      ...{ database: databaseOf(dataSource), table: 'shelf' },
      ...{ before_schema: textOf('shelf'), after_schema: textOf('shelf', COLOUR) },
    })
  })

  // B14
  it('that change nothing tell nothing', async () => {
    const dataSource = await openFurnished()
    await inTransaction(dataSource, async (runner) => {
      await runner.changeColumn('shelf', 'note', (await runner.getTable('shelf'))!.findColumnByName('note')!.clone())
    })
    expect(await tracked.told()).toEqual([])
  })

  // B23
  it('that come before rows are told before them; those that fail tell nothing', async () => {
    const dataSource = await openFurnished()
    await way.transaction(dataSource, async ({ manager, save }) => {
      await manager.queryRunner!.addColumn('shelf', colour())
      await save(make(Writer, { name: 'Ann' }))
    })
    expect(await tracked.told()).toEqual(['alter-table shelf', 'insert-rows writer 1'])
    await errorOf(inTransaction(dataSource, (runner) => runner.addColumn('shelf', colour())))
    expect(await tracked.told()).toEqual([])
  })

  // B19
  it('that drop a table are one drop-table; those that find none tell nothing', async () => {
    const dataSource = await openFurnished()
    await inTransaction(dataSource, (runner) => runner.dropTable('nowhere', true))
    expect(await tracked.told()).toEqual([])
    await withContext({ actor: { id: 'root' } }, () => inTransaction(dataSource, (runner) => runner.dropTable('shelf')))
    const [event, ...others] = await tracked.events()
    expect(others).toEqual([])
    expect(event).toBeInstanceOf(DropTableEvent)
    expect([event!.actor, event!.properties()]).toEqual([{ id: 'root' }, { database: databaseOf(dataSource), table: 'shelf' }])
  })

  // B24
  it('that are refused tell nothing', async () => {
    const dataSource = await openFurnished()
    const refused = [
      (runner: QueryRunner) => runner.createTable(shelf()),
      (runner: QueryRunner) => runner.addColumn('nowhere', colour()),
      (runner: QueryRunner) => runner.dropColumn('shelf', 'colour'),
      (runner: QueryRunner) => runner.renameColumn('shelf', 'colour', 'tint'),
      (runner: QueryRunner) => runner.dropForeignKey('shelf', 'fk'),
      (runner: QueryRunner) => runner.renameTable('nowhere', 'rack'),
    ]
    for (const operation of refused) await errorOf(inTransaction(dataSource, operation))
    expect(await tracked.told()).toEqual([])
  })

  // B26
  it('that rename a table are one rename-table, then alter-table by the new name', async () => {
    const dataSource = await openFurnished()
    await inTransaction(dataSource, (runner) => runner.renameTable('shelf', 'rack'))
    const [renamed, altered, ...others] = await tracked.events()
    expect(others).toEqual([])
    expect(renamed).toBeInstanceOf(RenameTableEvent)
    expect(renamed!.properties()).toEqual({ database: databaseOf(dataSource), old_table: 'shelf', new_table: 'rack' })
    const schemas = { before_schema: textOf('shelf'), after_schema: textOf('rack') }
    expect(altered!.properties()).toEqual({ database: databaseOf(dataSource), table: 'rack', ...schemas })
    expect(await withRunner(dataSource, (runner) => runner.hasTable('rack'))).toBe(true)
  })

  // B32
  it('that rename a table inside a transaction are told once each, and not when that is rolled back', async () => {
    const dataSource = await openFurnished()
    await way.transaction(dataSource, async ({ manager, save }) => {
      await save(make(Writer, { name: 'Ann' }))
      await manager.queryRunner!.renameTable('shelf', 'rack')
      await manager.query('ALTER TABLE rack RENAME TO closet')
    })
    const renames = (told: string[]) => told.filter((line) => line.startsWith('rename'))
    expect(renames(await tracked.told())).toEqual(['rename-table shelf -> rack', 'rename-table rack -> closet'])
    await way.save(dataSource, make(Writer, { name: 'Bea' }))
    expect(renames(await tracked.told())).toEqual([])
    const failing = inTransaction(dataSource, async (runner) => {
      await runner.renameTable('closet', 'shelf')
      throw new Error('no')
    })
    await errorOf(failing)
    expect(await tracked.told()).toEqual([])
  })

  // B25
  it('on one table of several kinds are one alter-table, with the exact schema before the first and after the last', async () => {
    const dataSource = await openFurnished()
    await way.transaction(dataSource, async ({ manager, save }) => {
      await manager.queryRunner!.addColumn('shelf', colour())
      await save(make(Writer, { name: 'Ann' }))
      await manager.queryRunner!.dropColumn('shelf', 'note')
      await manager.queryRunner!.createIndex('shelf', onName())
    })
    const events = await tracked.events()
    expect(events.map(({ name }) => name)).toEqual(['alter-table', 'insert-rows'])
    const withoutNote = textOf('shelf', COLOUR).replace(`${REST[1]},\n`, '')
    const indexed = withoutNote.replace('\n)', `,\n  INDEX "by_name" ("name")\n)`)
    expect(events[0]!.properties()).toMatchObject({ before_schema: textOf('shelf'), after_schema: indexed })
  })

  it('that take each other back in one transaction tell nothing, and in two they do', async () => {
    const dataSource = await openFurnished()
    await inTransaction(dataSource, async (runner) => {
      await runner.addColumn('shelf', colour())
      await runner.dropColumn('shelf', 'colour')
    })
    expect(await tracked.told()).toEqual([])
    await inTransaction(dataSource, (runner) => runner.addColumn('shelf', colour()))
    await inTransaction(dataSource, (runner) => runner.dropColumn('shelf', 'colour'))
    expect(await tracked.told()).toEqual(['alter-table shelf', 'alter-table shelf'])
  })

  it('that rename or drop a table made in the same transaction leave its create-table as it was then', async () => {
    const dataSource = await open()
    await inTransaction(dataSource, async (runner) => {
      await runner.createTable(shelf())
      await runner.renameTable('shelf', 'rack')
      await runner.addColumn('rack', colour())
      await runner.dropTable('rack')
    })
    const events = await tracked.events()
    expect(events.map(tellEvent)).toEqual(['create-table shelf', 'rename-table shelf -> rack', 'alter-table rack', 'drop-table rack'])
    expect(events[0]!.properties()['schema']).toBe(textOf('shelf'))
    expect(events[2]!.properties()).toMatchObject({ before_schema: textOf('shelf'), after_schema: textOf('rack', COLOUR) })
  })

  it('are told once where the extension is listed twice', async () => {
    const dataSource = await openDataSource(listening({}, {}, {}))
    await tracked.events()
    await using session = openSession(dataSource, { extensions: [TableEvents.with({ exclude: ['box'] })] })
    await session.transaction(async () => {
      await session.manager.queryRunner!.createTable(shelf())
      await session.manager.queryRunner!.addColumn('shelf', colour())
      await session.manager.queryRunner!.createTable(box())
    })
    expect(await tracked.told()).toEqual(['create-table shelf', 'create-table box'])
  })

  it('on excluded tables tell nothing', async () => {
    const dataSource = await open({ exclude: ['SHE*'] })
    await inTransaction(dataSource, (runner) => runner.createTable(shelf()))
    await inTransaction(dataSource, (runner) => runner.createTable(box()))
    expect(await tracked.told()).toEqual(['create-table box'])
  })
})

describeWays(
  'operations that a savepoint takes back',
  (way) => {
    const tracked = useEvents()

    it('are not told, nor is what they changed about a table that stays', async () => {
      const dataSource = await openDataSource(listening())
      await tracked.events()
      await way.transaction(dataSource, async ({ manager, transaction }) => {
        await manager.queryRunner!.createTable(shelf())
        const inner = transaction(async (nested) => {
          const runner = nested.manager.queryRunner!
          await runner.addColumn('shelf', colour())
          await runner.addColumn('shelf', column('size', { isNullable: true }))
          await runner.createTable(box())
          throw new Error('no')
        })
        await errorOf(inner)
      })
      const events = await tracked.events()
      expect(events.map((event) => event.properties())).toEqual([
        { database: databaseOf(dataSource), table: 'shelf', schema: textOf('shelf') },
      ])
    })

    it('leave a table that was made before what it was', async () => {
      const dataSource = await openDataSource(listening())
      await tracked.events()
      await way.transaction(dataSource, async ({ manager, transaction }) => {
        await manager.queryRunner!.createTable(shelf())
        const inner = transaction(async (nested) => {
          await nested.manager.queryRunner!.dropTable('shelf')
          throw new Error('no')
        })
        await errorOf(inner)
        await manager.queryRunner!.addColumn('shelf', colour())
      })
      const events = await tracked.events()
      expect(events.map((event) => event.properties()['schema'])).toEqual([textOf('shelf', COLOUR)])
    })

    it('leave alterations before and after them what they were', async () => {
      const dataSource = await openDataSource(listening())
      await withRunner(dataSource, (runner) => runner.createTable(shelf()))
      await tracked.events()
      await way.transaction(dataSource, async ({ manager, transaction }) => {
        const altering = (name: string) =>
          transaction(async (nested) => {
            await nested.manager.query(`ALTER TABLE shelf ADD ${name} varchar(40)`) // TypeORM would remember the column
            await nested.manager.query('DROP TABLE shelf')
            throw new Error('no')
          })
        await errorOf(altering('size'))
        await manager.query('ALTER TABLE shelf ADD colour varchar(40)')
        await errorOf(altering('depth'))
      })
      const events = await tracked.events()
      const schemas = { before_schema: textOf('shelf'), after_schema: textOf('shelf', COLOUR) }
      expect(events.map((event) => event.properties())).toEqual([{ database: databaseOf(dataSource), table: 'shelf', ...schemas }])
    })
  },
  ['sqlite', 'better-sqlite3', 'postgres'],
) // MariaDB commits with every operation on the schema, and forgets its savepoints

class Furnish1700000000001 implements MigrationInterface {
  async up(runner: QueryRunner) {
    await runner.createTable(shelf())
    await runner.createTable(box())
    await runner.createForeignKey('box', toShelf())
    await runner.addColumn('writer', colour())
  }
  down() {
    return Promise.resolve()
  }
}

describeDatabase('while a data source is initialised', () => {
  const tracked = useEvents()
  afterEach(closeAll)

  // B20, B22
  it('synchronize tells each table once, with its foreign keys', async () => {
    await openDataSource(listening({}, { entities: [Author, Article, Comment, Tag] }))
    const events = await tracked.events()
    const tables = ['author', 'article', 'comment', 'tag', 'article_tags_tag']
    expect(events.map((event) => event.properties()['table']).sort()).toEqual([...tables].sort())
    expect(events.map((event) => event.name)).toEqual(tables.map(() => 'create-table'))
    const ofComment = events.map((event) => event.properties()).find(({ table }) => table === 'comment')!
    expect(ofComment['schema']).toMatch(/FOREIGN KEY "\w+" \("articleId"\) REFERENCES "article" \("id"\) ON DELETE CASCADE/)
  })

  it('migrations tell what they do, and what fails is not told', async () => {
    const options = listening({ exclude: ['migrations'] }, { migrations: [Furnish1700000000001] })
    const dataSource = await openDataSource(options)
    expect(await tracked.told()).toEqual(['create-table writer'])
    await dataSource.runMigrations()
    expect(await tracked.told()).toEqual(['create-table shelf', 'create-table box', 'alter-table writer'])
    await dataSource.undoLastMigration()
    const log = jest.spyOn(console, 'log').mockImplementation() // where TypeORM says that a migration has failed
    expect((await errorOf(dataSource.runMigrations())).message).toMatch(/shelf/)
    log.mockRestore()
    expect(await tracked.told()).toEqual([])
  })

  it('migrations that run then are told as well', async () => {
    const first = await openDataSource(listening())
    await first.destroy()
    await tracked.events()
    const options = { ...first.options, ...{ migrations: [Furnish1700000000001], migrationsRun: true, synchronize: false } }
    await openDataSource(options as DataSourceOptions)
    const told = ['create-table migrations', 'create-table shelf', 'create-table box', 'alter-table writer']
    expect(await tracked.told()).toEqual(told)
  })

  it('nothing is told where the schema is there already', async () => {
    const first = await openDataSource(listening())
    await first.destroy()
    expect(await tracked.told()).toEqual(['create-table writer'])
    await first.initialize()
    expect(await tracked.told()).toEqual([])
    await first.dropDatabase()
    expect(await tracked.told()).toEqual(['drop-table writer'])
  })
})

describeDatabase('operations outside of a transaction', () => {
  const tracked = useEvents()
  afterEach(closeAll)

  it('are told although an extension before them has failed', async () => {
    const dataSource = await openDataSource({ entities: [] })
    const failing = hooks({
      afterSchemaChange() {
        throw new Error('no')
      },
    })
    install(dataSource, { extensions: [failing, TableEvents] })
    expect((await errorOf(withRunner(dataSource, (runner) => runner.createTable(shelf())))).message).toBe('no')
    expect(await tracked.told()).toEqual(['create-table shelf'])
  })
})

@Entity('writer')
class KnownWriter {
  @PrimaryGeneratedColumn() id: number
  @Column({ nullable: true, type: 'varchar', length: 77 }) name?: string | null
  @Column({ default: 3 }) @Index() born: number
}

describeDatabase('synchronize of a table that differs in several ways', () => {
  const tracked = useEvents()
  afterEach(closeAll)

  it('is one alter-table', async () => {
    const first = await openDataSource({ entities: [Writer] })
    const later = listening({}, { entities: [KnownWriter] })
    await openDataSource({ ...first.options, entities: [KnownWriter], subscribers: later.subscribers! } as DataSourceOptions)
    expect(await tracked.told()).toEqual(['alter-table writer'])
  })
})
