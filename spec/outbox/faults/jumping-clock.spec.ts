/** Clocks that jump: that of the process is never asked, and that of the database costs no message. */
import type { DataSource } from 'typeorm'
import { describeDatabase } from '../../support/databases.js'
import { disordered, movesOf, moving, noting, numbersOf, repeated, tellMoves, type Move } from '../../support/moves.js'
import { openOutbox } from '../../support/outbox.js'
import { countRows, startRelay, until } from '../../support/relays.js'
import { jumpClock, shares, slotsOf } from '../../support/slots.js'

const HOUR_MS = 3_600_000
const leaseMs = 1_000

describeDatabase('a clock that jumps', () => {
  const isDone = async (dataSource: DataSource) => (await countRows(dataSource, 'OutboxMessage')) === 0

  afterEach(() => jest.restoreAllMocks())

  it.each([24 * HOUR_MS, -24 * HOUR_MS])('in the process, by %d ms: leases and retries go on', async (aheadMs) => {
    const dataSource = await openOutbox()
    const handled: Move[] = []
    const failing = moving('ear', (move, { attempt }) => {
      if (move.n % 5 === 0 && attempt < 3) throw new Error('not yet')
      handled.push(move)
    })
    const relays = await Promise.all([1, 2].map(() => startRelay(dataSource, { leaseMs, subscriptions: [failing] })))
    await until('both have their share', async () => String(await shares(dataSource, 'ear')) === '16,16')
    await tellMoves(dataSource, movesOf(10, 40))
    const { now } = Date
    jest.spyOn(Date, 'now').mockImplementation(() => now() + aheadMs)
    await tellMoves(dataSource, movesOf(10, 40, 40))
    jest.restoreAllMocks()
    await until('all are handled', () => handled.length === 80)
    await until('leases were renewed since', async () => {
      const untilMs = Math.min(...(await slotsOf(dataSource, 'ear')).map(({ lease_until }) => lease_until))
      return untilMs > Date.now() + leaseMs / 2
    })
    await until('nothing is left', () => isDone(dataSource))
    expect([repeated(handled), disordered(handled)]).toEqual([[], []])
    expect(relays.map(({ counters }) => counters.leaseLosses)).toEqual([0, 0])
  })

  it('in the database, back by an hour: who is alive goes on', async () => {
    const dataSource = await openOutbox()
    const handled: Move[] = []
    const relay = await startRelay(dataSource, { leaseMs, subscriptions: [noting('ear', handled)] })
    await tellMoves(dataSource, movesOf(10, 20))
    await until('some are handled', () => handled.length > 0)
    await jumpClock(dataSource, -HOUR_MS)
    await tellMoves(dataSource, movesOf(10, 20, 20))
    await until('nothing is left', () => isDone(dataSource))
    expect(numbersOf(handled).toSorted((a, b) => a - b)).toEqual(movesOf(10, 40).map(({ n }) => n))
    await until('leases are of this hour', async () =>
      (await slotsOf(dataSource, 'ear')).every(({ lease_until }) => lease_until < Date.now() + leaseMs * 2),
    )
    expect(relay.counters.leaseLosses).toBe(0)
  })

  it('in the database, ahead by an hour: what is taken over by somebody else is lost to nobody', async () => {
    const dataSource = await openOutbox()
    const [first, second]: Move[][] = [[], []]
    const options = (handled: Move[]) => ({ leaseMs, subscriptions: [noting('ear', handled)] })
    const relay = await startRelay(dataSource, options(first!))
    await until('the first has all', async () => String(await shares(dataSource, 'ear')) === '32')
    await jumpClock(dataSource, HOUR_MS)
    await startRelay(dataSource, options(second!))
    await tellMoves(dataSource, movesOf(64, 128))
    await until('nothing is left', () => isDone(dataSource))
    await until('both have their share', async () => String(await shares(dataSource, 'ear')) === '16,16')
    await tellMoves(dataSource, movesOf(64, 128, 128))
    await until('nothing is left', () => isDone(dataSource))
    const handled = [...first!, ...second!]
    expect([...new Set(numbersOf(handled))].toSorted((a, b) => a - b)).toEqual(movesOf(64, 256).map(({ n }) => n))
    expect([disordered(first!), disordered(second!)]).toEqual([[], []])
    expect(relay.isRunning).toBe(true)
  })
})
