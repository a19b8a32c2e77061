/** Which list holds for a class: its own, or that of the nearest ancestor that has one, with instances of its own. */
import { Extensions, mapper, MapperExtension, sessionSubscriber, type Mapper } from 'flushpoint'
import { ChildEntity, Column, Entity, PrimaryGeneratedColumn, TableInheritance, type DataSource } from 'typeorm'
import { log } from '../support/chains.js'
import { openDataSource } from '../support/databases.js'
import { make } from '../support/models.js'
import { describeWays } from '../support/ways-in.js'

interface Titled {
  title: string
}

const built = new Map<string, Mapper>()

abstract class Telling extends MapperExtension<Titled> {
  constructor(own: Mapper<Titled>) {
    super(own)
    built.set(`${this.constructor.name} of ${(own.target as { name: string }).name}`, own)
  }

  override beforeInsert(entity: Titled) {
    log.push(`${this.constructor.name} of ${(this.mapper.target as { name: string }).name} inserts ${entity.title}`)
  }

  override beforeUpdate(entity: Titled) {
    log.push(`${this.constructor.name} of ${(this.mapper.target as { name: string }).name} updates ${entity.title}`)
  }

  override beforeBulk() {
    log.push(`${this.constructor.name} of ${(this.mapper.target as { name: string }).name} bulk`)
  }
}
class First extends Telling {}
class Second extends Telling {}

@Entity()
@TableInheritance({ column: { type: 'varchar', name: 'type', length: 20 } })
@Extensions(First)
class Content {
  @PrimaryGeneratedColumn() id: number
  @Column() title: string
}

@ChildEntity()
class Post extends Content {
  @Column({ nullable: true, type: 'varchar' }) body?: string | null
}

@ChildEntity()
@Extensions(Second)
class Question extends Content {}

@ChildEntity()
class Quiz extends Question {}

@ChildEntity()
@Extensions()
class Poll extends Content {}

@ChildEntity()
class LivePoll extends Poll {}

@Extensions(First)
abstract class Base {
  @PrimaryGeneratedColumn() id: number
  @Column() title: string
}

@Entity()
class Page extends Base {}

@Entity()
@Extensions(First, Second)
class Both extends Base {}

describeWays('a list of mapper extensions', (way) => {
  let ds: DataSource
  beforeAll(async () => {
    const entities = [Content, Post, Question, Quiz, Poll, LivePoll, Page, Both]
    ds = await openDataSource({ entities, subscribers: [sessionSubscriber()] })
  })
  beforeEach(() => void (log.length = 0))

  // ming row 61
  it('of a parent holds for a subclass without its own, with instances bound to its own mapper', async () => {
    await way.save(ds, make(Content, { title: 'c' }))
    await way.save(ds, make(Post, { title: 'p' }))
    expect(log).toEqual(['First of Content inserts c', 'First of Post inserts p'])
    expect([built.get('First of Post')!.target, built.get('First of Post')!.metadata]).toEqual([Post, ds.getMetadata(Post)])
    expect(built.get('First of Post')!.extensions[0]).not.toBe(built.get('First of Content')!.extensions[0])
  })

  // ming row 62
  it('of a subclass replaces that of its parent', async () => {
    await way.save(ds, make(Question, { title: 'q' }))
    expect(log).toEqual(['Second of Question inserts q'])
  })

  // ming row 63
  it('that is empty switches extensions off', async () => {
    await way.save(ds, make(Poll, { title: 'p' }))
    expect(log).toEqual([])
  })

  // ming row 64
  it('of the nearest ancestor that has one holds for a grandchild, an empty one too', async () => {
    await way.save(ds, make(Quiz, { title: 'q' }))
    await way.save(ds, make(LivePoll, { title: 'l' }))
    expect(log).toEqual(['Second of Quiz inserts q'])
  })

  // ming row 65
  it('of the concrete class holds for an entity that was loaded through its parent', async () => {
    await way.save(ds, [make(Question, { title: 'loaded q' }), make(Post, { title: 'loaded p' }), make(Poll, { title: 'loaded x' })])
    log.length = 0
    const loaded = (await way.loadAll(ds, Content)).filter(({ title }) => title.startsWith('loaded'))
    expect(loaded.map(({ constructor }) => constructor)).toEqual([Question, Post, Poll])
    await way.save(
      ds,
      loaded.map((entity) => Object.assign(entity, { title: 'new' })),
    )
    expect([...log].sort()).toEqual(['First of Post updates new', 'Second of Question updates new'])
  })

  it('of the concrete class holds for an entity that is saved through the repository of its parent', async () => {
    await way.manager(ds, (manager) => manager.getRepository(Content).save(make(Question, { title: 'q' })))
    expect(log).toEqual(['Second of Question inserts q'])
  })

  // ming row 66
  it('of the class that a bulk statement names holds for it alone, whatever rows it hits', async () => {
    await way.save(ds, [make(Question, { title: 'bulk' }), make(Post, { title: 'bulk' })])
    log.length = 0
    await way.manager(ds, (manager) => manager.delete(Content, { title: 'bulk' }))
    expect([log, await ds.manager.countBy(Content, { title: 'bulk' })]).toEqual([['First of Content bulk'], 0])
  })

  // ming row 70
  it('makes instances of its own for each entity', async () => {
    await way.save(ds, make(Page, { title: 'page' }))
    await way.save(ds, make(Both, { title: 'both' }))
    expect(log).toEqual(['First of Page inserts page', 'First of Both inserts both', 'Second of Both inserts both'])
    expect(new Set(['Content', 'Page', 'Both'].map((name) => built.get(`First of ${name}`)!.extensions[0])).size).toBe(3)
  })

  it('is read by mapper(Entity), inherited ones too', () => {
    expect([Content, Post, Question, Quiz, Poll, LivePoll, Page, Both].map((entity) => mapper<Titled>(entity).extensions)).toEqual([
      ...[[First], [First], [Second], [Second], [], [], [First], [First, Second]],
    ])
  })
})
