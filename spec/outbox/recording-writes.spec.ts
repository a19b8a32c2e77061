/** What hooks tell of a write that has no transaction around it: it goes with the write. */
import { mapper } from 'flushpoint'
import { onEvent, track } from 'flushpoint/events'
import type { DataSource } from 'typeorm'
import type { OutboxOptions } from 'flushpoint/outbox'
import { errorOf, extend, mapperExtension, sessionExtension } from '../support/chains.js'
import { databaseName, describeDatabase, recordStatements } from '../support/databases.js'
import { delivered, noted, Noted, useEvents } from '../support/events.js'
import { Article, ENTITIES, make, Note, Tag } from '../support/models.js'
import { dropMessages, isStoring, openOutbox, stepsOf, toldTo, type OutboxOpening } from '../support/outbox.js'

const article = (title = 'A') => make(Article, { title })
const tag = (name: string) => make(Tag, { name })
const open = (options?: OutboxOptions, extra?: OutboxOpening) => openOutbox(options, { entities: ENTITIES, ...extra })
const say = (text: string) => () => track(noted(text))

const events = useEvents()
afterEach(() => {
  mapper(Article, { extensions: [] })
  mapper(Tag, { extensions: [] })
})

const afterWrite = (text: string) =>
  mapperExtension({ afterInsert: say(text), afterUpdate: say(text), afterDelete: say(text), afterSoftRemove: say(text) })

describeDatabase('what a hook tells of a save', () => {
  it('is stored in the transaction that the save begins', async () => {
    extend(Article, afterWrite('A'))
    const dataSource = await open()
    const recording = recordStatements(dataSource)
    await dataSource.manager.save(article())
    expect([stepsOf(recording), await toldTo(dataSource)]).toEqual([['BEGIN', 'write', 'store', 'COMMIT'], ['test.noted A']])
  })

  it('is not stored where the save fails', async () => {
    extend(Tag, mapperExtension({ beforeInsert: say('told') }))
    const dataSource = await open()
    await dataSource.manager.save(tag('red'))
    const error = await errorOf(dataSource.manager.save(tag('red')))
    expect(error.message).toMatch(/unique|duplicate/i)
    expect(await toldTo(dataSource)).toEqual(['test.noted told'])
  })

  it('is stored after the save, by a transaction of its own, where the save is to have none', async () => {
    extend(Article, afterWrite('A'))
    const dataSource = await open()
    events.keep(onEvent(Noted)(({ text }) => void events.heard.push(text)))
    const recording = recordStatements(dataSource)
    await dataSource.manager.save(article(), { transaction: false })
    await delivered()
    expect(stepsOf(recording)).toEqual(['write', 'BEGIN', 'store', 'COMMIT'])
    expect([events.heard, await toldTo(dataSource)]).toEqual([['A'], ['test.noted A']])
  })

  it('is not stored where a save that is to have no transaction fails', async () => {
    extend(Tag, mapperExtension({ beforeInsert: say('told') }))
    const dataSource = await open()
    await dataSource.manager.save(tag('red'), { transaction: false })
    await errorOf(dataSource.manager.save(tag('red'), { transaction: false }))
    await delivered()
    expect(await toldTo(dataSource)).toEqual(['test.noted told'])
  })

  it('is as many messages as rows, by one statement', async () => {
    extend(Tag, mapperExtension({ afterInsert: ({ name }: Tag) => track(noted(name)) }))
    const dataSource = await open()
    const recording = recordStatements(dataSource)
    await dataSource.manager.save(['a', 'b', 'c'].map(tag))
    expect(await toldTo(dataSource)).toEqual(['test.noted a', 'test.noted b', 'test.noted c'])
    expect(recording.statements.filter(isStoring)).toHaveLength(1)
  })
})

describeDatabase('what a hook tells of a statement by query', () => {
  type Write = (dataSource: DataSource) => Promise<unknown>
  const KINDS: readonly (readonly [kind: string, write: Write])[] = [
    ['insert', ({ manager }) => manager.insert(Note, { text: 'new' })],
    ['update', ({ manager }) => manager.update(Note, { id: 1 }, { reason: 'so' })],
    ['delete', ({ manager }) => manager.delete(Note, { id: 1 })],
    ['soft delete', ({ manager }) => manager.softDelete(Note, { id: 1 })],
    ['restore', ({ manager }) => manager.restore(Note, { id: 1 })],
    ['upsert', ({ manager }) => manager.upsert(Tag, { name: 'red' }, ['name'])],
    ['query builder', (dataSource) => dataSource.createQueryBuilder().update(Note).set({ reason: 'so' }).where('id = 1').execute()],
  ]
  const telling = sessionExtension({ afterBulk: say('told') })

  it.each(KINDS)('is stored in the transaction that a statement outside of one gets: %s', async (_, write) => {
    const dataSource = await open({}, { around: (outbox) => [outbox, telling] })
    const recording = recordStatements(dataSource)
    await write(dataSource)
    expect([stepsOf(recording), await toldTo(dataSource)]).toEqual([['BEGIN', 'write', 'store', 'COMMIT'], ['test.noted told']])
  })

  it('is stored in the transaction around it where there is one', async () => {
    const dataSource = await open({}, { around: (outbox) => [telling, outbox] })
    const recording = recordStatements(dataSource)
    await dataSource.transaction(async (manager) => {
      await manager.insert(Note, { text: 'a' })
      await manager.update(Note, { text: 'a' }, { text: 'b' })
    })
    expect(stepsOf(recording)).toEqual(['BEGIN', 'write', 'write', 'store', 'COMMIT'])
    expect(await toldTo(dataSource)).toEqual(['test.noted told', 'test.noted told'])
  })

  it('undoes the statement where it cannot be stored', async () => {
    const dataSource = await open({}, { around: (outbox) => [outbox, telling], hasOwnDatabase: true })
    await dropMessages(dataSource)
    const error = await errorOf(dataSource.manager.insert(Note, { text: 'lost' }))
    expect(error.message).toMatch(/outbox_message/)
    expect(await dataSource.manager.count(Note)).toBe(0)
  })

  it('is stored by one transaction after another where several go side by side', async () => {
    const dataSource = await open({}, { around: (outbox) => [outbox, telling] })
    await Promise.all(['a', 'b', 'c'].map((text) => dataSource.manager.insert(Note, { text })))
    expect([await toldTo(dataSource), await dataSource.manager.count(Note)]).toEqual([Array(3).fill('test.noted told'), 3])
  })

  it('before it is sent is not lost either', async () => {
    const early = sessionExtension({ beforeBulk: say('early') })
    const dataSource = await open({}, { around: (outbox) => [early, outbox] })
    await dataSource.manager.insert(Note, { text: 'a' })
    await delivered()
    expect(await toldTo(dataSource)).toEqual(['test.noted early'])
  })
})

describeDatabase('a statement by query that nobody told of', () => {
  it('is sent in a transaction all the same, which stores nothing', async () => {
    const dataSource = await open()
    const recording = recordStatements(dataSource)
    await dataSource.manager.insert(Note, { text: 'a' })
    expect(stepsOf(recording)).toEqual(['BEGIN', 'write', 'COMMIT'])
  })

  it('keeps what the caller is told', async () => {
    const dataSource = await open()
    const { manager } = dataSource
    const { identifiers } = await manager.insert(Note, [{ text: 'a' }, { text: 'b' }])
    const { affected } = await manager.update(Note, { text: 'a' }, { text: 'c' })
    expect([identifiers.map(({ id }) => Number(id)), databaseName() === 'sqlite' ? 1 : affected]).toEqual([[1, 2], 1])
  })
})
