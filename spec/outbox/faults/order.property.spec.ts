/**
 * Whatever fails, and however the work is shared: while nobody crashes, every subscription handles every message once, each key in order.
 *
 * FC_SEED repeats the runs of the seed that a failure prints, FC_RUNS says how many are made.
 *
 * @module
 */
import fc from 'fast-check'
import { track } from 'flushpoint/events'
import type { Relay } from 'flushpoint/outbox'
import type { DataSource } from 'typeorm'
import { databaseName, describeDatabase } from '../../support/databases.js'
import { disordered, Moved, moving, numbersOf, repeated, Wandered, type Move } from '../../support/moves.js'
import { openOutbox } from '../../support/outbox.js'
import { countRows, startRelay, until } from '../../support/relays.js'

const USUAL_RUNS = { sqlite: 10, 'better-sqlite3': 15, postgres: 10, mariadb: 8 }
const RUNS = Number(process.env['FC_RUNS'] ?? USUAL_RUNS[databaseName()])
const SEED = process.env['FC_SEED']
const NAMES = ['ear', 'eye'] as const

interface Plan {
  /** By key, the first of which is hot; undefined has none. */
  readonly key: number | undefined
  /** How often each subscription fails with it before it is handled. */
  readonly failures: readonly [number, number]
  readonly takesMs: number
}

const plan: fc.Arbitrary<Plan> = fc.record({
  key: fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, { weight: 5, arbitrary: fc.nat(6) }, fc.constant(undefined)),
  failures: fc.tuple(failureCount(), failureCount()),
  takesMs: fc.oneof({ weight: 8, arbitrary: fc.constant(0) }, fc.nat(12)),
})

function failureCount(): fc.Arbitrary<number> {
  return fc.oneof({ weight: 6, arbitrary: fc.constant(0) }, fc.nat(3))
}

const story = fc.record({
  /** One list for each transaction. */
  transactions: fc.array(fc.array(plan, { minLength: 1, maxLength: 12 }), { minLength: 1, maxLength: 8 }),
  relays: fc.array(
    fc.record({
      loops: fc.integer({ min: 1, max: 4 }),
      batchSize: fc.integer({ min: 1, max: 20 }),
      settleMs: fc.integer({ min: 1, max: 30 }),
      names: fc.constantFrom<readonly string[]>(NAMES, NAMES, ['ear'], ['eye']),
    }),
    { minLength: 1, maxLength: 2 },
  ),
  concurrency: fc.integer({ min: 1, max: 6 }),
  /** After which transaction the second relay goes. */
  stopsAfter: fc.option(fc.nat(7)),
})

describeDatabase('messages of random keys that fail at random', () => {
  it('are handled once by each subscription, each key in order', async () => {
    const dataSource = await openOutbox()
    const parameters = { numRuns: RUNS, endOnFailure: true, ...(SEED !== undefined && { seed: Number(SEED) }) }
    await fc.assert(
      fc.asyncProperty(story, (told) => play(dataSource, told)),
      parameters,
    )
  }, 120_000)
})

let runs = 0

async function play(
  dataSource: DataSource,
  { transactions, relays, concurrency, stopsAfter }: typeof story extends fc.Arbitrary<infer T> ? T : never,
) {
  runs += 1
  const plans = transactions.flat()
  const handled: Readonly<Record<string, Move[]>> = { ear: [], eye: [] }
  const attempts = new Map<string, number[]>()
  const subscriptionOf = (name: string) =>
    moving(
      name,
      async ({ id = 'none', n }, { attempt }) => {
        const { failures, takesMs } = plans[n]!
        attempts.set(`${name} ${n}`, [...(attempts.get(`${name} ${n}`) ?? []), attempt])
        if (takesMs > 0) await new Promise((resolve) => setTimeout(resolve, takesMs))
        if (attempt <= failures[name === 'ear' ? 0 : 1]) throw new Error('not yet')
        handled[name]!.push({ id, n })
      },
      { concurrency },
    )
  const all = [...relays, ...(relays.some(({ names }) => names.length === 2) ? [] : [{ ...relays[0]!, names: NAMES }])]
  const started: Relay[] = []
  for (const { names, ...options } of all)
    started.push(await startRelay(dataSource, { ...options, subscriptions: names.map(subscriptionOf) }))
  await until('everybody is announced', async () => {
    const health = await started[0]!.health()
    return health.relays.length === all.reduce((sum, { loops }) => sum + loops, 0) && health.relays.some(({ slots }) => slots > 0)
  })
  let n = 0
  for (const [index, transaction] of transactions.entries()) {
    await dataSource.transaction(async () => {
      for (const { key } of transaction) track(key === undefined ? new Wandered({ n: n++ }) : new Moved({ id: `r${runs}k${key}`, n: n++ }))
    })
    if (index === stopsAfter && started.length > 1 && all.length === relays.length && all[0]!.names.length === 2)
      await started.pop()!.stop()
  }
  await until('nothing is left', async () => (await countRows(dataSource, 'OutboxMessage')) === 0, 30_000)
  await Promise.all(started.map((relay) => relay.stop()))
  for (const [index, name] of NAMES.entries()) {
    const own = handled[name]!
    expect([name, numbersOf(own).toSorted((a, b) => a - b)]).toEqual([name, plans.map((_, number) => number)])
    expect([name, repeated(own), disordered(own.filter(({ id }) => id !== 'none'))]).toEqual([name, [], []])
    const counted = plans.map((_, number) => attempts.get(`${name} ${number}`))
    expect(counted).toEqual(plans.map(({ failures }) => Array.from({ length: failures[index]! + 1 }, (_, attempt) => attempt + 1)))
  }
  expect(await countRows(dataSource, 'OutboxDelivery')).toBe(0)
}
