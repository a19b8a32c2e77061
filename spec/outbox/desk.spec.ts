/** Operators see how an outbox stands, and what they do to it is done to what they meant and nothing else. */
import { enablePluginEvents, registerPlugin } from 'flushpoint/events'
import { createRelay, subscription, Outbox, outboxEntities, outboxOf, type LetterFilter, type OutboxDesk } from 'flushpoint/outbox'
import { sessionSubscriber } from 'flushpoint'
import { DataSource } from 'typeorm'
import { onWakeUp } from '../../lib/outbox/wake-up.js'
import { errorOf } from '../support/chains.js'
import { dataSourceOptions, databaseName, describeDatabase, openDataSource, recordStatements } from '../support/databases.js'
import { thrownBy } from '../support/events.js'
import { announce, deliveriesOf, fill, joinRelay, statesOf } from '../support/outbox-rows.js'
import { openOutbox } from '../support/outbox.js'

const handle = () => undefined
const SUBSCRIPTIONS = [
  subscription({ name: 'films', events: 'film.*', handle }),
  subscription({ name: 'strict', events: 'film.*', onDead: 'block', handle }),
]
const DEAD = { status: 'dead' } as const
const MANY = 2_300

describeDatabase('the desk of an outbox', () => {
  let dataSource: DataSource
  let desk: OutboxDesk

  const open = async (retentionMs = 0) => {
    dataSource = await openOutbox({ subscriptions: SUBSCRIPTIONS, relay: { retentionMs } })
    desk = outboxOf(dataSource)
  }
  const fillDead = (count: number) =>
    fill(
      dataSource,
      Array.from({ length: count }, () => ({ to: { films: DEAD } })),
    )

  describe('status', () => {
    beforeEach(() => open())

    it('counts what a subscription of this DataSource has not handled: its own rows, and new messages it wants', async () => {
      await fill(dataSource, [
        { type: 'film.released' },
        { type: 'invoice.sent' },
        { type: 'film.released', to: { films: {} } },
        { type: 'film.released', to: { films: { attempts: 1, inMs: 60_000 } } },
        { type: 'film.released', to: { films: { attempts: 2 } } },
        { type: 'film.released', to: { films: DEAD, strict: DEAD } },
        { type: 'film.released', state: 'done' },
      ])
      const { messages, subscriptions } = await desk.status()
      expect(messages).toBe(7)
      expect(subscriptions).toMatchObject([
        { name: 'films', backlog: 4, retrying: 2, dead: 1 },
        { name: 'strict', backlog: 1, retrying: 0, dead: 1 },
      ])
    })

    it('counts all new messages for subscriptions that it only knows by name, and never shows the intake', async () => {
      await announce(dataSource, ['search', '*'])
      await fill(dataSource, [{ type: 'film.released' }, { type: 'invoice.sent' }, { to: { gone: DEAD } }])
      const { subscriptions } = await desk.status()
      expect(subscriptions.map(({ name, backlog, dead }) => [name, backlog, dead])).toEqual([
        ['films', 1, 0],
        ['gone', 2, 1],
        ['search', 2, 0],
        ['strict', 1, 0],
      ])
    })

    it('tells how old the oldest message of a backlog is, by the clock of the database', async () => {
      await announce(dataSource, ['idle'])
      await fill(dataSource, [
        { type: 'film.released', ageMs: 1_000, to: { films: {}, strict: DEAD } },
        { type: 'film.released', ageMs: 3_600_000, to: { films: {} } },
        { type: 'film.released', ageMs: 7_200_000, to: { films: DEAD } },
      ])
      const { subscriptions } = await desk.status()
      const ages = Object.fromEntries(subscriptions.map(({ name, oldestAgeMs }) => [name, oldestAgeMs]))
      expect(ages).toEqual({ films: expect.any(Number) as number, idle: null, strict: null })
      expect(ages['films']).toBeGreaterThanOrEqual(3_600_000)
      expect(ages['films']).toBeLessThan(7_200_000)
    })

    it('never tells an age below zero, where the clock of a writer is ahead', async () => {
      await fill(dataSource, [{ type: 'film.released', ageMs: -3_600_000 }])
      expect((await desk.status()).subscriptions).toMatchObject([{ oldestAgeMs: 0 }, { oldestAgeMs: 0 }])
    })

    it('shows the relays that are alive, with the slots they hold', async () => {
      await joinRelay(dataSource, { owner: 'a-1', subscriptions: ['*', 'films'], startedMs: 60_000 })
      await joinRelay(dataSource, { owner: 'b-2', subscriptions: ['*'], startedMs: 30_000 })
      await joinRelay(dataSource, { owner: 'c-3', subscriptions: ['*', 'films'], aliveMs: -1_000 })
      const held = { owner: 'a-1', leaseMs: 60_000 }
      await announce(dataSource, ['films', '*'], [held, held, { owner: 'a-1', leaseMs: -1_000 }, { owner: 'c-3', leaseMs: 60_000 }, {}])
      const { relays } = await desk.status()
      expect(relays).toMatchObject([
        { owner: 'a-1', host: 'a', pid: 7, subscriptions: ['films'], slots: 2 },
        { owner: 'b-2', subscriptions: [], slots: 0 },
      ])
      expect(relays[0]!.aliveForMs).toBeGreaterThanOrEqual(60_000)
    })
  })

  describe('dead', () => {
    beforeEach(() => open())

    it('lists dead letters, oldest first, and nothing that is tried again', async () => {
      const since = 1_790_000_000_000
      const [first, second] = await fill(dataSource, [
        { id: 'one', key: 'film:1', to: { strict: { ...DEAD, attempts: 12, error: 'Error: no', updatedAt: since }, films: {} } },
        { id: 'two', to: { strict: { ...DEAD, attempts: 1, updatedAt: since - 1 }, films: DEAD } },
      ])
      const letters = await desk.dead()
      expect(letters).toEqual([
        {
          subscription: 'strict',
          id: 'one',
          sequence: first,
          type: 'film.released',
          partitionKey: 'film:1',
          attempts: 12,
          lastError: 'Error: no',
          since: new Date(since),
        },
        expect.objectContaining({ subscription: 'films', id: 'two', sequence: second, partitionKey: null, lastError: '' }),
        expect.objectContaining({ subscription: 'strict', id: 'two', sequence: second }),
      ])
    })

    it('lists no more than the limit: 100, or what is asked for', async () => {
      const sequences = await fillDead(1_100)
      expect((await desk.dead()).map(({ sequence }) => sequence)).toEqual(sequences.slice(0, 100))
      expect((await desk.dead({ limit: 1_050 })).map(({ sequence }) => sequence)).toEqual(sequences.slice(0, 1_050))
      expect((await desk.dead({ limit: 10_000 })).map(({ sequence }) => sequence)).toEqual(sequences)
    })

    it('finds what fits behind a chunk of others', async () => {
      await fillDead(1_000)
      await fill(dataSource, [{ type: 'invoice.sent', to: { films: DEAD } }])
      expect(await desk.dead({ type: 'inv*', limit: 1 })).toMatchObject([{ type: 'invoice.sent' }])
    })
  })

  describe('a filter', () => {
    const TYPES = ['film.added', 'film_added', 'filmXadded', 'film%added', 'film\\added', 'FILM.ADDED', 'film.added ', "film'added"]
    const KEYS = ['film:1', 'FILM:1', 'film:1 ', 'film_1', 'film\\1']

    beforeEach(() => open())

    it.each([
      ['film.added', ['film.added']],
      ['film_added', ['film_added']],
      ['film%added', ['film%added']],
      ['film\\added', ['film\\added']],
      ["film'added", ["film'added"]],
      ['film_*', ['film_added']],
      ['film%*', ['film%added']],
      ['film\\*', ['film\\added']],
      ['*%*', ['film%added']],
      ['film.*', ['film.added', 'film.added ']],
      ['*.added', ['film.added']],
      ['*', TYPES],
      ['other', []],
    ])('by the type %j means these to the letter', async (type, meant) => {
      await fill(
        dataSource,
        TYPES.map((one) => ({ type: one, to: { films: DEAD } })),
      )
      expect((await desk.dead({ type })).map((letter) => letter.type)).toEqual(meant)
      expect(await desk.redrive({ type })).toBe(meant.length)
      expect(await desk.dead({ type })).toEqual([])
      expect(await desk.dead()).toHaveLength(TYPES.length - meant.length)
    })

    it.each(KEYS)('by the key %j means no other', async (partitionKey) => {
      await fill(
        dataSource,
        KEYS.map((key) => ({ key, to: { films: DEAD } })),
      )
      expect((await desk.dead({ partitionKey })).map((letter) => letter.partitionKey)).toEqual([partitionKey])
      expect(await desk.discard({ partitionKey })).toBe(1)
    })

    it('means what fits all of it', async () => {
      const to = { films: DEAD, strict: DEAD }
      await fill(dataSource, [
        { id: 'a', key: 'k', to },
        { id: 'b', key: 'k', to },
        { id: 'c', key: 'k', type: 'film.x', to },
        { id: 'd', to },
      ])
      const filter: LetterFilter = { ids: ['a', 'c', 'd', 'e'], partitionKey: 'k', type: 'film.r*', subscription: 'strict' }
      expect((await desk.dead(filter)).map(({ id, subscription: name }) => [id, name])).toEqual([['a', 'strict']])
      expect(await desk.dead({ ids: [] })).toEqual([])
      expect(await desk.dead({ subscription: 'stric' })).toEqual([])
    })

    it.each([
      [{ subscriptions: 'films' }, 'OPTION_UNKNOWN'],
      [{ type: 7 }, 'OPTION_INVALID'],
      [{ ids: 'a' }, 'OPTION_INVALID'],
      [{ ids: [7] }, 'OPTION_INVALID'],
    ])('that nobody can mean changes nothing: %j', async (filter, code) => {
      await fill(dataSource, [{ to: { films: DEAD } }])
      const calls = [desk.dead(filter as never), desk.redrive(filter as never), desk.discard(filter as never)]
      for (const call of calls) expect((await errorOf(call as Promise<unknown>)).code).toBe(code)
      expect((await errorOf(desk.replay({ sequence: 1 }, filter as never))).code).toBe(code)
      expect(await desk.dead()).toHaveLength(1)
    })

    it.each([0, 10_001, 1.5, '7'])('refuses the limit %j', async (limit) => {
      expect((await errorOf(desk.dead({ limit: limit as number }))).code).toBe('OPTION_INVALID')
    })
  })

  describe('blockedKeys', () => {
    beforeEach(() => open())

    it('tells the first message of each key that failed, and how many wait with it', async () => {
      const nextMs = 60_000
      const [first, second] = await fill(dataSource, [
        { key: 'a', to: { films: { attempts: 2, inMs: nextMs, error: 'first' } } },
        { key: 'a', to: { films: { attempts: 1, error: 'second' }, strict: {} } },
        { key: 'a', to: { films: DEAD } },
        { key: 'a', to: { films: {} } },
        { key: 'b', to: { films: {}, strict: { attempts: 1, error: 'third' } } },
        { to: { films: { attempts: 1 } } },
      ])
      const blocked = await desk.blockedKeys()
      expect(blocked).toEqual([
        {
          subscription: 'films',
          partitionKey: 'a',
          reason: 'retry',
          waiting: 3,
          oldestSequence: first,
          nextAttemptAt: expect.any(Date) as Date,
          lastError: 'first',
        },
        expect.objectContaining({ subscription: 'strict', partitionKey: 'b', waiting: 1, oldestSequence: second! + 3, lastError: 'third' }),
      ])
      expect(blocked[0]!.nextAttemptAt!.getTime()).toBeGreaterThan(Date.now())
      expect(await desk.blockedKeys({ subscription: 'strict' })).toEqual([blocked[1]])
    })

    it('tells dead letters where the subscription blocks on these, and not where it skips them', async () => {
      const to = { films: { ...DEAD, error: 'x' }, strict: { ...DEAD, error: 'y' } }
      await fill(dataSource, [
        { key: 'a', to },
        { key: 'a', to: { films: {}, strict: {} } },
      ])
      expect(await desk.blockedKeys()).toEqual([
        { subscription: 'strict', partitionKey: 'a', reason: 'dead', waiting: 2, oldestSequence: 1, nextAttemptAt: null, lastError: 'y' },
      ])
    })

    it('tells dead letters of plugins, and of subscriptions that a relay here was given, that block on these', async () => {
      const strict = subscription({ name: 'own', onDead: 'block', handle: () => undefined })
      createRelay(dataSource, { subscriptions: [strict] })
      const plugin = {
        slug: 'strict',
        delivery: { onDead: 'block' as const },
        wantsProcessEvent: () => true,
        processEvent: () => undefined,
      }
      const takeOff = registerPlugin(plugin as never)
      enablePluginEvents(true)
      await fill(dataSource, [{ key: 'a', to: { own: DEAD, 'plugin:strict': DEAD, 'plugin:other': DEAD } }])
      expect((await desk.blockedKeys()).map(({ subscription: name, reason }) => [name, reason])).toEqual([
        ['own', 'dead'],
        ['plugin:strict', 'dead'],
      ])
      enablePluginEvents(false)
      takeOff()
    })

    it('keeps keys apart that databases may take for the same', async () => {
      await fill(dataSource, [
        { key: 'a', to: { films: { attempts: 1 } } },
        { key: 'A', to: { films: { attempts: 1 } } },
      ])
      expect((await desk.blockedKeys()).map(({ partitionKey, waiting }) => [partitionKey, waiting]).sort()).toEqual([
        ['A', 1],
        ['a', 1],
      ])
    })
  })

  describe('redrive', () => {
    beforeEach(() => open())

    it('lets dead letters be tried again from the first attempt, and keeps what they failed with', async () => {
      await fill(dataSource, [
        { to: { films: { ...DEAD, attempts: 12, started: 12, inMs: 60_000, error: 'Error: no' }, strict: { attempts: 3, started: 3 } } },
        { to: { films: { ...DEAD, attempts: 12 } } },
      ])
      expect(await desk.redrive({ subscription: 'films', ids: [(await desk.dead())[0]!.id] })).toBe(1)
      expect(await deliveriesOf(dataSource)).toEqual(['1 films pending', '1 strict pending', '2 films dead'])
      const [redriven, other] = await dataSource
        .getRepository('OutboxDelivery')
        .find({ order: { message_seq: 'ASC', subscription: 'ASC' } })
      expect(redriven).toMatchObject({ attempts: 0, started: 0, last_error: 'Error: no' })
      expect(Number(redriven!['available_at'])).toBe(0)
      expect(other).toMatchObject({ attempts: 3, started: 3 })
    })

    it('goes through any number, in transactions of a thousand, and wakes relays at the end', async () => {
      await fillDead(MANY)
      let woken = 0
      const off = onWakeUp(dataSource, () => void woken++)
      const recording = recordStatements(dataSource)
      expect(await desk.redrive()).toBe(MANY)
      expect(recording.sql().filter((sql) => sql.startsWith('UPDATE'))).toHaveLength(3)
      expect(recording.sql().filter((sql) => sql === 'COMMIT').length).toBeGreaterThanOrEqual(3)
      expect(await desk.status()).toMatchObject({ subscriptions: [{ name: 'films', backlog: MANY, dead: 0 }, {}] })
      expect(woken).toBe(1)
      off()
    })
  })

  describe('discard', () => {
    it('deletes dead letters, and messages that nobody else has anything to do with', async () => {
      await open()
      await fill(dataSource, [{ to: { films: DEAD } }, { to: { films: DEAD, strict: {} } }, { to: { films: {} } }, {}])
      expect(await desk.discard()).toBe(2)
      expect(await deliveriesOf(dataSource)).toEqual(['2 strict pending', '3 films pending'])
      expect(await statesOf(dataSource)).toEqual(['2 out', '3 out', '4 new'])
    })

    it('keeps such messages as done where they are to be kept', async () => {
      await open(60_000)
      const before = Date.now()
      await fill(dataSource, [{ to: { films: DEAD, strict: DEAD } }, { to: { films: DEAD, strict: {} } }])
      expect(await desk.discard({ type: 'film.*' })).toBe(3)
      expect(await statesOf(dataSource)).toEqual(['1 done', '2 out'])
      const [done] = await dataSource.getRepository('OutboxMessage').find({ order: { seq: 'ASC' } })
      expect(Number(done!['done_at'])).toBeGreaterThanOrEqual(before - 1)
    })

    it('leaves no message behind that two of them end with at the same moment', async () => {
      await open()
      await fill(
        dataSource,
        Array.from({ length: 300 }, () => ({ to: { films: DEAD, strict: DEAD } })),
      )
      const both = await Promise.all([desk.discard({ subscription: 'films' }), desk.discard({ subscription: 'strict' })])
      expect(both).toEqual([300, 300])
      expect(await statesOf(dataSource)).toEqual([])
    })

    it('goes through any number', async () => {
      await open()
      await fillDead(MANY)
      expect(await desk.discard()).toBe(MANY)
      expect(await statesOf(dataSource)).toEqual([])
    })
  })

  it('tells relays of other processes, where NOTIFY was opted for', async () => {
    dataSource = await openOutbox({ subscriptions: SUBSCRIPTIONS, notify: true, relay: { retentionMs: 1_000 } })
    desk = outboxOf(dataSource)
    const recording = recordStatements(dataSource)
    await fill(dataSource, [{ to: { films: DEAD } }, { to: { strict: DEAD } }, { state: 'done' }])
    await desk.redrive({ subscription: 'films' })
    await desk.discard()
    await desk.replay({ sequence: 3 }, { subscription: 'films' })
    const notified = recording.sql().filter((sql) => sql.includes('pg_notify'))
    expect(notified).toHaveLength(databaseName() === 'postgres' ? 3 : 0)
  })
})

describeDatabase('a desk', () => {
  const useDesk = [
    (desk: OutboxDesk) => desk.status(),
    (desk: OutboxDesk) => desk.dead(),
    (desk: OutboxDesk) => desk.blockedKeys(),
    (desk: OutboxDesk) => desk.redrive(),
    (desk: OutboxDesk) => desk.discard(),
    (desk: OutboxDesk) => desk.replay({ sequence: 1 }, { subscription: 'films' }),
    async (desk: OutboxDesk) => {
      for await (const event of desk.tail()) return event
      return undefined
    },
  ]

  it('of a DataSource without an outbox is refused', async () => {
    const plain = await openDataSource({ entities: outboxEntities(databaseName()) as never })
    expect(thrownBy(() => outboxOf(plain)).code).toBe('OUTBOX_NOT_LISTED')
  })

  it('of a DataSource without the tables is refused', async () => {
    const bare = await openDataSource({ subscribers: [sessionSubscriber({ extensions: [Outbox.with({ worker: 'none' })] })] })
    expect(thrownBy(() => outboxOf(bare)).code).toBe('OUTBOX_TABLES_MISSING')
  })

  it('of a DataSource that is not connected yet, or any more, passes on what TypeORM says', async () => {
    const subscribers = [sessionSubscriber({ extensions: [Outbox.with({ worker: 'none' })] })]
    const later = new DataSource(dataSourceOptions({ entities: outboxEntities(databaseName()) as never, subscribers }))
    const desk = outboxOf(later)
    for (const use of useDesk) expect((await errorOf(use(desk))).name).toBe('CannotExecuteNotConnectedError')
    const gone = await openOutbox()
    const former = outboxOf(gone)
    await gone.destroy()
    for (const use of useDesk) expect((await errorOf(use(former))).name).toBe('CannotExecuteNotConnectedError')
  })

  it('works once its DataSource is connected', async () => {
    const dataSource = await openOutbox()
    const options = dataSource.options
    await dataSource.destroy()
    const later = new DataSource({ ...options, synchronize: false } as typeof options)
    const desk = outboxOf(later)
    await later.initialize()
    expect(await desk.status()).toEqual({ messages: 0, subscriptions: [], relays: [] })
    await later.destroy()
  })
})
