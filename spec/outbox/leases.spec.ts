/** Slots: who holds them, how they are shared, and what a holder does who has lost them. */
import { sessionSubscriber } from 'flushpoint'
import { Outbox } from 'flushpoint/outbox'
import type { DataSource } from 'typeorm'
import { describeDatabase, openDataSource } from '../support/databases.js'
import { gate } from '../support/events.js'
import { disordered, movesOf, moving, noting, numbersOf, repeated, tellMoves, type Move } from '../support/moves.js'
import { openOutbox } from '../support/outbox.js'
import { countRows, startRelay, until } from '../support/relays.js'
import { shares, slotsOf, steal } from '../support/slots.js'

/** Renewed every third of it. */
const leaseMs = 500

describeDatabase('leases of slots', () => {
  it('cover what a writer with more slots has stored, and what comes to wait there', async () => {
    const writer = await openOutbox({ slots: 64 })
    await tellMoves(writer, movesOf(100, 200))
    const { subscribers: _, ...options } = writer.options
    const dataSource = await openDataSource({
      ...options,
      synchronize: false,
      subscribers: [sessionSubscriber({ extensions: [Outbox.with({ slots: 4, worker: 'none' })] })],
    } as never)
    const handled: Move[] = []
    let failures = 0
    const fails = moving('eye', () => {
      if (failures++ < 20) throw new Error('not yet')
    })
    const relay = await startRelay(dataSource, { leaseMs, subscriptions: [noting('ear', handled), fails] })
    await until('nothing is left', async () => (await countRows(dataSource, 'OutboxMessage')) === 0)
    expect([handled.length, disordered(handled), (await relay.health()).slots]).toEqual([200, [], 3 * 64])
  })

  const shared = (dataSource: DataSource, name: string, wanted: readonly number[]) =>
    until(`${name} is shared as ${wanted.join(', ')}`, async () => String(await shares(dataSource, name)) === String(wanted))

  it('share the slots of every name, and of what is new, evenly among loops', async () => {
    const dataSource = await openOutbox()
    const relay = await startRelay(dataSource, { leaseMs: 60_000, loops: 4, subscriptions: [noting('a', []), noting('b', [])] })
    for (const name of ['*', 'a', 'b']) await shared(dataSource, name, [8, 8, 8, 8])
    await until('the relay knows it', async () => (await relay.health()).slots === 96)
    for (const { slot } of await slotsOf(dataSource, 'a')) {
      const owners = new Set<string | null>()
      for (const name of ['*', 'a', 'b']) owners.add((await slotsOf(dataSource, name))[slot]!.owner)
      expect([slot, owners.size]).toEqual([slot, 1])
    }
  })

  it('go to a second relay by half, and come back when it stops', async () => {
    const dataSource = await openOutbox()
    await startRelay(dataSource, { leaseMs, subscriptions: [noting('ear', [])] })
    await shared(dataSource, 'ear', [32])
    const second = await startRelay(dataSource, { leaseMs, subscriptions: [noting('ear', [])] })
    await shared(dataSource, 'ear', [16, 16])
    await shared(dataSource, '*', [16, 16])
    await second.stop()
    expect(await countRows(dataSource, 'OutboxRelay')).toBe(1)
    await shared(dataSource, 'ear', [32])
    expect(second.counters.leaseLosses).toBe(0)
  })

  it('that were given back are taken by who is left, long before it renews its own', async () => {
    const dataSource = await openOutbox()
    const handled: Move[] = []
    const first = await startRelay(dataSource, { leaseMs, subscriptions: [noting('ear', [])] })
    await shared(dataSource, 'ear', [32])
    await startRelay(dataSource, { leaseMs: 600_000, subscriptions: [noting('ear', handled)] })
    await shared(dataSource, 'ear', [16, 16])
    await first.stop()
    await tellMoves(dataSource, movesOf(64, 64))
    await until('all are handled', () => handled.length === 64)
    expect(await shares(dataSource, 'ear')).toEqual([32])
  })

  it('are shared with a second relay, too, while there is always something to do', async () => {
    const dataSource = await openOutbox()
    const [first, second]: Move[][] = [[], []]
    await startRelay(dataSource, { leaseMs, batchSize: 5, subscriptions: [noting('ear', first!)] })
    let isOver = false
    let told = 0
    const telling = (async () => {
      while (!isOver) {
        await tellMoves(dataSource, movesOf(64, 64, told))
        told += 64
        await until('there is less to do', () => first!.length + second!.length > told - 200)
      }
    })()
    await until('the first is at work', () => first!.length > 100)
    await startRelay(dataSource, { leaseMs, batchSize: 5, subscriptions: [noting('ear', second!)] })
    await until('the second has its share', () => second!.length > 100)
    isOver = true
    await telling
    await until('all are handled', () => first!.length + second!.length === told)
    expect(repeated([...first!, ...second!])).toEqual([])
  })

  it('are kept by a relay that has nothing to do, however rarely it looks', async () => {
    const dataSource = await openOutbox()
    const relay = await startRelay(dataSource, { leaseMs, pollMs: [60_000, 60_000], subscriptions: [noting('ear', [])] })
    await shared(dataSource, 'ear', [32])
    const [before] = await slotsOf(dataSource, 'ear')
    await until('it was renewed twice', async () => (await slotsOf(dataSource, 'ear'))[0]!.lease_until > before!.lease_until + leaseMs)
    expect((await slotsOf(dataSource, 'ear')).every(({ owner, epoch }) => owner === before!.owner && epoch === 1)).toBe(true)
    expect(relay.counters.leaseLosses).toBe(0)
  })

  it('raise their epoch with each change of hands', async () => {
    const dataSource = await openOutbox()
    const epochs = async () => [...new Set((await slotsOf(dataSource, 'ear')).map(({ epoch }) => epoch))]
    for (const epoch of [1, 2, 3]) {
      const relay = await startRelay(dataSource, { leaseMs, subscriptions: [noting('ear', [])] })
      await shared(dataSource, 'ear', [32])
      expect(await epochs()).toEqual([epoch])
      await relay.stop()
      await shared(dataSource, 'ear', [-32])
    }
  })

  it('are not given back while something of them is under way, nor before it is written down', async () => {
    const dataSource = await openOutbox()
    const handled: Move[] = []
    const { opened, open } = gate()
    const begun = new Set<string>()
    const waiting = moving('ear', async (move) => {
      begun.add(move.id)
      await opened
      handled.push(move)
    })
    const options = { leaseMs, settleMs: 10, subscriptions: [{ ...waiting, concurrency: 64 }] }
    await startRelay(dataSource, options)
    await tellMoves(dataSource, movesOf(64, 64))
    await until('all are begun', () => begun.size === 64)
    await until('that is written down', async () => (await countRows(dataSource, 'OutboxDelivery')) === 64)
    const rows = (await dataSource.manager.find('OutboxDelivery')) as { slot: number }[]
    const busy = new Set(rows.map(({ slot }) => Number(slot)))
    const holders = async () => new Set((await slotsOf(dataSource, 'ear')).filter(({ slot }) => busy.has(slot)).map(({ owner }) => owner))
    expect([busy.size > 16, (await holders()).size]).toEqual([true, 1])
    await startRelay(dataSource, options)
    await until('the second has what is new', async () => (await shares(dataSource, '*')).length === 2)
    expect((await holders()).size).toBe(1)
    open()
    await shared(dataSource, 'ear', [16, 16])
    await until('nothing is left', async () => (await countRows(dataSource, 'OutboxMessage')) === 0)
    expect(numbersOf(handled).toSorted((a, b) => a - b)).toEqual(movesOf(64, 64).map(({ n }) => n))
  })

  it('that were lost are counted, and nothing more is begun or written down for them', async () => {
    const dataSource = await openOutbox()
    const handled: Move[] = []
    const relay = await startRelay(dataSource, {
      leaseMs,
      settleMs: 10_000,
      subscriptions: [
        moving('ear', async (move) => {
          handled.push(move)
          if (handled.length > 1) return
          Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, leaseMs) // nothing of this process runs
          await steal(dataSource, ['*', 'ear'])
        }),
      ],
    })
    await tellMoves(dataSource, movesOf(1, 3))
    await until('the losses are known', () => relay.counters.leaseLosses === 64)
    expect([numbersOf(handled), relay.counters.handled]).toEqual([[0], 0])
    expect((await relay.health()).slots).toBe(0)
    await steal(dataSource, ['*', 'ear'], { forMs: -1 })
    await until('nothing is left', async () => (await countRows(dataSource, 'OutboxMessage')) === 0)
    expect(numbersOf(handled)).toEqual([0, 0, 1, 2])
  })
})
