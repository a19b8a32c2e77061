/** Events as jobs of BullMQ, against a real Redis. */
import { Queue, Worker, type DefaultJobOptions, type Processor } from 'bullmq'
import { BullMqTransport } from 'flushpoint/outbox/bullmq'
import { Redis } from 'ioredis'
import { isPermanentError } from '../../../lib/outbox/permanent-error.js'
import { uniqueName } from '../../support/services.js'
import { describeTransport, errorsOf, eventOf, eventsOf, fates, publish, type TransportHarness } from '../../support/transports.js'

const harness: TransportHarness = {
  service: 'redis',
  capabilities: { ordered: false, dedupe: true },
  async open(service, proxy) {
    const name = uniqueName()
    const admin = new Redis(service.toString())
    await admin.acl('SETUSER', name, 'on', `>${name}`, '~*', '&*', '+@all')
    const login = { username: name, password: name }
    const connection = { host: '127.0.0.1', port: proxy.port, ...login, retryStrategy: () => 20, disconnectTimeout: 50 }
    const queue = new Queue(name, { connection, prefix: name })
    queue.on('error', () => undefined)
    const prefix = `${name}:${name}`
    return {
      transport: new BullMqTransport(queue),
      kept: async () => {
        const ids = (await admin.lrange(`${prefix}:wait`, 0, -1)).reverse()
        return Promise.all(ids.map((id) => dataOf(admin, `${prefix}:${id}`)))
      },
      // a queue has no limit, so Redis refuses to write, as it does where its memory is full
      fill: async () => void (await admin.acl('SETUSER', name, '-@write', '-@scripting')),
      makeRoom: async () => void (await admin.acl('SETUSER', name, '+@all')),
      isClientOpen: async () => (await queue.count()) === (await queue.getJobs(['wait', 'prioritized', 'delayed'])).length,
      close: async () => {
        await queue.close()
        const keys = await admin.keys(`${name}:*`)
        if (keys.length > 0) await admin.del(keys)
        await admin.acl('DELUSER', name)
        await admin.quit()
      },
    }
  },
}

const PIECE_BYTES = 16_000
const READ_PIECE = `return string.sub(redis.call('HGET', KEYS[1], 'data'), ARGV[1], ARGV[2])`

/** In pieces: the parser of this client keeps a timer for seconds after it has read much at once, and Jest would wait for it. */
async function dataOf(admin: Redis, key: string): Promise<string> {
  const pieces: Buffer[] = []
  for (let start = 1, piece; piece === undefined || piece.length === PIECE_BYTES; start += PIECE_BYTES)
    pieces.push((piece = (await admin.callBuffer('EVAL', READ_PIECE, 1, key, start, start + PIECE_BYTES - 1)) as Buffer))
  return Buffer.concat(pieces).toString()
}

describeTransport('BullMqTransport', harness, (service) => {
  let name: string
  let queue: Queue
  let open: { close(): Promise<unknown> }[]
  const connection = () => ({ url: service.toString(), retryStrategy: () => 20 })
  const queueWith = (defaultJobOptions: DefaultJobOptions = {}) => {
    const made = new Queue(name, { connection: connection(), prefix: name, defaultJobOptions })
    open.push(made)
    return made
  }
  beforeEach(() => {
    name = uniqueName()
    open = []
    queue = queueWith()
  })
  afterEach(async () => {
    await queue.obliterate({ force: true })
    await Promise.all(open.map((one) => one.close()))
  })

  it('adds jobs that are the event, named by its type unless it is told another', async () => {
    const transport = new BullMqTransport(queue, { jobOptions: { attempts: 3, backoff: { type: 'exponential', delay: 100 }, priority: 4 } })
    const batch = [eventOf('a', { title: 'Zebra' }), eventOf('a')]
    await publish(transport, batch)
    const jobs = await Promise.all(batch.map(({ id }) => queue.getJob(id)))
    expect(jobs.map((job) => [job?.name, job?.data])).toEqual(batch.map((event) => ['film.released', event]))
    expect(jobs[0]!.opts).toMatchObject({ attempts: 3, backoff: { type: 'exponential', delay: 100 }, priority: 4, jobId: batch[0]!.id })

    const [one, other] = [eventOf('a'), eventOf('b')]
    await publish(new BullMqTransport(queue, { jobName: 'event' }), [one])
    await publish(new BullMqTransport(queue, { jobName: ({ partitionkey }) => `of ${partitionkey}` }), [other])
    expect([(await queue.getJob(one.id))?.name, (await queue.getJob(other.id))?.name]).toEqual(['event', 'of b'])
  })

  it('adds a batch in one go', async () => {
    const added = jest.spyOn(queue, 'addBulk')
    await publish(new BullMqTransport(queue), eventsOf(['a', 'b'], 5))
    expect(added.mock.calls.map(([jobs]) => jobs.length)).toEqual([10])
  })

  it('brings events to a worker in their order', async () => {
    const batch = eventsOf(['a', 'b'], 5)
    await publish(new BullMqTransport(queue), batch)
    const seen: unknown[] = []
    await work(async ({ data }) => void seen.push(data), batch.length)
    expect(seen).toEqual(batch)
  })

  it('drops an event for as long as its job is kept, and says whether completed ones are', async () => {
    const [keeping, dropping] = [new BullMqTransport(queue), new BullMqTransport(queue, { jobOptions: { removeOnComplete: true } })]
    const [kept, dropped] = [eventOf('a'), eventOf('b')]
    await publish(keeping, [kept])
    await publish(dropping, [dropped])
    await work(async () => undefined, 2)
    expect(fates(await publish(keeping, [kept]))).toEqual(['accepted'])
    expect(fates(await publish(dropping, [dropped]))).toEqual(['accepted'])
    expect((await queue.getJobs(['waiting'])).map(({ id }) => id)).toEqual([dropped.id])

    const dedupes = (one: Queue, jobOptions = {}) => new BullMqTransport(one, { jobOptions }).capabilities.dedupe
    expect([dedupes(queue), dedupes(queue, { removeOnComplete: { count: 0 } }), dedupes(queue, { removeOnComplete: { age: 60 } })]).toEqual(
      [true, false, true],
    )
    const byDefault = queueWith({ removeOnComplete: true })
    expect([dedupes(byDefault), dedupes(byDefault, { removeOnComplete: 1_000 })]).toEqual([false, true])
  })

  it('adds the others where the queue refuses one of the batch', async () => {
    const batch = [eventOf('a'), eventOf('b', {}, { id: '12' }), eventOf('b'), eventOf('c')]
    const results = await publish(new BullMqTransport(queue), batch)
    expect(results.map(({ isAccepted }) => isAccepted)).toEqual([true, false, false, true])
    expect(errorsOf(results)).toEqual([
      new Error('Custom Id cannot be integers'),
      expect.objectContaining({ code: 'TRANSPORT_EVENT_WAITS' }),
    ])
    expect((await queue.getJobs(['waiting'])).map(({ id }) => id).sort()).toEqual([batch[0]!.id, batch[3]!.id].sort())
  })

  it.each([
    ['transport', {}, { sizeLimit: 2_000 }],
    ['queue', { sizeLimit: 2_000 }, {}],
  ])('refuses for good what is larger than the sizeLimit of the %s', async (_, defaults, jobOptions) => {
    const transport = new BullMqTransport(queueWith(defaults), { jobOptions })
    const batch = [eventOf('a', 'ü'.repeat(1_000)), eventOf('a'), eventOf('b')]
    const results = await publish(transport, batch)
    expect(results.map(({ isAccepted }) => isAccepted)).toEqual([false, false, true])
    const [error, follower] = errorsOf(results) as [Error, Error]
    expect([isPermanentError(error), isPermanentError(follower)]).toEqual([true, false])
    expect(error.message).toMatch(/with \d{4} bytes it is larger than sizeLimit of the jobs \(2000\) allows/)
  })

  it('does not take another job in its place for its own', async () => {
    const transport = new BullMqTransport(queueWith({ deduplication: { id: 'one' } } as DefaultJobOptions))
    const results = await publish(transport, eventsOf(['a', 'b'], 1))
    expect(fates(results)).toEqual(['accepted', 'TRANSPORT_EVENT_REFUSED'])
    expect(await queue.count()).toBe(1)
  })

  it('accepts nothing through a queue that is closed', async () => {
    const closed = queueWith()
    await closed.waitUntilReady()
    const transport = new BullMqTransport(closed)
    await closed.close()
    const results = await publish(transport, eventsOf(['a', 'b'], 1))
    expect(results.map(({ isAccepted }) => isAccepted)).toEqual([false, false])
  })

  it('refuses what is no queue', () => {
    expect(() => new BullMqTransport({ name: 'films' } as never)).toThrow(/with a plain object: wanted is a Queue of bullmq/)
  })

  it.each([
    ['jobName', { jobName: 7 }, /"jobName" must be a text, or a function of the event that returns one/],
    ['jobNames', { jobNames: 'x' }, /"jobNames" is not one of them; did you mean "jobName"\?/],
    ['jobOptions', { jobOptions: { jobId: 'x' } }, /the options of BullMqTransport, jobOptions: "jobId" is not one of them/],
  ])('refuses what %s can never be', (_, options, message) => {
    expect(() => new BullMqTransport(queue, options as never)).toThrow(message)
  })

  async function work(handle: Processor, count: number): Promise<void> {
    const worker = new Worker(name, handle, { connection: { ...connection(), maxRetriesPerRequest: null }, prefix: name })
    open.push(worker)
    let done = 0
    await new Promise<void>((resolve) => worker.on('completed', () => ++done === count && resolve()))
    await worker.close()
  }
})
