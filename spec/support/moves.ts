/**
 * Events that count up for each key, and whether they were handled in that order.
 *
 * @module
 */
import { defineEvent, track } from 'flushpoint/events'
import { subscription, type CloudEvent, type HandlerCall, type Subscription, type SubscriptionOptions } from 'flushpoint/outbox'
import type { DataSource } from 'typeorm'
import { SOON } from './relays.js'

/** The `n`-th event of all; `id` is the key it keeps its order by. */
export interface Move {
  readonly id: string
  readonly n: number
}

/** An event of a key. */
export const Moved = defineEvent<Move & { readonly filling?: string }>()('item.moved')
/** An event that keeps no order. */
export const Wandered = defineEvent<{ readonly n: number }>()('item.wandered')

/** Tells moves, in one transaction. */
export async function tellMoves(dataSource: DataSource, moves: readonly Move[]): Promise<void> {
  await dataSource.transaction(async () => moves.forEach((move) => track(new Moved(move))))
}

/** Tells events without a key, in one transaction. */
export async function tellWandered(dataSource: DataSource, numbers: readonly number[]): Promise<void> {
  await dataSource.transaction(async () => numbers.forEach((n) => track(new Wandered({ n }))))
}

/** `count` moves of so many keys in turn, counted from `first`. */
export function movesOf(keys: number, count: number, first = 0): readonly Move[] {
  return Array.from({ length: count }, (_, index) => ({ id: `k${index % keys}`, n: first + index }))
}

export type MoveHandler = (move: Move, call: HandlerCall, event: CloudEvent) => unknown

/** A subscription that hands moves to `handle`. */
export function moving(name: string, handle: MoveHandler, options: Partial<SubscriptionOptions> = {}): Subscription {
  return subscription({ name, retry: SOON, ...options, handle: (event, call) => handle(event.data as Move, call, event) })
}

/** A subscription that writes down what it has handled. */
export function noting(name: string, handled: Move[], options: Partial<SubscriptionOptions> = {}): Subscription {
  return moving(name, (move) => void handled.push(move), options)
}

export function numbersOf(moves: readonly Move[], id?: string): readonly number[] {
  return moves.filter((move) => id === undefined || move.id === id).map(({ n }) => n)
}

/** Some of the keys whose moves were not handled one after another, by the first time of each. */
export function disordered(handled: readonly Move[]): readonly string[] {
  const last = new Map<string, number>()
  const seen = new Set<number>()
  const wrong: string[] = []
  for (const { id, n } of handled) {
    if (seen.has(n)) continue
    seen.add(n)
    const before = last.get(id) ?? -1
    if (n < before) wrong.push(`${id}: ${n} after ${before}`)
    last.set(id, Math.max(n, before))
  }
  return wrong.slice(0, 10)
}

/** Numbers that were handled more than once. */
export function repeated(handled: readonly Move[]): readonly number[] {
  const counts = new Map<number, number>()
  for (const { n } of handled) counts.set(n, (counts.get(n) ?? 0) + 1)
  return [...counts].flatMap(([n, count]) => (count > 1 ? [n] : []))
}
