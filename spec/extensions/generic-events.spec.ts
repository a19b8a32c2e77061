/**
 * GenericEvents: plugins hear of rows by the names of their tables, from net changes, by both ways in.
 *
 * @module
 */
import { sessionSubscriber, withoutExtensions } from 'flushpoint'
import { enablePluginEvents, EventPlugin, eventsSettled, registerPlugin, type PluginEvent } from 'flushpoint/events'
import { GenericEvents, TableEvents, type GenericEventsOptions } from 'flushpoint/extensions'
import { Column, DeleteDateColumn, Entity, EntitySchema, PrimaryColumn, PrimaryGeneratedColumn, type DataSourceOptions } from 'typeorm'
import { closeDataSources, dataSourceOptions, openDataSource, openOnUsedTables } from '../support/databases.js'
import { Article, Author, ENTITIES, make, Tag } from '../support/models.js'
import { errorOf } from '../support/sessions.js'
import { describeWays, type WayIn } from '../support/ways-in.js'

@Entity('build_build')
class Build {
  @PrimaryGeneratedColumn() id: number
  @Column({ default: 'open' }) state: string
  @DeleteDateColumn() deletedAt?: Date | null
}

/** Its key has another name. */
@Entity('part_category')
class Category {
  @PrimaryColumn() code: string
  @Column() title: string
}

@Entity('part_stock')
class Stock {
  @PrimaryColumn() part: number
  @PrimaryColumn() place: string
  @Column() amount: number
}

/** One part of its key is called so. */
@Entity('part_revision')
class Revision {
  @PrimaryColumn() id: number
  @PrimaryColumn() number: number
  @Column() text: string
}

class Recorder extends EventPlugin {
  readonly slug = 'recorder'
  readonly events: PluginEvent[] = []
  /** What `look` finds at each event. */
  readonly seen: number[] = []
  look?: () => Promise<number>
  async processEvent(event: PluginEvent) {
    this.events.push(event)
    if (this.look !== undefined) this.seen.push(await this.look())
  }
}

const entities = [...ENTITIES, Build, Category, Stock, Revision]

describeWays('generic events', (way) => {
  let recorder: Recorder
  let off: () => void
  beforeEach(() => {
    recorder = new Recorder()
    off = registerPlugin(recorder)
    enablePluginEvents(true)
  })
  afterEach(async () => {
    await eventsSettled()
    enablePluginEvents(false)
    off()
    await closeDataSources()
  })

  async function told(): Promise<PluginEvent[]> {
    await eventsSettled()
    return recorder.events.splice(0)
  }
  const names = async () => (await told()).map(({ name, payload }) => `${name} ${String((payload as { id: unknown }).id)}`)

  async function open(options?: GenericEventsOptions) {
    const extensions = [options === undefined ? GenericEvents : GenericEvents.with(options)]
    const dataSource = await openOnUsedTables({ entities, subscribers: [sessionSubscriber({ extensions })] })
    await told()
    return dataSource
  }

  // C12
  it('tell a row that is created with its id and the name of its class', async () => {
    const dataSource = await open()
    const build = await way.save(dataSource, make(Build, {}))
    expect(await told()).toEqual([{ name: 'build_build.created', payload: { id: build.id, model: 'Build' } }])
  })

  // C14
  it('tell a row that is changed as saved, and not as created', async () => {
    const dataSource = await open()
    await way.seed(dataSource, make(Build, {}))
    const build = await way.load(dataSource, Build, { state: 'open' })
    build.state = 'issued'
    await way.save(dataSource, build)
    expect(await told()).toEqual([{ name: 'build_build.saved', payload: { id: build.id, model: 'Build' } }])
  })

  // C15
  it('tell a row that is deleted once it is gone', async () => {
    const dataSource = await open()
    await way.seed(dataSource, make(Build, {}))
    const build = await way.load(dataSource, Build, { state: 'open' })
    const { id } = build
    recorder.look = () => dataSource.manager.count(Build)
    await way.remove(dataSource, build)
    expect(await told()).toEqual([{ name: 'build_build.deleted', payload: { id, model: 'Build' } }])
    expect(recorder.seen).toEqual([0])
  })

  // C16
  it('tell fifty rows one by one as created, and none as saved', async () => {
    const dataSource = await open()
    const builds = Array.from({ length: 50 }, () => make(Build, {}))
    await way.save(dataSource, builds)
    expect(await names()).toEqual(builds.map(({ id }) => `build_build.created ${id}`))
  })

  // C16
  it('tell rows of statements by query where they were asked to, and else not', async () => {
    const quiet = await open()
    await way.manager(quiet, (manager) => manager.insert(Build, [{}, {}]))
    expect(await told()).toEqual([])
    const dataSource = await open({ bulk: true })
    await way.manager(dataSource, (manager) =>
      manager.insert(
        Build,
        Array.from({ length: 50 }, () => ({ state: 'new' })),
      ),
    )
    const ids = (await dataSource.manager.find(Build, { order: { id: 'ASC' } })).map(({ id }) => id)
    expect(await names()).toEqual(ids.map((id) => `build_build.created ${id}`))
    await way.manager(dataSource, (manager) => manager.update(Build, { state: 'new' }, { state: 'old' }))
    await way.manager(dataSource, (manager) => manager.delete(Build, ids[0]!))
    expect((await names()).slice(-2)).toEqual([`build_build.saved ${ids[49]}`, `build_build.deleted ${ids[0]}`])
  })

  it('tell the outcome of a transaction, not the way there', async () => {
    const dataSource = await open()
    const [first, second] = await way.save(dataSource, [make(Build, {}), make(Build, {})])
    await told()
    await way.transaction(dataSource, async ({ save, remove, softRemove }) => {
      const made = await save(make(Build, {}))
      made.state = 'issued'
      await save(made)
      await remove(await save(make(Build, {})))
      first!.state = 'issued'
      await save(first!)
      await softRemove(second!)
    })
    const created = await names()
    expect(created).toHaveLength(3)
    expect(created[0]).toMatch(/^build_build\.created \d+$/)
    expect(created.slice(1)).toEqual([`build_build.saved ${first!.id}`, `build_build.saved ${second!.id}`])
  })

  it('tell nothing of what was rolled back', async () => {
    const dataSource = await open()
    const failing = way.transaction(dataSource, async ({ save }) => {
      await save(make(Build, {}))
      throw new Error('no')
    })
    await errorOf(failing)
    expect(await told()).toEqual([])
  })

  // C17
  it('leave out tables by the beginning of their names and by whole names, in any letter case and padded', async () => {
    const dataSource = await open({ exclude: [' BUILD_* ', ' Tag'] })
    await way.save(dataSource, [make(Build, {}), make(Tag, { name: 't' }), make(Author, { name: 'Ann' })])
    expect((await told()).map(({ name }) => name)).toEqual(['author.created'])
  })

  // C18
  it('leave out what is imported in withoutExtensions', async () => {
    const dataSource = await open()
    await withoutExtensions(() => way.save(dataSource, make(Build, {})))
    expect(await told()).toEqual([])
  })

  it('tell rows written without extensions where their journal is kept for the transaction around them', async () => {
    const dataSource = await open()
    await withoutExtensions({ journal: true }, () => way.save(dataSource, make(Build, {})))
    expect(await told()).toEqual([])
    await way.transaction(dataSource, ({ save }) => withoutExtensions({ journal: true }, () => save(make(Build, {}))))
    expect((await told()).map(({ name }) => name)).toEqual(['build_build.created'])
  })

  it('are triggered once where the extension is listed twice', async () => {
    const extensions = [GenericEvents.with({ exclude: ['tag'] }), GenericEvents]
    const dataSource = await openDataSource({ entities, subscribers: [sessionSubscriber({ extensions })] })
    await told()
    await way.save(dataSource, [make(Build, {}), make(Tag, { name: 't' })])
    expect((await told()).map(({ name }) => name).sort()).toEqual(['build_build.created', 'tag.created'])
  })

  // C19
  it('leave out rows without an id, but tell that they are deleted, with null', async () => {
    const dataSource = await open()
    const category = make(Category, { code: 'c', title: 'a' })
    const stock = make(Stock, { part: 1, place: 'p', amount: 3 })
    await way.save(dataSource, [category, stock])
    category.title = 'b'
    await way.save(dataSource, category)
    expect(await told()).toEqual([])
    await way.remove(dataSource, category)
    await way.remove(dataSource, stock)
    expect(await told()).toEqual([
      { name: 'part_category.deleted', payload: { id: null, model: 'Category' } },
      { name: 'part_stock.deleted', payload: { id: null, model: 'Stock' } },
    ])
  })

  // C19
  it('tell the part of a composite key that is called id', async () => {
    const dataSource = await open()
    await way.save(dataSource, make(Revision, { id: 7, number: 2, text: 'a' }))
    expect(await told()).toEqual([{ name: 'part_revision.created', payload: { id: 7, model: 'Revision' } }])
  })

  it('leave out rows of junctions: their owner is saved', async () => {
    const dataSource = await open({ bulk: true })
    const article = await way.save(dataSource, make(Article, { title: 'a' }))
    const tag = await way.save(dataSource, make(Tag, { name: 't' }))
    await told()
    await way.manager(dataSource, (manager) => manager.createQueryBuilder().relation(Article, 'tags').of(article.id).add(tag.id))
    expect(await told()).toEqual([])
    const loaded = await way.load(dataSource, Article, { title: 'a' }, 'tags')
    loaded.tags = []
    await way.save(dataSource, loaded)
    expect(await told()).toEqual([{ name: 'article.saved', payload: { id: article.id, model: 'Article' } }])
  })

  it('are off unless the extension is listed, and while plugin events are', async () => {
    const plain = await openDataSource({ entities, subscribers: [sessionSubscriber({})] })
    await told()
    await way.save(plain, make(Build, {}))
    expect(await told()).toEqual([])
    const dataSource = await open()
    enablePluginEvents(false)
    await way.save(dataSource, make(Build, {}))
    expect(await told()).toEqual([])
  })
})

async function inOtherSchema(way: WayIn) {
  const recorder = new Recorder()
  const off = registerPlugin(recorder)
  enablePluginEvents(true)
  const options = dataSourceOptions({ entities: [] }) as DataSourceOptions & { readonly schema: string }
  const schema = `${options.schema}_side`
  const Entry = new EntitySchema<{ id: number }>({
    name: 'Entry',
    schema,
    columns: { id: { type: Number, primary: true } },
  })
  const extensions = [GenericEvents.with({ exclude: ['entry'] }), TableEvents.with({ exclude: [`${schema}.entry`] })]
  const dataSource = await openDataSource({
    ...options,
    synchronize: false,
    entities: [Entry],
    subscribers: [sessionSubscriber({ extensions })],
  })
  try {
    await dataSource.query(`CREATE SCHEMA "${schema}"`)
    await dataSource.query(`CREATE TABLE "${schema}"."entry" ("id" integer PRIMARY KEY)`)
    await eventsSettled()
    recorder.events.length = 0
    await way.transaction(dataSource, ({ manager }) => manager.save(Entry, { id: 7 }))
    await eventsSettled()
    expect(recorder.events).toEqual([{ name: `${schema}.entry.created`, payload: { id: 7, model: 'Entry' } }])
  } finally {
    await dataSource.query(`DROP SCHEMA "${schema}" CASCADE`)
    enablePluginEvents(false)
    off()
    await closeDataSources()
  }
}

describeWays('a table of another schema', (way) => it('is named and excluded with that in front', () => inOtherSchema(way)), ['postgres'])
