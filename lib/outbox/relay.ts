/**
 * Hands the messages of an outbox to its subscriptions, together with all other relays of that outbox.
 *
 * Puts the parts together; what each does is said there. Invariant: a relay that has stopped holds no lease and runs no handler that it has
 * not told to abort.
 *
 * @module
 */
import type { DataSource } from 'typeorm'
import { checkOptions } from '../core/check-options.js'
import { messageOf, OutboxError } from '../core/errors.js'
import { warn } from '../core/warn.js'
import { assertWhole, LONGEST_TIMER_MS } from '../core/whole-number.js'
import { eventFailureListeners, reportEventFailure } from '../events/event-failures.js'
import { outsideOfWork } from '../events/open-work.js'
import { settingsOrFail, withReceivers, type OutboxSettings } from './outbox-settings.js'
import type { OutboxStatus } from './outbox-desk.js'
import { outboxOf } from './outbox-of.js'
import { activePlugins, activeSubscription, type ActiveSubscription } from './relay/active-subscription.js'
import type { Acknowledged } from './relay/acknowledge.js'
import { forget, SWEEP_MS } from './relay/forget.js'
import { Notifications } from './relay/notifications.js'
import { noteOwnSubscriptions } from './relay/own-subscriptions.js'
import type { RelayCounters } from './relay/relay-counters.js'
import { newIdentity } from './relay/relay-identity.js'
import { RelayLoop } from './relay/relay-loop.js'
import { fullRelayOptions, RELAY_OPTION_KINDS, type FullRelayOptions, type RelayOptions } from './relay/relay-options.js'
import { sweep } from './relay/sweeper.js'
import { stopBeforeDestroy } from './relay/stop-before-destroy.js'
import { within } from './relay/within.js'
import { assertSubscriptions, type Subscription } from './subscription.js'
import { onWakeUp } from './wake-up.js'

export interface CreateRelayOptions extends RelayOptions {
  /** Instead of those listed with the Outbox; what extensions bring along, such as a change cache, it hands over besides. @defaultValue those */
  readonly subscriptions?: readonly Subscription[]
  /** Whether the program goes on for the sake of this relay. @defaultValue `true` */
  readonly keepsAlive?: boolean
  /** Hears what goes wrong between relay and database; it goes on by itself. @defaultValue a process warning, once for each run of errors */
  readonly onError?: (error: unknown) => void
}

export interface StopOptions {
  /** How long handlers that run may go on before they are told to abort. @defaultValue 30,000 */
  readonly timeoutMs?: number
}

export interface HealthLimits {
  /** How old the oldest message of a subscription may be. @defaultValue 60,000 */
  readonly maxAgeMs?: number
  /** How many messages may wait for a subscription. @defaultValue no limit */
  readonly maxBacklog?: number
  /** How many dead letters a subscription may have. @defaultValue 0 */
  readonly maxDead?: number
}

export interface RelayHealth extends OutboxStatus {
  /** Whether it runs and holds its leases, the database answers, and all is within the limits. */
  readonly isHealthy: boolean
  /** What is wrong, in words. */
  readonly problems: readonly string[]
  /** How many slots this relay holds, and how many it has lost to others. */
  readonly slots: number
  readonly leaseLosses: number
  /** Attempts are what was handled and what failed, together. */
  readonly counters: Readonly<RelayCounters> & { readonly attempts: number }
}

type RelayState = 'new' | 'running' | 'stopping' | 'stopped'

/** How long a database that does not answer may hold up the end: what ended is handled again then, and leases run out. */
const LEAVE_MS = 2_000
/** What is told of an outbox that cannot be asked. */
const NOTHING: OutboxStatus = { messages: 0, subscriptions: [], relays: [] }

export class Relay {
  readonly #settings: OutboxSettings
  /** Instead of those of the outbox. */
  readonly #subscriptions: readonly Subscription[] | undefined
  readonly #loops: readonly RelayLoop[]
  readonly #counters: RelayCounters = { handled: 0, failed: 0, dead: 0 }
  readonly #onError: ((error: unknown) => void) | undefined
  readonly #notifications: Notifications | undefined
  readonly #dueToForget = new Map<string, number>()
  #state: RelayState = 'new'
  #wasErrorTold = false
  #sweepTimer: NodeJS.Timeout | undefined
  #sweeping: Promise<void> | undefined
  #stopListening: () => void = () => {}
  #stopped: Promise<void> | undefined
  /** Has the end wait no longer for handlers. */
  #endPatience: () => void = () => {}

  /** Made by {@link createRelay}. */
  constructor(settings: OutboxSettings, { subscriptions, keepsAlive = true, onError }: CreateRelayOptions) {
    this.#settings = settings
    this.#subscriptions = subscriptions
    if (subscriptions !== undefined) noteOwnSubscriptions(settings.dataSource, subscriptions)
    this.#onError = onError
    this.#notifications = settings.hasNotify ? new Notifications(settings.dataSource, () => this.wake()) : undefined
    this.#loops = Array.from({ length: settings.relay.loops }, () => this.#makeLoop(keepsAlive))
  }

  get counters(): Readonly<RelayCounters> & { readonly leaseLosses: number } {
    return { ...this.#counters, leaseLosses: this.#leaseLosses }
  }

  get #leaseLosses(): number {
    return this.#loops.reduce((sum, loop) => sum + loop.leaseLosses, 0)
  }

  get isRunning(): boolean {
    return this.#state === 'running'
  }

  /**
   * Begins to hand messages over. A DataSource that is not connected yet is waited for.
   *
   * @throws {OutboxError} RELAY_STATE_WRONG when it was started before · OUTBOX_TABLES_MISSING
   */
  async start(): Promise<void> {
    if (this.#state !== 'new') throw new OutboxError('RELAY_STATE_WRONG', { method: 'start', current: this.#state })
    const { dataSource, database } = this.#settings
    if (dataSource.isInitialized) database.assertTables()
    this.#state = 'running'
    const stopWaking = onWakeUp(dataSource, () => this.wake())
    const stopGuarding = stopBeforeDestroy(dataSource, this)
    this.#stopListening = () => {
      stopWaking()
      stopGuarding()
    }
    await outsideOfWork(async () => {
      this.#loops.forEach((loop) => loop.start())
      this.#sweepTimer = setInterval(() => this.#beginSweep(), SWEEP_MS)
      this.#sweepTimer.unref()
      await this.#notifications?.start()
    })
  }

  /** Has it look at once. */
  wake(): void {
    this.#loops.forEach((loop) => loop.wake())
  }

  /**
   * Begins nothing any more, waits for the handlers that run, has those abort that take longer than `timeoutMs`, writes down what is done and gives the
   * leases back. Calling it again waits for the same end, with the shorter patience of the two.
   *
   * @throws {ConfigurationError} OPTION_UNKNOWN · OPTION_INVALID
   */
  stop(options: StopOptions = {}): Promise<void> {
    checkOptions('relay.stop', options, { timeoutMs: 'number' })
    assertWhole('relay.stop', { timeoutMs: options.timeoutMs }, [0, LONGEST_TIMER_MS])
    if (this.#stopped === undefined) return (this.#stopped = outsideOfWork(() => this.#stop(options.timeoutMs ?? 30_000)))
    if (options.timeoutMs !== undefined) void within(this.#stopped, options.timeoutMs).then(() => this.#endPatience())
    return this.#stopped
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
  }

  async #stop(timeoutMs: number): Promise<void> {
    const wasRunning = this.#state === 'running'
    this.#state = 'stopping'
    clearInterval(this.#sweepTimer)
    if (wasRunning) await this.#drain(timeoutMs)
    await within(this.#leave(wasRunning), LEAVE_MS)
    this.#stopListening()
    this.#state = 'stopped'
  }

  async #leave(wasRunning: boolean): Promise<void> {
    await this.#sweeping
    await this.#notifications?.stop().catch(() => undefined)
    if (!wasRunning || !this.#settings.dataSource.isInitialized) return
    for (const loop of this.#loops) await loop.leave().catch((error: unknown) => this.#reportError(error))
  }

  async #drain(timeoutMs: number): Promise<void> {
    let isDrained = false
    const drained = Promise.all(this.#loops.map((loop) => loop.drain())).then(() => void (isDrained = true))
    const impatient = new Promise<void>((resolve) => (this.#endPatience = resolve))
    await within(Promise.race([drained, impatient]), timeoutMs)
    if (isDrained) return
    const reason = new OutboxError('RELAY_STATE_WRONG', { method: 'handle', current: 'stopping' })
    this.#loops.forEach((loop) => loop.abort(reason))
    await within(drained, Math.min(1_000, Math.max(50, timeoutMs)))
  }

  /**
   * What an operator wants to see at a glance. A database that does not answer is one of the problems.
   *
   * @throws {ConfigurationError} OPTION_UNKNOWN · OPTION_INVALID
   */
  async health(limits: HealthLimits = {}): Promise<RelayHealth> {
    checkOptions('relay.health', limits, { maxAgeMs: 'number', maxBacklog: 'number', maxDead: 'number' })
    const { maxAgeMs = 60_000, maxBacklog = Infinity, maxDead = 0 } = limits
    const problems = this.isRunning ? [] : [`the relay is ${this.#state}`]
    const status = await this.#status(problems)
    const slots = this.#loops.reduce((sum, loop) => sum + loop.slots, 0)
    if (slots === 0 && this.isRunning && status.relays.length <= this.#settings.slots) problems.push('the relay holds no slot')
    for (const { name, dead, backlog, oldestAgeMs } of status.subscriptions) {
      if (dead > maxDead) problems.push(`${name} has ${dead} dead letters`)
      if (backlog > maxBacklog) problems.push(`${backlog} messages wait for ${name}`)
      if ((oldestAgeMs ?? 0) > maxAgeMs) problems.push(`${name} is ${Math.round(oldestAgeMs! / 1_000)} s behind`)
    }
    return {
      ...status,
      isHealthy: problems.length === 0,
      problems,
      slots,
      leaseLosses: this.#leaseLosses,
      counters: { ...this.#counters, attempts: this.#counters.handled + this.#counters.failed },
    }
  }

  async #status(problems: string[]): Promise<OutboxStatus> {
    try {
      return await outboxOf(this.#settings.dataSource).status()
    } catch (error) {
      problems.push(`the database does not answer: ${messageOf(error)}`)
      return NOTHING
    }
  }

  toString(): string {
    const { handled, failed, dead } = this.#counters
    const names = this.#active().map(({ name }) => name)
    const summary = `Relay (${this.#state}; ${this.#loops.length} loop${this.#loops.length === 1 ? '' : 's'}; ${names.join(', ') || 'no subscription'}; ${handled} handled, ${failed} failed, ${dead} dead)`
    return this.isRunning ? [summary, ...this.#loops].join('\n') : summary
  }

  #active(): readonly ActiveSubscription[] {
    const { dataSource, subscriptions: listed } = this.#settings
    const subscriptions = (this.#subscriptions === undefined ? listed : withReceivers(this.#subscriptions, dataSource)).map(
      activeSubscription,
    )
    return this.#settings.relay.plugins ? [...subscriptions, ...activePlugins()] : subscriptions
  }

  #makeLoop(keepsAlive: boolean): RelayLoop {
    return new RelayLoop({
      settings: this.#settings,
      identity: newIdentity(),
      counters: this.#counters,
      keepsAlive,
      subscriptions: () => this.#active(),
      shareAnew: (loop) => this.#loops.filter((other) => other !== loop).forEach((other) => other.tendSoon()),
      reportFailures: (acknowledged) => this.#reportFailures(acknowledged),
      reportError: (error) => this.#reportError(error),
    })
  }

  #reportFailures({ failures, handled }: Acknowledged): void {
    if (handled > 0) this.#wasErrorTold = false
    for (const { subscription, message, error, isDead, attempt } of failures) {
      const { name, deliver } = subscription
      const event = { name: message.type, id: message.id }
      if (eventFailureListeners() > 0)
        reportEventFailure(error, {
          event,
          listener: deliver.kind === 'plugin' ? deliver.registered.slug : name,
          kind: deliver.kind === 'plugin' ? 'plugin' : 'outbox',
          attempt,
          isDead,
        })
      else if (isDead)
        warn('OUTBOX_DEAD_LETTER', `"${name}" gave up "${message.type}" ${message.id} after ${attempt} attempts: ${messageOf(error)}`)
    }
  }

  #reportError(error: unknown): void {
    if (this.#onError !== undefined) return this.#onError(error)
    if (this.#wasErrorTold) return
    this.#wasErrorTold = true
    warn('OUTBOX_RELAY_FAILED', `A relay cannot work, and tries again: ${messageOf(error)}`)
  }

  #beginSweep(): void {
    this.#sweeping ??= this.#sweep().finally(() => (this.#sweeping = undefined))
  }

  /** One relay is enough; that several do it now and then does no harm. */
  async #sweep(): Promise<void> {
    const { dataSource, database, relay } = this.#settings
    if (!dataSource.isInitialized || !this.#loops.some((loop) => loop.holdsIntake)) return
    await forget(database, { ...relay, sightings: this.#dueToForget }).catch((error: unknown) => this.#reportError(error))
    await sweep(database, relay).catch((error: unknown) => this.#reportError(error))
  }
}

/**
 * Makes a relay for the outbox of a DataSource. Any number of them, in any number of processes, share the work: each slot of keys has one
 * holder at a time, for each subscription. Start it; stop it before the program ends, so that others need not wait for its leases to run out.
 *
 * @param options What is given here counts instead of what was listed with the Outbox.
 * @throws {OutboxError} OUTBOX_NOT_LISTED · OUTBOX_DATABASE_UNSUPPORTED · SUBSCRIPTION_INVALID · SUBSCRIPTION_NAME_TAKEN
 * @throws {ConfigurationError} OPTION_UNKNOWN · OPTION_INVALID
 * @example
 * const relay = createRelay(dataSource, { loops: 4 })
 * await relay.start()
 * process.once('SIGTERM', () => void relay.stop({ timeoutMs: 10_000 }))
 */
export function createRelay(dataSource: DataSource, options: CreateRelayOptions = {}): Relay {
  const settings = settingsOrFail(dataSource)
  checkOptions('createRelay', options, { ...RELAY_OPTION_KINDS, subscriptions: 'array', keepsAlive: 'boolean', onError: 'function' })
  assertSubscriptions(options.subscriptions ?? [])
  return new Relay(withOwnOptions(settings, options), options)
}

/** Subscriptions are still asked for each time: extensions bring some along later. */
function withOwnOptions(settings: OutboxSettings, options: CreateRelayOptions): OutboxSettings {
  return {
    ...settings,
    get subscriptions() {
      return settings.subscriptions
    },
    relay: relayOptions(settings.relay, options),
  }
}

function relayOptions(listed: FullRelayOptions, options: CreateRelayOptions): FullRelayOptions {
  const own = Object.fromEntries(Object.entries(options).filter(([name, value]) => Object.hasOwn(listed, name) && value !== undefined))
  return fullRelayOptions('createRelay', { ...listed, ...own })
}
