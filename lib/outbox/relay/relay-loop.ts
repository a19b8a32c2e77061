/**
 * One loop of a relay: reads what is there, hands it over, writes down what became of it, and again.
 *
 * Knows the tables by the modules beside it alone. Invariant: a message leaves the tables only after everybody who wants it has handled it;
 * nothing is begun for a slot whose lease may be over.
 *
 * @module
 */
import { groupBy } from '../../core/group-by.js'
import { isConnected } from '../../session/installed.js'
import type { OutboxSettings } from '../outbox-settings.js'
import type { OutboxMessage } from '../message.js'
import type { OutboxConnection } from '../sql/outbox-database.js'
import { wakeRelays } from '../wake-up.js'
import { noteBegun, type Acknowledged } from './acknowledge.js'
import { hasPlugins, isPluginOff, type ActiveSubscription } from './active-subscription.js'
import { BlockedKeys } from './blocked-keys.js'
import { readDue, readLastSequence, readNew } from './delivery-reader.js'
import { handOver } from './hand-over.js'
import { Leases } from './leases.js'
import { INTAKE } from './names.js'
import { roundOutcome, type RoundOutcome } from './outcome.js'
import type { RelayCounters } from './relay-counters.js'
import type { RelayIdentity } from './relay-identity.js'
import { Sleep } from './sleep.js'
import { Suspects } from './suspects.js'
import { Task } from './task.js'
import { Closing, TaskRunner } from './task-runner.js'
import { within } from './within.js'
import { writeOutcome } from './write-outcome.js'

export interface LoopParts {
  readonly settings: OutboxSettings
  readonly identity: RelayIdentity
  readonly counters: RelayCounters
  /** Whether the program goes on for the sake of it. */
  readonly keepsAlive: boolean
  /** What this relay has now; plugins come and go. */
  subscriptions(): readonly ActiveSubscription[]
  /** Has the other loops look at once how slots are shared now. */
  shareAnew(loop: RelayLoop): void
  reportFailures(acknowledged: Acknowledged): void
  reportError(error: unknown): void
}

/** What one read of one subscription's own table takes at most for each task it could begin. */
const DUE_PER_LANE = 20

interface Round {
  readonly fresh: readonly OutboxMessage[]
  readonly tasks: readonly Task[]
}

export class RelayLoop {
  readonly #parts: LoopParts
  readonly #leases: Leases
  readonly #blocked = new BlockedKeys()
  readonly #runners = new Map<string, TaskRunner>()
  readonly #sleep: Sleep
  readonly #suspects: Suspects
  /** What the present cycle began with. */
  #ofCycle: readonly ActiveSubscription[] = []
  #isStopping = false
  /** Has the present round, if any, wait no longer. */
  #endRound: () => void = () => {}
  #over: Promise<void> | undefined

  constructor(parts: LoopParts) {
    const { settings, identity } = parts
    this.#parts = parts
    this.#sleep = new Sleep(settings.relay.pollMs, parts.keepsAlive)
    this.#suspects = new Suspects(() => this.#sleep.wake())
    this.#leases = new Leases({
      database: settings.database,
      leaseMs: settings.relay.leaseMs,
      slots: settings.slots,
      identity,
      isBusy: (name, slot) => (name === INTAKE ? false : this.#runners.get(name)?.isBusyWith(slot) === true),
    })
  }

  toString(): string {
    return [`RelayLoop (${this.#isStopping ? 'stopping' : 'running'})`, this.#leases, ...this.#runners.values()].join('\n  ')
  }

  get slots(): number {
    return this.#leases.count
  }

  get holdsIntake(): boolean {
    return this.#leases.slotsOf(INTAKE).length > 0
  }

  get leaseLosses(): number {
    return this.#leases.losses
  }

  start(): void {
    this.#over = this.#run()
  }

  wake(): void {
    this.#sleep.wake()
  }

  tendSoon(): void {
    this.#leases.tendSoon()
    this.#sleep.wake()
  }

  /** Begins nothing any more. Settles when what runs has ended. */
  async drain(): Promise<void> {
    this.#isStopping = true
    this.#sleep.wake()
    await this.#over
    await Promise.all([...this.#runners.values()].map((runner) => runner.idle()))
  }

  /** Tells what runs to abort, and waits for it in no round any more. */
  abort(reason: unknown): void {
    for (const runner of this.#runners.values()) runner.abort(reason)
    this.#endRound()
  }

  /** Writes down what has ended, and gives the leases back. What runs on is left to others. */
  async leave(): Promise<void> {
    await this.#over
    if (this.#late.length > 0) await this.#acknowledge([], []).catch((error: unknown) => this.#failed(error))
    await this.#leases.release()
  }

  async #run(): Promise<void> {
    while (!this.#isStopping) {
      const hasWorked = await this.#cycle().catch((error: unknown) => this.#failed(error))
      if (!hasWorked && !this.#isStopping) await this.#sleep.untilWoken(this.#leases.dueInMs)
      else this.#sleep.reset()
    }
  }

  #failed(error: unknown): false {
    this.#suspects.giveUp()
    if (this.#parts.settings.dataSource.isInitialized) this.#parts.reportError(error)
    return false
  }

  async #cycle(): Promise<boolean> {
    if (!isConnected(this.#parts.settings.dataSource)) return false
    this.#sleep.look()
    const subscriptions = this.#parts.subscriptions()
    this.#ofCycle = subscriptions
    await this.#tend(subscriptions)
    const { fresh, tasks } = await this.#read(subscriptions)
    await this.#noteSuspects(tasks)
    if (tasks.length > 0) await this.#runTasks(tasks)
    const isLate = this.#late.length > 0
    if (fresh.length + tasks.length === 0 && !isLate) return false
    await this.#acknowledge(fresh, tasks)
    return isLate || fresh.length > 0 || tasks.some(({ state }) => state !== 'waiting')
  }

  /** What ended after its round was closed. */
  get #late(): readonly Task[] {
    return [...this.#runners.values()].flatMap(({ late }) => late)
  }

  async #tend(subscriptions: readonly ActiveSubscription[]): Promise<void> {
    const names = [INTAKE, ...subscriptions.map(({ name }) => name)]
    if (!this.#leases.isTended(names) && (await this.#leases.tend(names)).isShareNews) this.#parts.shareAnew(this)
    if (!this.#leases.hasNew) return
    await this.#parts.settings.database.read(async (connection) => {
      if (this.#leases.hasInherited) this.#suspects.suspect(await readLastSequence(connection))
      await this.#learnWaitingKeys(connection, subscriptions)
    })
    this.#leases.learned()
  }

  async #learnWaitingKeys(connection: OutboxConnection, subscriptions: readonly ActiveSubscription[]): Promise<void> {
    this.#blocked.clear()
    for (const subscription of subscriptions) await this.#learnKeysOf(connection, subscription)
  }

  #learnKeysOf(connection: OutboxConnection, { name, onDead }: ActiveSubscription): Promise<void> {
    return this.#blocked.learn(connection, { name, slots: this.#leases.heldSlotsOf(name), blocksOnDead: onDead === 'block' })
  }

  async #read(subscriptions: readonly ActiveSubscription[]): Promise<Round> {
    const { settings } = this.#parts
    return settings.database.read(async (connection) => {
      await this.#leases.lookForFree(connection)
      const due: Task[] = []
      for (const subscription of subscriptions) due.push(...(await this.#readDue(connection, subscription)))
      const slots = this.#hasReceivers(subscriptions) ? this.#leases.slotsOf(INTAKE) : []
      const fresh = await readNew(connection, slots, settings.relay.batchSize)
      const present = this.#parts.subscriptions() // who has gone since must hear nothing that was told after that
      const begun = fresh.flatMap((message) => this.#tasksFor(message, present))
      return { fresh, tasks: [...due, ...begun] }
    })
  }

  /** Where nobody was ever announced, messages wait for whoever will be first. */
  #hasReceivers(subscriptions: readonly ActiveSubscription[]): boolean {
    return subscriptions.length > 0 || this.#leases.hasOthers || hasPlugins()
  }

  async #readDue(connection: OutboxConnection, subscription: ActiveSubscription): Promise<readonly Task[]> {
    const runner = this.#runnerOf(subscription)
    if (runner.capacity === 0) return []
    const { name } = subscription
    const { batchSize } = this.#parts.settings.relay
    const limit = Math.min(batchSize, Math.max(100, runner.capacity * DUE_PER_LANE))
    const rows = await readDue(connection, {
      name,
      slots: this.#leases.slotsOf(name),
      blocksOnDead: subscription.onDead === 'block',
      busyKeys: runner.busyKeys,
      busySequences: runner.busySequences,
      limit,
    })
    const keys = rows.flatMap(({ message: { partitionKey } }) => partitionKey ?? [])
    const isBroughtBack = keys.some((key) => !this.#blocked.isBlocked(name, key)) // redriven or replayed by somebody
    for (const key of keys) this.#blocked.block(name, key)
    if (isBroughtBack && rows.length === limit) await this.#learnKeysOf(connection, subscription)
    return this.#suspects.choose(rows, subscription)
  }

  async #noteSuspects(tasks: readonly Task[]): Promise<void> {
    const toNote = this.#suspects.toNote(tasks)
    if (toNote.length === 0) return
    await this.#parts.settings.database.transaction((connection) => noteBegun(connection, toNote))
    for (const task of toNote) task.isNoted = true
  }

  /** What is new for whoever is here and not behind; what is not, finds it in its table. */
  #tasksFor(message: OutboxMessage, subscriptions: readonly ActiveSubscription[]): readonly Task[] {
    const wanting = subscriptions.filter(
      (subscription) => this.#leases.isHeld(subscription.name, message.slot) && subscription.wants(message),
    )
    return wanting.map((subscription) => new Task({ subscription, message, attempt: 1, hasRow: false }))
  }

  #mayBeginNow(task: Task): boolean {
    const { name } = task.subscription
    if (this.#isStopping || !this.#leases.isHeld(name, task.message.slot)) return false
    return task.hasRow || (!this.#suspects.isSuspect(task) && !this.#blocked.isBlocked(name, task.message.partitionKey))
  }

  async #runTasks(tasks: readonly Task[]): Promise<void> {
    const closing = new Closing()
    const rounds = [...groupBy(tasks, ({ subscription }) => subscription)].map(([subscription, own]) => ({
      runner: this.#runnerOf(subscription),
      own,
    }))
    const all = Promise.all(rounds.map(({ runner, own }) => runner.run(own, closing)))
    const interrupted = new Promise<void>((resolve) => (this.#endRound = resolve))
    await within(Promise.race([all, interrupted]), this.#parts.settings.relay.settleMs)
    for (const { runner } of rounds) runner.close(closing)
  }

  #runnerOf(subscription: ActiveSubscription): TaskRunner {
    let runner = this.#runners.get(subscription.name)
    if (runner === undefined) {
      const { dataSource } = this.#parts.settings
      runner = new TaskRunner(subscription, {
        deliver: (tasks, abortSignal) => handOver(dataSource, tasks, abortSignal),
        mayBegin: (task) => this.#mayBeginNow(task),
        ended: () => this.#sleep.wake(),
      })
      this.#runners.set(subscription.name, runner)
    }
    return runner
  }

  async #acknowledge(fresh: readonly OutboxMessage[], tasks: readonly Task[]): Promise<void> {
    const late = this.#late
    const ofRound = new Set(tasks) // the last of them may have ended just now
    const here = this.#here()
    const outcome = roundOutcome(fresh, tasks, {
      late: late.filter((task) => !ofRound.has(task)),
      othersFor: (message, own) => othersFor(message, own, here),
    })
    try {
      this.#noted(await writeOutcome(outcome, { settings: this.#parts.settings, leases: this.#leases }))
      if (this.#hasForOtherLoops(outcome)) wakeRelays(this.#parts.settings.dataSource)
    } finally {
      for (const runner of this.#runners.values()) runner.written(late)
      this.#suspects.written([...late, ...tasks.filter(({ state }) => state !== 'running')])
    }
  }

  /** Also who came while this round was under way; who went meanwhile finds what he wants when he is back. */
  #here(): readonly ActiveSubscription[] {
    const known = new Map([...this.#ofCycle, ...this.#parts.subscriptions()].map((one) => [one.name, one]))
    return [...known.values()].filter(({ name }) => !isPluginOff(name))
  }

  #hasForOtherLoops({ intake }: RoundOutcome): boolean {
    return intake.some(({ message, waiting }) => waiting.some((name) => !this.#leases.owns(name, message.slot)))
  }

  #noted(written: Acknowledged): void {
    const { counters } = this.#parts
    counters.handled += written.handled
    counters.failed += written.failures.length
    counters.dead += written.failures.filter(({ isDead }) => isDead).length
    for (const { name, key } of written.freed) this.#blocked.free(name, key)
    for (const { name, key, slot } of written.blocked) if (this.#leases.owns(name, slot)) this.#blocked.block(name, key)
    for (const { delayMs, isDead } of written.failures) if (!isDead) this.#sleep.notLongerThan(delayMs)
    this.#parts.reportFailures(written)
  }
}

/** Who wants it and does not have it in this round: its slot is not held here, or what is before it waits. */
function othersFor(message: OutboxMessage, own: readonly Task[], here: readonly ActiveSubscription[]): readonly string[] {
  const others = here.filter(({ name }) => !own.some(({ subscription }) => subscription.name === name))
  return others.filter((one) => one.wants(message)).map(({ name }) => name)
}
