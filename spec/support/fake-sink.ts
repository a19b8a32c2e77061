/**
 * An identity map as small as can be, where a session would be: one object for each row, filled with what later queries read of it.
 *
 * @module
 */
import { keyText, type Image } from '../../lib/session/entity-map.js'
import type { LoadedRow, LoadSink } from '../../lib/session/persistence.js'

export class FakeSink implements LoadSink {
  readonly instances = new Map<string, object>()
  /** Every call, in order. */
  readonly rows: LoadedRow[] = []

  take(row: LoadedRow): object {
    this.rows.push(row)
    const { map, entity } = row
    const text = `${map.identity} ${keyText(map.keyOf(entity))}`
    const known = this.instances.get(text)
    if (known === undefined) this.instances.set(text, entity)
    else for (const part of [...map.columns, ...map.toOnes, ...map.collections]) fill(part, known, entity)
    return known ?? entity
  }

  /** Of the last row read for this object, by relation. */
  keysOf(entity: object): Record<string, Image | null | undefined> {
    const { map, foreignKeys } = this.rows.findLast((row) => this.instances.get(textOf(row)) === entity)!
    return Object.fromEntries(map.toOnes.map((relation, index) => [relation.path, foreignKeys[index]]))
  }
}

function textOf({ map, entity }: LoadedRow): string {
  return `${map.identity} ${keyText(map.keyOf(entity))}`
}

interface Part {
  get(entity: object): unknown
  set(entity: object, value: unknown): void
}

function fill(part: Part, known: object, fresh: object): void {
  if (part.get(known) === undefined && part.get(fresh) !== undefined) part.set(known, part.get(fresh))
}
