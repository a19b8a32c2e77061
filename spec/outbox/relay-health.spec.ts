/** What a relay tells of itself and of its outbox. */
import { createRelay, embeddedRelayOf, PermanentError } from 'flushpoint/outbox'
import type { DataSource } from 'typeorm'
import { describeDatabase } from '../support/databases.js'
import { gate, useEvents } from '../support/events.js'
import { movesOf, moving, noting, tellMoves } from '../support/moves.js'
import { openOutbox } from '../support/outbox.js'
import { countRows, relayErrors, startRelay, until } from '../support/relays.js'
import { shares, steal } from '../support/slots.js'

const leaseMs = 500

async function age(dataSource: DataSource, byMs: number): Promise<void> {
  await dataSource
    .createQueryBuilder()
    .update('OutboxMessage')
    .set({ occurred_at: () => `occurred_at - ${byMs}` })
    .execute()
}

describeDatabase('the health of a relay', () => {
  const events = useEvents()

  it('is good while it runs, holds its slots and has nothing old or dead', async () => {
    const dataSource = await openOutbox()
    const relay = createRelay(dataSource, { pollMs: [5, 20], subscriptions: [noting('ear', []), noting('eye', [])] })
    expect(await relay.health()).toMatchObject({ isHealthy: false, problems: ['the relay is new'], slots: 0 })
    await relay.start()
    await until('it is well', async () => (await relay.health()).isHealthy)
    await tellMoves(dataSource, movesOf(2, 4))
    await until('all is written down', () => relay.counters.handled === 8)
    const { aliveForMs, ...member } = (await relay.health()).relays[0]!
    expect(aliveForMs).toBeGreaterThanOrEqual(0)
    expect(member).toEqual({
      owner: expect.stringContaining(`-${process.pid}-`) as unknown,
      host: expect.any(String) as unknown,
      pid: process.pid,
      subscriptions: ['ear', 'eye'],
      slots: 64,
    })
    expect(await relay.health()).toMatchObject({
      isHealthy: true,
      problems: [],
      messages: 0,
      slots: 96,
      leaseLosses: 0,
      counters: { handled: 8, failed: 0, dead: 0 },
      subscriptions: ['ear', 'eye'].map((name) => ({ name, backlog: 0, retrying: 0, dead: 0, oldestAgeMs: null })),
    })
    await relay.stop()
    expect(await relay.health()).toMatchObject({ isHealthy: false, problems: ['the relay is stopped'], slots: 0, relays: [] })
  })

  it('is in its text, with what each loop holds and has in hand', async () => {
    const dataSource = await openOutbox()
    const { opened, open } = gate()
    const relay = await startRelay(dataSource, { settleMs: 10, subscriptions: [moving('ear', () => opened)] })
    await tellMoves(dataSource, movesOf(2, 2))
    await until('both are begun', async () => (await countRows(dataSource, 'OutboxDelivery')) === 2)
    expect(String(relay).split('\n')).toEqual([
      'Relay (running; 1 loop; ear; 0 handled, 0 failed, 0 dead)',
      'RelayLoop (running)',
      '  Leases (valid): * 32, ear 32; 0 lost',
      '  TaskRunner "ear": 2 running, 0 late, 2 keys busy',
    ])
    open()
  })

  it('tells of a backlog, and that its oldest message is old', async () => {
    const dataSource = await openOutbox()
    const { opened, open } = gate()
    const relay = await startRelay(dataSource, { leaseMs, settleMs: 10, subscriptions: [moving('ear', () => opened), noting('eye', [])] })
    await tellMoves(dataSource, movesOf(1, 5))
    await until('the other one is done', () => relay.counters.handled === 5)
    expect(await relay.health()).toMatchObject({ isHealthy: true, messages: 5 })
    await age(dataSource, 90_000)
    const { isHealthy, problems, subscriptions } = await relay.health()
    expect([isHealthy, problems]).toEqual([false, [expect.stringMatching(/^ear is 9\d s behind$/)]])
    expect(subscriptions).toMatchObject([
      { name: 'ear', backlog: 5 },
      { name: 'eye', backlog: 0, oldestAgeMs: null },
    ])
    expect(subscriptions[0]!.oldestAgeMs).toBeGreaterThanOrEqual(90_000)
    open()
    await until('it is well', async () => (await relay.health()).isHealthy)
  })

  it('tells of dead letters and of attempts', async () => {
    const dataSource = await openOutbox()
    events.failures()
    const relay = await startRelay(dataSource, {
      leaseMs,
      subscriptions: [
        moving('ear', ({ n }, { attempt }) => {
          if (n < 2) throw new PermanentError('no')
          if (attempt < 2) throw new Error('not yet')
        }),
      ],
    })
    await tellMoves(dataSource, movesOf(4, 4))
    await until('all have ended', () => relay.counters.handled === 2 && relay.counters.dead === 2)
    const health = await relay.health()
    expect(health).toMatchObject({ isHealthy: false, problems: ['ear has 2 dead letters'], messages: 2 })
    expect(health.counters).toEqual({ handled: 2, attempts: 6, failed: 4, dead: 2 })
    expect(health.subscriptions).toMatchObject([{ name: 'ear', backlog: 0, retrying: 0, dead: 2, oldestAgeMs: null }])
  })

  it('tells that it has lost its slots, and how many', async () => {
    const dataSource = await openOutbox()
    const relay = await startRelay(dataSource, { leaseMs, subscriptions: [noting('ear', [])] })
    await until('it is well', async () => (await relay.health()).isHealthy)
    await steal(dataSource, ['*', 'ear'])
    await until('it is known', async () => (await relay.health()).leaseLosses === 64)
    expect(await relay.health()).toMatchObject({ isHealthy: false, problems: ['the relay holds no slot'], slots: 0 })
    await steal(dataSource, ['*', 'ear'], { forMs: -1 })
    await until('it is well again', async () => (await relay.health()).isHealthy)
    expect(relay.counters.leaseLosses).toBe(64)
  })

  it('is not good, rather than no answer at all, where there is no database', async () => {
    const dataSource = await openOutbox()
    const relay = await startRelay(dataSource, { leaseMs, subscriptions: [noting('ear', [])] })
    await dataSource.destroy()
    const { isHealthy, problems, messages, relays } = await relay.health()
    expect([isHealthy, messages, relays, problems]).toEqual([
      false,
      0,
      [],
      ['the relay is stopped', expect.stringMatching(/^the database does not answer: /)],
    ])
  })

  it('is asked of an embedded relay the same way', async () => {
    const dataSource = await openOutbox({ worker: 'embedded', subscriptions: [noting('ear', [])] })
    await until('it is well', async () => (await embeddedRelayOf(dataSource)?.health())?.isHealthy === true)
    expect((await embeddedRelayOf(dataSource)!.health()).relays).toHaveLength(1)
  })
})

describeDatabase('a relay without its tables', () => {
  it('tells each error to whoever listens, and goes on when they are there', async () => {
    const dataSource = await openOutbox({}, { hasOwnDatabase: true })
    const handled: unknown[] = []
    await dataSource.query('ALTER TABLE outbox_slot RENAME TO outbox_slot_away')
    const relay = await startRelay(dataSource, { leaseMs, subscriptions: [noting('ear', handled as never)] })
    await tellMoves(dataSource, movesOf(1, 2))
    let told: unknown[] = []
    await until('it was told', () => (told = [...told, ...relayErrors()]).length >= 3)
    expect(told.every((error) => /outbox_slot/.test(String(error)))).toBe(true)
    expect(await relay.health()).toMatchObject({ isHealthy: false, slots: 0 })
    await dataSource.query('ALTER TABLE outbox_slot_away RENAME TO outbox_slot')
    await until('nothing is left', async () => (await countRows(dataSource, 'OutboxMessage')) === 0)
    expect(await shares(dataSource, 'ear')).toEqual([32])
    relayErrors()
  })
})
