/**
 * What a session promises, in its simplest form: tables as maps, objects as values, a stack of copies for transaction levels.
 *
 * Knows nothing of how a session works and sends nothing; keys and versions are read off the objects, everything else is foretold.
 *
 * @module
 */
import type { EntityStatus } from 'flushpoint'
import { Badge, Club, Kit, Player } from './club.js'

export type Kind = 'Player' | 'Club' | 'Badge' | 'Kit'
export type Mark = 'delete' | 'softRemove' | 'recover'
export const TYPES = { Player, Club, Badge, Kit }

/** A row, told from others by itself: its key is known once it was written. */
export interface Row {
  readonly token: Token
  columns: Record<string, unknown>
  isSoft: boolean
  version: number | undefined
  club: Token | null
  owner: Token | null
  badges: Set<Token>
}

export interface Token {
  readonly kind: Kind
  key: number | undefined
}

export type Tables = Map<Token, Row>

/** What an object holds; a relation that is not loaded is undefined. */
export interface Values {
  columns: Record<string, unknown>
  isSoft: boolean
  club: Thing | null
  badges: Thing[] | undefined
  kits: Thing[] | undefined
}

/** `loose`: in no session; `gone`: let go of for good */
export type Place = 'loose' | 'new' | 'managed' | 'deleted' | 'gone'

export interface Remembered {
  place: Place
  row: Token | undefined
  mark: Mark | undefined
  now: Values
  base: Values | undefined
  version: number | undefined
}

/** One object of the session's. */
export interface Thing extends Remembered {
  readonly kind: Kind
  readonly entity: Player & Club & Badge & Kit
  /** A relation has led to it: until a flush decides it may count as new already. */
  isReached: boolean
  /** The level it was read in: what it was read from may be undone. */
  readIn: Level | undefined
}

export interface Level {
  readonly isCallback: boolean
  readonly tables: Tables
  readonly things: ReadonlyMap<Thing, Remembered>
  /** `maybe`: databases differ on whether anything can still be sent. */
  doom: 'no' | 'maybe' | 'yes'
}

/** What a flush would do. */
export interface Foretold {
  readonly tables: Tables
  readonly written: ReadonlyMap<Thing, 'insert' | 'update' | Mark>
  /** Whether the database would refuse it. */
  readonly isRefused: boolean
}

export function copyOf(values: Values): Values {
  const { badges, kits } = values
  return {
    ...values,
    columns: structuredClone(values.columns),
    badges: badges && [...badges],
    kits: kits && [...kits],
  }
}

function copyOfTables(tables: Tables): Tables {
  return new Map([...tables].map(([token, row]) => [token, { ...row, columns: { ...row.columns }, badges: new Set(row.badges) }]))
}

function isSame(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b)
}

function without<T>(list: readonly T[] | undefined, others: readonly T[] | undefined): T[] {
  return (list ?? []).filter((one) => !(others ?? []).includes(one))
}

export class Oracle {
  tables: Tables = new Map()
  readonly things: Thing[] = []
  readonly levels: Level[] = []
  readonly savepoints: boolean

  constructor(savepoints: boolean) {
    this.savepoints = savepoints
  }

  get level(): Level | undefined {
    return this.levels.at(-1)
  }

  get isUsable(): boolean {
    return this.level === undefined || this.level.doom === 'no'
  }

  /** Things in the session. */
  tracked(kind?: Kind, ...places: Place[]): Thing[] {
    const wanted = places.length > 0 ? places : ['new', 'managed']
    return this.things.filter((thing) => wanted.includes(thing.place) && (kind === undefined || thing.kind === kind))
  }

  statusOf(thing: Thing): EntityStatus {
    if (thing.place === 'loose' || thing.place === 'gone') return 'detached'
    if (thing.place !== 'managed') return thing.place
    if (thing.mark !== undefined) return thing.mark === 'delete' ? 'deleted' : 'dirty'
    return this.isChanged(thing) ? 'dirty' : 'clean'
  }

  isChanged({ now, base }: Thing): boolean {
    if (base === undefined) return false
    if (!isSame(now.columns, base.columns) || now.club !== base.club) return true
    return this.#hasOther(now.badges, base.badges) || this.#hasOther(now.kits, base.kits)
  }

  #hasOther(now: readonly Thing[] | undefined, base: readonly Thing[] | undefined): boolean {
    return now !== undefined && (base === undefined || now.length !== base.length || without(now, base).length > 0)
  }

  // ---- foretelling

  foretell(focus?: Thing): Foretold {
    const tables = copyOfTables(this.tables)
    const written = new Map<Thing, 'insert' | 'update' | Mark>()
    for (const thing of this.things) if (focus === undefined || focus === thing) this.#choose(thing, written, focus !== undefined)
    for (const [thing, how] of written) this.#writeRow(thing, how, tables)
    const members = [...written].filter(([, how]) => how !== 'delete').map(([thing]) => thing)
    for (const thing of members) this.#writeRelations(thing, tables, written)
    if (focus === undefined) for (const thing of members) this.#writeKits(thing, tables, written)
    for (const [thing, how] of written) if (how === 'delete') this.#deleteRow(thing.row!, tables)
    return { tables, written, isRefused: this.#isRefused(tables) }
  }

  #choose(thing: Thing, written: Map<Thing, 'insert' | 'update' | Mark>, isPartial: boolean): void {
    if (written.has(thing) || thing.place === 'gone' || thing.place === 'deleted') return
    if (thing.place === 'managed') {
      if (thing.mark !== undefined) written.set(thing, thing.mark)
      else if (this.isChanged(thing)) written.set(thing, 'update')
      if (thing.mark === 'delete' || !written.has(thing)) return
    } else if (thing.place === 'new') written.set(thing, 'insert')
    else return
    this.#reach(thing, written, isPartial)
  }

  #reach({ now, base }: Thing, written: Map<Thing, 'insert' | 'update' | Mark>, isPartial: boolean): void {
    const reached = [now.club, ...without(now.badges, base?.badges), ...(isPartial ? [] : without(now.kits, base?.kits))]
    for (const target of reached) {
      if (!target || (target.place !== 'loose' && target.place !== 'new') || written.has(target)) continue
      if (target.place === 'loose') target.isReached = true
      written.set(target, 'insert')
      this.#reach(target, written, isPartial)
    }
  }

  #writeRow(thing: Thing, how: 'insert' | 'update' | Mark, tables: Tables): void {
    if (how === 'delete') return
    if (how === 'insert') {
      const token = (thing.row ??= { kind: thing.kind, key: undefined })
      tables.set(token, {
        token,
        columns: {},
        isSoft: false,
        version: undefined,
        club: null,
        owner: null,
        badges: new Set(),
      })
    }
    const row = tables.get(thing.row!)!
    row.columns = structuredClone(thing.now.columns)
    if (how === 'softRemove' || how === 'recover') row.isSoft = how === 'softRemove'
  }

  #writeRelations(thing: Thing, tables: Tables, written: Foretold['written']): void {
    const { now, base } = thing
    const row = tables.get(thing.row!)!
    if (now.club !== base?.club) row.club = now.club?.row ?? null
    if (now.badges === undefined) return
    const known = base === undefined ? [] : (base.badges ?? this.#badgesInTables(row))
    for (const badge of without(now.badges, known)) if (written.get(badge) !== 'delete') row.badges.add(badge.row!)
    for (const badge of without(known, now.badges)) row.badges.delete(badge.row!)
  }

  /** What a membership that was never read replaces. */
  #badgesInTables({ badges }: Row): Thing[] {
    return [...badges].map((row) => this.#holderOf(row))
  }

  /** An object that was let go of still names its row; whoever was loaded for that row afterwards holds it. */
  #holderOf(row: Token): Thing {
    return this.things.find((thing) => thing.row === row && thing.place !== 'gone') ?? ({ row } as Thing)
  }

  /** Badges and kits of a player. */
  membersOf(owner: Token): Token[] {
    return [...this.tables.get(owner)!.badges, ...[...this.tables.values()].filter((row) => row.owner === owner).map(({ token }) => token)]
  }

  #kitsInTables(owner: Token): Thing[] {
    const rows = [...this.tables.values()].filter((row) => row.owner === owner)
    return rows.map(({ token }) => this.#holderOf(token))
  }

  #writeKits(thing: Thing, tables: Tables, written: Foretold['written']): void {
    const { now, base } = thing
    if (now.kits === undefined) return
    const known = base === undefined ? [] : (base.kits ?? this.#kitsInTables(thing.row!))
    for (const kit of without(now.kits, known)) {
      const row = tables.get(kit.row!)
      if (row !== undefined && written.get(kit) !== 'delete') row.owner = thing.row!
    }
    for (const kit of without(known, now.kits)) {
      const row = tables.get(kit.row!)
      const isTaken = [...written].some(
        ([other, how]) => how !== 'delete' && other !== thing && without(other.now.kits, other.base?.kits).includes(kit),
      )
      if (row !== undefined && !isTaken) row.owner = null
    }
  }

  #deleteRow(token: Token, tables: Tables): void {
    tables.delete(token)
    for (const row of tables.values()) {
      row.badges.delete(token)
      if (row.owner === token) row.owner = null
    }
  }

  #isRefused(tables: Tables): boolean {
    const codes = new Set<string>()
    for (const { token, columns, club } of tables.values()) {
      if (club !== null && !tables.has(club)) return true
      const code = columns['code']
      if (code === undefined || code === null) continue
      const unique = `${token.kind} ${String(code)}`
      if (codes.has(unique)) return true
      codes.add(unique)
    }
    return false
  }

  // ---- what comes true

  /** The flush has succeeded: rows are there, and what was sent is what is known of them. */
  flushed({ tables, written }: Foretold, isPartial: boolean): void {
    this.tables = tables
    for (const [thing, how] of written) {
      thing.mark = undefined
      if (how === 'delete') thing.place = 'deleted'
      else this.#settled(thing, how, isPartial)
    }
    if (this.level === undefined) this.#dropDeleted()
  }

  #settled(thing: Thing, how: 'insert' | 'update' | Mark, isPartial: boolean): void {
    if (how === 'softRemove' || how === 'recover') thing.now.isSoft = how === 'softRemove'
    const kits = isPartial ? (how === 'insert' ? thing.now.kits && [] : thing.base?.kits) : thing.now.kits
    thing.base = copyOf({ ...thing.now, kits })
    thing.place = 'managed'
    thing.row!.key = thing.entity.id
    thing.version = this.tables.get(thing.row!)!.version = thing.entity.version
  }

  /** The flush has failed: what it has made up is taken off again. */
  failed(): void {
    for (const thing of this.things) if (thing.place === 'new' || thing.place === 'loose') thing.row = undefined
  }

  #dropDeleted(): void {
    for (const thing of this.things) {
      if (thing.place === 'deleted') thing.place = 'gone'
    }
  }

  copy({ place, row, mark, now, base, version }: Thing): Remembered {
    return { place, row, mark, now: copyOf(now), base, version }
  }

  begun(isCallback: boolean): void {
    const things = new Map(this.things.map((thing) => [thing, this.copy(thing)]))
    this.levels.push({
      isCallback,
      tables: copyOfTables(this.tables),
      things,
      doom: 'no',
    })
  }

  /** COMMIT or RELEASE. */
  ended(): void {
    this.levels.pop()
    if (this.level === undefined) this.#dropDeleted()
    for (const thing of this.things) thing.readIn = thing.readIn && this.level
  }

  /** @returns What was read in the level, and may have been read from what is undone now. */
  undone(): Thing[] {
    const level = this.levels.pop()!
    this.tables = copyOfTables(level.tables)
    const unsure: Thing[] = []
    for (const thing of this.things) {
      const before = level.things.get(thing)
      if (thing.place === 'gone') continue
      if (thing.readIn !== undefined && !this.levels.includes(thing.readIn))
        unsure.push(Object.assign(thing, { place: 'managed', mark: undefined }))
      else if (before !== undefined && before.place !== 'loose')
        Object.assign(thing, before, {
          now: copyOf(before.now),
          base: before.base,
        })
      else
        Object.assign(thing, {
          place: 'loose',
          row: undefined,
          mark: undefined,
          base: undefined,
          version: undefined,
        })
    }
    return unsure
  }

  /** What is known of an object is what its row holds. */
  reread(thing: Thing, isFull: boolean): void {
    const row = this.tables.get(thing.row!)!
    const find = (token: Token) => this.things.find((one) => one.row === token && (one.place === 'managed' || one.place === 'new'))!
    thing.now = {
      columns: structuredClone(row.columns),
      isSoft: row.isSoft,
      club: row.club && find(row.club),
      badges: isFull || thing.now.badges ? [...row.badges].map(find) : undefined,
      kits:
        isFull || thing.now.kits
          ? [...this.tables.values()].filter(({ owner }) => owner === thing.row).map(({ token }) => find(token))
          : undefined,
    }
    thing.base = copyOf(thing.now)
    thing.version = row.version
  }

  /** A rollback where nothing is open: nothing waits any more. */
  dropped(): void {
    for (const thing of this.tracked()) {
      thing.mark = undefined
      if (thing.place === 'new') thing.place = 'loose'
      else thing.now = copyOf(thing.base!)
    }
  }
}
