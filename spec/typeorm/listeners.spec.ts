/**
 * TypeORM's own listeners and subscribers beside flushpoint: when they run, and that none is left running when an error is thrown.
 *
 * @module
 */
import {
  BeforeInsert,
  Column,
  Entity,
  EventSubscriber,
  PrimaryGeneratedColumn,
  type DataSource,
  type EntitySubscriberInterface,
  type InsertEvent,
  type UpdateEvent,
} from 'typeorm'
import { sessionSubscriber } from 'flushpoint'
import { closeAll, openDataSource } from '../support/databases.js'
import { fresh, hooks, type Hooks } from '../support/hooks.js'
import { Article, ENTITIES, make, Tag } from '../support/models.js'
import { describeWays } from '../support/ways-in.js'

afterEach(closeAll)

@Entity()
class Letter {
  @PrimaryGeneratedColumn() id: number
  @Column() name: string
  @BeforeInsert() note() {
    listened.push('listener')
  }
}

const listened: string[] = []
const pause = () => new Promise((resolve) => setTimeout(resolve, 5))

type Foreign = EntitySubscriberInterface<any>

/** A data source with foreign subscribers on both sides of ours. */
function open(own: Hooks, ...foreign: Foreign[]): Promise<DataSource> {
  const [first = {}, ...others] = foreign.map((subscriber) => {
    class Subscriber {
      constructor() {
        Object.assign(this, subscriber)
      }
    }
    EventSubscriber()(Subscriber)
    return Subscriber
  })
  const subscribers = [first, sessionSubscriber({ extensions: [hooks(own)] }), ...others] as never[]
  return openDataSource({ entities: [...ENTITIES, Letter], subscribers })
}

describeWays('foreign listeners and subscribers', (way) => {
  it('run after beforeFlush and before the entity hooks, and the other way round afterwards', async () => {
    const log = listened
    log.length = 0
    const subscriber = (name: string): Foreign => ({
      listenTo: () => Letter,
      beforeInsert: async () => {
        await pause()
        log.push(`${name} before`)
      },
      afterInsert: async () => {
        await pause()
        log.push(`${name} after`)
      },
    })
    const own: Hooks = {
      beforeFlush: () => void log.push('beforeFlush'),
      beforeInsert: () => void log.push('beforeInsert'),
      afterInsert: () => void log.push('afterInsert'),
      afterFlush: () => void log.push('afterFlush'),
    }
    const dataSource = await open(own, subscriber('one'), subscriber('two'))
    await way.save(dataSource, make(Letter, { name: 'l' }))
    expect(log).toEqual([
      ...['beforeFlush', 'listener', 'one before', 'two before', 'beforeInsert'],
      ...['afterInsert', 'one after', 'two after', 'afterFlush'],
    ])
  })

  it('see what beforeFlush changed, and entity hooks see what they changed', async () => {
    const seen: string[] = []
    const own: Hooks = {
      beforeFlush() {
        for (const tag of this.session.uow.new as Set<Tag>) tag.name += ' flushed'
      },
      beforeInsert: (tag) => void seen.push((tag as Tag).name),
    }
    const dataSource = await open(own, {
      listenTo: () => Tag,
      async beforeInsert({ entity }: InsertEvent<Tag>) {
        seen.push(entity.name)
        await pause()
        entity.name += ' heard'
      },
    })
    const tag = await way.save(dataSource, make(Tag, { name: 't' }))
    expect(seen).toEqual(['t flushed', 't flushed heard'])
    expect((await fresh(dataSource, Tag, tag.id)).name).toBe('t flushed heard')
  })

  it('are told of an entity that beforeFlush has added', async () => {
    const heard: string[] = []
    const own: Hooks = {
      beforeFlush() {
        if (this.session.uow.new.size === 1) this.session.add(make(Tag, { name: 'added' }))
      },
    }
    const dataSource = await open(own, {
      listenTo: () => Tag,
      beforeInsert: ({ entity }: InsertEvent<Tag>) => void heard.push(entity.name),
    })
    await way.save(dataSource, make(Tag, { name: 'first' }))
    expect(heard).toEqual(['first', 'added'])
  })

  it('still change what is written', async () => {
    const dataSource = await open(
      {},
      {
        listenTo: () => Article,
        beforeUpdate: ({ entity }: UpdateEvent<Article>) => void ((entity as Article).slug = 'foreign'),
      },
    )
    const article = await way.save(dataSource, make(Article, { title: 'a' }))
    article.title = 'b'
    await way.save(dataSource, article)
    expect((await fresh(dataSource, Article, article.id)).slug).toBe('foreign')
  })
})

describeWays('a failing foreign hook', (way) => {
  const throws = () => {
    throw new Error('foreign')
  }
  const rejects = () => Promise.reject(new Error('foreign'))
  const failures: [string, Foreign][] = [
    ['throws', { beforeInsert: throws }],
    ['rejects', { beforeInsert: rejects }],
    ['throws afterwards', { afterInsert: throws }],
    ['rejects afterwards', { afterInsert: rejects }],
  ]

  it.each(failures)('that %s leaves no other running and no rejection unhandled', async (_how, failing) => {
    let finished = 0
    const finish = () => pause().then(() => void finished++)
    const tooLate = () => pause().then(() => Promise.reject(new Error('too late')))
    const isBefore = failing.beforeInsert !== undefined
    const others: Foreign[] = [
      { beforeInsert: finish, afterInsert: finish },
      isBefore ? { beforeInsert: tooLate } : { afterInsert: tooLate },
    ]
    const dataSource = await open({}, others[0]!, failing, others[1]!)
    await expect(way.save(dataSource, make(Tag, { name: 't' }))).rejects.toThrow('foreign')
    expect(finished).toBe(isBefore ? 1 : 2)
    await pause().then(pause) // Jest fails a test in which a rejection stays unhandled
    expect(await dataSource.manager.count(Tag)).toBe(0)
  })

  it('keeps our entity hooks from running, and its error is the very object', async () => {
    const error = new Error('foreign')
    const calls: string[] = []
    const own: Hooks = { beforeInsert: () => void calls.push('beforeInsert'), afterFlush: () => void calls.push('afterFlush') }
    const dataSource = await open(own, { beforeInsert: () => Promise.reject(error) })
    const caught: unknown = await way.save(dataSource, make(Tag, { name: 't' })).catch((reason: unknown) => reason)
    expect(caught).toBe(error)
    expect(calls).toEqual([])
  })

  it('that fails after ours have run cannot write after the rollback', async () => {
    const dataSource = await open(
      {
        beforeInsert: () => {
          throw new Error('veto')
        },
      },
      {
        listenTo: () => Tag,
        beforeInsert: async ({ manager }: InsertEvent<Tag>) => {
          await pause()
          await manager.query(`INSERT INTO author (name) VALUES ('late')`)
        },
      },
    )
    await expect(way.save(dataSource, make(Tag, { name: 't' }))).rejects.toThrow('veto')
    await pause()
    expect(await dataSource.manager.query('SELECT * FROM author')).toEqual([])
  })
})
