/** Who gets which messages: by name of the event, in batches, in later versions of the program, in other processes. */
import { createRelay, outboxOf, subscription, type CloudEvent } from 'flushpoint/outbox'
import { track } from 'flushpoint/events'
import type { DataSource } from 'typeorm'
import { receiveEvents } from '../../lib/events/event-receivers.js'
import { describeDatabase } from '../support/databases.js'
import { Noted } from '../support/events.js'
import { disordered, Moved, movesOf, noting, numbersOf, repeated, tellMoves, type Move } from '../support/moves.js'
import { messagesOf, openOutbox } from '../support/outbox.js'
import { Done, Story, WrittenEntity } from '../support/outbox-processes.js'
import { counted, countRows, hearing, startRelay, until } from '../support/relays.js'
import { slotsOf } from '../support/slots.js'

const nothingLeft = (dataSource: DataSource) => until('nothing is left', async () => (await countRows(dataSource, 'OutboxMessage')) === 0)
const announced = (dataSource: DataSource, name: string) =>
  until(`${name} is announced`, async () => (await slotsOf(dataSource, name)).length > 0)

describeDatabase('a subscription', () => {
  it('gets the events it names, and what nobody wants is gone', async () => {
    const dataSource = await openOutbox()
    const heard: Record<string, string[]> = { exact: [], open: [], several: [], all: [], none: [] }
    const listening = (name: string, events?: string | readonly string[]) =>
      subscription({ name, ...(events !== undefined && { events }), handle: ({ type }) => void heard[name]!.push(type) })
    await startRelay(dataSource, {
      subscriptions: [
        listening('exact', 'item.moved'),
        listening('open', 'item.*'),
        listening('several', ['test.noted', '*.wand*']),
        listening('all'),
        listening('none', 'item'),
      ],
    })
    await dataSource.transaction(async () => [new Moved({ id: 'k', n: 0 }), new Noted({ text: 'a' })].forEach((event) => track(event)))
    await nothingLeft(dataSource)
    expect(heard).toEqual({
      exact: ['item.moved'],
      open: ['item.moved'],
      several: ['test.noted'],
      all: ['item.moved', 'test.noted'],
      none: [],
    })
  })

  it('that an extension brings along later is heard by a relay that was made before', async () => {
    const dataSource = await openOutbox()
    const relay = createRelay(dataSource)
    const heard: CloudEvent[] = []
    receiveEvents(dataSource, hearing(heard, { name: 'late' }) as never)
    await relay.start()
    await dataSource.transaction(async () => track(new Noted({ text: 'a' })))
    await nothingLeft(dataSource)
    await relay.stop()
    expect(heard.map(({ type }) => type)).toEqual(['test.noted'])
  })

  it('gets more messages than a batch takes, each key in order', async () => {
    const dataSource = await openOutbox()
    const handled: Move[] = []
    await tellMoves(dataSource, movesOf(9, 95))
    await startRelay(dataSource, { batchSize: 10, subscriptions: [noting('ear', handled)] })
    await nothingLeft(dataSource)
    expect([handled.length, repeated(handled), disordered(handled)]).toEqual([95, [], []])
  })

  it('of a program that begins later gets what is told from then on, though the other relay does not know it', async () => {
    const dataSource = await openOutbox()
    const [early, late]: Move[][] = [[], []]
    await startRelay(dataSource, { leaseMs: 600_000, subscriptions: [noting('early', early!)] })
    await tellMoves(dataSource, movesOf(8, 40))
    await until('they are handled', () => early!.length === 40)
    const relay = await startRelay(dataSource, { subscriptions: [noting('late', late!)] })
    await announced(dataSource, 'late')
    await tellMoves(dataSource, movesOf(8, 40, 40))
    await nothingLeft(dataSource)
    expect([early!.length, repeated(early!), disordered(early!)]).toEqual([80, [], []])
    expect([numbersOf(late!).toSorted((a, b) => a - b), disordered(late!)]).toEqual([movesOf(8, 40, 40).map(({ n }) => n), []])
    await counted(relay, { handled: 40 })
  })

  it('gets what was told while no relay had it, in order, when one has it again', async () => {
    const dataSource = await openOutbox()
    const [here, away]: Move[][] = [[], []]
    const former = await startRelay(dataSource, { subscriptions: [noting('away', away!)] })
    await announced(dataSource, 'away')
    await former.stop()
    await startRelay(dataSource, { subscriptions: [noting('here', here!)] })
    await tellMoves(dataSource, movesOf(3, 30))
    await until('the one that is here has all', () => here!.length === 30)
    await until('all are in line for the other', async () => (await countRows(dataSource, 'OutboxDelivery')) === 30)
    expect((await outboxOf(dataSource).status()).subscriptions.find(({ name }) => name === 'away')?.backlog).toBe(30)
    await startRelay(dataSource, { subscriptions: [noting('away', away!)] })
    await tellMoves(dataSource, movesOf(3, 30, 30))
    await nothingLeft(dataSource)
    expect([here!.length, away!.length, repeated(away!), disordered(away!)]).toEqual([60, 60, [], []])
  })

  it('drops by itself what it does not want of what others hand on to it', async () => {
    const dataSource = await openOutbox()
    const heard: CloudEvent[] = []
    const handled: Move[] = []
    await startRelay(dataSource, { subscriptions: [noting('moves', handled, { events: 'item.moved' })] })
    await startRelay(dataSource, { subscriptions: [hearing(heard, { name: 'texts', events: 'test.noted' })] })
    await announced(dataSource, 'texts')
    await announced(dataSource, 'moves')
    await dataSource.transaction(async () => {
      for (let n = 0; n < 20; n++) track(n % 2 === 0 ? new Moved({ id: `k${n}`, n }) : new Noted({ text: `${n}` }))
    })
    await nothingLeft(dataSource)
    expect([handled.length, heard.length]).toEqual([10, 10])
    expect(await countRows(dataSource, 'OutboxDelivery')).toBe(0)
  })

  it('of another process gets everything, too', async () => {
    const dataSource = await openOutbox({}, { entities: [WrittenEntity as never] })
    const story = new Story(dataSource)
    const handled: Move[] = []
    await story.start('relay', { names: ['there'] })
    await announced(dataSource, 'there')
    await startRelay(dataSource, { subscriptions: [noting('here', handled)] })
    await announced(dataSource, 'here')
    for (let first = 0; first < 100; first += 20)
      await dataSource.transaction(async () => movesOf(8, 20, first).forEach((move) => track(new Done(move))))
    await nothingLeft(dataSource)
    const there = story.handledBy('there')
    for (const all of [handled, there]) expect([all.length, repeated(all), disordered(all)]).toEqual([100, [], []])
  }, 30_000)

  it('that is handed messages again handles what is new of their keys behind them, however many they are', async () => {
    const dataSource = await openOutbox()
    const [handled, keys]: [Move[], number] = [[], 60]
    const relay = await startRelay(dataSource, { retentionMs: 600_000, subscriptions: [noting('ear', handled)] })
    const old = Array.from({ length: keys }, (_, key) => movesOf(1, 10, key * 10).map(({ n }) => ({ id: `k${key}`, n }))).flat()
    await tellMoves(dataSource, old)
    await until('all are done', () => relay.counters.handled === old.length)
    handled.length = 0
    expect(await outboxOf(dataSource).replay({ sequence: 0 }, { subscription: 'ear' })).toBe(old.length)
    await tellMoves(
      dataSource,
      Array.from({ length: keys }, (_, key) => ({ id: `k${key}`, n: old.length + key })),
    )
    await until('all are done', () => relay.counters.handled === old.length * 2 + keys)
    expect([handled.length, repeated(handled), disordered(handled)]).toEqual([old.length + keys, [], []])
  })

  it('leaves its messages where they are for as long as they are to be kept, and does not handle them again', async () => {
    const dataSource = await openOutbox()
    const handled: Move[] = []
    const options = { retentionMs: 60_000, subscriptions: [noting('ear', handled), noting('eye', [])] }
    const relay = await startRelay(dataSource, options)
    await tellMoves(dataSource, movesOf(3, 9))
    await until('all are done', async () => (await messagesOf(dataSource)).every(({ state }) => state === 2))
    await relay.stop()
    await startRelay(dataSource, options)
    await tellMoves(dataSource, movesOf(3, 3, 9))
    await until('the new ones are done', async () => (await messagesOf(dataSource)).every(({ state }) => state === 2))
    const kept = await messagesOf(dataSource)
    expect([kept.length, repeated(handled), handled.length]).toEqual([12, [], 12])
    for (const { done_at, occurred_at } of kept) expect(Number(done_at)).toBeGreaterThanOrEqual(occurred_at - 60_000)
  })
})
