/** A relay process that was stopped, lost its leases, and wakes: it begins nothing more and writes nothing down that is not its own. */
import { track } from 'flushpoint/events'
import { describeDatabase } from '../../support/databases.js'
import { disordered, repeated } from '../../support/moves.js'
import { openOutbox } from '../../support/outbox.js'
import { Done, Story, WrittenEntity, type Deed } from '../../support/outbox-processes.js'
import { countRows, until } from '../../support/relays.js'
import { shares } from '../../support/slots.js'

jest.setTimeout(60_000)

const RELAY = { leaseMs: 2_000, settleMs: 60_000 } as const

describeDatabase('a relay process that was paused', () => {
  it('finds out that its leases are lost, and shares the work again', async () => {
    const dataSource = await openOutbox({}, { entities: [WrittenEntity as never] })
    const story = new Story(dataSource)
    const tell = (first: number, deeds: readonly Partial<Deed>[]) =>
      dataSource.transaction(async () =>
        deeds.forEach((deed, index) => track(new Done({ id: `k${index % 4}`, n: first + index, ...deed }))),
      )
    const told = { relay: RELAY, subscription: { concurrency: 1 } }

    await tell(0, [{ does: 'pause' }, ...Array<object>(19).fill({})])
    const [sleeper, other] = await Promise.all([story.ready('relay', told), story.ready('relay', told)])
    sleeper.go()
    await until('it has begun', () => story.said('begins 0', sleeper.pid).length === 1)
    sleeper.signal('SIGSTOP')
    other.go()
    await until('another one has begun it', () => story.said('begins 0', other.pid).length > 0, 20_000)
    other.go()
    await until('the other one has handled all', () => new Set(story.handledBy().map(({ n }) => n)).size === 20, 20_000)
    await until('nothing is left', async () => (await countRows(dataSource, 'OutboxMessage')) === 0)
    const before = story.handledBy().length

    sleeper.signal('SIGCONT')
    sleeper.go()
    await until('it has ended what it was at', () => story.handledBy().some(({ pid }) => pid === sleeper.pid))
    await until('both have their share', async () => String(await shares(dataSource, 'ear')) === '16,16')
    const late = story.handledBy().slice(before)
    expect(late.map(({ pid, n }) => [pid, n])).toEqual([[sleeper.pid, 0]])
    const first = story.handledBy().slice(0, before)
    expect([repeated(first), disordered(first)]).toEqual([[], []])

    await tell(20, Array<object>(200).fill({}))
    await until('all are handled', () => new Set(story.handledBy().map(({ n }) => n)).size === 220, 20_000)
    expect(disordered(story.handledBy())).toEqual([])
    expect(await Promise.all([sleeper.end('SIGTERM'), other.end('SIGTERM')])).toEqual([0, 0])
    const [counters] = story.said('stopped ', sleeper.pid)
    expect((JSON.parse(counters!.slice('stopped '.length)) as { leaseLosses: number }).leaseLosses).toBeGreaterThanOrEqual(32)
    expect(await countRows(dataSource, 'OutboxMessage')).toBe(0)
  })
})
