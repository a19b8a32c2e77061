/** Messages and handlers that do what nobody expects: they are given up, and all others are handled. */
import { outboxOf, subscription, transportSubscription, type CloudEvent, type Transport } from 'flushpoint/outbox'
import type { DataSource } from 'typeorm'
import { describeDatabase } from '../support/databases.js'
import { useEvents } from '../support/events.js'
import { disordered, movesOf, moving, noting, numbersOf, tellMoves, type Move } from '../support/moves.js'
import { openOutbox } from '../support/outbox.js'
import { counted, countRows, startRelay, until } from '../support/relays.js'
import { steal } from '../support/slots.js'

const retry = { attempts: 2, baseMs: 1, maxMs: 1 } as const
const left = (dataSource: DataSource, count: number) =>
  until(`${count} are left`, async () => (await countRows(dataSource, 'OutboxMessage')) === count)

/** Throws whatever it is given. */
function raise(thrown: unknown): never {
  throw thrown
}

/** What handlers may do, wrongly, with one message. */
const DEEDS: Readonly<Record<string, () => unknown>> = {
  'throws an error': () => raise(new Error('no')),
  'throws undefined': () => raise(undefined),
  'throws null': () => raise(null),
  'throws a text': () => raise('no'),
  'throws a symbol': () => raise(Symbol('no')),
  'throws an object that cannot be printed': () => raise(Object.create(null)),
  'throws an error whose message throws': () => {
    throw Object.defineProperty(new Error(), 'message', {
      get: () => {
        throw new Error('not even that')
      },
    })
  },
  'throws an error with a strange name': () => {
    throw Object.assign(new Error('no'), { name: Symbol('name') })
  },
  rejects: () => Promise.reject(new Error('no')),
  'rejects with undefined': () => Promise.reject(undefined),
  'returns a thenable that rejects': () => ({ then: (_: unknown, reject: (error: unknown) => void) => reject(new Error('no')) }),
  'returns a thenable that throws': () => ({
    then: () => {
      throw new Error('no')
    },
  }),
  'returns something whose then throws': () =>
    Object.defineProperty({}, 'then', {
      get: () => {
        throw new Error('no')
      },
    }),
}

describeDatabase('a handler', () => {
  const events = useEvents()

  it.each(Object.entries(DEEDS))('that %s is asked again, and the message dead after its attempts', async (_, deed) => {
    const dataSource = await openOutbox()
    events.failures()
    const handled: Move[] = []
    const relay = await startRelay(dataSource, {
      subscriptions: [moving('ear', (move) => (move.n === 3 ? deed() : void handled.push(move)), { retry }), noting('eye', [])],
    })
    await tellMoves(dataSource, movesOf(5, 10))
    await left(dataSource, 1)
    expect(numbersOf(handled).toSorted((a, b) => a - b)).toEqual([0, 1, 2, 4, 5, 6, 7, 8, 9])
    const dead = await outboxOf(dataSource).dead()
    expect(dead.map(({ attempts, lastError }) => [attempts, typeof lastError])).toEqual([[2, 'string']])
    await counted(relay, { failed: 2, dead: 1, handled: 19 })
  })

  it('that returns a thenable of its own kind is waited for', async () => {
    const dataSource = await openOutbox()
    const ended: number[] = []
    await startRelay(dataSource, {
      subscriptions: [moving('ear', ({ n }) => ({ then: (resolve: () => void) => void setTimeout(() => (ended.push(n), resolve()), 5) }))],
    })
    await tellMoves(dataSource, movesOf(1, 3))
    await left(dataSource, 0)
    expect(ended).toEqual([0, 1, 2])
  })
})

describeDatabase('a row that cannot be read', () => {
  const events = useEvents()

  it.each(['payload', 'headers'])('for its %s is dead, and its batch goes on', async (column) => {
    const dataSource = await openOutbox()
    events.failures()
    const [handled, published]: [Move[], number[]] = [[], []]
    const transport: Transport = {
      name: 'queue',
      capabilities: { ordered: true, dedupe: false },
      publish: (batch) => {
        published.push(...batch.map(({ data }) => (data as Move).n))
        return Promise.resolve(batch.map(({ id }) => ({ id, isAccepted: true as const })))
      },
      close: () => Promise.resolve(),
    }
    await tellMoves(dataSource, movesOf(3, 9))
    const [broken] = (await dataSource.manager.find('OutboxMessage', { order: { seq: 'ASC' } as never, skip: 3, take: 1 })) as {
      seq: number
    }[]
    await dataSource.manager.update('OutboxMessage', { seq: broken!.seq }, { [column]: '{"half": secret}' } as never)
    await startRelay(dataSource, {
      subscriptions: [
        subscription({ name: 'ear', retry, handle: ({ data }: CloudEvent) => void handled.push(data as Move) }),
        transportSubscription(transport, { retry }),
      ],
    })
    await left(dataSource, 1)
    await until('both are dead', async () => (await outboxOf(dataSource).dead()).length === 2)
    const wanted = [0, 1, 2, 4, 5, 6, 7, 8]
    expect([numbersOf(handled).toSorted((a, b) => a - b), published.toSorted((a, b) => a - b)]).toEqual([wanted, wanted])
    const dead = await outboxOf(dataSource).dead()
    expect(dead.map(({ subscription: name, attempts }) => [name, attempts])).toEqual([
      ['ear', 1],
      ['queue', 1],
    ])
    for (const { lastError } of dead)
      expect(lastError).toMatch(new RegExp(`^PermanentError: Cannot read the message \\S+ of an outbox: its ${column} is not`))
  })
})

describeDatabase('a message that a process left behind', () => {
  const events = useEvents()

  it('is not blamed for what it did not do: not begun, or interrupted, it does not count as one that ended its process', async () => {
    const dataSource = await openOutbox()
    events.failures()
    await tellMoves(dataSource, movesOf(5, 10))
    let begun = 0
    for (let time = 0; time < 5; time++) {
      const relay = await startRelay(dataSource, {
        settleMs: 10,
        subscriptions: [
          moving(
            'ear',
            (_, { abortSignal }) => {
              begun += 1
              return new Promise((_resolve, reject) => abortSignal.addEventListener('abort', () => reject(new Error('interrupted'))))
            },
            { concurrency: 2 },
          ),
        ],
      })
      await until('some are begun', () => begun >= 2 * (time + 1))
      await relay.stop({ timeoutMs: 10 })
      await steal(dataSource, ['*', 'ear'], { owner: 'somebody who went without a word', forMs: -1 })
    }
    const rows = (await dataSource.manager.find('OutboxDelivery')) as { attempts: number; started: number }[]
    expect(rows.map(({ attempts, started }) => [Number(attempts), Number(started)])).toEqual(Array(10).fill([0, 0]))
    const handled: Move[] = []
    await startRelay(dataSource, { subscriptions: [noting('ear', handled)] })
    await left(dataSource, 0)
    expect(handled.length).toBe(10)
  })

  it('and behind it newer ones are handled in order, whoever noticed what', async () => {
    const dataSource = await openOutbox()
    const former = await startRelay(dataSource, { subscriptions: [noting('ear', [])] })
    await until('it has its slots', async () => (await former.health()).slots === 64)
    await former.stop()
    for (let time = 0; time < 5; time++) {
      const handled: Move[] = []
      await steal(dataSource, ['*', 'ear'], { owner: 'somebody who went without a word', forMs: -1 })
      await tellMoves(dataSource, movesOf(3, 30))
      const relay = await startRelay(dataSource, { subscriptions: [noting('ear', handled)] })
      for (let first = 30; first < 90; first += 10)
        await tellMoves(
          dataSource,
          movesOf(3, 10, first).map((move) => ({ ...move, id: `k${move.n % 3}` })),
        )
      await left(dataSource, 0)
      await relay.stop()
      expect([handled.length, disordered(handled)]).toEqual([90, []])
    }
  })
})
