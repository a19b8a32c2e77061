/**
 * Lazy relations of kept entities: loaded on their session's runner, through its sink, and told to it.
 *
 * @module
 */
import {
  Column,
  Entity,
  ManyToOne,
  OneToMany,
  OneToOne,
  JoinColumn,
  PrimaryGeneratedColumn,
  type DataSource,
  type QueryRunner,
} from 'typeorm'
import { EntityLoader } from '../../lib/typeorm/entity-loader.js'
import { entityMapOf } from '../../lib/typeorm/entity-maps.js'
import { wrapHydration } from '../../lib/typeorm/hydration.js'
import { lazyLoading } from '../../lib/typeorm/lazy-relations.js'
import { describeDatabase, isSingleConnection, openDataSource, recordStatements, type Recording } from '../support/databases.js'
import { FakeSink } from '../support/fake-sink.js'
import { Essay, LIBRARY, Topic, Writer } from '../support/library.js'
import { make } from '../support/models.js'

@Entity()
class Node {
  @PrimaryGeneratedColumn() id: number
  @Column() name: string
  @ManyToOne(() => Node, (node) => node.children, { lazy: true, nullable: true }) parent: Promise<Node | null>
  @OneToMany(() => Node, (node) => node.parent, { lazy: true }) children: Promise<Node[]>
  @OneToOne(() => Label, (label) => label.node, { lazy: true }) label: Promise<Label | null>
}

@Entity()
class Label {
  @PrimaryGeneratedColumn() id: number
  @Column() name: string
  @OneToOne(() => Node, (node) => node.label, { lazy: true, nullable: true }) @JoinColumn() node: Promise<Node | null>
}

interface Told {
  readonly entity: object
  readonly path: string
  readonly value: unknown
  /** Whether the entity held it at that moment. */
  readonly isHeld: boolean
}

interface Opened {
  readonly dataSource: DataSource
  readonly runner: QueryRunner
  readonly sink: FakeSink
  readonly told: Told[]
  readonly sent: Recording
  readonly stop: () => void
  load<E>(target: new () => E, relations?: string[]): Promise<E[]>
}

async function open(): Promise<Opened> {
  const dataSource = await openDataSource({ entities: [...LIBRARY, Node, Label] })
  wrapHydration(dataSource)
  const { manager } = dataSource
  const [ann, bob] = await manager.save([make(Writer, { name: 'Ann' }), make(Writer, { name: 'Bob' })])
  const topics = await manager.save([make(Topic, { name: 't1' }), make(Topic, { name: 't2' })])
  for (const [name, writer] of [
    ['x', ann],
    ['y', ann],
    ['z', null],
  ] as const)
    await manager.save(
      Object.assign(new Essay(), { name, writer: Promise.resolve(writer), topics: Promise.resolve(name === 'z' ? [] : topics) }),
    )
  expect(bob!.id).toBe(2)
  const root = await manager.save(Object.assign(new Node(), { name: 'root' }))
  await manager.save(Object.assign(new Node(), { name: 'leaf', parent: Promise.resolve(root) }))
  await manager.save(Object.assign(new Label(), { name: 'top', node: Promise.resolve(root) }))
  const runner = dataSource.createQueryRunner()
  const sink = new FakeSink()
  const told: Told[] = []
  const stop = lazyLoading.register(dataSource, (entity) =>
    [...sink.instances.values()].includes(entity)
      ? {
          runner,
          sink,
          around: (_target, load) => load(),
          relationLoaded: (owner, path, value) =>
            told.push({ entity: owner, path, value, isHeld: (owner as Record<string, unknown>)[`__${path}__`] === value }),
        }
      : undefined,
  )
  const loader = new EntityLoader(dataSource, runner)
  return {
    dataSource,
    runner,
    sink,
    told,
    stop,
    sent: recordStatements(dataSource),
    load: async <E>(target: new () => E, relations?: string[]) =>
      (await loader.load({ map: entityMapOf(dataSource.getMetadata(target)), order: { id: 'ASC' } as object, relations }, sink)) as E[],
  }
}

describeDatabase('a lazy relation of a kept entity', () => {
  it('gives the objects that are kept already, and is told with them', async () => {
    const { load, told, sink } = await open()
    const [x, y, z] = await load(Essay)
    const ann = await x!.writer
    const topics = await x!.topics
    expect(await y!.writer).toBe(ann)
    expect([...(await y!.topics)].sort(byId)).toEqual([...topics].sort(byId))
    expect((await y!.topics).every((topic) => topics.includes(topic))).toBe(true)
    expect([await z!.writer, await z!.topics]).toEqual([null, []])
    expect([...sink.instances.values()]).toEqual(expect.arrayContaining([ann, ...topics]))
    expect(told.map(({ entity, path, isHeld }) => [(entity as Essay).name, path, isHeld])).toEqual([
      ['x', 'writer', true],
      ['x', 'topics', true],
      ['y', 'writer', true],
      ['y', 'topics', true],
      ['z', 'writer', true],
      ['z', 'topics', true],
    ])
    expect(told.map(({ value }) => value)).toEqual([ann, topics, ann, await y!.topics, null, []])
  })

  it('is read once, however often it is asked for', async () => {
    const { load, sent, told } = await open()
    const [x] = await load(Essay)
    sent.clear()
    const [one, another] = await Promise.all([x!.writer, x!.writer])
    expect(one).toBe(another)
    expect(await x!.writer).toBe(one)
    expect(sent.statements).toHaveLength(1)
    expect(told).toHaveLength(1)
  })

  it('is not read again when its query joined it', async () => {
    const { load, sent } = await open()
    const [x, , z] = await load(Essay, ['writer', 'topics'])
    sent.clear()
    expect([(await x!.writer)!.name, (await x!.topics).length, await z!.writer, await z!.topics]).toEqual(['Ann', 2, null, []])
    expect(sent.statements).toEqual([])
  })

  it('goes round in circles, both ways and to itself', async () => {
    const { load, told } = await open()
    const [root, leaf] = await load(Node)
    expect(await leaf!.parent).toBe(root)
    expect(await root!.children).toEqual([leaf])
    expect((await root!.children)[0]).toBe(leaf)
    expect(await root!.parent).toBe(null)
    expect(await leaf!.label).toBe(null)
    expect(await (await root!.label)!.node).toBe(root)
    expect(told.map(({ path }) => path)).toEqual(['parent', 'children', 'parent', 'label', 'label', 'node'])
  })

  it('is read in the transaction of its session', async () => {
    const { load, runner, dataSource } = await open()
    if (isSingleConnection()) return
    const [x] = await load(Essay)
    await runner.startTransaction()
    await runner.manager.update(Writer, { name: 'Ann' }, { name: 'Anna' })
    expect((await x!.writer)!.name).toBe('Anna')
    await runner.rollbackTransaction()
    expect((await dataSource.manager.findOneByOrFail(Writer, { id: 1 })).name).toBe('Ann')
  })

  it('keeps what was assigned while it was read, and is told what the database says', async () => {
    const { load, told } = await open()
    const [x] = await load(Essay)
    const reading = x!.writer
    const own = make(Writer, { name: 'Cid' })
    Object.assign(x!, { writer: own })
    const read = await reading
    expect(read!.name).toBe('Ann')
    expect(await x!.writer).toBe(own)
    expect(told).toMatchObject([{ path: 'writer', value: read, isHeld: false }])
  })

  it('rejects as its query does, for its caller alone, and is read anew when asked for again', async () => {
    const { load, runner } = await open()
    const [x] = await load(Essay)
    const { query } = runner
    runner.query = () => Promise.reject(new Error('no connection'))
    await expect(x!.writer).rejects.toThrow('no connection')
    await new Promise((resolve) => setTimeout(resolve, 5)) // an error nobody hears of would show by now
    runner.query = query
    expect((await x!.writer)!.name).toBe('Ann')
  })
})

describeDatabase('a lazy relation of any other entity', () => {
  it('is loaded as ever', async () => {
    const { dataSource, sink, told } = await open()
    const essay = await dataSource.manager.findOneByOrFail(Essay, { name: 'x' })
    expect((await essay.writer)!.name).toBe('Ann')
    expect([sink.rows.length, told.length]).toEqual([0, 0])
  })

  it('is loaded as ever once nobody claims it', async () => {
    const { dataSource, load, stop, sink, told } = await open()
    const { load: wrapped } = dataSource.relationLoader
    const [x] = await load(Essay)
    const rows = sink.rows.length
    stop()
    stop()
    expect(dataSource.relationLoader.load).not.toBe(wrapped)
    expect((await x!.writer)!.name).toBe('Ann')
    expect([sink.rows.length, told.length]).toEqual([rows, 0])
  })
})

function byId(a: { id: number }, b: { id: number }): number {
  return a.id - b.id
}
