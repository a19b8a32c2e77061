/**
 * The net changes of a transaction, as they are just before its commit, for those who must tell them inside of it.
 *
 * Invariant: a change is told once, in whatever transaction or level of the session; a row is told again only when it was written again since.
 *
 * @module
 */
import type { Change } from '../mapper/change.js'
import { netChanges } from './net-changes.js'

export class UntoldChanges {
  readonly #told = new WeakSet<Change>()

  /** The net changes of what the journal has got since it was last asked for. */
  take(journal: readonly Change[]): readonly Change[] {
    const untold = journal.filter((change) => !this.#told.has(change))
    untold.forEach((change) => this.#told.add(change))
    return untold.length === 0 ? [] : netChanges(untold)
  }
}
