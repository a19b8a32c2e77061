/**
 * Tables and columns of any name, in any schema, are written many rows at a time exactly as one by one.
 *
 * @module
 */
import { DataSource } from 'typeorm'
import { createDatabase, databaseName, dataSourceOptions, describeDatabase, openDataSource } from '../../support/databases.js'
import { namedModelOf, namedStory, TABLES } from '../../support/every-type-names.js'
import { isByRow, tell, told } from '../../support/every-type-story.js'

const expectAlike = async (ds: DataSource, model: ReturnType<typeof namedModelOf>) => {
  const [set, row] = [await tell(ds, namedStory(model), 'set'), await tell(ds, namedStory(model), 'row')]
  expect(told(set)).toEqual(told(row))
  if (!isByRow) expect(new Set(set.flatMap(({ paths }) => paths))).toEqual(new Set(['set']))
}

describeDatabase('names', () => {
  describe('of tables and their columns', () => {
    const models = TABLES.map((name) => namedModelOf(name))
    let ds: DataSource
    beforeAll(async () => void (ds = await openDataSource({ entities: models.map(({ schema }) => schema) })))

    it.each(models.map((model, index) => [TABLES[index]!, model] as const))('stay what they are: %s', (_name, model) =>
      expectAlike(ds, model),
    )
  })

  it('of tables without a schema may be those of the statement itself', async () => {
    const options = dataSourceOptions()
    await createDatabase(options)
    const models = ['l', 'v', 't', 'k'].map((name) => namedModelOf(name))
    const ds = new DataSource({ ...options, schema: undefined, entities: models.map(({ schema }) => schema) } as never)
    await ds.initialize()
    try {
      for (const model of models) await expectAlike(ds, model)
    } finally {
      await ds.destroy()
    }
  })
})

describeDatabase(
  'tables of another schema',
  () => {
    it('are found there', async () => {
      const [here, there] = [dataSourceOptions(), dataSourceOptions()]
      await createDatabase(there)
      const place =
        databaseName() === 'postgres' ? { schema: (there as { schema: string }).schema } : { database: there.database as string }
      const model = namedModelOf('With Blank', place)
      const ds = await openDataSource({ ...here, entities: [model.schema] })
      await expectAlike(ds, model)
    })
  },
  ['postgres', 'mariadb'],
)
