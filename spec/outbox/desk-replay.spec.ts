/** A subscription gets once more what it is done with, and nothing it still has before it. */
import { outboxOf, subscription, type OutboxDesk } from 'flushpoint/outbox'
import type { DataSource } from 'typeorm'
import { onWakeUp } from '../../lib/outbox/wake-up.js'
import { errorOf } from '../support/chains.js'
import { describeDatabase } from '../support/databases.js'
import { announce, deliveriesOf, fill, statesOf } from '../support/outbox-rows.js'
import { openOutbox } from '../support/outbox.js'

const handle = () => undefined
const SUBSCRIPTIONS = [
  subscription({ name: 'films', events: 'film.*', handle }),
  subscription({ name: 'strict', events: 'film.*', onDead: 'block', handle }),
]
const DEAD = { status: 'dead' } as const
const MANY = 2_300

describeDatabase('a replay', () => {
  let dataSource: DataSource
  let desk: OutboxDesk

  const open = async (retentionMs: number) => {
    dataSource = await openOutbox({ subscriptions: SUBSCRIPTIONS, relay: { retentionMs } })
    desk = outboxOf(dataSource)
  }
  beforeEach(() => open(3_600_000))

  it('hands a subscription once more what it is done with, and leaves what it is not', async () => {
    await fill(dataSource, [
      { state: 'done' },
      { key: 'film:1', state: 'done' },
      { to: { strict: {} } },
      { to: { films: { attempts: 3 } } },
      { to: { films: DEAD } },
      { state: 'new' },
    ])
    let woken = 0
    const off = onWakeUp(dataSource, () => void woken++)
    expect(await desk.replay({ sequence: 2 }, { subscription: 'films' })).toBe(2)
    expect(await deliveriesOf(dataSource)).toEqual([
      '2 films pending',
      '3 films pending',
      '3 strict pending',
      '4 films pending',
      '5 films dead',
    ])
    expect(await statesOf(dataSource)).toEqual(['1 done', '2 out', '3 out', '4 out', '5 out', '6 new'])
    const [replayed] = await dataSource.getRepository('OutboxDelivery').findBy({ message_seq: 2 })
    expect(replayed).toMatchObject({ partition_key: 'film:1', slot: 3, attempts: 0, started: 0 })
    const [message] = await dataSource.getRepository('OutboxMessage').findBy({ seq: 2 })
    expect(message!['done_at']).toBeNull()
    expect(woken).toBe(1)
    off()
  })

  it('is done once: a second one finds what waits already', async () => {
    await fill(dataSource, [{ state: 'done' }])
    expect(await desk.replay({ sequence: 0 }, { subscription: 'films' })).toBe(1)
    expect(await desk.replay({ sequence: 0 }, { subscription: 'films' })).toBe(0)
  })

  it('begins with what was recorded at a time', async () => {
    await fill(dataSource, [
      { state: 'done', ageMs: 60_000 },
      { state: 'done', ageMs: 0 },
      { state: 'done', ageMs: 20_000 },
    ])
    const stored = await dataSource.getRepository('OutboxMessage').findOneByOrFail({ seq: 3 })
    expect(await desk.replay({ time: new Date(Number(stored['occurred_at'])) }, { subscription: 'films' })).toBe(2)
    expect(await deliveriesOf(dataSource)).toEqual(['2 films pending', '3 films pending'])
  })

  it('hands over what fits the filter, and what the subscription wants', async () => {
    await announce(dataSource, ['search'])
    await fill(dataSource, [
      { id: 'a', state: 'done', type: 'film.added', key: 'k' },
      { id: 'b', state: 'done', type: 'film.added' },
      { id: 'c', state: 'done', type: 'film_added', key: 'k' },
      { id: 'd', state: 'done', type: 'invoice.sent', key: 'k' },
    ])
    expect(await desk.replay({ sequence: 1 }, { subscription: 'films', partitionKey: 'k' })).toBe(1)
    expect(await desk.replay({ sequence: 1 }, { subscription: 'search', type: '*_*' })).toBe(1)
    expect(await desk.replay({ sequence: 1 }, { subscription: 'search', ids: ['d', 'b'] })).toBe(2)
    expect(await deliveriesOf(dataSource)).toEqual(['1 films pending', '2 search pending', '3 search pending', '4 search pending'])
  })

  it('goes through any number, in transactions of a thousand', async () => {
    await fill(
      dataSource,
      Array.from({ length: MANY }, () => ({ state: 'done' as const })),
    )
    expect(await desk.replay({ sequence: 1 }, { subscription: 'films' })).toBe(MANY)
    expect(await desk.status()).toMatchObject({ messages: MANY, subscriptions: [{ backlog: MANY }, { backlog: 0 }] })
  })

  it('never leaves a delivery without its message where others end with it meanwhile', async () => {
    await dataSource.destroy()
    await open(0)
    const sequences = await fill(
      dataSource,
      Array.from({ length: 300 }, () => ({ to: { strict: DEAD } })),
    )
    const [replayed] = await Promise.all([
      desk.replay({ sequence: 1 }, { subscription: 'films' }),
      ...sequences.filter((seq) => seq % 50 === 0).map(() => desk.discard()),
    ])
    expect(await statesOf(dataSource)).toHaveLength(replayed!)
    expect(await deliveriesOf(dataSource)).toHaveLength(replayed!)
  })

  it('refuses a subscription that nobody has announced, and names the nearest', async () => {
    await announce(dataSource, ['search', '*'])
    const error = await errorOf(desk.replay({ sequence: 1 }, { subscription: 'serach' }))
    expect(error).toMatchObject({ code: 'SUBSCRIPTION_UNKNOWN', message: expect.stringContaining('"search"') as string })
    expect((await errorOf(desk.replay({ sequence: 1 }, { subscription: '*' }))).code).toBe('SUBSCRIPTION_UNKNOWN')
  })

  it('refuses to replay to everybody', async () => {
    await fill(dataSource, [{ state: 'done' }])
    expect((await errorOf(desk.replay({ sequence: 1 }, {} as never))).code).toBe('REPLAY_WITHOUT_SUBSCRIPTION')
    expect(await deliveriesOf(dataSource)).toEqual([])
  })

  it.each([{ sequence: -1 }, { sequence: 1.5 }, { time: new Date(NaN) }, { time: '2026' }, {}, null, { sequence: 1, time: new Date() }])(
    'refuses to begin at %j',
    async (from) => {
      expect((await errorOf(desk.replay(from as never, { subscription: 'films' }))).code).toBe('OPTION_INVALID')
    },
  )
})
