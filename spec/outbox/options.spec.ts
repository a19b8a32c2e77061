import { hasErrorCode } from 'flushpoint'
import { defineEvent, track } from 'flushpoint/events'
import { createRelay, Outbox, subscription, transportSubscription, type CloudEvent } from 'flushpoint/outbox'
import { withContext } from 'flushpoint'
import { describeDatabase } from '../support/databases.js'
import { noted, thrownBy } from '../support/events.js'
import { messagesOf, openOutbox } from '../support/outbox.js'
import { countRows, hearing, SOON, startRelay, tellAll, textsOf, until } from '../support/relays.js'

const handle = () => undefined

describe('options of an outbox', () => {
  it.each([
    ['an unknown option of its relay', { relay: { loop: 2 } }, 'OPTION_UNKNOWN'],
    ['no loops', { relay: { loops: 0 } }, 'OPTION_INVALID'],
    ['one wait instead of two', { relay: { pollMs: [100] } }, 'OPTION_INVALID'],
    ['a wait that is no list', { relay: { pollMs: 100 } }, 'OPTION_INVALID'],
    ['names of events that are no texts', { events: [5] }, 'OPTION_INVALID'],
    ['an empty source', { source: '' }, 'OPTION_INVALID'],
    ['a source that no column holds', { source: 'x'.repeat(256) }, 'OPTION_INVALID'],
    ['slots by halves', { slots: 1.5 }, 'OPTION_INVALID'],
    ['what is no subscription', { subscriptions: [{}] }, 'SUBSCRIPTION_INVALID'],
    ['two subscriptions of one name', { subscriptions: [1, 2].map(() => subscription({ name: 'a', handle })) }, 'SUBSCRIPTION_NAME_TAKEN'],
  ])('refuse %s where they are written', (_, options, code) => {
    expect(thrownBy(() => Outbox.with(options as never))).toMatchObject({ code })
  })

  it.each([
    ['the name of a plugin', { name: 'plugin:labels', handle }],
    ['no event at all', { name: 'a', events: [], handle }],
    ['the name of the intake', { name: '*', handle }],
    ['no handler', { name: 'a' }],
  ])('of a subscription refuse %s', (_, options) => {
    expect(thrownBy(() => subscription(options as never))).toMatchObject({ code: 'SUBSCRIPTION_INVALID' })
  })

  it('of a subscription that are undefined are left out', () => {
    expect(subscription({ name: 'a', handle, retry: { attempts: undefined } as never }).retry.attempts).toBe(12)
    const transport = { name: 't', capabilities: { ordered: true, dedupe: true }, publish: async () => [], close: async () => undefined }
    expect(transportSubscription(transport, { retry: { maxMs: undefined } as never }).retry).toMatchObject({
      attempts: 1_000_000,
      maxMs: 60_000,
    })
  })
})

describeDatabase('an outbox', () => {
  it('keeps messages for whoever is first, where nobody was ever announced', async () => {
    const dataSource = await openOutbox()
    await startRelay(dataSource)
    await tellAll(dataSource, ['early'])
    await new Promise((resolve) => setTimeout(resolve, 100))
    expect(await countRows(dataSource, 'OutboxMessage')).toBe(1)
    const heard: CloudEvent[] = []
    await startRelay(dataSource, { subscriptions: [hearing(heard)] })
    await until('it is heard', () => heard.length === 1)
    expect(textsOf(heard)).toEqual(['early'])
  })

  it('stores the actor of the event, also where that is nobody', async () => {
    const dataSource = await openOutbox()
    const Moved = defineEvent<{ id: number }>()('box.moved')
    await withContext({ actor: 'ada' }, () =>
      dataSource.transaction(async () => {
        track(new Moved({ id: 1 }))
        track(new Moved({ id: 2 }, { actor: null }))
        track(new Moved({ id: 3 }, { actor: 'ben' }))
      }),
    )
    expect((await messagesOf(dataSource)).map(({ headers }) => headers['actor'])).toEqual(['ada', undefined, 'ben'])
  })

  it.each([
    ['stand for an attribute that every event has', { Id: 'x' }],
    ['have a name without letters', { ä: 'x' }],
    ['are no texts', { tenant: 5 }],
    ['are none', null],
  ])('refuses headers that %s, when an event is told', async (_, headers) => {
    const dataSource = await openOutbox({ headers: () => headers as never })
    await dataSource.transaction(async () => {
      expect(
        hasErrorCode(
          thrownBy(() => track(noted('a'))),
          'OUTBOX_HEADER_INVALID',
        ),
      ).toBe(true)
    })
    expect(await messagesOf(dataSource)).toEqual([])
  })

  it('gives headers the names that CloudEvents allows', async () => {
    const dataSource = await openOutbox({ headers: () => ({ 'x-request-id': 'r', left: undefined as never }) })
    const heard: CloudEvent[] = []
    await startRelay(dataSource, { subscriptions: [hearing(heard)] })
    await tellAll(dataSource, ['a'])
    await until('it is heard', () => heard.length === 1)
    expect(heard[0]).toMatchObject({ xrequestid: 'r', type: 'test.noted' })
    expect(heard[0]).not.toHaveProperty('left')
  })

  it('gives up what throws a value that cannot be made a text, and nobody else notices', async () => {
    const dataSource = await openOutbox()
    const heard: CloudEvent[] = []
    const unspeakable = [
      Object.create(null) as object,
      {
        toString: () => {
          throw new Error('no text')
        },
      },
      Object.defineProperty(new Error('nameless'), 'name', {
        get: () => {
          throw new Error('no name')
        },
      }),
    ]
    const relay = await startRelay(dataSource, {
      subscriptions: [
        hearing(heard),
        subscription({
          name: 'bad',
          retry: { ...SOON, attempts: 1 },
          handle: ({ data }) => {
            // eslint-disable-next-line @typescript-eslint/only-throw-error -- anything can be thrown
            throw unspeakable[Number((data as { text: string }).text)]
          },
        }),
      ],
    })
    await tellAll(dataSource, ['0', '1', '2'])
    await until('all are dead', () => relay.counters.dead === 3)
    expect(textsOf(heard)).toEqual(['0', '1', '2'])
  })

  it('tells its health by limits of the caller', async () => {
    const dataSource = await openOutbox()
    const relay = await startRelay(dataSource, {
      subscriptions: [
        hearing([], {
          retry: { ...SOON, attempts: 1 },
          fails: () => {
            throw new Error('never')
          },
        }),
      ],
    })
    await tellAll(dataSource, ['a'])
    await until('it is dead', () => relay.counters.dead === 1)
    expect(await relay.health()).toMatchObject({
      isHealthy: false,
      problems: ['ear has 1 dead letters'],
      counters: { attempts: 1, failed: 1 },
    })
    expect(await relay.health({ maxDead: 1 })).toMatchObject({ isHealthy: true, problems: [] })
    expect(thrownBy(() => createRelay(dataSource, { loop: 1 } as never))).toMatchObject({ code: 'OPTION_UNKNOWN' })
  })
})
