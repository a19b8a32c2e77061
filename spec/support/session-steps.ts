/**
 * The commands of the model-based spec: what can be done to a session, when, and at random.
 *
 * @module
 */
import fc from 'fast-check'
import * as act from './session-commands.js'
import { compareTables, compareThings } from './session-comparison.js'
import type { Kind, Mark, Oracle, Thing, Token } from './session-oracle.js'
import {
  addThing,
  dropReferences,
  isReferenced,
  isUnread,
  makeThing,
  markThing,
  pick,
  setMembers,
  TRAPS,
  type World,
} from './session-world.js'

type Can = (oracle: Oracle) => boolean
type Act = (oracle: Oracle, world: World) => void | Promise<void>

/** One thing done; afterwards all objects, and where statements can be sent all rows, are compared. */
class Step implements fc.AsyncCommand<Oracle, World> {
  readonly #name: string
  readonly #can: Can
  readonly #act: Act

  constructor(name: string, can: Can, act: Act) {
    this.#name = name
    this.#can = can
    this.#act = act
  }

  check(oracle: Readonly<Oracle>): boolean {
    return this.#can(oracle as Oracle)
  }

  async run(oracle: Oracle, world: World): Promise<void> {
    const { tables } = oracle
    await soon(this.#act(oracle, world))
    compareThings(oracle, world)
    if (oracle.tables !== tables && oracle.isUsable) await compareTables(oracle, world)
  }

  toString(): string {
    return this.#name
  }
}

const index = fc.nat(5)
const code = fc.constantFrom(null, null, 'a', 'b', 'c')
const kind = fc.constantFrom<Kind>('Player', 'Club', 'Badge', 'Kit')
let count = 0

const managed = (oracle: Oracle, kind?: Kind) => oracle.tracked(kind, 'managed')
const present = (oracle: Oracle, kind?: Kind) => oracle.tracked(kind, 'new', 'managed')
const name = () => `n${++count}`

/** A command about one thing of a list. */
function about(
  label: string,
  list: (oracle: Oracle) => readonly Thing[],
  run: (thing: Thing, oracle: Oracle, world: World) => void | Promise<void>,
) {
  return index.map(
    (n) =>
      new Step(
        `${label} ${n}`,
        (oracle) => list(oracle).length > 0,
        (oracle, world) => run(nth(list(oracle), n), oracle, world),
      ),
  )
}

function nth(list: readonly Thing[], n: number): Thing {
  return pick(list, n)!
}

function columnsOf(kind: Kind, code: string | null): Record<string, unknown> {
  return {
    name: name(),
    ...(kind === 'Player' && { data: { list: [1] } }),
    ...((kind === 'Player' || kind === 'Club') && { code }),
  }
}

const add = fc.record({ kind, code, n: index, isBare: fc.boolean() }).map(
  ({ kind, code, n, isBare }) =>
    new Step(
      `add ${kind} ${code} ${n} ${isBare ? 'bare' : 'full'}`,
      () => true,
      (oracle, world) => {
        const club =
          kind !== 'Player' || n === 0
            ? null
            : n === 1
              ? makeThing(oracle, 'Club', columnsOf('Club', null))
              : (pick(present(oracle, 'Club'), n) ?? null)
        const badges = isBare ? undefined : present(oracle, 'Badge').slice(0, n % 3)
        const kits = isBare ? undefined : n % 2 === 0 ? [] : [makeThing(oracle, 'Kit', columnsOf('Kit', null))]
        const thing = makeThing(oracle, kind, columnsOf(kind, code), kind === 'Player' ? { club, badges, kits } : {})
        world.call((session) => session.add(thing.entity))
        addThing(thing)
      },
    ),
)

const edits = [
  add,
  about(
    'add again',
    (oracle) => oracle.tracked(undefined, 'loose', 'managed'),
    (thing, _oracle, world) => {
      world.call((session) => session.add(thing.entity))
      addThing(thing)
    },
  ),
  about(
    'rename',
    (oracle) => present(oracle),
    (thing) => {
      thing.now.columns['name'] = thing.entity.name = name()
    },
  ),
  fc.tuple(code, index).map(
    ([code, n]) =>
      new Step(
        `set code ${code} of ${n}`,
        (oracle) => present(oracle, 'Player').length + present(oracle, 'Club').length > 0,
        (oracle) => {
          const thing = nth([...present(oracle, 'Player'), ...present(oracle, 'Club')], n)
          thing.now.columns['code'] = thing.entity.code = code
        },
      ),
  ),
  about(
    'change data in place of',
    (oracle) => present(oracle, 'Player').filter((thing) => thing.entity.data),
    (thing) => {
      thing.entity.data!.list.push(2)
      thing.now.columns['data'] = structuredClone(thing.entity.data)
    },
  ),
  about(
    'empty data of',
    (oracle) => present(oracle, 'Player'),
    (thing) => {
      thing.now.columns['data'] = thing.entity.data = thing.entity.data ? null : { list: [] }
    },
  ),
]

const relations = [
  fc.tuple(index, index).map(
    ([p, c]) =>
      new Step(
        `set club ${c} of ${p}`,
        (oracle) => present(oracle, 'Player').length > 0,
        (oracle) => {
          const player = nth(present(oracle, 'Player'), p)
          const club =
            c === 0 ? null : c === 1 ? makeThing(oracle, 'Club', columnsOf('Club', null)) : (pick(present(oracle, 'Club'), c) ?? null)
          player.now.club = club
          player.entity.club = club && club.entity
        },
      ),
  ),
  fc.tuple(index, index, fc.boolean()).map(
    ([p, b, isInPlace]) =>
      new Step(
        `toggle badge ${b} of ${p} ${isInPlace ? 'in place' : 'by a new array'}`,
        (oracle) => withMembers(oracle, 'badges').length > 0,
        (oracle) => {
          const player = nth(withMembers(oracle, 'badges'), p)
          const badge = (b === 0 ? undefined : pick(present(oracle, 'Badge'), b)) ?? makeThing(oracle, 'Badge', columnsOf('Badge', null))
          setMembers(player, 'badges', toggled(player.now.badges, badge), isInPlace)
        },
      ),
  ),
  fc.tuple(index, index, fc.boolean()).map(
    ([p, k, isInPlace]) =>
      new Step(
        `move kit ${k} to ${p} ${isInPlace ? 'in place' : 'by a new array'}`,
        (oracle) => withMembers(oracle, 'kits').length > 0,
        (oracle) => {
          const player = nth(withMembers(oracle, 'kits'), p)
          const kit = (k === 0 ? undefined : pick(present(oracle, 'Kit'), k)) ?? makeThing(oracle, 'Kit', columnsOf('Kit', null))
          const kits = toggled(player.now.kits, kit)
          dropReferences(oracle, kit)
          setMembers(player, 'kits', kits, isInPlace)
        },
      ),
  ),
]

/** Members that were never read are set only where no rollback could be unsure of them. */
function withMembers(oracle: Oracle, name: 'badges' | 'kits'): Thing[] {
  return present(oracle, 'Player').filter(({ now, place }) => now[name] !== undefined || place === 'new' || oracle.level === undefined)
}

function toggled(members: readonly Thing[] = [], member: Thing): Thing[] {
  return members.includes(member) ? members.filter((one) => one !== member) : [...members, member]
}

const leaving = [
  about(
    'delete',
    (oracle) => present(oracle),
    (thing, oracle, world) => {
      dropReferences(oracle, thing)
      world.call((session) => markThing(session, thing, 'delete'))
    },
  ),
  about(
    'delete, referenced or not, club',
    (oracle) => managed(oracle, 'Club'),
    (thing, _oracle, world) => {
      world.call((session) => markThing(session, thing, 'delete'))
    },
  ),
  ...(['softRemove', 'recover'] as Mark[]).map((mark) =>
    about(
      mark,
      (oracle) => managed(oracle, 'Player'),
      (thing, _oracle, world) => {
        world.call((session) => markThing(session, thing, mark))
      },
    ),
  ),
  about(
    'expunge',
    (oracle) => (oracle.level === undefined ? managed(oracle).filter((thing) => !isReferenced(oracle, thing)) : []),
    (thing, _oracle, world) => {
      world.session.expunge(thing.entity)
      thing.place = 'gone'
    },
  ),
]

const reading = [
  fc.tuple(index, fc.boolean()).map(
    ([n, isFull]) =>
      new Step(
        `load ${n} ${isFull ? 'in full' : 'alone'}`,
        (oracle) => oracle.isUsable && oracle.tables.size > 0,
        async (oracle, world) => {
          const token = [...oracle.tables.keys()][n % oracle.tables.size] as Token
          const isKnown = oracle.level !== undefined && managed(oracle).some((thing) => thing.row === token)
          await act.load(oracle, world, token, isFull && !isKnown)
        },
      ),
  ),
  about(
    'refresh',
    (oracle) => (oracle.isUsable ? managed(oracle).filter(({ mark }) => mark === undefined) : []),
    async (thing, oracle, world) => {
      await world.call((session) => session.refresh(thing.entity))
      act.reread(oracle, thing)
    },
  ),
]

const canFlush: Can = (oracle) => oracle.isUsable
const isExplicit: Can = ({ level, levels }) => level !== undefined && levels.length === 1 && !level.isCallback

const writing = [
  fc.constant(new Step('flush', canFlush, act.flush)),
  fc.constantFrom(...TRAPS).map(
    (trap) =>
      new Step(`flush with a trap in ${trap}`, canFlush, async (oracle, world) => {
        world.trap = trap
        await act.flush(oracle, world)
      }),
  ),
  about(
    'flush one',
    (oracle) => (oracle.isUsable ? present(oracle) : []),
    (thing, oracle, world) => act.flush(oracle, world, thing),
  ),
]

const ending = [
  fc.constant(
    new Step(
      'begin',
      (oracle) => oracle.level === undefined && !oracle.things.some(isUnread),
      async (oracle, world) => {
        await world.session.begin()
        oracle.begun(false)
      },
    ),
  ),
  fc.constant(
    new Step('commit', (oracle) => (oracle.level === undefined || isExplicit(oracle)) && oracle.level?.doom !== 'maybe', act.commit),
  ),
  fc.constantFrom(...TRAPS).map(
    (trap) =>
      new Step(
        `commit with a trap in ${trap}`,
        (oracle) => isExplicit(oracle) && oracle.level?.doom === 'no',
        async (oracle, world) => {
          world.trap = trap
          await act.commit(oracle, world)
        },
      ),
  ),
  fc.constant(new Step('rollback', (oracle) => oracle.level === undefined || isExplicit(oracle), act.rollback)),
]

const nesting = [
  fc.constant(
    new Step('savepoint', (oracle) => oracle.isUsable && oracle.levels.length < 4 && !oracle.things.some(isUnread), act.savepoint),
  ),
  fc.constant(new Step('release', ({ level }) => level?.isCallback === true && level.doom !== 'maybe', act.leave)),
  fc.constant(
    new Step(
      'throw',
      ({ level }) => level?.isCallback === true,
      (oracle, world) => act.leave(oracle, world, new Error('thrown')),
    ),
  ),
]

export const commands = fc.commands([...edits, ...relations, ...leaving, ...reading, ...writing, ...ending, ...nesting], {
  maxCommands: 30,
  size: 'max',
})

/** Fails instead of waiting forever, so that a failure can be shrunk. */
export async function soon<T>(action: T): Promise<Awaited<T>> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_resolve, reject) => (timer = setTimeout(() => reject(new Error('This never ends')), 5_000)))
  try {
    return await Promise.race([action, late])
  } finally {
    clearTimeout(timer)
  }
}
