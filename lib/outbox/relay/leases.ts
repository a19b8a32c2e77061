/**
 * The slots one loop of a relay holds, and for how long.
 *
 * Knows no message. Invariant: a slot of a subscription has one holder by the database's clock; this loop takes itself for that only by its
 * own monotonic clock, a margin earlier, and only after it has learned what waits there. Each change of hands raises the epoch, so that a
 * holder who has slept finds out.
 *
 * @module
 */
import { performance } from 'node:perf_hooks'
import { groupBy } from '../../core/group-by.js'
import { inTransaction } from '../desk/lock-conflicts.js'
import type { OutboxConnection, OutboxDatabase } from '../sql/outbox-database.js'
import { INTAKE } from './names.js'
import type { RelayIdentity } from './relay-identity.js'
import { SlotTable, type Epochs, type HeldSlots, type SlotRow } from './slot-table.js'

/** How much of a lease is not made use of: clocks and statements take their time. */
const MARGIN = 0.2
/** How long slots that somebody gave back may be left to others. */
const LOOK_MS = 100
/** How long until the next try where others were faster. */
const SOON_MS = 20

export interface LeaseParts {
  readonly database: OutboxDatabase
  readonly leaseMs: number
  readonly slots: number
  readonly identity: RelayIdentity
  /** Whether something of this slot is under way or not written down yet, so that it is not given away now. */
  isBusy(name: string, slot: number): boolean
}

/** What the database says in a transaction, before that has ended. */
export interface Fence {
  /** Whether a slot is held since before the transaction began, and cannot be lost until it ends. */
  isHeld(name: string, slot: number): boolean
  /** Names this loop has not announced and somebody else has. */
  readonly others: readonly string[]
  /** To be called when the transaction is committed: until then nothing is renewed. */
  committed(): void
}

export interface Tended {
  /** Whether there is something in it for others: a further one to share with, or slots that were given back. */
  readonly isShareNews: boolean
}

interface Shared extends HeldSlots {
  readonly others: readonly string[]
  readonly givenBack: ReadonlySet<string>
  /** Whether others have taken what this loop wanted. */
  readonly isOutrun: boolean
}

export class Leases {
  readonly #parts: LeaseParts
  readonly #table: SlotTable
  #held: Epochs = new Map()
  /** What was held when {@link learned} was called last. */
  #learned: Epochs = new Map()
  #hasInherited = false
  #tendedMs = -Infinity
  #lookedMs = -Infinity
  #isDue = false
  #validUntilMs = 0
  #announced = ''
  #others: readonly string[] = []
  #total = 0
  /** How many slots were lost to somebody else. */
  losses = 0

  constructor(parts: LeaseParts) {
    this.#parts = parts
    this.#table = new SlotTable(parts.identity, parts.leaseMs)
  }

  toString(): string {
    const slots = [...this.#held.keys()].map((name) => `${name} ${this.#ownSlots(name).length}`)
    return `Leases (${this.#isValid ? 'valid' : 'over'}): ${slots.join(', ') || 'none'}; ${this.losses} lost`
  }

  /** Whether relays elsewhere, or of former times, have announced names that this one has not. */
  get hasOthers(): boolean {
    return this.#others.length > 0
  }

  isHeld(name: string, slot: number): boolean {
    return this.#isValid && this.owns(name, slot)
  }

  /** As {@link isHeld}, also where the lease may have run out: nobody else has been seen with it. */
  owns(name: string, slot: number): boolean {
    const epoch = this.#held.get(name)?.get(slot)
    return epoch !== undefined && this.#learned.get(name)?.get(slot) === epoch
  }

  slotsOf(name: string): readonly number[] {
    return this.#isValid ? this.#ownSlots(name) : []
  }

  get count(): number {
    if (!this.#isValid) return 0
    return [...this.#held.keys()].reduce((sum, name) => sum + this.#ownSlots(name).length, 0)
  }

  /** Whether these names were announced, and the leases are young enough to leave them alone. */
  isTended(names: readonly string[]): boolean {
    if (this.#isDue) return false
    return this.#isValid && this.#announced === names.join('\n') && performance.now() < this.#tendedMs + this.#thirdMs
  }

  /** When to tend again at the latest; a third of a lease where that is past, so that it is not tried all the time. */
  get dueInMs(): number {
    const restMs = this.#tendedMs + this.#thirdMs - performance.now()
    if (this.#isDue) return Math.min(SOON_MS, this.#thirdMs)
    return restMs > 0 ? restMs : this.#thirdMs
  }

  /** Shows that this loop is alive, renews what it holds, takes its share of what is free, gives back what is more than that. */
  async tend(names: readonly string[]): Promise<Tended> {
    const isFirst = this.#tendedMs === -Infinity
    this.#isDue = false
    let sentMs = 0
    const shared = await inTransaction(this.#parts.database, async (connection) => {
      sentMs = performance.now()
      await this.#table.announce(connection, names)
      await this.#table.renew(connection)
      return this.#share(connection, names)
    })
    this.#adopt(shared.epochs, shared.givenBack)
    this.#others = shared.others
    this.#total = shared.total
    this.#announced = names.join('\n')
    this.#tendedMs = sentMs
    this.#isDue ||= shared.isOutrun
    this.#extend(sentMs)
    return { isShareNews: isFirst || shared.givenBack.size > 0 }
  }

  /** Has this loop tend soon where somebody has given slots back: their messages wait for it. */
  async lookForFree(connection: OutboxConnection): Promise<void> {
    const nowMs = performance.now()
    if (this.#isDue || nowMs < Math.max(this.#tendedMs, this.#lookedMs) + LOOK_MS) return
    this.#lookedMs = nowMs
    this.#isDue = await this.#table.hasFree(connection, this.#announced.split('\n'))
  }

  /** Does not wait until it is due: shares may have changed. */
  tendSoon(): void {
    this.#isDue = true
  }

  /** Whether slots have come since the last call of {@link learned}. */
  get hasNew(): boolean {
    return [...this.#held].some(([name, slots]) => [...slots.keys()].some((slot) => !this.owns(name, slot)))
  }

  /** Whether some of them were not given back by their former holder. */
  get hasInherited(): boolean {
    return this.#hasInherited
  }

  /** As {@link slotsOf}, with those that are new. */
  heldSlotsOf(name: string): readonly number[] {
    return [...(this.#held.get(name)?.keys() ?? [])]
  }

  /** What waits for all that is held is known: from now on it may be worked on. */
  learned(): void {
    this.#learned = this.#held
    this.#hasInherited = false
  }

  /** Renews in the transaction of `connection`, which nobody can take these slots over before the end of, and tells what is really held. */
  async fence(connection: OutboxConnection): Promise<Fence> {
    const sentMs = performance.now()
    await this.#table.renew(connection)
    const { epochs: held, total } = await this.#table.held(connection)
    const others = total === this.#total ? this.#others : othersOf(await this.#table.names(connection), this.#announced.split('\n'))
    const learned = this.#learned
    this.#adopt(held)
    return {
      others,
      isHeld: (name, slot) => {
        const epoch = learned.get(name)?.get(slot)
        return epoch !== undefined && held.get(name)?.get(slot) === epoch
      },
      committed: () => this.#extend(sentMs),
    }
  }

  /** Gives everything back. */
  async release(): Promise<void> {
    this.#validUntilMs = 0
    this.#held = new Map()
    this.#learned = new Map()
    await inTransaction(this.#parts.database, (connection) => this.#table.leave(connection))
  }

  get #isValid(): boolean {
    return performance.now() < this.#validUntilMs
  }

  get #thirdMs(): number {
    return this.#parts.leaseMs / 3
  }

  #ownSlots(name: string): readonly number[] {
    return this.heldSlotsOf(name).filter((slot) => this.owns(name, slot))
  }

  #extend(sentMs: number): void {
    this.#validUntilMs = sentMs + this.#parts.leaseMs * (1 - MARGIN)
  }

  #adopt(held: Epochs, givenBack: ReadonlySet<string> = new Set()): void {
    for (const [name, slots] of this.#held)
      for (const [slot, epoch] of slots) if (held.get(name)?.get(slot) !== epoch && !givenBack.has(`${slot} ${name}`)) this.losses += 1
    this.#held = held
  }

  async #share(connection: OutboxConnection, names: readonly string[]): Promise<Shared> {
    const all = await this.#allOf(connection, names)
    const sharers = await this.#table.sharers(connection)
    // names in one order everywhere, so that nobody waits for each other in circles
    const isOwn = ({ owner }: SlotRow) => owner === this.#parts.identity.owner
    const intake = new Set(all.filter((row) => row.subscription === INTAKE && isOwn(row)).map(slotOf))
    const givenBack = new Set<string>()
    const taken: SlotRow[] = []
    const known = groupBy(all, ({ subscription }) => subscription)
    for (const [name, rows] of [...known].sort(([a], [b]) => (a === INTAKE || (b !== INTAKE && a < b) ? -1 : 1))) {
      const isAnnounced = names.includes(name)
      const share = isAnnounced ? Math.ceil(rows.length / Math.max(1, sharers.get(name) ?? 1)) : 0
      const mine = rows.filter(isOwn)
      const idle = surplus(mine, share, intake).filter(({ slot }) => !this.#parts.isBusy(name, slot))
      await this.#table.giveBack(connection, name, idle.map(slotOf))
      for (const { slot } of idle) givenBack.add(`${slot} ${name}`)
      const free = rows.filter((row) => row.isFree && !isOwn(row))
      const wanted = preferring(free, intake).slice(0, Math.max(0, share - mine.length))
      await this.#table.take(connection, name, wanted.map(slotOf))
      if (wanted.some(({ owner }) => owner !== null)) this.#hasInherited = true // whatever becomes of the transaction
      taken.push(...wanted)
      if (name === INTAKE) for (const { slot } of wanted) intake.add(slot)
    }
    const held = await this.#table.held(connection)
    const isOutrun = taken.some(({ subscription, slot }) => held.epochs.get(subscription)?.has(slot) !== true)
    return { ...held, others: othersOf([...known.keys()], names), givenBack, isOutrun }
  }

  /** Every slot, after those of these names that are not there yet were added: also where others have more slots than this relay. */
  async #allOf(connection: OutboxConnection, names: readonly string[]): Promise<readonly SlotRow[]> {
    const all = await this.#table.all(connection)
    const highest = all.reduce((most, { slot }) => Math.max(most, slot), await this.#table.highestWaiting(connection))
    const count = Math.max(this.#parts.slots, highest + 1)
    if (names.every((name) => all.filter(({ subscription }) => subscription === name).length >= count)) return all
    await this.#table.makeSlots(connection, names, count)
    return this.#table.all(connection)
  }
}

function slotOf({ slot }: SlotRow): number {
  return slot
}

function othersOf(known: readonly string[], own: readonly string[]): readonly string[] {
  return known.filter((name) => !own.includes(name))
}

/** What is more than the share; first those whose new messages somebody else looks at. */
function surplus(mine: readonly SlotRow[], share: number, intake: ReadonlySet<number>): readonly SlotRow[] {
  return [...preferring(mine, intake)].reverse().slice(0, Math.max(0, mine.length - share))
}

function preferring(rows: readonly SlotRow[], intake: ReadonlySet<number>): readonly SlotRow[] {
  const isPreferred = ({ slot }: SlotRow) => intake.has(slot)
  return [...rows.filter(isPreferred), ...rows.filter((row) => !isPreferred(row))]
}
