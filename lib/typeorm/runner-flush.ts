/**
 * Runs one persistence run of TypeORM as one flush of a session.
 *
 * Decides which session it belongs to, whose turn it is, and what is undone when it fails; the order inside is the Flush's. Invariant:
 * flushes of one runner never overlap, except that one started by a hook runs inside the flush of that hook.
 *
 * @module
 */
import type { EntityMetadata } from 'typeorm'
import { currentSilence } from '../core/silence.js'
import type { SessionPoint, UnitSession } from '../session/session-base.js'
import { Flush, type FlushOwner } from '../session/flush.js'
import { NO_SESSION_HOOKS } from '../session/session-extension.js'
import { SubjectSource } from './subject-source.js'
import type { Executor, Internals, Subject } from './internals.js'
import type { Level, RunnerUnit } from './runner-unit.js'
import { runAsTurn, takeTurn, type Turn } from './turns.js'

export interface FlushRun {
  readonly unit: RunnerUnit
  readonly executor: Executor
  readonly internals: Internals
  /** The level of the caller's transaction; undefined when the save that runs has begun its own, whose rollback undoes everything. */
  readonly joined: Level | undefined
  /** TypeORM's own execution, which calls {@link flushOf} back around its SQL. */
  proceed(): Promise<void>
}

interface Running {
  readonly flush: Flush
  readonly source: SubjectSource
  readonly unit: RunnerUnit
  readonly session: UnitSession
  readonly isOwnCommit: boolean
  /** The level its statements belong in. */
  readonly level: Level | undefined
}

/** Kept on the executor itself, which lives for one run. */
const RUNNING = Symbol('flushpoint.running')
type Attached = Executor & { [RUNNING]?: Running | undefined }

/** Runs the flush in its turn; where nobody could see it, it is left to TypeORM. */
export function runFlush(run: FlushRun): Promise<void> {
  if (isUnobserved(run)) return run.proceed()
  if (run.unit.ownedByWrite && run.joined === undefined) return runNow(run) // nobody else has this runner
  return takeTurn(run.unit, () => runNow(run))
}

/** In a transaction of its own, without extension, listener or subscriber, nothing is left that could ask what was written. */
function isUnobserved({ unit, executor, joined }: FlushRun): boolean {
  if (joined !== undefined || unit.session !== undefined || unit.installation.extensions.length > 0) return false
  return !hasObservers(unit, new Set(executor.allSubjects.map((subject) => subject.metadata)))
}

function hasObservers(unit: RunnerUnit, metadatas: Iterable<EntityMetadata>): boolean {
  const { installation } = unit
  if (installation.dataSource.subscribers.length > 1) return true
  for (const metadata of metadatas)
    if (metadata.listeners.length > 0 || installation.mappers.hooksOf(metadata).instances.length > 0) return true
  return false
}

async function runNow(run: FlushRun): Promise<void> {
  const { unit, executor, joined } = run
  unit.assertStillIn(joined, 'a save')
  const isOwnCommit = !unit.runner.isTransactionActive
  const session = isOwnCommit ? unit.beginWrite() : unit.sessionInTransaction()!
  const isQuiet = currentSilence() === 'hooks'
  const source = new SubjectSource({ executor, session, isQuiet, installation: unit.installation, internals: run.internals })
  const flush = new Flush(isQuiet ? quietOwner(session) : session, source)
  const current = { flush, source, unit, session, isOwnCommit, level: unit.currentLevel }
  const turn: Turn = { unit, level: current.level, isOver: false }
  ;(executor as Attached)[RUNNING] = current
  unit.flushing++
  try {
    if (isQuiet || !needsFrame(current)) await runToEnd(current, () => execute(run, current))
    else await runAsTurn(turn, flush.frame(), () => runToEnd(current, () => execute(run, current)))
  } finally {
    ;(executor as Attached)[RUNNING] = undefined
    unit.flushing--
  }
}

async function runToEnd(current: Running, flush: () => Promise<void>): Promise<void> {
  const { session, isOwnCommit } = current
  let isDone = false
  try {
    await flush()
    if (isOwnCommit) await session.writePending()
    isDone = true
  } finally {
    if (isOwnCommit) await endOwnCommit(current, isDone)
  }
}

/** A flush that only keeps the journal: withoutExtensions({ journal: true }). */
function quietOwner(session: UnitSession): FlushOwner {
  return {
    session,
    hooks: NO_SESSION_HOOKS,
    frame: () => [],
    recordWritten: (rows) => void session.recordWritten(rows),
    writeLater: () => undefined,
  }
}

/** The frame costs something on every promise, so it is entered only where a hook or listener could look at it. */
function needsFrame({ session, source, unit }: Running): boolean {
  return session.hooks.instances.length > 0 || hasObservers(unit, source.metadatas())
}

async function execute(run: FlushRun, { flush, source, unit, session }: Running): Promise<void> {
  const writesBefore = unit.writes
  const savepoint = unit.installation.savepoints && run.joined !== undefined && unit.isOpen ? await openSavepoint(unit) : undefined
  try {
    await run.proceed()
  } catch (error) {
    const failedPhase = flush.phase
    unit.writing = undefined
    flush.fail()
    if (failedPhase === 'sql') session.recordWritten(await source.writtenUntilFailure())
    if (savepoint !== undefined) await undoTo(unit, savepoint, session)
    else if (failedPhase === 'after' || (failedPhase === 'before' && unit.writes > writesBefore)) unit.doom(error)
    throw error
  }
  if (savepoint !== undefined) await unit.runner.query(`RELEASE SAVEPOINT ${savepoint.name}`)
}

interface Savepoint {
  readonly name: string
  readonly point: SessionPoint
}

let savepoints = 0

async function openSavepoint(unit: RunnerUnit): Promise<Savepoint> {
  const name = `flushpoint_${++savepoints}`
  await unit.runner.query(`SAVEPOINT ${name}`)
  return { name, point: unit.session!.point }
}

async function undoTo(unit: RunnerUnit, { name, point }: Savepoint, session: UnitSession): Promise<void> {
  await unit.runner.query(`ROLLBACK TO SAVEPOINT ${name}`)
  await unit.runner.query(`RELEASE SAVEPOINT ${name}`)
  unit.failedStatement = undefined
  await session.undoneTo(point)
}

/** Without a transaction each statement has committed by itself, also those before a failure. */
async function endOwnCommit({ unit, session }: Running, isDone: boolean): Promise<void> {
  unit.endWrite(session)
  await (isDone || session.mark > 0 ? session.committed() : session.rolledBack())
}

/** What TypeORM's burst before the SQL is replaced by. */
export async function beforeSql(executor: Executor): Promise<void> {
  const { flush, source, unit, level } = (executor as Attached)[RUNNING]!
  await flush.before()
  unit.assertStillIn(level, 'a save')
  unit.writing = source
  unit.writes++
}

/** What TypeORM's burst after the SQL is replaced by. */
export async function afterSql(executor: Executor): Promise<void> {
  const { flush, unit } = (executor as Attached)[RUNNING]!
  unit.writing = undefined
  await flush.after()
}

/** A subject was written by another statement than its own. */
export function noteWritten(executor: Executor, subject: Subject): void {
  ;(executor as Attached)[RUNNING]?.source.noteWritten(subject)
}

export function isRunning(executor: Executor): boolean {
  return (executor as Attached)[RUNNING] !== undefined
}

/** Whether a run is to be left to TypeORM alone: asked for by its options, or by withoutExtensions. */
export function isSilenced(executor: Executor): boolean {
  return executor.options?.listeners === false || currentSilence() === 'all'
}
