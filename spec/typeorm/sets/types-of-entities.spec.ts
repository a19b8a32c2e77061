/**
 * Entities of every shape are written many at a time exactly as one by one: transformers, embedded objects, inheritance, composite keys.
 *
 * @module
 */
import type { DataSource } from 'typeorm'
import { describeDatabase, openDataSource } from '../../support/databases.js'
import { Renaming } from '../../support/every-type-names.js'
import { EVERY_SHAPE } from '../../support/every-type-shapes.js'
import { isByRow, tell, told, type Story } from '../../support/every-type-story.js'
import * as tales from '../../support/every-type-tales.js'

const STORIES: Readonly<Record<string, Story<any>>> = {
  'value objects and other values that are transformed': tales.transforming,
  'embedded objects, nested, with prefixes': tales.embedded,
  'classes that share a table': tales.inherited,
  'classes that share a table, told apart by a number': tales.numbered,
  'classes that share a table, told apart by an enum': tales.formed,
  'keys of two parts': tales.rooms,
  'keys that are relations to new rows': tales.chained,
  'more columns than a mask has bits, all changed alike': tales.wide(true),
}

describeDatabase('entities with', () => {
  let ds: DataSource
  let renamed: DataSource
  beforeAll(async () => {
    ds = await openDataSource({ entities: EVERY_SHAPE })
    renamed = await openDataSource({ entities: EVERY_SHAPE, namingStrategy: new Renaming() })
  })

  it.each(Object.entries(STORIES))('%s are written alike by either path', (_name, story) => expectAlike(ds, story))

  it.each(Object.entries(STORIES).filter(([name]) => /embedded|share a table$|key/.test(name)))(
    '%s are written alike with names of another strategy',
    (_name, story) => expectAlike(renamed, story),
  )

  it('more columns than a mask has bits, changed here and there, are written row by row', async () => {
    const [set, row] = [await tell(ds, tales.wide(false), 'set'), await tell(ds, tales.wide(false), 'row')]
    expect(told(set)).toEqual(told(row))
    if (!isByRow) expect(set.map(({ paths }) => paths)).toEqual([['set'], [expect.stringMatching(/more than \d+ columns/)], ['set']])
  })
})

async function expectAlike(ds: DataSource, story: Story<object>): Promise<void> {
  const [set, row] = [await tell(ds, story, 'set'), await tell(ds, story, 'row')]
  expect(told(set)).toEqual(told(row))
  if (!isByRow) expect(new Set(set.flatMap(({ paths }) => paths))).toEqual(new Set(['set']))
}
