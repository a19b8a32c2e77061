/**
 * One entity of a flush from the moment its plan was sealed: what is sent for it, what the database makes of it, and the way back.
 *
 * It is also what the journal keeps of it. Invariant: all it tells is from pictures taken at the flush, so that it may be asked at any time
 * later, and is made only where somebody asks.
 *
 * @module
 */
import { isEqual } from '../core/is-equal.js'
import type { ChangeKind } from '../mapper/change.js'
import type { Draft } from './draft.js'
import { type ColumnMap, type EntityMap, type Image } from './entity-map.js'
import type { WriteRow } from './persistence.js'
import type { RowWritten } from './row-change.js'
import type { Mark, SessionWork } from './session-work.js'
import { imageOfPicture, openBaselineOf, withReadSince, type Baseline, type OpenBaseline, type Tracked } from './tracked.js'

const NOTHING: Image = Object.freeze({})
const NO_RELATIONS: RowWritten['relations'] = Object.freeze({})

/** A value the flush has put on the entity, and the one it has put there before. */
interface Filling {
  readonly column: ColumnMap
  readonly former: unknown
  readonly snapshot: unknown
  readonly earlier: Filling | undefined
}

/** What was written, as it is told. */
type Told = Pick<RowWritten, 'before' | 'after' | 'changed'>

/** The columns of one class as a flush fills them in. */
export class ColumnPlaces {
  readonly map: EntityMap
  readonly byPath: ReadonlyMap<string, number>
  /** Those that are null where an INSERT does not give them. */
  readonly leftEmpty: readonly number[]

  constructor(map: EntityMap) {
    const { columns } = map
    this.map = map
    this.byPath = new Map(columns.map(({ path }, index) => [path, index]))
    this.leftEmpty = [...columns.keys()].filter((index) => {
      const { isNullable, isInsertable, isFilledIn } = columns[index]!
      return isNullable && isInsertable && !isFilledIn
    })
  }
}

export class SealedRow implements RowWritten {
  readonly draft: Draft
  /** What sets the entity's values. */
  readonly row: WriteRow | undefined
  /** What was in the database. */
  readonly was: Baseline | undefined
  /** What is sent, and becomes what is in the database now; of a row that goes there is none. */
  readonly is: OpenBaseline | undefined
  key: Image = NOTHING
  relations = NO_RELATIONS
  #formerKey: Image | undefined = undefined
  #mark: Mark | undefined = undefined
  #filled: Filling | undefined = undefined
  #told: Told | undefined = undefined

  constructor(draft: Draft, row: WriteRow | undefined) {
    const { map, entity, baseline } = draft.tracked
    this.draft = draft
    this.row = row
    this.was = baseline
    this.is = draft.kind === 'delete' ? undefined : openBaselineOf(map, entity)
  }

  get kind(): ChangeKind {
    return this.draft.kind
  }

  get tracked(): Tracked {
    return this.draft.tracked
  }

  get entity(): object {
    return this.draft.tracked.entity
  }

  get map(): EntityMap {
    return this.draft.tracked.map
  }

  // ---- once the statements have run

  /** Puts keys, dates and versions on the entity, unless somebody has set them meanwhile. */
  fillIn(made: Image, places: ColumnPlaces): void {
    for (const path in made) {
      const index = places.byPath.get(path)
      if (index !== undefined) this.#fill(index, made[path])
    }
    if (this.kind === 'insert' && this.row !== undefined && places.leftEmpty.length > 0) this.#fillEmpty(this.row, made, places)
  }

  #fillEmpty({ values }: WriteRow, made: Image, places: ColumnPlaces): void {
    places.leftEmpty.forEach((index) => {
      const { path, relationPath } = this.map.columns[index]!
      const isGiven = path in values || (relationPath !== undefined && relationPath in values)
      if (!isGiven && !(path in made)) this.#fill(index, null)
    })
  }

  #fill(index: number, value: unknown): void {
    const { entity, map, is } = this
    const column = map.columns[index]!
    const former = column.get(entity)
    const isAsSent = column.isSame(former, is!.values[index])
    const snapshot = column.snapshotOf(value)
    is!.values[index] = snapshot
    if (!isAsSent) return
    column.set(entity, value)
    this.#filled = { column, former, snapshot, earlier: this.#filled }
  }

  /** The row is there, and looks like this. */
  settle(work: SessionWork): void {
    const { tracked, kind } = this
    this.#formerKey = tracked.key
    this.#mark = work.marks.get(tracked)
    tracked.baseline = this.is
    if (kind === 'insert') tracked.key = tracked.map.keyOf(tracked.entity)
    this.key = tracked.key ?? NOTHING
    work.becomeManaged(tracked)
    if (this.#mark !== undefined && this.#mark !== kind) work.remark(tracked, this.#mark)
  }

  /** The row is gone. */
  leave(work: SessionWork): void {
    const { tracked } = this
    this.#mark = work.marks.get(tracked)
    this.key = tracked.key ?? NOTHING
    work.becomeDeleted(tracked)
  }

  /** The entity waits to be written again. */
  undo(work: SessionWork): void {
    const { tracked, was, is } = this
    if (is === undefined) work.becomeManaged(tracked)
    else if (was === undefined) work.becomeNew(tracked, this.#formerKey)
    else tracked.baseline = withReadSince(was, is, tracked.baseline)
    if (this.#mark !== undefined && !work.marks.has(tracked)) work.remark(tracked, this.#mark)
  }

  /** Takes off the entity what {@link fillIn} has put on it. */
  empty(): void {
    const { entity } = this
    for (let filling = this.#filled; filling !== undefined; filling = filling.earlier) {
      const { column, former, snapshot } = filling
      if (column.isSame(column.get(entity), snapshot)) column.set(entity, former)
    }
  }

  // ---- what was written

  get before(): Image | null {
    return this.#tell().before
  }

  get after(): Image | null {
    return this.#tell().after
  }

  get changed(): readonly string[] {
    return this.#tell().changed
  }

  /** Compares what it can without copies: most changes are of texts and numbers. */
  get hasOwnChange(): boolean {
    const { map, was, is } = this
    const sent = this.row?.values ?? NOTHING
    const isOther = ({ path, isAutomatic }: ColumnMap, index: number) => {
      const now = is!.values[index]
      return !isAutomatic && typeof now !== 'object' && path in sent && !isEqual(now, was!.values[index])
    }
    if (was !== undefined && is !== undefined && map.columns.some(isOther)) return true
    return this.changed.some((path) => !map.automatic.includes(path))
  }

  #tell(): Told {
    if (this.#told !== undefined) return this.#told
    const { map, was, is } = this
    const before = was === undefined ? null : imageOfPicture(map, was, was.keys)
    const after = is === undefined ? null : imageOfPicture(map, is, is.keys)
    return (this.#told = { before, after, changed: this.#changed(before, after) })
  }

  #changed(before: Image | null, after: Image | null): readonly string[] {
    if (after === null) return []
    if (this.kind === 'insert') return Object.keys(after)
    const { automatic, deleteDate } = this.map
    const isOther = (path: string) => !isEqual(before?.[path], after[path])
    const sent = Object.keys(this.row?.values ?? NOTHING).filter((path) => isOther(path))
    const isSoft = deleteDate !== undefined && (this.kind === 'softRemove' || this.kind === 'recover')
    if (automatic.length === 0 && !isSoft) return sent
    return [...new Set([...sent, ...automatic.filter(isOther), ...(isSoft ? [deleteDate.path] : [])])]
  }
}
