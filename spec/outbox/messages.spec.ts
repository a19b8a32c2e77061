/** What a message says beside its payload: the columns that the fields of a CloudEvent are made of. */
import { withContext, withSession } from 'flushpoint'
import { defineEvent, DomainEvent, enablePluginEvents, registerEvents, registerPlugin, track, triggerEvent } from 'flushpoint/events'
import { Outbox, type OutboxOptions } from 'flushpoint/outbox'
import type { DataSource } from 'typeorm'
import {
  createDatabase,
  databaseName,
  dataSourceOptions,
  describeDatabase,
  isSingleConnection,
  recordStatements,
} from '../support/databases.js'
import { noted, SamplePlugin, thrownBy, useEvents } from '../support/events.js'
import { ENTITIES } from '../support/models.js'
import { isStoring, messagesOf, openOutbox, toldTo } from '../support/outbox.js'

const Placed = defineEvent<{ id?: unknown; partitionKey?: unknown; customer?: string }>()('shop.order.placed')

const open = (options?: OutboxOptions) => openOutbox(options, { entities: ENTITIES })
const events = useEvents()

/** Tells something in a transaction. */
async function tell(dataSource: DataSource, ...told: DomainEvent[]) {
  await withSession(dataSource, async () => told.forEach((event) => track(event)))
  return messagesOf(dataSource)
}

describeDatabase('a message', () => {
  it('is of its event, its type and time', async () => {
    const dataSource = await open()
    const event = new Placed({ id: 7, customer: 'Ann' })
    expect(await tell(dataSource, event)).toEqual([
      {
        seq: expect.any(Number) as number,
        id: expect.stringMatching(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/) as string,
        kind: 'tracked',
        type: 'shop.order.placed',
        source: expect.stringMatching(/^\//) as string,
        subject: 'shop.order:7',
        aggregate_type: 'shop.order',
        aggregate_id: '7',
        partition_key: 'shop.order:7',
        slot: expect.any(Number) as number,
        state: 0,
        payload: { id: 7, customer: 'Ann' },
        headers: {},
        occurred_at: event.created.getTime(),
        done_at: null,
      },
    ])
  })

  it('has ids that rise, and sequences, in the order of the calls', async () => {
    const dataSource = await open()
    for (const count of [3, 500]) await tell(dataSource, ...Array.from({ length: count }, (_, index) => noted(`${index}`)))
    const messages = await messagesOf(dataSource)
    const ids = messages.map(({ id }) => id)
    const sequences = messages.map(({ seq }) => seq)
    expect(new Set(ids).size).toBe(503)
    expect([ids, sequences]).toEqual([[...ids].sort(), [...sequences].sort((one, other) => one - other)])
  })

  it('is of what was triggered: its payload as it is, and the time of the call', async () => {
    enablePluginEvents(true)
    events.keep(registerPlugin(new SamplePlugin('sample')))
    const dataSource = await open()
    const before = Date.now()
    await withSession(dataSource, async () => {
      triggerEvent('test.event', { id: 7 })
      triggerEvent('test.some.other.event', undefined as never)
    }).finally(() => enablePluginEvents(false))
    const [first, second] = await messagesOf(dataSource)
    expect(first).toMatchObject({ kind: 'triggered', type: 'test.event', subject: 'test:7', payload: { id: 7 } })
    expect(second).toMatchObject({ kind: 'triggered', type: 'test.some.other.event', subject: null, payload: null })
    expect(first!.occurred_at).toBeGreaterThanOrEqual(before)
    expect(first!.occurred_at).toBeLessThanOrEqual(Date.now())
  })

  it('tells own properties of a class of events, and no functions', async () => {
    class Shipped extends DomainEvent {
      static override readonly eventName = 'shipped'
      readonly how = () => 'by sea'
      constructor(
        readonly id: string,
        readonly at: Date,
        readonly note?: string,
      ) {
        super()
      }
    }
    events.keep(registerEvents(Shipped))
    const at = new Date(0)
    expect(await tell(await open(), new Shipped('a-1', at))).toMatchObject([
      { type: 'shipped', subject: 'shipped:a-1', payload: { id: 'a-1', at: at.toISOString() } },
    ])
  })
})

describeDatabase('the source of a message', () => {
  it('is the one that is given', async () => {
    expect(await tell(await open({ source: 'https://shop.example/orders' }), noted('a'))).toMatchObject([
      { source: 'https://shop.example/orders' },
    ])
  })

  it('is else the name of the database, however that was given', async () => {
    const dataSource = await open()
    const { options, driver } = dataSource
    const name = isSingleConnection() ? /flushpoint_\w+/.exec(String(options.database))![0] : driver.database
    expect(await tell(dataSource, noted('a'))).toMatchObject([{ source: `/${name}` }])
  })

  it('is / for a database in memory', async () => {
    if (!isSingleConnection()) return
    const dataSource = await openOutbox({}, { memory: true })
    expect(await tell(dataSource, noted('a'))).toMatchObject([{ source: '/' }])
  })
})

describeDatabase('the headers of a message', () => {
  const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'
  const headersIn = async (dataSource: DataSource) => (await messagesOf(dataSource)).map(({ headers }) => headers)

  it('are actor, request, tenant and trace of the context, as far as these are texts or numbers', async () => {
    const dataSource = await open()
    await withContext({ actor: 'ann', requestId: 'r1', tenant: 7, traceparent, secret: 's' } as never, () => tell(dataSource, noted('a')))
    await withContext({ actor: { id: 7 }, requestId: undefined } as never, () => tell(dataSource, noted('b')))
    expect(await headersIn(dataSource)).toEqual([{ actor: 'ann', requestId: 'r1', tenant: '7', traceparent }, {}])
  })

  it('are those of the call, not of the commit', async () => {
    const dataSource = await open()
    await withContext({ requestId: 'commit' }, () =>
      withSession(dataSource, async () => withContext({ requestId: 'call' }, () => track(noted('a')))),
    )
    expect(await headersIn(dataSource)).toEqual([{ requestId: 'call' }])
  })

  it("have the actor of the event, and the context of the block's session", async () => {
    const dataSource = await open()
    await withSession(dataSource, { context: { actor: 'bob', tenant: 'acme' } }, async () => {
      track(noted('a'))
      track(new Placed({}, { actor: 'ann' as never }))
    })
    expect(await headersIn(dataSource)).toEqual([
      { actor: 'bob', tenant: 'acme' },
      { actor: 'ann', tenant: 'acme' },
    ])
  })

  it('are what the option makes of the context', async () => {
    const dataSource = await open({ headers: ({ tenant }) => ({ tenant: String(tenant).toUpperCase(), region: 'eu' }) })
    await withContext({ tenant: 'acme', actor: 'ann' } as never, () => tell(dataSource, noted('a')))
    expect(await headersIn(dataSource)).toEqual([{ tenant: 'ACME', region: 'eu' }])
  })

  it('may hold what PostgreSQL has no text for', async () => {
    const dataSource = await open()
    await withContext({ requestId: 'a\0"\'\\b' }, () => tell(dataSource, noted('a')))
    expect(await headersIn(dataSource)).toEqual([{ requestId: 'a\0"\'\\b' }])
  })
})

describeDatabase('relays of other processes', () => {
  const notified = async (options: OutboxOptions) => {
    const dataSource = await open(options)
    const recording = recordStatements(dataSource)
    await tell(dataSource, noted('a'), noted('b'))
    const after = recording.sql().slice(recording.statements.findIndex(isStoring) + 1)
    return after.slice(0, after.indexOf('COMMIT') + 1)
  }

  it('are woken by a NOTIFY in the transaction where that is asked for, on PostgreSQL', async () => {
    const wakeUp = databaseName() === 'postgres' ? ["SELECT pg_notify($1, '')"] : []
    expect(await notified({ notify: true })).toEqual([...wakeUp, 'COMMIT'])
  })

  it('are not woken where it is not', async () => {
    expect(await notified({})).toEqual(['COMMIT'])
  })

  it('hear the NOTIFY after the commit', async () => {
    if (databaseName() !== 'postgres') return
    const dataSource = await open({ notify: true })
    const [client, release] = await (
      dataSource.driver as unknown as { obtainMasterConnection(): Promise<[Listening, () => void]> }
    ).obtainMasterConnection()
    const heard: string[] = []
    client.on('notification', ({ channel }) => heard.push(channel))
    await client.query('LISTEN flushpoint_outbox')
    await withSession(dataSource, async (session) => {
      track(noted('a'))
      session.onBeforeCommit(async () => {
        await client.query('SELECT 1')
        expect(heard).toEqual([])
      })
    })
    while (heard.length === 0) await client.query('SELECT 1')
    await client.query('UNLISTEN *')
    release()
    expect(heard).toEqual(['flushpoint_outbox'])
  })
})

interface Listening {
  on(event: 'notification', listener: (message: { readonly channel: string }) => void): void
  query(sql: string): Promise<unknown>
}

describeDatabase('tables elsewhere', () => {
  it('are written where outboxEntities places them', async () => {
    const elsewhere = dataSourceOptions()
    await createDatabase(elsewhere)
    const { schema, database } = elsewhere as { schema?: string; database?: string }
    const place = { postgres: schema, mariadb: database }[databaseName() as string]
    if (place === undefined) return
    const dataSource = await openOutbox({}, { entities: ENTITIES, outboxSchema: place, hasOwnDatabase: true })
    await tell(dataSource, noted('a'))
    expect(await toldTo(dataSource)).toEqual(['test.noted a'])
    const [row] = await dataSource.query<{ count: unknown }[]>(`SELECT count(*) AS count FROM ${place}.outbox_message`)
    expect(Number(row!.count)).toBe(1)
  })
})

describe('an outbox', () => {
  it.each([
    ['slots', 0],
    ['slots', 1025],
    ['worker', 'elsewhere'],
    ['partitionKey', 'id'],
    ['subscriptionz', []],
  ])('is refused with a wrong option: %s', (option, value) => {
    expect(thrownBy(() => Outbox.with({ [option]: value })).code).toMatch(/^(OPTION_INVALID|OPTION_UNKNOWN|EXTENSION_OPTION_UNKNOWN)$/)
  })
})
