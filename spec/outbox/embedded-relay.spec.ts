/** The relay that runs beside a program by itself. */
import { install, sessionSubscriber } from 'flushpoint'
import { track } from 'flushpoint/events'
import { embeddedRelayOf, Outbox, outboxEntities, type Relay } from 'flushpoint/outbox'
import { DataSource } from 'typeorm'
import { createDatabase, databaseName, dataSourceOptions, describeDatabase, openDataSource } from '../support/databases.js'
import { gate, warnings } from '../support/events.js'
import { Moved, movesOf, moving, noting, tellMoves, type Move } from '../support/moves.js'
import { openOutbox } from '../support/outbox.js'
import { countRows, until } from '../support/relays.js'
import { shares } from '../support/slots.js'

const relay = { pollMs: [5, 50] } as const

describeDatabase('an embedded relay', () => {
  afterEach(() => jest.restoreAllMocks())

  async function running(dataSource: DataSource, other?: Relay): Promise<Relay> {
    await until('it runs', () => embeddedRelayOf(dataSource)?.isRunning === true && embeddedRelayOf(dataSource) !== other)
    return embeddedRelayOf(dataSource)!
  }

  it.each([true, false])('begins by itself when its DataSource is connected, and ends with it (in memory: %s)', async (memory) => {
    const handled: Move[] = []
    const dataSource = await openOutbox(
      { worker: 'embedded', relay, subscriptions: [noting('ear', handled)] },
      { memory, hasOwnDatabase: memory },
    )
    await tellMoves(dataSource, movesOf(2, 10))
    await until('all are handled', () => handled.length === 10)
    const embedded = await running(dataSource)
    await until('it is written down', () => embedded.counters.handled === 10)
    await dataSource.destroy()
    expect(embedded.isRunning).toBe(false)
  })

  it('is the default, and is not there where it was not wanted', async () => {
    const [wanted, unwanted] = [await openOutbox({ worker: undefined as never }), await openOutbox({ worker: 'none' })]
    await running(wanted)
    expect(embeddedRelayOf(unwanted)).toBeUndefined()
  })

  it('is another one each time the DataSource is connected, however soon', async () => {
    const handled: Move[] = []
    const dataSource = await openOutbox({ worker: 'embedded', relay, subscriptions: [noting('ear', handled)] })
    const first = await running(dataSource)
    await dataSource.destroy()
    await dataSource.initialize()
    const second = await running(dataSource, first)
    await tellMoves(dataSource, movesOf(2, 10))
    await until('all are handled', () => second.counters.handled === 10)
    expect([first.isRunning, handled.length]).toEqual([false, 10])
  })

  it('that somebody has stopped stays so, and no other begins in its place', async () => {
    const handled: Move[] = []
    const dataSource = await openOutbox({ worker: 'embedded', relay, subscriptions: [noting('ear', handled)] })
    const embedded = await running(dataSource)
    await embedded.stop()
    await tellMoves(dataSource, movesOf(1, 1))
    await new Promise((resolve) => setTimeout(resolve, 200)) // time enough for another one
    expect([embeddedRelayOf(dataSource), await countRows(dataSource, 'OutboxMessage'), handled]).toEqual([embedded, 1, []])
    expect(await shares(dataSource, 'ear')).toEqual([-32])
  })

  it('is waited for when the DataSource goes, and no other begins meanwhile', async () => {
    const { opened, open } = gate()
    const handled: number[] = []
    const dataSource = await openOutbox({
      worker: 'embedded',
      relay: { ...relay, settleMs: 10 },
      subscriptions: [
        moving('ear', async ({ n }) => {
          open()
          await new Promise((resolve) => setTimeout(resolve, 200))
          handled.push(n)
        }),
      ],
    })
    const embedded = await running(dataSource)
    await tellMoves(dataSource, movesOf(1, 3))
    await opened
    await dataSource.destroy()
    expect([handled, embeddedRelayOf(dataSource)]).toEqual([[0], embedded])
    await new Promise((resolve) => setTimeout(resolve, 300))
    expect(handled).toEqual([0])
  })

  it('is there as soon as its DataSource is connected', async () => {
    const dataSource = await openOutbox({ worker: 'embedded', relay, subscriptions: [] })
    const embedded = embeddedRelayOf(dataSource)!
    await embedded.stop()
    await new Promise((resolve) => setTimeout(resolve, 100))
    expect(embeddedRelayOf(dataSource)).toBe(embedded)
  })

  it('ends where the outbox is taken off its DataSource, and begins where it is put on again', async () => {
    const handled: Move[] = []
    const extensions = [Outbox.with({ relay, subscriptions: [noting('ear', handled)] })]
    const dataSource = await openDataSource({ entities: outboxEntities(databaseName()) as never })
    const takeOff = install(dataSource, { extensions })
    const embedded = await running(dataSource)
    takeOff()
    await until('it has ended', () => String(embedded).startsWith('Relay (stopped'))
    expect(embeddedRelayOf(dataSource)).toBe(embedded)
    install(dataSource, { extensions })
    await running(dataSource, embedded)
    await tellMoves(dataSource, movesOf(1, 2))
    await until('both are handled', () => handled.length === 2)
  })

  it('that cannot start says so once', async () => {
    const said = warnings()
    const options = dataSourceOptions({ subscribers: [sessionSubscriber({ extensions: [Outbox] })], entities: [] })
    await createDatabase(options)
    const dataSource = await new DataSource(options).initialize()
    await until('it was said', () => said.length > 0)
    await new Promise((resolve) => setTimeout(resolve, 200))
    expect(said).toEqual([{ code: 'OUTBOX_RELAY_FAILED', message: expect.stringContaining('maps no OutboxMessage') as unknown }])
    await dataSource.destroy()
  })

  it('handles messages of a transaction around it only when that is committed', async () => {
    const handled: Move[] = []
    const dataSource = await openOutbox({ worker: 'embedded', relay, subscriptions: [noting('ear', handled)] })
    await running(dataSource)
    await dataSource.transaction(async () => {
      track(new Moved({ id: 'k', n: 0 }))
      await new Promise((resolve) => setTimeout(resolve, 100))
      expect(handled).toEqual([])
    })
    await until('it is handled', () => handled.length === 1)
  })
})
