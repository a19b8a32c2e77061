/** Messages that end the process which handles them are given up after a few processes, and no others with them. */
import { outboxOf } from 'flushpoint/outbox'
import { track } from 'flushpoint/events'
import type { DataSource } from 'typeorm'
import { describeDatabase } from '../../support/databases.js'
import { disordered } from '../../support/moves.js'
import { openOutbox } from '../../support/outbox.js'
import { Done, Story, WrittenEntity, type Deed, type OutboxProcess } from '../../support/outbox-processes.js'
import { countRows, until } from '../../support/relays.js'

jest.setTimeout(60_000)

const NAMES = ['ear', 'eye'] as const
const RELAY = { leaseMs: 10_000, loops: 2 } as const

/** Handles everything, with another process each time one has ended. @returns How many have ended. */
async function handleAll(dataSource: DataSource, story: Story, dead: number): Promise<number> {
  const begin = () => story.ready('relay', { names: NAMES, relay: RELAY })
  let [present, next]: [OutboxProcess, Promise<OutboxProcess>] = [await begin(), begin()]
  let deaths = 0
  present.go()
  const isOver = async () =>
    (await countRows(dataSource, 'OutboxDelivery')) === dead && (await countRows(dataSource, 'OutboxMessage')) <= dead
  await until(
    'nothing is left but dead letters',
    async () => {
      if (present.hasEnded) {
        deaths += 1
        await story.kill(present) // it has ended: its leases run out
        present = await next
        present.go()
        next = begin()
      }
      return isOver()
    },
    45_000,
  )
  await (await next).end('SIGKILL')
  expect(await present.end('SIGTERM')).toBe(0)
  return deaths
}

describeDatabase('a message that ends its process', () => {
  async function tell(deeds: readonly Deed[]): Promise<{ readonly dataSource: DataSource; readonly story: Story }> {
    const dataSource = await openOutbox({}, { entities: [WrittenEntity as never] })
    await dataSource.transaction(async () => deeds.forEach((deed) => track(new Done(deed))))
    return { dataSource, story: new Story(dataSource) }
  }
  const deedsWith = (deadly: Readonly<Record<number, Partial<Deed>>>) =>
    Array.from({ length: 40 }, (_, n): Deed => ({ id: `k${n % 8}`, n, ...deadly[n] }))
  const numbers = (story: Story, name: string) => [...new Set(story.handledBy(name).map(({ n }) => n))].sort((a, b) => a - b)
  const all = deedsWith({}).map(({ n }) => n)

  it.each(['kill', 'exit later'] as const)('(%s) is dead after a few of them, and nothing else is', async (does) => {
    const { dataSource, story } = await tell(deedsWith({ 13: { does, of: 'ear' } }))
    const deaths = await handleAll(dataSource, story, 1)
    expect(deaths).toBeGreaterThanOrEqual(3)
    expect(deaths).toBeLessThanOrEqual(4)
    const dead = await outboxOf(dataSource).dead()
    expect(dead.map(({ subscription, partitionKey }) => [subscription, partitionKey])).toEqual([['ear', 'deed:k5']])
    expect(dead[0]!.lastError).toMatch(/^PermanentError: Cannot let "ear" handle \S+ again: it was begun 3 times/)
    expect([numbers(story, 'ear'), numbers(story, 'eye')]).toEqual([all.filter((n) => n !== 13), all])
    for (const name of NAMES) expect(disordered(story.handledBy(name))).toEqual([])
  })

  it('is told from others of that kind, in other subscriptions and loops', async () => {
    const { dataSource, story } = await tell(deedsWith({ 3: { does: 'exit', of: 'ear' }, 20: { does: 'kill', of: 'eye' } }))
    await handleAll(dataSource, story, 2)
    const dead = await outboxOf(dataSource).dead()
    expect(dead.map(({ subscription, partitionKey }) => `${subscription} ${partitionKey}`).sort()).toEqual(['ear deed:k3', 'eye deed:k4'])
    expect([numbers(story, 'ear'), numbers(story, 'eye')]).toEqual([all.filter((n) => n !== 3), all.filter((n) => n !== 20)])
  })
})
