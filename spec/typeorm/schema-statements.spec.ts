/**
 * Statements that change the schema, sent as text: as generated migrations send them.
 *
 * @module
 */
import { install, openSession, SessionExtension, withoutExtensions } from 'flushpoint'
import { Column, Entity, Index, ManyToOne, PrimaryGeneratedColumn, type DataSource, type DataSourceOptions } from 'typeorm'
import { schemaStatementOf } from '../../lib/typeorm/schema-statements.js'
import { closeAll, databaseName, describeDatabase, openDataSource, recordStatements } from '../support/databases.js'
import { hooks } from '../support/hooks.js'
import { LIBRARY } from '../support/library.js'
import { onDatabase, schemaLog, withRunner } from '../support/schema-log.js'
import { errorOf } from '../support/sessions.js'

@Entity('plant')
class Plant {
  @PrimaryGeneratedColumn() id: number
  @Column() name: string
}

@Entity('garden')
class Garden {
  @PrimaryGeneratedColumn() id: number
}

/** The same table later. */
@Entity('plant')
class GrownPlant {
  @PrimaryGeneratedColumn() id: number
  @Column() name: string
  @Column({ nullable: true, type: 'int' }) height?: number | null
}

@Entity('plant')
class IndexedPlant {
  @PrimaryGeneratedColumn() id: number
  @Column() @Index() name: string
}

@Entity('plant')
class PlantOfGarden {
  @PrimaryGeneratedColumn() id: number
  @Column() name: string
  @ManyToOne(() => Garden, { nullable: true }) garden?: Garden | null
}

/** A database with plants as they were, seen by a data source that maps them as they are to be. */
async function openLater(entities: readonly (new () => object)[], before: readonly (new () => object)[] = [Plant]) {
  const first = await openDataSource({ entities: [...before] })
  const dataSource = await openDataSource({ ...first.options, entities: [...entities], synchronize: false } as DataSourceOptions)
  const log = schemaLog()
  install(dataSource, { extensions: [log.extension] })
  return { dataSource, ...log }
}

/** What `migration:generate` would write down. */
async function generated(dataSource: DataSource): Promise<{ up: () => Promise<void>; down: () => Promise<void> }> {
  const { upQueries, downQueries } = await dataSource.driver.createSchemaBuilder().log()
  const run = (queries: typeof upQueries) => () =>
    dataSource.transaction(async ({ queryRunner }) => {
      for (const { query, parameters } of queries) await queryRunner!.query(query, parameters)
    })
  return { up: run(upQueries), down: run([...downQueries].reverse()) }
}

const text = (name: string) =>
  ({ sqlite: `"${name}"`, 'better-sqlite3': `"${name}"`, postgres: `"${name}"`, mariadb: `\`${name}\`` })[databaseName()]

describeDatabase('statements of a generated migration', () => {
  afterEach(closeAll)

  it('that add a column are one alteration, and so are those that take it away', async () => {
    const { dataSource, told, changes } = await openLater([GrownPlant])
    const { up, down } = await generated(dataSource)
    expect(told()).toEqual([])
    await up()
    await down()
    expect(told()).toEqual(['alterTable plant', 'alterTable plant'])
    const [added, removed] = changes
    expect(added!.beforeSchema).not.toContain('"height"')
    expect(added!.afterSchema).toContain('"height"')
    expect([removed!.beforeSchema, removed!.afterSchema]).toEqual([added!.afterSchema, added!.beforeSchema])
  })

  it('that add and drop an index are alterations', async () => {
    const { dataSource, told, changes } = await openLater([IndexedPlant])
    const { up, down } = await generated(dataSource)
    await up()
    await down()
    expect(told()).toEqual(['alterTable plant', 'alterTable plant'])
    expect(changes[0]!.afterSchema).toContain('INDEX')
    expect(changes[1]!.afterSchema).toBe(changes[0]!.beforeSchema)
  })

  it('that add a relation are a table and alterations, and no stand-in is told', async () => {
    const { dataSource, told, changes } = await openLater([PlantOfGarden, Garden])
    const { up, down } = await generated(dataSource)
    await up()
    const up_ = told()
    expect(up_.filter((line) => line !== 'alterTable plant')).toEqual(['createTable garden'])
    expect(changes.at(-1)!.afterSchema).toContain('FOREIGN KEY')
    await down()
    expect(told().filter((line) => line !== 'alterTable plant')).toEqual(['dropTable garden'])
    const ofPlant = changes.filter(({ table }) => table === 'plant')
    expect(ofPlant.at(-1)!.afterSchema).toBe(ofPlant[0]!.beforeSchema)
  })

  it('that make a whole schema tell each table once as created', async () => {
    const { dataSource, told } = await openLater(LIBRARY, [])
    const { up, down } = await generated(dataSource)
    await up()
    const created = told().filter((line) => line.startsWith('create'))
    expect(created.map((line) => line.split(' ')[1]).sort()).toEqual(dataSource.entityMetadatas.map(({ tableName }) => tableName).sort())
    await down()
    expect(told().filter((line) => line.startsWith('drop'))).toHaveLength(created.length)
  })
})

describeDatabase('a statement sent as text', () => {
  afterEach(closeAll)

  it('is told like an operation, also outside of a transaction', async () => {
    const { dataSource, told } = await openLater([Plant])
    await withRunner(dataSource, async (runner) => {
      await runner.query(`CREATE TABLE ${text('pot')} (${text('id')} integer)`)
      await runner.query(`ALTER TABLE ${text('pot')} ADD ${text('size')} integer`)
      await runner.query(`ALTER TABLE ${text('pot')} RENAME TO ${text('jar')}`)
      await runner.query(`DROP TABLE ${text('jar')}`)
    })
    await dataSource.query(`CREATE TABLE IF NOT EXISTS ${text('plant')} (${text('id')} integer)`)
    expect(told()).toEqual(['createTable pot', 'alterTable pot', 'renameTable pot -> jar', 'dropTable jar'])
  })

  it('is not told where it fails, is no definition, or is silenced', async () => {
    const { dataSource, told } = await openLater([Plant])
    await withRunner(dataSource, async (runner) => {
      await errorOf(runner.query(`CREATE TABLE ${text('plant')} (${text('id')} integer)`))
      await runner.query(`INSERT INTO ${text('plant')} (${text('name')}) VALUES ('create table pot (id integer)')`)
      await withoutExtensions(() => runner.query(`CREATE TABLE ${text('pot')} (${text('id')} integer)`))
    })
    expect(told()).toEqual([])
  })

  it('of a table that is called like a stand-in is told as it is, unless what it would stand in for is there on SQLite', async () => {
    const { dataSource, told } = await openLater([Plant])
    await withRunner(dataSource, async (runner) => {
      await runner.query(`CREATE TABLE ${text('temporary_pot')} (${text('id')} integer)`)
      await runner.query(`ALTER TABLE ${text('temporary_pot')} ADD ${text('size')} integer`)
      await runner.query(`ALTER TABLE ${text('temporary_pot')} RENAME TO ${text('pot')}`)
      await runner.query(`CREATE TABLE ${text('temporary_plant')} (${text('id')} integer)`)
      await runner.query(`ALTER TABLE ${text('plant')} ADD ${text('size')} integer`)
    })
    const pot = ['createTable temporary_pot', 'alterTable temporary_pot', 'renameTable temporary_pot -> pot']
    const standIn = 'createTable temporary_plant'
    expect(told()).toEqual([...pot, ...onDatabase({ sqlite: [], postgres: [standIn], mariadb: [standIn] }), 'alterTable plant'])
  })

  it('is told behind comments and semicolons', async () => {
    const { dataSource, told } = await openLater([Plant])
    await withRunner(dataSource, async (runner) => {
      await runner.query(`-- one\n/* two; */\nCREATE TABLE ${text('pot')} (${text('id')} integer)`)
      await runner.query(`/**/ -- three\n\tDROP TABLE ${text('pot')}`)
    })
    expect(told()).toEqual(['createTable pot', 'dropTable pot'])
  })

  it('is told by the name that the database makes of one without quotes', async () => {
    const { dataSource, told } = await openLater([Plant])
    await withRunner(dataSource, async (runner) => {
      await runner.query('CREATE TABLE MyPot (id integer)')
      await runner.query('ALTER TABLE MyPot ADD size integer')
      await runner.query('DROP TABLE MyPot')
    })
    const name = onDatabase({ sqlite: 'MyPot', postgres: 'mypot', mariadb: 'MyPot' })
    expect(told()).toEqual([`createTable ${name}`, `alterTable ${name}`, `dropTable ${name}`])
  })

  it('costs nothing where nobody listens', async () => {
    class Other extends SessionExtension {
      override beforeFlush() {}
    }
    const dataSource = await openDataSource({ entities: [] })
    install(dataSource, { extensions: [Other] })
    const recording = recordStatements(dataSource)
    await dataSource.query(`CREATE TABLE ${text('pot')} (${text('id')} integer)`)
    recording.stop()
    expect(recording.sql()).toHaveLength(1)
  })

  it('is told in a session of its own', async () => {
    const { dataSource, told } = await openLater([Plant])
    await using session = openSession(dataSource, { extensions: [hooks({ beforeFlush() {} })] })
    await session.manager.query(`CREATE TABLE ${text('pot')} (${text('id')} integer)`)
    expect(told()).toEqual(['createTable pot'])
  })
})

describeDatabase(
  'a statement that names a table in another letter case',
  () => {
    afterEach(closeAll)

    it('is told by the name the table has', async () => {
      const { dataSource, told } = await openLater([Plant])
      await withRunner(dataSource, async (runner) => {
        await runner.query('ALTER TABLE PLANT ADD size integer')
        await runner.query('CREATE INDEX by_name ON Plant (name)')
        await runner.query('CREATE TABLE IF NOT EXISTS Plant (id integer)')
        await runner.query('ALTER TABLE pLANT RENAME TO herb')
        await runner.query('DROP TABLE HERB')
      })
      expect(told()).toEqual(['alterTable plant', 'alterTable plant', 'renameTable plant -> herb', 'dropTable herb'])
    })
  },
  ['sqlite', 'better-sqlite3', 'postgres'],
) // MariaDB knows no such table

describeDatabase(
  'a statement that drops several tables',
  () => {
    afterEach(closeAll)

    it('is told for each', async () => {
      const { dataSource, told } = await openLater([Plant])
      await withRunner(dataSource, async (runner) => {
        await runner.query('CREATE TABLE one (id integer)')
        await runner.query('CREATE TABLE two (id integer)')
        await runner.query('DROP TABLE IF EXISTS one , nowhere, two')
      })
      expect(told()).toEqual(['createTable one', 'createTable two', 'dropTable one', 'dropTable two'])
    })
  },
  ['postgres', 'mariadb'],
)

describeDatabase(
  'statements of PostgreSQL',
  () => {
    afterEach(closeAll)

    it('that move a table into another schema do not drop it', async () => {
      const { dataSource, told } = await openLater([Plant])
      const schema = `${(dataSource.options as { schema: string }).schema}_moved`
      await withRunner(dataSource, async (runner) => {
        await runner.query(`CREATE SCHEMA ${schema}`)
        try {
          await runner.query(`ALTER TABLE plant SET SCHEMA ${schema}`)
          expect(await runner.hasTable(`${schema}.plant`)).toBe(true)
        } finally {
          await runner.query(`DROP SCHEMA ${schema} CASCADE`)
        }
      })
      expect(told()).toEqual([])
    })

    it('that comment on a table or a column, or make one without a log, are told', async () => {
      const { dataSource, told, changes } = await openLater([Plant])
      await withRunner(dataSource, async (runner) => {
        await runner.query('CREATE UNLOGGED TABLE pot (id integer)')
        await runner.query(`COMMENT ON TABLE pot IS 'clay'`)
        await runner.query(`COMMENT ON COLUMN pot.id IS 'number'`)
      })
      expect(told()).toEqual(['createTable pot', 'alterTable pot', 'alterTable pot'])
      expect(changes.at(-1)!.afterSchema).toMatch(/COMMENT 'number'.*COMMENT 'clay'/s)
    })
  },
  ['postgres'],
)

describeDatabase(
  'statements of MariaDB',
  () => {
    afterEach(closeAll)

    it('that rename a table in a way of its own do not drop it, and those that replace one alter it', async () => {
      const { dataSource, told } = await openLater([Plant])
      await withRunner(dataSource, async (runner) => {
        await runner.query('ALTER TABLE plant ADD size integer, RENAME TO herb')
        await runner.query('CREATE OR REPLACE TABLE herb (id integer)')
      })
      expect(told()).toEqual(['alterTable herb'])
    })
  },
  ['mariadb'],
)

describe('the text of a statement', () => {
  it.each([
    ['CREATE TABLE "a" ("id" integer)', { verb: 'create', table: 'a' }],
    ['  create table if not exists `s`.`a b` (id int)', { verb: 'create', table: 's.a b' }],
    ['CREATE TABLE public.a AS SELECT 1', { verb: 'create', table: 'public.a' }],
    ['CREATE TABLE [a](id int)', { verb: 'create', table: 'a' }],
    ['DROP TABLE IF EXISTS "a""b" CASCADE', { verb: 'drop', table: 'a"b' }],
    ['ALTER TABLE ONLY "s"."a" ADD CONSTRAINT x UNIQUE (b)', { verb: 'alter', table: 's.a' }],
    ['ALTER TABLE "a" RENAME COLUMN "b" TO "c"', { verb: 'alter', table: 'a' }],
    ['ALTER TABLE "s"."a" RENAME TO "b"', { verb: 'alter', table: 's.a', newName: 'b' }],
    ['RENAME TABLE `d`.`a` TO `d`.`b`', { verb: 'alter', table: 'd.a', newName: 'b' }],
    ['CREATE UNIQUE INDEX "i" ON "s"."a" ("b")', { verb: 'alter', table: 's.a' }],
    ['CREATE INDEX CONCURRENTLY IF NOT EXISTS i ON a (b)', { verb: 'alter', table: 'a' }],
    ['DROP INDEX `i` ON `a`', { verb: 'alter', table: 'a' }],
    ['DROP INDEX "public"."i"', { verb: 'alter', table: undefined }],
    ['ALTER INDEX i RENAME TO j', { verb: 'alter', table: undefined }],
    [' ; -- a\n/* b **/ # c\n/**/DROP TABLE a', { verb: 'drop', table: 'a' }],
    ['DROP TABLE a, "s"."b" , c CASCADE', { verb: 'drop', table: 'a', others: ['s.b', 'c'] }],
    ['CREATE UNLOGGED TABLE größe (id int)', { verb: 'create', table: 'größe' }],
    ['CREATE OR REPLACE TABLE a (id int)', { verb: 'create', table: 'a' }],
    [`COMMENT ON TABLE "s"."a" IS 'b'`, { verb: 'alter', table: 's.a' }],
    [`COMMENT ON COLUMN "s"."a"."b" IS 'c'`, { verb: 'alter', table: 's.a' }],
  ])('%s', (sql, statement) => expect(schemaStatementOf(sql)).toEqual(statement))

  it.each([
    'SELECT 1',
    'CREATE TEMPORARY TABLE a (id int)',
    'CREATE VIEW a AS SELECT 1',
    'DROP SCHEMA a',
    'ALTER SEQUENCE a RESTART',
    'created',
    '',
    '-- create table a (id int)',
    '/* create table a (id int)',
    `${'/* */'.repeat(2000)} SELECT 1`,
    `CREATE TABLE "it's" (id int)`,
    'DROP TABLE "a.b"',
    `COMMENT ON SCHEMA a IS 'b'`,
  ])('of no table: %s', (sql) => expect(schemaStatementOf(sql)).toBeUndefined())

  it('is folded where it has no quotes', () => {
    const fold = (name: string) => name.toLowerCase()
    expect(schemaStatementOf('ALTER TABLE "S".Aa RENAME TO Bb', fold)).toEqual({ verb: 'alter', table: 'S.aa', newName: 'bb' })
    expect(schemaStatementOf('DROP TABLE "Aa", Bb', fold)).toEqual({ verb: 'drop', table: 'Aa', others: ['bb'] })
  })
})
