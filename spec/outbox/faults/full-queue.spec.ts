/** A system behind a transport that takes nothing for a while: messages wait, none is lost, and each key keeps its order. */
import { outboxOf, PermanentError, transportSubscription, type CloudEvent, type PublishResult, type Transport } from 'flushpoint/outbox'
import { describeDatabase } from '../../support/databases.js'
import { disordered, movesOf, numbersOf, repeated, tellMoves, type Move } from '../../support/moves.js'
import { openOutbox } from '../../support/outbox.js'
import { counted, countRows, SOON, startRelay, until } from '../../support/relays.js'

/** Takes what `refuse` has nothing against, each key in order. */
class Queue implements Transport {
  readonly name = 'queue'
  readonly capabilities = { ordered: true, dedupe: false }
  readonly batches: CloudEvent[][] = []
  readonly kept: Move[] = []
  refuse: (event: CloudEvent) => Error | undefined = () => undefined

  publish(batch: readonly CloudEvent[]): Promise<readonly PublishResult[]> {
    this.batches.push([...batch])
    const held = new Map<string | undefined, Error>()
    const results = batch.map((event): PublishResult => {
      const error = held.get(event.partitionkey) ?? this.refuse(event)
      if (error === undefined) this.kept.push(event.data as Move)
      else if (event.partitionkey !== undefined) held.set(event.partitionkey, error)
      return error === undefined ? { id: event.id, isAccepted: true } : { id: event.id, isAccepted: false, error }
    })
    return Promise.resolve(results)
  }

  close(): Promise<void> {
    return Promise.resolve()
  }
}

describeDatabase('a transport', () => {
  const isDone = (dataSource: Parameters<typeof countRows>[0]) => async () => (await countRows(dataSource, 'OutboxMessage')) === 0

  it('is given batches of its size, every key in order', async () => {
    const dataSource = await openOutbox()
    const queue = new Queue()
    await tellMoves(dataSource, movesOf(10, 95))
    await startRelay(dataSource, { batchSize: 50, subscriptions: [transportSubscription(queue, { batchSize: 20 })] })
    await until('nothing is left', isDone(dataSource))
    expect(queue.batches.map(({ length }) => length)).toEqual([20, 20, 10, 20, 20, 5])
    expect([repeated(queue.kept), disordered(queue.kept), queue.kept.length]).toEqual([[], [], 95])
  })

  it('that refuses everything for a while has all of it afterwards, in order', async () => {
    const dataSource = await openOutbox()
    const queue = new Queue()
    queue.refuse = () => new Error('the queue is full')
    const relay = await startRelay(dataSource, {
      subscriptions: [transportSubscription(queue, { batchSize: 20, retry: { ...SOON, attempts: 1_000 } })],
    })
    await tellMoves(dataSource, movesOf(10, 40))
    await until('it was tried a few times', () => relay.counters.failed > 60)
    await tellMoves(dataSource, movesOf(10, 40, 40))
    await until('more is in line', async () => (await countRows(dataSource, 'OutboxDelivery')) === 80)
    const blocked = await outboxOf(dataSource).blockedKeys()
    expect([blocked.length, blocked.every(({ waiting, reason }) => waiting === 8 && reason === 'retry')]).toEqual([10, true])
    expect(queue.kept).toEqual([])
    queue.refuse = () => undefined
    await until('nothing is left', isDone(dataSource))
    expect(numbersOf(queue.kept).toSorted((a, b) => a - b)).toEqual(movesOf(10, 80).map(({ n }) => n))
    expect(disordered(queue.kept)).toEqual([])
    await counted(relay, { dead: 0 })
  })

  it('that refuses one event counts no attempt of those behind it', async () => {
    const dataSource = await openOutbox()
    const queue = new Queue()
    queue.refuse = ({ data }) => ((data as Move).n === 1 ? new Error('not this one') : undefined)
    const relay = await startRelay(dataSource, { subscriptions: [transportSubscription(queue, { retry: { ...SOON, attempts: 4 } })] })
    await tellMoves(dataSource, movesOf(2, 8))
    await until('nothing is left but one', async () => (await countRows(dataSource, 'OutboxMessage')) === 1)
    const [dead] = await outboxOf(dataSource).dead()
    expect([dead?.attempts, dead?.lastError]).toEqual([4, 'not this one'])
    await counted(relay, { failed: 4, dead: 1, handled: 7 })
    expect([numbersOf(queue.kept, 'k0'), numbersOf(queue.kept, 'k1')]).toEqual([
      [0, 2, 4, 6],
      [3, 5, 7],
    ])
  })

  it('gives an event up at once that it will never take', async () => {
    const dataSource = await openOutbox()
    const queue = new Queue()
    queue.refuse = ({ data }) => ((data as Move).n === 0 ? new PermanentError('too large') : undefined)
    const relay = await startRelay(dataSource, { subscriptions: [transportSubscription(queue)] })
    await tellMoves(dataSource, movesOf(1, 3))
    await until('the rest is kept', () => queue.kept.length === 2)
    await until('one is dead', async () => (await countRows(dataSource, 'OutboxMessage')) === 1)
    expect([relay.counters.dead, relay.counters.failed, numbersOf(queue.kept)]).toEqual([1, 1, [1, 2]])
  })

  it('that answers nothing is told to abort in time, and asked again', async () => {
    const dataSource = await openOutbox()
    const queue = new Queue()
    const signals: AbortSignal[] = []
    const publish = queue.publish.bind(queue)
    queue.publish = (batch, ...more: unknown[]) => {
      const [{ abortSignal }] = more as [{ abortSignal: AbortSignal }]
      signals.push(abortSignal)
      return signals.length === 1 ? new Promise(() => {}) : publish(batch)
    }
    const relay = await startRelay(dataSource, { subscriptions: [transportSubscription(queue, { timeoutMs: 50, retry: SOON })] })
    await tellMoves(dataSource, movesOf(2, 6))
    await until('nothing is left', isDone(dataSource))
    expect((signals[0]!.reason as { code?: string }).code).toBe('HANDLER_TIMEOUT')
    expect(signals[1]!.aborted).toBe(false)
    expect([numbersOf(queue.kept, 'k0'), numbersOf(queue.kept, 'k1')]).toEqual([
      [0, 2, 4],
      [1, 3, 5],
    ])
    await counted(relay, { failed: 2, handled: 6, dead: 0 }) // of each key the first
  })

  it('that rejects, or says nothing of an event, is asked again', async () => {
    const dataSource = await openOutbox()
    const queue = new Queue()
    const publish = queue.publish.bind(queue)
    let calls = 0
    queue.publish = async (batch) => {
      calls += 1
      if (calls === 1) throw new Error('no connection')
      const results = await publish(batch)
      return calls === 2 ? results.slice(1) : results
    }
    await tellMoves(dataSource, movesOf(1, 3))
    const relay = await startRelay(dataSource, { subscriptions: [transportSubscription(queue, { retry: SOON })] })
    await until('nothing is left', isDone(dataSource))
    await counted(relay, { failed: 2, handled: 3 })
    expect(disordered(queue.kept)).toEqual([])
  })
})
