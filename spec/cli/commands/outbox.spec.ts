/** What operators see of an outbox, what they do with it, and how the process ends. */
import type { CloudEvent } from '../../../lib/outbox/cloud-event.js'
import type { BlockedKey, DeadLetter, OutboxStatus, RelayMember, SubscriptionStatus } from '../../../lib/outbox/outbox-desk.js'
import { FakeDesk, play } from '../fakes.js'

const subscription = (name: string, values: Partial<SubscriptionStatus> = {}): SubscriptionStatus => ({
  name,
  backlog: 0,
  retrying: 0,
  dead: 0,
  oldestAgeMs: null,
  ...values,
})

const relay = (...subscriptions: string[]): RelayMember => ({
  owner: 'a-1',
  host: 'mars',
  pid: 42,
  subscriptions,
  slots: 16,
  aliveForMs: 5_000,
})

const letter = (values: Partial<DeadLetter> = {}): DeadLetter => ({
  subscription: 'mail',
  id: '0190-7',
  sequence: 7,
  type: 'film.released',
  partitionKey: 'film:7',
  attempts: 12,
  lastError: 'mailbox full\n  at line 2',
  since: new Date('2026-11-21T10:00:00Z'),
  ...values,
})

const blockedKey = (partitionKey: string): BlockedKey => ({
  subscription: 'mail',
  partitionKey,
  reason: 'retry',
  waiting: 3,
  oldestSequence: 5,
  nextAttemptAt: new Date('2026-11-21T10:00:00Z'),
  lastError: 'mailbox full',
})

const event = (values: Partial<CloudEvent> = {}): CloudEvent => ({
  specversion: '1.0',
  id: '0190-7',
  source: '/films',
  type: 'film.released',
  time: '2026-11-21T10:00:00.123Z',
  datacontenttype: 'application/json',
  sequence: '00000000000000000042',
  data: { title: 'Alien' },
  ...values,
})

describe('every command of an outbox', () => {
  it.each([
    ['status', []],
    ['dead', []],
    ['redrive', ['--all']],
    ['discard', ['--all']],
    ['replay', ['--from', '1', '--subscription', 'mail']],
    ['tail', []],
  ])('%s opens the data source it was given, keeps the output to itself, and closes it', async (name, words) => {
    const { run, places, dataSource, notes } = play({ desk: new FakeDesk({ status: { subscriptions: [subscription('mail')] } }) })
    expect(await run('outbox', name, '-d', 'a.ts', '--export', 'films', '-r', './env', '-r', 'dotenv', ...words)).toBe(0)
    expect(places).toEqual([expect.objectContaining({ dataSource: 'a.ts', export: 'films', require: ['./env', 'dotenv'] })])
    expect([dataSource.isInitialized, notes]).toEqual([false, ['claims the output']])
  })

  it('fails with the error of its work, closed or not', async () => {
    const desk = Object.assign(new FakeDesk(), { status: () => Promise.reject(new Error('no such table')) })
    const { run, dataSource, err } = play({ desk })
    dataSource.destroy = () => Promise.reject(new Error('already gone'))
    expect(await run('outbox', 'status')).toBe(1)
    expect(err.text).toMatch(/^Cannot close the data source: already gone\nError: no such table\n/)
  })
})

describe('status', () => {
  const status = (values: Partial<OutboxStatus>, blockedKeys: readonly BlockedKey[] = []) =>
    play({ desk: new FakeDesk({ status: { messages: 7, ...values }, blockedKeys }) })

  it('shows subscriptions, relays and blocked keys', async () => {
    const { run, out } = status(
      {
        subscriptions: [subscription('mail', { backlog: 3, retrying: 1, oldestAgeMs: 30_000 }), subscription('search')],
        relays: [relay('mail', 'search'), relay('mail', 'search'), { ...relay('mail'), host: 'venus' }],
      },
      [blockedKey('film:7')],
    )
    expect(await run('outbox', 'status')).toBe(0)
    expect(out.lines).toEqual([
      '7 messages in the outbox',
      '',
      '┌──────────────┬─────────┬──────────┬──────┬────────┐',
      '│ subscription │ backlog │ retrying │ dead │ oldest │',
      '├──────────────┼─────────┼──────────┼──────┼────────┤',
      '│ mail         │       3 │        1 │    0 │ 30 s   │',
      '│ search       │       0 │        0 │    0 │ –      │',
      '└──────────────┴─────────┴──────────┴──────┴────────┘',
      '',
      '┌──────────┬─────┬───────────┬───────┬───────┬───────────────┐',
      '│ relay on │ pid │ alive for │ loops │ slots │ subscriptions │',
      '├──────────┼─────┼───────────┼───────┼───────┼───────────────┤',
      '│ mars     │  42 │ 5 s       │     2 │    32 │ mail, search  │',
      '│ venus    │  42 │ 5 s       │     1 │    16 │ mail          │',
      '└──────────┴─────┴───────────┴───────┴───────┴───────────────┘',
      '',
      '┌─────────────┬──────────────┬───────┬─────────┬──────────┬──────────────────────┬──────────────┐',
      '│ blocked key │ subscription │ by    │ waiting │ sequence │ next attempt         │ last error   │',
      '├─────────────┼──────────────┼───────┼─────────┼──────────┼──────────────────────┼──────────────┤',
      '│ film:7      │ mail         │ retry │       3 │        5 │ 2026-11-21T10:00:00Z │ mailbox full │',
      '└─────────────┴──────────────┴───────┴─────────┴──────────┴──────────────────────┴──────────────┘',
    ])
  })

  it('of an outbox nobody uses says so, which is no trouble', async () => {
    const { run, out } = status({ messages: 0 })
    expect(await run('outbox', 'status')).toBe(0)
    expect(out.lines).toEqual(['0 messages in the outbox', '', 'No subscriptions.', '', 'No relay is alive.'])
  })

  it('shows twenty blocked keys, and says how many there are beside them', async () => {
    const { run, out } = status(
      {},
      Array.from({ length: 23 }, (_, index) => blockedKey(`film:${index}`)),
    )
    await run('outbox', 'status')
    expect(out.lines.filter((line) => line.includes('film:'))).toHaveLength(20)
    expect(out.lines.at(-1)).toBe('and 3 more: --json shows all')
  })

  const TROUBLES: readonly [string, Partial<OutboxStatus>, readonly string[]][] = [
    ['dead letters', { subscriptions: [subscription('mail', { dead: 2 })] }, ['mail has 2 dead letters']],
    [
      'a message that waits for too long',
      { subscriptions: [subscription('mail', { backlog: 1, oldestAgeMs: 60_001 })], relays: [relay('mail')] },
      ['the oldest message of mail has waited for 60 s, wanted are at most 60 s'],
    ],
    [
      'a backlog without a relay',
      { subscriptions: [subscription('mail', { backlog: 1, oldestAgeMs: 10 })] },
      ['1 message of mail waits, and no relay that is alive handles it'],
    ],
    [
      'a backlog that the relays there are do not handle',
      {
        subscriptions: [subscription('mail', { backlog: 2, oldestAgeMs: 10 }), subscription('search', { backlog: 2 })],
        relays: [relay('search')],
      },
      ['2 messages of mail wait, and no relay that is alive handles it'],
    ],
  ]

  it.each(TROUBLES)('exits with 3 on %s, and says so', async (_what, values, trouble) => {
    const { run, out } = status(values)
    expect(await run('outbox', 'status')).toBe(3)
    expect(out.lines.filter((line) => line.startsWith('trouble: '))).toEqual(trouble.map((line) => `trouble: ${line}`))
  })

  it('takes what is old from --max-age-ms', async () => {
    const values = { subscriptions: [subscription('mail', { backlog: 1, oldestAgeMs: 500 })], relays: [relay('mail')] }
    expect(await status(values).run('outbox', 'status', '--max-age-ms', '499')).toBe(3)
    expect(await status(values).run('outbox', 'status', '--max-age-ms', '500')).toBe(0)
  })

  it('of one subscription heeds the trouble of that one alone', async () => {
    const values = { subscriptions: [subscription('mail', { dead: 1 }), subscription('search')] }
    const { run, out } = status(values)
    expect(await run('outbox', 'status', '-s', 'search')).toBe(0)
    expect(out.text).not.toContain('mail')
    expect(await status(values).run('outbox', 'status', '-s', 'mail')).toBe(3)
  })

  it('takes a subscription that is none for trouble', async () => {
    const { run, out } = status({ subscriptions: [subscription('search')] })
    expect(await run('outbox', 'status', '-s', 'serach')).toBe(3)
    expect(out.text).toContain('trouble: There is no subscription "serach"; did you mean "search"?\n')
  })

  it('prints one JSON value', async () => {
    const values = { messages: 7, subscriptions: [subscription('mail', { dead: 1 })], relays: [relay('mail')] }
    const { run, out } = status(values, [blockedKey('film:7')])
    expect(await run('outbox', 'status', '--json')).toBe(3)
    expect(JSON.parse(out.text)).toEqual({
      ...values,
      blockedKeys: [{ ...blockedKey('film:7'), nextAttemptAt: '2026-11-21T10:00:00.000Z' }],
      trouble: ['mail has 1 dead letter'],
    })
  })
})

describe('dead', () => {
  it('lists dead letters, a line for each, and exits with 3', async () => {
    const { run, out, err } = play({ desk: new FakeDesk({ dead: [letter(), letter({ sequence: 12, partitionKey: null, id: '0190-8' })] }) })
    expect(await run('outbox', 'dead')).toBe(3)
    expect(out.lines).toEqual([
      '┌──────────────┬──────────┬───────────────┬────────┬──────────┬──────────────────────┬────────┬────────────────────────────┐',
      '│ subscription │ sequence │ type          │ key    │ attempts │ since                │ id     │ last error                 │',
      '├──────────────┼──────────┼───────────────┼────────┼──────────┼──────────────────────┼────────┼────────────────────────────┤',
      '│ mail         │        7 │ film.released │ film:7 │       12 │ 2026-11-21T10:00:00Z │ 0190-7 │ mailbox full ⏎   at line 2 │',
      '│ mail         │       12 │ film.released │ –      │       12 │ 2026-11-21T10:00:00Z │ 0190-8 │ mailbox full ⏎   at line 2 │',
      '└──────────────┴──────────┴───────────────┴────────┴──────────┴──────────────────────┴────────┴────────────────────────────┘',
    ])
    expect(err.text).toBe('')
  })

  it('exits with 0 where there are none', async () => {
    const { run, out } = play()
    expect([await run('outbox', 'dead'), out.text]).toEqual([0, 'No dead letters.\n'])
  })

  it('prints a JSON array, empty or not', async () => {
    const [some, none] = [play({ desk: new FakeDesk({ dead: [letter()] }) }), play()]
    expect([await some.run('outbox', 'dead', '--json'), await none.run('outbox', 'dead', '--json')]).toEqual([3, 0])
    expect([JSON.parse(some.out.text), JSON.parse(none.out.text)]).toEqual([[{ ...letter(), since: '2026-11-21T10:00:00.000Z' }], []])
  })

  it('asks for what fits the filter, no more than the limit', async () => {
    const desk = new FakeDesk({ dead: [letter(), letter()] })
    const { run, err } = play({ desk })
    await run('outbox', 'dead', '-s', 'mail', '-t', 'film.*', '-k', 'film:7', '--id', 'a', '--id', 'b', '--limit', '2')
    expect(desk.asked).toEqual([['dead', { subscription: 'mail', type: 'film.*', partitionKey: 'film:7', ids: ['a', 'b'], limit: 2 }]])
    expect(err.text).toBe('The first 2; --limit shows more.\n')
  })

  it('says where nothing was found as there is no such subscription', async () => {
    const { run, err } = play({ desk: new FakeDesk({ status: { subscriptions: [subscription('mail')] } }) })
    expect(await run('outbox', 'dead', '-s', 'mial')).toBe(3)
    expect(err.text).toBe('There is no subscription "mial"; did you mean "mail"?\n')
  })
})

describe.each([
  ['redrive', 'redriven', '2 dead letters will be tried again.'],
  ['discard', 'discarded', '2 dead letters deleted.'],
])('%s', (name, counted, text) => {
  it('does it for what fits the filter, and says for how many', async () => {
    const desk = new FakeDesk({ count: 2 })
    const { run, out } = play({ desk })
    expect(await run('outbox', name, '--type', 'film.*', '--subscription', 'mail')).toBe(0)
    expect([desk.asked, out.text]).toEqual([[[name, { subscription: 'mail', type: 'film.*' }]], `${text}\n`])
  })

  it('does it for everything only where it is told so', async () => {
    const desk = new FakeDesk({ count: 2 })
    const { run, out } = play({ desk })
    expect(await run('outbox', name, '--all', '--json')).toBe(0)
    expect([desk.asked, JSON.parse(out.text)]).toEqual([[[name, {}]], { [counted]: 2 }])
  })

  it.each([
    ['no filter', [], 'CLI_FILTER_MISSING'],
    ['a filter and --all', ['--all', '--key', 'film:7'], 'CLI_FILTER_AND_ALL'],
    ['a filter that is blank', ['--key', ''], 'CLI_OPTION_INVALID'],
  ])('does nothing with %s', async (_what, words, code) => {
    const desk = new FakeDesk()
    const { run, err, places } = play({ desk })
    expect(await run('outbox', name, ...words)).toBe(2)
    expect(err.text).toContain(`[${code}]`)
    expect([desk.asked, places]).toEqual([[], []])
  })

  it('says where nothing was done as there is no such subscription', async () => {
    const { run, out, err } = play()
    expect(await run('outbox', name, '-s', 'mail')).toBe(3)
    expect([out.text.slice(0, 15), err.text]).toEqual(['0 dead letters ', 'There is no subscription "mail"\n'])
  })
})

describe('replay', () => {
  it.each([
    ['7', { sequence: 7 }],
    ['2026-11-21T10:00:00Z', { time: new Date('2026-11-21T10:00:00Z') }],
  ])('hands messages from %s on to a subscription, and says how many', async (from, wanted) => {
    const desk = new FakeDesk({ count: 1 })
    const { run, out } = play({ desk })
    expect(await run('outbox', 'replay', '--from', from, '-s', 'mail', '--type', 'film.*')).toBe(0)
    expect(desk.asked).toEqual([['replay', wanted, { subscription: 'mail', type: 'film.*' }]])
    expect(out.text).toBe('1 message will be handed to mail once more.\n')
  })

  it('prints JSON', async () => {
    const { run, out } = play({ desk: new FakeDesk({ count: 3 }) })
    await run('outbox', 'replay', '--from', '1', '-s', 'mail', '--json')
    expect(JSON.parse(out.text)).toEqual({ replayed: 3 })
  })

  it.each([
    ['--from', ['-s', 'mail']],
    ['--subscription', ['--from', '1']],
  ])('asks for %s', async (option, words) => {
    const { run, err } = play()
    expect(await run('outbox', 'replay', ...words)).toBe(2)
    expect(err.text).toMatch(new RegExp(`^Cannot run outbox replay: ${option} \\S+ is required`))
  })
})

describe('tail', () => {
  it('prints the last events, a line for each, and ends', async () => {
    const desk = new FakeDesk({
      events: [event(), event({ sequence: '00000000000000000043', subject: 'film:7', partitionkey: 'film:7', actor: 'ada', data: null })],
    })
    const { run, out, notes } = play({ desk })
    expect(await run('outbox', 'tail', '--limit', '2', '--type', 'film.*')).toBe(0)
    expect(out.lines).toEqual([
      '42  2026-11-21T10:00:00.123Z  film.released  {"title":"Alien"}',
      '43  2026-11-21T10:00:00.123Z  film.released  film:7  key film:7  by ada  null',
    ])
    expect(desk.asked).toEqual([['tail', { count: 2, follow: false, type: 'film.*' }]])
    expect(notes).not.toContain('listens for signals')
  })

  it('cuts lines to the width of a terminal, and leaves texts of strangers no way to it', async () => {
    const { run, out } = play({ desk: new FakeDesk({ events: [event({ subject: '\u001b[2J', data: 'long' })] }), columns: 60 })
    await run('outbox', 'tail')
    // eslint-disable-next-line no-control-regex
    expect(out.lines.map((line) => line.replace(/\u001b\[\d+m/g, ''))).toEqual([
      '42  2026-11-21T10:00:00.123Z  film.released  \\u001b[2J  "lo…',
    ])
  })

  it('prints each event as a line of JSON, whole', async () => {
    const events = [event(), event({ id: 'b' })]
    const { run, out } = play({ desk: new FakeDesk({ events }) })
    await run('outbox', 'tail', '--json')
    expect(out.lines.map((line) => JSON.parse(line) as unknown)).toEqual(events)
  })

  it('follows until it is interrupted, which is fine', async () => {
    const { run, out, stop, dataSource } = play({ desk: new FakeDesk({ events: [event()] }) })
    const running = run('outbox', 'tail', '--follow')
    await new Promise(setImmediate)
    expect([out.lines.length, dataSource.isInitialized]).toEqual([1, true])
    stop.abort()
    expect([await running, dataSource.isInitialized]).toEqual([0, false])
  })

  it('takes the error of an interruption for one, and no other error', async () => {
    const { run, stop } = play({ desk: Object.assign(new FakeDesk(), { tail: failing }) })
    expect(await run('outbox', 'tail', '--follow')).toBe(1)
    stop.abort()
    expect(await run('outbox', 'tail', '--follow')).toBe(0)
    // eslint-disable-next-line require-yield
    async function* failing(): AsyncGenerator<never> {
      throw new DOMException('The operation was aborted', 'AbortError')
    }
  })

  it('ends when its reader goes', async () => {
    let given = 0
    const { run, out } = play({ desk: Object.assign(new FakeDesk(), { tail: endless }) })
    expect(await run('outbox', 'tail', '--follow')).toBe(0)
    expect(given).toBe(2)
    async function* endless(): AsyncGenerator<CloudEvent> {
      for (;;) {
        if (++given === 2) out.emit('error', Object.assign(new Error('write EPIPE'), { code: 'EPIPE' }))
        yield event()
      }
    }
  })
})
