/**
 * What flushpoint leaves alone: data sources without it, saves with `listeners: false`, and the statements of saves no hook changes.
 *
 * @module
 */
import { type DataSource } from 'typeorm'
import { withoutExtensions, type Change } from 'flushpoint'
import { describeDatabase, openDataSource, recordStatements } from '../support/databases.js'
import { Basket, GRAPH, Line, Slip } from '../support/graph.js'
import { openWithHooks } from '../support/hooks.js'
import { Article, Author, Comment, ENTITIES, make, Note, Tag } from '../support/models.js'

const entities = [...ENTITIES, ...GRAPH]

/** A bit of everything TypeORM's persistence does, and the statements it took. */
async function statementsOf(dataSource: DataSource): Promise<string[]> {
  const recording = recordStatements(dataSource)
  const { manager } = dataSource
  const article = make(Article, { title: 'a', author: make(Author, { name: 'n' }), tags: [make(Tag, { name: 't' })] })
  await manager.save(article)
  article.title = 'b'
  article.tags = [make(Tag, { name: 'u' })]
  article.comments = [make(Comment, { text: 'c' })]
  await manager.save(article)
  article.comments = []
  await manager.save(article)
  await manager.save(article)
  const note = await manager.save(make(Note, { text: 'n' }))
  await manager.softRemove(note)
  await manager.recover(note)
  const basket = await manager.save(make(Basket, { name: 'b', lines: [make(Line, { name: 'l' })], slips: [make(Slip, { name: 's' })] }))
  Object.assign(basket, { lines: [make(Line, { name: 'm' })], slips: [] })
  await manager.save(basket)
  await manager.remove(article)
  await manager.transaction(async (inner) => {
    await inner.save(make(Tag, { name: 'v' }))
    await inner.update(Tag, { name: 'v' }, { name: 'w' })
  })
  recording.stop()
  return recording.sql()
}

describeDatabase('statements', () => {
  // Rows that TypeORM writes without an object are read for hooks: the comment, the line and the slip that collections dropped.
  it('are the same without flushpoint, beside it and with it; hooks that change nothing add a read per class of orphans', async () => {
    const before = await statementsOf(await openDataSource({ entities }))
    const withFlushpoint = await statementsOf(await openWithHooks({ entities }))
    const withHooks = await statementsOf(
      await openWithHooks({ entities }, { beforeFlush() {}, beforeInsert() {}, beforeUpdate() {}, beforeDelete() {}, afterUpdate() {} }),
    )
    const beside = await statementsOf(await openDataSource({ entities }))
    expect(before.length).toBeGreaterThan(30)
    expect(beside).toEqual(before)
    expect(withFlushpoint).toEqual(before)
    const left = [...before]
    const added = withHooks.filter((sql) => (left[0] === sql ? left.shift() === undefined : true))
    expect(left).toEqual([])
    expect(added.map((sql) => /^SELECT .* FROM .?(comment|line|slip)\b/.exec(sql)?.[1])).toEqual(['comment', 'line', 'slip'])
  })
})

describeDatabase('silence', () => {
  async function counting(): Promise<{ dataSource: DataSource; calls: string[]; committed: Change[] }> {
    const calls: string[] = []
    const committed: Change[] = []
    const dataSource = await openWithHooks(
      { entities },
      {
        beforeFlush: () => void calls.push('beforeFlush'),
        beforeInsert: () => void calls.push('beforeInsert'),
        afterInsert: () => void calls.push('afterInsert'),
        afterFlush: () => void calls.push('afterFlush'),
        afterCommit: (changes) => void committed.push(...changes),
      },
    )
    return { dataSource, calls, committed }
  }

  it('of listeners: false is complete, journal included', async () => {
    const { dataSource, calls, committed } = await counting()
    await dataSource.manager.save(make(Author, { name: 'a' }), { listeners: false })
    await dataSource.transaction((manager) => manager.save(make(Author, { name: 'b' }), { listeners: false }))
    expect(calls).toEqual([])
    expect(committed).toEqual([])
    expect(await dataSource.manager.count(Author)).toBe(2)
  })

  it('of listeners: false ends with that save', async () => {
    const { dataSource, committed } = await counting()
    await dataSource.transaction(async (manager) => {
      await manager.save(make(Author, { name: 'quiet' }), { listeners: false })
      await manager.save(make(Author, { name: 'loud' }))
    })
    expect(committed.map(({ after }) => (after as Partial<Author>).name)).toEqual(['loud'])
  })

  it('of withoutExtensions can keep the journal', async () => {
    const { dataSource, calls, committed } = await counting()
    await dataSource.transaction(async (manager) => {
      await withoutExtensions(() => manager.save(make(Author, { name: 'untold' })))
      await withoutExtensions({ journal: true }, () => manager.save(make(Author, { name: 'told' })))
    })
    expect(calls).toEqual([])
    expect(committed.map(({ after }) => (after as Partial<Author>).name)).toEqual(['told'])
  })
})
