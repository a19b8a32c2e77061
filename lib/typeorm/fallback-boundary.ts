/**
 * The flush boundary made of subscriber events alone.
 *
 * All before-events of one persistence run come in one synchronous burst whose promises TypeORM awaits together: the first event opens the
 * flush, the end of the burst runs it. Invariant: every event of a burst gets the same promise, so TypeORM waits for the whole.
 *
 * @module
 */
import type { QueryRunner } from 'typeorm'
import { runInFrame } from '../core/async-frame.js'
import { currentSilence } from '../core/silence.js'
import type { UnitSession } from '../session/session-base.js'
import { Flush } from '../session/flush.js'
import { unitOf } from './data-source-patch.js'
import { EventSource, type RowEvent } from './event-source.js'
import type { Installation } from './installation.js'
import type { RunnerUnit } from './runner-unit.js'

export const NOT_GUARANTEED = [
  "TypeORM's other subscribers run at the same time as the hooks, not before them",
  'relations changed by hooks are not written, nor are entities added to a running flush before the commit',
  'a change of a many-to-many collection alone is not seen',
  'statements by query fire no bulk hooks, and insert() looks like save()',
  'the journal trusts TypeORM, not the affected rows',
] as const

interface Gathered {
  readonly flush: Flush
  readonly source: EventSource
  readonly session: UnitSession
  readonly isOwnCommit: boolean
  before: Promise<void> | undefined
  after: Promise<void> | undefined
}

const gathered = new WeakMap<QueryRunner, Gathered>()

/** A before-event. @returns What TypeORM is to wait for. */
export function beforeRow(installation: Installation, runner: QueryRunner, event: RowEvent): Promise<void> | undefined {
  const unit = unitOf(runner, installation)
  if (unit.flushing > 0 || currentSilence() !== undefined) return undefined
  let burst = gathered.get(runner)
  if (burst?.before === undefined || burst.after !== undefined || burst.flush.phase !== 'before' || !openBursts.has(burst))
    burst = open(installation, unit)
  burst.source.put(event)
  return burst.before
}

const openBursts = new WeakSet<Gathered>()

function open(installation: Installation, unit: RunnerUnit): Gathered {
  const isOwnCommit = !unit.runner.isTransactionActive
  const session = isOwnCommit ? unit.beginWrite() : unit.sessionInTransaction()!
  const source = new EventSource(installation, session)
  const burst: Gathered = { flush: new Flush(session, source), source, session, isOwnCommit, before: undefined, after: undefined }
  gathered.set(unit.runner, burst)
  openBursts.add(burst)
  burst.before = Promise.resolve().then(async () => {
    openBursts.delete(burst)
    await runInFrame(burst.flush.frame(), () => burst.flush.before())
    for (const [kind, entity] of source.later) session.takeLater(kind, entity)
  })
  return burst
}

/** An after-event: the first one of a burst runs the whole. */
export function afterRow(installation: Installation, runner: QueryRunner): Promise<void> | undefined {
  const burst = gathered.get(runner)
  if (burst === undefined || unitOf(runner, installation).flushing > 0) return undefined
  burst.after ??= Promise.resolve().then(async () => {
    gathered.delete(runner)
    await runInFrame(burst.flush.frame(), () => burst.flush.after())
    if (!burst.isOwnCommit) return
    await burst.session.writePending()
    unitOf(runner, installation).endWrite(burst.session)
    await burst.session.committed()
  })
  return burst.after
}
