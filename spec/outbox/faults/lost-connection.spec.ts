/**
 * The database goes away in the midst of what a relay does with it: nothing is lost, and each key keeps its order.
 *
 * FC_SEED repeats the points of the seed that a failure prints.
 *
 * @module
 */
import { outboxOf, PermanentError } from 'flushpoint/outbox'
import type { DataSource, DataSourceOptions } from 'typeorm'
import { breakStatements, spared } from '../../support/broken-statements.js'
import { closeDataSources, databaseName, describeDatabase, isSingleConnection, openDataSource } from '../../support/databases.js'
import { disordered, movesOf, moving, noting, numbersOf, repeated, tellMoves, type Move } from '../../support/moves.js'
import { openOutbox } from '../../support/outbox.js'
import { randomFrom } from '../../support/outbox-processes.js'
import { countRows, relayErrors, startRelay, until } from '../../support/relays.js'
import { shares, slotsOf } from '../../support/slots.js'
import { TcpProxy } from '../../support/tcp-proxy.js'

jest.setTimeout(60_000)

const SEED = Number(process.env['FC_SEED'] ?? Math.floor(Math.random() * 2 ** 31))
const RELAY = { leaseMs: 2_000, batchSize: 20, pollMs: [5, 20] } as const

/** The same database by another data source; where that has one connection, by the same. */
const another = async (dataSource: DataSource, more: object = {}) =>
  isSingleConnection() ? dataSource : openDataSource({ ...dataSource.options, ...more, synchronize: false } as DataSourceOptions)

const left = (dataSource: DataSource) => spared(() => countRows(dataSource, 'OutboxMessage'))

describeDatabase('a database that goes away', () => {
  it('loses nothing, whichever statement of a relay it does not answer', async () => {
    const dataSource = await openOutbox()
    const random = randomFrom(SEED)
    const fragile = await another(dataSource)
    let isBroken = true
    let broken = 0
    breakStatements(fragile, () => {
      if (!isBroken || random() > 0.08) return undefined
      broken += 1
      return random() < 0.5 ? 'before' : 'after'
    })
    const handled: Move[] = []
    const relays = await Promise.all([1, 2].map(() => startRelay(fragile, { ...RELAY, subscriptions: [noting('ear', handled)] })))
    for (let first = 0; first < 400; first += 40) {
      await spared(() => tellMoves(dataSource, movesOf(7, 40, first)))
      await new Promise((resolve) => setTimeout(resolve, random() * 40))
    }
    await until('enough was broken', () => broken >= 40)
    isBroken = false
    await until('nothing is left', async () => (await left(dataSource)) === 0, 30_000)
    const told = [SEED, numbersOf(handled).toSorted((a, b) => a - b)]
    expect([SEED, [...new Set(told[1] as number[])]]).toEqual([SEED, movesOf(7, 400).map(({ n }) => n)])
    expect([SEED, disordered(handled)]).toEqual([SEED, []])
    expect(relays.reduce((sum, { counters }) => sum + counters.failed, 0)).toBe(0)
    expect(relayErrors().length).toBeGreaterThan(0)
  })

  it.each(['before', 'after'] as const)('is asked what waits, when it is back, before anything is begun (%s)', async (when) => {
    const dataSource = await openOutbox()
    const handled: Move[] = []
    let isHard = true
    const subscriptions = [
      moving(
        'ear',
        (move) => {
          if (move.n === 0 && isHard) throw new PermanentError('never')
          handled.push(move)
        },
        { onDead: 'block' },
      ),
    ]
    const first = await startRelay(dataSource, { ...RELAY, subscriptions })
    await tellMoves(dataSource, movesOf(1, 1))
    await until('it is dead', () => first.counters.dead === 1)
    await first.stop()
    await tellMoves(dataSource, [...movesOf(1, 1, 1), { id: 'other', n: 2 }])
    const fragile = await another(dataSource)
    let broken = 0
    // the first one takes the slots, the second one asks what waits
    breakStatements(fragile, (sql) => {
      const isMeant =
        when === 'before' ? sql.includes('DISTINCT partition_key') : sql.startsWith('COMMIT') || sql.includes('DISTINCT partition_key')
      return isMeant && broken++ < 2 ? when : undefined
    })
    await startRelay(fragile, { ...RELAY, subscriptions })
    await until('the other key is handled', () => handled.length > 0)
    await until('the one behind is in line', async () => (await countRows(dataSource, 'OutboxDelivery')) === 2)
    expect([numbersOf(handled), broken]).toEqual([[2], expect.any(Number)])
    expect(relayErrors().length).toBeGreaterThan(0)
    isHard = false
    expect(await outboxOf(dataSource).redrive()).toBe(1)
    await until('nothing is left', async () => (await left(dataSource)) === 0)
    expect(numbersOf(handled)).toEqual([2, 0, 1])
  })
})

describeDatabase(
  'a server whose connections are cut',
  () => {
    it('renews no lease where its transaction has failed', async () => {
      const dataSource = await openOutbox()
      const fragile = await another(dataSource)
      let isBroken = false
      breakStatements(fragile, (sql) => (isBroken && /^COMMIT/.test(sql) ? 'before' : undefined))
      const [lost, found]: Move[][] = [[], []]
      const leaseMs = 500
      await startRelay(fragile, { ...RELAY, leaseMs, subscriptions: [noting('ear', lost!)] })
      await until('it holds all', async () => String(await shares(dataSource, 'ear')) === '32')
      isBroken = true
      await tellMoves(dataSource, movesOf(4, 8))
      await until('the lease is over', async () => (await slotsOf(dataSource, 'ear')).every(({ lease_until }) => lease_until < Date.now()))
      const begun = lost!.length
      await startRelay(dataSource, { ...RELAY, subscriptions: [noting('ear', found!)] })
      await until('another one has handled all', () => found!.length === 8)
      await until('nothing is left', async () => (await left(dataSource)) === 0)
      expect(lost!.length).toBe(begun)
      expect([repeated(found!), disordered(found!)]).toEqual([[], []])
      isBroken = false
      relayErrors()
    })

    it('in the midst of a claim, loses nothing', async () => {
      const dataSource = await openOutbox()
      const random = randomFrom(SEED)
      const { url } = dataSource.options as { url: string }
      const proxy = await TcpProxy.open(new URL(url))
      try {
        const fragile = await another(dataSource, {
          url: proxy.urlFor(new URL(url)),
          ...(databaseName() === 'postgres' && { poolErrorHandler: () => {} }),
        })
        const handled: Move[] = []
        for (let round = 0; round < 12; round++) {
          const spent = proxy.cutAfter(1 + Math.floor(random() * 12_000))
          const relay = await startRelay(fragile, { ...RELAY, subscriptions: [noting('ear', handled)] })
          await tellMoves(dataSource, movesOf(5, 20, round * 20))
          await Promise.race([spent, new Promise((resolve) => setTimeout(resolve, 2_000))])
          proxy.restore()
          await until('nothing is left', async () => (await left(dataSource)) === 0, 20_000)
          await relay.stop()
        }
        expect([SEED, [...new Set(numbersOf(handled))].sort((a, b) => a - b)]).toEqual([SEED, movesOf(5, 240).map(({ n }) => n)])
        expect([SEED, disordered(handled)]).toEqual([SEED, []])
      } finally {
        relayErrors()
        await closeDataSources()
        await proxy.close()
      }
    })

    it('is waited for by health, which says so, and not by stop', async () => {
      const dataSource = await openOutbox()
      const { url } = dataSource.options as { url: string }
      const proxy = await TcpProxy.open(new URL(url))
      try {
        const fragile = await another(dataSource, {
          url: proxy.urlFor(new URL(url)),
          ...(databaseName() === 'postgres' && { poolErrorHandler: () => {} }),
        })
        const relay = await startRelay(fragile, { ...RELAY, subscriptions: [noting('ear', [])] })
        await until('it is well', async () => (await relay.health()).isHealthy)
        proxy.cut()
        const { isHealthy, problems, messages } = await relay.health()
        expect([isHealthy, messages, problems[0]]).toEqual([false, 0, expect.stringMatching(/^the database does not answer: /)])
        proxy.restore()
        await until('it is well again', async () => (await relay.health()).isHealthy)
        void proxy.hold()
        await relay.stop({ timeoutMs: 100 })
        expect(relay.isRunning).toBe(false)
        expect(await shares(dataSource, 'ear')).toEqual([32])
        proxy.release()
        await until('what it said last has arrived', async () => String(await shares(dataSource, 'ear')) === '-32')
      } finally {
        relayErrors()
        await closeDataSources()
        await proxy.close()
      }
    })
  },
  ['postgres', 'mariadb'],
)
