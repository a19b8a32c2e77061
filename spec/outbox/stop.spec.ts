/** The end of a relay: what runs ends, what is done is written down, what is not is left to others, and leases are given back. */
import { createRelay, OutboxError } from 'flushpoint/outbox'
import type { DataSource } from 'typeorm'
import { OutboxDatabase } from '../../lib/outbox/sql/outbox-database.js'
import { describeDatabase, openDataSource, recordStatements } from '../support/databases.js'
import { gate } from '../support/events.js'
import { disordered, movesOf, moving, noting, numbersOf, repeated, tellMoves, type Move } from '../support/moves.js'
import { openOutbox } from '../support/outbox.js'
import { countRows, startRelay, until } from '../support/relays.js'
import { shares } from '../support/slots.js'

const leaseMs = 600_000
const nothingLeft = (dataSource: DataSource) => until('nothing is left', async () => (await countRows(dataSource, 'OutboxMessage')) === 0)

describeDatabase('a relay that stops', () => {
  it('waits for what runs, begins nothing more, writes down what is done, and gives its leases back', async () => {
    const dataSource = await openOutbox()
    const { opened, open } = gate()
    const [begun, handled]: [number[], Move[]] = [[], []]
    const relay = await startRelay(dataSource, {
      leaseMs,
      settleMs: 10,
      loops: 2,
      subscriptions: [
        moving(
          'ear',
          async (move) => {
            begun.push(move.n)
            await opened
            handled.push(move)
          },
          { concurrency: 2 },
        ),
      ],
    })
    await tellMoves(dataSource, movesOf(8, 24))
    await until('some are begun', () => begun.length >= 2)
    const stopped = relay.stop()
    const beforeStop = begun.length
    await tellMoves(dataSource, movesOf(8, 8, 24))
    let isStopped = false
    void stopped.then(() => (isStopped = true))
    await new Promise((resolve) => setTimeout(resolve, 50))
    expect([isStopped, relay.isRunning]).toEqual([false, false])
    open()
    await stopped
    expect([begun.length, handled.length, relay.counters.handled]).toEqual([beforeStop, beforeStop, beforeStop])
    expect(await countRows(dataSource, 'OutboxMessage')).toBe(32 - beforeStop)
    for (const name of ['*', 'ear']) expect(await shares(dataSource, name)).toEqual([-32])
    expect(await countRows(dataSource, 'OutboxRelay')).toBe(0)

    const rest: Move[] = []
    await startRelay(dataSource, { leaseMs, subscriptions: [noting('ear', rest)] })
    await nothingLeft(dataSource)
    const all = [...handled, ...rest]
    expect([all.length, repeated(all), disordered(all)]).toEqual([32, [], []])
  })

  it('waits without asking again and again', async () => {
    const dataSource = await openOutbox()
    const { opened, open } = gate()
    const [begun, began] = [gate(), jest.spyOn(globalThis, 'setTimeout')]
    const relay = await startRelay(dataSource, {
      leaseMs,
      settleMs: 10,
      subscriptions: [moving('ear', () => (begun.open(), opened))],
    })
    await tellMoves(dataSource, movesOf(1, 1))
    await begun.opened
    const stopped = relay.stop()
    await new Promise((resolve) => setImmediate(resolve))
    const before = began.mock.calls.length
    await new Promise((resolve) => setTimeout(resolve, 300))
    expect(began.mock.calls.length - before).toBeLessThan(10)
    began.mockRestore()
    open()
    await stopped
    expect(relay.counters.handled).toBe(1)
  })

  it('tells handlers to abort that take longer than it may, and counts no attempt of them', async () => {
    const dataSource = await openOutbox()
    const reasons: unknown[] = []
    const first = await startRelay(dataSource, {
      leaseMs,
      settleMs: 10,
      subscriptions: [
        moving(
          'ear',
          (_, { abortSignal }) =>
            new Promise((_resolve, reject) => {
              abortSignal.addEventListener('abort', () => {
                reasons.push(abortSignal.reason)
                reject(new Error('interrupted'))
              })
            }),
          { retry: { attempts: 1 } },
        ),
      ],
    })
    await tellMoves(dataSource, movesOf(2, 4))
    await until('they are begun', async () => (await countRows(dataSource, 'OutboxDelivery')) === 4)
    await first.stop({ timeoutMs: 20 })
    expect(reasons.map((reason) => [reason instanceof OutboxError, (reason as OutboxError).code])).toEqual(
      Array(2).fill([true, 'RELAY_STATE_WRONG']),
    )
    expect(first.counters).toMatchObject({ handled: 0, failed: 0, dead: 0 })
    expect(await shares(dataSource, 'ear')).toEqual([-32])
    const handled: (Move & { attempt: number })[] = []
    await startRelay(dataSource, {
      leaseMs,
      subscriptions: [moving('ear', (move, { attempt }) => void handled.push({ ...move, attempt }))],
    })
    await nothingLeft(dataSource)
    expect([handled.length, handled.every(({ attempt }) => attempt === 1), disordered(handled)]).toEqual([4, true, []])
  })

  it('writes down what ended when it was told to abort, also where the database takes its time', async () => {
    const dataSource = await openOutbox()
    const begun = gate()
    const relay = await startRelay(dataSource, {
      leaseMs,
      settleMs: 10_000,
      subscriptions: [
        moving('ear', (_, { abortSignal }) => {
          begun.open()
          return new Promise<void>((resolve) => abortSignal.addEventListener('abort', () => resolve()))
        }),
      ],
    })
    await tellMoves(dataSource, movesOf(1, 1))
    await begun.opened
    const { transaction } = OutboxDatabase.prototype
    const slow = jest.spyOn(OutboxDatabase.prototype, 'transaction').mockImplementation(async function (this: OutboxDatabase, work) {
      await new Promise((resolve) => setTimeout(resolve, 200))
      return transaction.call(this, work)
    } as OutboxDatabase['transaction'])
    await relay.stop({ timeoutMs: 10 })
    slow.mockRestore()
    expect([await countRows(dataSource, 'OutboxMessage'), relay.counters.handled]).toEqual([0, 1])
  })

  it('goes without handlers that do not listen: what they had is handled again by others, and what they do later writes nothing', async () => {
    const dataSource = await openOutbox()
    const { opened, open } = gate()
    let ended = 0
    const first = await startRelay(dataSource, {
      leaseMs,
      settleMs: 10,
      subscriptions: [moving('ear', () => opened.then(() => void ended++))],
    })
    await tellMoves(dataSource, movesOf(2, 2))
    await until('they are begun', async () => (await countRows(dataSource, 'OutboxDelivery')) === 2)
    await first.stop({ timeoutMs: 20 })
    expect([await shares(dataSource, 'ear'), first.counters.handled]).toEqual([[-32], 0])
    const { opened: heldUp, open: letGo } = gate()
    const handled: Move[] = []
    const second = await startRelay(dataSource, {
      leaseMs,
      settleMs: 10,
      subscriptions: [
        moving('ear', async (move) => {
          await heldUp
          handled.push(move)
        }),
      ],
    })
    await until('it has them', async () => (await second.health()).slots === 64)
    open()
    await until('they have ended', () => ended === 2)
    await new Promise((resolve) => setTimeout(resolve, 50))
    expect([await countRows(dataSource, 'OutboxDelivery'), first.counters.handled]).toEqual([2, 0])
    letGo()
    await nothingLeft(dataSource)
    expect(handled.length).toBe(2)
  })

  it('may be asked to several times, and is started once', async () => {
    const dataSource = await openOutbox()
    const relay = await startRelay(dataSource, { leaseMs, subscriptions: [noting('ear', [])] })
    await expect(relay.start()).rejects.toMatchObject({ code: 'RELAY_STATE_WRONG' })
    const [first, second] = [relay.stop(), relay.stop({ timeoutMs: 1 })]
    expect(first).toBe(second)
    await first
    await relay.stop()
    await expect(relay.start()).rejects.toMatchObject({ code: 'RELAY_STATE_WRONG' })
    expect(() => relay.stop({ timeout: 5 } as never)).toThrow(expect.objectContaining({ code: 'OPTION_UNKNOWN' }) as Error)
    const never = createRelay(dataSource)
    await never.stop()
    await expect(never.start()).rejects.toMatchObject({ code: 'RELAY_STATE_WRONG' })
  })

  it('loses its patience where it is asked to once more with less', async () => {
    const dataSource = await openOutbox()
    const begun = gate()
    let isAborted = false
    const relay = await startRelay(dataSource, {
      leaseMs,
      subscriptions: [
        moving('ear', (_, { abortSignal }) => {
          begun.open()
          return new Promise<void>((resolve) => {
            abortSignal.addEventListener('abort', () => {
              isAborted = true
              resolve()
            })
          })
        }),
      ],
    })
    await tellMoves(dataSource, movesOf(1, 1))
    await begun.opened
    const stopped = relay.stop({ timeoutMs: 60_000 })
    const again = relay.stop()
    await new Promise((resolve) => setTimeout(resolve, 100))
    expect(isAborted).toBe(false)
    await Promise.all([relay.stop({ timeoutMs: 10 }), stopped, again])
    expect([isAborted, relay.counters.handled]).toEqual([true, 1])
  })

  it('goes at the end of its scope', async () => {
    const dataSource = await openOutbox()
    const handled: Move[] = []
    let relay
    {
      await using scoped = createRelay(dataSource, { leaseMs, pollMs: [5, 20], subscriptions: [noting('ear', handled)] })
      await scoped.start()
      await tellMoves(dataSource, movesOf(1, 1))
      await until('it is handled', () => handled.length === 1)
      relay = scoped
    }
    expect([relay.isRunning, await shares(dataSource, 'ear'), relay.toString()]).toEqual([
      false,
      [-32],
      'Relay (stopped; 1 loop; ear; 1 handled, 0 failed, 0 dead)',
    ])
  })

  it('is stopped before its DataSource goes, and its handlers can use that until then', async () => {
    const dataSource = await openOutbox()
    const other = await openDataSource({ ...dataSource.options, synchronize: false } as never)
    const counts: number[] = []
    const { opened, open } = gate()
    const relay = await startRelay(dataSource, {
      leaseMs,
      settleMs: 10,
      subscriptions: [
        moving('ear', async (_, { manager }) => {
          open()
          await new Promise((resolve) => setTimeout(resolve, 100))
          counts.push(await manager.count('OutboxMessage'))
        }),
      ],
    })
    await tellMoves(dataSource, movesOf(1, 1))
    await opened
    await dataSource.destroy()
    expect([counts, relay.isRunning, dataSource.isInitialized]).toEqual([[1], false, false])
    expect([await countRows(other, 'OutboxMessage'), await shares(other, 'ear'), await countRows(other, 'OutboxRelay')]).toEqual([
      0,
      [-32],
      0,
    ])
    await dataSource.initialize()
    await dataSource.destroy() // as it was before there was a relay
    expect(Object.hasOwn(dataSource, 'destroy')).toBe(false)
  })

  it('is waited for by destroy, also where it is about to stop', async () => {
    const dataSource = await openOutbox()
    const { opened, open } = gate()
    let isHandled = false
    const relay = await startRelay(dataSource, {
      leaseMs,
      settleMs: 10,
      subscriptions: [
        moving('ear', async () => {
          open()
          await new Promise((resolve) => setTimeout(resolve, 100))
          isHandled = true
        }),
      ],
    })
    await tellMoves(dataSource, movesOf(1, 1))
    await opened
    const stopped = relay.stop()
    await dataSource.destroy()
    expect([isHandled, relay.counters.handled]).toEqual([true, 1])
    await stopped
  })

  it('asks the database nothing any more', async () => {
    const dataSource = await openOutbox()
    const relay = await startRelay(dataSource, { leaseMs: 500, loops: 3, subscriptions: [noting('ear', [])] })
    await until('it is at work', async () => (await relay.health()).slots > 0)
    await relay.stop()
    const recording = recordStatements(dataSource)
    await new Promise((resolve) => setTimeout(resolve, 700))
    expect(recording.sql()).toEqual([])
    recording.stop()
  })
})

describeDatabase('a relay that starts', () => {
  it('while its DataSource makes its schema waits for the end of that', async () => {
    const dataSource = await openOutbox()
    const handled: Move[] = []
    await tellMoves(dataSource, movesOf(1, 3))
    await dataSource.destroy()
    dataSource.setOptions({ synchronize: true }) // also where the tables are those of an earlier test
    await startRelay(dataSource, { subscriptions: [noting('ear', handled)] })
    const synchronize = dataSource.synchronize.bind(dataSource)
    let handledMeanwhile: number | undefined
    dataSource.synchronize = async (...args) => {
      await new Promise((resolve) => setTimeout(resolve, 200))
      handledMeanwhile = handled.length
      await synchronize(...args)
    }
    await dataSource.initialize()
    await until('all are handled', () => numbersOf(handled).length === 3)
    expect(handledMeanwhile).toBe(0)
  })

  it('before its DataSource is connected waits for it', async () => {
    const dataSource = await openOutbox()
    const handled: Move[] = []
    await tellMoves(dataSource, movesOf(1, 3))
    await dataSource.destroy()
    const relay = await startRelay(dataSource, { subscriptions: [noting('ear', handled)] })
    await new Promise((resolve) => setTimeout(resolve, 100))
    await dataSource.initialize()
    await until('all are handled', () => numbersOf(handled).length === 3)
    await relay.stop()
  })
})
