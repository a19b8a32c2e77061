/** A tail tells every event once, the last ones first and then those that are recorded. */
import { randomUUID } from 'node:crypto'
import { outboxOf, type CloudEvent } from 'flushpoint/outbox'
import type { DataSource, QueryRunner } from 'typeorm'
import { errorOf } from '../support/chains.js'
import { describeDatabase, recordStatements } from '../support/databases.js'
import { tick } from '../support/events.js'
import { fill, type MessageRow } from '../support/outbox-rows.js'
import { openOutbox } from '../support/outbox.js'

const ids = (names: string): MessageRow[] => [...names].map((id) => ({ id }))

describeDatabase('a tail', () => {
  let dataSource: DataSource
  beforeEach(async () => void (dataSource = await openOutbox()))

  const tailed = (options: Parameters<ReturnType<typeof outboxOf>['tail']>[0]) => outboxOf(dataSource).tail(options)

  const all = async (events: AsyncIterable<CloudEvent>) => {
    const found: string[] = []
    for await (const { id } of events) found.push(id)
    return found.join('')
  }

  /** The next events of a tail that follows. */
  const next = async (events: AsyncIterator<CloudEvent>, count: number) => {
    const found: string[] = []
    while (found.length < count) found.push(((await events.next()).value as CloudEvent).id)
    return found.join('')
  }

  const follow = (options: Parameters<typeof tailed>[0] = {}) => tailed(options)[Symbol.asyncIterator]()

  it('tells the last ones in the order they were recorded in, ten unless told otherwise', async () => {
    await fill(dataSource, ids('abcdefghijkl'))
    expect(await all(tailed({ follow: false }))).toBe('cdefghijkl')
    expect(await all(tailed({ follow: false, count: 3 }))).toBe('jkl')
    expect(await all(tailed({ follow: false, count: 0 }))).toBe('')
    expect(await all(tailed({ follow: false, count: 1_000 }))).toBe('abcdefghijkl')
  })

  it('tells events whole, whatever became of their messages', async () => {
    await fill(dataSource, [
      { id: 'a', type: 'film.released', key: 'film:7', ageMs: 0, state: 'done', data: { title: 'Alien' } },
      { id: 'b', to: { films: {} } },
    ])
    const events: CloudEvent[] = []
    for await (const event of tailed({ follow: false })) events.push(event)
    expect(events).toEqual([
      {
        specversion: '1.0',
        id: 'a',
        source: '/specs',
        type: 'film.released',
        time: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/) as string,
        datacontenttype: 'application/json',
        partitionkey: 'film:7',
        sequence: '00000000000000000001',
        data: { title: 'Alien' },
      },
      expect.objectContaining({ id: 'b' }),
    ])
  })

  it('counts only those whose type fits', async () => {
    const rows = [...'abcd'].map((id, index) => ({ id, type: index % 2 === 0 ? 'film.added' : 'film_added' }))
    await fill(dataSource, rows)
    await fill(
      dataSource,
      Array.from({ length: 1_100 }, () => ({ type: 'invoice.sent' })),
    )
    expect(await all(tailed({ follow: false, type: 'film_*', count: 2 }))).toBe('bd')
    expect(await all(tailed({ follow: false, type: 'film.added', count: 1 }))).toBe('c')
  })

  it('goes on with what is recorded then, each once', async () => {
    await fill(dataSource, ids('ab'))
    const events = follow({ count: 1 })
    expect(await next(events, 1)).toBe('b')
    const later = next(events, 3)
    await fill(dataSource, ids('cd'))
    await fill(dataSource, ids('e'))
    expect(await later).toBe('cde')
    await events.return!()
  })

  it('follows one type, and tells nothing there is already where nothing is asked for', async () => {
    await fill(dataSource, ids('a'))
    const recording = recordStatements(dataSource)
    const events = follow({ count: 0, type: 'film.*' })
    const later = next(events, 2)
    while (!recording.sql().some((sql) => sql.includes('seq >'))) await tick()
    await fill(dataSource, [{ id: 'b' }, { id: 'c', type: 'invoice.sent' }, { id: 'd' }])
    expect(await later).toBe('bd')
    await events.return!()
  })

  it('follows from nothing, and through more than it reads at once', async () => {
    const events = follow()
    const first = events.next()
    await fill(dataSource, ids('a'))
    expect((await first).value).toMatchObject({ id: 'a' })
    const sequences = await fill(
      dataSource,
      Array.from({ length: 1_100 }, () => ({})),
    )
    const told: number[] = []
    while (told.length < sequences.length) told.push(Number(((await events.next()).value as CloudEvent).sequence))
    expect(told).toEqual(sequences)
    await events.return!()
  })

  it('ends when its signal aborts, while it waits as well', async () => {
    const controller = new AbortController()
    const waiting = all(tailed({ abortSignal: controller.signal }))
    controller.abort()
    expect(await waiting).toBe('')
    const later = new AbortController()
    await fill(dataSource, ids('ab'))
    const told: string[] = []
    for await (const { id } of tailed({ abortSignal: later.signal })) {
      told.push(id)
      if (id === 'b') setImmediate(() => later.abort())
    }
    expect(told).toEqual(['a', 'b'])
    expect(await all(tailed({ abortSignal: later.signal }))).toBe('')
  })

  it('passes on what the database says', async () => {
    const events = follow()
    const first = events.next()
    await fill(dataSource, ids('a'))
    await first
    await dataSource.destroy()
    expect(await errorOf(events.next())).toBeInstanceOf(Error)
  })

  it.each([{ count: -1 }, { count: 1.5 }, { limit: 1 }, { type: 7 }, { follow: 'no' }])('refuses %j', async (options) => {
    expect((await errorOf(all(tailed(options as never)))).code).toMatch(/^OPTION_(UNKNOWN|INVALID)$/)
  })
})

describeDatabase(
  'a tail of writers side by side',
  () => {
    let dataSource: DataSource
    const writers: QueryRunner[] = []
    beforeEach(async () => void (dataSource = await openOutbox()))
    afterEach(() => Promise.all(writers.splice(0).map((writer) => writer.release())))

    // MySQL locks what lies beside an entry of an index that was deleted and has the same id, as those of an earlier test may have
    const run = randomUUID().slice(0, 18)
    const idOf = (name: string) => `${name}-${run}`

    const write = async (name: string) => {
      const writer = dataSource.createQueryRunner()
      writers.push(writer)
      await writer.startTransaction()
      await writer.manager.getRepository('OutboxMessage').insert({
        ...{ id: idOf(name), kind: 'tracked', type: 'film.added', source: '/', slot: 0 },
        ...{ payload: '{}', headers: '{}', occurred_at: 1 },
      })
      return writer
    }

    it('tells those whose commit was late, too', async () => {
      await fill(dataSource, [{ id: idOf('a') }])
      const before = await write('b')
      const first = await write('c')
      await first.commitTransaction()
      const events = outboxOf(dataSource).tail()[Symbol.asyncIterator]()
      const told = async () => ((await events.next()).value as CloudEvent).id.slice(0, 1)
      expect([await told(), await told()]).toEqual(['a', 'c'])
      const [slow, quick, undone] = [await write('d'), await write('e'), await write('f')]
      await quick.commitTransaction()
      expect(await told()).toBe('e')
      await before.commitTransaction()
      expect(await told()).toBe('b')
      await undone.rollbackTransaction()
      await slow.commitTransaction()
      expect(await told()).toBe('d')
      await events.return!()
    })
  },
  ['postgres', 'mariadb'],
)
