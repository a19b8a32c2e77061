/** How a relay hears that there is something to do. */
import { sessionSubscriber } from 'flushpoint'
import { createRelay, Outbox, outboxOf, PermanentError } from 'flushpoint/outbox'
import type { DataSource, DataSourceOptions } from 'typeorm'
import { Sleep } from '../../lib/outbox/relay/sleep.js'
import { settingsOrFail } from '../../lib/outbox/outbox-settings.js'
import { describeDatabase, openDataSource } from '../support/databases.js'
import { movesOf, moving, noting, tellMoves, type Move } from '../support/moves.js'
import { openOutbox } from '../support/outbox.js'
import { countRows, startRelay, until } from '../support/relays.js'
import { shares } from '../support/slots.js'

/** Looks so rarely that it has to be told. */
const NEVER = [600_000, 600_000] as const
const leaseMs = 600_000

const ready = (dataSource: DataSource, wanted = '32', timeoutMs = 10_000) =>
  until('it has its slots, and sleeps', async () => String(await shares(dataSource, 'ear')) === wanted, timeoutMs)

describe('the sleep of a relay', () => {
  it('ends when it is called, also before it has begun', async () => {
    const sleep = new Sleep(NEVER, true)
    sleep.wake()
    await sleep.untilWoken()
    const slept = sleep.untilWoken()
    sleep.wake()
    await slept
    await sleep.untilWoken(5)
  })

  it('ends when something is due, unless that was found since', async () => {
    const sleep = new Sleep(NEVER, true)
    for (const ms of [30, 5, 60]) sleep.notLongerThan(ms)
    for (let time = 0; time < 3; time++) {
      await sleep.untilWoken()
      await new Promise((resolve) => setTimeout(resolve, 100)) // all are due, and nobody has looked
    }
    sleep.look()
    let isOver = false
    const last = sleep.untilWoken().then(() => (isOver = true))
    await new Promise((resolve) => setTimeout(resolve, 100))
    expect(isOver).toBe(false)
    sleep.wake()
    await last
  })
})

describeDatabase('a relay that looks rarely', () => {
  it('is woken by commits of its process, by each of them', async () => {
    const dataSource = await openOutbox()
    const handled: Move[] = []
    await startRelay(dataSource, { leaseMs, pollMs: NEVER, subscriptions: [noting('ear', handled)] })
    await ready(dataSource)
    for (let n = 0; n < 30; n++) {
      await tellMoves(dataSource, movesOf(1, 1, n))
      await until(`${n} is handled`, () => handled.length === n + 1)
    }
  })

  it('is woken in each of its loops, whoever looks at new messages', async () => {
    const dataSource = await openOutbox()
    const handled: Move[] = []
    const shareMs = 15_000 // a third of it is the longest until four loops have found their shares, and until they look unwoken
    await startRelay(dataSource, { leaseMs: shareMs, pollMs: NEVER, loops: 4, subscriptions: [noting('ear', handled), noting('eye', [])] })
    await ready(dataSource, '8,8,8,8', shareMs)
    for (let first = 0; first < 200; first += 40) await tellMoves(dataSource, movesOf(40, 40, first))
    await until('nothing is left', async () => (await countRows(dataSource, 'OutboxMessage')) === 0)
    expect(handled.length).toBe(200)
  })

  it('wakes by itself for what is to be tried again', async () => {
    const dataSource = await openOutbox()
    const relay = await startRelay(dataSource, {
      leaseMs,
      pollMs: NEVER,
      subscriptions: [
        moving('ear', (_, { attempt }) => {
          if (attempt < 4) throw new Error('not yet')
        }),
      ],
    })
    await tellMoves(dataSource, movesOf(5, 5))
    await until('all are handled', () => relay.counters.handled === 5)
  })

  it('is woken by its desk', async () => {
    const dataSource = await openOutbox()
    let isHard = true
    const relay = await startRelay(dataSource, {
      leaseMs,
      pollMs: NEVER,
      subscriptions: [
        moving('ear', () => {
          if (isHard) throw new PermanentError('no')
        }),
      ],
    })
    await tellMoves(dataSource, movesOf(1, 1))
    await until('it is dead', () => relay.counters.dead === 1)
    isHard = false
    await outboxOf(dataSource).redrive()
    await until('it is handled', () => relay.counters.handled === 1)
  })

  it('finds by itself what nobody has told it', async () => {
    const dataSource = await openOutbox()
    const handled: Move[] = []
    await startRelay(dataSource, { leaseMs, pollMs: [5, 400], subscriptions: [noting('ear', handled)] })
    await ready(dataSource)
    const { database } = settingsOrFail(dataSource)
    await database.transaction((connection) =>
      connection.insert('outbox_message', {
        constants: { id: 'of somebody else', kind: 'tracked', type: 'item.moved', source: '/', payload: '{"id":"k","n":7}', headers: '{}' },
        columns: [
          { name: 'slot', type: 'int', values: [3] },
          { name: 'occurred_at', type: 'bigint', values: [0] },
        ],
      }),
    )
    await until('it is handled', () => handled.length === 1)
    expect(handled).toEqual([{ id: 'k', n: 7 }])
  })
})

describeDatabase(
  'NOTIFY',
  () => {
    const extensions = [Outbox.with({ notify: true, worker: 'none' })]
    const another = (dataSource: DataSource, more: object = {}) =>
      openDataSource({
        ...dataSource.options,
        ...more,
        synchronize: false,
        subscribers: [sessionSubscriber({ extensions })],
      } as DataSourceOptions)

    it('wakes relays of other data sources when a transaction commits, also after its connection was lost', async () => {
      const dataSource = await openOutbox({ notify: true })
      const applicationName = `listening ${Math.random()}`
      const other = await another(dataSource, { applicationName, poolErrorHandler: () => {} })
      const handled: Move[] = []
      await startRelay(other, { leaseMs, pollMs: NEVER, subscriptions: [noting('ear', handled)] })
      await ready(dataSource)
      for (let n = 0; n < 10; n++) {
        await tellMoves(dataSource, movesOf(1, 1, n))
        await until(`${n} is handled`, () => handled.length === n + 1)
      }
      await dataSource.query(
        `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = $1 AND query LIKE 'LISTEN%'`,
        [applicationName],
      )
      await tellMoves(dataSource, movesOf(1, 1, 10))
      await until('it is found when the connection is back', () => handled.length === 11)
      await tellMoves(dataSource, movesOf(1, 1, 11))
      await until('it is told again', () => handled.length === 12)
    })

    it('is not listened to any more when the relay has stopped, at whichever moment', async () => {
      const dataSource = await openOutbox({ notify: true })
      const other = await another(dataSource, { poolSize: 2 })
      for (const delayMs of [undefined, 0, 1, 2, 5, 20]) {
        const relay = createRelay(other, { leaseMs, pollMs: NEVER, subscriptions: [noting('ear', [])] })
        const started = relay.start()
        if (delayMs !== undefined) await new Promise((resolve) => setTimeout(resolve, delayMs))
        await Promise.all([relay.stop(), started])
        const asked = await Promise.all(
          [1, 2].map(() => other.query('SELECT (SELECT count(*)::int FROM pg_listening_channels()) AS count, pg_sleep(0.02)')),
        )
        expect([delayMs, asked.flat().map(({ count }: { count: number }) => count)]).toEqual([delayMs, [0, 0]])
      }
    })
  },
  ['postgres'],
)
