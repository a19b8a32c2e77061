/**
 * What a worker says of itself: where it begins, now and then what it has done, and the sum at the end.
 *
 * Invariant: nothing it fails to find out ends the worker, and while nothing happens it says nothing.
 *
 * @module
 */
import { hostname } from 'node:os'
import type { DataSource } from 'typeorm'
import { messageOf } from '../../core/errors.js'
import type { OutboxDesk } from '../../outbox/outbox-desk.js'
import type { Screen } from '../screen/screen.js'
import type { RelayCounters, WorkerRelay } from '../worker-relay.js'

const EVERY_MS = 10_000
const NOTHING: RelayCounters = { handled: 0, failed: 0, dead: 0, leaseLosses: 0 }

export interface WorkerParts {
  readonly file: string
  readonly dataSource: DataSource
  readonly desk: OutboxDesk
  readonly relay: WorkerRelay
}

export class WorkerLog {
  readonly #screen: Screen
  readonly #how: { readonly quiet: boolean; readonly json: boolean }
  #parts: WorkerParts | undefined
  #timer: NodeJS.Timeout | undefined
  #told = NOTHING
  /** What is found out later is said no more. */
  #isOver = false

  constructor(screen: Screen, how: { readonly quiet: boolean; readonly json: boolean }) {
    this.#screen = screen
    this.#how = how
  }

  /** The timer also keeps the process alive where nothing else would. */
  async begin(parts: WorkerParts): Promise<void> {
    this.#parts = parts
    this.#timer = setInterval(() => void this.#tellProgress(), EVERY_MS)
    if (!this.#how.quiet) await this.#tellStart(parts)
  }

  end(): void {
    clearInterval(this.#timer)
    const { handled, failed, dead, leaseLosses } = { ...this.#parts!.relay.counters }
    const text = `Stopped: handled ${handled}, failed ${failed}, dead ${dead} since it was started`
    this.#say({ event: 'stopped', handled, failed, dead, leaseLosses }, text)
    this.#isOver = true
  }

  async #tellStart({ file, dataSource, desk }: WorkerParts): Promise<void> {
    const { type, database } = descriptionOf(dataSource)
    const subscriptions = await this.#ask(async () => (await desk.status()).subscriptions.map(({ name }) => name))
    const names = subscriptions?.join(', ') || (subscriptions === undefined ? 'unknown' : 'none')
    const text = `Worker ${process.pid} of ${file} (${type}${database === undefined ? '' : `, ${database}`}), subscriptions: ${names}`
    this.#say({ event: 'started', host: hostname(), pid: process.pid, file, type, database, subscriptions }, text)
  }

  async #tellProgress(): Promise<void> {
    const { desk, relay } = this.#parts!
    const now = { ...relay.counters }
    const since = differenceOf(now, this.#told)
    if (this.#how.quiet || Object.values(since).every((count) => count === 0)) return
    this.#told = now
    const backlog = await this.#ask(async () => sumOf((await desk.status()).subscriptions.map((one) => one.backlog)))
    const { handled, failed, dead } = since
    const text = `${new Date().toISOString()}  handled ${handled}, failed ${failed}, dead ${dead}; backlog ${backlog ?? 'unknown'}`
    this.#say({ event: 'progress', time: new Date().toISOString(), ...since, backlog }, text)
  }

  async #ask<T>(question: () => Promise<T>): Promise<T | undefined> {
    try {
      return await question()
    } catch (error) {
      this.#screen.note(`Cannot ask the outbox: ${messageOf(error)}`)
      return undefined
    }
  }

  #say(entry: Readonly<Record<string, unknown>>, text: string): void {
    if (!this.#how.quiet && !this.#isOver) this.#screen.print(this.#how.json ? JSON.stringify(entry) : text)
  }
}

/** Without host and user: those are the operator's, and passwords stand beside them. */
function descriptionOf({ options, driver }: DataSource): { readonly type: string; readonly database: string | undefined } {
  return { type: options.type, database: driver.database }
}

function differenceOf(now: RelayCounters, before: RelayCounters): RelayCounters {
  return {
    handled: now.handled - before.handled,
    failed: now.failed - before.failed,
    dead: now.dead - before.dead,
    leaseLosses: now.leaseLosses - before.leaseLosses,
  }
}

const sumOf = (numbers: readonly number[]) => numbers.reduce((sum, number) => sum + number, 0)
