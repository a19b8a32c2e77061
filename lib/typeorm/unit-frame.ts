/**
 * Which unit of work the present asynchronous call belongs to, per DataSource.
 *
 * Invariant: a frame points to one transaction, or to those of one session; once that has ended the frame counts for nothing, wherever it
 * may have travelled.
 *
 * @module
 */
import type { DataSource, QueryRunner } from 'typeorm'
import { FrameSlot, runInFrame, type SlotValue } from '../core/async-frame.js'
import type { QueueHolder } from './connection-queue.js'

/** A unit of work on one query runner, as far as frames need to know it. */
export interface FramedUnit {
  readonly runner: QueryRunner
  /** How many levels are open. */
  readonly depth: number
  /** The identity of its open transaction, or undefined. */
  readonly transaction: object | undefined
  /** Lends its runner to a caller that will release it. */
  join(): QueryRunner
}

/** One BEGIN or SAVEPOINT, as far as frames need to know it. */
export interface FramedLevel {
  /** How it ended; undefined while it is open. */
  outcome?: 'kept' | 'undone'
}

export interface UnitFrame {
  readonly dataSource: DataSource
  /** Bound by the first query runner made inside the frame, where the frame was there before it. */
  unit: FramedUnit | undefined
  transaction: object | undefined
  /** In a call of `manager.transaction`: the level that it began. */
  level?: FramedLevel | undefined
  /** In a call of `manager.transaction`: the depth of the level that it begins and ends. */
  readonly depth: number | undefined
  /** True in a session's own code: every transaction of its runner is meant, also those still to be begun. */
  readonly isLasting: boolean
  readonly outer: UnitFrame | undefined
}

const slot = new FrameSlot<UnitFrame>('unit')
const byHand = new FrameSlot<{ readonly holder: QueueHolder; readonly transaction: object }>('opened-by-hand')

/** The present transaction of a unit as a frame; without a unit, that of the next one begun on a runner made there. */
export function unitFrame(dataSource: DataSource, unit: FramedUnit | undefined, depth?: number): SlotValue {
  return slot.with({ dataSource, unit, transaction: unit?.transaction, depth, isLasting: false, outer: slot.get() })
}

/**
 * The unit a session was opened on as a frame.
 *
 * @param ownDepth The depth of the session's own outermost level, once that is open: a frame entered before knows it, too.
 */
export function sessionFrame(dataSource: DataSource, unit: FramedUnit, ownDepth: () => number | undefined): SlotValue {
  return slot.with(new SessionFrame(dataSource, unit, ownDepth))
}

/** A class, since several are made for each flush, and an object literal with a getter takes ten times as long to make. */
class SessionFrame implements UnitFrame {
  readonly dataSource: DataSource
  unit: FramedUnit | undefined
  transaction: object | undefined
  readonly isLasting = true
  readonly outer: UnitFrame | undefined
  readonly #ownDepth: () => number | undefined
  readonly #inherited: UnitFrame | undefined

  constructor(dataSource: DataSource, unit: FramedUnit, ownDepth: () => number | undefined) {
    const around = unitFrameOf(dataSource)
    this.dataSource = dataSource
    this.unit = unit
    this.transaction = unit.transaction
    this.outer = slot.get()
    this.#ownDepth = ownDepth
    this.#inherited = around?.unit === unit ? around : undefined
  }

  get depth(): number | undefined {
    const own = this.#ownDepth()
    return own === undefined ? this.#inherited?.depth : Math.max(own, this.#inherited?.depth ?? 0)
  }
}

/** Runs one call of `manager.transaction`; `marks` are other slots of its frame. */
export function inTransactionFrame<T>(fn: () => T, frame: Pick<UnitFrame, 'dataSource' | 'unit'>, marks: readonly SlotValue[]): T {
  const { dataSource, unit } = frame
  return runInFrame([unitFrame(dataSource, unit, (unit?.depth ?? 0) + 1), ...marks], fn)
}

/** The innermost frame of this DataSource. */
export function unitFrameOf(dataSource: DataSource): UnitFrame | undefined {
  for (let frame = slot.get(); frame !== undefined; frame = frame.outer) if (frame.dataSource === dataSource) return frame
  return undefined
}

/** The unit whose transaction the present call belongs to, if that is still open. */
export function openUnitOf(dataSource: DataSource): FramedUnit | undefined {
  const frame = unitFrameOf(dataSource)
  const transaction = frame?.unit?.transaction
  return transaction !== undefined && (frame!.isLasting || frame!.transaction === transaction) ? frame!.unit : undefined
}

/** Whether the innermost transaction around the present call that is not open any more, nor went into one that is, was rolled back. */
export function isUndoneAround(dataSource: DataSource): boolean {
  const innermost = unitFrameOf(dataSource)
  for (let frame = innermost; frame !== undefined; frame = frame.outer) {
    if (frame.dataSource !== dataSource || frame.unit !== innermost!.unit || frame.level === undefined) continue
    if (frame.level.outcome !== 'kept') return frame.level.outcome === 'undone'
  }
  return false
}

/** Remembers, for the rest of the caller's own asynchronous call, that it opened this transaction by hand. */
export function markOpenedByHand(holder: QueueHolder, transaction: object): void {
  byHand.enter({ holder, transaction })
}

export function openedByHand(): QueueHolder | undefined {
  return byHand.get()?.holder
}
