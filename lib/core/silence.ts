/**
 * Switches extensions off for one call and what it awaits.
 *
 * Knows no hook. Invariant: silence ends with the function it was given; it never leaks to the caller.
 *
 * @module
 */
import { FrameSlot } from './async-frame.js'

export interface SilenceOptions {
  /** Keeps the journal, so that afterCommit of an outer scope still hears of these rows. @defaultValue `false` */
  readonly journal?: boolean
}

export type Silence = 'all' | 'hooks'

const slot = new FrameSlot<Silence>('silence')

/**
 * Runs `fn` with no extension hook firing: for fixtures and imports. TypeORM's own listeners and subscribers still run.
 *
 * Rows written inside do not enter the journal either, unless `{ journal: true }` is given.
 *
 * @example
 * await withoutExtensions(() => repository.save(fixtures))
 * await withoutExtensions({ journal: true }, () => repository.save(fixtures))
 */
export function withoutExtensions<T>(fn: () => T): T
export function withoutExtensions<T>(options: SilenceOptions, fn: () => T): T
export function withoutExtensions<T>(first: SilenceOptions | (() => T), second?: () => T): T {
  const [options, fn] = typeof first === 'function' ? [{}, first] : [first, second!]
  const silence: Silence = options.journal === true ? 'hooks' : 'all'
  return slot.run(slot.get() === 'all' ? 'all' : silence, fn)
}

/** Whether the present call is silenced, and how far. */
export function currentSilence(): Silence | undefined {
  return slot.get()
}
