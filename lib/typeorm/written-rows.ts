/**
 * What is known of the rows of one plan while it is written: what the database made of each, and the keys that later rows refer to.
 *
 * Sends nothing. Invariant: a row is noted once it was written, never before.
 *
 * @module
 */
import type { Image } from '../session/entity-map.js'
import type { WriteRow } from '../session/persistence.js'
import { RowValues, type Nested } from './row-values.js'

export class WrittenRows {
  readonly made = new Map<WriteRow, Image>()
  readonly values = new RowValues(undefined, this.made)

  /** Notes what the database made of a row; `nested` holds what was sent. */
  note(row: WriteRow, nested: Nested, made: Image): void {
    const image = { ...this.made.get(row), ...this.values.joined(row, nested), ...made }
    this.values.remember(row, nested, image)
    if (Object.keys(image).length > 0) this.made.set(row, image)
  }

  /** The same for a row whose sent values are looked at only when another row refers to it, and that has no join columns to tell. */
  noteLater(row: WriteRow, made: Image): void {
    const before = this.made.get(row)
    this.made.set(row, before === undefined ? made : { ...before, ...made })
  }
}
