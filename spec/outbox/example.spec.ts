import { sessionSubscriber, withContext, withSession } from 'flushpoint'
import { defineEvent, enablePluginEvents, EventPlugin, onEvent, registerPlugin, track, triggerEvent } from 'flushpoint/events'
import {
  createRelay,
  Outbox,
  outboxEntities,
  outboxOf,
  PermanentError,
  ref,
  subscription,
  transportSubscription,
  type CloudEvent,
  type Transport,
} from 'flushpoint/outbox'
import { Column, Entity, PrimaryGeneratedColumn } from 'typeorm'
import { databaseName, describeDatabase, openDataSource } from '../support/databases.js'
import { countRows, until } from '../support/relays.js'

@Entity()
class Order {
  @PrimaryGeneratedColumn() id: number
  @Column() customer: string
  @Column({ default: 0 }) mails: number
}

declare module 'flushpoint/events' {
  interface EventPayloads {
    'order.packed': { id: number }
  }
}

// #region event
const OrderPlaced = defineEvent<{ id: number; customer: string }>()('order.placed')
// #endregion

const sent: CloudEvent[] = []

// #region subscriptions
const confirmations = subscription<{ customer: string }>({
  name: 'confirmations', // for good: its progress is kept under it
  events: 'order.placed',
  retry: { attempts: 8, baseMs: 500 },
  handle: async ({ id, data }, { abortSignal }) => {
    if (!data.customer.includes('@')) throw new PermanentError('no address') // a dead letter, at once
    await send(data.customer, { messageId: id, abortSignal })
  },
})

const counting = subscription<{ id: number }>({
  name: 'counting',
  events: 'order.*',
  exactlyOnce: true, // one transaction with the note that it was handled
  handle: async ({ data }, { manager }) => void (await manager.increment(Order, { id: data.id }, 'mails', 1)),
})
// #endregion

async function send(to: string, message: { messageId: string; abortSignal: AbortSignal }): Promise<void> {
  mailed.push(`${to} ${message.abortSignal.aborted}`)
}
const mailed: string[] = []

const stream: Transport = {
  name: 'stream',
  capabilities: { ordered: true, dedupe: true },
  publish: async (batch) => {
    sent.push(...batch)
    return batch.map(({ id }) => ({ id, isAccepted: true }))
  },
  close: async () => undefined,
}

// #region plugin
class Labels extends EventPlugin<'order.packed'> {
  readonly slug = 'labels'
  readonly printed: number[] = []

  override wantsProcessEvent(name: string) {
    return name === 'order.packed'
  }

  async processEvent({ payload }: { payload: { id: number } }) {
    this.printed.push(payload.id)
  }
}
// #endregion

describeDatabase('the example of an outbox', () => {
  it('keeps events, hands each to everybody who wants it, and gives up what cannot succeed', async () => {
    const connection = { type: databaseName() as 'postgres' }
    const options = {
      // #region outbox
      entities: [Order, ...outboxEntities(connection.type)], // and a migration: outboxMigration()
      subscribers: [
        sessionSubscriber({
          extensions: [Outbox.with({ source: '/shop', subscriptions: [confirmations, counting, transportSubscription(stream)] })],
        }),
      ],
      // #endregion
    }
    const dataSource = await openDataSource(options as never)
    const labels = new Labels()
    const plugin = registerPlugin(labels)
    enablePluginEvents(true)
    const heard: string[] = []
    const listening = onEvent(OrderPlaced)(({ customer }) => void heard.push(customer))

    // #region track
    await withContext({ actor: 'ada', requestId: 'r-17' }, () =>
      withSession(dataSource, async (session) => {
        const order = Object.assign(new Order(), { customer: 'grace@example.org' })
        session.add(order)
        track(new OrderPlaced({ id: ref(order).id, customer: order.customer })) // the key comes with the INSERT
      }),
    )
    // #endregion
    await dataSource.transaction(async () => {
      track(new OrderPlaced({ id: 99, customer: 'nobody' }))
      triggerEvent('order.packed', { id: 1 })
    })

    const desk = outboxOf(dataSource)
    await until('all is handled', async () => (await desk.dead()).length === 1 && (await countRows(dataSource, 'OutboxMessage')) === 1)
    expect(mailed).toEqual(['grace@example.org false'])
    expect(labels.printed).toEqual([1])
    expect(
      sent
        .filter(({ type }) => type.startsWith('order.'))
        .map(({ type, partitionkey }) => `${type} ${partitionkey}`)
        .sort(),
    ).toEqual(['order.packed order:1', 'order.placed order:1', 'order.placed order:99'])
    const [placed] = sent.filter(({ partitionkey, type }) => partitionkey === 'order:1' && type === 'order.placed')
    expect(placed).toMatchObject({ source: '/shop', actor: 'ada', requestid: 'r-17', data: { id: 1, customer: 'grace@example.org' } })
    expect((await dataSource.manager.findOneByOrFail(Order, { id: 1 })).mails).toBe(2)
    expect(heard).toEqual(['grace@example.org', 'nobody'])

    // #region desk
    const [letter] = await desk.dead({ subscription: 'confirmations' })
    await desk.redrive({ ids: [letter!.id] }) // or: npx flushpoint outbox redrive -d ormconfig.ts --id …
    // #endregion
    expect(letter).toMatchObject({ subscription: 'confirmations', type: 'order.placed', attempts: 1, partitionKey: 'order:99' })
    await until('it is dead again', async () => (await desk.dead()).length === 1)
    listening()
    enablePluginEvents(false)
    plugin()
    await dataSource.destroy()
  })

  it('runs a relay by hand, in any number of processes', async () => {
    const dataSource = await openDataSource({
      entities: outboxEntities(databaseName() as never),
      subscribers: [sessionSubscriber({ extensions: [Outbox.with({ worker: 'none' })] })],
    } as never)
    const heard: string[] = []
    const ear = subscription({ name: 'ear', handle: ({ type }) => void heard.push(type) })
    // #region relay
    await using relay = createRelay(dataSource, { subscriptions: [ear], loops: 2 })
    await relay.start()
    // #endregion
    await dataSource.transaction(async () => track(new OrderPlaced({ id: 1, customer: 'a@b.c' })))
    await until('it is heard', () => heard.length === 1)
    await until('it is written down', () => relay.counters.handled === 1)
    expect(String(relay)).toContain('ear; 1 handled')
  })
})
