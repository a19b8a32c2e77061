/** A sweep takes away what is of no more use, and nothing that somebody still needs. */
import type { DataSource } from 'typeorm'
import { outboxOf } from '../../lib/outbox/outbox-of.js'
import { sweep, type SweepOptions } from '../../lib/outbox/relay/sweeper.js'
import { OutboxDatabase } from '../../lib/outbox/sql/outbox-database.js'
import { describeDatabase, recordStatements } from '../support/databases.js'
import { deliveriesOf, fill, joinRelay, statesOf, type MessageRow } from '../support/outbox-rows.js'
import { openOutbox } from '../support/outbox.js'

const HOUR = 3_600_000
const OPTIONS: SweepOptions = { retentionMs: HOUR, inboxRetentionMs: HOUR, leaseMs: 1_000 }
const NOTHING = { deletedMessages: 0, finishedMessages: 0, forgottenInboxRows: 0, deletedRelays: 0 }

const many = (count: number, row: MessageRow): MessageRow[] => Array.from({ length: count }, () => row)

describeDatabase('a sweep', () => {
  let dataSource: DataSource
  beforeEach(async () => void (dataSource = await openOutbox({}, {})))

  const swept = (options: Partial<SweepOptions> = {}) => sweep(new OutboxDatabase(dataSource), { ...OPTIONS, ...options })

  const handle = async (rows: readonly { readonly consumer: string; readonly message_id: string; readonly agoMs: number }[]) => {
    for (let from = 0; from < rows.length; from += 500)
      await dataSource
        .getRepository('InboxMessage')
        .insert(rows.slice(from, from + 500).map(({ agoMs, ...row }) => ({ ...row, processed_at: Date.now() - agoMs })))
  }
  const inbox = async () => (await dataSource.getRepository('InboxMessage').find()).map((row) => `${row['consumer']} ${row['message_id']}`)

  it('finds nothing to do in empty tables', async () => {
    expect(await swept()).toEqual(NOTHING)
  })

  it('deletes done messages that were kept long enough, and no others', async () => {
    await fill(dataSource, [
      { state: 'done', doneMs: 2 * HOUR },
      { state: 'done', doneMs: HOUR / 2 },
      { state: 'done', doneMs: HOUR + 1_000 },
      { state: 'new', ageMs: 9 * HOUR },
      { ageMs: 9 * HOUR, to: { films: {} } },
      { ageMs: 9 * HOUR, to: { films: { status: 'dead' } } },
    ])
    expect(await swept()).toEqual({ ...NOTHING, deletedMessages: 2 })
    expect(await statesOf(dataSource)).toEqual(['2 done', '4 new', '5 out', '6 out'])
    expect(await deliveriesOf(dataSource)).toEqual(['5 films pending', '6 films dead'])
  })

  it('deletes all done messages where they are not to be kept any more', async () => {
    await fill(dataSource, many(3, { state: 'done' }))
    expect(await swept({ retentionMs: 0 })).toEqual({ ...NOTHING, deletedMessages: 3 })
  })

  it('goes through any number, in transactions of a thousand', async () => {
    await fill(dataSource, many(2_300, { state: 'done', doneMs: 2 * HOUR }))
    const recording = recordStatements(dataSource)
    expect(await swept()).toMatchObject({ deletedMessages: 2_300 })
    expect(recording.sql().filter((sql) => /^DELETE FROM .outbox_message/.test(sql.replace(/`\w+`\./, '')))).toHaveLength(3)
    expect(await statesOf(dataSource)).toEqual([])
  })

  it('looks at no more than a chunk where nothing is due, however much is kept', async () => {
    await fill(dataSource, many(2_100, { state: 'done', doneMs: 1 }))
    const recording = recordStatements(dataSource)
    expect(await swept()).toEqual(NOTHING)
    expect(recording.sql().filter((sql) => sql.includes('state = 2'))).toHaveLength(1)
  })

  it('finishes messages that everybody is done with and nobody has finished', async () => {
    await fill(dataSource, [
      { state: 'out' },
      { to: { films: {} } },
      { to: { films: { status: 'dead' } } },
      { state: 'new' },
      { state: 'out' },
    ])
    expect(await swept()).toEqual({ ...NOTHING, finishedMessages: 2 })
    expect(await statesOf(dataSource)).toEqual(['1 done', '2 out', '3 out', '4 new', '5 done'])
    const [first] = await dataSource.getRepository('OutboxMessage').find({ order: { seq: 'ASC' } })
    expect(Math.abs(Number(first!['done_at']) - Date.now())).toBeLessThan(60_000)
  })

  it('deletes such messages at once where they are not to be kept', async () => {
    await fill(dataSource, [...many(1_200, { state: 'out' }), { to: { films: {} } }])
    expect(await swept({ retentionMs: 0 })).toEqual({ ...NOTHING, finishedMessages: 1_200 })
    expect(await statesOf(dataSource)).toEqual(['1201 out'])
  })

  it('forgets what was handled exactly once after its time', async () => {
    await handle([
      { consumer: 'billing', message_id: 'a', agoMs: 2 * HOUR },
      { consumer: 'billing', message_id: 'b', agoMs: HOUR / 2 },
      { consumer: 'search', message_id: 'b', agoMs: 2 * HOUR },
      { consumer: 'search', message_id: 'a', agoMs: 0 },
    ])
    expect(await swept()).toEqual({ ...NOTHING, forgottenInboxRows: 2 })
    expect((await inbox()).sort()).toEqual(['billing b', 'search a'])
  })

  it('forgets any number', async () => {
    const rows = Array.from({ length: 2_300 }, (_, index) => ({
      ...{ consumer: index % 2 === 0 ? 'billing' : 'search', message_id: String(index) },
      agoMs: index === 0 ? 0 : 2 * HOUR,
    }))
    await handle(rows)
    expect(await swept()).toEqual({ ...NOTHING, forgottenInboxRows: 2_299 })
    expect(await inbox()).toEqual(['billing 0'])
  })

  it('deletes relays that have not shown themselves for ten leases', async () => {
    await joinRelay(dataSource, { owner: 'alive' })
    await joinRelay(dataSource, { owner: 'late', aliveMs: -5_000 })
    await joinRelay(dataSource, { owner: 'gone', aliveMs: -60_000 })
    expect(await swept()).toEqual({ ...NOTHING, deletedRelays: 1 })
    const owners = (await dataSource.getRepository('OutboxRelay').find()).map((row) => String(row['owner']))
    expect(owners.sort()).toEqual(['alive', 'late'])
  })

  it('takes nothing twice when several sweep at the same time', async () => {
    await fill(dataSource, [...many(600, { state: 'done', doneMs: 2 * HOUR }), ...many(600, { state: 'out' })])
    const results = await Promise.all([swept(), swept(), swept()])
    const sum = (name: keyof typeof NOTHING) => results.reduce((total, result) => total + result[name], 0)
    expect([sum('deletedMessages'), sum('finishedMessages')]).toEqual([600, 600])
    expect(new Set((await statesOf(dataSource)).map((line) => line.split(' ')[1]))).toEqual(new Set(['done']))
  })

  it('leaves what is replayed at the same time', async () => {
    await fill(dataSource, many(400, { type: 'film.added', state: 'done', doneMs: 2 * HOUR }))
    await dataSource.getRepository('OutboxSlot').insert({ subscription: 'films', slot: 0 })
    const [replayed, { deletedMessages }] = await Promise.all([
      outboxOf(dataSource).replay({ sequence: 1 }, { subscription: 'films' }),
      swept(),
    ])
    expect(replayed + deletedMessages).toBe(400)
    expect(await deliveriesOf(dataSource)).toHaveLength(replayed)
    expect(await statesOf(dataSource)).toHaveLength(replayed)
  })
})
