/**
 * A DataSource of another copy of TypeORM: its internals are not ours to wrap, so subscriber events carry the flush, and a warning says what
 * is then not guaranteed.
 *
 * @module
 */
import { EventSubscriber, type DataSource, type DataSourceOptions } from 'typeorm'
import { MapperExtension, sessionSubscriber, mapper, sessionOf } from 'flushpoint'
import { createDatabase, dataSourceOptions, describeDatabase } from '../support/databases.js'
import { fresh, hooks, label, work, type Hooks } from '../support/hooks.js'
import { Article, Author, Comment, ENTITIES, make, Note, Tag } from '../support/models.js'

const log: string[] = []
const open: DataSource[] = []
const pause = () => new Promise((resolve) => setImmediate(resolve))

class Slug extends MapperExtension<Article> {
  override async beforeInsert(article: Article) {
    await pause()
    log.push('mapper before')
    article.slug = article.title.toLowerCase()
  }
  override afterInsert() {
    log.push('mapper after')
  }
}
mapper(Article, { extensions: [Slug] })

/** The DataSource class of a copy of TypeORM of its own. */
async function otherDataSource(): Promise<typeof DataSource> {
  let copy: typeof DataSource | undefined
  await jest.isolateModulesAsync(async () => {
    copy = (await import('typeorm')).DataSource as unknown as typeof DataSource
  })
  return copy!
}

async function openCopy(...own: Hooks[]): Promise<DataSource> {
  const OtherDataSource = await otherDataSource()
  const options: DataSourceOptions = dataSourceOptions({
    entities: ENTITIES,
    subscribers: [sessionSubscriber({ extensions: own.map(hooks) })],
  })
  await createDatabase(options)
  const dataSource = new OtherDataSource(options)
  open.push(dataSource)
  return dataSource.initialize()
}

const everything: Hooks = {
  beforeFlush() {
    log.push(`beforeFlush ${JSON.stringify(work(this.session.uow))}`)
  },
  beforeInsert: (entity) => void log.push(`before ${label(entity)}`),
  afterInsert: async (entity) => {
    await pause()
    log.push(`after ${label(entity)}`)
  },
  beforeUpdate: (entity, { changes }) => void log.push(`before ${label(entity)} ${JSON.stringify(changes)}`),
  afterUpdate: (entity) => void log.push(`after ${label(entity)}`),
  beforeDelete: (entity) => void log.push(`before ${label(entity)}`),
  afterDelete: (_entity, { key }) => void log.push(`after ${JSON.stringify(key)}`),
  afterFlush: () => void log.push('afterFlush'),
  beforeCommit: () => void log.push('beforeCommit'),
  afterCommit: (changes) => void log.push(`afterCommit ${changes.map(({ kind, table }) => `${kind} ${table}`).join(', ')}`),
  afterRollback: (changes) => void log.push(`afterRollback ${changes.length}`),
}

let emitted: jest.SpyInstance
beforeAll(() => (emitted = jest.spyOn(process, 'emitWarning').mockImplementation(() => undefined)))
beforeEach(() => void (log.length = 0))
afterEach(() => Promise.all(open.splice(0).map((dataSource) => dataSource.destroy())))
afterAll(() => emitted.mockRestore())

describeDatabase('a DataSource of another copy of TypeORM', () => {
  it('is warned about once, with all that is not guaranteed', async () => {
    for (const dataSource of [await openCopy(everything), await openCopy(everything)])
      await dataSource.manager.save(make(Tag, { name: 't' }))
    const warnings = emitted.mock.calls.filter(([, options]) => (options as { code?: string }).code === 'FALLBACK_BOUNDARY')
    expect(warnings).toHaveLength(1)
    for (const part of [
      'another copy of TypeORM',
      'other subscribers',
      'relations changed by hooks',
      'many-to-many',
      'bulk hooks',
      'affected rows',
    ])
      expect(warnings[0]![0]).toContain(part)
  })

  it('runs the hooks of a save in order with all that is new', async () => {
    const dataSource = await openCopy(everything)
    const article = make(Article, { title: 'A', author: make(Author, { name: 'Ann' }), comments: [make(Comment, { text: 'c' })] })
    await dataSource.manager.save(article)
    const sorted = (lines: string[]) => [...lines].sort()
    expect(JSON.parse(log[0]!.slice('beforeFlush '.length))).toEqual({
      new: expect.arrayContaining(['Author Ann', 'Article A', 'Comment c']),
    })
    expect(sorted(log.slice(1, 5))).toEqual(['before Article A', 'before Author Ann', 'before Comment c', 'mapper before'])
    expect(log.indexOf('mapper before')).toBe(log.indexOf('before Article A') + 1)
    expect(sorted(log.slice(5, 9))).toEqual(['after Article A', 'after Author Ann', 'after Comment c', 'mapper after'])
    expect(log.indexOf('mapper after')).toBe(log.indexOf('after Article A') - 1)
    expect(log.slice(9)).toEqual(['afterFlush', 'beforeCommit', expect.stringMatching(/^afterCommit (insert \w+(, )?){3}$/)])
    expect((await fresh(dataSource, Article, article.id)).slug).toBe('a')
  })

  it('runs them with all that is dirty, its changes included', async () => {
    const dataSource = await openCopy(everything)
    const author = await dataSource.manager.save(make(Author, { name: 'Ann' }))
    log.length = 0
    await dataSource.manager.save([Object.assign(author, { name: 'Bob' }), make(Author, { name: 'New' })])
    expect(log).toEqual([
      'beforeFlush {"new":["Author New"],"dirty":["Author Bob"]}',
      ...['before Author New', 'before Author Bob {"name":{"from":"Ann","to":"Bob"}}', 'after Author New', 'after Author Bob'],
      ...['afterFlush', 'beforeCommit', 'afterCommit insert author, update author'],
    ])
  })

  it('runs them with all that is deleted, keys kept', async () => {
    const dataSource = await openCopy(everything)
    const tag = await dataSource.manager.save(make(Tag, { name: 't' }))
    const { id } = tag
    log.length = 0
    await dataSource.manager.remove(tag)
    expect(log).toEqual([
      ...['beforeFlush {"deleted":["Tag t"]}', 'before Tag t', `after {"id":${id}}`],
      ...['afterFlush', 'beforeCommit', 'afterCommit delete tag'],
    ])
  })

  it('tells softRemove and recover apart from updates', async () => {
    const seen: unknown[] = []
    const dataSource = await openCopy({
      beforeFlush() {
        seen.push(work(this.session.uow))
      },
      beforeSoftRemove: () => void seen.push('softRemove'),
      beforeRecover: () => void seen.push('recover'),
    })
    const note = await dataSource.manager.save(make(Note, { text: 'n' }))
    await dataSource.manager.softRemove(note)
    await dataSource.manager.recover(note)
    expect(seen.slice(1)).toEqual([{ softRemoved: ['Note n'] }, 'softRemove', { recovered: ['Note n'] }, 'recover'])
  })

  it('writes the columns that hooks set', async () => {
    const dataSource = await openCopy({
      beforeUpdate: (entity) => void Object.assign(entity, { slug: 'set' }),
      beforeFlush() {
        for (const one of this.session.uow.new) Object.assign(one, { createdBy: 'me' })
      },
    })
    const article = await dataSource.manager.save(make(Article, { title: 'a' }))
    await dataSource.manager.save(Object.assign(article, { title: 'b' }))
    expect(await fresh(dataSource, Article, article.id)).toMatchObject({ createdBy: 'me', slug: 'set' })
  })

  it('rolls back with the very error of a hook', async () => {
    const error = new Error('veto')
    const dataSource = await openCopy(everything, { beforeInsert: () => Promise.reject(error) })
    const caught: unknown = await dataSource.manager.save(make(Tag, { name: 't' })).catch((reason: unknown) => reason)
    expect(caught).toBe(error)
    expect(log.at(-1)).toBe('afterRollback 0')
    expect(await dataSource.manager.count(Tag)).toBe(0)
  })

  it('tells a transaction once committed, savepoints cut off', async () => {
    const dataSource = await openCopy(everything)
    await dataSource.transaction(async (manager) => {
      sessionOf(manager).onCommit((changes) => void log.push(`onCommit ${changes.length}`))
      await manager.save(make(Tag, { name: 'kept' }))
      const nested = manager.transaction(async (inner) => {
        await inner.save(make(Tag, { name: 'undone' }))
        throw new Error('no')
      })
      await nested.catch(() => undefined)
      log.length = 0
    })
    expect(log).toEqual(['beforeCommit', 'afterCommit insert tag', 'onCommit 1'])
    expect((await dataSource.manager.find(Tag)).map(({ name }) => name)).toEqual(['kept'])
  })

  it('writes what a hook adds before the commit', async () => {
    const dataSource = await openCopy({
      beforeInsert(entity) {
        if (entity instanceof Author) this.session.add(make(Tag, { name: 'added' }))
      },
    })
    await dataSource.manager.save(make(Author, { name: 'Ann' }))
    expect(await dataSource.manager.countBy(Tag, { name: 'added' })).toBe(1)
  })

  it('goes on with a save that a hook makes, in the same transaction', async () => {
    const dataSource = await openCopy(everything, {
      async afterInsert(entity) {
        if (entity instanceof Author) await this.session.manager.save(make(Tag, { name: 'inner' }))
      },
    })
    await dataSource.manager.save(make(Author, { name: 'outer' }))
    expect(log.filter((line) => /^(beforeFlush|afterCommit)/.test(line))).toEqual([
      'beforeFlush {"new":["Author outer"]}',
      'beforeFlush {"new":["Tag inner"]}',
      'afterCommit insert author, insert tag',
    ])
  })
})

describeDatabase('a foreign subscriber of that copy', () => {
  it('still runs', async () => {
    class Foreign {
      beforeInsert({ entity }: { entity: Tag }) {
        entity.name += ' heard'
      }
    }
    EventSubscriber()(Foreign)
    const dataSource = await openCopy(everything)
    dataSource.subscribers.push(new Foreign())
    const tag = await dataSource.manager.save(make(Tag, { name: 't' }))
    expect((await fresh(dataSource, Tag, tag.id)).name).toBe('t heard')
  })
})
