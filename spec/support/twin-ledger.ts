/**
 * What is in both databases, as far as it decides what may be done next; makes rounds of well-defined operations of random scripts.
 *
 * Holds no objects, and of values only unique ones. Relations that lead to rows that are deleted are emptied in the same round. Unless it is
 * free, it leaves out what TypeORM alone has no defined outcome for: unique values that change hands within one save, members that move
 * from one collection to another, and what `among` of a relation says.
 *
 * @module
 */
import { FRESH, kindOf, OTHERS, type Collection, type KindName, type ToOne } from './twin-kinds.js'
import type { Burst, Edit, Script } from './twin-scripts.js'

/** One row. */
export class Card {
  readonly refs = new Map<string, Card | null>()
  readonly members = new Map<string, readonly Card[]>()
  readonly uniques = new Map<string, string | null>()
  isSoft = false

  constructor(
    readonly kind: KindName,
    readonly number: number,
  ) {}

  get code(): string {
    return `${this.kind} ${this.number}`
  }
}

/** What is set on one entity. */
export interface CardEdit {
  readonly values: Record<string, unknown>
  readonly refs: Map<string, Card | null>
  readonly members: Map<string, readonly Card[]>
}

export interface Round {
  readonly inserted: readonly Card[]
  /** Of new and stored rows, but not of those that are removed. */
  readonly edits: ReadonlyMap<Card, CardEdit>
  readonly removed: readonly Card[]
  readonly softRemoved: readonly Card[]
  readonly recovered: readonly Card[]
  /** Removed, orphaned or carried off by the database. */
  readonly gone: readonly Card[]
}

/** Gives out what only one row may have. */
class Codes {
  readonly #freed = new Map<KindName, number[]>()
  #last = 0

  numberFor(kind: KindName, isAgain: boolean): number {
    return (isAgain ? this.#freed.get(kind)?.pop() : undefined) ?? ++this.#last
  }

  fresh(): string {
    return `${FRESH} ${++this.#last}`
  }

  free({ kind, number }: Card): void {
    this.#freed.set(kind, [...(this.#freed.get(kind) ?? []), number])
  }
}

export class Ledger {
  readonly #cards = new Set<Card>()
  readonly #codes = new Codes()
  readonly #isFree: boolean

  constructor({ isFree = false } = {}) {
    this.#isFree = isFree
  }

  get hasSoft(): boolean {
    return [...this.#cards].some(({ isSoft }) => isSoft)
  }

  play(script: Script): Round {
    const { round } = new RoundMaking([...this.#cards], script, { codes: this.#codes, isFree: this.#isFree })
    for (const card of round.inserted) this.#cards.add(card)
    for (const card of round.gone) {
      this.#cards.delete(card)
      this.#codes.free(card)
    }
    for (const card of round.softRemoved) card.isSoft = true
    for (const card of round.recovered) card.isSoft = false
    return round
  }
}

class RoundMaking {
  readonly #stored: readonly Card[]
  readonly #codes: Codes
  readonly #isFree: boolean
  readonly #leaving: ReadonlySet<Card>
  readonly #inserted: Card[] = []
  readonly #edits = new Map<Card, CardEdit>()
  readonly #orphans: Card[] = []
  /** Who leads where, and who holds whom, when the round begins. */
  readonly #taken = new Set<Card>()
  readonly #holders = new Map<Card, Card>()
  readonly round: Round

  constructor(stored: readonly Card[], script: Script, { codes, isFree }: { codes: Codes; isFree: boolean }) {
    this.#stored = stored
    this.#codes = codes
    this.#isFree = isFree
    this.#noteHolders()
    this.#leaving = this.#leavingBy(script)
    const made = script.inserts.flatMap(({ kind, edits }) => edits.map((edit) => ({ kind, edit })))
    const [children, others] = [made.filter(({ kind }) => isChild(kind)), made.filter(({ kind }) => !isChild(kind))]
    const cards = others.map(({ kind, edit }) => ({ card: this.#newCard(kind, edit), edit }))
    this.#inserted.push(...cards.map(({ card }) => card))
    for (const { card, edit } of cards) if (this.#setKeys(card, edit)) this.#edit(card, edit)
    for (const burst of script.edits) this.#editStored(burst)
    for (const { kind, edit } of children) this.#insertChild(kind, edit)
    this.#letGoOfLeaving()
    this.round = this.#made(script)
  }

  #noteHolders(): void {
    for (const card of this.#stored) {
      for (const [path, target] of card.refs)
        if (target !== null && kindOf(card.kind).toOnes![path]!.among === 'free') this.#taken.add(target)
      for (const [path, members] of card.members)
        if (kindOf(card.kind).collections![path]!.holds !== 'links') for (const member of members) this.#holders.set(member, card)
    }
  }

  #leavingBy({ removals }: Script): Set<Card> {
    const leaving = new Set<Card>()
    for (const { kind, picks } of removals) {
      const among = this.#stored.filter((card) => card.kind === kind)
      for (const card of pickedOf(among, picks)) leaving.add(card)
    }
    for (const card of leaving)
      for (const [path, members] of card.members)
        if (kindOf(card.kind).collections![path]!.holds === 'orphans') for (const member of members) leaving.add(member)
    return leaving
  }

  // ---- editing

  #editStored({ kind, edits }: Burst): void {
    const among = this.#stored.filter((card) => card.kind === kind && !this.#leaving.has(card))
    for (const edit of edits) for (const card of pickedOf(among, [edit.pick])) this.#edit(card, edit)
  }

  #edit(card: Card, { values, refs, members, pick }: Edit): void {
    const { toOnes = {}, collections = {} } = kindOf(card.kind)
    const edit = this.#editOf(card)
    for (const [path, value] of Object.entries(values)) {
      if (kindOf(card.kind).uniques?.includes(path)) this.#setUnique(card, path, { value, pick })
      else edit.values[path] = value
    }
    for (const [path, at] of Object.entries(refs))
      if (toOnes[path]!.isKey !== true) this.#setRef(card, path, pickedOf(this.#targets(card, toOnes[path]!), [at])[0] ?? null)
    for (const [path, picks] of Object.entries(members)) {
      this.#setMembers(card, path, pickedOf(this.#candidates(card, path, collections[path]!), picks))
    }
  }

  #editOf(card: Card): CardEdit {
    let edit = this.#edits.get(card)
    if (edit === undefined) this.#edits.set(card, (edit = { values: {}, refs: new Map(), members: new Map() }))
    return edit
  }

  /** A row without one of them is not inserted. */
  #setKeys(card: Card, { pick }: Edit): boolean {
    for (const [path, toOne] of Object.entries(kindOf(card.kind).toOnes ?? {})) {
      if (toOne.isKey !== true) continue
      const [target] = pickedOf(this.#targets(card, toOne), [pick])
      if (target === undefined) {
        this.#inserted.splice(this.#inserted.indexOf(card), 1)
        return false
      }
      this.#setRef(card, path, target)
    }
    return true
  }

  /** A value of another's is exchanged for one's own, or taken over where the other one leaves. */
  #setUnique(card: Card, path: string, { value, pick }: { value: unknown; pick: number }): void {
    const others = value === OTHERS && this.#isFree ? this.#stored.filter((one) => one !== card && one.kind === card.kind) : []
    const [other] = pickedOf(others, [pick])
    const taken = value === null ? null : (other?.uniques.get(path) ?? this.#codes.fresh())
    if (other !== undefined) this.#giveUnique(other, path, card.uniques.get(path) ?? null)
    this.#giveUnique(card, path, taken)
  }

  #giveUnique(card: Card, path: string, value: string | null): void {
    card.uniques.set(path, value)
    if (!this.#leaving.has(card)) this.#editOf(card).values[path] = value
  }

  #setRef(card: Card, path: string, target: Card | null): void {
    const isUnique = kindOf(card.kind).toOnes![path]!.among === 'free'
    const holder = isUnique && target !== null ? this.#leaderTo(target, path) : undefined
    const former = card.refs.get(path) ?? null
    this.#giveRef(card, path, target)
    if (holder !== undefined && holder !== card) this.#giveRef(holder, path, former !== null && this.#leaving.has(former) ? null : former)
    if (isUnique && target !== null) this.#taken.add(target)
  }

  #giveRef(card: Card, path: string, target: Card | null): void {
    card.refs.set(path, target)
    if (!this.#leaving.has(card)) this.#editOf(card).refs.set(path, target)
  }

  #leaderTo(target: Card, path: string): Card | undefined {
    return [...this.#stored, ...this.#inserted].find(
      (one) => one.refs.get(path) === target && kindOf(one.kind).toOnes![path]!.among === 'free',
    )
  }

  #targets(card: Card, { targets, among }: ToOne): readonly Card[] {
    const found = this.#present.filter((one) => targets.includes(one.kind))
    if (this.#isFree || among === 'all') return found
    if (among === 'free') return found.filter((one) => !this.#taken.has(one))
    const from = among === 'stored' ? 0 : this.#inserted.indexOf(card) + 1
    const barred = new Set(this.#inserted.slice(from))
    return found.filter((one) => !barred.has(one))
  }

  /** Who is there when the round is over. */
  get #present(): readonly Card[] {
    return [...this.#stored.filter((one) => !this.#leaving.has(one)), ...this.#inserted]
  }

  #candidates(card: Card, path: string, { target, holds }: Collection): readonly Card[] {
    if (holds === 'orphans') return (card.members.get(path) ?? []).filter((one) => !this.#leaving.has(one))
    const found = this.#present.filter((one) => one.kind === target)
    return holds === 'links' || this.#isFree ? found : found.filter((one) => (this.#holders.get(one) ?? card) === card)
  }

  #setMembers(card: Card, path: string, members: readonly Card[]): void {
    const { holds } = kindOf(card.kind).collections![path]!
    const before = card.members.get(path) ?? []
    if (holds === 'orphans') this.#orphans.push(...before.filter((one) => !members.includes(one)))
    if (holds === 'children') for (const member of members) this.#moveChild(member, card, path)
    this.#giveMembers(card, path, members)
  }

  #moveChild(child: Card, to: Card, path: string): void {
    const from = this.#holders.get(child)
    this.#holders.set(child, to)
    if (from === undefined || from === to) return
    this.#giveMembers(
      from,
      path,
      (from.members.get(path) ?? []).filter((one) => one !== child),
    )
  }

  #giveMembers(card: Card, path: string, members: readonly Card[]): void {
    card.members.set(path, members)
    if (!this.#leaving.has(card)) this.#editOf(card).members.set(path, members)
  }

  #newCard(kind: KindName, { isAgain }: Edit): Card {
    return new Card(kind, this.#codes.numberFor(kind, isAgain))
  }

  #insertChild(kind: KindName, edit: Edit): void {
    const { parent } = kindOf(kind)
    const [holder] = pickedOf(
      this.#present.filter((one) => one.kind === parent!.kind),
      [edit.pick],
    )
    if (holder === undefined) return
    const card = this.#newCard(kind, edit)
    this.#inserted.push(card)
    this.#edit(card, edit)
    this.#setMembers(holder, parent!.path, [...(holder.members.get(parent!.path) ?? []), card])
  }

  // ---- leaving

  #letGoOfLeaving(): void {
    for (const card of this.#stored) {
      if (this.#leaving.has(card)) continue
      for (const [path, target] of card.refs) {
        const isCarriedOff = kindOf(card.kind).toOnes![path]!.isCarriedOff === true
        if (target !== null && this.#leaving.has(target) && !isCarriedOff) this.#setRef(card, path, null)
      }
      for (const [path, members] of card.members) {
        const left = members.filter((one) => !this.#leaving.has(one))
        if (left.length < members.length) this.#setMembers(card, path, left)
      }
    }
  }

  #carriedOff(): readonly Card[] {
    return this.#stored.filter(
      (card) => !this.#leaving.has(card) && [...card.refs.values()].some((target) => target !== null && this.#leaving.has(target)),
    )
  }

  #made({ softRemovals, recoveries }: Script): Round {
    const gone = new Set([...this.#leaving, ...this.#orphans, ...this.#carriedOff()])
    const left = this.#stored.filter(({ kind }) => kindOf(kind).isSoft === true).filter((card) => !gone.has(card))
    const [removable, recoverable] = [left.filter(({ isSoft }) => !isSoft), left.filter(({ isSoft }) => isSoft)]
    for (const card of this.#orphans) this.#edits.delete(card)
    return {
      inserted: this.#inserted,
      edits: this.#edits,
      removed: [...this.#leaving],
      softRemoved: pickedOf(removable, softRemovals),
      recovered: pickedOf(recoverable, recoveries),
      gone: [...gone],
    }
  }
}

function isChild(kind: KindName): boolean {
  return kindOf(kind).parent !== undefined
}

/** Each once; numbers go round. */
function pickedOf(among: readonly Card[], picks: readonly (number | null)[]): readonly Card[] {
  const found = among.length === 0 ? [] : picks.flatMap((pick) => (pick === null ? [] : [among[pick % among.length]!]))
  return [...new Set(found)]
}
