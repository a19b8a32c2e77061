/** What is triggered outside of every transaction, and in batches: stored by one statement, in the order of the calls. */
import { batchEvents, eventsSettled, triggerEvent } from 'flushpoint/events'
import type { OutboxOptions } from 'flushpoint/outbox'
import type { DataSource } from 'typeorm'
import { errorOf } from '../support/chains.js'
import { describeDatabase, recordStatements, type Recording } from '../support/databases.js'
import { delivered, thrownBy, tick, useEvents } from '../support/events.js'
import { Article, ENTITIES, make } from '../support/models.js'
import { isStoring, messagesOf, openOutbox, stepsOf } from '../support/outbox.js'
import { usePlugin } from '../support/use-plugin.js'
import { describeWays } from '../support/ways-in.js'

const TEN = Array.from({ length: 10 }, (_, index) => index)

const article = (title = 'A') => make(Article, { title })
const open = (options?: OutboxOptions) => openOutbox(options, { entities: ENTITIES })
const trigger = (...ids: number[]) => ids.forEach((id) => triggerEvent('test.event', { id }))
const idsIn = async (dataSource: DataSource) => (await messagesOf(dataSource)).map(({ payload }) => (payload as { id: number }).id)
const stores = ({ statements }: Recording) => statements.filter(isStoring).length

describeDatabase('what is triggered outside of a transaction', () => {
  const plugin = usePlugin(useEvents())

  // C26
  it('is stored at once, and handed to no plugin here', async () => {
    const dataSource = await open()
    trigger(1)
    await eventsSettled()
    expect([await idsIn(dataSource), plugin.sample.ids]).toEqual([[1], []])
  })

  // C21
  it('is stored by one statement where it is a batch: ten in order, with their payloads', async () => {
    const dataSource = await open()
    const recording = recordStatements(dataSource)
    await batchEvents(async () => {
      for (const id of TEN) {
        trigger(id)
        await tick()
      }
      expect(recording.statements).toEqual([])
    })
    await eventsSettled()
    expect(stepsOf(recording)).toEqual(['BEGIN', 'store', 'COMMIT'])
    expect([await idsIn(dataSource), plugin.sample.ids]).toEqual([TEN, []])
  })

  // C22
  it('is nothing where the batch is empty', async () => {
    const dataSource = await open()
    const recording = recordStatements(dataSource)
    batchEvents(() => undefined)
    await batchEvents(async () => tick())
    await eventsSettled()
    expect(recording.statements).toEqual([])
  })

  // C24
  it('keeps its place in a batch among those of other names', async () => {
    const dataSource = await open()
    const calls = ['a', 'b', 'a', 'a', 'b', 'a', 'b', 'a'] as const
    batchEvents(() => calls.forEach((name, id) => triggerEvent(`event.${name}`, { id })))
    await eventsSettled()
    expect((await messagesOf(dataSource)).map(({ type }) => type)).toEqual(calls.map((name) => `event.${name}`))
    expect(await idsIn(dataSource)).toEqual(calls.map((_, id) => id))
  })

  // C27
  it('is stored once, when the outermost batch is over', async () => {
    const dataSource = await open()
    const recording = recordStatements(dataSource)
    await batchEvents(async () => {
      trigger(1)
      await batchEvents(async () => trigger(2))
      await delivered()
      expect(recording.statements).toEqual([])
    })
    await eventsSettled()
    expect([stores(recording), await idsIn(dataSource)]).toEqual([1, [1, 2]])
  })

  it('is stored where the batch fails, too: what was told has happened', async () => {
    const dataSource = await open()
    const running = batchEvents(async () => {
      trigger(1)
      await tick()
      throw new Error('no')
    })
    expect(await errorOf(running)).toMatchObject({ message: 'no' })
    await eventsSettled()
    expect(await idsIn(dataSource)).toEqual([1])
  })

  it('goes both ways in one batch: to the outbox what `events` names, to plugins here the rest', async () => {
    const dataSource = await open({ events: ['event.a'] })
    batchEvents(() => (['a', 'b', 'a', 'b'] as const).forEach((name, id) => triggerEvent(`event.${name}`, { id })))
    await eventsSettled()
    expect([await idsIn(dataSource), plugin.sample.ids]).toEqual([
      [0, 2],
      [1, 3],
    ])
  })

  it('is refused in a batch where it is told, and the rest of the batch is stored', async () => {
    const dataSource = await open()
    await batchEvents(async () => {
      trigger(1)
      const error = thrownBy(() => triggerEvent('test.event', { id: 2n as never }))
      expect(error).toMatchObject({ code: 'OUTBOX_PAYLOAD_INVALID' })
      trigger(3)
    })
    await eventsSettled()
    expect(await idsIn(dataSource)).toEqual([1, 3])
  })
})

describeWays('a batch in a transaction', (way) => {
  const plugin = usePlugin(useEvents())

  // C21 C23
  it('is stored by one statement before the commit, in order', async () => {
    const dataSource = await open()
    const recording = recordStatements(dataSource)
    await way.transaction(dataSource, async (work) => {
      await batchEvents(async () => {
        for (const id of TEN) {
          trigger(id)
          await tick()
        }
      })
      expect(stores(recording)).toBe(0)
      await work.save(article())
    })
    expect(stores(recording)).toBe(1)
    expect([await idsIn(dataSource), plugin.sample.ids]).toEqual([TEN, []])
  })

  it('is stored by the transaction where that is inside the batch', async () => {
    const dataSource = await open()
    await batchEvents(async () => {
      trigger(0)
      await way.transaction(dataSource, async (work) => {
        await work.save(article())
        trigger(1)
      })
      expect(await idsIn(dataSource)).toEqual([1])
    })
    await eventsSettled()
    expect(await idsIn(dataSource)).toEqual([1, 0])
  })

  // C25
  it('disappears with the rollback', async () => {
    const dataSource = await open()
    await errorOf(
      way.transaction(dataSource, async (work) => {
        await work.save(article())
        await batchEvents(async () => {
          trigger(...TEN)
          await tick()
          throw new Error('no')
        })
      }),
    )
    await eventsSettled()
    expect([await messagesOf(dataSource), await dataSource.manager.count(Article)]).toEqual([[], 0])
  })

  // C24
  it('keeps its place among those of other names', async () => {
    const dataSource = await open()
    const calls = ['a', 'b', 'a', 'a', 'b', 'a', 'b', 'a'] as const
    await way.transaction(dataSource, async (work) => {
      await work.save(article())
      batchEvents(() => calls.forEach((name, id) => triggerEvent(`event.${name}`, { id })))
    })
    expect((await messagesOf(dataSource)).map(({ type }) => type)).toEqual(calls.map((name) => `event.${name}`))
  })
})
