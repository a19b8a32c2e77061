/** Attempts of `exactlyOnce` subscriptions that do not end in time: what they have open, what they write late, and what comes after them. */
import { eventsSettled, track } from 'flushpoint/events'
import { once, outboxOf, subscription, type CreateRelayOptions, type HandlerCall, type SubscriptionOptions } from 'flushpoint/outbox'
import type { DataSource, EntityManager } from 'typeorm'
import { errorOf } from '../support/chains.js'
import { describeDatabase, isSingleConnection, recordStatements } from '../support/databases.js'
import { gate, noted, useEvents } from '../support/events.js'
import { Article, ENTITIES, make } from '../support/models.js'
import { messagesOf, openOutbox } from '../support/outbox.js'
import { countRows, startRelay, tellAll, until } from '../support/relays.js'

const save = (manager: EntityManager, title: string) => manager.save(make(Article, { title }))
const forEver = () => new Promise<never>(() => undefined)
const titlesIn = async (dataSource: DataSource) => (await dataSource.getRepository(Article).find()).map(({ title }) => title).sort()
const TIMEOUT_MS = 60

/** With one connection taken by each attempt, the fourth would wait for ever. */
const few = () => (isSingleConnection() ? {} : { poolSize: 3 })

describeDatabase('an exactlyOnce attempt that does not end', () => {
  const events = useEvents()
  const open = () => openOutbox({}, { entities: ENTITIES, ...few() })
  const relayOf = (dataSource: DataSource, options: Partial<SubscriptionOptions>, more: CreateRelayOptions = {}) =>
    startRelay(dataSource, {
      ...more,
      subscriptions: [
        subscription({
          name: 'hanging',
          exactlyOnce: true,
          timeoutMs: TIMEOUT_MS,
          retry: { attempts: 6, baseMs: 1, maxMs: 2 },
          handle: forEver,
          ...options,
        }),
      ],
    })
  beforeEach(() => void events.failures())

  it('gives its connection back each time, and leaves nothing of itself', async () => {
    const dataSource = await open()
    const calls: HandlerCall[] = []
    const relay = await relayOf(dataSource, {
      handle: async (_event, call) => {
        calls.push(call)
        await save(call.manager, 'never')
        await forEver()
      },
    })
    await tellAll(dataSource, ['a'])
    await until('it is dead', async () => (await outboxOf(dataSource).dead()).length === 1)
    expect(calls.map(({ attempt }) => attempt)).toEqual([1, 2, 3, 4, 5, 6])
    expect(await titlesIn(dataSource)).toEqual([])
    expect(await countRows(dataSource, 'InboxMessage')).toBe(0)
    await relay.stop({ timeoutMs: 500 })
    await dataSource.destroy()
    expect(dataSource.isInitialized).toBe(false)
  })

  const places: Record<string, (manager: EntityManager, dataSource: DataSource) => Promise<unknown>> = {
    'a transaction inside it': (manager) => manager.transaction(forEver),
    'a transaction inside, beside a save': (manager) => Promise.all([manager.transaction(forEver), save(manager, 'beside')]),
  }
  if (isSingleConnection()) places['one of the DataSource, which joins it'] = (_, dataSource) => dataSource.transaction(forEver)

  it.each(Object.entries(places))('gives its connection back where it hangs in %s', async (_, hang) => {
    const dataSource = await open()
    let calls = 0
    await relayOf(dataSource, {
      retry: { attempts: 4, baseMs: 1, maxMs: 2 },
      handle: async (_event, { manager }) => {
        calls++
        await save(manager, 'never')
        await hang(manager, dataSource)
      },
    })
    await tellAll(dataSource, ['a'])
    await until('it is dead', async () => (await outboxOf(dataSource).dead()).length === 1)
    expect(calls).toBe(4)
    expect(await titlesIn(dataSource)).toEqual([])
  })

  it('may go on for as long as it wants: what it writes late is refused, and is in nobody else’s transaction', async () => {
    const dataSource = await open()
    const { opened, open: goOn } = gate()
    const refused: unknown[] = []
    const over = gate()
    await relayOf(dataSource, {
      retry: { attempts: 1 },
      handle: async (_event, { manager }) => {
        await save(manager, 'in time')
        await opened
        const late = [
          () => save(manager, 'late'),
          () => manager.query(`INSERT INTO ${dataSource.getMetadata(Article).tablePath} (title) VALUES ('raw')`),
          () => manager.createQueryBuilder().insert().into(Article).values({ title: 'built' }).execute(),
          () => manager.transaction((inner) => save(inner, 'late and nested')),
        ]
        for (const write of late) refused.push(await errorOf(write()))
        track(noted('late'))
        over.open()
      },
    })
    await tellAll(dataSource, ['a'])
    await until('it is dead', async () => (await outboxOf(dataSource).dead()).length === 1)
    await dataSource.transaction(async (manager) => {
      await save(manager, 'of another')
      goOn()
      if (!isSingleConnection()) await over.opened
    })
    await over.opened
    await eventsSettled()
    expect(refused.map((error) => (error as Error).constructor.name)).toEqual(
      Array(4).fill(expect.stringMatching(/^(TransactionError|.*AlreadyReleasedError)$/)),
    )
    expect(await titlesIn(dataSource)).toEqual(['of another'])
    expect(await countRows(dataSource, 'OutboxMessage')).toBe(1)
  })

  it('takes along what it was just writing', async () => {
    const dataSource = await open()
    let saving: Promise<unknown> = Promise.resolve()
    await relayOf(dataSource, {
      retry: { attempts: 1 },
      handle: async (_event, { manager, abortSignal }) => {
        await save(manager, 'before')
        await new Promise<void>((resolve) =>
          abortSignal.addEventListener('abort', () => {
            saving = Promise.allSettled(Array.from({ length: 5 }, (_, index) => save(manager, `at the end ${index}`)))
            resolve()
          }),
        )
        await forEver()
      },
    })
    await tellAll(dataSource, ['a'])
    await until('it is dead', async () => (await outboxOf(dataSource).dead()).length === 1)
    await saving
    expect(await titlesIn(dataSource)).toEqual([])
  })

  it('is over before it is tried again, and then succeeds', async () => {
    const dataSource = await open()
    const attempts: number[] = []
    await relayOf(dataSource, {
      timeoutMs: 500, // the last one is to end in time also on a busy machine
      handle: async (_event, { manager, attempt }) => {
        attempts.push(attempt)
        await save(manager, `attempt ${attempt}`)
        if (attempt < 3) await forEver()
      },
    })
    await tellAll(dataSource, ['a'])
    await until('nothing is left', async () => (await countRows(dataSource, 'OutboxMessage')) === 0)
    expect(attempts).toEqual([1, 2, 3])
    expect(await titlesIn(dataSource)).toEqual(['attempt 3'])
  })

  it('ends when the relay is stopped, and that is no attempt', async () => {
    const dataSource = await open()
    const begun = gate()
    const relay = await relayOf(dataSource, {
      timeoutMs: 60_000,
      handle: async (_event, { manager }) => {
        await save(manager, 'never')
        begun.open()
        await forEver()
      },
    })
    await tellAll(dataSource, ['a'])
    await begun.opened
    await relay.stop({ timeoutMs: 20 })
    expect(await titlesIn(dataSource)).toEqual([])
    expect(relay.counters.failed).toBe(0)
    await dataSource.destroy()
  })

  it('leaves a transaction that somebody else’s is inside of to be ended', async () => {
    const dataSource = await open()
    const controller = new AbortController()
    const mine = new Error('mine')
    await dataSource.transaction(async (manager) => {
      await save(manager, 'around')
      const hanging = once(manager, { consumer: 'c', messageId: 'm', abortSignal: controller.signal }, async (inner) => {
        await save(inner, 'inside')
        setImmediate(() => controller.abort(mine))
        await forEver()
      })
      expect(await errorOf(hanging)).toBe(mine)
      await save(manager, 'after')
    })
    expect(await titlesIn(dataSource)).toEqual(['after', 'around'])
    expect(await countRows(dataSource, 'InboxMessage')).toBe(0)
  })
})

describeDatabase(
  'an exactlyOnce attempt whose message somebody else has in a transaction',
  () => {
    it('is not counted, since its handler is not called, and takes one connection for all of them', async () => {
      const dataSource = await openOutbox({}, { entities: ENTITIES })
      await tellAll(dataSource, ['a'])
      const [message] = await messagesOf(dataSource)
      const [{ opened, open: goOn }, held] = [gate(), gate()]
      const holding = once(dataSource, { consumer: 'waiting', messageId: message!.id }, async () => {
        held.open()
        await opened
        throw new Error('gives it up')
      })
      await held.opened
      const recording = recordStatements(dataSource)
      const asked = () => recording.sql().filter((sql) => /INSERT.*inbox_message/s.test(sql)).length
      const attempts: number[] = []
      const relay = await startRelay(dataSource, {
        subscriptions: [
          subscription({
            name: 'waiting',
            exactlyOnce: true,
            timeoutMs: 300,
            retry: { attempts: 3, baseMs: 1, maxMs: 2 },
            handle: async (_event, { manager, attempt }) => {
              attempts.push(attempt)
              await save(manager, 'A')
            },
          }),
        ],
      })
      await until('it waits in the table', async () => (await countRows(dataSource, 'OutboxDelivery')) === 1)
      await new Promise((resolve) => setTimeout(resolve, 1_000)) // the time of several attempts
      expect(asked()).toBe(1)
      goOn()
      expect((await errorOf(holding)).message).toBe('gives it up')
      await until('nothing is left', async () => (await countRows(dataSource, 'OutboxMessage')) === 0)
      expect(attempts[0]).toBe(1)
      expect(relay.counters.dead).toBe(0)
      expect(await titlesIn(dataSource)).toEqual(['A'])
    })
  },
  ['postgres', 'mariadb'],
)
