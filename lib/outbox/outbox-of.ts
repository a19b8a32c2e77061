/**
 * The desk of an outbox: what operators see of it and do with it.
 *
 * Only checks what it is asked, and hands it on. Invariant: nothing is read or changed for an option that nobody knows.
 *
 * @module
 */
import type { DataSource } from 'typeorm'
import { checkOptions } from '../core/check-options.js'
import { OutboxError } from '../core/errors.js'
import type { CloudEvent } from './cloud-event.js'
import { assertConnected } from './desk/assert-connected.js'
import { readBlockedKeys } from './desk/blocked-keys.js'
import { discard, readDead, redrive } from './desk/dead-letters.js'
import { checkFilter } from './desk/letter-filter.js'
import { readStatus } from './desk/outbox-status.js'
import { checkReplayFrom, replay, type ReplayFilter } from './desk/replay.js'
import { tail } from './desk/tail.js'
import type { BlockedKey, DeadLetter, LetterFilter, OutboxDesk, OutboxStatus, ReplayFrom } from './outbox-desk.js'
import { settingsOrFail, type OutboxSettings } from './outbox-settings.js'
import { wakeRelays } from './wake-up.js'
import { assertWhole } from '../core/whole-number.js'

const MOST_LETTERS = 10_000

/**
 * The outbox of a DataSource as an operator sees it: its backlog, relays, dead letters and events. Needs no relay in this process.
 *
 * What a filter of it names all has to fit; without one, everything is meant. Options that cannot be meant reject with OPTION_UNKNOWN or
 * OPTION_INVALID, and a DataSource that is not connected with TypeORM's own error.
 *
 * @throws {OutboxError} OUTBOX_NOT_LISTED · OUTBOX_TABLES_MISSING; of a DataSource that is connected later, by each method.
 * @example
 * const desk = outboxOf(dataSource)
 * for (const letter of await desk.dead({ subscription: 'search' })) console.log(letter.type, letter.lastError)
 * await desk.redrive({ subscription: 'search', type: 'film.*' })
 */
export function outboxOf(dataSource: DataSource): OutboxDesk {
  if (dataSource.isInitialized) settingsIn(dataSource)
  return new Desk(dataSource)
}

class Desk implements OutboxDesk {
  readonly #dataSource: DataSource

  constructor(dataSource: DataSource) {
    this.#dataSource = dataSource
  }

  get #settings(): OutboxSettings {
    return settingsIn(this.#dataSource)
  }

  async status(): Promise<OutboxStatus> {
    return readStatus(this.#settings)
  }

  async dead(filter: LetterFilter & { readonly limit?: number } = {}): Promise<readonly DeadLetter[]> {
    checkFilter('dead', filter, { limit: 'number' })
    const { limit = 100, ...letters } = filter
    assertWhole('dead', { limit }, [1, MOST_LETTERS])
    return readDead(this.#settings.database, letters, limit)
  }

  async blockedKeys(filter: Pick<LetterFilter, 'subscription'> = {}): Promise<readonly BlockedKey[]> {
    checkOptions('blockedKeys', filter, { subscription: 'string' })
    return readBlockedKeys(this.#settings, filter.subscription)
  }

  async redrive(filter: LetterFilter = {}): Promise<number> {
    checkFilter('redrive', filter)
    return this.#wakingUp(redrive(this.#settings, filter))
  }

  async discard(filter: LetterFilter = {}): Promise<number> {
    checkFilter('discard', filter)
    return this.#wakingUp(discard(this.#settings, filter))
  }

  async replay(from: ReplayFrom, filter: ReplayFilter): Promise<number> {
    checkFilter('replay', filter)
    checkReplayFrom('replay', from)
    if ((filter as LetterFilter).subscription === undefined) throw new OutboxError('REPLAY_WITHOUT_SUBSCRIPTION', {})
    return this.#wakingUp(replay(this.#settings, from, filter))
  }

  async *tail(options: Parameters<OutboxDesk['tail']>[0] = {}): AsyncGenerator<CloudEvent> {
    checkOptions('tail', options, { count: 'number', type: 'string', follow: 'boolean', abortSignal: 'object' })
    const { count = 10, type = '*', follow = true, abortSignal } = options
    assertWhole('tail', { count }, [0, Number.MAX_SAFE_INTEGER])
    yield* tail(this.#settings.database, { count, type, follow, abortSignal })
  }

  /** Also where only a part was changed. */
  async #wakingUp(changing: Promise<number>): Promise<number> {
    try {
      return await changing
    } finally {
      wakeRelays(this.#dataSource)
    }
  }
}

/** @throws {OutboxError} OUTBOX_NOT_LISTED · OUTBOX_TABLES_MISSING · TypeORM's error where the DataSource is not connected. */
function settingsIn(dataSource: DataSource): OutboxSettings {
  assertConnected(dataSource)
  const settings = settingsOrFail(dataSource)
  settings.database.assertTables()
  return settings
}
