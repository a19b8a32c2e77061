/**
 * What an operator can ask of an outbox and do with it: types.
 *
 * Invariant: plain data, so that it prints as a table and as JSON alike.
 *
 * @module
 */
import type { CloudEvent } from './cloud-event.js'

/** Which messages of which subscription are meant; everything given must fit. */
export interface LetterFilter {
  readonly subscription?: string
  /** An event name, with `*` for any characters. */
  readonly type?: string
  readonly partitionKey?: string
  /** Ids of events. */
  readonly ids?: readonly string[]
}

/** A message that a subscription has given up. */
export interface DeadLetter {
  readonly subscription: string
  readonly id: string
  readonly sequence: number
  readonly type: string
  readonly partitionKey: string | null
  readonly attempts: number
  readonly lastError: string
  /** When it was given up. */
  readonly since: Date
}

/** A key that waits behind a message which failed: for its retry, or as a dead letter where the subscription blocks on these. */
export interface BlockedKey {
  readonly subscription: string
  readonly partitionKey: string
  readonly reason: 'retry' | 'dead'
  /** How many messages wait, the failed one included. */
  readonly waiting: number
  readonly oldestSequence: number
  /** When the next attempt is due; null where nothing but `redrive` helps. */
  readonly nextAttemptAt: Date | null
  readonly lastError: string
}

export interface SubscriptionStatus {
  readonly name: string
  /** Messages it has not handled yet, those nobody has begun with included; dead ones not. */
  readonly backlog: number
  /** Of those the ones that failed and wait for their next attempt. */
  readonly retrying: number
  readonly dead: number
  /** How old the oldest message of the backlog is; null without one. */
  readonly oldestAgeMs: number | null
}

/** One loop of a relay that has shown itself of late, in this process or another. */
export interface RelayMember {
  readonly owner: string
  readonly host: string
  readonly pid: number
  readonly subscriptions: readonly string[]
  /** How many slots it holds, over all its subscriptions. */
  readonly slots: number
  readonly aliveForMs: number
}

export interface OutboxStatus {
  readonly messages: number
  readonly subscriptions: readonly SubscriptionStatus[]
  readonly relays: readonly RelayMember[]
}

/** Where a replay begins: with the message of this sequence, or of an event made at this time, that one included. */
export type ReplayFrom = { readonly sequence: number } | { readonly time: Date }

/** An outbox as an operator sees it. */
export interface OutboxDesk {
  status(): Promise<OutboxStatus>
  /** Dead letters, oldest first. @param limit default 100, at most 10,000 */
  dead(filter?: LetterFilter & { readonly limit?: number }): Promise<readonly DeadLetter[]>
  blockedKeys(filter?: Pick<LetterFilter, 'subscription'>): Promise<readonly BlockedKey[]>
  /** Lets dead letters be tried again, with all their attempts. @returns How many. */
  redrive(filter?: LetterFilter): Promise<number>
  /** Deletes dead letters for good. @returns How many. */
  discard(filter?: LetterFilter): Promise<number>
  /** Hands messages that are still kept (see `retentionMs`) to a subscription once more. @returns How many. */
  replay(from: ReplayFrom, filter: LetterFilter & { readonly subscription: string }): Promise<number>
  /** Events as they are recorded, the last `count` first, then new ones until the signal aborts or the loop is left. */
  tail(options?: {
    readonly count?: number
    readonly type?: string
    readonly follow?: boolean
    readonly abortSignal?: AbortSignal
  }): AsyncIterable<CloudEvent>
}
