/**
 * Runs TypeORM's own listeners and subscribers for one persistence run.
 *
 * The same calls in the same order as TypeORM's burst, but the promises stay ours: TypeORM loses those already started when one hook
 * throws synchronously, and does not wait for the others when one rejects. Invariant: when this returns or throws, none is running any more.
 *
 * @module
 */
import type { ChangeKind } from '../mapper/change.js'
import { dataSourceOf, type BroadcasterResult, type Broadcaster, type Executor, type Internals, type Subject } from './internals.js'

/** What TypeORM's events are made of; a subject is one. */
export type Listened = Pick<Subject, 'metadata' | 'entity' | 'databaseEntity' | 'diffColumns' | 'diffRelations' | 'identifier'>
export type ListenedKinds = readonly (readonly [ChangeKind, readonly Listened[]])[]

/** @returns How many listeners were called; their first error is thrown as it was. */
export async function notifyListeners(executor: Executor, when: 'before' | 'after', internals: Internals): Promise<number> {
  if (!hasListeners(executor)) return 0
  const { broadcaster } = executor.queryRunner
  return settleAll(new internals.BroadcasterResult(), (result) => broadcastAll({ broadcaster, when, kinds: kindsOf(executor) }, result))
}

/** Runs a burst of listeners; all have settled when it returns or throws. */
export async function settleAll(result: BroadcasterResult, burst: (result: BroadcasterResult) => void): Promise<number> {
  let thrown: { readonly error: unknown } | undefined
  try {
    burst(result)
  } catch (error) {
    thrown = { error }
  }
  if (result.promises.length > 0) {
    const outcomes = await Promise.allSettled(result.promises)
    const rejected = outcomes.find((outcome) => outcome.status === 'rejected')
    if (rejected !== undefined) thrown ??= { error: rejected.reason as unknown }
  }

  if (thrown !== undefined) throw thrown.error
  return result.count
}

/** Our own subscriber is one of them, and hears nothing here. */
function hasListeners({ allSubjects, queryRunner }: Executor): boolean {
  if (dataSourceOf(queryRunner)!.subscribers.length > 1) return true
  return allSubjects.some(({ metadata }) => metadata.listeners.length > 0)
}

function kindsOf(executor: Executor): ListenedKinds {
  return [
    ['insert', executor.insertSubjects],
    ['update', executor.updateSubjects],
    ['delete', executor.removeSubjects],
    ['softRemove', executor.softRemoveSubjects],
    ['recover', executor.recoverSubjects],
  ]
}

interface Burst {
  readonly broadcaster: Broadcaster
  readonly when: 'before' | 'after'
  readonly kinds: ListenedKinds
}

/** TypeORM's own calls in TypeORM's own order. */
export function broadcastAll({ broadcaster, when, kinds }: Burst, result: BroadcasterResult): void {
  const calls = when === 'before' ? BEFORE : AFTER
  for (const [kind, rows] of kinds) for (const row of rows) calls[kind](broadcaster, result, row)
}

type Call = (broadcaster: Broadcaster, result: BroadcasterResult, row: Listened) => void

const BEFORE: Readonly<Record<ChangeKind, Call>> = {
  insert: (b, r, s) => b.broadcastBeforeInsertEvent(r, s.metadata, s.entity),
  update: (b, r, s) => b.broadcastBeforeUpdateEvent(r, s.metadata, s.entity, s.databaseEntity, s.diffColumns, s.diffRelations),
  delete: (b, r, s) => b.broadcastBeforeRemoveEvent(r, s.metadata, s.entity, s.databaseEntity, s.identifier),
  softRemove: (b, r, s) => b.broadcastBeforeSoftRemoveEvent(r, s.metadata, s.entity, s.databaseEntity, s.identifier),
  recover: (b, r, s) => b.broadcastBeforeRecoverEvent(r, s.metadata, s.entity, s.databaseEntity, s.identifier),
}

const AFTER: Readonly<Record<ChangeKind, Call>> = {
  insert: (b, r, s) => b.broadcastAfterInsertEvent(r, s.metadata, s.entity, s.identifier),
  update: (b, r, s) => b.broadcastAfterUpdateEvent(r, s.metadata, s.entity, s.databaseEntity, s.diffColumns, s.diffRelations),
  delete: (b, r, s) => b.broadcastAfterRemoveEvent(r, s.metadata, s.entity, s.databaseEntity, s.identifier),
  softRemove: (b, r, s) => b.broadcastAfterSoftRemoveEvent(r, s.metadata, s.entity, s.databaseEntity, s.identifier),
  recover: (b, r, s) => b.broadcastAfterRecoverEvent(r, s.metadata, s.entity, s.databaseEntity, s.identifier),
}
