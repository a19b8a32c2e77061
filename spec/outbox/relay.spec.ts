import { enablePluginEvents } from 'flushpoint/events'
import type { CloudEvent } from 'flushpoint/outbox'
import { describeDatabase } from '../support/databases.js'
import { openOutbox } from '../support/outbox.js'
import { counted, countRows, hearing, startRelay, tellAll, textsOf, triggerAll, until } from '../support/relays.js'

describeDatabase('a relay', () => {
  it('hands what is committed to a subscription, in order, and forgets it', async () => {
    const dataSource = await openOutbox({ source: '/spec' })
    const heard: CloudEvent[] = []
    await startRelay(dataSource, { subscriptions: [hearing(heard)] })
    await tellAll(dataSource, ['a', 'b', 'c'])
    await until('three are heard', () => heard.length === 3)
    expect(textsOf(heard)).toEqual(['a', 'b', 'c'])
    await until('nothing is left', async () => (await countRows(dataSource, 'OutboxMessage')) === 0)
    expect(await countRows(dataSource, 'OutboxDelivery')).toBe(0)
  })

  it('tries again what failed, while other keys and other subscriptions go on', async () => {
    const dataSource = await openOutbox()
    const [patient, other]: CloudEvent[][] = [[], []]
    const relay = await startRelay(dataSource, {
      subscriptions: [
        hearing(patient!, {
          name: 'patient',
          events: 'item.*',
          fails: ({ data }, attempt) => {
            if ((data as { id: number }).id === 1 && attempt < 3) throw new Error('not yet')
          },
        }),
        hearing(other!, { name: 'other', events: 'item.*' }),
      ],
    })
    const told = [1, 2, 1, 2, 3].map((id, index) => ['item.changed', { id, index }] as const)
    enablePluginEvents(true)
    await triggerAll(dataSource, told)
    await until('all are heard', () => patient!.length === 5 && other!.length === 5)
    enablePluginEvents(false)
    const indicesOf = (events: readonly CloudEvent[], id: number) =>
      events.flatMap(({ data }) => ((data as { id: number }).id === id ? [(data as { index: number }).index] : []))
    for (const events of [patient!, other!]) for (const id of [1, 2, 3]) expect(indicesOf(events, id)).toEqual(indicesOf(events, id).sort())
    expect(new Set(patient!.map(({ id }) => id)).size).toBe(5)
    expect(new Set(other!.map(({ id }) => id)).size).toBe(5)
    await counted(relay, { failed: 4 })
    await until('nothing is left', async () => (await countRows(dataSource, 'OutboxMessage')) === 0)
  })
})
