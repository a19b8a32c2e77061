/**
 * Values that the database or TypeORM makes are on the objects after a flush of many rows exactly as after flushes of one row each.
 *
 * @module
 */
import type { OpenSession } from 'flushpoint'
import type { DataSource } from 'typeorm'
import { databaseName, describeDatabase, openDataSource } from '../../support/databases.js'
import { Always, ByDefault, Counted, FILLED, type Filled, IDENTIFIED } from '../../support/every-type-made.js'
import { isByRow, pathsOf, tell, told, undone, type Story, type Values } from '../../support/every-type-story.js'
import { errorOf, make } from '../../support/sessions.js'

const COUNT = 9
const OWN_TOKEN = 'aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee'
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/
type Made = Filled & { id: unknown; part?: number }
type MadeClass = new () => Made

/** What is given differs from row to row. */
function filled(type: MadeClass): Made[] {
  return Array.from({ length: COUNT }, (_none, index) =>
    Object.assign(new type(), {
      name: `row ${index}`,
      once: `once ${index}`,
      never: 'never',
      late: 'too early',
      hidden: `hidden ${index}`,
      ...(type.name === 'FilledByHand' && { id: `key ${index}` }),
      ...(type.name === 'FilledByTwo' && { id: `key ${index >> 1}`, part: index }),
      ...(index % 2 === 1 && { style: `own ${index}`, weight: index }),
      ...(index % 3 === 1 && { price: null, isOpen: false }),
      ...(index === 4 && { token: OWN_TOKEN, born: new Date('2001-02-03T04:05:06Z') }),
      ...(index === 5 && { createdAt: new Date('2001-02-03T04:05:06Z'), updatedAt: new Date('2002-02-03T04:05:06Z') }),
      ...(index === 6 && { version: 5 }),
    }),
  )
}

function filledStory(type: MadeClass): Story<Made> {
  return {
    entities: () => filled(type),
    edits: [
      ({ entity, session }) => session.add(entity),
      ({ entity, index }) => {
        if (index % 2 === 0) Object.assign(entity, { weight: index * 10, late: `late ${index}` })
        if (index % 3 === 0) Object.assign(entity, { name: `${entity.name}!`, once: 'twice', never: 'ever', onceFilled: 'twice' })
        if (index % 3 === 1) Object.assign(entity, { hidden: null, hiddenFilled: 'seen' })
        if (index === 2) entity.updatedAt = new Date('2003-02-03T04:05:06Z')
      },
      ({ entity, index, session }) => {
        if (index % 2 === 0) session.softRemove(entity)
        if (index % 4 === 0) entity.weight = -1
      },
      ({ entity, index, session }) => index % 4 === 0 && session.recover(entity),
      ({ entity, index, session }) => index > 0 && session.delete(entity),
    ],
    stored: async (session) => (await loaded(session, type)).map(shown),
    held: shown,
  }
}

/** All columns, those that are not selected by themselves, too. */
function loaded(session: OpenSession, type: MadeClass): Promise<Made[]> {
  const query = session.manager.createQueryBuilder(type, 'one').withDeleted().orderBy('one.name')
  return query.addSelect(['one.hidden', 'one.hiddenFilled']).getMany()
}

/** What is made anew in each telling, by its form. */
function shown(entity: Values): Values {
  const moments = ['born', 'createdAt', 'updatedAt', 'deletedAt'].map((name) => [name, kindOf(entity[name])] as const)
  const id = typeof entity['id'] === 'string' && !/^\d+$|-/.test(entity['id']) ? entity['id'] : typeof entity['id']
  const token = entity['token'] === OWN_TOKEN ? OWN_TOKEN : UUID.test(entity['token'])
  return { ...entity, ...Object.fromEntries(moments), id, token }
}

function kindOf(value: unknown): unknown {
  return value instanceof Date ? (value.getFullYear() < 2010 ? value : 'now') : (value ?? null)
}

describeDatabase('values that are made', () => {
  let ds: DataSource
  beforeAll(async () => void (ds = await openDataSource({ entities: [...FILLED, ...IDENTIFIED] })))

  describe.each(FILLED.map((type) => [type.name, type as MadeClass] as const))('for %s', (_name, type) => {
    it('are the same by either path', async () => {
      const [set, row] = [await tell(ds, filledStory(type), 'set'), await tell(ds, filledStory(type), 'row')]
      expect(told(set)).toEqual(told(row))
      if (!isByRow) expect(new Set(set.slice(1).flatMap(({ paths }) => paths))).toEqual(new Set(['set']))
    })

    it('are put on the object whose row has them', async () => {
      await undone(ds, async (session) => {
        const entities = filled(type)
        session.add(...entities.toReversed())
        await session.flush()
        await compare(session, entities)
        entities.forEach((entity, index) => Object.assign(entity, index % 2 ? { style: `${index}` } : { weight: index }))
        await session.flush()
        await compare(session, entities)
      })
    })

    const compare = async (session: OpenSession, entities: readonly Made[]) => {
      const rows = await loaded(session, type)
      const readBack = ({ id, part, token, style, weight, isOpen, doubled, createdAt, updatedAt, born, version, hiddenFilled }: Made) => ({
        id,
        part,
        token,
        style,
        weight,
        isOpen,
        doubled,
        createdAt,
        updatedAt,
        born,
        version,
        hiddenFilled,
      })
      expect(entities.map((entity) => entity.name)).toEqual(rows.map(({ name }) => name))
      expect(entities.map(readBack)).toEqual(rows.map(readBack))
    }
  })

  const keys = FILLED.filter(({ name }) => /Increment|Bigint|Uuid/.test(name))
  it.each(keys.map((type) => [type.name, type as MadeClass] as const))(
    'keep a key that was given to %s among made ones',
    async (name, type) => {
      const given = (index: number) => (name === 'FilledByUuid' ? `aaaaaaaa-bbbb-4ccc-8ddd-00000000000${index}` : 900_000 + index)
      await undone(ds, async (session) => {
        const entities = filled(type)
        entities.forEach((entity, index) => index % 2 && (entity.id = given(index)))
        session.add(...entities)
        if (!isByRow) expect(await pathsOf(session)).not.toContainEqual(expect.stringContaining('row'))
        await session.flush()
        entities.forEach((entity, index) => index % 2 && expect(String(entity.id)).toBe(String(given(index))))
        const rows = await loaded(session, type)
        expect(entities.map(({ id, name, version }) => ({ id: String(id), name, version }))).toEqual(
          rows.map(({ id, name, version }) => ({ id: String(id), name, version })),
        )
      })
    },
  )
})

describeDatabase(
  'values that PostgreSQL counts',
  () => {
    let ds: DataSource
    beforeAll(async () => void (ds = await openDataSource({ entities: IDENTIFIED })))

    it.each([[Always], [ByDefault], [Counted]])('are put on the object whose row has them: %p', async (type) => {
      await undone(ds, async (session) => {
        const entities = Array.from({ length: 30 }, (_none, index) =>
          make(type as typeof Counted, {
            name: `${100 - index}`,
            ...(index % 3 === 0 && { style: 'own' }),
            ...(type === Counted && index % 4 === 0 && { number: -1 - index }),
          }),
        )
        session.add(...entities)
        await session.flush()
        const rows = await session.manager.find(type as typeof Counted, { order: { name: 'DESC' } })
        expect([...entities].sort((a, b) => (a.name < b.name ? 1 : -1)).map((one) => ({ ...one }))).toEqual(rows.map((one) => ({ ...one })))
      })
    })

    it('keep a given key where the column lets them, and are refused alike where not', async () => {
      await undone(ds, async (session) => {
        const entities = [5, 7, 6].map((id) => make(ByDefault, { id, name: `${id}` }))
        session.add(...entities)
        await session.flush()
        expect(entities.map(({ id, style }) => [id, style])).toEqual([5, 7, 6].map((id) => [id, 'plain']))
      })
      const refusal = (count: number) =>
        errorOf(
          undone(ds, (session) => (session.add(...[5, 7, 6].slice(0, count).map((id) => make(Always, { id, name: '' }))), session.flush())),
        )
      const [one, many] = [await refusal(1), await refusal(3)]
      expect(many.message).toBe(`${one.message} (row 1 of 3)`)
    })
  },
  ['postgres'],
)

describeDatabase('the time of a flush', () => {
  it('is stored with the precision of the column', async () => {
    const ds = await openDataSource({ entities: FILLED })
    await undone(ds, async (session) => {
      const entities = filled(FILLED[0] as MadeClass)
      session.add(...entities)
      await session.flush()
      const { tablePath } = ds.getMetadata(FILLED[0]!)
      const columns = ['createdAt', 'updatedAt', 'born'].map((name) => ds.driver.escape(name))
      const table = tablePath
        .split('.')
        .map((part) => ds.driver.escape(part))
        .join('.')
      const rows = (await session.manager.query(`SELECT ${columns.join(', ')} FROM ${table} WHERE name = 'row 0'`)) as Values[]
      if (databaseName() === 'postgres') expect(rows[0]!['createdAt']).toEqual(entities[0]!.createdAt)
      else expect(rows).toHaveLength(1)
    })
  })
})
