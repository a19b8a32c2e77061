/**
 * Listens to PostgreSQL's notifications about new messages, on a connection of its own.
 *
 * Invariant: a connection that breaks is made anew; meanwhile relays look by themselves. Nothing listens any more once it was stopped.
 *
 * @module
 */
import type { DataSource, QueryRunner } from 'typeorm'
import { NOTIFY_CHANNEL } from '../desk/notify-relays.js'

interface Client {
  on(event: string, listener: () => void): unknown
  removeListener(event: string, listener: () => void): unknown
}

const RECONNECT_MS = 1_000

export class Notifications {
  readonly #dataSource: DataSource
  readonly #listeners: readonly (readonly [event: string, listener: () => void])[]
  readonly #notified: () => void
  #runner: QueryRunner | undefined
  #timer: NodeJS.Timeout | undefined
  #isStopped = false

  constructor(dataSource: DataSource, notified: () => void) {
    this.#dataSource = dataSource
    this.#notified = notified
    const lost = () => this.#again()
    this.#listeners = [
      ['notification', notified],
      ['error', lost],
      ['end', lost],
    ]
  }

  async start(): Promise<void> {
    const runner = this.#dataSource.createQueryRunner()
    this.#runner = runner
    try {
      const client = (await runner.connect()) as Client
      for (const [event, listener] of this.#listeners) client.on(event, listener)
      await runner.query(`LISTEN ${this.#channel}`)
    } catch {
      await this.#letGo(runner)
      return this.#again()
    }
    if (this.#isStopped) return this.#letGo(runner)
    this.#notified() // what came before is not told
  }

  async stop(): Promise<void> {
    this.#isStopped = true
    clearTimeout(this.#timer)
    const runner = this.#runner
    this.#runner = undefined
    if (runner !== undefined) await this.#letGo(runner)
  }

  get #channel(): string {
    return this.#dataSource.driver.escape(NOTIFY_CHANNEL)
  }

  /** Others may get the connection next. */
  async #letGo(runner: QueryRunner): Promise<void> {
    try {
      const client = (await runner.connect()) as Client
      for (const [event, listener] of this.#listeners) client.removeListener(event, listener)
      await runner.query(`UNLISTEN ${this.#channel}`)
    } catch {
      // it is broken, so that nobody gets it
    }
    await runner.release().catch(() => undefined)
  }

  #again(): void {
    this.#runner = undefined
    if (this.#isStopped || this.#timer !== undefined) return
    this.#timer = setTimeout(() => {
      this.#timer = undefined
      if (this.#dataSource.isInitialized) void this.start()
      else this.#again()
    }, RECONNECT_MS)
    this.#timer.unref()
  }
}
