/**
 * Writers and relays are killed at random points: nothing that was committed is lost, nothing else is handled, and each key keeps its order.
 *
 * FC_SEED repeats the points of the seed that a failure prints.
 *
 * @module
 */
import type { DataSource } from 'typeorm'
import { describeDatabase } from '../../support/databases.js'
import { disordered } from '../../support/moves.js'
import { openOutbox } from '../../support/outbox.js'
import {
  EffectEntity,
  randomFrom,
  Story,
  WrittenEntity,
  type OutboxProcess,
  type Program,
  type Told,
} from '../../support/outbox-processes.js'
import { countRows, until } from '../../support/relays.js'
import { slotsOf } from '../../support/slots.js'

jest.setTimeout(120_000)

const TOTAL = 10_000
const SEED = Number(process.env['FC_SEED'] ?? Math.floor(Math.random() * 2 ** 31))
const RELAY = { leaseMs: 10_000, batchSize: 100, loops: 2 } as const

/** One that is at work, with another one that stands ready to go on in its place. */
class Post {
  present: OutboxProcess
  #next: Promise<OutboxProcess>

  private constructor(
    readonly program: Program,
    present: OutboxProcess,
    readonly make: () => Promise<OutboxProcess>,
  ) {
    this.present = present
    this.#next = this.#spare()
  }

  static async fill(program: Program, make: () => Promise<OutboxProcess>): Promise<Post> {
    const present = await make()
    present.go()
    return new Post(program, present, make)
  }

  /** @returns False where it has done its work. */
  async kill(story: Story): Promise<boolean> {
    if (this.present.hasEnded) return false
    const [next] = await Promise.all([this.#next, story.kill(this.present)])
    this.present = next
    next.go()
    this.#next = this.#spare()
    return true
  }

  #spare(): Promise<OutboxProcess> {
    const spare = this.make()
    spare.catch(() => undefined) // it matters when it is needed, and not at the end
    return spare
  }
}

interface Plan {
  readonly total: number
  /** Each is killed once; in which order and when is drawn. */
  readonly victims: readonly ('writer' | 'first' | 'second')[]
  readonly relay: Told
}

/** Writes and handles all of them, whoever is killed meanwhile. */
async function play(dataSource: DataSource, { total, victims, relay }: Plan): Promise<Story> {
  const story = new Story(dataSource)
  const random = randomFrom(SEED)
  const draw = () => Math.floor(random() * 2 ** 31)
  const make = (program: Program, told: Told) => () => story.ready(program, { ...told, seed: draw() })
  const [writer, first, second] = await Promise.all([
    Post.fill('writer', make('writer', { total, keys: 50 })),
    Post.fill('relay', make('relay', relay)),
    Post.fill('relay', make('relay', relay)),
  ])
  const posts = { writer, first, second }
  for (const [index, victim] of [...victims].sort(() => random() - 0.5).entries()) {
    const threshold = ((index + random()) / (victims.length + 1)) * total
    await until(`${threshold} are handled`, () => story.handledBy().length > threshold, 30_000)
    await new Promise((resolve) => setTimeout(resolve, random() * 20))
    await posts[victim].kill(story)
  }
  expect(await writer.present.ended).toBe(0)
  await until('nothing is left', async () => (await countRows(dataSource, 'OutboxMessage')) === 0, 30_000)
  const ends = await Promise.all([first, second].map(({ present }) => present.end('SIGTERM')))
  expect(ends).toEqual([0, 0])
  return story
}

/** Tells with a failure how to repeat it. */
async function seeded(story: () => Promise<void>): Promise<void> {
  try {
    await story()
  } catch (error) {
    throw new Error(`With FC_SEED=${SEED}`, { cause: error })
  }
}

describeDatabase('while writers and relays are killed', () => {
  it('10,000 messages are handled, all that were committed and no others, each key in order', () =>
    seeded(async () => {
      const dataSource = await openOutbox({}, { entities: [WrittenEntity as never], enableWAL: true })
      const victims = ['writer', 'writer', 'first', 'first', 'first', 'second', 'second', 'second'] as const
      await expectWhole(dataSource, await play(dataSource, { total: TOTAL, victims, relay: { relay: RELAY } }))
    }))

  it('exactlyOnce handlers have their effects once', () =>
    seeded(async () => {
      const dataSource = await openOutbox({}, { entities: [WrittenEntity, EffectEntity] as never, enableWAL: true })
      const relay = { relay: RELAY, subscription: { exactlyOnce: true, timeoutMs: 20_000 } }
      const story = await play(dataSource, { total: 1_000, victims: ['writer', 'first', 'second', 'first', 'second'], relay })
      const effects = (await dataSource.manager.find('Effect')) as { n: number }[]
      expect(effects.map(({ n }) => n).sort((a, b) => a - b)).toEqual(Array.from({ length: 1_000 }, (_, n) => n))
      expect(disordered(story.handledBy())).toEqual([])
    }))
})

async function expectWhole(dataSource: DataSource, story: Story): Promise<void> {
  const handled = story.handledBy()
  const written = (await dataSource.manager.find('Written')) as { n: number }[]
  const numbers = (rows: readonly { readonly n: number }[]) => [...new Set(rows.map(({ n }) => n))].sort((a, b) => a - b)
  expect(written).toHaveLength(TOTAL)
  expect(numbers(handled)).toEqual(numbers(written))
  expect(handled.filter(({ isUndone }) => isUndone)).toEqual([])
  expect(disordered(handled)).toEqual([])
  expect(withoutKill(story)).toEqual([])
  const repeated = handled.length - TOTAL
  expect(repeated).toBeLessThanOrEqual(story.kills.length * RELAY.batchSize * RELAY.loops)
  expect(await countRows(dataSource, 'OutboxDelivery')).toBe(0)
  for (const name of ['*', 'ear']) expect((await slotsOf(dataSource, name)).filter(({ owner }) => owner !== null)).toEqual([])
}

/** Messages that were handled again, and whoever had handled them before was not killed in between. */
function withoutKill(story: Story): readonly unknown[] {
  const last = new Map<number, { readonly pid: number; readonly ms: number }>()
  return story.handledBy().filter(({ n, pid, ms }) => {
    const before = last.get(n)
    last.set(n, { pid, ms })
    if (before === undefined) return false
    return !story.kills.some((kill) => kill.pid === before.pid && kill.untilMs >= before.ms && kill.fromMs <= ms)
  })
}
