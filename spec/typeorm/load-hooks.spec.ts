/**
 * afterLoad: for each entity a query gives the caller, once, strictly one after another; never for what TypeORM reads for itself.
 *
 * @module
 */
import type { DataSource } from 'typeorm'
import { withoutExtensions, type EntityState } from 'flushpoint'
import { MapperExtension, mapper } from 'flushpoint'
import { closeAll, describeDatabase } from '../support/databases.js'
import { label, openWithHooks, type Hooks } from '../support/hooks.js'
import { Essay, LIBRARY, Topic, Writer } from '../support/library.js'
import { Article, Author, Comment, ENTITIES, make, Note, Tag } from '../support/models.js'
import { describeWays } from '../support/ways-in.js'

afterEach(closeAll)

const log: string[] = []
const pause = (rounds: number) => new Promise((resolve) => setTimeout(resolve, rounds))
beforeEach(() => void (log.length = 0))

class TagLoaded extends MapperExtension<Tag> {
  override async afterLoad(tag: Tag) {
    await pause(2)
    log.push(`mapper ${label(tag)}`)
  }
}
mapper(Tag, { extensions: [TagLoaded] })

async function stored(...own: Hooks[]): Promise<{ dataSource: DataSource; article: Article }> {
  const dataSource = await openWithHooks({ entities: [...ENTITIES, ...LIBRARY] }, ...own)
  const article = await dataSource.manager.save(
    make(Article, {
      title: 'a',
      author: make(Author, { name: 'Ann' }),
      tags: [make(Tag, { name: 't1' }), make(Tag, { name: 't2' })],
      comments: [make(Comment, { text: 'c' })],
    }),
  )
  return { dataSource, article }
}

const loud: Hooks = { afterLoad: (entity) => void log.push(`loaded ${label(entity)}`) }
const slow: Hooks = {
  afterLoad: async (entity) => {
    log.push(`begin ${label(entity)}`)
    await pause(entity instanceof Article ? 1 : 3)
    log.push(`end ${label(entity)}`)
  },
}

describeDatabase('afterLoad', () => {
  it('runs for each entity once, relations included', async () => {
    const { dataSource } = await stored(loud)
    await dataSource.manager.find(Article, { relations: { author: { articles: true }, tags: true, comments: true } })
    const expected = ['Author Ann', 'Article a', 'Article a', 'Comment c', 'Tag t1', 'Tag t2'].map((one) => `loaded ${one}`)
    expect(log.filter((line) => line.startsWith('loaded')).sort()).toEqual(expected.sort())
  })

  it.each<[string, (dataSource: DataSource, id: number) => Promise<unknown>]>([
    ['findOne', ({ manager }, id) => manager.findOne(Author, { where: { id } })],
    ['findOneBy', ({ manager }, id) => manager.findOneBy(Author, { id })],
    ['findAndCount', ({ manager }) => manager.findAndCount(Author)],
    ['a repository', (dataSource, id) => dataSource.getRepository(Author).findBy({ id })],
    ['a query builder', ({ manager }) => manager.createQueryBuilder(Author, 'author').getMany()],
    ['getRawAndEntities', ({ manager }) => manager.createQueryBuilder(Author, 'author').getRawAndEntities()],
  ])('runs for %s', async (_how, load) => {
    const { dataSource, article } = await stored(loud)
    await load(dataSource, article.author!.id)
    expect(log).toEqual(['loaded Author Ann'])
  })

  it('runs for a lazy relation', async () => {
    const { dataSource } = await stored(loud)
    const essay = make(Essay, { name: 'e' })
    essay.writer = Promise.resolve(make(Writer, { name: 'w' }))
    essay.topics = Promise.resolve([make(Topic, { name: 't' })])
    await dataSource.manager.save(essay)
    log.length = 0
    const found = await dataSource.manager.findOneByOrFail(Essay, { name: 'e' })
    await found.writer
    await found.topics
    expect(log).toEqual(['loaded Essay e', 'loaded Writer w', 'loaded Topic t'])
  })

  it('is not run by counting', async () => {
    const { dataSource } = await stored(loud)
    await dataSource.manager.count(Author)
    await dataSource.manager.countBy(Author, { name: 'Ann' })
    expect(log).toEqual([])
  })

  it('is not run by what save and remove read', async () => {
    const { dataSource, article } = await stored(loud)
    log.length = 0
    Object.assign(article, { title: 'b', tags: [make(Tag, { name: 't3' })], comments: [] })
    await dataSource.manager.save(article)
    const note = await dataSource.manager.save(make(Note, { text: 'n' }))
    await dataSource.manager.save(Object.assign(note, { text: 'm' }))
    await dataSource.manager.softRemove(note)
    await dataSource.manager.remove(note)
    expect(log).toEqual([])
  })

  it('is run by a query that a hook makes during a save', async () => {
    const { dataSource, article } = await stored(loud, {
      async beforeUpdate() {
        await this.session.manager.find(Author)
      },
    })
    await dataSource.manager.save(Object.assign(article, { title: 'b' }))
    expect(log).toEqual(['loaded Author Ann'])
  })

  it('is silenced by withoutExtensions', async () => {
    const { dataSource } = await stored(loud)
    await withoutExtensions(() => dataSource.manager.find(Author))
    expect(log).toEqual([])
  })
})

describeWays('afterLoad hooks of several entities and extensions', (way) => {
  it('ends for one entity before it begins for the next, mapper hooks first', async () => {
    const { dataSource } = await stored(slow)
    const [article] = await way.loadAll(dataSource, Article, 'tags')
    expect(article!.tags).toHaveLength(2)
    const ofTag = (name: string) => [`mapper Tag ${name}`, `begin Tag ${name}`, `end Tag ${name}`]
    expect(log).toEqual([...ofTag('t1'), ...ofTag('t2'), 'begin Article a', 'end Article a'])
  })

  it('runs extensions in listed order for one entity', async () => {
    const { dataSource } = await stored(slow, loud)
    await way.loadAll(dataSource, Author)
    expect(log).toEqual(['begin Author Ann', 'end Author Ann', 'loaded Author Ann'])
  })
})

describeWays('what afterLoad is told', (way) => {
  async function seeing() {
    const seen: EntityState[] = []
    const known: unknown[] = []
    const { dataSource } = await stored({
      afterLoad(entity, state) {
        seen.push(state)
        known.push(state.status, state.key, { ...state.original }, this.session.scope?.kind ?? null)
        if (entity instanceof Author) entity.name = entity.name.toUpperCase()
        known.push(state.changed('name'))
      },
    })
    return { dataSource, seen, known }
  }

  it('is a clean state that follows what the hook changes, in a session without scope outside of a transaction', async () => {
    const { dataSource, known } = await seeing()
    const [author] = await way.loadAll(dataSource, Author)
    expect(author!.name).toBe('ANN')
    expect(known).toEqual(['clean', { id: author!.id }, { id: author!.id, name: 'Ann' }, null, true])
  })

  it('is the session of the transaction inside of one', async () => {
    const { dataSource, seen, known } = await seeing()
    await way.transaction(dataSource, async (work) => {
      await work.loadAll(Author)
      expect(seen[0]!.session).toBe(work.session)
    })
    // A block that has only read yet has begun nothing.
    expect(known[3]).toBe(way.pick<string | null>({ ambient: 'transaction', session: 'transaction', block: null }))
  })
})

describeWays('an error of afterLoad', (way) => {
  it.each<[string, () => unknown]>([
    ['thrown', () => throwing()],
    ['rejected', () => Promise.reject(veto)],
    ['rejected later', () => pause(1).then(() => Promise.reject(veto))],
  ])('%s reaches the caller as it is, and nothing runs after it', async (_how, fail) => {
    const { dataSource } = await stored({
      afterLoad: (entity) => {
        log.push(label(entity))
        return fail() as Promise<void>
      },
    })
    const caught: unknown = await way.loadAll(dataSource, Comment, 'article').catch((error: unknown) => error)
    await pause(5)
    expect(caught).toBe(veto)
    expect(log).toHaveLength(1)
  })
})

const veto = new Error('veto')

function throwing(): never {
  throw veto
}
