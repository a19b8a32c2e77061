/**
 * What every transport promises, asserted on what the other system has afterwards.
 *
 * `describeTransport` runs it; the harness of each transport says how that system is asked, filled and emptied.
 *
 * @module
 */
import { randomUUID } from 'node:crypto'
import { getEventListeners } from 'node:events'
import { hasErrorCode } from 'flushpoint'
import type { CloudEvent } from '../../lib/outbox/cloud-event.js'
import { isPermanentError } from '../../lib/outbox/permanent-error.js'
import type { PublishResult, Transport, TransportCapabilities } from '../../lib/outbox/transport.js'
import { describeService, type ServiceName } from './services.js'
import { TcpProxy } from './tcp-proxy.js'

/** A queue or stream of its own, and a transport that reaches it through a proxy. */
export interface TransportWorld {
  readonly transport: Transport
  /** The bodies the other system keeps, in its order and exactly as it has them. */
  kept(): Promise<readonly string[]>
  /** From now on it takes nothing more, until `makeRoom`, which may drop what it has. */
  fill(): Promise<void>
  makeRoom(): Promise<void>
  /** Rejects where the client that the transport was given is closed. */
  /** Whether the client still does what it is there for. */
  isClientOpen(): Promise<boolean>
  close(): Promise<void>
}

export interface TransportHarness {
  readonly service: ServiceName
  readonly capabilities: TransportCapabilities
  /** The limit that refuses a payload of 1 MiB; undefined where it arrives. */
  readonly refusesMiB?: string
  /** Events for which `isLost` answers true go where nothing takes them. */
  open(service: URL, proxy: TcpProxy, isLost: (event: CloudEvent) => boolean): Promise<TransportWorld>
}

let drawn = 0

/** An event with everything an outbox gives it. */
export function eventOf(key: string | undefined, data: unknown = {}, more: Partial<CloudEvent> = {}): CloudEvent {
  return {
    specversion: '1.0',
    id: randomUUID(),
    source: '/specs',
    type: 'film.released',
    subject: 'film:7',
    time: '2026-11-05T10:20:30.400Z',
    datacontenttype: 'application/json',
    ...(key !== undefined && { partitionkey: key }),
    sequence: String(++drawn).padStart(20, '0'),
    traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
    actor: 'ann',
    requestid: 'request-1',
    tenant: 'acme',
    data,
    ...more,
  }
}

/** Events of some keys in turn, told apart by `key` and `n` of their data. */
export function eventsOf(keys: readonly string[], each: number, filling = ''): CloudEvent[] {
  return Array.from({ length: each }, (_, n) => keys.map((key) => eventOf(key, { key, n, filling }))).flat()
}

export const never = (): AbortSignal => new AbortController().signal

export const publish = (transport: Transport, batch: readonly CloudEvent[], abortSignal = never()) =>
  transport.publish(batch, { abortSignal })

export const textsOf = (events: readonly CloudEvent[]): string[] => events.map((event) => JSON.stringify(event))

/** `accepted`, or the code of what is in the way, or the error itself. */
export const fates = (results: readonly PublishResult[]): unknown[] =>
  results.map((result) => (result.isAccepted ? 'accepted' : codeOf(result.error)))

export const errorsOf = (results: readonly PublishResult[]): unknown[] =>
  results.flatMap((result) => (result.isAccepted ? [] : [result.error]))

const codeOf = (error: unknown): unknown => (error as { readonly code?: unknown } | undefined)?.code ?? error

const unacceptedOf = (batch: readonly CloudEvent[], results: readonly PublishResult[]): CloudEvent[] =>
  batch.filter((_, index) => results[index]?.isAccepted === false)

/** The numbers of the events of a key, in the order they are kept. */
function numbersOf(texts: readonly string[], key: string): number[] {
  const data = texts.map((text) => (JSON.parse(text) as CloudEvent<{ key: string; n: number }>).data)
  return data.filter((one) => one.key === key).map(({ n }) => n)
}

/** As a relay does: publishes what was not accepted again, until nothing is left. */
async function publishUntilAccepted(transport: Transport, batch: readonly CloudEvent[]): Promise<void> {
  for (let rest = batch; rest.length > 0;) rest = unacceptedOf(rest, await publish(transport, rest))
}

export function describeTransport(name: string, harness: TransportHarness, more: (service: URL) => void): void {
  describeService(harness.service, name, (service) => {
    describe('as every transport', () => contract(service, harness))
    more(service)
  })
}

function contract(service: URL, harness: TransportHarness): void {
  let proxy: TcpProxy
  let world: TransportWorld
  let transport: Transport
  let isLost: (event: CloudEvent) => boolean
  const { ordered, dedupe } = harness.capabilities

  beforeEach(async () => {
    isLost = () => false
    proxy = await TcpProxy.open(service)
    world = await harness.open(service, proxy, (event) => isLost(event))
    transport = world.transport
  })
  afterEach(async () => {
    proxy.release()
    proxy.restore()
    await world.close()
    await proxy.close()
  })

  it('says what it promises', () => {
    expect([transport.name, transport.capabilities]).toEqual([expect.stringMatching(/^\w+/), harness.capabilities])
  })

  it('answers nothing for an empty batch, and asks nobody', async () => {
    void proxy.hold()
    expect(await publish(transport, [])).toEqual([])
  })

  it('brings whole events, byte for byte', async () => {
    const data = {
      title: 'Fünf "Zebras"\n\t\u0000 — 你好 👩‍🚀 \u2028',
      list: [1, -0.5, 1e21, null, true, [], {}],
      deep: { '': { $ref: '#' } },
    }
    const batch = [eventOf('a', data), eventOf('ключ %"\n', 'text'), eventOf(undefined, null)]
    const results = await publish(transport, batch)
    expect(results).toEqual(batch.map(({ id }) => ({ id, isAccepted: true })))
    expect([...(await world.kept())].sort()).toEqual(textsOf(batch).sort())
  })

  it('keeps the order of each key', async () => {
    const batch = eventsOf(['a', 'b', 'c'], 20)
    expect(new Set(fates(await publish(transport, batch)))).toEqual(new Set(['accepted']))
    const kept = await world.kept()
    for (const key of ['a', 'b', 'c']) expect(numbersOf(kept, key)).toEqual(Array.from({ length: 20 }, (_, n) => n))
    if (!ordered) expect(kept).toEqual(textsOf(batch))
  })

  if (ordered) {
    it('holds back what follows one that is not accepted, of its key alone', async () => {
      const batch = eventsOf(['a', 'b'], 4)
      isLost = ({ partitionkey, data }) => partitionkey === 'a' && (data as { n: number }).n === 1
      const results = await publish(transport, batch)
      const [a, b] = ['a', 'b'].map((key) => fates(results.filter((_, index) => batch[index]!.partitionkey === key)))
      expect(a).toEqual(['accepted', 'TRANSPORT_EVENT_UNROUTABLE', 'TRANSPORT_EVENT_WAITS', 'TRANSPORT_EVENT_WAITS'])
      expect(b).toEqual(['accepted', 'accepted', 'accepted', 'accepted'])
      const [first, ...waiting] = errorsOf(results)
      expect(waiting.map((error) => (error as Error).cause)).toEqual([first, first])
      expect(errorsOf(results).some(isPermanentError)).toBe(false)
      expect(numbersOf(await world.kept(), 'a')).toEqual([0])

      isLost = () => false
      expect(fates(await publish(transport, unacceptedOf(batch, results)))).toEqual(['accepted', 'accepted', 'accepted'])
      expect(numbersOf(await world.kept(), 'a')).toEqual([0, 1, 2, 3])
    })
  }

  it(dedupe ? 'drops what is published again' : 'brings what is published again once more, under the same id', async () => {
    const batch = eventsOf(['a'], 3)
    await publish(transport, batch)
    expect(fates(await publish(transport, batch.slice(1)))).toEqual(['accepted', 'accepted'])
    expect(await world.kept()).toEqual(textsOf(dedupe ? batch : [...batch, ...batch.slice(1)]))
  })

  it('does not accept what there is no room for, and brings it when there is', async () => {
    await world.fill()
    const batch = eventsOf(['a', 'b'], 2)
    const refused = await publish(transport, batch)
    expect(refused.map(({ isAccepted }) => isAccepted)).toEqual([false, false, false, false])
    expect(errorsOf(refused).some(isPermanentError)).toBe(false)
    await world.makeRoom()
    expect(new Set(fates(await publish(transport, batch)))).toEqual(new Set(['accepted']))
    expect([...(await world.kept())].sort()).toEqual(textsOf(batch).sort())
  })

  const { refusesMiB } = harness
  it(refusesMiB === undefined ? 'brings a payload of 1 MiB' : 'refuses a payload of 1 MiB for good, and says why', async () => {
    const batch = [eventOf('a', 'x'.repeat(2 ** 20)), eventOf('b', 'small')]
    const results = await publish(transport, batch)
    expect(results.map(({ isAccepted }) => isAccepted)).toEqual([refusesMiB === undefined, true])
    const [error] = errorsOf(results)
    expect(isPermanentError(error)).toBe(refusesMiB !== undefined)
    if (refusesMiB !== undefined) {
      const { message, cause } = error as Error
      expect(message).toContain(`with ${textsOf(batch)[0]!.length} bytes it is larger than ${refusesMiB} allows`)
      expect(hasErrorCode(cause, 'TRANSPORT_EVENT_TOO_LARGE')).toBe(true)
    }
    const kept = refusesMiB === undefined ? batch : batch.slice(1)
    expect([...(await world.kept())].sort()).toEqual(textsOf(kept).sort())
  })

  it('loses nothing when the connection is lost in the middle of a batch and comes back', async () => {
    const batch = eventsOf(['a', 'b', 'c', 'd'], 12, 'x'.repeat(2_000))
    await publish(transport, [batch[0]!])
    const cut = proxy.cutAfter(50_000).then(() => proxy.restore())
    const results = await publish(transport, batch)
    await cut
    expect(results.map(({ id }) => id)).toEqual(batch.map(({ id }) => id))
    const accepted = batch.filter((_, index) => results[index]?.isAccepted === true)
    expect(await world.kept()).toEqual(expect.arrayContaining(textsOf(accepted)))

    await publishUntilAccepted(transport, unacceptedOf(batch, results))
    const kept = await world.kept()
    expect([...new Set(kept)].sort()).toEqual(textsOf(batch).sort())
    if (dedupe) expect(kept).toHaveLength(batch.length)
    if (ordered) for (const key of ['a', 'b', 'c', 'd']) expect(numbersOf(kept, key)).toEqual(numbersOf(kept, key).sort((x, y) => x - y))
  })

  it('publishes nothing once the signal has aborted', async () => {
    const reason = new Error('enough')
    const batch = eventsOf(['a', 'b'], 2)
    const results = await publish(transport, batch, AbortSignal.abort(reason))
    expect(results).toEqual(batch.map(({ id }) => ({ id, isAccepted: false, error: reason })))
    expect(await world.kept()).toEqual([])
  })

  it('answers at once when the signal aborts, though the other system does not', async () => {
    const batch = eventsOf(['a', 'b'], 3)
    await publish(transport, batch.slice(0, 1))
    const sent = proxy.hold()
    const stopping = new AbortController()
    const results = publish(transport, batch.slice(1), stopping.signal)
    await sent
    const reason = new Error('the relay stops')
    stopping.abort(reason)
    expect(errorsOf(await results)).toEqual(Array.from({ length: 5 }, () => reason))

    proxy.release()
    await publishUntilAccepted(transport, batch.slice(1))
    const kept = await world.kept()
    expect([...new Set(kept)].sort()).toEqual(textsOf(batch).sort())
    if (dedupe) expect(kept).toHaveLength(batch.length)
  })

  it('leaves nothing on the signal', async () => {
    const { signal } = new AbortController()
    await publish(transport, eventsOf(['a', 'b'], 2), signal)
    expect(getEventListeners(signal, 'abort')).toEqual([])
  })

  it('publishes batches side by side', async () => {
    const batches = ['a', 'b', 'c'].map((key) => eventsOf([key], 4))
    const results = await Promise.all(batches.map((batch) => publish(transport, batch)))
    expect(new Set(fates(results.flat()))).toEqual(new Set(['accepted']))
    const kept = await world.kept()
    for (const key of ['a', 'b', 'c']) expect(numbersOf(kept, key)).toEqual([0, 1, 2, 3])
  })

  it('is closed behind what it is publishing, and leaves the client open', async () => {
    const batch = eventsOf(['a'], 3)
    const order: string[] = []
    const results = publish(transport, batch).finally(() => order.push('published'))
    await transport.close().finally(() => order.push('closed'))
    expect([order, fates(await results)]).toEqual([
      ['published', 'closed'],
      ['accepted', 'accepted', 'accepted'],
    ])
    await transport.close()
    expect(fates(await publish(transport, eventsOf(['a'], 2)))).toEqual(['TRANSPORT_CLOSED', 'TRANSPORT_CLOSED'])
    expect(await world.kept()).toEqual(textsOf(batch))
    expect(await world.isClientOpen()).toBe(true)
  })
}
