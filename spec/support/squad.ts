/**
 * A small graph of a session's objects that is edited at random, with what each must hold beside it.
 *
 * @module
 */
import fc from 'fast-check'
import type { Session } from 'flushpoint'
import type { DataSource } from 'typeorm'
import { assertSameRows } from './session-comparison.js'
import { Oracle, type Kind, type Remembered, type Row, type Thing, type Token, type Values } from './session-oracle.js'
import { addThing, dropReferences, makeThing, setMembers, type Names } from './session-world.js'

const WHAT = ['rename', 'code', 'data', 'emptyData', 'club', 'badge', 'kit', 'add', 'delete', 'softRemove', 'recover'] as const

export interface Edit {
  readonly what: (typeof WHAT)[number]
  readonly n: number
}

export const edit: fc.Arbitrary<Edit> = fc.record({
  what: fc.constantFrom(...WHAT),
  n: fc.nat(11),
})

const KINDS: readonly Kind[] = ['Player', 'Club', 'Badge', 'Kit']

export class Squad {
  readonly #session: Session
  readonly #oracle = new Oracle(false)
  #count = 0
  #clashing: Thing | undefined

  constructor(session: Session) {
    this.#session = session
    const club = this.#add('Club')
    const badges = [this.#add('Badge'), this.#add('Badge')]
    this.#add('Player', { club, badges, kits: [this.#add('Kit')] })
    this.#add('Player', { badges: [], kits: [] })
  }

  get things(): readonly Thing[] {
    return this.#oracle.things
  }

  /** What is there has its row. */
  settled(): void {
    for (const thing of this.things) if (thing.place === 'new') thing.place = 'managed'
  }

  #add(kind: Kind, relations: Partial<Values> = {}): Thing {
    const thing = this.#make(kind, relations)
    this.#session.add(thing.entity)
    addThing(thing)
    return thing
  }

  #make(kind: Kind, relations: Partial<Values> = {}): Thing {
    const name = this.#name()
    const code = {
      code: kind === 'Player' || kind === 'Club' ? `${name}c` : undefined,
    }
    const columns = {
      name,
      ...(code.code && code),
      ...(kind === 'Player' && { data: { list: [1] } }),
    }
    return makeThing(this.#oracle, kind, columns, relations)
  }

  #name(): string {
    return `n${++this.#count}`
  }

  #all(kind?: Kind): Thing[] {
    return this.#oracle.tracked(kind).filter(({ mark }) => mark !== 'delete')
  }

  #one(list: readonly Thing[], n: number): Thing | undefined {
    return list[n % Math.max(1, list.length)]
  }

  apply({ what, n }: Edit): void {
    const player = this.#one(this.#all('Player'), n)
    switch (what) {
      case 'add':
        return this.#addOne(n)
      case 'delete':
        return this.#delete(this.#one(this.#all(), n))
      case 'rename':
        return this.#rename(this.#one(this.#all(), n))
      case 'softRemove':
      case 'recover':
        return this.#softly(
          what,
          this.#one(
            this.#all('Player').filter(({ place }) => place === 'managed'),
            n,
          ),
        )
      default:
        if (player !== undefined) this.#editPlayer(player, what, n)
    }
  }

  #addOne(n: number): void {
    const kind = KINDS[n % 4]!
    if (kind !== 'Player') return void this.#add(kind)
    this.#add('Player', {
      club: n > 3 ? this.#make('Club') : null,
      badges: this.#all('Badge').slice(0, 1),
      kits: [this.#make('Kit')],
    })
  }

  #delete(thing: Thing | undefined): void {
    if (thing === undefined) return
    dropReferences(this.#oracle, thing)
    this.#session.delete(thing.entity)
    thing.mark = 'delete'
  }

  #rename(thing: Thing | undefined): void {
    if (thing !== undefined) thing.now.columns['name'] = thing.entity.name = this.#name()
  }

  #softly(mark: 'softRemove' | 'recover', thing: Thing | undefined): void {
    if (thing === undefined) return
    this.#session[mark](thing.entity)
    thing.now.isSoft = mark === 'softRemove'
  }

  #editPlayer(player: Thing, what: Edit['what'], n: number): void {
    const { now, entity } = player
    const isInPlace = n % 2 === 0
    if (what === 'code') now.columns['code'] = entity.code = n % 3 === 0 ? null : this.#name()
    else if (what === 'data' && entity.data) {
      entity.data.list.push(n)
      now.columns['data'] = structuredClone(entity.data)
    } else if (what === 'emptyData') now.columns['data'] = entity.data = isInPlace ? null : { list: [] }
    else if (what === 'club') {
      now.club = n % 4 === 0 ? null : n % 4 === 1 ? this.#make('Club') : (this.#one(this.#all('Club'), n) ?? null)
      entity.club = now.club && now.club.entity
    } else if (what === 'badge') setMembers(player, 'badges', toggled(now.badges!, this.#member('Badge', n)), isInPlace)
    else if (what === 'kit') {
      const kit = this.#member('Kit', n)
      const kits = toggled(now.kits!, kit)
      dropReferences(this.#oracle, kit)
      setMembers(player, 'kits', kits, isInPlace)
    }
  }

  #member(kind: Kind, n: number): Thing {
    return (n % 3 === 0 ? undefined : this.#one(this.#all(kind), n)) ?? this.#make(kind)
  }

  // ---- failing

  /** Gives two players one unique value. */
  clash(): void {
    const [first] = this.#all('Club')
    this.#clashing = this.#add('Club')
    if (first !== undefined) this.#setCode(this.#clashing, first.now.columns['code'] as string)
  }

  #setCode(thing: Thing, code: string): void {
    thing.now.columns['code'] = thing.entity.code = code
  }

  mend(): void {
    if (this.#clashing !== undefined) this.#setCode(this.#clashing, this.#name())
  }

  remember(): ReadonlyMap<Thing, Remembered> {
    return new Map(this.things.map((thing) => [thing, this.#oracle.copy(thing)]))
  }

  restore(start: ReadonlyMap<Thing, Remembered>): void {
    for (const thing of this.things) Object.assign(thing, start.get(thing) ?? { place: 'loose', mark: undefined })
  }

  // ---- comparing

  /** Added, or reached by cascades from what was, and not deleted. */
  #alive(): Thing[] {
    const alive = new Set(this.#all())
    for (const { now, kind } of alive) {
      if (kind !== 'Player') continue
      for (const target of [now.club, ...now.badges!, ...now.kits!]) if (target) alive.add(target)
    }
    return [...alive]
  }

  compareObjects(): void {
    for (const { kind, entity, now, ...rest } of this.#alive()) {
      const found = {
        name: entity.name,
        code: entity.code,
        data: entity.data,
        soft: Boolean(entity.deletedAt),
        club: entity.club?.name,
        badges: namesOf(entity.badges),
        kits: namesOf(entity.kits),
      }
      const { name, code, data } = now.columns
      const entities = (list: readonly Thing[] | undefined) => namesOf(list?.map((one) => one.entity))
      const wanted = {
        name,
        code,
        data,
        soft: now.isSoft,
        club: now.club?.entity.name,
        badges: entities(now.badges),
        kits: entities(now.kits),
      }
      if (JSON.stringify(found) !== JSON.stringify(wanted))
        throw new Error(`${kind} (${rest.place}) holds ${JSON.stringify(found)}, not ${JSON.stringify(wanted)}`)
      const { status } = this.#session.state(entity)
      if (status !== 'clean') throw new Error(`${kind} ${entity.name} is ${status}`)
    }
  }

  async compareTables(ds: DataSource, names: Names): Promise<void> {
    const alive = this.#alive()
    const tokens = new Map(alive.map((thing) => [thing, { kind: thing.kind, key: thing.entity.id } as Token]))
    const rows = alive.map((thing): Row => {
      const { entity, now } = thing
      const owner = alive.find((other) => other.now.kits?.includes(thing))
      return {
        token: tokens.get(thing)!,
        columns: now.columns,
        isSoft: now.isSoft,
        version: entity.version,
        club: now.club && tokens.get(now.club)!,
        owner: owner === undefined ? null : tokens.get(owner)!,
        badges: new Set(now.badges?.map((badge) => tokens.get(badge)!)),
      }
    })
    await assertSameRows(rows, names, (sql) => ds.query(sql))
  }
}

function toggled(members: readonly Thing[], member: Thing): Thing[] {
  return members.includes(member) ? members.filter((one) => one !== member) : [...members, member]
}

function namesOf(members: readonly { name: string }[] | undefined): string[] | undefined {
  return members?.map(({ name }) => name).sort()
}
