/** A worker handles messages until it is asked to stop, says now and then what it did, and ends in order. */
import type { WorkerRelay } from '../../../lib/cli/worker-relay.js'
import { FakeDesk, play, type FakeDataSource, type Scene } from '../fakes.js'

const SUBSCRIPTIONS = ['mail', 'search'].map((name) => ({ name, backlog: 4, retrying: 0, dead: 0, oldestAgeMs: null }))

class FakeRelay implements WorkerRelay {
  counters = { handled: 0, failed: 0, dead: 0, leaseLosses: 0 }
  readonly calls: unknown[] = []
  stopping: () => Promise<void> = async () => {}

  async start(): Promise<void> {
    this.calls.push('start')
  }

  async stop(options: { readonly timeoutMs: number }): Promise<void> {
    this.calls.push(['stop', options])
    await this.stopping()
  }
}

const scene = (values: Scene = {}) => {
  const relay = new FakeRelay()
  const desk = new FakeDesk({ status: { subscriptions: SUBSCRIPTIONS } })
  return { relay, desk, ...play({ relay, desk, ...values }) }
}

beforeEach(() => jest.useFakeTimers({ now: new Date('2026-11-21T10:00:00Z'), doNotFake: ['setImmediate', 'nextTick'] }))
afterEach(() => jest.useRealTimers())

const settled = () => new Promise(setImmediate)
const tenSeconds = () => jest.advanceTimersByTimeAsync(10_000)

describe('a worker', () => {
  it('begins, says of what, and goes on until it is asked to stop', async () => {
    const { run, out, err, relay, stop, dataSource, notes } = scene()
    const running = run('worker', '-d', 'ormconfig.ts')
    await settled()
    expect(out.lines).toEqual([`Worker ${process.pid} of ormconfig.ts (postgres, films), subscriptions: mail, search`])
    expect([relay.calls, dataSource.isInitialized, notes]).toEqual([['start'], true, ['listens for signals']])
    stop.abort()
    expect(await running).toBe(0)
    expect([relay.calls, dataSource.isInitialized]).toEqual([['start', ['stop', { timeoutMs: 30_000 }]], false])
    expect(out.lines.slice(1)).toEqual(['Stopped: handled 0, failed 0, dead 0 since it was started'])
    expect(err.text).toBe('')
  })

  it('passes on how many loops, how large a batch and how long', async () => {
    const { run, relay, relayOptions, stop } = scene()
    const running = run('worker', '--loops', '4', '--batch', '50', '--timeout-ms', '1')
    await settled()
    stop.abort()
    await running
    expect([relayOptions, relay.calls.at(-1)]).toEqual([[{ loops: 4, batchSize: 50 }], ['stop', { timeoutMs: 1 }]])
  })

  it('leaves to the relay what it was not told', async () => {
    const { run, relayOptions, stop } = scene()
    const running = run('worker')
    await settled()
    stop.abort()
    await running
    expect(relayOptions).toEqual([{}])
  })

  it('says every ten seconds what was done in them, and nothing where nothing was', async () => {
    const { run, out, relay, stop } = scene()
    const running = run('worker')
    await settled()
    await tenSeconds()
    relay.counters = { handled: 5, failed: 2, dead: 1, leaseLosses: 0 }
    await tenSeconds()
    await tenSeconds()
    relay.counters.failed++
    await tenSeconds()
    stop.abort()
    await running
    expect(out.lines.slice(1)).toEqual([
      '2026-11-21T10:00:20.000Z  handled 5, failed 2, dead 1; backlog 8',
      '2026-11-21T10:00:40.000Z  handled 0, failed 1, dead 0; backlog 8',
      'Stopped: handled 5, failed 3, dead 1 since it was started',
    ])
  })

  it('prints lines of JSON, and keeps the output to them', async () => {
    const { run, out, relay, stop, notes } = scene()
    const running = run('worker', '--json')
    await settled()
    relay.counters = { handled: 5, failed: 0, dead: 0, leaseLosses: 1 }
    await tenSeconds()
    stop.abort()
    await running
    expect(out.lines.map((line) => JSON.parse(line) as unknown)).toEqual([
      expect.objectContaining({
        event: 'started',
        file: 'ormconfig.ts',
        type: 'postgres',
        database: 'films',
        subscriptions: ['mail', 'search'],
      }),
      { event: 'progress', time: '2026-11-21T10:00:10.000Z', handled: 5, failed: 0, dead: 0, leaseLosses: 1, backlog: 8 },
      { event: 'stopped', handled: 5, failed: 0, dead: 0, leaseLosses: 1 },
    ])
    expect([notes, out.text]).toEqual([['claims the output', 'listens for signals'], expect.not.stringContaining('hunter2')])
  })

  it('is quiet where it is told so', async () => {
    const { run, out, err, relay, desk, stop } = scene()
    const running = run('worker', '--quiet')
    await settled()
    relay.counters.handled = 5
    await tenSeconds()
    stop.abort()
    expect([await running, out.text, err.text, desk.asked]).toEqual([0, '', '', []])
  })

  it('goes on where the outbox does not answer for a moment', async () => {
    const desk = Object.assign(new FakeDesk(), { status: () => Promise.reject(new Error('connection lost')) })
    const { run, out, err, relay, stop } = scene({ desk })
    const running = run('worker')
    await settled()
    relay.counters.handled = 5
    await tenSeconds()
    stop.abort()
    expect(await running).toBe(0)
    expect(out.lines).toEqual([
      `Worker ${process.pid} of ormconfig.ts (postgres, films), subscriptions: unknown`,
      '2026-11-21T10:00:10.000Z  handled 5, failed 0, dead 0; backlog unknown',
      'Stopped: handled 5, failed 0, dead 0 since it was started',
    ])
    expect(err.lines).toEqual(Array(2).fill('Cannot ask the outbox: connection lost'))
  })

  it('that is asked to stop before its data source is open ends at once', async () => {
    const { run, relay, stop } = scene({ open: () => new Promise<FakeDataSource>(() => {}) })
    const running = run('worker')
    await settled()
    stop.abort()
    expect([await running, relay.calls]).toEqual([0, []])
  })

  it('waits for the relay to stop, and for its data source to close', async () => {
    const { run, relay, stop, dataSource } = scene()
    let end = () => {}
    relay.stopping = () => new Promise((resolve) => (end = resolve))
    const running = run('worker')
    await settled()
    stop.abort()
    const ended = jest.fn()
    void running.then(ended)
    await tenSeconds()
    expect([ended.mock.calls, dataSource.isInitialized]).toEqual([[], true])
    end()
    expect([await running, dataSource.isInitialized]).toEqual([0, false])
  })

  it('waits no longer than that, and exits with 1', async () => {
    const { run, relay, stop, err } = scene()
    relay.stopping = () => new Promise(() => {})
    const running = run('worker', '--timeout-ms', '2000')
    await settled()
    stop.abort()
    await settled()
    await jest.advanceTimersByTimeAsync(7_000)
    expect(await running).toBe(1)
    expect(err.text).toMatch(/^Cannot wait any longer for the worker to stop: its time was 7000 ms/)
  })

  it('exits with 1 where the relay cannot start', async () => {
    const { run, relay, err } = scene()
    relay.start = () => Promise.reject(new Error('no such table'))
    expect(await run('worker')).toBe(1)
    expect(err.text).toMatch(/^Error: no such table\n/)
  })

  it('exits with 1 where the relay cannot stop', async () => {
    const { run, relay, stop, err } = scene()
    relay.stopping = () => Promise.reject(new Error('connection lost'))
    const running = run('worker')
    await settled()
    stop.abort()
    expect(await running).toBe(1)
    expect(err.text).toMatch(/^Error: connection lost\n/)
  })
})
