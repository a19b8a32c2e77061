/**
 * ChangeCache with keys that the database gives back in another form, and rows that are not what they were.
 *
 * @module
 */
import { sessionSubscriber, type EntityClass } from 'flushpoint'
import { ChangeCache, dumpCache } from 'flushpoint/extensions'
import { Keyv } from 'keyv'
import { ChildEntity, Column, Entity, PrimaryColumn, TableInheritance, type ColumnType } from 'typeorm'
import { filesIn, namesOf, newFolder, recordsIn } from '../../support/change-records.js'
import { closeDataSources, databaseName, openDataSource, openOnUsedTables, recordStatements } from '../../support/databases.js'
import { make } from '../../support/models.js'
import { describeWays } from '../../support/ways-in.js'

/** A class with a key of this type, a key as it is given, and how the files name it. */
type Keys = readonly [name: string, type: ColumnType, given: unknown, id: string, precision?: { precision: number; scale: number }]

const UUID = 'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11'
const AT = '2024-05-06 07:08:09+02'
const KEYS: Readonly<Record<string, readonly Keys[]>> = {
  postgres: [
    ['a UUID in upper case', 'uuid', UUID, UUID.toLowerCase()],
    ['a padded text', 'char', 'ab', 'ab   '],
    ['a time given as text', 'timestamptz', AT, new Date('2024-05-06T07:08:09+02:00').toISOString()],
    ['a date given as an object', 'date', new Date(2024, 4, 6), '2024-05-06'],
    ['a decimal with fewer digits', 'decimal', '1.5', '1.50', { precision: 6, scale: 2 }],
  ],
  mariadb: [['a decimal with fewer digits', 'decimal', '1.5', '1.50', { precision: 6, scale: 2 }]],
  sqlite: [['a number given as text', 'int', '07', '7']],
}
const kinds = KEYS[databaseName()] ?? KEYS['sqlite']!

@Entity()
@TableInheritance({ column: { type: 'varchar', name: 'kind' } })
class Vehicle {
  @PrimaryColumn({ type: 'int' }) id: number
  @Column() title: string
}

@ChildEntity()
class Van extends Vehicle {}

@ChildEntity()
class Truck extends Vehicle {}

describeWays('a record of a row', (way) => {
  let cache: Keyv
  beforeEach(() => void (cache = new Keyv()))
  afterEach(closeDataSources)

  const open = (entities: readonly EntityClass[]) =>
    openOnUsedTables({ entities: entities as never, subscribers: [sessionSubscriber({ extensions: [ChangeCache.with({ cache })] })] })

  it.each(kinds.map(([name, ...rest]) => [name, rest] as const))(
    'is made for %s, created and deleted',
    async (_name, [type, given, id, digits]) => {
      @Entity('odd_key')
      class OddKey {
        @PrimaryColumn({ type: type as never, ...(type === 'char' && { length: 5 }), ...digits }) id: unknown
        @Column() title: string
      }
      const subscribers = [sessionSubscriber({ extensions: [ChangeCache.with({ cache })] })]
      const dataSource = await openDataSource({ entities: [OddKey], subscribers })
      await way.save(dataSource, make(OddKey, { id: given, title: 'one' }))
      await way.remove(dataSource, make(OddKey, { id: given, title: 'one' }))
      expect(await dataSource.manager.count(OddKey)).toBe(0)
      expect((await recordsIn(cache)).map(namesOf)).toEqual([
        { created: [`OddKey ${id}`], updated: [], deleted: [] },
        { created: [], updated: [], deleted: [`OddKey ${id}`] },
      ])
    },
  )

  it('is looked for once where many are gone before the commit', async () => {
    const dataSource = await open([Vehicle, Van, Truck])
    const recording = recordStatements(dataSource)
    await way.transaction(dataSource, async ({ save, manager }) => {
      await save([1, 2, 3].map((id) => make(Van, { id, title: 'van' })))
      recording.clear()
      await manager.query(`DELETE FROM ${dataSource.getMetadata(Vehicle).tablePath.split('.').map((part) => dataSource.driver.escape(part)).join('.')}`) // prettier-ignore
    })
    expect(recording.sql().filter((sql) => sql.startsWith('SELECT'))).toHaveLength(1)
    expect(await recordsIn(cache)).toEqual([])
  })

  it('is missed aloud where nobody can find the row by its key', async () => {
    let count = 0
    @Entity('sealed')
    class Sealed {
      @PrimaryColumn({ transformer: { to: (text: unknown) => `${String(text)}#${++count}`, from: (text: string) => text.split('#')[0] } })
      id: string
    }
    const codes: unknown[] = []
    const onHookError = (error: unknown) => void codes.push((error as { code?: string }).code)
    const subscribers = [sessionSubscriber({ extensions: [ChangeCache.with({ cache })], onHookError })]
    const dataSource = await openDataSource({ entities: [Sealed], subscribers })
    await way.save(dataSource, make(Sealed, { id: 'a' }))
    expect(await dataSource.manager.count(Sealed)).toBe(1)
    expect(codes).toEqual(['CHANGE_ROW_MISSING'])
  })

  it('tells a row that comes back as one of another class as deleted, too', async () => {
    const dataSource = await open([Vehicle, Van, Truck])
    const dir = await newFolder()
    const van = await way.save(dataSource, make(Van, { id: 1, title: 'van' }))
    await dumpCache({ cache, dir })
    await way.transaction(dataSource, async (work) => {
      await work.remove(van)
      await work.save(make(Truck, { id: 1, title: 'truck' }))
    })
    expect((await recordsIn(cache)).map(namesOf)).toEqual([{ created: [], updated: ['Truck 1'], deleted: ['Van 1'] }])
    await dumpCache({ cache, dir })
    expect(Object.keys(await filesIn(dir))).toEqual(['Truck/1_truck.json'])
  })
})
