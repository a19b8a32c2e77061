/**
 * What one transaction has written so far, with marks at savepoints.
 *
 * Knows no database. Invariant: entries behind a mark are cut together; nothing is ever inserted before the end; a row is one change, made
 * when somebody first asks for it.
 *
 * @module
 */
import type { Change } from '../mapper/change.js'
import { netChanges } from './net-changes.js'
import { rowChange, type RowWritten } from './row-change.js'

export class Journal {
  #net: readonly Change[] | undefined
  readonly #rows: RowWritten[]
  /** Of the first rows, as far as they have been asked for. */
  readonly #changes: Change[]

  constructor(rows: RowWritten[] = [], changes: Change[] = []) {
    this.#rows = rows
    this.#changes = changes
  }

  get entries(): readonly Change[] {
    return this.since(0)
  }

  /** Folded when it is asked for: the same list until something is added or cut off. */
  get net(): readonly Change[] {
    return (this.#net ??= netChanges(this.entries))
  }

  /** What came after the mark. */
  since(mark: number): readonly Change[] {
    for (let index = this.#changes.length; index < this.#rows.length; index++) this.#changes.push(rowChange(this.#rows[index]!))
    return Object.freeze(this.#changes.slice(mark))
  }

  /** Where the journal stands now, to cut back to. */
  get mark(): number {
    return this.#rows.length
  }

  append(rows: readonly RowWritten[]): void {
    this.#net = undefined
    rows.forEach((row) => this.#rows.push(row))
  }

  /** Takes off what came after the mark. */
  cut(mark: number): Journal {
    this.#net = undefined
    return new Journal(this.#rows.splice(mark), this.#changes.splice(mark))
  }
}
