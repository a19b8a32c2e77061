/**
 * One row's change, as plain data with a few questions it answers.
 *
 * Knows neither SQL nor entities' insides beyond the images it was given. Invariant: frozen from the start; `changed` names exactly the
 * properties in `changes` and the collections in `relations`.
 *
 * @module
 */
import type { Change, ChangeKind, RelationChange } from '../mapper/change.js'
import type { Image, RowMap } from './entity-map.js'

/** What was written to one row, told at SQL time. */
export interface RowWritten {
  readonly kind: ChangeKind
  readonly entity: object
  readonly map: RowMap
  readonly key: Image
  readonly before: Image | null
  readonly after: Image | null
  /** Paths of the properties that were written with another value. */
  readonly changed: readonly string[]
  readonly relations: Readonly<Record<string, RelationChange>>
}

const NO_CHANGES: Image = Object.freeze({})

class RowChange {
  readonly kind: ChangeKind
  readonly entity: object
  readonly target: Change['target']
  readonly table: string
  readonly key: Image
  readonly before: Image | null
  readonly after: Image | null
  readonly relations: Readonly<Record<string, RelationChange>>
  readonly #written: RowWritten
  #changes: Image | undefined

  constructor(written: RowWritten) {
    this.#written = written
    this.kind = written.kind
    this.entity = written.entity
    this.target = written.map.target
    this.table = written.map.table
    this.key = written.key
    this.before = written.before
    this.after = written.after
    this.relations = written.relations
    Object.freeze(this)
  }

  static rowOf(change: object): RowWritten | undefined {
    return #written in change ? change.#written : undefined
  }

  get changes(): Image {
    return (this.#changes ??= changesOf(this.#written))
  }

  changed(name: string): boolean {
    return Object.hasOwn(this.changes, name) || Object.hasOwn(this.relations, name)
  }

  is(target: unknown): boolean {
    return this.#written.map.isA(target)
  }

  toString(): string {
    return `${this.kind} ${this.table} ${JSON.stringify(this.key, stringifyValue)}${describeChanges(this)}`
  }
}

/** A frozen {@link Change} of what was written. */
export function rowChange(written: RowWritten): Change {
  return new RowChange(written) as unknown as Change
}

/** What a change was made from; the journal folds these. */
export function rowWrittenOf(change: Change): RowWritten {
  return RowChange.rowOf(change)!
}

function changesOf({ before, after, changed }: RowWritten): Image {
  if (changed.length === 0) return NO_CHANGES
  return Object.freeze(Object.fromEntries(changed.map((path) => [path, Object.freeze({ from: before?.[path], to: after?.[path] })])))
}

function describeChanges(change: RowChange): string {
  const names = [...Object.keys(change.changes), ...Object.keys(change.relations)]
  return change.kind === 'delete' || names.length === 0 ? '' : ` (${names.join(', ')})`
}

function stringifyValue(_key: string, value: unknown): unknown {
  return typeof value === 'bigint' ? String(value) : value
}
