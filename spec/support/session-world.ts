/**
 * A session under a model-based spec, and the edits that are made to its objects and to what the oracle knows of them alike.
 *
 * @module
 */
import { AsyncLocalStorage } from 'node:async_hooks'
import type { OpenSession, Session, SessionExtensionInput } from 'flushpoint'
import type { DataSource } from 'typeorm'
import { hooks } from './hooks.js'
import { TYPES, type Kind, type Mark, type Oracle, type Thing, type Values } from './session-oracle.js'

export const TRAPS = [
  'beforeFlush',
  'beforeInsert',
  'beforeUpdate',
  'beforeDelete',
  'afterInsert',
  'afterUpdate',
  'afterFlush',
  'beforeCommit',
] as const
export type Trap = (typeof TRAPS)[number]

/** A call of `session.transaction` whose callback is still running. */
interface Callback {
  readonly run: <T>(fn: () => T) => T
  readonly end: (error?: Error) => void
  readonly ended: Promise<unknown>
}

export class World {
  readonly ds: DataSource
  readonly names: Names
  readonly session: OpenSession
  readonly callbacks: Callback[] = []
  /** The hook that throws the next time it runs. */
  trap: Trap | undefined

  constructor(ds: DataSource, open: (world: World) => OpenSession) {
    this.ds = ds
    this.names = namesOf(ds)
    this.session = open(this)
  }

  /** Calls made in the innermost callback. */
  call<T>(fn: (session: Session) => T): T {
    const callback = this.callbacks.at(-1)
    return callback === undefined ? fn(this.session) : callback.run(() => fn(this.session))
  }

  spring(hook: string): void {
    if (this.trap !== hook) return
    this.trap = undefined
    throw new Error(`trap in ${hook}`)
  }

  /** Begins a transaction by callback. @returns False when it could not begin. */
  async enter(): Promise<Error | undefined> {
    let run: Callback['run'] = (fn) => fn()
    let end: Callback['end'] = () => undefined
    let ended: Promise<unknown> | undefined
    const entered = new Promise<undefined>((isEntered) => {
      ended = this.call((session) =>
        session.transaction(
          () =>
            new Promise<void>((resolve, reject) => {
              run = AsyncLocalStorage.snapshot() as Callback['run']
              end = (error) => (error === undefined ? resolve() : reject(error))
              isEntered(undefined)
            }),
        ),
      )
    })
    const error = await Promise.race([entered, errorOf(ended!)])
    if (error === undefined) this.callbacks.push({ run, end, ended: ended! })
    return error
  }

  async leave(error?: Error): Promise<Error | undefined> {
    const { end, ended } = this.callbacks.pop()!
    end(error)
    return errorOf(ended)
  }
}

export function trapsOf(world: World): SessionExtensionInput {
  return hooks(Object.fromEntries(TRAPS.map((trap) => [trap, () => world.spring(trap)])))
}

export async function errorOf(promise: Promise<unknown>): Promise<Error | undefined> {
  return promise.then(
    () => undefined,
    (error: unknown) => error as Error,
  )
}

export function pick<T>(list: readonly T[], index: number): T | undefined {
  return list.length === 0 ? undefined : list[index % list.length]
}

export type Names = Readonly<Record<Kind | 'links', string>>

export function namesOf(ds: DataSource): Names {
  const path = (name: string) =>
    ds
      .getMetadata(name)
      .tablePath.split('.')
      .map((part) => ds.driver.escape(part))
      .join('.')
  const names = Object.fromEntries((Object.keys(TYPES) as Kind[]).map((kind) => [kind, path(kind)]))
  return { ...names, links: path('player_badges') } as unknown as Names
}

// ---- making and changing

export function makeThing(oracle: Oracle, kind: Kind, columns: Record<string, unknown>, relations: Partial<Values> = {}): Thing {
  const now = {
    columns,
    isSoft: false,
    club: null,
    badges: undefined,
    kits: undefined,
    ...relations,
  }
  const entity = Object.assign(new TYPES[kind](), structuredClone(columns)) as Thing['entity']
  const thing: Thing = {
    kind,
    entity,
    now,
    place: 'loose',
    row: undefined,
    mark: undefined,
    base: undefined,
    version: undefined,
    readIn: undefined,
    isReached: false,
  }
  if (kind === 'Player') {
    entity.club = now.club && now.club.entity
    if (now.badges) entity.badges = now.badges.map((badge) => badge.entity)
    if (now.kits) entity.kits = now.kits.map((kit) => kit.entity)
  }
  oracle.things.push(thing)
  return thing
}

/** Takes in what is loose. What cascades lead to is inserted as long as they do. */
export function addThing(thing: Thing): void {
  thing.mark = undefined
  if (thing.place === 'loose') thing.place = 'new'
  if (thing.place !== 'new' && thing.place !== 'managed') return
  const { club, badges = [], kits = [] } = thing.now
  for (const target of [club, ...badges, ...kits]) if (target?.place === 'loose') target.isReached = true
}

export function setMembers(player: Thing, name: 'badges' | 'kits', members: Thing[], isInPlace: boolean): void {
  const entities = members.map((member) => member.entity) as never[]
  const present = player.entity[name]
  if (isInPlace && present !== undefined) present.splice(0, present.length, ...entities)
  else player.entity[name] = entities
  player.now[name] = members
}

/** As a careful user does before a delete. */
export function dropReferences(oracle: Oracle, thing: Thing): void {
  for (const player of oracle.tracked('Player', 'new', 'managed', 'loose')) {
    if (player.now.club === thing) player.now.club = player.entity.club = null
    for (const name of ['badges', 'kits'] as const) {
      const members = player.now[name]
      if (members?.includes(thing))
        setMembers(
          player,
          name,
          members.filter((one) => one !== thing),
          true,
        )
    }
  }
}

export function isReferenced(oracle: Oracle, thing: Thing): boolean {
  const holds = (values: Values | undefined) =>
    values?.club === thing || values?.badges?.includes(thing) === true || values?.kits?.includes(thing) === true
  return oracle.things.some(({ now, base, place }) => place !== 'gone' && (holds(now) || holds(base)))
}

export function markThing(session: Session, thing: Thing, mark: Mark): void {
  session[mark](thing.entity)
  if (thing.place === 'new') thing.place = 'loose'
  else thing.mark = mark
}

/** Members that were set but never read may or may not be a change. */
export function isUnread({ place, now, base }: Thing): boolean {
  if (place !== 'managed' || base === undefined) return false
  return (now.badges !== undefined && base.badges === undefined) || (now.kits !== undefined && base.kits === undefined)
}
