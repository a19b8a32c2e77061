/**
 * The steps of a plan, written in sets of rows and one by one: what goes out, what is read back, and what happens to rows that are gone.
 *
 * @module
 */
import { In, type DataSource, type QueryRunner } from 'typeorm'
import type { EntityMap, Image } from '../../lib/session/entity-map.js'
import { KeyOf, type StepKind, type WriteRow, type WriteStep } from '../../lib/session/persistence.js'
import { entityMapOf } from '../../lib/typeorm/entity-maps.js'
import { hasRowListeners, notifyOfRows } from '../../lib/typeorm/row-listeners.js'

import { explainSteps, writeSteps } from '../../lib/typeorm/step-writer.js'
import { describeDatabase, isSingleConnection, openDataSource, recordStatements, type Recording } from '../support/databases.js'
import { errorOf } from '../support/chains.js'
import { Badge, Boat, Car, Diary, Label, Money, Owner, Profile, ROWS, Seat, Thing, Ticket, Vehicle } from '../support/rows.js'
import { ClosureNode, NestedNode, PathNode, PlanetSchema, TREES, type TreeNode } from '../support/shapes.js'

let ds: DataSource
let runner: QueryRunner
let recording: Recording

const mapOf = (target: any): EntityMap => entityMapOf(ds.getMetadata(target))

function row(target: any, values: Record<string, unknown>, rest: Partial<WriteRow> = {}): WriteRow {
  return { map: mapOf(target), entity: null, key: undefined, values, version: undefined, isSupplement: false, ...rest }
}

function step(kind: StepKind, ...rows: WriteRow[]): WriteStep {
  return { kind, map: rows[0]!.map, relation: undefined, rows }
}

function junction(kind: 'link' | 'unlink', target: any, path: string, ...pairs: [unknown, unknown][]): WriteStep {
  const map = mapOf(target)
  const relation = map.collections.find((one) => one.path === path)!
  return { kind, map, relation, rows: pairs.map(([owner, inverse]) => row(target, { owner, inverse })) }
}

/** Writes one row and tells what was made of it. */
async function write(kind: StepKind, one: WriteRow): Promise<Image> {
  return (await writeSteps(runner, [step(kind, one)])).get(one) ?? {}
}

const insert = (target: any, values: Record<string, unknown>) => write('insert', row(target, values))
const newOwner = async (name: string) => ({ id: (await insert(Owner, { name }))['id'] as number })
const newThing = async (slug: string, rest = {}) => insert(Thing, { slug, owner: await newOwner(slug), ...rest })
const found = (target: any, where: object, relations: object = {}) =>
  ds.manager.findOneOrFail<any>(target, { where, relations, withDeleted: true })
/** The statements that write. */
const writes = () => recording.sql().filter((sql) => !sql.startsWith('SELECT'))

describeDatabase('the steps of a plan', () => {
  beforeAll(async () => void (ds = await openDataSource({ entities: [...ROWS, ...TREES, PlanetSchema] })))
  beforeEach(() => {
    runner = ds.createQueryRunner()
    recording = recordStatements(ds)
  })
  afterEach(async () => {
    recording.stop()
    if (!isSingleConnection()) await runner.release()
  })

  describe('inserts', () => {
    it('with the generated key told', async () => {
      const made = await insert(Owner, { name: 'Ann' })
      expect(made).toEqual({ id: expect.any(Number) })
      expect(await found(Owner, { id: made['id'] })).toMatchObject({ name: 'Ann' })
      expect(writes()).toHaveLength(1)
    })

    it('with defaults, dates and version told as TypeORM hydrates them', async () => {
      const made = await newThing('a')
      const stored = await found(Thing, { slug: 'a' })
      expect(Object.keys(made).sort()).toEqual(['createdAt', 'id', 'kind', 'origin', 'updatedAt', 'version'])
      expect(made).toMatchObject({ kind: 'plain', origin: 'once', version: 1 })
      expect(stored).toMatchObject(made)
      expect(made['createdAt']).toBeInstanceOf(Date)
    })

    it('with keys made or given as uuids', async () => {
      const { id } = await insert(Badge, { text: 'made' })
      expect(id).toMatch(/^[0-9a-f-]{36}$/)
      const given = '11111111-2222-4333-8444-555555555555'
      expect(await insert(Badge, { id: given, text: 'given' })).toEqual({})
      expect(await found(Badge, { id: In([id, given]), text: 'made' })).toMatchObject({ id })
      expect(await found(Badge, { id: given })).toMatchObject({ text: 'given' })
    })

    it('with a generated key that was given beforehand', async () => {
      const agent = await newOwner('agent of preset')
      expect(await insert(Owner, { id: 90_001, name: 'preset', 'home.place.agent': agent })).toEqual({})
      expect(await found(Owner, { id: 90_001 }, { home: { place: { agent: true } } })).toMatchObject({
        name: 'preset',
        home: { place: { agent } },
      })
      expect(await newThing('presets', { id: 90_002 })).toMatchObject({ kind: 'plain', version: 1 })
      expect(await found(Thing, { id: 90_002 })).toMatchObject({ kind: 'plain', slug: 'presets', createdAt: expect.any(Date) })
    })

    it('columns of every type', async () => {
      const values = {
        data: { list: [1, { a: 'ü' }] },
        words: ['x', 'y'],
        big: isSingleConnection() ? 9007199254740991 : '9007199254740993', // sqlite3 gives numbers
        price: '12.50',
        bytes: Buffer.from([0, 1, 255]),
        seen: new Date('2024-02-03T04:05:06Z'),
        worth: new Money(5, 'CHF'),
        isOpen: true,
      }
      const { id } = await newThing('types', values)
      const stored = await found(Thing, { id })
      expect({ ...stored, price: Number(stored.price) }).toMatchObject({ ...values, price: 12.5 })
      expect(stored.worth).toBeInstanceOf(Money)
    })

    it('embedded columns and relations in embedded objects', async () => {
      const agent = await newOwner('agent')
      const { id } = await insert(Owner, { name: 'embedded', 'home.label': 'flat', 'home.place.city': 'Bern', 'home.place.agent': agent })
      expect(await found(Owner, { id }, { home: { place: { agent: true } } })).toMatchObject({
        home: { label: 'flat', place: { city: 'Bern', agent } },
      })
    })

    it('the class of an inheritance', async () => {
      const driver = await newOwner('driver')
      expect(await insert(Car, { name: 'Beetle', doors: 3, driver })).toEqual({ id: expect.any(Number), kind: 'car' })
      expect(await insert(Boat, { name: 'Kon-Tiki', sails: 1 })).toMatchObject({ kind: 'boat' })
      expect(await found(Vehicle, { name: 'Beetle' })).toBeInstanceOf(Car)
      expect(await found(Vehicle, { name: 'Kon-Tiki' })).toMatchObject({ sails: 1 })
    })

    it('nothing but defaults', async () => {
      const made = await insert(Ticket, {})
      expect(await found(Ticket, { id: made['id'] })).toEqual({ id: made['id'] })
    })

    it('keys that are relations, or composite', async () => {
      const owner = await newOwner('keys')
      expect(await insert(Seat, { owner, row: 'a', text: 'front' })).toEqual({ ownerId: owner.id })
      expect(await insert(Profile, { owner, text: 'me' })).toEqual({})
      const { id } = await insert(Ticket, { seat: { ownerId: owner.id, row: 'a' } })
      expect(await found(Ticket, { id }, { seat: true })).toMatchObject({ seat: { row: 'a', text: 'front' } })
      expect(await found(Profile, { text: 'me' }, { owner: true })).toMatchObject({ owner: { name: 'keys' } })
    })

    it('values given as SQL', async () => {
      const { id } = await newThing('raw', { words: () => "'x,y'" })
      expect(await found(Thing, { id })).toMatchObject({ words: ['x', 'y'] })
      expect(await write('update', row(Thing, { kind: () => "'z'" }, { key: { id } }))).toMatchObject({ kind: 'z', version: 2 })
    })
  })

  describe('keys of earlier rows', () => {
    it('are filled in along a chain', async () => {
      const owner = row(Owner, { name: 'chain' })
      const seat = row(Seat, { owner: new KeyOf(owner), row: 'z', text: 'chained' })
      const ticket = row(Ticket, { seat: new KeyOf(seat) })
      const written = await writeSteps(runner, [step('insert', owner), step('insert', seat), step('insert', ticket)])
      expect(written.get(seat)).toEqual({ ownerId: written.get(owner)!['id'] })
      expect(await found(Ticket, { id: written.get(ticket)!['id'] }, { seat: { owner: true } })).toMatchObject({
        seat: { row: 'z', owner: { name: 'chain' } },
      })
    })

    it('are filled in for updates of rows just inserted, whose version and date stay', async () => {
      const owner = await newOwner('cycle')
      const thing = row(Thing, { slug: 'cycle', owner })
      const second = row(Thing, { words: ['late'] }, { key: new KeyOf(thing), isSupplement: true })
      const written = await writeSteps(runner, [step('insert', thing), step('update', second)])
      expect(written.get(second) ?? {}).toEqual({})
      expect(await found(Thing, { slug: 'cycle' })).toMatchObject({ ...written.get(thing), words: ['late'], version: 1 })
    })

    it('are filled in for junctions and one-to-ones', async () => {
      const owner = row(Owner, { name: 'one' })
      const badge = row(Badge, { text: 'one', owner: new KeyOf(owner) })
      const written = await writeSteps(runner, [
        step('insert', owner),
        step('insert', badge),
        junction('link', Owner, 'follows', [new KeyOf(owner), await newOwner('two')]),
      ])
      expect(written.get(badge)).toMatchObject({ ownerId: written.get(owner)!['id'] })
      expect(await found(Owner, { name: 'one' }, { badge: true, follows: true })).toMatchObject({
        badge: { text: 'one' },
        follows: [{ name: 'two' }],
      })
    })

    it('that nobody inserted are an error', async () => {
      const thing = row(Thing, { slug: 'x', owner: new KeyOf(row(Owner, { name: 'never' })) })
      expect(await errorOf(writeSteps(runner, [step('insert', thing)]))).toMatchObject({ code: 'RELATION_TARGET_UNSAVED' })
      expect(recording.sql()).toEqual([])
    })
  })

  describe('updates', () => {
    it('raise the version and tell it with the date', async () => {
      const { id } = await newThing('up')
      const made = await write('update', row(Thing, { slug: 'up2', words: ['a'] }, { key: { id }, version: 1 }))
      expect(made).toEqual({ version: 2, updatedAt: expect.any(Date) })
      expect(await found(Thing, { id })).toMatchObject({ ...made, slug: 'up2', words: ['a'] })
    })

    it('read the version where the old one is not known', async () => {
      const { id } = await newThing('unversioned')
      expect(await write('update', row(Thing, { slug: 'unversioned2' }, { key: { id } }))).toMatchObject({ version: 2 })
    })

    it('change only what they name', async () => {
      const owner = await insert(Owner, { name: 'only', 'home.label': 'flat', 'home.place.city': 'Bern' })
      recording.clear()
      expect(await write('update', row(Owner, { 'home.place.city': null }, { key: owner }))).toEqual({})
      expect(recording.statements).toHaveLength(1)
      expect(writes()[0]).toMatch(/^UPDATE \S+ SET \S+ = \S+ WHERE \S+ = \S+$/)
      expect(await found(Owner, owner)).toMatchObject({ home: { label: 'flat', place: { city: null } } })
    })

    it('set and empty relations, with join columns that are properties', async () => {
      const [ann, bea] = [await newOwner('first'), await newOwner('second')]
      const badge = await insert(Badge, { text: 'moves', ownerId: ann.id })
      expect(await write('update', row(Badge, { owner: bea }, { key: badge }))).toEqual({ ownerId: bea.id })
      expect(await found(Badge, badge)).toMatchObject({ ownerId: bea.id })
      expect(await write('update', row(Badge, { owner: null }, { key: badge }))).toEqual({ ownerId: null })
      expect(await found(Badge, badge)).toMatchObject({ ownerId: null })
      await write('update', row(Badge, { ownerId: ann.id }, { key: badge }))
      expect(await found(Badge, badge)).toMatchObject({ ownerId: ann.id })
    })

    it('find rows by composite keys and by keys that are relations', async () => {
      const owner = await newOwner('composite')
      await insert(Seat, { ownerId: owner.id, row: 'a', text: 'a' })
      await insert(Seat, { ownerId: owner.id, row: 'b', text: 'b' })
      await insert(Profile, { owner, text: 'p' })
      await write('update', row(Seat, { text: 'a2' }, { key: { ownerId: owner.id, row: 'a' } }))
      await write('update', row(Profile, { text: 'p2' }, { key: { owner: owner.id } }))
      await write('delete', row(Seat, {}, { key: { ownerId: owner.id, row: 'b' } }))
      expect(await ds.manager.find(Seat, { where: { ownerId: owner.id } })).toMatchObject([{ row: 'a', text: 'a2' }])
      expect(await ds.manager.count(Profile, { where: { text: 'p2' } })).toBe(1)
    })

    it('find rows by dates and by keys with a transformer', async () => {
      const key = { day: new Date('2024-02-03T04:05:06Z'), price: new Money(3, 'CHF') }
      await insert(Diary, { ...key, text: 'a' })
      await write('update', row(Diary, { text: 'b' }, { key }))
      expect(await ds.manager.find(Diary)).toEqual([{ ...key, text: 'b' }])
      const stale = [row(Diary, { text: 'c' }, { key: { ...key, day: new Date(0) } }), row(Diary, { text: 'c' }, { key })]
      const error = await errorOf(writeSteps(runner, [step('update', ...stale)]))
      expect(error.message).toContain('Diary {"day":"1970-01-01T00:00:00.000Z"')
      expect(error.message).toMatch(/ a row /)
      await write('delete', row(Diary, {}, { key }))
      expect(await ds.manager.count(Diary)).toBe(0)
    })

    it('of an entity schema without a class', async () => {
      const key = await insert(PlanetSchema, { name: 'Mars', moons: 1 })
      await write('update', row(PlanetSchema, { moons: 2 }, { key }))
      expect(await found(PlanetSchema, key)).toEqual({ ...key, name: 'Mars', moons: 2 })
    })

    it('of a child class find the row', async () => {
      const { id } = await insert(Car, { name: 'c' })
      await write('update', row(Car, { doors: 5, name: 'c5' }, { key: { id } }))
      expect(await found(Vehicle, { id })).toMatchObject({ doors: 5, name: 'c5' })
    })

    it('that are a supplement leave version and date alone', async () => {
      const made = await newThing('supplement')
      await write('update', row(Thing, { words: ['b'] }, { key: { id: made['id'] }, version: 1, isSupplement: true }))
      expect(await found(Thing, { slug: 'supplement' })).toMatchObject({ version: 1, updatedAt: made['updatedAt'], words: ['b'] })
    })

    it('that change nothing still find their row', async () => {
      const owner = await newOwner('same')
      await expect(write('update', row(Owner, { name: 'same' }, { key: owner }))).resolves.toEqual({})
    })
  })

  describe('soft removal', () => {
    it('sets the date and is taken back', async () => {
      const { id } = await newThing('soft')
      const removed = await write('softRemove', row(Thing, {}, { key: { id }, version: 1 }))
      expect(removed).toEqual({ version: 2, updatedAt: expect.any(Date), deletedAt: expect.any(Date) })
      expect(await found(Thing, { id })).toMatchObject(removed)
      const recovered = await write('recover', row(Thing, {}, { key: { id }, version: 2 }))
      expect(recovered).toEqual({ version: 3, updatedAt: expect.any(Date), deletedAt: null })
      expect(await found(Thing, { id })).toMatchObject(recovered)
    })

    it('takes changed columns along', async () => {
      const { id } = await newThing('soft2')
      await write('softRemove', row(Thing, { words: ['bye'] }, { key: { id }, version: 1 }))
      expect(await found(Thing, { id })).toMatchObject({ words: ['bye'], version: 2, deletedAt: expect.any(Date) })
    })
  })

  describe('junctions', () => {
    it('hold rows of both sides, also of one class', async () => {
      const [a, b, c] = [await newOwner('ja'), await newOwner('jb'), await newOwner('jc')]
      await writeSteps(runner, [junction('link', Owner, 'follows', [a, b], [a, c], [b, a])])
      expect(await found(Owner, a, { follows: true, followers: true })).toMatchObject({
        follows: [{ name: 'jb' }, { name: 'jc' }],
        followers: [{ name: 'jb' }],
      })
      await writeSteps(runner, [junction('unlink', Owner, 'follows', [a, b])])
      expect(await found(Owner, a, { follows: true, followers: true })).toMatchObject({
        follows: [{ name: 'jc' }],
        followers: [{ name: 'jb' }],
      })
    })

    it('of two classes', async () => {
      const { id } = await newThing('labelled')
      await insert(Label, { code: 'red' })
      await writeSteps(runner, [junction('link', Thing, 'labels', [{ id }, { code: 'red' }])])
      expect(await found(Label, { code: 'red' }, { things: true })).toMatchObject({ things: [{ slug: 'labelled' }] })
    })

    it('write lazy relations', async () => {
      const author = await newOwner('author')
      await insert(Label, { code: 'lazy', author })
      expect(await (await found(Label, { code: 'lazy' })).author).toMatchObject({ name: 'author' })
      await write('update', row(Label, { author: null }, { key: { code: 'lazy' } }))
      expect(await (await found(Label, { code: 'lazy' })).author).toBeNull()
    })
  })

  describe('rows that are gone', () => {
    it('are all named in one error, and nothing is written after the first', async () => {
      const [kept, stale, late] = [await newThing('kept'), await newThing('stale'), await newThing('late')]
      const owner = await newOwner('untouched')
      await write('update', row(Thing, { words: [] }, { key: { id: stale['id'] }, version: 1 }))
      recording.clear()
      const key = ({ id }: Image) => ({ id })
      const error = await errorOf(
        writeSteps(runner, [
          step(
            'update',
            row(Thing, { words: [] }, { key: key(kept), version: 1 }),
            row(Thing, { words: [] }, { key: key(stale), version: 1 }),
          ),
          step('update', row(Owner, { name: 'touched' }, { key: owner }), row(Owner, { name: 'nobody' }, { key: { id: 99_999 } })),
          step('delete', row(Seat, {}, { key: { ownerId: 1, row: 'none' } })),
          step('softRemove', row(Thing, {}, { key: key(late), version: 1 }), row(Thing, {}, { key: key(late), version: 7 })),
        ]),
      )
      expect(error).toMatchObject({ code: 'ROWS_STALE' })
      const rows = [
        `Thing {"id":${String(stale['id'])}} (version 1 wanted)`,
        'Owner {"id":99999}',
        'Seat {"ownerId":1,"row":"none"}',
        `Thing {"id":${String(late['id'])}} (version 7 wanted)`,
      ]
      expect(error.message).toContain(rows.join(', '))
      expect(error.message).toContain('4 rows')
      expect(await found(Owner, owner)).toMatchObject({ name: 'untouched' })
      expect(writes().filter((sql) => !sql.includes('thing'))).toEqual([])
    })

    it('are told apart from rows this very plan inserts', async () => {
      const owner = row(Owner, { name: 'fresh' })
      const steps = [
        step('update', row(Owner, { name: 'x' }, { key: { id: 99_999 } })),
        step('insert', owner),
        step('update', row(Owner, { name: 'y' }, { key: new KeyOf(owner) })),
      ]
      expect((await errorOf(writeSteps(runner, steps))).message).toMatch(/a row .*: Owner {"id":99999}\. /)
    })

    it('are noticed by every kind of write', async () => {
      for (const kind of ['update', 'delete', 'softRemove', 'recover'] as const) {
        const values = kind === 'update' ? { slug: 'x' } : {}
        expect(await errorOf(write(kind, row(Thing, values, { key: { id: 123_456 } })))).toMatchObject({ code: 'ROWS_STALE' })
      }
    })
  })

  describe('are explained', () => {
    it('by the statement of the first row, without sending it', async () => {
      const owner = row(Owner, { name: 'shown' })
      const thing = row(Thing, { slug: 'shown', owner: new KeyOf(owner) })
      const supplement = row(Thing, { words: ['a'] }, { key: new KeyOf(thing), isSupplement: true })
      recording.clear()
      const texts = explainSteps(runner, [
        step('insert', owner),
        step('insert', thing),
        step('update', supplement),
        junction('link', Owner, 'follows', [new KeyOf(owner), { id: 5 }]),
        step('delete', row(Thing, {}, { key: { id: 3 }, version: 2 })),
      ])
      expect(recording.sql()).toEqual([])
      expect(texts.map(({ sql }) => sql.split(' ')[0])).toEqual(['INSERT', 'INSERT', 'UPDATE', 'INSERT', 'DELETE'])
      expect(texts[0]!.parameters).toContain('shown')
      expect(texts[1]!.parameters).toContain('<key of Owner>')
      expect(texts[2]!.parameters).toEqual(['a', '<key of Thing>'])
      expect(texts[3]!.parameters[0]).toBe('<key of Owner>')
      expect(texts[4]!.sql).toMatch(/ WHERE \S+ = \S+ AND \S+ = \S+$/)
      expect(new Set(texts.map(({ path, reason }) => `${path}: ${reason}`))).toEqual(
        new Set(['row: one statement per row through TypeORM']),
      )
    })
  })

  describe('of trees', () => {
    it.each([ClosureNode, PathNode, NestedNode])('keep the tree of %p', async (type) => {
      const [root, left, right, leaf] = [
        row(type, { name: 'root' }),
        row(type, { name: 'left' }),
        row(type, { name: 'right' }),
        row(type, { name: 'leaf' }),
      ]
      const under = (child: WriteRow, parent: WriteRow) => ({ ...child, values: { ...child.values, parent: new KeyOf(parent) } })
      const [l, r] = [under(left, root), under(right, root)]
      const f = under(leaf, l)
      const written = await writeSteps(runner, [step('insert', root, l, r, f)])
      const key = (one: WriteRow) => ({ id: written.get(one)!['id'] })
      expect(await shape(type)).toBe('root(left(leaf) right)')
      if (type !== NestedNode) {
        await write('update', row(type, { parent: key(r) }, { key: key(f) }))
        expect(await shape(type)).toBe('root(left right(leaf))')
      }
      await write('update', row(type, { name: 'moved' }, { key: key(f) }))
      await write('delete', row(type, {}, { key: key(type === NestedNode ? r : l) }))
      expect(await shape(type)).toBe(type === NestedNode ? 'root(left(moved))' : 'root(right(moved))')
      expect(await errorOf(write('delete', row(type, {}, { key: { id: 4711 } })))).toMatchObject({ code: 'ROWS_STALE' })
    })

    const shape = async (type: new () => TreeNode) => {
      const text = ({ name, children = [] }: TreeNode): string =>
        children.length === 0
          ? name
          : `${name}(${[...children]
              .sort((a, b) => a.id - b.id)
              .map(text)
              .join(' ')})`
      return (await ds.getTreeRepository(type).findTrees()).map(text).join(' ')
    }
  })

  describe('are told to listeners of TypeORM', () => {
    it('as TypeORM tells of its own', async () => {
      const heard: string[] = []
      const subscriber = {
        beforeUpdate: (event: any) =>
          void heard.push(
            `update ${event.databaseEntity.slug}>${event.entity.slug} ${event.updatedColumns.map((c: any) => c.propertyPath)}`,
          ),
        afterUpdate: (event: any) =>
          void heard.push(`${event.databaseEntity.owner.id} ${event.updatedRelations.map((c: any) => c.propertyPath)}`),
        afterInsert: (event: any) => void heard.push(`insert ${JSON.stringify(event.entityId)}`),
        beforeRemove: (event: any) => void heard.push(event.databaseEntity instanceof Thing ? 'remove' : ''),
      }
      const map = mapOf(Thing)
      const listened = {
        kind: 'update',
        map,
        entity: { slug: 'b' },
        key: { id: 1 },
        before: { slug: 'a', owner: { id: 9 } },
        changed: ['slug', 'owner'],
      } as const
      expect(hasRowListeners(ds, [map])).toBe(false)
      ds.subscribers.push(subscriber, {})
      try {
        expect(hasRowListeners(ds, [map])).toBe(true)
        expect(await notifyOfRows(runner, 'before', [{ ...listened, kind: 'delete' }, listened])).toBe(2)
        expect(await notifyOfRows(runner, 'after', [listened, { ...listened, kind: 'insert', before: null }])).toBe(2)
      } finally {
        ds.subscribers.splice(0)
      }
      expect(heard).toEqual(['update a>b slug', 'remove', 'insert 1', '9 owner'])
    })

    it('and all have settled when the first error is thrown', async () => {
      let settled = false
      ds.subscribers.push(
        { beforeInsert: () => Promise.reject(new Error('no')) },
        { beforeInsert: () => new Promise<void>((resolve) => setTimeout(() => resolve(void (settled = true)), 5)) },
      )
      const listened = { kind: 'insert', map: mapOf(Owner), entity: {}, key: undefined, before: null, changed: [] } as const
      const error = await errorOf(notifyOfRows(runner, 'before', [listened])).finally(() => ds.subscribers.splice(0))
      expect([error.message, settled]).toEqual(['no', true])
    })
  })
})
