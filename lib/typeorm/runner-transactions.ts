/**
 * BEGIN, COMMIT, ROLLBACK and release of one query runner, with sessions told of what really happened on the server.
 *
 * Mends on the way what TypeORM leaves broken: a nested begin that fails, an after-commit listener that throws, a COMMIT the server
 * answers with ROLLBACK, a release with an open transaction. Invariant: hooks never decide about an outcome that the server has decided.
 *
 * @module
 */
import { Mutex } from 'async-mutex'
import { messageOf, TransactionError } from '../core/errors.js'
import { depthOf } from './internals.js'
import { markOpenedByHand, openedByHand, unitFrameOf } from './unit-frame.js'
import type { Level, RunnerUnit } from './runner-unit.js'
import { isTurnIn, turnsOver } from './turns.js'

type Control = () => Promise<void>

const POSTGRES_FAMILY = new Set(['postgres', 'cockroachdb', 'aurora-postgres'])

/** `startTransaction`: takes its turn on a single connection, then begins. */
export function begin(unit: RunnerUnit, start: Control): Promise<void> {
  unit.adopt()
  if (unit.isOpen || unit.opened === undefined) return beginLevel(unit, start)
  const begun = beginLevel(unit, start)
  const over = () => {
    if (unit.beginning === beginning) unit.beginning = undefined
  }
  const beginning = begun.then(over, over)
  unit.beginning = beginning
  return begun
}

function beginLevel(unit: RunnerUnit, start: Control): Promise<void> {
  const { queue } = unit.installation
  if (unit.isOpen && unit.session?.hasPending === true)
    return unit.session.beforeSavepoint().then(
      () => beginNow(unit, start),
      (error: unknown) => {
        unit.levels.push({ neverStarted: error })
        throw error
      },
    )
  if (!unit.isOpen && queue === undefined && unit.opened !== undefined) return beginAlone(unit, start)
  if (unit.isOpen || queue === undefined) return beginNow(unit, start)
  const opener = openedByHand()
  const isByHand = !unit.ownedByWrite && unitFrameOf(unit.installation.dataSource)?.unit !== unit
  const begun = beginInTurn(unit, start, opener)
  if (isByHand) markOpenedByHand(unit, unit)
  return begun
}

/** What a session is asked at the same time still is one transaction after another. */
async function beginAlone(unit: RunnerUnit, start: Control): Promise<void> {
  unit.giveBack = await (unit.outermost ??= new Mutex()).acquire()
  try {
    await beginNow(unit, start)
  } catch (error) {
    if (!unit.isOpen && !unit.runner.isTransactionActive) unit.endTransaction()
    throw error
  }
}

async function beginInTurn(unit: RunnerUnit, start: Control, opener: ReturnType<typeof openedByHand>): Promise<void> {
  unit.giveBack = await unit.installation.queue!.acquire(unit, 'a transaction of its own', opener)
  try {
    await beginNow(unit, start)
  } catch (error) {
    if (!unit.isOpen && !unit.runner.isTransactionActive) unit.endTransaction()
    throw error
  }
}

async function beginNow(unit: RunnerUnit, start: Control): Promise<void> {
  const wasNested = unit.isOpen
  const depth = depthOf(unit.runner)
  const outer = unit.isControlling
  unit.isControlling = true
  try {
    await start()
  } catch (error) {
    const sent = depthOf(unit.runner) > depth
    if (!sent && !wasNested && unit.runner.isTransactionActive) await sendRollback(unit)
    beginFailed(unit, { error, wasNested, sent })
    throw error
  } finally {
    unit.isControlling = outer
  }
  const told = levelBegun(unit)
  if (told !== undefined) await told
}

function levelBegun(unit: RunnerUnit): void | Promise<void> {
  unit.pushLevel(unit.takeJoining())
  const session = unit.session
  if (session === undefined && unit.installation.extensions.length === 0) return
  const scope = session === undefined ? unit.sessionInTransaction()!.scope! : session.beginLevel()
  const { hooks } = unit.session!
  return hooks.has('afterBegin') ? unit.session!.inFrame(() => hooks.run('afterBegin', scope)) : undefined
}

/**
 * TypeORM declares the whole runner idle when a nested begin fails before its SAVEPOINT. The outer level is still open, so it is kept,
 * and the rollback that TypeORM sends next belongs to the level that never started.
 */
function beginFailed(unit: RunnerUnit, { error, wasNested, sent }: { error: unknown; wasNested: boolean; sent: boolean }): void {
  if (sent) {
    unit.pushLevel({})
    unit.session?.beginLevel()
  } else if (wasNested) {
    Object.assign(unit.runner, { isTransactionActive: true })
    unit.levels.push({ neverStarted: error })
  }
}

/** `commitTransaction`. */
export async function commit(unit: RunnerUnit, send: Control): Promise<void> {
  unit.adopt()
  await nestedOver(unit, false)
  const level = unit.levels.at(-1)
  if (level === undefined) return send()
  await settled(unit, level)
  refuseUncommittable(unit, level)
  const isOutermost = unit.levels.length === 1
  if (isOutermost || level.session !== undefined) {
    if (unit.session?.needsBeforeCommit === true) await unit.session.beforeCommit()
    refuseUncommittable(unit, level)
    if (isOutermost && unit.failedStatement !== undefined) await probe(unit)
  } else if (unit.session?.hasPending === true) await unit.session.beforeSavepoint()
  const depth = depthOf(unit.runner)
  const outer = unit.isControlling
  unit.isControlling = true
  try {
    await send()
  } catch (error) {
    const left = depthOf(unit.runner) < depth || (isOutermost && !unit.runner.isTransactionActive)
    if (!left) throw error
    reportListener(unit, error, 'afterTransactionCommit')
  } finally {
    unit.isControlling = outer
  }
  const session = unit.session
  unit.popLevel('kept')
  if (isOutermost) {
    unit.endTransaction()
    await session?.committed()
  } else if (level.session !== undefined) level.session.releaseInto(unit.sessionInTransaction()!)
  else session?.releaseLevel()
}

/** A nested `manager.transaction` that nobody awaited still ends before the one around it: TypeORM ends whichever level is innermost. */
async function nestedOver(unit: RunnerUnit, isRollback: boolean): Promise<void> {
  const frame = unitFrameOf(unit.installation.dataSource)
  const own = frame?.unit === unit && frame.depth !== undefined ? unit.levels[frame.depth - 1] : undefined
  if (own === undefined || own === unit.levels.at(-1)) return
  if (isRollback) own.isEnding = true
  while (own.running !== undefined && own.running.size > 0) await Promise.allSettled(own.running)
}

/** What was called in a level is part of it, awaited by its caller or not; what waits for its turn in a level that rolls back is refused. */
async function settled(unit: RunnerUnit, level: Level): Promise<void> {
  const waiting = turnsOver(unit)
  if (waiting !== undefined) await waiting
  if (isTurnIn(unit, level)) return
  while (level.running !== undefined && level.running.size > 0) await Promise.allSettled(level.running)
}

function refuseUncommittable(unit: RunnerUnit, level: Level): void {
  if (level.neverStarted !== undefined)
    throw new TransactionError('TRANSACTION_LEVEL_NOT_STARTED', { cause: messageOf(level.neverStarted) }, { cause: level.neverStarted })
  if (unit.endedByServer !== undefined)
    throw new TransactionError('TRANSACTION_ENDED_BY_SERVER', { cause: messageOf(unit.endedByServer) }, { cause: unit.endedByServer })
  if (level.doomedBy !== undefined)
    throw new TransactionError('TRANSACTION_ROLLBACK_ONLY', { cause: messageOf(level.doomedBy) }, { cause: level.doomedBy })
}

/** PostgreSQL answers COMMIT with ROLLBACK, and no error, when a statement of the transaction has failed: ask before. */
async function probe(unit: RunnerUnit): Promise<void> {
  const cause = unit.failedStatement
  if (cause === undefined || !POSTGRES_FAMILY.has(unit.installation.dataSource.options.type)) return
  try {
    await controlling(unit, () => unit.runner.query('SELECT 1'))
  } catch {
    throw new TransactionError('TRANSACTION_ROLLED_BACK', { cause: messageOf(cause) }, { cause })
  }
}

/** `rollbackTransaction`. */
export async function rollback(unit: RunnerUnit, send: Control): Promise<void> {
  unit.adopt()
  await nestedOver(unit, true)
  const level = unit.levels.at(-1)
  if (level?.neverStarted !== undefined) return void unit.levels.pop()
  if (level !== undefined) {
    level.isEnding = true
    await settled(unit, level)
  }
  const depth = depthOf(unit.runner)
  try {
    await controlling(unit, send)
  } catch (error) {
    if (depthOf(unit.runner) >= depth) {
      if (level !== undefined) level.isEnding = false
      throw error
    }
    reportListener(unit, error, 'afterTransactionRollback')
  }
  await levelRolledBack(unit)
}

async function levelRolledBack(unit: RunnerUnit): Promise<void> {
  if (depthOf(unit.runner) < 0) Object.assign(unit.runner, { transactionDepth: 0 })
  const { session } = unit
  unit.popLevel('undone')
  if (!unit.isOpen) unit.endTransaction()
  await session?.rolledBack()
}

/** `release`: a caller that was only lent the runner gives it back; an open transaction is rolled back before the connection goes. */
export async function release(unit: RunnerUnit, send: Control): Promise<void> {
  if (unit.lent > 0) return void unit.lent--
  if (!unit.runner.isReleased) await rollbackOpenLevels(unit)
  await send()
}

async function rollbackOpenLevels(unit: RunnerUnit): Promise<void> {
  unit.adopt()
  while (unit.isOpen) {
    const isVirtual = unit.levels.at(-1)!.neverStarted !== undefined
    if (!isVirtual && unit.levels.filter((level) => level.neverStarted === undefined).length === 1) await sendRollback(unit)
    if (isVirtual) unit.levels.pop()
    else await levelRolledBack(unit)
  }
}

async function sendRollback(unit: RunnerUnit): Promise<void> {
  try {
    await controlling(unit, () => unit.runner.query('ROLLBACK'))
  } catch {
    // a connection that cannot even roll back is lost, and with it the transaction
  }
  Object.assign(unit.runner, { isTransactionActive: false, transactionDepth: 0 })
}

function reportListener(unit: RunnerUnit, error: unknown, hook: string): void {
  unit.installation.reportListenerError(error, {
    hook,
    extension: unit.installation.dataSource,
    session: unit.session ?? unit.newSession(),
  })
}

/** Marks what runs as TypeORM's own handling of the transaction, so that its statements are not taken for the user's. */
async function controlling(unit: RunnerUnit, fn: () => Promise<unknown>): Promise<void> {
  const before = unit.isControlling
  unit.isControlling = true
  try {
    await fn()
  } finally {
    unit.isControlling = before
  }
}
