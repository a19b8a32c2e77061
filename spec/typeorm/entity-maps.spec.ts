/**
 * What the session layer learns of a class: its columns, key and relations, and how to read, compare and put back their values.
 *
 * @module
 */
import type { DataSource } from 'typeorm'
import type { ColumnMap, EntityMap, RelationMap } from '../../lib/session/entity-map.js'
import { entityMapOf } from '../../lib/typeorm/entity-maps.js'
import { describeDatabase, openDataSource } from '../support/databases.js'
import { make, Note } from '../support/models.js'
import { Badge, Boat, Car, Home, Label, Money, Owner, Place, Profile, ROWS, Seat, Thing, Ticket, Vehicle } from '../support/rows.js'
import { TREES } from '../support/shapes.js'

let ds: DataSource
const mapOf = (target: any): EntityMap => entityMapOf(ds.getMetadata(target))
const column = (target: any, path: string): ColumnMap =>
  [...mapOf(target).columns, ...mapOf(target).keyColumns].find((one) => one.path === path)!
const relation = (target: any, path: string): RelationMap =>
  [...mapOf(target).toOnes, ...mapOf(target).collections].find((one) => one.path === path)!
const pathsOf = (list: readonly { readonly path: string }[]) => list.map(({ path }) => path)

describeDatabase('an entity map', () => {
  beforeAll(async () => void (ds = await openDataSource({ entities: [...ROWS, ...TREES, Note] })))

  describe('lists columns', () => {
    it('that are properties, in embedded objects too, without join columns TypeORM made', () => {
      expect(pathsOf(mapOf(Owner).columns)).toEqual(['id', 'name', 'home.label', 'home.place.city', 'home.place.zip'])
      expect(pathsOf(mapOf(Thing).columns)).not.toContain('ownerId')
      expect(pathsOf(mapOf(Badge).columns)).toEqual(['id', 'text', 'ownerId'])
      expect(column(Badge, 'ownerId').relationPath).toBe('owner')
      expect(column(Badge, 'text').relationPath).toBeUndefined()
    })

    it('of the class itself, not of its children, and the discriminator where it is a property', () => {
      expect(pathsOf(mapOf(Vehicle).columns).sort()).toEqual(['id', 'kind', 'name'])
      expect(pathsOf(mapOf(Car).columns).sort()).toEqual(['doors', 'id', 'kind', 'name'])
      expect(pathsOf(mapOf(Boat).toOnes)).toEqual([])
      expect(pathsOf(mapOf(Car).toOnes)).toEqual(['driver'])
      expect(mapOf(Boat).identity).toBe(mapOf(Vehicle).identity)
      expect(column(Car, 'kind')).toMatchObject({ isFilledIn: true, isInsertable: false })
    })

    it('without those that only a tree uses', () => {
      for (const tree of TREES) {
        expect(pathsOf(mapOf(tree).columns)).toEqual(['id', 'name'])
        expect(mapOf(tree).isTree).toBe(true)
      }
      expect(mapOf(Owner).isTree).toBe(false)
    })

    it('that the database fills in', () => {
      const filled = mapOf(Thing).columns.filter((one) => one.isFilledIn)
      expect(pathsOf(filled)).toEqual(['id', 'kind', 'origin', 'createdAt', 'updatedAt', 'version'])
      expect(column(Badge, 'id').isFilledIn).toBe(true)
      expect(column(Label, 'code').isFilledIn).toBe(false)
    })

    it('that an update may not set', () => {
      expect(pathsOf(mapOf(Thing).columns.filter((one) => !one.isUpdatable))).toEqual(['origin'])
    })

    it('for version and deletion', () => {
      expect(mapOf(Note).version).toBe(column(Note, 'version'))
      expect(mapOf(Note).deleteDate).toBe(column(Note, 'deletedAt'))
      expect(mapOf(Owner).version).toBeUndefined()
    })
  })

  describe('tells keys', () => {
    it('once they are complete', () => {
      expect(mapOf(Owner).keyOf(make(Owner, { id: 7 }))).toEqual({ id: 7 })
      expect(mapOf(Owner).keyOf(new Owner())).toBeUndefined()
      expect(mapOf(Seat).keyOf(make(Seat, { ownerId: 3 }))).toBeUndefined()
      expect(mapOf(Seat).keyOf(make(Seat, { ownerId: 3, row: 'a' }))).toEqual({ ownerId: 3, row: 'a' })
    })

    it('that are relations', () => {
      const owner = make(Owner, { id: 4 })
      expect(mapOf(Seat).keyOf(make(Seat, { owner, row: 'a' }))).toEqual({ ownerId: 4, row: 'a' })
      expect(mapOf(Profile).keyOf(make(Profile, { owner }))).toEqual({ owner: 4 })
      expect(mapOf(Profile).keyOf(make(Profile, { owner: new Owner() }))).toBeUndefined()
      expect(pathsOf(mapOf(Profile).columns)).toEqual(['text'])
      expect(mapOf(Profile).keyColumns[0]!.get(make(Profile, { owner }))).toBe(4)
    })
  })

  it('lists what is unique together, without keys and partial indices', () => {
    expect(mapOf(Owner).uniques).toEqual([['name']])
    expect(mapOf(Badge).uniques).toEqual([['owner']])
    expect([...mapOf(Thing).uniques].map((paths) => [...paths].sort().join()).sort()).toEqual(['kind,slug', 'owner,slug'])
    expect(mapOf(Label).uniques).toEqual([])
  })

  it('makes instances', () => {
    expect(mapOf(Car).create()).toBeInstanceOf(Car)
  })

  describe('reads and sets values', () => {
    it('of embedded objects, which are made where they are missing', () => {
      const owner = new Owner()
      const city = column(Owner, 'home.place.city')
      expect(city.get(owner)).toBeUndefined()
      city.set(owner, undefined)
      expect(owner.home).toBeUndefined()
      city.set(owner, 'Bern')
      expect(owner.home).toBeInstanceOf(Home)
      expect(owner.home.place).toBeInstanceOf(Place)
      expect(city.get(owner)).toBe('Bern')
    })

    it('of a join column that is a property of its own, beside its relation', () => {
      const badge = make(Badge, { ownerId: 1, owner: make(Owner, { id: 2 }) })
      expect(column(Badge, 'ownerId').get(badge)).toBe(1)
      expect(column(Badge, 'ownerId').get(make(Badge, { owner: make(Owner, { id: 2 }) }))).toBeUndefined()
    })

    it('of lazy relations without loading them', () => {
      const author = relation(Label, 'author')
      const loads = jest.spyOn(ds.relationLoader, 'load')
      for (const label of [new Label(), mapOf(Label).create() as Label]) {
        expect(author.get(label)).toBeUndefined()
        label.author = Promise.resolve(new Owner())
        expect(author.get(label)).toBeUndefined()
      }
      expect(loads).not.toHaveBeenCalled()
      loads.mockRestore()
    })

    it('of lazy relations that were loaded or set', async () => {
      const author = relation(Label, 'author')
      const [label, ann] = [mapOf(Label).create() as Label, make(Owner, { id: 1 })]
      label.author = Promise.resolve(ann)
      await label.author
      expect(author.get(label)).toBe(ann)
      author.set(label, null)
      expect(author.get(label)).toBeNull()
      await expect(label.author).resolves.toBeNull()
      author.set(label, ann)
      await expect(label.author).resolves.toBe(ann)
      author.set(label, undefined)
      expect(author.get(label)).toBeUndefined()
    })

    it('of relations in embedded objects', () => {
      const agent = relation(Owner, 'home.place.agent')
      const [owner, ann] = [new Owner(), make(Owner, { id: 1 })]
      expect(agent.get(owner)).toBeUndefined()
      agent.set(owner, ann)
      expect(owner.home.place.agent).toBe(ann)
      expect(agent.get(owner)).toBe(ann)
    })

    it('of relations without touching the object that was there', () => {
      const [ann, bea] = [make(Owner, { id: 1, name: 'Ann' }), make(Owner, { id: 2, name: 'Bea' })]
      const thing = make(Thing, { owner: ann })
      relation(Thing, 'owner').set(thing, bea)
      expect([thing.owner, ann.name]).toEqual([bea, 'Ann'])
    })
  })

  describe('compares values', () => {
    const changes = (path: string, before: unknown, after: unknown, target: unknown = Thing) => {
      const map = column(target, path)
      return !map.isSame(after, map.snapshotOf(before))
    }

    it('of simple columns as they are', () => {
      expect(changes('slug', 'a', 'a')).toBe(false)
      expect(changes('slug', 'a', 'b')).toBe(true)
      expect(changes('price', NaN, NaN)).toBe(false)
      expect(changes('isOpen', true, 1)).toBe(true)
    })

    it('that are nothing: undefined stands for NULL where something was loaded', () => {
      expect(changes('slug', null, undefined)).toBe(false)
      expect(changes('slug', 'a', undefined)).toBe(true)
      expect(changes('slug', undefined, undefined)).toBe(false)
      expect(changes('slug', undefined, null)).toBe(true)
      expect(changes('slug', undefined, 'a')).toBe(true)
      expect(changes('slug', 'a', null)).toBe(true)
      expect(changes('data', null, {})).toBe(true)
    })

    it('of numbers by their text', () => {
      expect(changes('big', '12', 12)).toBe(false)
      expect(changes('big', '12', 12n)).toBe(false)
      expect(changes('big', 12, '13')).toBe(true)
      expect(changes('price', '1.50', 1.25)).toBe(true)
      expect(changes('data', '12', 12)).toBe(true)
    })

    it('of dates by time', () => {
      expect(changes('seen', new Date(5), new Date(5))).toBe(false)
      expect(changes('seen', new Date(5), new Date(6))).toBe(true)
      expect(changes('seen', '2024-01-01', '2024-01-01')).toBe(false)
      expect(changes('seen', new Date(NaN), new Date(NaN))).toBe(false)
    })

    it('of bytes by content', () => {
      expect(changes('bytes', Buffer.from('ab'), Buffer.from('ab'))).toBe(false)
      expect(changes('bytes', Buffer.from('ab'), new Uint8Array([97, 98]))).toBe(false)
      expect(changes('bytes', Buffer.from('ab'), Buffer.from('ac'))).toBe(true)
    })

    it('of structures deeply, whatever the order of their names', () => {
      expect(changes('data', { a: 1, b: [{ c: 2 }] }, { b: [{ c: 2 }], a: 1 })).toBe(false)
      expect(changes('data', { a: 1, b: [{ c: 2 }] }, { b: [{ c: 3 }], a: 1 })).toBe(true)
      expect(changes('data', { a: 1 }, { a: 1, b: undefined })).toBe(false)
      expect(changes('data', { a: 1 }, { b: 1 })).toBe(true)
      expect(changes('data', [1], { 0: 1 })).toBe(true)
      expect(changes('words', ['a', 'b'], ['a', 'b'])).toBe(false)
      expect(changes('words', ['a', 'b'], ['b', 'a'])).toBe(true)
    })

    it('of class instances in JSON by what is stored of them', () => {
      expect(changes('data', { amount: 1, currency: 'CHF' }, new Money(1, 'CHF'))).toBe(false)
      expect(changes('data', new Money(1, 'CHF'), new Money(2, 'CHF'))).toBe(true)
      expect(changes('data', { toJSON: () => 'x' }, 'x')).toBe(false)
    })

    it('of class instances by what their transformer makes of them', () => {
      expect(changes('worth', new Money(1, 'CHF'), new Money(1, 'CHF'))).toBe(false)
      expect(changes('worth', new Money(1, 'CHF'), new Money(2, 'CHF'))).toBe(true)
      expect(changes('worth', new Money(1, 'CHF'), null)).toBe(true)
      expect(changes('worth', null, new Money(1, 'CHF'))).toBe(true)
    })

    it('changed in place', () => {
      const values: Record<string, [object, () => void]> = {}
      const [data, words, bytes, seen, worth] = [{ a: { b: 1 } }, ['a'], Buffer.from('a'), new Date(0), new Money(1, 'CHF')]
      values['data'] = [data, () => void (data.a.b = 2)]
      values['words'] = [words, () => void words.push('b')]
      values['bytes'] = [bytes, () => void (bytes[0] = 0)]
      values['seen'] = [seen, () => void seen.setTime(1)]
      values['worth'] = [worth, () => void (worth.amount = 2)]
      for (const [path, [value, edit]] of Object.entries(values)) {
        const map = column(Thing, path)
        const snapshot = map.snapshotOf(value)
        expect(map.isSame(value, snapshot)).toBe(true)
        edit()
        expect(map.isSame(value, snapshot)).toBe(false)
        const restored = map.valueOf(snapshot)
        expect(restored).not.toBe(value)
        expect(map.isSame(restored, snapshot)).toBe(true)
      }
    })

    it('puts class instances back', () => {
      const [map, worth] = [column(Thing, 'worth'), new Money(1, 'CHF')]
      const snapshot = map.snapshotOf(worth)
      expect(map.valueOf(snapshot)).toBe(worth)
      worth.amount = 2
      expect(map.valueOf(snapshot)).toEqual(new Money(1, 'CHF'))
      expect(map.valueOf(snapshot)).toBeInstanceOf(Money)
    })

    it('never gives its snapshot away', () => {
      const map = column(Thing, 'data')
      const snapshot = map.snapshotOf({ a: 1 })
      ;(map.valueOf(snapshot) as { a: number }).a = 2
      expect(snapshot).toEqual({ a: 1 })
    })
  })

  describe('describes relations', () => {
    it('by what they are', () => {
      expect([...mapOf(Owner).toOnes, ...mapOf(Owner).collections].map(({ path, kind }) => `${path}: ${kind}`).sort()).toEqual([
        'badge: inverse-one',
        'followers: many-to-many',
        'follows: many-to-many',
        'home.place.agent: to-one',
        'things: one-to-many',
      ])
      expect(relation(Label, 'author').isLazy).toBe(true)
    })

    it('by both ends', () => {
      const things = relation(Owner, 'things')
      expect(things.target).toBe(mapOf(Thing))
      expect(things.owner).toBe(mapOf(Owner))
      expect(things.inverse).toBe(relation(Thing, 'owner'))
      expect(things.inverse!.inverse).toBe(things)
      expect(relation(Ticket, 'seat').inverse).toBeUndefined()
    })

    it('by what happens to rows', () => {
      expect(relation(Owner, 'things')).toMatchObject({ orphans: 'delete', cascades: { insert: true, remove: true } })
      expect(relation(Owner, 'badge')).toMatchObject({ orphans: 'nullify', cascades: { insert: false, remove: false } })
      expect(relation(Badge, 'owner')).toMatchObject({ isNullable: true, onDelete: 'SET NULL' })
      expect(relation(Thing, 'owner')).toMatchObject({ isNullable: false, onDelete: undefined })
      expect(relation(Seat, 'owner').isNullable).toBe(false)
    })

    it('by their columns', () => {
      expect(relation(Thing, 'owner').columnNames).toEqual(['ownerId'])
      expect(relation(Ticket, 'seat').columnNames).toEqual(['seatOwnerId', 'seatRow'])
      expect(relation(Owner, 'things').columnNames).toEqual([])
      expect(relation(Owner, 'follows').columnNames).toEqual(['ownerId_1', 'ownerId_2'])
    })

    it('by their junction', () => {
      expect(relation(Thing, 'labels').junction).toEqual({ table: 'thing_labels_label', isOwning: true, isCleanedByDatabase: true })
      expect(relation(Label, 'things').junction).toMatchObject({ table: 'thing_labels_label', isOwning: false })
      expect(relation(Owner, 'things').junction).toBeUndefined()
    })

    it('by the key a row holds for a target', () => {
      const owner = relation(Thing, 'owner')
      expect(owner.keyOf(make(Owner, { id: 3, name: 'Ann' }))).toEqual({ id: 3 })
      expect(owner.keyOf(new Owner())).toBeUndefined()
      expect(owner.keyOf(5)).toEqual({ id: 5 })
      expect(owner.keyOf(null)).toBeNull()
      expect(owner.keyOf(undefined)).toBeUndefined()
      const seat = relation(Ticket, 'seat')
      expect(seat.keyOf(make(Seat, { ownerId: 1, row: 'b', text: 'x' }))).toEqual({ ownerId: 1, row: 'b' })
      expect(seat.keyOf(make(Seat, { ownerId: 1 }))).toBeUndefined()
    })
  })
})
