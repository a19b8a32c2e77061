/**
 * Runs TypeORM's own listeners and subscribers for one persistence run.
 *
 * The same calls in the same order as TypeORM's burst, but the promises stay ours: TypeORM loses those already started when one hook
 * throws synchronously, and does not wait for the others when one rejects. Invariant: when this returns or throws, none is running any more.
 *
 * @module
 */
import { dataSourceOf, type BroadcasterResult, type Executor, type Internals, type Subject } from './internals.js'

type Broadcast = (result: BroadcasterResult, subject: Subject) => void

/** @returns How many listeners were called; their first error is thrown as it was. */
export async function notifyListeners(executor: Executor, when: 'before' | 'after', internals: Internals): Promise<number> {
  if (!hasListeners(executor)) return 0
  const result = new internals.BroadcasterResult()
  let thrown: { readonly error: unknown } | undefined
  try {
    broadcast(executor, when, result)
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

function broadcast(executor: Executor, when: 'before' | 'after', result: BroadcasterResult): void {
  const calls = when === 'before' ? beforeCalls(executor) : afterCalls(executor)
  for (const [subjects, call] of calls) for (const subject of subjects) call(result, subject)
}

function beforeCalls({ queryRunner: { broadcaster }, ...lists }: Executor): [readonly Subject[], Broadcast][] {
  return [
    [lists.insertSubjects, (r, s) => broadcaster.broadcastBeforeInsertEvent(r, s.metadata, s.entity)],
    [
      lists.updateSubjects,
      (r, s) => broadcaster.broadcastBeforeUpdateEvent(r, s.metadata, s.entity, s.databaseEntity, s.diffColumns, s.diffRelations),
    ],
    [lists.removeSubjects, (r, s) => broadcaster.broadcastBeforeRemoveEvent(r, s.metadata, s.entity, s.databaseEntity, s.identifier)],
    [
      lists.softRemoveSubjects,
      (r, s) => broadcaster.broadcastBeforeSoftRemoveEvent(r, s.metadata, s.entity, s.databaseEntity, s.identifier),
    ],
    [lists.recoverSubjects, (r, s) => broadcaster.broadcastBeforeRecoverEvent(r, s.metadata, s.entity, s.databaseEntity, s.identifier)],
  ]
}

function afterCalls({ queryRunner: { broadcaster }, ...lists }: Executor): [readonly Subject[], Broadcast][] {
  return [
    [lists.insertSubjects, (r, s) => broadcaster.broadcastAfterInsertEvent(r, s.metadata, s.entity, s.identifier)],
    [
      lists.updateSubjects,
      (r, s) => broadcaster.broadcastAfterUpdateEvent(r, s.metadata, s.entity, s.databaseEntity, s.diffColumns, s.diffRelations),
    ],
    [lists.removeSubjects, (r, s) => broadcaster.broadcastAfterRemoveEvent(r, s.metadata, s.entity, s.databaseEntity, s.identifier)],
    [
      lists.softRemoveSubjects,
      (r, s) => broadcaster.broadcastAfterSoftRemoveEvent(r, s.metadata, s.entity, s.databaseEntity, s.identifier),
    ],
    [lists.recoverSubjects, (r, s) => broadcaster.broadcastAfterRecoverEvent(r, s.metadata, s.entity, s.databaseEntity, s.identifier)],
  ]
}
