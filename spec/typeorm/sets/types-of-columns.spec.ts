/**
 * A value of any type is stored by a statement for many rows exactly as by a statement of its own, or refused with the same error.
 *
 * @module
 */
import { inspect } from 'node:util'
import type { DataSource } from 'typeorm'
import { describeDatabase, openDataSource } from '../../support/databases.js'
import { refusals, typeModelOf, typeStory, type TypeSample } from '../../support/every-type.js'
import { TYPE_SAMPLES } from '../../support/every-type-samples.js'
import { isByRow, tell, told } from '../../support/every-type-story.js'
import { MOMENTS } from '../../support/every-type-values.js'

const models = TYPE_SAMPLES.map(typeModelOf)

describeDatabase('values of a column', () => {
  let ds: DataSource
  beforeAll(async () => void (ds = await openDataSource({ entities: models.map(({ schema }) => schema) })))

  describe.each(models.map((model) => [model.sample.name, model] as const))('of type %s', (_name, model) => {
    const { alone, refused = [] } = model.sample

    it('are stored, held and read alike by either path', async () => {
      const [set, row] = [await tell(ds, typeStory(model), 'set'), await tell(ds, typeStory(model), 'row')]
      expect(told(set)).toEqual(told(row))
      const [inserted, ...later] = set.map(({ paths }) => paths)
      if (isByRow || alone !== undefined) expect(inserted!.join()).toMatch(isByRow ? /^row/ : alone!)
      else expect(new Set([...inserted!, ...later.flat()])).toEqual(new Set(['set']))
    })

    if (refused.length > 0)
      it.each(refused.map((value) => [labelOf(value), value]))('are refused alike by either path: %s', async (_label, value) => {
        const row = await refusals(ds, model, { value, path: 'row' })
        expect(row).not.toContain('no error')
        expect(await refusals(ds, model, { value, path: 'set' })).toEqual(row)
      })
  })
})

describeDatabase(
  'moments in another time zone of the connection',
  () => {
    it.each(['Z', '+05:30', '-08:00'])('are stored, held and read alike by either path: %s', async (timezone) => {
      const moments = ['datetime', 'timestamp'].map((type) => ({
        name: type,
        column: { type, precision: 3 } as never,
        values: MOMENTS.slice(2),
      }))
      const models = moments.map(typeModelOf)
      const ds = await openDataSource({ timezone, entities: models.map(({ schema }) => schema) })
      for (const model of models)
        expect(told(await tell(ds, typeStory(model), 'set'))).toEqual(told(await tell(ds, typeStory(model), 'row')))
    })
  },
  ['mariadb'],
)

describeDatabase(
  'values of types that extensions bring',
  () => {
    const samples: readonly TypeSample[] = [
      { name: 'hstore', column: { type: 'hstore', hstoreType: 'object' }, values: [{}, { a: '1', 'b "c"': null, ' ': '\\' }, '"x"=>"y"'] },
      { name: 'citext', column: { type: 'citext' }, values: ['a', 'Ä', "it's"] },
      { name: 'ltree', column: { type: 'ltree' }, values: ['a.b.c', 'a'] },
      { name: 'cube', column: { type: 'cube' }, values: [[1, 2, 3], [0.5]] },
    ]

    it.each(samples.map((sample, index) => [sample.name, typeModelOf(sample, index)] as const))(
      'are stored, held and read alike where there is %s',
      async (name, model) => {
        const ds = await openDataSource({ entities: [model.schema], synchronize: false })
        const [{ type }] = (await ds.query('SELECT to_regtype($1) AS type', [name])) as [{ type: string | null }]
        if (type === null) return
        await ds.synchronize()
        const [set, row] = [await tell(ds, typeStory(model), 'set'), await tell(ds, typeStory(model), 'row')]
        expect(told(set)).toEqual(told(row))
        if (!isByRow) expect(new Set(set[0]!.paths)).toEqual(new Set(['set']))
      },
    )
  },
  ['postgres'],
)

function labelOf(value: unknown): string {
  return inspect(value).slice(0, 30)
}
