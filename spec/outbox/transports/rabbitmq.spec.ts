/** Events as messages of RabbitMQ, against a real broker. */
import amqp from 'amqplib'
import { hasErrorCode } from 'flushpoint'
import { RabbitMqTransport, type RabbitMqChannel } from 'flushpoint/outbox/rabbitmq'
import type { CloudEvent } from '../../../lib/outbox/cloud-event.js'
import { isPermanentError } from '../../../lib/outbox/permanent-error.js'
import { uniqueName } from '../../support/services.js'
import { TcpProxy } from '../../support/tcp-proxy.js'
import { describeTransport, errorsOf, eventOf, eventsOf, fates, publish, textsOf, type TransportHarness } from '../../support/transports.js'

const ROOM = 300

const harness: TransportHarness = {
  service: 'rabbitmq',
  capabilities: { ordered: true, dedupe: false },
  async open(service, proxy, isLost) {
    const { name, admin, read, drop } = await makeQueue(service)
    const client = await amqp.connect(proxy.urlFor(service), { recovery: { initialDelay: 20 } })
    client.on('error', () => undefined)
    return {
      transport: new RabbitMqTransport(() => client.createConfirmChannel(), {
        exchange: name,
        routingKey: (event) => (isLost(event) ? 'nowhere' : 'films'),
      }),
      kept: async () => (await read()).map(({ content }) => content.toString()),
      fill: async () => {
        const filling = await admin.createConfirmChannel()
        for (let n = 0; n < ROOM; n++) filling.sendToQueue(name, Buffer.from('filling'))
        await filling.waitForConfirms()
        await filling.close()
      },
      makeRoom: async () => {
        const channel = await admin.createChannel()
        await channel.purgeQueue(name)
        await channel.close()
      },
      isClientOpen: async () => {
        const other = await client.createChannel()
        const { queue } = await other.assertQueue('', { exclusive: true })
        await other.close()
        return queue !== ''
      },
      close: async () => {
        await client.close()
        await drop()
      },
    }
  },
}

interface MadeQueue {
  readonly name: string
  readonly admin: amqp.ChannelModel
  /** Takes nothing away: what is not acknowledged goes back to its place when the channel closes. */
  read(): Promise<amqp.GetMessage[]>
  drop(): Promise<void>
}

/** An exchange and a queue of one name, joined by the routing key `films`. */
async function makeQueue(service: URL): Promise<MadeQueue> {
  const name = uniqueName()
  const admin = await amqp.connect(service.toString())
  const channel = await admin.createChannel()
  // both go by themselves where a run is interrupted
  await channel.assertExchange(name, 'direct', { durable: false, autoDelete: true })
  await channel.assertQueue(name, { durable: false, expires: 600_000, arguments: { 'x-max-length': ROOM, 'x-overflow': 'reject-publish' } })
  await channel.bindQueue(name, name, 'films')
  return {
    name,
    admin,
    read: async () => {
      const reading = await admin.createChannel()
      const messages: amqp.GetMessage[] = []
      for (let message = await reading.get(name); message !== false; message = await reading.get(name)) messages.push(message)
      await reading.close()
      return messages
    },
    drop: async () => {
      await channel.deleteQueue(name)
      await channel.deleteExchange(name)
      await admin.close()
    },
  }
}

describeTransport('RabbitMqTransport', harness, (service) => {
  let made: MadeQueue
  let channel: amqp.ConfirmChannel
  let transport: RabbitMqTransport
  beforeEach(async () => {
    made = await makeQueue(service)
    channel = await made.admin.createConfirmChannel()
    transport = new RabbitMqTransport(channel, { exchange: made.name, routingKey: 'films' })
  })
  afterEach(() => made.drop())

  it('sends persistent messages that say what they are', async () => {
    const event = eventOf('ключ %"\n', { id: 7 })
    await publish(transport, [event])
    const [{ properties, content }] = (await made.read()) as [amqp.GetMessage]
    expect(content.toString()).toBe(JSON.stringify(event))
    expect(properties).toMatchObject({
      messageId: event.id,
      type: 'film.released',
      timestamp: Date.UTC(2026, 10, 5, 10, 20, 30) / 1_000,
      contentType: 'application/cloudevents+json',
      correlationId: 'request-1',
      deliveryMode: 2,
    })
    const { source, subject, sequence, traceparent } = event
    expect(properties.headers).toEqual({ source, subject, sequence, traceparent, partitionkey: 'ключ %"\n' })
  })

  it('sends the type as routing key, unless it is told another, and leaves out what an event has not', async () => {
    const binding = await made.admin.createChannel()
    await binding.bindQueue(made.name, made.name, 'film.released')
    const byType = new RabbitMqTransport(channel, { exchange: made.name })
    const { id, source, type, sequence, time } = eventOf('a')
    const event = { specversion: '1.0', id, source, type, time, datacontenttype: 'application/json', sequence, data: 1 } as const
    expect(fates(await publish(byType, [event]))).toEqual(['accepted'])
    const [{ fields, properties }] = (await made.read()) as [amqp.GetMessage]
    expect([fields.routingKey, properties.headers, properties.correlationId]).toEqual(['film.released', { source, sequence }, undefined])
  })

  it('sends an event whose request id fits no property', async () => {
    const event = eventOf('a', {}, { requestid: 'ü'.repeat(200) })
    expect(fates(await publish(transport, [event]))).toEqual(['accepted'])
    const [{ properties, content }] = (await made.read()) as [amqp.GetMessage]
    expect([properties.correlationId, content.toString()]).toEqual([undefined, JSON.stringify(event)])
  })

  it('accepts what no queue takes only where it is told so', async () => {
    const [lost, careless] = [undefined, false].map(
      (mandatory) =>
        new RabbitMqTransport(channel, { exchange: made.name, routingKey: 'nowhere', ...(mandatory === false && { mandatory }) }),
    )
    expect(fates(await publish(lost!, [eventOf('a')]))).toEqual(['TRANSPORT_EVENT_UNROUTABLE'])
    expect(fates(await publish(careless!, [eventOf('a')]))).toEqual(['accepted'])
  })

  describe('where the channel has no room', () => {
    let proxy: TcpProxy
    let client: amqp.ChannelModel
    /** What the channel has said, in order. */
    let log: ('sent' | 'full' | 'drain')[]
    let batch: CloudEvent[]
    let narrowed: RabbitMqTransport
    beforeEach(async () => {
      proxy = await TcpProxy.open(service)
      client = await amqp.connect(proxy.urlFor(service))
      client.on('error', () => undefined)
      const narrow = await client.createConfirmChannel({ highWaterMark: 2 })
      log = []
      narrow.on('drain', () => log.push('drain'))
      const send = narrow.publish.bind(narrow)
      narrow.publish = (...message) => {
        const hasRoom = send(...message)
        log.push(hasRoom ? 'sent' : 'full')
        return hasRoom
      }
      narrowed = new RabbitMqTransport(narrow, { exchange: made.name, routingKey: 'films' })
      const keys = Array.from({ length: 80 }, (_, n) => `key ${n}`)
      batch = eventsOf(keys, 1, 'x'.repeat(50_000))
    })
    afterEach(async () => {
      await client.close().catch(() => undefined)
      await proxy.close()
    })
    const sentSoFar = () => log.filter((line) => line !== 'drain').length

    it('waits until it has', async () => {
      const stuck = proxy.hold()
      const results = publish(narrowed, batch)
      await stuck
      expect(sentSoFar()).toBeLessThan(batch.length)
      proxy.release()
      expect(new Set(fates(await results))).toEqual(new Set(['accepted']))
      expect(log).toContain('full')
      expect(log.filter((line, index) => log[index - 1] === 'full' && line !== 'drain')).toEqual([])
      expect((await made.read()).map(({ content }) => content.toString())).toEqual(textsOf(batch))
    })

    it('sends nothing more when the signal aborts meanwhile', async () => {
      const stuck = proxy.hold()
      const stopping = new AbortController()
      const results = publish(narrowed, batch, stopping.signal)
      await stuck
      stopping.abort('stop')
      expect(new Set(errorsOf(await results))).toEqual(new Set(['stop']))
      const sent = sentSoFar()
      proxy.release()
      expect(fates(await publish(narrowed, [eventOf('last')]))).toEqual(['accepted'])
      expect(sentSoFar()).toBe(sent + 1)
      expect(await made.read()).toHaveLength(sent + 1)
    })

    it('answers all of them when it closes instead', async () => {
      const stuck = proxy.hold()
      const results = publish(narrowed, batch)
      await stuck
      proxy.cut()
      expect(new Set(fates(await results))).toEqual(new Set(['TRANSPORT_CHANNEL_CLOSED']))
    })
  })

  it('says that the broker refused what a queue has no room for', async () => {
    await publish(transport, eventsOf(['a'], ROOM - 1))
    const results = await publish(transport, eventsOf(['a'], 2))
    expect(fates(results)).toEqual(['accepted', 'TRANSPORT_EVENT_REFUSED'])
    expect(isPermanentError(errorsOf(results)[0])).toBe(false)
    expect(fates(await publish(new RabbitMqTransport(channel, { exchange: '', routingKey: made.name }), [eventOf('b')]))).toEqual([
      'TRANSPORT_EVENT_REFUSED',
    ])
    expect(await made.read()).toHaveLength(ROOM)
  })

  it('refuses a channel without confirms', async () => {
    const plain = await made.admin.createChannel()
    expect(() => new RabbitMqTransport(plain as unknown as RabbitMqChannel, { exchange: '' })).toThrow(
      expect.objectContaining({
        code: 'TRANSPORT_CLIENT_INVALID',
        message: expect.stringMatching(/with an instance of \w+: wanted is a ConfirmChannel/),
      }),
    )
    const opened = new RabbitMqTransport(() => Promise.resolve(plain as unknown as RabbitMqChannel), { exchange: made.name })
    expect(fates(await publish(opened, [eventOf('a'), eventOf('b')]))).toEqual(['TRANSPORT_CLIENT_INVALID', 'TRANSPORT_CLIENT_INVALID'])
    expect(await made.read()).toEqual([])
  })

  it('accepts nothing on a channel that has closed, and says why it did', async () => {
    const wrong = new RabbitMqTransport(channel, { exchange: 'flushpoint_no_such_exchange' })
    const [refused] = errorsOf(await publish(wrong, [eventOf('a')])) as [Error]
    expect(hasErrorCode(refused, 'TRANSPORT_CHANNEL_CLOSED')).toBe(true)
    expect(refused.cause).toMatchObject({ code: 404 })
    const [later] = errorsOf(await publish(transport, [eventOf('a')])) as [Error]
    expect(later.message).toContain("no exchange 'flushpoint_no_such_exchange'")
    expect(isPermanentError(later)).toBe(false)
  })

  it('says so where the channel was closed by whoever made it', async () => {
    await channel.close()
    const [error] = errorsOf(await publish(transport, [eventOf('a')])) as [Error]
    expect(error.message).toContain('its channel is closed (it has been closed, or its connection is gone)')
  })

  it('asks for a new channel after one has closed, and closes the last with itself', async () => {
    const opened: amqp.ConfirmChannel[] = []
    const open = async () => {
      const next = await made.admin.createConfirmChannel()
      opened.push(next)
      return next
    }
    const asking = new RabbitMqTransport(open, { exchange: made.name, routingKey: 'films' })
    expect(opened).toHaveLength(0)
    await publish(asking, eventsOf(['a'], 2))
    await publish(asking, eventsOf(['a'], 2))
    expect(opened).toHaveLength(1)
    await opened[0]!.close()
    expect(fates(await publish(asking, [eventOf('a')]))).toEqual(['accepted'])
    expect(opened).toHaveLength(2)
    await asking.close()
    expect(() => opened[1]!.publish(made.name, 'films', Buffer.from(''))).toThrow('Channel closed')
  })

  it('tells every event of the batch why no channel could be opened', async () => {
    const cause = new Error('no broker')
    const asking = new RabbitMqTransport(() => Promise.reject(cause), { exchange: made.name })
    expect(errorsOf(await publish(asking, eventsOf(['a', 'b'], 1)))).toEqual([cause, cause])
  })

  it('closes a channel that comes when it is closed itself', async () => {
    let give: (channel: amqp.ConfirmChannel) => void = () => undefined
    const late = new RabbitMqTransport(() => new Promise<amqp.ConfirmChannel>((resolve) => (give = resolve)), { exchange: made.name })
    const stopping = new AbortController()
    const results = publish(late, [eventOf('a')], stopping.signal)
    stopping.abort('stop')
    expect(errorsOf(await results)).toEqual(['stop'])
    await late.close()
    const closed = new Promise((resolve) => channel.once('close', resolve))
    give(channel)
    await closed
    expect(await made.read()).toEqual([])
  })

  it('leaves a channel it was given as it was', async () => {
    const before = ['error', 'close', 'return', 'drain'].map((event) => channel.listenerCount(event))
    const second = new RabbitMqTransport(channel, { exchange: made.name, routingKey: 'films' })
    await publish(second, [eventOf('a')])
    await second.close()
    expect(['error', 'close', 'return', 'drain'].map((event) => channel.listenerCount(event))).toEqual(before)
    expect(fates(await publish(transport, [eventOf('a')]))).toEqual(['accepted'])
  })

  it('refuses for good what is larger than the broker takes; the rest of the batch is published again', async () => {
    const asking = new RabbitMqTransport(() => made.admin.createConfirmChannel(), { exchange: made.name, routingKey: 'films' })
    const batch = [eventOf('a', 'x'.repeat(129 * 2 ** 20)), eventOf('a'), eventOf('b')]
    const results = await publish(asking, batch)
    const [huge, follower] = errorsOf(results) as [Error, Error]
    expect(isPermanentError(huge)).toBe(true)
    expect(huge.message).toMatch(/with \d{9} bytes it is larger than max_message_size of the broker \(\d+\) allows/)
    expect(hasErrorCode(follower, 'TRANSPORT_EVENT_WAITS')).toBe(true)
    expect(errorsOf(results.slice(1)).some(isPermanentError)).toBe(false)
    const rest = batch.slice(1).filter((_, index) => results[index + 1]?.isAccepted === false)
    expect(new Set(fates(await publish(asking, rest)))).toEqual(new Set(['accepted']))
    expect((await made.read()).map(({ content }) => content.toString()).sort()).toEqual(textsOf(batch.slice(1)).sort())
    await asking.close()
  })

  it.each([
    ['exchange', {}, /"exchange" must be a text, current value is undefined/],
    [
      'routingKey',
      { exchange: '', routingKey: 7 },
      /"routingKey" must be a text, or a function of the event that returns one, current value is 7/,
    ],
    ['mandatory', { exchange: '', mandatory: 'no' }, /"mandatory" must be a boolean/],
    ['routingkey', { exchange: '', routingkey: 'films' }, /"routingkey" is not one of them; did you mean "routingKey"\?/],
  ])('refuses what %s can never be', (_, options, message) => {
    expect(() => new RabbitMqTransport(channel, options as never)).toThrow(message)
  })
})
