/**
 * What one transaction has written so far, with marks at savepoints.
 *
 * Knows no database. Invariant: entries behind a mark are cut together; nothing is ever inserted before the end.
 *
 * @module
 */
import type { Change } from '../mapper/change.js'
import { rowChange, type RowWritten } from './row-change.js'

export class Journal {
  #entries: Change[] = []

  get entries(): readonly Change[] {
    return Object.freeze([...this.#entries])
  }

  /** Where the journal stands now, to cut back to. */
  get mark(): number {
    return this.#entries.length
  }

  append(rows: readonly RowWritten[]): readonly Change[] {
    const changes = rows.map(rowChange)
    for (const change of changes) this.#entries.push(change)
    return changes
  }

  /** Takes off what came after the mark and returns it. */
  cut(mark: number): readonly Change[] {
    return Object.freeze(this.#entries.splice(mark))
  }
}
