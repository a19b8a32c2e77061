/** Subscriptions that nobody has any more are forgotten after a time, with what waits for them; whoever may come back is not. */
import { createRelay } from 'flushpoint/outbox'
import type { DataSource } from 'typeorm'
import { forget, type ForgetOptions } from '../../lib/outbox/relay/forget.js'
import { OutboxDatabase } from '../../lib/outbox/sql/outbox-database.js'
import { describeDatabase, recordStatements } from '../support/databases.js'
import { thrownBy, warnings } from '../support/events.js'
import { announce, deliveriesOf, fill, joinRelay, statesOf } from '../support/outbox-rows.js'
import { messagesOf } from '../support/outbox.js'
import { countRows, triggerAll, until } from '../support/relays.js'
import { jumpClock, slotsOf, steal } from '../support/slots.js'
import { RecordingPlugin, useWorkshop } from '../support/workshop.js'

const DAY = 24 * 3_600_000
const LONG_AGO = [{ owner: 'a', leaseMs: -9 * DAY }, { leaseMs: -8 * DAY }]

describeDatabase('subscriptions that nobody has any more', () => {
  const workshop = useWorkshop()
  let dataSource: DataSource
  let sightings: Map<string, number>
  beforeEach(async () => {
    dataSource = await workshop.open()
    sightings = new Map()
  })
  afterEach(() => jest.restoreAllMocks())

  const swept = (options: Partial<ForgetOptions> = {}, database = new OutboxDatabase(dataSource)) =>
    forget(database, { forgetAfterMs: 7 * DAY, retentionMs: 0, leaseMs: 15_000, sightings, ...options })
  /** Twice, as long as everybody who is alive needs to show it. */
  const forgotten = async (options: Partial<ForgetOptions> = {}) => {
    expect(await swept(options)).toEqual([])
    return swept(options)
  }
  const isKnown = async (name: string) => (await slotsOf(dataSource, name)).length > 0

  it('are forgotten with what waits for them; their dead letters stay, and whatever is for others', async () => {
    const said = warnings()
    await announce(dataSource, ['gone'], LONG_AGO)
    await announce(dataSource, ['here'], [{ owner: 'b', leaseMs: 5_000 }])
    await fill(dataSource, [{ to: { gone: {}, here: {} } }, { to: { gone: { attempts: 3 } } }, { to: { gone: { status: 'dead' } } }])
    expect(await forgotten()).toEqual([{ name: 'gone', deliveries: 2 }])
    expect(await deliveriesOf(dataSource)).toEqual(['1 here pending', '3 gone dead'])
    expect(await statesOf(dataSource)).toEqual(['1 out', '3 out'])
    expect([await isKnown('gone'), await isKnown('here')]).toEqual([false, true])
    expect(said).toEqual([
      {
        code: 'OUTBOX_SUBSCRIPTION_FORGOTTEN',
        message: expect.stringMatching(/^"gone" is forgotten, and 2 messages for it: no relay has had it since \d{4}-.*Z$/) as string,
      },
    ])
    expect(await forgotten()).toEqual([])
  })

  it('leave messages that nobody else waits for as done, where these are kept', async () => {
    warnings()
    await announce(dataSource, ['gone'], LONG_AGO)
    await fill(dataSource, [{ to: { gone: {} } }])
    await forgotten({ retentionMs: DAY })
    expect(await statesOf(dataSource)).toEqual(['1 done'])
  })

  it('are remembered as long as the youngest of their slots is', async () => {
    await announce(dataSource, ['quiet'], [...LONG_AGO, { leaseMs: -6 * DAY }])
    expect(await forgotten()).toEqual([])
    warnings()
    expect(await forgotten({ forgetAfterMs: 5 * DAY })).toEqual([{ name: 'quiet', deliveries: 0 }])
  })

  it('are remembered while a relay that is alive announces them, though all their slots are elsewhere', async () => {
    await announce(dataSource, ['quiet'], LONG_AGO)
    await joinRelay(dataSource, { owner: 'c', subscriptions: ['*', 'quiet'] })
    expect(await forgotten()).toEqual([])
    expect(await isKnown('quiet')).toBe(true)
  })

  it('are remembered from the time on that their slots were found given back', async () => {
    await announce(dataSource, ['stopped'], [{}, { leaseMs: -9 * DAY }])
    expect(await forgotten()).toEqual([])
    await jumpClock(dataSource, 6 * DAY)
    expect(await forgotten()).toEqual([])
    warnings()
    await jumpClock(dataSource, 2 * DAY)
    expect(await forgotten()).toEqual([{ name: 'stopped', deliveries: 0 }])
  })

  it('are not taken for gone where the clock has jumped: whoever is alive has the time of a lease to show it', async () => {
    await announce(dataSource, ['alive', 'gone'], [{ owner: 'a', leaseMs: 5_000 }])
    await jumpClock(dataSource, 30 * DAY)
    expect(await swept()).toEqual([])
    await steal(dataSource, ['alive'], { owner: 'a' })
    warnings()
    expect(await swept()).toEqual([{ name: 'gone', deliveries: 0 }])
    await jumpClock(dataSource, 30 * DAY)
    expect(await forgotten()).toEqual([{ name: 'alive', deliveries: 0 }])
  })

  it('are given more time where leases are long', async () => {
    warnings()
    await announce(dataSource, ['gone'], LONG_AGO)
    const leaseMs = 150_000
    for (let minute = 0; minute < 3; minute++) expect(await swept({ leaseMs })).toEqual([])
    expect(await swept({ leaseMs })).toEqual([{ name: 'gone', deliveries: 0 }])
  })

  it('never are the intake', async () => {
    await announce(dataSource, ['*'], LONG_AGO)
    expect(await forgotten()).toEqual([])
    expect(await isKnown('*')).toBe(true)
  })

  it('give up what waits for them without any slot, such as what was redriven too late, after the same time', async () => {
    const said = warnings()
    await fill(dataSource, [{ to: { late: {} } }, { to: { late: { status: 'dead' } } }, { to: { dead: { status: 'dead' } } }])
    expect(await forgotten()).toEqual([])
    await dataSource.query(`UPDATE outbox_delivery SET updated_at = updated_at - ${8 * DAY} WHERE updated_at > 0`)
    expect(await forgotten()).toEqual([{ name: 'late', deliveries: 1 }])
    expect(await deliveriesOf(dataSource)).toEqual(['2 late dead', '3 dead dead'])
    expect(await statesOf(dataSource)).toEqual(['2 out', '3 out'])
    expect(said).toHaveLength(1)
  })

  it('are forgotten in parts of a thousand deliveries, and their slots with the last one', async () => {
    warnings()
    await announce(dataSource, ['gone'], LONG_AGO)
    await fill(
      dataSource,
      Array.from({ length: 2_300 }, () => ({ to: { gone: {} } })),
    )
    await swept()
    const { statements, stop } = recordStatements(dataSource)
    expect(await swept()).toEqual([{ name: 'gone', deliveries: 2_300 }])
    stop()
    const isDelete = (table: string) => (sql: string) => new RegExp(`DELETE FROM .*${table}`).test(sql)
    const order = statements.map(({ sql }) => sql).filter((sql) => isDelete('outbox_delivery')(sql) || isDelete('outbox_slot')(sql))
    expect(order.map((sql) => isDelete('outbox_slot')(sql))).toEqual([false, false, false, true])
    expect(await countRows(dataSource, 'OutboxMessage')).toBe(0)
  })

  it('are left alone as soon as somebody has them again', async () => {
    await announce(dataSource, ['back'], LONG_AGO)
    await fill(
      dataSource,
      Array.from({ length: 1_500 }, () => ({ to: { back: {} } })),
    )
    await swept()
    class Interrupted extends OutboxDatabase {
      #count = 0
      override async transaction<T>(fn: Parameters<OutboxDatabase['transaction']>[0]): Promise<T> {
        const result = await super.transaction(fn)
        if (++this.#count === 1) await steal(dataSource, ['back'])
        return result as T
      }
    }
    const database = new Interrupted(dataSource)
    jest.spyOn(database, 'read').mockImplementation((fn) => new OutboxDatabase(dataSource).read(fn))
    warnings()
    await swept({}, database)
    expect((await slotsOf(dataSource, 'back')).map(({ owner }) => owner)).toEqual(['thief', 'thief'])
    expect(await countRows(dataSource, 'OutboxDelivery')).toBe(500)
  })

  it('are told of once where two relays forget them at the same time', async () => {
    const said = warnings()
    await announce(dataSource, ['gone'], LONG_AGO)
    await fill(dataSource, [{ to: { gone: {} } }])
    const other = new Map<string, number>()
    await swept()
    await swept({ sightings: other })
    const results = await Promise.all([swept(), swept({ sightings: other })])
    expect(results.flat()).toEqual([{ name: 'gone', deliveries: 1 }])
    expect(said).toHaveLength(1)
  })

  it('are forgotten by a relay that runs, which keeps nothing for them any more; come back they begin anew', async () => {
    const said = warnings()
    const [plugin, other] = [workshop.register(new RecordingPlugin('gone')), workshop.register(new RecordingPlugin('other'))]
    const first = await workshop.relay()
    await triggerAll(dataSource, [['test.event', { id: 1 }]])
    await workshop.emptied()
    plugin.handle()
    await first.stop()
    const timers = jest.spyOn(globalThis, 'setInterval')
    await workshop.relay()
    const sweepUntil = (what: string, check: () => Promise<boolean>) =>
      until(what, () => {
        timers.mock.calls.find(([, ms]) => ms === 60_000)![0]()
        return check()
      })
    await triggerAll(dataSource, [['test.event', { id: 2 }]])
    await until('it waits for the plugin', async () => (await countRows(dataSource, 'OutboxDelivery')) === 1)
    await sweepUntil('its time counts', async () => (await slotsOf(dataSource, 'plugin:gone'))[0]!.lease_until > 0)
    await jumpClock(dataSource, 8 * DAY)
    await triggerAll(dataSource, [['test.event', { id: 3 }]])
    await until('the relay has shown that it is alive', async () => (await countRows(dataSource, 'OutboxDelivery')) === 2)
    await sweepUntil('it is forgotten', () => Promise.resolve(said.length > 0))
    expect(await messagesOf(dataSource)).toEqual([])
    expect(said.map(({ code }) => code)).toEqual(['OUTBOX_SUBSCRIPTION_FORGOTTEN'])
    await triggerAll(dataSource, [['test.event', { id: 4 }]])
    await workshop.emptied()
    const back = workshop.register(new RecordingPlugin('gone'))
    await triggerAll(dataSource, [['test.event', { id: 5 }]])
    await workshop.emptied()
    expect([plugin.ids, back.ids, other.ids]).toEqual([[1], [5], [1, 2, 3, 4, 5]])
  })

  it('are not forgotten within a minute', () => {
    const error = thrownBy(() => createRelay(dataSource, { forgetAfterMs: 59_999 }))
    expect(error).toMatchObject({ code: 'OPTION_INVALID' })
    expect(error.message).toContain('forgetAfterMs')
    expect(createRelay(dataSource, { forgetAfterMs: 60_000 }).isRunning).toBe(false)
  })
})
