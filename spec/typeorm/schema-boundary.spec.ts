/**
 * Operations on the schema: `afterSchemaChange` hears of each that has changed something, once, with the table's schema before and after.
 *
 * @module
 */
import { install, openSession, sessionOf, SessionExtension, withoutExtensions, withSession } from 'flushpoint'
import { TableCheck, TableUnique, type QueryRunner, type Table } from 'typeorm'
import { closeAll, databaseName, describeDatabase, openDataSource, recordStatements } from '../support/databases.js'
import { hooks, openWithHooks, type Hooks } from '../support/hooks.js'
import { box, column, databaseOf, onDatabase, onName, schemaLog, shelf, TEXT, toShelf, withRunner, INT } from '../support/schema-log.js'
import { errorOf } from '../support/sessions.js'

async function openShop(...own: Hooks[]) {
  const log = schemaLog()
  const dataSource = await openDataSource({ entities: [] })
  const uninstall = install(dataSource, { extensions: [log.extension, ...own.map(hooks)] })
  return { dataSource, uninstall, ...log }
}

/** With a shelf and a box in it. */
async function openFurnished(...own: Hooks[]) {
  const shop = await openShop(...own)
  await withRunner(shop.dataSource, async (runner) => {
    await runner.createTable(shelf())
    await runner.createTable(box())
  })
  shop.told()
  return shop
}

const id = `  "id" ${INT} NOT NULL GENERATED increment`
const name = `  "name" ${TEXT}(40) NOT NULL DEFAULT 'x'`
const note = `  "note" ${TEXT}(40) NULL`
const SHELF = `TABLE "shelf" (\n${[id, name, note, '  PRIMARY KEY ("id")'].join(',\n')}\n)`

describeDatabase('the schema change of', () => {
  afterEach(closeAll)

  it('a table that is created tells its schema', async () => {
    const { dataSource, changes } = await openShop()
    await withRunner(dataSource, (runner) => runner.createTable(shelf()))
    expect(changes).toEqual([
      { kind: 'createTable', database: databaseOf(dataSource), table: 'shelf', beforeSchema: null, afterSchema: SHELF },
    ])
    expect(Object.isFrozen(changes[0])).toBe(true)
  })

  it('a table that is dropped tells the schema it had', async () => {
    const { dataSource, changes } = await openFurnished()
    changes.length = 0
    await withRunner(dataSource, (runner) => runner.dropTable('shelf'))
    expect(changes).toEqual([
      { kind: 'dropTable', database: databaseOf(dataSource), table: 'shelf', beforeSchema: SHELF, afterSchema: null },
    ])
  })

  // B26
  it('a table that is renamed tells both names and schemas, and is one change', async () => {
    const { dataSource, changes } = await openFurnished()
    changes.length = 0
    await withRunner(dataSource, (runner) => runner.renameTable('shelf', 'rack'))
    expect(changes).toEqual([
      {
        ...{ kind: 'renameTable', database: databaseOf(dataSource), table: 'rack', oldTable: 'shelf' },
        ...{ beforeSchema: SHELF, afterSchema: SHELF.replace('"shelf"', '"rack"') },
      },
    ])
  })

  it('a table that is given as an object is told by its name before, as after', async () => {
    const { dataSource, told } = await openFurnished()
    await withRunner(dataSource, async (runner) => {
      const table = (await runner.getTable('shelf'))!
      await runner.renameTable(table, 'rack')
      await runner.addColumn((await runner.getTable('rack'))!, column('colour', { isNullable: true }))
      await runner.dropTable((await runner.getTable('rack'))!)
    })
    expect(told()).toEqual(['renameTable shelf -> rack', 'alterTable rack', 'dropTable rack'])
  })

  // B25
  it('a column that is added tells the schema without and with it', async () => {
    const { dataSource, changes } = await openFurnished()
    changes.length = 0
    await withRunner(dataSource, (runner) => runner.addColumn('shelf', column('colour', { isNullable: true })))
    const after = SHELF.replace(`${id},`, `${id},\n  "colour" ${TEXT}(40) NULL,`)
    const schemas = { beforeSchema: SHELF, afterSchema: after }
    expect(changes).toEqual([{ kind: 'alterTable', database: databaseOf(dataSource), table: 'shelf', ...schemas }])
  })
})

type Step = (runner: QueryRunner) => Promise<unknown>
/** What must have been done before, and the operation: on every database, or on those that have it. */
const ALTERATIONS: readonly (readonly [name: string, alter: Step, before?: Step])[] = [
  ['addColumns', (runner) => runner.addColumns('shelf', [column('a', { isNullable: true }), column('b', { isNullable: true })])],
  ['renameColumn', (runner) => runner.renameColumn('shelf', 'note', 'remark')],
  ['changeColumn', (runner) => runner.changeColumn('shelf', 'note', column('note', { isNullable: false, default: "''" }))],
  [
    'changeColumns',
    async (runner) => {
      const table = (await runner.getTable('shelf'))!
      const [oldName, oldNote] = [table.findColumnByName('name')!, table.findColumnByName('note')!]
      const [newName, newNote] = [oldName.clone(), oldNote.clone()]
      newName.default = "'y'"
      newNote.default = "'z'"
      const changed = [{ oldColumn: oldName, newColumn: newName }, { oldColumn: oldNote, newColumn: newNote }] // prettier-ignore
      await runner.changeColumns(table, changed)
    },
  ],
  ['dropColumn', (runner) => runner.dropColumn('shelf', 'note')],
  [
    'dropColumns',
    async (runner) => runner.dropColumns('shelf', [(await runner.getTable('shelf'))!.findColumnByName('note')!, column('name')]),
  ],
  ['createIndex', (runner) => runner.createIndex('shelf', onName())],
  ['createIndices', (runner) => runner.createIndices('shelf', [onName()])],
  ['dropIndex', (runner) => runner.dropIndex('shelf', 'by_name'), (runner) => runner.createIndex('shelf', onName())],
  ['dropIndices', (runner) => runner.dropIndices('shelf', [onName()]), (runner) => runner.createIndex('shelf', onName())],
]

const OF_BOX: readonly (readonly [name: string, alter: Step, before?: Step])[] = [
  ['createForeignKey', (runner) => runner.createForeignKey('box', toShelf())],
  ['createForeignKeys', (runner) => runner.createForeignKeys('box', [toShelf()])],
  ['dropForeignKey', (runner) => runner.dropForeignKey('box', 'fk_box'), (runner) => runner.createForeignKey('box', toShelf())],
  ['dropForeignKeys', (runner) => runner.dropForeignKeys('box', [toShelf()]), (runner) => runner.createForeignKey('box', toShelf())],
]

const unique = () => new TableUnique({ name: 'one_name', columnNames: ['name'] })
const check = () => new TableCheck({ name: 'long_name', expression: `length("name") > 0` })
/** TypeORM refuses these on MySQL and MariaDB. */
const OF_STANDARD_SQL: readonly (readonly [name: string, alter: Step, before?: Step])[] = [
  ['createUniqueConstraint', (runner) => runner.createUniqueConstraint('shelf', unique())],
  ['createUniqueConstraints', (runner) => runner.createUniqueConstraints('shelf', [unique()])],
  [
    'dropUniqueConstraint',
    (runner) => runner.dropUniqueConstraint('shelf', 'one_name'),
    (runner) => runner.createUniqueConstraint('shelf', unique()),
  ],
  ['createCheckConstraint', (runner) => runner.createCheckConstraint('shelf', check())],
  [
    'dropCheckConstraint',
    (runner) => runner.dropCheckConstraint('shelf', 'long_name'),
    (runner) => runner.createCheckConstraint('shelf', check()),
  ],
]

describeDatabase('one alteration is told once:', () => {
  afterEach(closeAll)

  const cases = [
    ...ALTERATIONS.map((one) => ['shelf', ...one] as const),
    ...OF_BOX.map((one) => ['box', ...one] as const),
    ...(databaseName() === 'mariadb' ? [] : OF_STANDARD_SQL.map((one) => ['shelf', ...one] as const)),
  ]
  it.each(cases.map(([table, operation, ...steps]) => ({ table, operation, steps })))('$operation of $table', async ({ table, steps }) => {
    const { dataSource, told, changes } = await openFurnished()
    const [alter, before] = steps
    await withRunner(dataSource, async (runner) => {
      await before?.(runner)
      told()
      await alter(runner)
    })
    expect(told()).toEqual([`alterTable ${table}`])
    expect(changes.at(-1)!.afterSchema).not.toBe(changes.at(-1)!.beforeSchema)
  })

  it('a primary key that is made and dropped', async () => {
    const { dataSource, told } = await openShop()
    const bare = shelf()
    bare.columns = [column('code')]
    await withRunner(dataSource, async (runner) => {
      await runner.createTable(bare)
      await runner.createPrimaryKey('shelf', ['code'])
      await runner.dropPrimaryKey('shelf')
    })
    expect(told()).toEqual(['createTable shelf', 'alterTable shelf', 'alterTable shelf'])
  })

  it('several of one transaction one by one, in their order', async () => {
    const { dataSource, told, changes } = await openFurnished()
    await dataSource.transaction(async ({ queryRunner }) => {
      await queryRunner!.addColumn('shelf', column('a', { isNullable: true }))
      await queryRunner!.createIndex('shelf', onName())
      await queryRunner!.createForeignKey('box', toShelf())
      await queryRunner!.dropColumn('shelf', 'a')
    })
    expect(told()).toEqual(['alterTable shelf', 'alterTable shelf', 'alterTable box', 'alterTable shelf'])
    const ofShelf = changes.filter(({ kind, table }) => kind === 'alterTable' && table === 'shelf')
    expect(ofShelf.map(({ beforeSchema }) => beforeSchema)).toEqual([SHELF, ofShelf[0]!.afterSchema, ofShelf[1]!.afterSchema])
  })
})

describeDatabase('nothing is told of', () => {
  afterEach(closeAll)

  // B14
  it('what changes nothing', async () => {
    const { dataSource, told } = await openFurnished()
    await withRunner(dataSource, async (runner) => {
      await runner.createTable(shelf(), true)
      await runner.dropTable('nowhere', true)
      await runner.changeColumn('shelf', 'note', (await runner.getTable('shelf'))!.findColumnByName('note')!.clone())
    })
    expect(told()).toEqual([])
  })

  // B17
  it('what fails', async () => {
    const { dataSource, told } = await openFurnished()
    await withRunner(dataSource, async (runner) => {
      await errorOf(runner.createTable(shelf()))
      await errorOf(runner.dropColumn('shelf', 'colour'))
      await errorOf(runner.addColumn('nowhere', column('a')))
    })
    expect(told()).toEqual([])
  })

  it('operations that are only written down as SQL', async () => {
    const { dataSource, told } = await openFurnished()
    const written = await withRunner(dataSource, async (runner) => {
      runner.enableSqlMemory()
      await runner.addColumn('shelf', column('a', { isNullable: true }))
      return runner.getMemorySql().upQueries.length
    })
    expect(written).toBeGreaterThan(0)
    expect(told()).toEqual([])
  })

  it('rows that are written, and tables that are emptied', async () => {
    const { dataSource, told } = await openFurnished()
    await withRunner(dataSource, async (runner) => {
      await runner.query(`INSERT INTO shelf (name) VALUES ('a')`)
      await runner.clearTable('shelf')
    })
    expect(told()).toEqual([])
  })

  it('operations inside withoutExtensions', async () => {
    const { dataSource, told } = await openShop()
    await withoutExtensions(() => withRunner(dataSource, (runner) => runner.createTable(shelf())))
    expect(told()).toEqual([])
  })
})

describeDatabase('afterSchemaChange', () => {
  afterEach(closeAll)

  it('runs in the transaction of the operation, with the table as it is then', async () => {
    const seen: unknown[] = []
    const { dataSource } = await openShop({
      async afterSchemaChange() {
        const { session } = this
        seen.push(session.scope?.kind, session.manager.queryRunner!.isTransactionActive)
        seen.push(await session.manager.query('SELECT count(*) AS n FROM shelf').then((rows: [{ n: unknown }]) => Number(rows[0].n)))
      },
    })
    await dataSource.transaction(({ queryRunner }) => queryRunner!.createTable(shelf()))
    expect(seen).toEqual(['transaction', true, 0])
  })

  it('runs before the commit is told, also outside of a transaction', async () => {
    const lines: string[] = []
    const { dataSource } = await openShop({
      afterSchemaChange({ kind }) {
        lines.push(`${kind} in ${this.session.scope!.kind}`)
        this.session.onCommit(() => void lines.push('onCommit'))
      },
      afterCommit: (changes) => void lines.push(`afterCommit ${changes.length}`),
    })
    await withRunner(dataSource, (runner) => runner.createTable(shelf()))
    await dataSource.transaction(({ queryRunner }) => queryRunner!.dropTable('shelf'))
    const committed = ['afterCommit 0', 'onCommit']
    expect(lines).toEqual(['createTable in write', ...committed, 'dropTable in transaction', ...committed])
  })

  it('may run operations itself, which are told as well', async () => {
    const { dataSource, told } = await openShop({
      async afterSchemaChange({ kind, table }) {
        if (kind === 'createTable' && table === 'shelf') await this.session.manager.queryRunner!.createTable(box())
      },
    })
    await dataSource.transaction(({ queryRunner }) => queryRunner!.createTable(shelf()))
    expect(told()).toEqual(['createTable shelf', 'createTable box'])
  })

  it('fails the operation with its very error: what stands without a transaction is told as committed', async () => {
    const veto = new Error('not this one')
    const lines: string[] = []
    const { dataSource } = await openShop({
      afterSchemaChange() {
        this.session.onCommit(() => void lines.push('committed'))
        throw veto
      },
      afterRollback: () => void lines.push('rolled back'),
    })
    expect(await errorOf(withRunner(dataSource, (runner) => runner.createTable(shelf())))).toBe(veto)
    expect(await withRunner(dataSource, (runner) => runner.hasTable('shelf'))).toBe(true)
    expect(await errorOf(dataSource.transaction(({ queryRunner }) => queryRunner!.createTable(box())))).toBe(veto)
    expect(lines).toEqual(['committed', 'rolled back'])
  })

  it('is told to every extension where nothing can change the outcome: the caller gets the first error, onHookError the others', async () => {
    const lines: string[] = []
    const { extension, told } = schemaLog()
    const veto = (message: string) =>
      hooks({
        afterSchemaChange() {
          throw new Error(message)
        },
      })
    const dataSource = await openDataSource({ entities: [] })
    const onHookError = (error: unknown, { hook }: { readonly hook: string }) => void lines.push(`${hook} ${(error as Error).message}`)
    install(dataSource, { extensions: [veto('first'), veto('second'), extension], onHookError })
    const failing = withRunner(dataSource, (runner) => runner.createTable(shelf()))
    expect((await errorOf(failing)).message).toBe('first')
    expect(told()).toEqual(['createTable shelf'])
    expect(lines).toEqual(['afterSchemaChange second'])
    const inTransaction = dataSource.transaction(({ queryRunner }) => queryRunner!.createTable(box()))
    expect((await errorOf(inTransaction)).message).toBe('first')
    expect([told(), lines.length]).toEqual([[], 1])
  })

  it('is told of what is rolled back, and takes back what it registered; MariaDB keeps the table all the same', async () => {
    const lines: string[] = []
    const { dataSource } = await openShop({
      afterSchemaChange({ table }) {
        this.session.onCommit(() => void lines.push(`committed ${table}`))
        this.session.onRollback(() => void lines.push(`rolled back ${table}`))
      },
    })
    const failing = dataSource.transaction(async ({ queryRunner }) => {
      await queryRunner!.createTable(shelf())
      throw new Error('no')
    })
    expect((await errorOf(failing)).message).toBe('no')
    expect(lines).toEqual(['rolled back shelf'])
    expect(await withRunner(dataSource, (runner) => runner.hasTable('shelf'))).toBe(
      onDatabase({ sqlite: false, postgres: false, mariadb: true }),
    )
  })

  it('costs nothing where nobody overrides it', async () => {
    const plain = await openDataSource({ entities: [] })
    const listed = await openDataSource({ entities: [] })
    class Other extends SessionExtension {
      override beforeFlush() {}
    }
    install(listed, { extensions: [Other] })
    const sent: string[][] = []
    for (const dataSource of [plain, listed]) {
      const recording = recordStatements(dataSource)
      await withRunner(dataSource, async (runner) => {
        await runner.createTable(shelf())
        await runner.addColumn('shelf', column('a', { isNullable: true }))
        await runner.renameTable('shelf', 'rack')
        await runner.dropTable('rack')
      })
      recording.stop()
      sent.push(recording.sql().map((sql) => sql.replace(/flushpoint_\w+/g, '')))
    }
    expect(sent[0]!.length).toBeGreaterThan(5)
    expect(sent[1]).toEqual(sent[0])
  })

  it('is not told any more once it is uninstalled', async () => {
    const { dataSource, uninstall, told } = await openShop()
    uninstall()
    await withRunner(dataSource, (runner) => runner.createTable(shelf()))
    expect(told()).toEqual([])
  })

  it('leaves what TypeORM knows of loaded tables alone', async () => {
    const { dataSource } = await openFurnished()
    await withRunner(dataSource, async (runner) => {
      const tables = await runner.getTables(['shelf', 'box'])
      await runner.createIndex('box', toIndex())
      const { loadedTables } = runner as unknown as { loadedTables: Table[] }
      expect(loadedTables.map((table) => table.name)).toEqual(tables.map((table) => table.name))
    })
  })
})

const toIndex = () => Object.assign(onName(), { name: 'by_shelf', columnNames: ['shelfId'] })

describeDatabase('a session of its own', () => {
  afterEach(closeAll)

  it('tells what its manager does', async () => {
    const { dataSource, told } = await openShop()
    await withSession(dataSource, async ({ manager }) => {
      await manager.queryRunner!.createTable(shelf())
    })
    await using session = openSession(dataSource)
    await session.manager.queryRunner!.dropTable('shelf')
    expect(told()).toEqual(['createTable shelf', 'dropTable shelf'])
  })

  it('tells extensions of its own', async () => {
    const dataSource = await openDataSource({ entities: [] })
    const { extension, told } = schemaLog()
    await using session = openSession(dataSource, { extensions: [extension] })
    await session.manager.queryRunner!.createTable(shelf())
    await withRunner(dataSource, (runner) => runner.createTable(box()))
    expect(told()).toEqual(['createTable shelf'])
  })

  it('tells extensions that were registered later, in the ambient way too', async () => {
    const dataSource = await openWithHooks({ entities: [] }, { beforeFlush() {} })
    const { extension, told } = schemaLog()
    await dataSource.transaction(async (manager) => {
      sessionOf(manager).registerExtension(extension)
      await manager.queryRunner!.createTable(shelf())
    })
    expect(told()).toEqual(['createTable shelf'])
  })
})

async function inOtherSchema() {
  const { dataSource, told, changes } = await openShop()
  const schema = `${(dataSource.options as { schema: string }).schema}_other`
  await withRunner(dataSource, async (runner) => {
    await runner.createSchema(schema)
    await runner.createTable(shelf(`${schema}.shelf`))
    await runner.renameTable(`${schema}.shelf`, 'rack')
    await runner.dropSchema(schema, true, true)
  })
  expect(told()).toEqual([`createTable ${schema}.shelf`, `renameTable ${schema}.shelf -> ${schema}.rack`])
  expect(changes[0]!.afterSchema).toContain(`TABLE "${schema}.shelf" (`)
}

describeDatabase('a table of another schema', () => it('is told with that in front', inOtherSchema), ['postgres'])
