/** Events as messages of NATS JetStream, against a real server. */
import { DiscardPolicy, jetstream, jetstreamManager, StorageType, type JetStreamManager, type StreamConfig } from '@nats-io/jetstream'
import { connect, headers, type NatsConnection } from '@nats-io/transport-node'
import { hasErrorCode } from 'flushpoint'
import { NatsTransport, type NatsTransportOptions } from 'flushpoint/outbox/nats'
import { isPermanentError } from '../../../lib/outbox/permanent-error.js'
import { uniqueName } from '../../support/services.js'
import { TcpProxy } from '../../support/tcp-proxy.js'
import { describeTransport, errorsOf, eventOf, eventsOf, fates, publish, type TransportHarness } from '../../support/transports.js'

const harness: TransportHarness = {
  service: 'nats',
  capabilities: { ordered: true, dedupe: true },
  refusesMiB: 'max_payload of the server',
  async open(service, proxy, isLost) {
    const name = uniqueName()
    const admin = await connect({ servers: service.host })
    const { streams } = await jetstreamManager(admin)
    await streams.add({ name, subjects: [`${name}.films`], storage: StorageType.Memory, discard: DiscardPolicy.New })
    const client = await connect({ servers: new URL(proxy.urlFor(service)).host, maxReconnectAttempts: -1, reconnectTimeWait: 20 })
    return {
      transport: new NatsTransport(jetstream(client), {
        subject: (event) => (isLost(event) ? `${name}.nowhere` : `${name}.films`),
        headers,
        timeoutMs: 1_000,
      }),
      kept: () => read(admin, name),
      fill: async () => {
        await streams.update(name, { max_msgs: 1 })
        await jetstream(admin).publish(`${name}.films`, 'filling')
      },
      makeRoom: async () => {
        await streams.purge(name)
        await streams.update(name, { max_msgs: -1 })
      },
      isClientOpen: async () => (await client.rtt()) >= 0 && !client.isClosed(),
      close: async () => {
        await streams.delete(name)
        await client.close()
        await admin.close()
      },
    }
  },
}

async function read(connection: NatsConnection, stream: string): Promise<string[]> {
  const { streams } = await jetstreamManager(connection)
  const { state } = await streams.info(stream)
  const bodies: string[] = []
  for (let seq = Math.max(1, state.first_seq); seq <= state.last_seq; seq++) {
    const message = await streams.getMessage(stream, { seq })
    if (message !== null) bodies.push(message.string())
  }
  return bodies
}

describeTransport('NatsTransport', harness, (service) => {
  let name: string
  let connection: NatsConnection
  let manager: JetStreamManager
  let hasStream: boolean
  beforeEach(async () => {
    name = uniqueName()
    hasStream = false
    connection = await connect({ servers: service.host })
    manager = await jetstreamManager(connection)
  })
  afterEach(async () => {
    if (hasStream) await manager.streams.delete(name)
    await connection.close()
  })
  const addStream = async (more: Partial<StreamConfig> = {}) => {
    await manager.streams.add({ name, subjects: [`${name}.>`], storage: StorageType.Memory, ...more })
    hasStream = true
  }
  const transportTo = (options: Partial<NatsTransportOptions> = {}) =>
    new NatsTransport(jetstream(connection), { subject: `${name}.films`, ...options })
  const headersOf = async (seq: number) => {
    const { header } = (await manager.streams.getMessage(name, { seq }))!
    return Object.fromEntries(header.keys().map((key) => [key, header.get(key)]))
  }

  it('sends headers that say what the message is, in ASCII', async () => {
    await addStream()
    const event = eventOf('film "7"\n ü%\ud800')
    expect(fates(await publish(transportTo({ headers }), [event]))).toEqual(['accepted'])
    expect(await headersOf(1)).toEqual({
      'Nats-Msg-Id': event.id,
      'content-type': 'application/cloudevents+json',
      traceparent: event.traceparent,
      partitionkey: 'film%20%227%22%0A%20%C3%BC%25%EF%BF%BD',
    })
  })

  it('sends its id alone without the means to make headers, and no header for what the event has not', async () => {
    await addStream()
    const event = eventOf('a')
    await publish(transportTo(), [event])
    expect(await headersOf(1)).toEqual({ 'Nats-Msg-Id': event.id })
    const { traceparent: _, partitionkey: __, ...bare } = eventOf('a')
    await publish(transportTo({ headers }), [bare])
    expect(await headersOf(2)).toEqual({ 'Nats-Msg-Id': bare.id, 'content-type': 'application/cloudevents+json' })
  })

  it('sends each event to the subject that is made of it', async () => {
    await addStream()
    const transport = transportTo({ subject: ({ type }) => `${name}.${type}` })
    await publish(transport, [eventOf('a')])
    expect((await manager.streams.getMessage(name, { seq: 1 }))!.subject).toBe(`${name}.film.released`)
    expect([transport.name, transportTo().name, transportTo({ name: 'films' }).name]).toEqual(['nats', `nats:${name}.films`, 'films'])
  })

  it('does not accept an event until there is a stream for it', async () => {
    const batch = [eventOf('a')]
    const [error] = errorsOf(await publish(transportTo(), batch)) as [Error]
    expect(error.message).toContain(`nothing there takes what is sent to the subject "${name}.films"`)
    expect([hasErrorCode(error, 'TRANSPORT_EVENT_UNROUTABLE'), isPermanentError(error)]).toEqual([true, false])
    await addStream()
    expect(fates(await publish(transportTo(), batch))).toEqual(['accepted'])
  })

  it('does not take the answer of anybody else for the word of a stream', async () => {
    connection.subscribe(`${name}.films`, { callback: (_, message) => void message.respond('{"ok":true}') })
    const [error] = errorsOf(await publish(transportTo(), [eventOf('a')])) as [Error]
    expect(error.message).toContain(`(what answers on "${name}.films" is no stream)`)
  })

  it('says what a stream says that refuses an event', async () => {
    await addStream({ max_msgs: 1, discard: DiscardPolicy.New })
    const results = await publish(transportTo(), eventsOf(['a'], 2))
    expect(fates(results)).toEqual(['accepted', 'TRANSPORT_EVENT_REFUSED'])
    expect((errorsOf(results)[0] as Error).message).toContain('(maximum messages exceeded)')
  })

  it('refuses for good what is larger than the stream takes', async () => {
    await addStream({ max_msg_size: 2_000 })
    const results = await publish(transportTo(), [eventOf('a', 'x'.repeat(2_000)), eventOf('b')])
    const [error] = errorsOf(results) as [Error]
    expect(results[1]!.isAccepted).toBe(true)
    expect([isPermanentError(error), error.message.includes('max_msg_size of the stream')]).toEqual([true, true])
  })

  it('does not accept what is not answered in time', async () => {
    await addStream()
    const proxy = await TcpProxy.open(service)
    const slow = await connect({ servers: new URL(proxy.urlFor(service)).host })
    void proxy.hold()
    const transport = new NatsTransport(jetstream(slow), { subject: `${name}.films`, timeoutMs: 20 })
    const batch = [eventOf('a')]
    expect(fates(await publish(transport, batch))).toEqual(['TRANSPORT_EVENT_UNANSWERED'])
    proxy.release()
    await slow.flush()
    expect(fates(await publish(transportTo(), batch))).toEqual(['accepted'])
    expect((await manager.streams.info(name)).state.messages).toBe(1)
    await slow.close()
    await proxy.close()
  })

  it('accepts nothing through a connection that is closed', async () => {
    const gone = await connect({ servers: service.host })
    const transport = new NatsTransport(jetstream(gone), { subject: name })
    await gone.close()
    const [error] = errorsOf(await publish(transport, [eventOf('a')])) as [Error]
    expect(error.name).toBe('ClosedConnectionError')
  })

  it('answers with the error of a subject that cannot be made', async () => {
    await addStream()
    const cause = new Error('no subject')
    const subject = ({ type }: { type: string }) => {
      if (type === 'film.lost') throw cause
      return `${name}.films`
    }
    const batch = [eventOf('a', {}, { type: 'film.lost' }), eventOf('b'), eventOf('a')]
    expect(fates(await publish(transportTo({ subject }), batch))).toEqual([cause, 'accepted', 'TRANSPORT_EVENT_WAITS'])
  })

  it('refuses a connection in place of its JetStream client', () => {
    expect(() => new NatsTransport(connection as never, { subject: name })).toThrow(
      /wanted is a JetStreamClient, as jetstream\(connection\) makes it/,
    )
  })

  it.each([
    ['subject', { subject: '' }, /"subject" must be a text, or a function of the event that returns one/],
    [
      'timeoutMs',
      { subject: 'films', timeoutMs: 0 },
      /"timeoutMs" must be a number of milliseconds above 0 and up to 2147483647, current value is 0/,
    ],
    ['headers', { subject: 'films', headers: {} }, /"headers" must be a function, current value is a plain object/],
    ['subjects', { subject: 'films', subjects: [] }, /"subjects" is not one of them; did you mean "subject"\?/],
  ])('refuses what %s can never be', (_, options, message) => {
    expect(() => new NatsTransport(jetstream(connection), options as never)).toThrow(message)
  })
})
