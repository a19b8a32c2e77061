/**
 * What the model-based spec does to a session and to its oracle: writing, transactions and reading, each compared with what was foretold.
 *
 * @module
 */
import { copyOf, TYPES, type Foretold, type Oracle, type Thing, type Token } from './session-oracle.js'
import { errorOf, isUnread, makeThing, type World } from './session-world.js'

// ---- writing

/** Flushes, which must come out as foretold. */
export async function flush(oracle: Oracle, world: World, focus?: Thing): Promise<void> {
  const foretold = oracle.foretell(focus)
  const error = await errorOf(world.call((session) => session.flush(focus?.entity)))
  for (const thing of focus === undefined ? oracle.things : [focus]) if (isUnread(thing)) await learn(oracle, world, thing)
  settle(oracle, world, { foretold, error, isPartial: focus !== undefined })
}

/** A flush reads what a membership replaces that was set without having been loaded. */
async function learn(oracle: Oracle, world: World, thing: Thing): Promise<void> {
  for (const token of oracle.membersOf(thing.row!)) {
    if (oracle.things.some((one) => one.row === token && one.place !== 'gone')) continue
    const entity = await world.call((session) => session.get(TYPES[token.kind] as typeof TYPES.Player, token.key!))
    takeThing(oracle, token, {
      entity: entity as Thing['entity'],
      isFull: false,
    })
  }
  const read = { ...thing }
  oracle.reread(read, true)
  const { badges, kits } = read.base!
  const { now, base } = thing
  thing.base = {
    ...base!,
    badges: base!.badges ?? (now.badges && badges),
    kits: base!.kits ?? (now.kits && kits),
  }
}

function settle(
  oracle: Oracle,
  world: World,
  { foretold, error, isPartial }: { foretold: Foretold; error: Error | undefined; isPartial: boolean },
): void {
  const wasTrapped = error?.message.startsWith('trap in ') === true
  world.trap = undefined
  assertForetold(foretold, error)
  if (error === undefined) return oracle.flushed(foretold, isPartial)
  oracle.failed()
  if (oracle.level === undefined) return
  if (oracle.savepoints) return
  if (wasTrapped && error.message.includes('before')) return
  oracle.level.doom = !wasTrapped ? 'maybe' : foretold.written.size > 0 ? 'yes' : 'no'
}

function assertForetold({ isRefused }: Foretold, error: Error | undefined): void {
  if (error?.message.startsWith('trap in ') === true) return
  if (isRefused && error === undefined) throw new Error('The flush should have been refused')
  if (!isRefused && error !== undefined) throw new Error(`The flush should have succeeded: ${error.stack ?? error.message}`)
}

/** The end of a level that flushes first: a commit, or the release of a savepoint. */
export async function finish(oracle: Oracle, world: World, end: () => Promise<Error | undefined>): Promise<void> {
  const isDoomed = oracle.level!.doom === 'yes'
  const foretold = oracle.foretell()
  const error = await end()
  world.trap = undefined
  if (isDoomed && error === undefined) throw new Error('A doomed level has ended without an error')
  if (!isDoomed) assertForetold(foretold, error)
  if (error !== undefined) return undo(oracle, world)
  oracle.flushed(foretold, false)
  oracle.ended()
}

/** The level was rolled back. What was read in it is read again: a rollback reads nothing. */
export async function undo(oracle: Oracle, world: World): Promise<void> {
  oracle.failed()
  for (const thing of oracle.undone()) {
    if (thing.place !== 'managed') continue
    await world.call((session) => session.refresh(thing.entity))
    if (thing.kind === 'Player') takeRelated(oracle, thing)
    oracle.reread(thing, false)
    thing.readIn = oracle.level
  }
}

export async function commit(oracle: Oracle, world: World): Promise<void> {
  if (oracle.level === undefined) await flush(oracle, world)
  else await finish(oracle, world, () => errorOf(world.call(() => world.session.commit())))
}

export async function rollback(oracle: Oracle, world: World): Promise<void> {
  await world.session.rollback()
  if (oracle.level === undefined) oracle.dropped()
  else await undo(oracle, world)
}

export async function savepoint(oracle: Oracle, world: World): Promise<void> {
  const foretold = oracle.level && oracle.foretell()
  const error = await world.enter()
  if (foretold !== undefined) settle(oracle, world, { foretold, error, isPartial: false })
  else if (error !== undefined) throw error
  if (error === undefined) oracle.begun(true)
}

export async function leave(oracle: Oracle, world: World, thrown?: Error): Promise<void> {
  if (thrown === undefined) return finish(oracle, world, () => world.leave())
  const error = await world.leave(thrown)
  if (error !== thrown) throw new Error(`The error of the block should come out, not ${String(error?.stack)}`)
  await undo(oracle, world)
}

// ---- reading

export async function load(oracle: Oracle, world: World, token: Token, isFull: boolean): Promise<void> {
  const row = oracle.tables.get(token)!
  const target = TYPES[token.kind] as typeof TYPES.Player
  const cursor = world.call((session) => session.find(target, { id: token.key! }))
  const relations = isFull ? (['club', 'badges', 'kits'] as const) : (['club'] as const)
  const found = await world.call(() => (token.kind === 'Player' ? cursor.with(...relations) : cursor).all())
  if (found.length !== (row.isSoft ? 0 : 1)) throw new Error(`${found.length} rows of ${token.kind} ${token.key} were found`)
  if (found.length === 0) return
  const entity = found[0] as Thing['entity']
  const known = oracle.things.find((thing) => thing.row === token && thing.place === 'managed')
  if (known === undefined) return void takeThing(oracle, token, { entity, isFull })
  if (known.entity !== entity) throw new Error('A second instance of one row')
  if (token.kind !== 'Player' || !isFull) return
  takeRelated(oracle, known)
  if (isUnread(known)) await learn(oracle, world, known)
  const read = { ...known, now: copyOf(known.now) }
  oracle.reread(read, true)
  const { badges, kits } = read.now
  known.base = {
    ...known.base!,
    badges: known.base!.badges ?? badges,
    kits: known.base!.kits ?? kits,
  }
  known.now.badges ??= badges && [...badges]
  known.now.kits ??= kits && [...kits]
}

function takeThing(oracle: Oracle, token: Token, { entity, isFull }: { entity: Thing['entity']; isFull: boolean }): Thing {
  const thing = makeThing(oracle, token.kind, {})
  Object.assign(thing, {
    entity,
    place: 'managed',
    row: token,
    readIn: oracle.level,
  })
  if (token.kind === 'Player') takeRelated(oracle, thing)
  oracle.reread(thing, isFull && token.kind === 'Player')
  return thing
}

/** What was read along with a player comes into the session too. */
export function takeRelated(oracle: Oracle, { entity }: Thing): void {
  const related = [['Club', [entity.club]] as const, ['Badge', entity.badges ?? []] as const, ['Kit', entity.kits ?? []] as const]
  for (const [kind, members] of related) {
    for (const member of members) {
      if (!member || oracle.things.some((thing) => thing.entity === (member as unknown))) continue
      const token = [...oracle.tables.keys()].find((one) => one.kind === kind && one.key === member.id)
      if (token === undefined) throw new Error(`${kind} ${member.id} was read but is not there`)
      takeThing(oracle, token, {
        entity: member as Thing['entity'],
        isFull: false,
      })
    }
  }
}

/** After a refresh of one thing. */
export function reread(oracle: Oracle, thing: Thing): void {
  if (thing.kind === 'Player') takeRelated(oracle, thing)
  oracle.reread(thing, false)
}
