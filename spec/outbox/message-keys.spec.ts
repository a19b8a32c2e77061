/** The key of a message, which keeps the order of those that share it, and its slot. */
import { withSession } from 'flushpoint'
import { defineEvent, track, type DomainEvent } from 'flushpoint/events'
import type { OutboxOptions } from 'flushpoint/outbox'
import type { DataSource } from 'typeorm'
import { describeDatabase } from '../support/databases.js'
import { noted, thrownBy } from '../support/events.js'
import { ENTITIES, make, Tag } from '../support/models.js'
import { messagesOf, openOutbox } from '../support/outbox.js'

const Placed = defineEvent<{ id?: unknown; partitionKey?: unknown; customer?: string }>()('shop.order.placed')

const tag = (name: string) => make(Tag, { name })
const open = (options?: OutboxOptions) => openOutbox(options, { entities: ENTITIES })

/** Tells something in a transaction. */
async function tell(dataSource: DataSource, ...told: DomainEvent[]) {
  await withSession(dataSource, async () => told.forEach((event) => track(event)))
  return messagesOf(dataSource)
}

describeDatabase('the key of a message', () => {
  const keysOf = async (options: OutboxOptions, ...told: DomainEvent[]) =>
    (await tell(await open(options), ...told)).map(({ partition_key }) => partition_key)

  it('is what the event is about, else none', async () => {
    expect(await keysOf({}, new Placed({ id: 7 }), new Placed({ id: 'x' }), new Placed({ id: { part: 1 } }), new Placed({}))).toEqual([
      'shop.order:7',
      'shop.order:x',
      null,
      null,
    ])
  })

  it("is the event's own where it has one", async () => {
    expect(await keysOf({}, new Placed({ id: 7, partitionKey: 'ann' }), new Placed({ partitionKey: 8 }))).toEqual(['ann', '8'])
  })

  it('is what the option answers, which is asked once for each event', async () => {
    const asked: unknown[] = []
    const partitionKey: OutboxOptions['partitionKey'] = ({ name, payload }) => {
      const { customer, id } = payload as { customer?: string; id?: number }
      asked.push([name, id])
      return customer ?? id
    }
    const told = [new Placed({ id: 1, customer: 'ann' }), new Placed({ id: 2 }), new Placed({})]
    expect(await keysOf({ partitionKey }, ...told)).toEqual(['ann', '2', null])
    expect(asked).toEqual([
      ['shop.order.placed', 1],
      ['shop.order.placed', 2],
      ['shop.order.placed', undefined],
    ])
  })

  it.each([
    ['an empty text', ''],
    ['256 characters', 'x'.repeat(256)],
    ['an object', {}],
    ['a text with a NUL', 'a\0b'],
  ])('is refused where it is told, and the transaction goes on: %s', async (_, key) => {
    const dataSource = await open({ partitionKey: ({ payload }) => (payload as { id?: unknown }).id as string })
    await withSession(dataSource, async (session) => {
      session.add(tag('red'))
      await session.flush()
      expect(thrownBy(() => track(new Placed({ id: key })))).toMatchObject({ code: 'OUTBOX_KEY_INVALID' })
      track(new Placed({ id: 'good' }))
    })
    expect([(await messagesOf(dataSource)).map(({ partition_key }) => partition_key), await dataSource.manager.count(Tag)]).toEqual([
      ['good'],
      1,
    ])
  })

  it('fails as the option fails, with its very error', async () => {
    const failure = new Error('no such customer')
    const dataSource = await open({
      partitionKey: () => {
        throw failure
      },
    })
    await withSession(dataSource, async () => void expect(thrownBy(() => track(noted('a')))).toBe(failure))
    expect(await messagesOf(dataSource)).toEqual([])
  })

  it('may be as long as 255 characters, in any script', async () => {
    const key = 'ü語🎬'.repeat(60)
    expect([key.length, await keysOf({}, new Placed({ partitionKey: key }))]).toEqual([240, [key]])
  })

  it('is there where the event is about more than fits: then nothing but that is left out', async () => {
    const dataSource = await open({ partitionKey: () => 'all' })
    expect(await tell(dataSource, new Placed({ id: 'x'.repeat(300) }))).toMatchObject([
      { subject: null, aggregate_id: null, partition_key: 'all' },
    ])
  })

  it('decides the slot, of as many as there are', async () => {
    const told = () => Array.from({ length: 100 }, (_, index) => new Placed({ id: index % 10 }))
    const slots = async (options: OutboxOptions) => (await tell(await open(options), ...told())).map(({ slot }) => slot)
    const [default_, four, one] = [await slots({}), await slots({ slots: 4 }), await slots({ slots: 1 })]
    expect(default_.slice(0, 10)).toEqual(default_.slice(90))
    expect([Math.max(...default_) < 32, Math.max(...four) < 4, Math.max(...one)]).toEqual([true, true, 0])
    expect(new Set(four).size).toBeGreaterThan(1)
  })
})
