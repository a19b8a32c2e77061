/**
 * Entities of every shape get the same hooks: inherited, embedded, described by a schema, plain, with keys of their own, in a cycle.
 *
 * @module
 */
import { MapperExtension, mapper } from 'flushpoint'
import { describeDatabase } from '../support/databases.js'
import { fresh, label, openWithHooks, work, type Hooks } from '../support/hooks.js'
import { Book, Imprint, LIBRARY } from '../support/library.js'
import { Author, ENTITIES, make } from '../support/models.js'
import { Animal, Cat, Country, Dog, Friend, PlanetSchema, SHAPES, Star, StarSchema, Token, type Planet } from '../support/shapes.js'

const log: string[] = []
beforeEach(() => void (log.length = 0))

/** A mapper extension that logs its name with each entity. */
function named(name: string) {
  return class extends MapperExtension<{ name: string }> {
    override beforeInsert(entity: { name: string }) {
      log.push(`${name} beforeInsert ${entity.name}`)
    }
    override afterUpdate(entity: { name: string }) {
      log.push(`${name} afterUpdate ${entity.name}`)
    }
    override afterLoad(entity: { name: string }) {
      log.push(`${name} afterLoad ${entity.name}`)
    }
  }
}
mapper(Animal, { extensions: [named('animal')] })
mapper(Dog, { extensions: [named('dog')] })
mapper(PlanetSchema, { extensions: [named('planet')] })
mapper(StarSchema, { extensions: [named('star')] })
mapper(Author, { extensions: [named('author')] })

const open = (...own: Hooks[]) => openWithHooks({ entities: [...ENTITIES, ...LIBRARY, ...SHAPES] }, ...own)

describeDatabase('single-table inheritance', () => {
  it('runs the extensions of the concrete class, or those of its parent where it has none', async () => {
    const { manager } = await open()
    const [dog, cat, animal] = [make(Dog, { name: 'Rex' }), make(Cat, { name: 'Tom' }), make(Animal, { name: 'It' })]
    await manager.save([dog, cat, animal])
    expect([...log].sort()).toEqual(['animal beforeInsert It', 'animal beforeInsert Tom', 'dog beforeInsert Rex'])
    log.length = 0
    await manager.save(Animal, Object.assign(dog, { name: 'Max' }))
    expect(log).toEqual(['dog afterUpdate Max'])
  })

  it('loads through the base with the extensions of each concrete class', async () => {
    const { manager } = await open()
    await manager.save([make(Dog, { name: 'Rex' }), make(Cat, { name: 'Tom' })])
    log.length = 0
    await manager.find(Animal, { order: { id: 'ASC' } })
    expect(log).toEqual(['dog afterLoad Rex', 'animal afterLoad Tom'])
  })

  it('tells columns of the concrete class and leaves the discriminator out', async () => {
    const seen: unknown[] = []
    const dataSource = await open({
      beforeUpdate: (entity, { original, changes }) => {
        seen.push(Object.keys(original).sort(), changes)
        Object.assign(entity, { name: 'by hook' })
      },
    })
    const dog = await dataSource.manager.save(make(Dog, { name: 'Rex', trick: 'sit' }))
    await dataSource.manager.save(Object.assign(dog, { trick: 'roll' }))
    expect(seen).toEqual([['id', 'name', 'trick'], { trick: { from: 'sit', to: 'roll' } }])
    expect(await fresh(dataSource, Dog, dog.id)).toMatchObject({ name: 'by hook', trick: 'roll' })
  })
})

describeDatabase('embedded columns', () => {
  it('are told by their dotted path', async () => {
    const seen: unknown[] = []
    const dataSource = await open({
      beforeUpdate: (_entity, state) => void seen.push(state.changes, state.changed('imprint.year')),
      afterCommit: (changes) => void seen.push(changes[0]!.changes),
    })
    const book = await dataSource.manager.save(make(Book, { name: 'b', imprint: make(Imprint, { place: 'Leipzig', year: 1900 }) }))
    seen.length = 0
    book.imprint.year = 1901
    await dataSource.manager.save(book)
    const changes = { 'imprint.year': { from: 1900, to: 1901 } }
    expect(seen).toEqual([changes, true, changes])
  })
})

describeDatabase('an entity schema', () => {
  it('without a class gives hooks plain objects', async () => {
    const { manager } = await open({ beforeInsert: (planet) => void ((planet as Planet).moons = 1) })
    const planet = await manager.save<Planet, Planet>(PlanetSchema as never, { name: 'Earth' })
    expect(log).toEqual(['planet beforeInsert Earth'])
    expect((await manager.findOneByOrFail(PlanetSchema, { id: planet.id! })).moons).toBe(1)
  })

  it('with a class runs the extensions declared on either', async () => {
    const { manager } = await open()
    const star = await manager.save(make(Star, { name: 'Sun' }))
    await manager.save(Object.assign(star, { name: 'Sol' }))
    expect(log).toEqual(['star beforeInsert Sun', 'star afterUpdate Sol'])
  })
})

describeDatabase('a plain object passed to save', () => {
  it('gets the hooks of the class it is saved as', async () => {
    const seen: unknown[] = []
    const { manager } = await open({
      beforeFlush() {
        seen.push(this.session.uow.new.size)
      },
      afterInsert: (_entity, { key }) => void seen.push(key),
    })
    const plain = { name: 'plain' }
    const saved = await manager.save(Author, plain)
    expect(log).toEqual(['author beforeInsert plain'])
    expect(seen).toEqual([1, { id: saved.id }])
  })

  it('with a key updates the row, with the changes told', async () => {
    const seen: unknown[] = []
    const { manager } = await open({ beforeUpdate: (_entity, { changes, key }) => void seen.push(key, changes) })
    const { id } = await manager.save(make(Author, { name: 'Ann' }))
    await manager.save(Author, { id, name: 'Bob' })
    expect(seen).toEqual([{ id }, { name: { from: 'Ann', to: 'Bob' } }])
    expect(log).toEqual(['author beforeInsert Ann', 'author afterUpdate Bob'])
  })
})

describeDatabase('keys given by the caller', () => {
  it('are known before the insert, which is not taken for an update', async () => {
    const seen: unknown[] = []
    const { manager } = await open({ beforeInsert: (_entity, { key, status }) => void seen.push(status, key) })
    await manager.save(make(Country, { code: 'IS', name: 'Iceland' }))
    expect(seen).toEqual(['new', { code: 'IS' }])
  })

  it('update the row that has them', async () => {
    const seen: unknown[] = []
    const { manager } = await open({ beforeUpdate: (_entity, { changes }) => void seen.push(changes) })
    await manager.save(make(Country, { code: 'IS', name: 'Iceland' }))
    await manager.save(make(Country, { code: 'IS', name: 'Island' }))
    expect(seen).toEqual([{ name: { from: 'Iceland', to: 'Island' } }])
  })

  it.each<[string, string | undefined]>([
    ['generated', undefined],
    ['preset', '0190d9b7-9a1c-7cc3-98c4-dc0c0c07398f'],
  ])('as uuid work %s', async (_how, id) => {
    const seen: { id?: string }[] = []
    const { manager } = await open({ afterInsert: (_entity, { key }) => void seen.push(key as { id: string }) })
    const token = await manager.save(make(Token, id === undefined ? { name: 't' } : { id, name: 't' }))
    expect(seen).toEqual([{ id: id ?? expect.stringMatching(/^[0-9a-f-]{36}$/) }])
    expect(await manager.countBy(Token, { id: token.id })).toBe(1)
  })

  it('may be set in beforeInsert', async () => {
    const { manager } = await open({ beforeInsert: (entity) => void ((entity as Country).code = 'FO') })
    await manager.save(make(Country, { name: 'Faroe Islands' }))
    expect(await manager.countBy(Country, { code: 'FO' })).toBe(1)
  })
})

describeDatabase('new objects that refer to each other', () => {
  it('are inserted with each before-hook once, and both references are stored', async () => {
    const hooked: string[] = []
    const dataSource = await open({
      beforeFlush() {
        hooked.push(JSON.stringify(work(this.session.uow)))
      },
      beforeInsert: (entity) => void hooked.push(label(entity)),
      beforeUpdate: (entity) => void hooked.push(`update ${label(entity)}`),
    })
    const [ann, bob] = [make(Friend, { name: 'Ann' }), make(Friend, { name: 'Bob' })]
    Object.assign(ann, { best: bob })
    Object.assign(bob, { best: ann })
    await dataSource.manager.save(ann)
    expect(hooked).toEqual(['{"new":["Friend Ann","Friend Bob"]}', 'Friend Ann', 'Friend Bob'])
    expect((await fresh(dataSource, Friend, ann.id, 'best')).best?.name).toBe('Bob')
    expect((await fresh(dataSource, Friend, bob.id, 'best')).best?.name).toBe('Ann')
  })

  it('made in a hook are stored as well', async () => {
    const dataSource = await open({
      beforeInsert(entity) {
        if (entity instanceof Friend && entity.best === undefined) entity.best = make(Friend, { name: 'Bob', best: entity })
      },
    })
    const ann = await dataSource.manager.save(make(Friend, { name: 'Ann' }))
    const bob = (await fresh(dataSource, Friend, ann.id, 'best')).best!
    expect((await fresh(dataSource, Friend, bob.id, 'best')).best?.id).toBe(ann.id)
  })

  it('referring to itself is stored', async () => {
    const dataSource = await open({ beforeInsert: (entity) => void ((entity as Friend).best = entity as Friend) })
    const ann = await dataSource.manager.save(make(Friend, { name: 'Ann' }))
    expect((await fresh(dataSource, Friend, ann.id, 'best')).best?.id).toBe(ann.id)
  })
})
