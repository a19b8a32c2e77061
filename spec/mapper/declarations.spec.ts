/** The ways to declare a list: decorator of either kind, mapper(), classes and schemas. */
import { Extensions, mapper, MapperExtension, sessionSubscriber, type EntityState } from 'flushpoint'
import { Column, Entity, EntitySchema, PrimaryGeneratedColumn, type DataSource } from 'typeorm'
import { errorOf, extend, log, mapperLog, sessionLog, useDatabase } from '../support/chains.js'
import { describeDatabase, openDataSource } from '../support/databases.js'
import { Article, make } from '../support/models.js'

const ONE = mapperLog('one', ['beforeInsert'])
const TWO = mapperLog('two', ['beforeInsert'])

describe('mapper()', () => {
  class Thing {}

  it('without a declaration reads the list, which is empty where nobody declared one', () => {
    expect(mapper(class Other {})).toMatchObject({ extensions: [] })
    mapper(Thing, { extensions: [ONE] })
    expect(mapper(Thing)).toEqual({ target: Thing, extensions: [ONE] })
  })

  it('with a declaration returns it, replaces the one before and keeps a copy', () => {
    const list = [ONE, TWO]
    expect(mapper(Thing, { extensions: list }).extensions).toEqual([ONE, TWO])
    list.pop()
    expect(mapper(Thing).extensions).toEqual([ONE, TWO])
    expect(mapper(Thing, { extensions: [] }).extensions).toEqual([])
  })

  it('returns what cannot be changed', () => {
    const declared = mapper(Thing, { extensions: [ONE] })
    expect([Object.isFrozen(declared), Object.isFrozen(declared.extensions)]).toEqual([true, true])
  })

  it.each([[undefined], [null], ['Thing'], [{}], [{ options: {} }], [make(Article, {})], [() => undefined]])(
    'refuses the target %p',
    async (target) => {
      const error = await errorOf(() => mapper(target as never, { extensions: [ONE] }))
      expect(error).toMatchObject({
        name: 'ConfigurationError',
        code: 'MAPPER_TARGET_INVALID',
        fix: expect.stringContaining('EntitySchema') as string,
      })
    },
  )

  it('leaves the former list in place when it refuses the new one', async () => {
    mapper(Thing, { extensions: [ONE] })
    await errorOf(() => mapper(Thing, { extensions: [TWO, {} as never] }))
    expect(mapper(Thing).extensions).toEqual([ONE])
  })
})

describe('@Extensions', () => {
  it('works as a legacy decorator', () => {
    @Extensions(ONE, TWO)
    class Thing {}
    expect(mapper(Thing).extensions).toEqual([ONE, TWO])
  })

  it('works when called as a standard decorator, and returns nothing that would replace the class', () => {
    class Thing {}
    const context = { kind: 'class', name: 'Thing', addInitializer: () => undefined, metadata: {} } as unknown as ClassDecoratorContext<
      typeof Thing
    >
    expect(Extensions(ONE)(Thing, context)).toBeUndefined()
    expect(mapper(Thing).extensions).toEqual([ONE])
  })

  it('refuses when it is written, before it meets a class', () => {
    expect(() => Extensions({} as never)).toThrow(expect.objectContaining({ code: 'EXTENSION_NOT_LISTABLE' }))
  })

  it('on what is no class is refused', async () => {
    expect(await errorOf(() => Extensions(ONE)({} as never))).toMatchObject({ code: 'MAPPER_TARGET_INVALID' })
  })
})

describeDatabase('a declaration', () => {
  const db = useDatabase()

  it('made anew holds from the next flush on', async () => {
    const ds = db.use()
    extend(Article, ONE)
    await ds.manager.save(make(Article, { title: 'A' }))
    extend(Article, TWO, ONE)
    await ds.manager.save(make(Article, { title: 'B' }))
    expect(log).toEqual(['one.beforeInsert A', 'two.beforeInsert B', 'one.beforeInsert B'])
  })

  it('means nothing to a data source without flushpoint', async () => {
    extend(Article, ONE)
    await db.ds.manager.save(make(Article, { title: 'A' }))
    expect(log).toEqual([])
  })
})

describeDatabase('a class that two data sources map', () => {
  @Entity()
  class Shared {
    @PrimaryGeneratedColumn() id: number
    @Column() title: string
  }

  it('has instances of its extensions for each', async () => {
    const [built, sources]: [object[], DataSource[]] = [[], []]
    class Counting extends MapperExtension {
      override beforeInsert() {
        if (!built.includes(this)) built.push(this)
        sources.push(this.mapper.dataSource)
      }
    }
    mapper(Shared, { extensions: [Counting] })
    const [a, b] = [await open(), await open()]
    for (const ds of [a, b, a]) await ds.manager.save(make(Shared, { title: 'x' }))
    expect([built.length, sources]).toEqual([2, [a, b, a]])
  })
  const open = () => openDataSource({ entities: [Shared], subscribers: [sessionSubscriber()] })
})

describeDatabase('an EntitySchema', () => {
  interface City {
    id: number
    name: string
  }
  class Country {
    id: number
    name: string
  }
  const columns = { id: { type: 'int', primary: true, generated: true }, name: { type: 'varchar', length: 50 } } as const
  const CitySchema = new EntitySchema<City>({ name: 'City', columns })
  const CountrySchema = new EntitySchema<Country>({ name: 'Country', target: Country, columns })
  let ds: DataSource
  beforeAll(async () => {
    const session = sessionLog('S', ['beforeFlush', 'beforeInsert', 'beforeUpdate', 'beforeDelete'])
    ds = await openDataSource({ entities: [CitySchema, CountrySchema], subscribers: [sessionSubscriber({ extensions: [session] })] })
  })
  beforeEach(() => void (log.length = 0))

  it('without a class is declared by the schema, and its plain objects go through the chains', async () => {
    const states: EntityState[] = []
    class Upper extends MapperExtension<City> {
      override beforeInsert(city: City, state: EntityState<City>) {
        states.push(state)
        city.name = city.name.toUpperCase()
      }
    }
    mapper(CitySchema, { extensions: [Upper, mapperLog('M')] })
    const city = await ds.getRepository(CitySchema).save({ name: 'rome' })
    await ds.getRepository(CitySchema).save(Object.assign(city, { name: 'Roma' }))
    await ds.getRepository(CitySchema).remove(city)
    expect(log.filter((line) => !line.includes('after'))).toEqual([
      ...['S.beforeFlush', 'S.beforeInsert rome', 'M.beforeInsert ROME'],
      ...['S.beforeFlush', 'S.beforeUpdate Roma', 'M.beforeUpdate Roma'],
      ...['S.beforeFlush', 'S.beforeDelete Roma', 'M.beforeDelete Roma'],
    ])
    expect(states).toHaveLength(1)
  })

  it('with a class may be declared by either', async () => {
    mapper(Country, { extensions: [ONE] })
    expect(mapper(CountrySchema).extensions).toEqual([ONE])
    mapper(CountrySchema, { extensions: [TWO] })
    await ds.manager.save(make(Country, { name: 'Italy' }))
    expect(log).toEqual(['S.beforeFlush', 'S.beforeInsert Italy', 'two.beforeInsert Italy'])
  })

  it('is what mapper.target names: the class, or the name where it has none', async () => {
    const targets: unknown[] = []
    class Target extends MapperExtension {
      override beforeInsert() {
        targets.push(this.mapper.target)
      }
    }
    mapper(CitySchema, { extensions: [Target] })
    mapper(CountrySchema, { extensions: [Target] })
    await ds.getRepository(CitySchema).save({ name: 'Rome' })
    await ds.getRepository(CountrySchema).save({ name: 'Italy' })
    expect(targets).toEqual(['City', Country])
  })
})
