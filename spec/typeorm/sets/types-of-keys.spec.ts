/**
 * Rows are found, referred to and told apart by keys of any type, many at a time exactly as one by one.
 *
 * @module
 */
import type { DataSource } from 'typeorm'
import { describeDatabase, openDataSource } from '../../support/databases.js'
import { bareKeyModelOf, bareKeyStory, KEY_SAMPLES, keyModelOf, keyStory } from '../../support/every-type-keys.js'
import { isByRow, tell, told, undone } from '../../support/every-type-story.js'
import { errorOf } from '../../support/sessions.js'

const models = KEY_SAMPLES.map(keyModelOf)
const bareModels = KEY_SAMPLES.map(bareKeyModelOf)

describeDatabase('rows with a key', () => {
  let ds: DataSource
  beforeAll(async () => void (ds = await openDataSource({ entities: [...models, ...bareModels].map(({ schema }) => schema) })))

  describe.each(models.map((model) => [model.sample.name, model] as const))('of type %s', (_name, model) => {
    const { alone, keys } = model.sample

    it('go through all their changes alike by either path', async () => {
      const [set, row] = [await tell(ds, keyStory(model), 'set'), await tell(ds, keyStory(model), 'row')]
      expect(told(set)).toEqual(told(row))
      for (const { held } of set.slice(0, -1))
        for (const { style, version } of held) expect([style, version]).toEqual([expect.any(String), expect.any(Number)])
      const paths = set.map(({ paths }) => [...new Set(paths)].join())
      if (isByRow || keys.length < 3) return
      for (const path of paths) expect(path).toMatch(alone === undefined ? /^(set)?$/ : new RegExp(`^(set)?$|${alone.source}`))
      expect(paths[1]).toMatch(alone ?? 'set')
    })

    it('are found by it alone, and no neighbours with them', async () => {
      const bare = bareModels[models.indexOf(model)]!
      const [set, row] = [await tell(ds, bareKeyStory(bare), 'set'), await tell(ds, bareKeyStory(bare), 'row')]
      expect(told(set)).toEqual(told(row))
    })

    it('are named when they are gone, and only these', async () => {
      await undone(ds, async (session) => {
        const entities = keyStory(model).entities()
        session.add(...entities)
        await session.flush()
        const [gone] = entities as [object]
        await session.manager.query(...deleteOf(ds, model.target, keys[0]))
        entities.forEach((entity) => (entity['name'] += '?'))
        const error = await errorOf(session.flush())
        expect(error).toMatchObject({ code: 'ROWS_STALE', message: expect.stringMatching(/ a row .* \(version 1 wanted\)/) })
        expect(session.state(gone).status).toBe('dirty')
      })
    })
  })
})

/** Without the session hearing of it. */
function deleteOf(ds: DataSource, target: new () => object, key: unknown): [string, unknown[]] {
  const { tablePath, primaryColumns } = ds.getMetadata(target)
  const table = tablePath
    .split('.')
    .map((part) => ds.driver.escape(part))
    .join('.')
  const [column] = primaryColumns
  const value: unknown = ds.driver.preparePersistentValue(key, column!)
  const parameter = ds.options.type === 'postgres' ? '$1' : '?'
  return [`DELETE FROM ${table} WHERE ${ds.driver.escape('key')} = ${parameter}`, [value]]
}
