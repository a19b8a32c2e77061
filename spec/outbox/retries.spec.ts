/** What becomes of a message whose handler fails, hangs or is slow, and of what stands behind and beside it. */
import fc from 'fast-check'
import { outboxOf, type CloudEvent } from 'flushpoint/outbox'
import type { DataSource } from 'typeorm'
import { readDue } from '../../lib/outbox/relay/delivery-reader.js'
import { retryDelayMs } from '../../lib/outbox/relay/retry-delay.js'
import { settingsOrFail } from '../../lib/outbox/outbox-settings.js'
import { describeDatabase } from '../support/databases.js'
import { gate, useEvents } from '../support/events.js'
import { disordered, movesOf, moving, noting, numbersOf, repeated, tellMoves, tellWandered, type Move } from '../support/moves.js'
import { openOutbox } from '../support/outbox.js'
import { counted, countRows, startRelay, until } from '../support/relays.js'

const nothingLeft = (dataSource: DataSource) => until('nothing is left', async () => (await countRows(dataSource, 'OutboxMessage')) === 0)

interface DeliveryRow {
  readonly message_seq: number
  readonly attempts: number
  readonly available_at: number
  readonly updated_at: number
  readonly last_error: string | null
}

async function deliveriesOf(dataSource: DataSource): Promise<readonly DeliveryRow[]> {
  const rows = (await dataSource.manager.find('OutboxDelivery', { order: { message_seq: 'ASC' } as never })) as Record<string, unknown>[]
  return rows.map(
    ({ message_seq, attempts, available_at, updated_at, ...row }) =>
      ({
        ...row,
        message_seq: Number(message_seq),
        attempts: Number(attempts),
        available_at: Number(available_at),
        updated_at: Number(updated_at),
      }) as DeliveryRow,
  )
}

describe('the wait before the next attempt', () => {
  const policy = fc.record({ attempts: fc.constant(12), baseMs: fc.nat(1e9), maxMs: fc.nat(1e12) })

  it('is a random part of a wait that doubles up to the longest', () => {
    fc.assert(
      fc.property(policy, fc.integer({ min: 1, max: 2_000 }), fc.double({ min: 0, max: 1, noNaN: true }), (retry, attempt, part) => {
        const longestMs = Math.min(retry.maxMs, retry.baseMs * 2 ** Math.min(attempt - 1, 60))
        expect(retryDelayMs(retry, attempt, () => part)).toBe(Math.round(part * longestMs))
        expect(retryDelayMs(retry, attempt)).toBeLessThanOrEqual(longestMs)
        expect(retryDelayMs(retry, attempt)).toBeGreaterThanOrEqual(0)
      }),
    )
  })
})

describeDatabase('a message that fails', () => {
  const events = useEvents()

  it('waits in the table, with its attempts and its error, up to the longest wait', async () => {
    const dataSource = await openOutbox()
    const [error, failures] = [new TypeError('no such film'), events.failures()]
    const relay = await startRelay(dataSource, {
      subscriptions: [moving('ear', () => Promise.reject(error), { retry: { baseMs: 60_000, maxMs: 600_000 } })],
    })
    await tellMoves(dataSource, movesOf(1, 1))
    await until('it waits', async () => (await countRows(dataSource, 'OutboxDelivery')) === 1)
    const [row] = await deliveriesOf(dataSource)
    expect(row).toMatchObject({ attempts: 1, last_error: 'TypeError: no such film' })
    expect(row!.available_at - row!.updated_at).toBeLessThanOrEqual(60_000)
    expect(row!.available_at).toBeGreaterThanOrEqual(row!.updated_at)
    await until('it was told', () => failures.length === 1)
    expect(failures[0]).toMatchObject({ error, listener: 'ear', kind: 'outbox', event: { name: 'item.moved' } })
    await counted(relay, { handled: 0, failed: 1, dead: 0 })
  })

  it('is tried again with the next number, until it succeeds', async () => {
    const dataSource = await openOutbox()
    events.failures()
    const attempts: number[] = []
    const relay = await startRelay(dataSource, {
      subscriptions: [
        moving('ear', (_, { attempt, subscription }) => {
          attempts.push(attempt)
          if (attempt < 4) throw new Error(`${subscription} is not ready`)
        }),
      ],
    })
    await tellMoves(dataSource, movesOf(1, 1))
    await nothingLeft(dataSource)
    expect([attempts, relay.counters.failed, relay.counters.handled]).toEqual([[1, 2, 3, 4], 3, 1])
  })

  it('holds up the later ones of its key, and no other key, however many they are', async () => {
    const dataSource = await openOutbox()
    events.failures()
    const handled: Move[] = []
    let isHard = true
    const failing = moving(
      'ear',
      (move) => {
        if (move.id === 'k0' && isHard) throw new Error('not yet')
        handled.push(move)
      },
      { retry: { attempts: 1_000, baseMs: 5, maxMs: 20 } },
    )
    await startRelay(dataSource, { batchSize: 10, subscriptions: [failing] })
    await tellMoves(dataSource, [...movesOf(1, 150), ...movesOf(8, 80, 150)])
    await tellMoves(dataSource, movesOf(8, 80, 230))
    await until('the others are handled', () => handled.length === 140)
    expect(handled.some(({ id }) => id === 'k0')).toBe(false)
    const blocked = await outboxOf(dataSource).blockedKeys()
    expect(blocked).toMatchObject([{ subscription: 'ear', partitionKey: 'item:k0', reason: 'retry' }])
    isHard = false
    await nothingLeft(dataSource)
    expect([handled.length, repeated(handled), disordered(handled)]).toEqual([310, [], []])
  })

  it('is tried again for its own subscription alone', async () => {
    const dataSource = await openOutbox()
    events.failures()
    const [stubborn, easy]: Move[][] = [[], []]
    await startRelay(dataSource, {
      loops: 2,
      subscriptions: [
        moving('stubborn', (move, { attempt }) => {
          if (attempt < 3) throw new Error('not yet')
          stubborn!.push(move)
        }),
        noting('easy', easy!),
      ],
    })
    await tellMoves(dataSource, movesOf(5, 20))
    await nothingLeft(dataSource)
    for (const handled of [stubborn!, easy!]) expect([handled.length, repeated(handled), disordered(handled)]).toEqual([20, [], []])
  })

  it('holds up nothing where it has no key', async () => {
    const dataSource = await openOutbox()
    events.failures()
    const handled: number[] = []
    await startRelay(dataSource, {
      subscriptions: [
        moving(
          'ear',
          ({ n }, { attempt }) => {
            if (n === 0 && attempt === 1) throw new Error('not yet')
            handled.push(n)
          },
          { retry: { attempts: 3, baseMs: 200 } },
        ),
      ],
    })
    await tellWandered(dataSource, [0, 1, 2])
    await nothingLeft(dataSource)
    expect(handled.toSorted((a, b) => a - b)).toEqual([0, 1, 2])
  })

  it('is never overtaken by one behind it, at whichever moment it becomes due', async () => {
    const dataSource = await openOutbox()
    events.failures()
    const relay = await startRelay(dataSource, {
      subscriptions: [moving('ear', () => Promise.reject(new Error('never')), { retry: { baseMs: 60_000, maxMs: 60_000 } })],
    })
    const keys = 300
    await tellMoves(dataSource, movesOf(keys, keys * 2))
    await until('all wait', async () => (await countRows(dataSource, 'OutboxDelivery')) === keys * 2)
    await relay.stop()
    const { database } = settingsOrFail(dataSource)
    await database.transaction((connection) =>
      connection.run(
        ({ table, nowMs }) => `UPDATE ${table('outbox_delivery')} SET available_at = ${nowMs} + 10 + message_seq % 100 WHERE attempts > 0`,
      ),
    )
    const query = {
      name: 'ear',
      slots: Array.from({ length: 32 }, (_, slot) => slot),
      blocksOnDead: false,
      busyKeys: [],
      busySequences: [],
      limit: keys * 2,
    }
    const heads = new Set((await deliveriesOf(dataSource)).filter(({ attempts }) => attempts > 0).map(({ message_seq }) => message_seq))
    expect(heads.size).toBe(keys)
    for (let due = -1; due < keys;) {
      const rows = await database.read((connection) => readDue(connection, query))
      due = rows.length
      expect(rows.filter(({ message }) => !heads.has(message.seq))).toEqual([])
    }
  })
})

describeDatabase('a handler that takes its time', () => {
  it('holds up neither other keys nor other subscriptions, and handles its message once', async () => {
    const dataSource = await openOutbox()
    const { opened, open } = gate()
    const [slow, other]: Move[][] = [[], []]
    const begun: number[] = []
    await startRelay(dataSource, {
      settleMs: 10,
      subscriptions: [
        moving('slow', async (move) => {
          begun.push(move.n)
          if (move.id === 'k0') await opened
          slow!.push(move)
        }),
        noting('other', other!),
      ],
    })
    await tellMoves(dataSource, movesOf(4, 16))
    await until('the others are handled', () => slow!.length === 12 && other!.length === 16)
    await tellMoves(dataSource, movesOf(4, 16, 16))
    await until('those behind, too', () => slow!.length === 24 && other!.length === 32)
    open()
    await nothingLeft(dataSource)
    for (const handled of [slow!, other!]) expect([handled.length, repeated(handled), disordered(handled)]).toEqual([32, [], []])
    expect(begun.length).toBe(32)
  })

  it('is not handed what it has at the moment once more, also where it ends between two looks', async () => {
    const dataSource = await openOutbox()
    const handled: Move[] = []
    await startRelay(dataSource, {
      settleMs: 1,
      loops: 2,
      subscriptions: [
        moving('ear', async (move) => {
          await new Promise((resolve) => setTimeout(resolve, 1 + (move.n % 7)))
          handled.push(move)
        }),
      ],
    })
    for (let first = 0; first < 200; first += 20) await tellMoves(dataSource, movesOf(20, 20, first))
    await tellWandered(
      dataSource,
      Array.from({ length: 50 }, (_, index) => 200 + index),
    )
    await nothingLeft(dataSource)
    expect([handled.length, repeated(handled), disordered(handled.filter(({ n }) => n < 200))]).toEqual([250, [], []])
  })

  it('may run at most as often side by side as its subscription says', async () => {
    const dataSource = await openOutbox()
    let [running, most] = [0, 0]
    await startRelay(dataSource, {
      settleMs: 2,
      subscriptions: [
        moving(
          'ear',
          async () => {
            most = Math.max(most, ++running)
            await new Promise((resolve) => setTimeout(resolve, 3))
            running -= 1
          },
          { concurrency: 3 },
        ),
      ],
    })
    await tellMoves(dataSource, movesOf(30, 60))
    await nothingLeft(dataSource)
    expect(most).toBe(3)
  })
})

describeDatabase('a handler that hangs', () => {
  const events = useEvents()

  it('is told to abort when its time is over, and asked again', async () => {
    const dataSource = await openOutbox()
    const failures = events.failures()
    const reasons: unknown[] = []
    const handled: Move[] = []
    const relay = await startRelay(dataSource, {
      subscriptions: [
        moving(
          'ear',
          (move, { attempt, abortSignal }) => {
            if (attempt > 1) return void handled.push(move)
            return new Promise((_, reject) =>
              abortSignal.addEventListener('abort', () => {
                reasons.push(abortSignal.reason)
                reject(new Error('stopped'))
              }),
            )
          },
          { timeoutMs: 30 },
        ),
      ],
    })
    await tellMoves(dataSource, movesOf(2, 4))
    await nothingLeft(dataSource)
    expect([numbersOf(handled, 'k0'), numbersOf(handled, 'k1')]).toEqual([
      [0, 2],
      [1, 3],
    ])
    expect(reasons.map((reason) => (reason as { code?: string }).code)).toEqual(Array(4).fill('HANDLER_TIMEOUT'))
    expect(failures.map(({ error }) => (error as { code?: string }).code)).toEqual(Array(4).fill('HANDLER_TIMEOUT'))
    await counted(relay, { failed: 4, handled: 4, dead: 0 })
  })

  it('for ever is dead after its attempts, though it hears nothing, and all others are handled', async () => {
    const dataSource = await openOutbox()
    events.failures()
    const handled: Move[] = []
    const relay = await startRelay(dataSource, {
      settleMs: 10,
      subscriptions: [
        moving('ear', (move) => (move.id === 'k0' ? new Promise(() => {}) : void handled.push(move)), {
          timeoutMs: 20,
          concurrency: 2,
          retry: { attempts: 3, baseMs: 1, maxMs: 1 },
        }),
      ],
    })
    await tellMoves(dataSource, movesOf(4, 8))
    await until('both of its messages are dead', () => relay.counters.dead === 2)
    await until('nothing else is left', async () => (await countRows(dataSource, 'OutboxMessage')) === 2)
    expect([handled.length, relay.counters.failed]).toEqual([6, 6])
    expect((await outboxOf(dataSource).dead()).map(({ attempts, lastError }) => [attempts, lastError])).toEqual(
      Array(2).fill([3, expect.stringContaining('Cannot wait any longer for "ear"')]),
    )
  })

  it('and ends after all is not listened to any more: the next attempt counts', async () => {
    const dataSource = await openOutbox()
    events.failures()
    const { opened, open } = gate()
    const calls: number[] = []
    const relay = await startRelay(dataSource, {
      subscriptions: [
        moving(
          'ear',
          async (_, { attempt }) => {
            calls.push(attempt)
            if (attempt === 1) await opened
            else open()
          },
          { timeoutMs: 20 },
        ),
      ],
    })
    await tellMoves(dataSource, movesOf(1, 1))
    await nothingLeft(dataSource)
    expect([calls, relay.counters]).toEqual([[1, 2], expect.objectContaining({ handled: 1, failed: 1 })])
  })

  it('finds its signal aborted, asked for only after its time was over', async () => {
    const dataSource = await openOutbox()
    events.failures()
    const seen: boolean[] = []
    await startRelay(dataSource, {
      subscriptions: [
        moving(
          'ear',
          async (_, call) => {
            if (call.attempt > 1) return
            await new Promise((resolve) => setTimeout(resolve, 60))
            seen.push(call.abortSignal.aborted)
          },
          { timeoutMs: 10 },
        ),
      ],
    })
    await tellMoves(dataSource, movesOf(1, 1))
    await nothingLeft(dataSource)
    await until('the first has ended', () => seen.length === 1)
    expect(seen).toEqual([true])
  })
})

describeDatabase('an event', () => {
  it('is made anew for each attempt and each subscription', async () => {
    const dataSource = await openOutbox()
    const heard: CloudEvent[] = []
    const spoiling = (name: string) =>
      moving(name, (move, { attempt }, event) => {
        heard.push(structuredClone(event))
        Object.assign(move, { id: 'spoilt', n: -1 })
        Object.assign(event, { id: 'spoilt' })
        if (attempt === 1) throw new Error('not yet')
      })
    await startRelay(dataSource, { subscriptions: [spoiling('a'), spoiling('b')], onError: () => {} })
    await tellMoves(dataSource, movesOf(1, 1))
    await nothingLeft(dataSource)
    expect(heard.length).toBe(4)
    for (const event of heard) expect(event).toEqual(heard[0])
    expect(heard[0]!.data).toEqual({ id: 'k0', n: 0 })
  })
})
