/**
 * Who may flush on a query runner, and when.
 *
 * Knows no SQL. Invariant: flushes of one runner follow one another; one started by a hook takes its turn among those of that hook's
 * flush, so that it never waits for the flush it is part of.
 *
 * @module
 */
import { Mutex } from 'async-mutex'
import { FrameSlot, runInFrame, type SlotValue } from '../core/async-frame.js'

/** What turns are taken on: a runner, or the turn of the flush whose hooks are running. */
export interface TurnKeeper {
  turns?: Mutex
}

/** The turn of one flush on its runner; ends with it. */
export interface Turn extends TurnKeeper {
  readonly unit: TurnKeeper
  /** The transaction level it runs in. */
  readonly level: object | undefined
  isOver: boolean
}

const slot = new FrameSlot<Turn>('turn')

function keeperFor(unit: TurnKeeper): TurnKeeper {
  const turn = slot.get()
  return turn?.unit === unit && !turn.isOver ? turn : unit
}

/** Runs `fn` when all turns asked for before are over. */
export function takeTurn<T>(unit: TurnKeeper, fn: () => Promise<T>): Promise<T> {
  const keeper = keeperFor(unit)
  keeper.turns ??= new Mutex()
  return keeper.turns.runExclusive(fn)
}

/** Waits until all turns asked for so far are over; nothing where none is. */
export function turnsOver(unit: TurnKeeper): Promise<void> | undefined {
  const { turns } = keeperFor(unit)
  return turns?.isLocked() === true ? turns.runExclusive(() => undefined) : undefined
}

/** Whether the present call is part of a turn in this level: then that turn cannot be waited for. */
export function isTurnIn(unit: TurnKeeper, level: object): boolean {
  const turn = slot.get()
  return turn?.unit === unit && !turn.isOver && turn.level === level
}

/** Runs `fn` as a turn, with these frames and its own. */
export function runAsTurn<T>(turn: Turn, frames: readonly SlotValue[], fn: () => Promise<T>): Promise<T> {
  return runInFrame([...frames, slot.with(turn)], fn).finally(() => (turn.isOver = true))
}
