/**
 * Sets of rows in tables that are not what their mapping says: triggers and rules that meddle, keys that do not count up, views, partitions,
 * other columns.
 *
 * @module
 */
import { hasErrorCode, openSession, type OpenSession } from 'flushpoint'
import { QueryFailedError, type DataSource } from 'typeorm'
import { Berth, Grain, many, Token } from '../../support/crowd.js'
import { databaseName, describeDatabase, isSingleConnection, openDataSource } from '../../support/databases.js'
import { errorOf } from '../../support/sessions.js'

const onPostgres = databaseName() === 'postgres'
const onMariadb = databaseName() === 'mariadb'
const bySets = process.env['ENGINE'] !== 'row'

const settled = (promise: Promise<unknown>): Promise<Error | undefined> =>
  promise.then(
    () => undefined,
    (error: Error) => error,
  )

const opened: { session: OpenSession; ds: DataSource }[] = []
afterEach(async () => {
  for (const { session, ds } of opened.splice(0)) {
    await session.close()
    await ds.destroy()
  }
})

/** A new database whose tables these statements have changed, with a session. */
async function changed(...ddl: readonly string[]): Promise<{ ds: DataSource; session: OpenSession }> {
  const ds = await openDataSource({ entities: [Token, Grain, Berth] })
  for (const sql of ddl) await ds.query(sql)
  const one = { ds, session: openSession(ds) }
  opened.push(one)
  return one
}

const tokens = () => many(Token, 20, (index) => ({ name: `n${index}` }))
const grains = () => many(Grain, 20, (index) => ({ id: index + 1, name: `n${index}` }))

/** On PostgreSQL a trigger function, on SQLite a trigger body; `each` is what happens for each row. */
function trigger(when: string, table: string, each: { postgres: string; sqlite: string; if?: string }): string[] {
  if (!onPostgres) return [`CREATE TRIGGER meddle ${when} ON ${table} ${each.if ? `WHEN ${each.if}` : ''} BEGIN ${each.sqlite}; END`]
  return [
    `CREATE FUNCTION meddle() RETURNS trigger AS $$ BEGIN ${each.postgres}; END $$ LANGUAGE plpgsql`,
    `CREATE TRIGGER meddle ${when} ON ${table} FOR EACH ROW ${each.if ? `WHEN (${each.if})` : ''} EXECUTE FUNCTION meddle()`,
  ]
}

/** Every object has the key of its own row. */
async function expectOwnKeys(ds: DataSource, all: readonly Token[]): Promise<void> {
  const names = new Map((await ds.manager.find(Token)).map(({ id, name }) => [id, name]))
  expect(all.map(({ id }) => names.get(id))).toEqual(all.map(({ name }) => name))
  expect(new Set(all.map(({ state }) => state))).toEqual(new Set(['new']))
}

const SWALLOWED = { if: `OLD.name = 'n7'`, postgres: 'RETURN NULL', sqlite: 'SELECT RAISE(IGNORE)' }

describeDatabase(
  'a trigger that passes over a row',
  () => {
    ;(bySets ? it : it.skip).each(['token', 'grain'])('on insert into %s is noticed', async (table) => {
      const { ds, session } = await changed(...trigger('BEFORE INSERT', table, { ...SWALLOWED, if: `NEW.name = 'n7'` }))
      const all = table === 'token' ? tokens() : grains()
      session.add(...(all as object[]))
      const error = await errorOf(session.flush())

      expect(error).toMatchObject({ code: 'ROWS_NOT_INSERTED', message: expect.stringContaining(table === 'token' ? 'Token' : 'Grain') })
      expect([await ds.manager.count(table === 'token' ? Token : Grain), session.uow.new.size]).toEqual([0, 20])
    })

    it.each<[string, (session: OpenSession, all: Grain[]) => unknown]>([
      ['update', (_session, all) => all.forEach((grain) => (grain.size = 3))],
      [
        'update of other columns in each row',
        (_session, all) => all.forEach((one) => Object.assign(one, one.id % 2 ? { size: 3 } : { size: 4, name: `${one.name}` })),
      ],
      ['soft removal', (session, all) => session.softRemove(...all)],
    ])('on %s is noticed and named', async (_name, work) => {
      const { ds, session } = await changed(...trigger('BEFORE UPDATE', 'grain', SWALLOWED))
      const all = grains()
      session.add(...all)
      await session.flush()
      work(session, all)
      const error = await settled(session.flush())

      expect(hasErrorCode(error, 'ROWS_STALE')).toBe(true)
      expect(error!.message.match(/"id":\d+/g)).toEqual(['"id":8'])
      expect(await ds.manager.countBy(Grain, { size: 3 })).toBe(0)
    })

    it('on a versioned update is noticed and named', async () => {
      const { session } = await changed(...trigger('BEFORE UPDATE', 'berth', SWALLOWED))
      const all = many(Berth, 20, (place) => ({ pier: 'a', place, name: `n${place}` }))
      session.add(...all)
      await session.flush()
      all.forEach((berth) => (berth.name += '!'))
      expect((await errorOf(session.flush())).message).toContain(
        'a row that somebody else has changed or removed since it was loaded: Berth {"pier":"a","place":7}',
      )
    })

    it('on delete is noticed and named', async () => {
      const { ds, session } = await changed(...trigger('BEFORE DELETE', 'grain', { ...SWALLOWED, postgres: 'RETURN NULL' }))
      const all = grains()
      session.add(...all)
      await session.flush()
      session.delete(...all)
      const error = await errorOf(session.flush())

      expect(error).toMatchObject({ code: 'ROWS_STALE', message: expect.stringContaining('a row') })
      expect(error.message.match(/"id":\d+/g)).toEqual(['"id":8'])
      expect(await ds.manager.count(Grain)).toBe(20)
    })
  },
  ['postgres', 'sqlite', 'better-sqlite3'],
)

describeDatabase('keys that the table makes', () => {
  const ELSEWHERE = `INSERT INTO grain (id, name) VALUES (NEW.id + 1000, NEW.name)`

  it('find their objects where a trigger inserts into another table', async () => {
    const ddl = onMariadb
      ? [`CREATE TRIGGER meddle AFTER INSERT ON token FOR EACH ROW ${ELSEWHERE}`]
      : trigger('AFTER INSERT', 'token', { postgres: `${ELSEWHERE}; RETURN NULL`, sqlite: ELSEWHERE })
    const { ds, session } = await changed(...ddl)
    const all = tokens()
    session.add(...all)
    await session.flush()
    await expectOwnKeys(ds, all)
    expect(await ds.manager.count(Grain)).toBe(20)
  })

  /** How keys come to count in no order, or in another one. */
  const UNCOUNTED: Record<string, readonly string[]> = onPostgres
    ? {
        'a sequence that counts down': ['ALTER SEQUENCE token_id_seq INCREMENT BY -1 MINVALUE -1000 START 1000 RESTART'],
        'a default that is no sequence': ['ALTER TABLE token ALTER COLUMN id SET DEFAULT (random() * 1000000000)::int'],
        'a trigger': trigger('BEFORE INSERT', 'token', { postgres: 'NEW.id := 100000 - NEW.id; RETURN NEW', sqlite: '' }),
      }
    : onMariadb
      ? {
          'a sequence that counts down': [
            'CREATE SEQUENCE down START WITH 1000 INCREMENT BY -1 MINVALUE -1000 MAXVALUE 1000',
            'ALTER TABLE token MODIFY id int NOT NULL DEFAULT (NEXTVAL(down))',
          ],
          'a trigger': [`CREATE TRIGGER meddle BEFORE INSERT ON token FOR EACH ROW SET NEW.id = 1000 - SUBSTR(NEW.name, 2)`],
        }
      : {}

  // SQLite has no such keys that JavaScript could hold
  ;(isSingleConnection() ? it.skip.each(['anything']) : it.each(Object.keys(UNCOUNTED)))(
    'but do not count up, by %s, are never given to another row',
    async (name) => {
      const { ds, session } = await changed(...UNCOUNTED[name]!)
      const all = tokens()
      session.add(...all)
      const refused = await settled(session.flush())
      if (refused !== undefined) {
        expect(refused).toMatchObject({ code: expect.stringMatching(/^[A-Z_]+$/), message: expect.stringContaining('Token') })
        expect([await ds.manager.count(Token), session.uow.new.size]).toEqual([0, 20])
        await session.flush()
      }
      await expectOwnKeys(ds, all)
    },
  )

  ;(onMariadb ? it.skip : it)('find their objects where a trigger inserts into the same table', async () => {
    const { ds, session } = await changed(
      ...trigger('AFTER INSERT', 'token', {
        if: `NEW.name NOT LIKE 'shadow%'`,
        postgres: `INSERT INTO token (name) VALUES ('shadow of ' || NEW.name); RETURN NULL`,
        sqlite: `INSERT INTO token (name) VALUES ('shadow of ' || NEW.name)`,
      }),
    )
    const all = tokens()
    session.add(...all)
    await session.flush()
    await expectOwnKeys(ds, all)
    expect(await ds.manager.count(Token)).toBe(40)
  })

  ;(onMariadb ? it : it.skip)('find their objects where they count in larger steps', async () => {
    const { ds, session } = await changed()
    await session.manager.query('SET SESSION auto_increment_increment = 10')
    const all = tokens()
    session.add(...all)
    await session.flush()
    await session.manager.query('SET SESSION auto_increment_increment = DEFAULT')
    await expectOwnKeys(ds, all)
  })
})

/** Writes twenty rows in every way. */
async function expectWritable({ ds, session }: { ds: DataSource; session: OpenSession }): Promise<void> {
  const all = grains()
  session.add(...all)
  await session.flush()
  all.forEach((grain) => Object.assign(grain, grain.id % 2 ? { size: 1 } : { name: 'even' }))
  await session.flush()
  const rows = await ds.manager.find(Grain, { order: { id: 'ASC' } })
  expect(rows.map(({ size, name }) => size ?? name)).toEqual(all.map(({ size, name }) => size ?? name))
  session.softRemove(...all)
  await session.flush()
  session.recover(...all)
  await session.flush()
  session.delete(...all.slice(5))
  await session.flush()
  expect((await ds.manager.find(Grain, { order: { id: 'ASC' } })).map(({ id }) => id)).toEqual([1, 2, 3, 4, 5])
}

const DATE = isSingleConnection() || onMariadb ? '`deletedAt` datetime' : '"deletedAt" timestamp'

describeDatabase('a table that is not what its mapping says', () => {
  it('as a view is written where the database can, and refused by it where not', async () => {
    const one = await changed('ALTER TABLE grain RENAME TO real_grain', 'CREATE VIEW grain AS SELECT * FROM real_grain')
    if (!isSingleConnection()) return expectWritable(one)
    one.session.add(...grains())
    expect(await errorOf(one.session.flush())).toMatchObject({ message: expect.stringContaining('view') })
    expect(one.session.uow.new.size).toBe(20)
  })

  ;(isSingleConnection() ? it.skip : it)('as a view gives its keys', async () => {
    const { ds, session } = await changed('ALTER TABLE token RENAME TO real_token', 'CREATE VIEW token AS SELECT * FROM real_token')
    const all = tokens()
    session.add(...all)
    await session.flush()
    await expectOwnKeys(ds, all)
  })

  it('without a primary key is written, twins included', async () => {
    const one = await changed('DROP TABLE grain', `CREATE TABLE grain (id int, name varchar(255), size int, ${DATE})`)
    await expectWritable(one)
    await one.ds.query(`INSERT INTO grain (id, name) VALUES (3, 'twin')`)
    const all = await one.session.find(Grain)
    all.forEach((grain) => (grain.size = 7))
    await one.session.flush()
    expect(await one.ds.manager.countBy(Grain, { size: 7 })).toBe(6)
  })

  it('with rows that never got a version is written without comparing it', async () => {
    const { ds, session } = await changed(
      'DROP TABLE berth',
      'CREATE TABLE berth (pier varchar(40), place int, name varchar(255), version int)',
    )
    await ds.query(`INSERT INTO berth (pier, place, name) VALUES ('a', 1, 'one'), ('a', 2, 'two')`)
    const all = await session.find(Berth).order({ place: 'ASC' })
    all.forEach((berth) => (berth.name += '!'))
    await session.flush()
    all[0]!.name = 'once more'
    await session.flush()
    expect(await ds.query('SELECT name FROM berth ORDER BY place')).toMatchObject([{ name: 'once more' }, { name: 'two!' }])
  })

  it('without a column is refused, and nothing is written', async () => {
    const { ds, session } = await changed('ALTER TABLE token DROP COLUMN state')
    session.add(...many(Token, 20, (index) => ({ name: `n${index}`, state: 'here' })))
    expect(await errorOf(session.flush())).toMatchObject({ message: expect.stringMatching(/state/) })
    expect(Number((await ds.query('SELECT count(*) AS n FROM token'))[0].n)).toBe(0)
    expect(session.uow.new.size).toBe(20)
  })

  describe('on PostgreSQL', () => {
    const onlyHere = onPostgres ? it : it.skip

    onlyHere('as a view whose rows cannot be locked is refused once, and then written row by row', async () => {
      const { ds, session } = await changed(
        'ALTER TABLE grain RENAME TO real_grain',
        'CREATE VIEW grain AS SELECT DISTINCT * FROM real_grain',
        `CREATE FUNCTION grain_changed() RETURNS trigger LANGUAGE plpgsql AS
          'BEGIN UPDATE real_grain SET size = NEW.size WHERE id = NEW.id; RETURN NEW; END'`,
        'CREATE TRIGGER grain_changed INSTEAD OF UPDATE ON grain FOR EACH ROW EXECUTE FUNCTION grain_changed()',
      )
      await ds.query(`INSERT INTO real_grain (id, name, size) SELECT n, 'n', 0 FROM generate_series(1, 20) AS n`)
      const all = await session.find(Grain)
      all.forEach((grain) => (grain.size = 3))
      expect(await errorOf(session.flush())).toMatchObject({ code: 'ROWS_NOT_LOCKABLE', cause: expect.any(QueryFailedError) })
      expect([await ds.manager.countBy(Grain, { size: 3 }), session.uow.dirty.size]).toEqual([0, 20])
      expect((await session.explain()).steps).toMatchObject([{ path: 'row', reason: expect.stringContaining('locked') }])
      await session.flush()
      expect(await ds.manager.countBy(Grain, { size: 3 })).toBe(20)
    })

    onlyHere('as partitions takes its rows', async () => {
      const one = await changed(
        'DROP TABLE grain',
        `CREATE TABLE grain (id int PRIMARY KEY, name varchar, size int, ${DATE}) PARTITION BY RANGE (id)`,
        'CREATE TABLE grain_low PARTITION OF grain FOR VALUES FROM (0) TO (10)',
        'CREATE TABLE grain_high PARTITION OF grain FOR VALUES FROM (10) TO (100)',
      )
      await expectWritable(one)
    })

    onlyHere('as partitions moves its rows', async () => {
      const { ds, session } = await changed(
        'DROP TABLE grain',
        `CREATE TABLE grain (id int, name varchar, size int, ${DATE}) PARTITION BY LIST (size)`,
        'CREATE TABLE grain_1 PARTITION OF grain FOR VALUES IN (1)',
        'CREATE TABLE grain_2 PARTITION OF grain FOR VALUES IN (2)',
      )
      const all = grains().map((grain) => Object.assign(grain, { size: 1 }))
      session.add(...all)
      await session.flush()
      all.forEach((grain) => (grain.size = 2))
      await session.flush()
      expect(await ds.query('SELECT count(*)::int AS n FROM grain_2')).toEqual([{ n: 20 }])
    })

    onlyHere('with a key that is always generated gives the keys', async () => {
      const { ds, session } = await changed(
        'DROP TABLE token',
        `CREATE TABLE token (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name varchar, state varchar DEFAULT 'new')`,
      )
      const all = tokens()
      session.add(...all)
      await session.flush()
      await expectOwnKeys(ds, all)
    })

    onlyHere.each(['INSERT', 'UPDATE', 'DELETE'])('with a rule that does more on %s is written', async (event) => {
      const row = event === 'DELETE' ? 'OLD' : 'NEW'
      const one = await changed(`CREATE RULE more AS ON ${event} TO grain DO ALSO INSERT INTO token (name) VALUES (${row}.name)`)
      await expectWritable(one)
      expect(await one.ds.manager.count(Token)).toBe({ INSERT: 20, UPDATE: 60, DELETE: 15 }[event])
    })

    onlyHere('with a rule that leaves a row out is refused', async () => {
      const { ds, session } = await changed('CREATE RULE less AS ON UPDATE TO grain WHERE OLD.id = 8 DO INSTEAD NOTHING')
      const all = grains()
      session.add(...all)
      await session.flush()
      all.forEach((grain) => (grain.size = 1))
      await errorOf(session.flush())
      expect([await ds.manager.countBy(Grain, { size: 1 }), session.uow.dirty.size]).toEqual([0, 20])
    })

    onlyHere.each([
      ['uuid under a text', 'ALTER TABLE berth ALTER COLUMN name TYPE uuid USING name::uuid'],
      [
        'enum under a text',
        `CREATE TYPE names AS ENUM ('11111111-2222-4333-8444-555555555555'); ALTER TABLE berth ALTER COLUMN name TYPE names USING name::names`,
      ],
      ['bigint under an integer', 'ALTER TABLE berth ALTER COLUMN place TYPE bigint'],
      ['number under a text', 'ALTER TABLE berth ALTER COLUMN pier TYPE numeric USING pier::numeric'],
    ])('with an %s is written', async (_name, sql) => {
      const { ds, session } = await changed(...sql.split('; '))
      const all = many(Berth, 20, (index) => ({ pier: '7', place: index, name: '11111111-2222-4333-8444-555555555555' }))
      session.add(...all)
      await session.flush()
      all.forEach((berth) => (berth.version = 5))
      await session.flush()
      session.delete(...all.slice(3))
      await session.flush()
      expect(await ds.query('SELECT place::int, version FROM berth ORDER BY place')).toEqual(
        [0, 1, 2].map((place) => ({ place, version: 5 })),
      )
    })
  })
})
