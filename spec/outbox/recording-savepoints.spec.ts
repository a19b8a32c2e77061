/** What is told in a level that is rolled back is not stored, whatever becomes of the levels around it. */
import { mapper, openSession, type Session } from 'flushpoint'
import { enablePluginEvents, registerPlugin, track, triggerEvent } from 'flushpoint/events'
import { QueryFailedError } from 'typeorm'
import type { OutboxOptions } from 'flushpoint/outbox'
import { errorOf, extend, mapperExtension } from '../support/chains.js'
import { recordStatements } from '../support/databases.js'
import { describeDatabase } from '../support/databases.js'
import { noted, SamplePlugin, useEvents } from '../support/events.js'
import { Article, ENTITIES, make, Tag } from '../support/models.js'
import { isStoring, messagesOf, openOutbox, toldTo, type OutboxOpening } from '../support/outbox.js'
import { describeWays, type Work } from '../support/ways-in.js'

const article = (title = 'A') => make(Article, { title })
const tag = (name: string) => make(Tag, { name })
const open = (options?: OutboxOptions, extra?: OutboxOpening) => openOutbox(options, { entities: ENTITIES, ...extra })
const told = (...texts: string[]) => texts.map((text) => `test.noted ${text}`)

const events = useEvents()
afterEach(() => mapper(Tag, { extensions: [] }))

/** A savepoint in which something is written and told; it fails when `fails`. */
const level = (work: Work, text: string, { fails = false, then = async (_: Work) => {} } = {}) =>
  work
    .transaction(async (inner) => {
      await inner.save(article(text))
      track(noted(text))
      await then(inner)
      if (fails) throw new Error('undone')
    })
    .catch((error: Error) => {
      if (error.message !== 'undone') throw error
    })

describeWays('what is told in a savepoint', (way) => {
  it('is stored with the rest, by one statement before COMMIT', async () => {
    const dataSource = await open()
    const recording = recordStatements(dataSource)
    await way.transaction(dataSource, async (work) => {
      track(noted('a'))
      await level(work, 'b', { then: (inner) => level(inner, 'c') })
      await level(work, 'd')
      track(noted('e'))
    })
    expect(recording.statements.filter(isStoring)).toHaveLength(1)
    expect(recording.sql().slice(recording.statements.findIndex(isStoring) + 1)).toEqual(['COMMIT'])
    expect(await toldTo(dataSource)).toEqual(told('a', 'b', 'c', 'd', 'e'))
  })

  it.each([
    ['first', async (work: Work) => level(work, 'x', { fails: true }), []],
    [
      'between others',
      async (work: Work) => (await level(work, 'a'), await level(work, 'x', { fails: true }), await level(work, 'b')),
      ['a', 'b'],
    ],
    ['around one that was released', async (work: Work) => level(work, 'x', { fails: true, then: (inner) => level(inner, 'y') }), []],
    ['inside one that is kept', async (work: Work) => level(work, 'a', { then: (inner) => level(inner, 'x', { fails: true }) }), ['a']],
    [
      'inside one that goes on',
      async (work: Work) =>
        work.transaction(async (inner) => {
          await level(inner, 'x', { fails: true })
          track(noted('b'))
        }),
      ['b'],
    ],
    ['twice', async (work: Work) => (await level(work, 'x', { fails: true }), await level(work, 'y', { fails: true })), []],
  ] as const)('is nothing where that is rolled back: %s', async (_, run, kept) => {
    const dataSource = await open()
    await way.transaction(dataSource, async (work) => {
      await run(work)
      track(noted('after'))
      await work.save(article('after'))
    })
    expect(await toldTo(dataSource)).toEqual(told(...kept, 'after'))
  })

  it('is nothing where nothing else is told, and no statement is sent for it', async () => {
    const dataSource = await open()
    const recording = recordStatements(dataSource)
    await way.transaction(dataSource, async (work) => {
      await work.save(article())
      await level(work, 'x', { fails: true })
    })
    expect([await toldTo(dataSource), recording.statements.filter(isStoring)]).toEqual([[], []])
  })

  it('is gone with the whole transaction', async () => {
    const dataSource = await open()
    await errorOf(
      way.transaction(dataSource, async (work) => {
        await level(work, 'a')
        throw new Error('no')
      }),
    )
    expect([await toldTo(dataSource), await dataSource.manager.count(Article)]).toEqual([[], 0])
  })

  it('is no different where it was triggered', async () => {
    enablePluginEvents(true)
    events.keep(registerPlugin(new SamplePlugin('sample')))
    const dataSource = await open()
    await way
      .transaction(dataSource, async (work) => {
        triggerEvent('test.event', { id: 1 })
        await level(work, 'x', { fails: true, then: async () => triggerEvent('test.event', { id: 2 }) })
        await level(work, 'a', { then: async () => triggerEvent('test.event', { id: 3 }) })
      })
      .finally(() => enablePluginEvents(false))
    expect((await messagesOf(dataSource)).map(({ payload }) => payload)).toEqual([{ id: 1 }, { text: 'a' }, { id: 3 }])
  })
})

describeWays('what hooks tell of a flush that fails inside a transaction', (way) => {
  const failing = mapperExtension({
    beforeInsert: ({ name }: Tag) => track(noted(`before ${name}`)),
    afterInsert: ({ name }: Tag) => {
      track(noted(`after ${name}`))
      if (name === 'bad') throw new Error('veto')
    },
  })

  it('is not stored with savepoints, while the rest of the transaction is', async () => {
    extend(Tag, failing)
    const dataSource = await open({}, { install: { savepoints: true } })
    await way.transaction(dataSource, async (work) => {
      await work.save(tag('good'))
      const bad = tag('bad')
      expect(await errorOf(work.save(bad))).toMatchObject({ message: 'veto' })
      work.giveUp(bad)
      track(noted('end'))
    })
    expect(await toldTo(dataSource)).toEqual(told('before good', 'after good', 'end'))
    expect((await dataSource.manager.find(Tag)).map(({ name }) => name)).toEqual(['good'])
  })

  it('is not stored with savepoints where it was the first that was told', async () => {
    extend(Tag, failing)
    const dataSource = await open({}, { install: { savepoints: true } })
    await way.transaction(dataSource, async (work) => {
      await work.save(article())
      const bad = tag('bad')
      await errorOf(work.save(bad))
      work.giveUp(bad)
      await work.save(tag('good'))
    })
    expect(await toldTo(dataSource)).toEqual(told('before good', 'after good'))
  })

  it('is gone with the transaction, which is good for nothing but a rollback then', async () => {
    extend(Tag, failing)
    const dataSource = await open()
    const running = way.transaction(dataSource, async (work) => {
      track(noted('a'))
      const bad = tag('bad')
      await errorOf(work.save(bad))
      work.giveUp(bad)
    })
    expect(await errorOf(running)).toMatchObject({ code: 'TRANSACTION_ROLLBACK_ONLY' })
    expect([await toldTo(dataSource), await dataSource.manager.count(Tag)]).toEqual([[], 0])
  })
})

describeDatabase('what is told in a transaction that is tried again', () => {
  it('is stored once, by the try that is committed', async () => {
    const dataSource = await open()
    await using session = openSession(dataSource)
    const attempt = async (own: Session) => {
      const { attempt: count } = own.info
      own.add(article(`try ${String(count)}`))
      track(noted(`try ${String(count)}`))
      await own.flush()
      if (count !== 3) throw new QueryFailedError('UPDATE', [], Object.assign(new Error('conflict'), { code: '40001' }))
    }
    await session.withRetry(attempt, { delayMs: 1 })
    expect([await toldTo(dataSource), await dataSource.manager.count(Article)]).toEqual([told('try 3'), 1])
  })
})
