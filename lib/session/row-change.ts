/**
 * One row's change, as plain data with a few questions it answers.
 *
 * Knows neither SQL nor entities' insides beyond the images it was given. Invariant: frozen from the start; `changed` names exactly the
 * properties in `changes` and the collections in `relations`.
 *
 * @module
 */
import { inspect } from 'node:util'
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
  /** Whether any of these is not automatic, where that can be told without making the images; of an update. */
  readonly hasOwnChange?: boolean
  readonly relations: Readonly<Record<string, RelationChange>>
}

const NO_CHANGES: Image = Object.freeze({})

class RowChange {
  readonly kind: ChangeKind
  readonly entity: object
  readonly target: Change['target']
  readonly table: string
  readonly key: Image
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
    this.relations = written.relations
    Object.freeze(this)
  }

  static rowOf(change: object): RowWritten | undefined {
    return #written in change ? change.#written : undefined
  }

  // ---- asked for by few, and dear where there are many rows

  get before(): Image | null {
    return this.#written.before
  }

  get after(): Image | null {
    return this.#written.after
  }

  get changes(): Image {
    return (this.#changes ??= changesOf(this.#written))
  }

  get changedPaths(): readonly string[] {
    return Object.freeze(this.#written.changed)
  }

  changed(name: string): boolean {
    return this.#written.changed.includes(name) || Object.hasOwn(this.relations, name)
  }

  is(target: unknown): boolean {
    return this.#written.map.isA(target)
  }

  /** All of it as plain data, since a copy of a getter's object is none of what it answers. */
  toJSON(): object {
    const { kind, table, key, before, after, changes, relations, entity } = this
    return { kind, table, key, before, after, changes, relations, entity }
  }

  [inspect.custom](): object {
    return this.toJSON()
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
  const changes: Record<string, unknown> = {}
  for (const path of changed) changes[path] = Object.freeze({ from: before?.[path], to: after?.[path] })
  return Object.freeze(changes)
}

function describeChanges(change: RowChange): string {
  const names = [...change.changedPaths, ...Object.keys(change.relations)]
  return change.kind === 'delete' || names.length === 0 ? '' : ` (${names.join(', ')})`
}

function stringifyValue(_key: string, value: unknown): unknown {
  return typeof value === 'bigint' ? String(value) : value
}
