/**
 * Subscriptions whose effects happen once: what the handler writes and the note that it was handled are one transaction.
 *
 * FC_SEED repeats the points of the seed that a failure prints.
 *
 * @module
 */
import { subscription, type HandlerCall, type SubscriptionOptions } from 'flushpoint/outbox'
import type { DataSource, EntityManager } from 'typeorm'
import { breakStatements, spared } from '../support/broken-statements.js'
import { describeDatabase } from '../support/databases.js'
import { useEvents } from '../support/events.js'
import { Article, ENTITIES, make } from '../support/models.js'
import { movesOf, tellMoves, type Move } from '../support/moves.js'
import { openOutbox } from '../support/outbox.js'
import { randomFrom } from '../support/outbox-processes.js'
import { countRows, relayErrors, SOON, startRelay, until } from '../support/relays.js'

const SEED = Number(process.env['FC_SEED'] ?? Math.floor(Math.random() * 2 ** 31))

const write = (manager: EntityManager, { n }: Move) => manager.save(make(Article, { title: String(n) }))
const written = async (dataSource: DataSource) =>
  (await spared(() => dataSource.getRepository(Article).find())).map(({ title }) => Number(title)).sort((a, b) => a - b)
const nothingLeft = (dataSource: DataSource) =>
  until('nothing is left', async () => (await spared(() => countRows(dataSource, 'OutboxMessage'))) === 0, 20_000)

function once(name: string, handle: (move: Move, call: HandlerCall) => unknown, options: Partial<SubscriptionOptions> = {}) {
  return subscription({ name, retry: SOON, exactlyOnce: true, ...options, handle: ({ data }, call) => handle(data as Move, call) })
}

describeDatabase('an exactlyOnce subscription', () => {
  const events = useEvents()
  const open = () => openOutbox({}, { entities: ENTITIES })

  it('has effects and notes alike, for each message and each name', async () => {
    const dataSource = await open()
    await startRelay(dataSource, {
      loops: 2,
      subscriptions: ['a', 'b'].map((name) => once(name, (move, { manager }) => write(manager, move))),
    })
    await tellMoves(dataSource, movesOf(5, 20))
    await nothingLeft(dataSource)
    expect(await written(dataSource)).toEqual(movesOf(1, 20).flatMap(({ n }) => [n, n]))
    expect(await countRows(dataSource, 'InboxMessage')).toBe(40)
  })

  it('leaves nothing of an attempt that fails', async () => {
    const dataSource = await open()
    events.failures()
    const relay = await startRelay(dataSource, {
      subscriptions: [
        once('ear', async (move, { manager, attempt }) => {
          await write(manager, move)
          if (attempt < 3) throw new Error('not yet')
        }),
      ],
    })
    await tellMoves(dataSource, movesOf(3, 6))
    await nothingLeft(dataSource)
    expect([await written(dataSource), relay.counters.failed]).toEqual([[0, 1, 2, 3, 4, 5], 12])
    expect(await countRows(dataSource, 'InboxMessage')).toBe(6)
  })

  it('leaves nothing of a message that is dead', async () => {
    const dataSource = await open()
    events.failures()
    const relay = await startRelay(dataSource, {
      subscriptions: [
        once('ear', async (move, { manager }) => {
          await write(manager, move)
          throw new Error('never')
        }),
      ],
    })
    await tellMoves(dataSource, movesOf(1, 1))
    await until('it is dead', () => relay.counters.dead === 1)
    expect([await written(dataSource), await countRows(dataSource, 'InboxMessage')]).toEqual([[], 0])
  })

  it('does nothing for a message that comes again', async () => {
    const dataSource = await open()
    const calls: number[] = []
    const relay = await startRelay(dataSource, {
      subscriptions: [
        once('ear', (move, { manager }) => {
          calls.push(move.n)
          return write(manager, move)
        }),
      ],
    })
    await tellMoves(dataSource, movesOf(1, 2))
    await nothingLeft(dataSource)
    // as if a process had ended between the handler and the note that it was handled
    const rows = (await dataSource.manager.find('InboxMessage')) as { message_id: string }[]
    await relay.stop()
    await tellMoves(dataSource, movesOf(1, 2, 2))
    const told = (await dataSource.manager.find('OutboxMessage', { order: { seq: 'ASC' } as never })) as { seq: number }[]
    for (const [index, { seq }] of told.entries())
      await dataSource.manager.update('OutboxMessage', { seq }, { id: rows[index]!.message_id } as never)
    await startRelay(dataSource, {
      subscriptions: [
        once('ear', (move, { manager }) => {
          calls.push(move.n)
          return write(manager, move)
        }),
      ],
    })
    await nothingLeft(dataSource)
    expect([calls, await written(dataSource)]).toEqual([
      [0, 1],
      [0, 1],
    ])
  })

  it('has its effects once, whatever the database does not answer', async () => {
    const dataSource = await open()
    events.failures()
    const random = randomFrom(SEED)
    let broken = 0
    let isBroken = true
    breakStatements(dataSource, (sql) => {
      if (!isBroken || !/^(COMMIT|INSERT|UPDATE|DELETE)/.test(sql) || broken >= 60 || random() > 0.25) return undefined
      broken += 1
      return random() < 0.5 ? 'before' : 'after'
    })
    await startRelay(dataSource, {
      subscriptions: [once('ear', (move, { manager }) => write(manager, move), { retry: { attempts: 1_000, baseMs: 2, maxMs: 10 } })],
    })
    for (let first = 0; first < 60; first += 20) await spared(() => tellMoves(dataSource, movesOf(6, 20, first)))
    await nothingLeft(dataSource)
    isBroken = false
    expect([SEED, await written(dataSource)]).toEqual([SEED, movesOf(1, 60).map(({ n }) => n)])
    expect([SEED, await spared(() => countRows(dataSource, 'InboxMessage'))]).toEqual([SEED, 60])
    expect(broken).toBeGreaterThan(10)
    relayErrors()
  })
})
