/** Messages that are given up: when, what is told of them, and what becomes of those behind them. */
import { onEventError } from 'flushpoint/events'
import { outboxOf, PermanentError } from 'flushpoint/outbox'
import type { DataSource } from 'typeorm'
import { describeDatabase } from '../support/databases.js'
import { useEvents, warnings } from '../support/events.js'
import { movesOf, moving, noting, numbersOf, tellMoves, type Move } from '../support/moves.js'
import { openOutbox } from '../support/outbox.js'
import { counted, countRows, startRelay, until } from '../support/relays.js'

const left = (dataSource: DataSource, count: number) =>
  until(`${count} are left`, async () => (await countRows(dataSource, 'OutboxMessage')) === count)

describeDatabase('a message that fails for good', () => {
  const events = useEvents()

  afterEach(() => jest.restoreAllMocks())

  it('is dead after its attempts, and the later ones of its key go on', async () => {
    const dataSource = await openOutbox()
    const failures = events.failures()
    const handled: Move[] = []
    const relay = await startRelay(dataSource, {
      subscriptions: [
        moving(
          'ear',
          (move) => {
            if (move.n === 1) throw new Error('not this one')
            handled.push(move)
          },
          { retry: { attempts: 3, baseMs: 1, maxMs: 2 } },
        ),
      ],
    })
    await tellMoves(dataSource, movesOf(1, 4))
    await left(dataSource, 1)
    const [letter, ...others] = await outboxOf(dataSource).dead()
    expect(letter).toMatchObject({
      subscription: 'ear',
      type: 'item.moved',
      partitionKey: 'item:k0',
      attempts: 3,
      lastError: 'not this one',
    })
    expect(Math.abs(letter!.since.getTime() - Date.now())).toBeLessThan(600_000)
    expect([others, numbersOf(handled)]).toEqual([[], [0, 2, 3]])
    await counted(relay, { handled: 3, failed: 3, dead: 1 })
    expect(failures.map(({ error }) => (error as Error).message)).toEqual(Array(3).fill('not this one'))
    expect(await outboxOf(dataSource).blockedKeys()).toEqual([])
  })

  it('is dead at once where its handler says so', async () => {
    const dataSource = await openOutbox()
    events.failures()
    class Foreign extends Error {}
    Object.defineProperty(Foreign.prototype, Symbol.for('flushpoint.permanent-error'), { value: true }) // of another copy of this package
    const attempts: string[] = []
    await startRelay(dataSource, {
      subscriptions: [
        moving('ours', ({ n }, { attempt }) => {
          attempts.push(`ours ${n} ${attempt}`)
          if (n === 0) throw new PermanentError('the index refuses it', { cause: new Error('422') })
        }),
        moving('foreign', ({ n }, { attempt }) => {
          attempts.push(`foreign ${n} ${attempt}`)
          return n === 0 ? Promise.reject(new Foreign('no')) : undefined
        }),
      ],
    })
    await tellMoves(dataSource, movesOf(1, 2))
    await left(dataSource, 1)
    expect(attempts.toSorted()).toEqual(['foreign 0 1', 'foreign 1 1', 'ours 0 1', 'ours 1 1'])
    expect(
      (await outboxOf(dataSource).dead()).map(({ subscription, lastError, attempts: count }) => [subscription, lastError, count]),
    ).toEqual([
      ['foreign', 'no', 1],
      ['ours', 'PermanentError: the index refuses it', 1],
    ])
  })

  it('is warned of where nobody listens to failures', async () => {
    const dataSource = await openOutbox()
    const said = warnings()
    const relay = await startRelay(dataSource, { subscriptions: [moving('ear', () => Promise.reject(new PermanentError('no')))] })
    await tellMoves(dataSource, movesOf(1, 1))
    await until('it is dead', () => relay.counters.dead === 1)
    expect(said).toEqual([
      { code: 'OUTBOX_DEAD_LETTER', message: expect.stringMatching(/^"ear" gave up "item\.moved" \S+ after 1 attempts: no$/) as unknown },
    ])
    expect(JSON.stringify(said)).not.toContain('k0')
  })

  it('is told to whoever listens, and what these throw stops nobody', async () => {
    const dataSource = await openOutbox()
    const said = warnings()
    const handled: Move[] = []
    events.keep(
      onEventError(() => {
        throw new Error('even this')
      }),
    )
    await startRelay(dataSource, {
      subscriptions: [
        moving('ear', (move) => {
          if (move.n === 0) throw new PermanentError('no')
          handled.push(move)
        }),
      ],
    })
    await tellMoves(dataSource, movesOf(2, 4))
    await left(dataSource, 1)
    expect(numbersOf(handled).toSorted()).toEqual([1, 2, 3])
    expect(said.every(({ code }) => code !== 'OUTBOX_RELAY_FAILED')).toBe(true)
  })

  it('is kept for its subscription alone: the others are done with it', async () => {
    const dataSource = await openOutbox()
    events.failures()
    const handled: Move[] = []
    await startRelay(dataSource, { subscriptions: [moving('ear', () => Promise.reject(new PermanentError('no'))), noting('eye', handled)] })
    await tellMoves(dataSource, movesOf(1, 2))
    await until('all are dead', async () => (await outboxOf(dataSource).dead()).length === 2)
    await until('the other one is done', () => handled.length === 2)
    expect([await countRows(dataSource, 'OutboxMessage'), await countRows(dataSource, 'OutboxDelivery')]).toEqual([2, 2])
    expect(await outboxOf(dataSource).discard({ subscription: 'ear' })).toBe(2)
    expect(await countRows(dataSource, 'OutboxMessage')).toBe(0)
  })

  it('stops its key where the subscription blocks on that, until it is redriven', async () => {
    const dataSource = await openOutbox()
    events.failures()
    const handled: Move[] = []
    let isHard = true
    const options = {
      subscriptions: [
        moving(
          'ear',
          (move) => {
            if (move.n === 2 && isHard) throw new PermanentError('not yet')
            handled.push(move)
          },
          { onDead: 'block' },
        ),
      ],
    } as const
    const relay = await startRelay(dataSource, options)
    await tellMoves(dataSource, movesOf(2, 8))
    await until('one is dead', () => relay.counters.dead === 1)
    await tellMoves(dataSource, movesOf(2, 4, 8))
    await until('the other key is handled', () => numbersOf(handled, 'k1').length === 6)
    await until('those behind it are in line', async () => (await countRows(dataSource, 'OutboxDelivery')) === 5)
    expect(numbersOf(handled, 'k0')).toEqual([0])
    expect(
      await outboxOf(dataSource)
        .blockedKeys()
        .then((keys) => keys.length),
    ).toBeLessThanOrEqual(1)

    await relay.stop() // another one knows of it, too
    await startRelay(dataSource, options)
    await tellMoves(dataSource, movesOf(2, 2, 12))
    await until('the other key goes on', () => numbersOf(handled, 'k1').length === 7)
    await until('what is new is in line', async () => (await countRows(dataSource, 'OutboxDelivery')) === 6)
    isHard = false
    expect(await outboxOf(dataSource).redrive({ subscription: 'ear' })).toBe(1)
    await left(dataSource, 0)
    expect(numbersOf(handled, 'k0')).toEqual([0, 2, 4, 6, 8, 10, 12])
  })

  it('stops its key no longer where it is discarded', async () => {
    const dataSource = await openOutbox()
    events.failures()
    const handled: Move[] = []
    const relay = await startRelay(dataSource, {
      subscriptions: [
        moving(
          'ear',
          (move) => {
            if (move.n === 0) throw new PermanentError('never')
            handled.push(move)
          },
          { onDead: 'block' },
        ),
      ],
    })
    await tellMoves(dataSource, movesOf(1, 3))
    await until('one is dead', () => relay.counters.dead === 1)
    expect(await outboxOf(dataSource).discard()).toBe(1)
    await left(dataSource, 0)
    await tellMoves(dataSource, movesOf(1, 1, 3))
    await left(dataSource, 0)
    expect(numbersOf(handled)).toEqual([1, 2, 3])
  })

  it('has all its attempts again when it is redriven, and holds up its key while it waits for them', async () => {
    const dataSource = await openOutbox()
    events.failures()
    const handled: Move[] = []
    let tried = 0
    const relay = await startRelay(dataSource, {
      subscriptions: [
        moving(
          'ear',
          (move) => {
            if (move.n === 0 && ++tried < 4) throw tried === 1 ? new PermanentError('no') : new Error('not yet')
            handled.push(move)
          },
          { retry: { attempts: 4, baseMs: 100, maxMs: 100 } },
        ),
      ],
    })
    await tellMoves(dataSource, movesOf(1, 1))
    await until('it is dead', () => relay.counters.dead === 1)
    expect(await outboxOf(dataSource).redrive()).toBe(1)
    await until('it was tried again', () => relay.counters.failed >= 2)
    await tellMoves(dataSource, movesOf(1, 3, 1))
    await left(dataSource, 0)
    expect([numbersOf(handled), tried, relay.counters.dead]).toEqual([[0, 1, 2, 3], 4, 1])
  })

  it('keeps of its error what fits into the table', async () => {
    const dataSource = await openOutbox()
    events.failures()
    await startRelay(dataSource, { subscriptions: [moving('ear', () => Promise.reject(new PermanentError(`\0${'😀'.repeat(5_000)}`)))] })
    await tellMoves(dataSource, movesOf(1, 1))
    await until('it is dead', async () => (await outboxOf(dataSource).dead()).length === 1)
    const { lastError } = (await outboxOf(dataSource).dead())[0]!
    expect([
      lastError.startsWith('PermanentError: '),
      lastError.length <= 1_000,
      lastError.includes('😀'),
      lastError.includes('\0'),
    ]).toEqual([true, true, true, false])
  })
})
