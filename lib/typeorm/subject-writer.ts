/**
 * Lets one run of TypeORM's SubjectExecutor write many entities of a class by sets of rows: the option `fastWrites`.
 *
 * Takes only what a statement for all means the same for as one for each; everything else stays TypeORM's. Invariant: groups are written in
 * the order TypeORM would write them in, and what the database made of a row gets where TypeORM looks for it.
 *
 * @module
 */
import type { EntityMetadata } from 'typeorm'
import { keyText, type EntityMap, type Image } from '../session/entity-map.js'
import { orderOfKeys } from '../session/plan-order.js'
import type { StepKind, WriteRow } from '../session/persistence.js'
import { entityMapOf } from './entity-maps.js'
import { dataSourceOf, type Executor, type Subject } from './internals.js'
import { setPath } from './property-access.js'
import { readPath, type Nested } from './row-values.js'
import { StepWriter } from './step-writer.js'
import { strategyOf } from './sets/strategy-of.js'
import { WrittenRows } from './written-rows.js'

type Operation =
  | 'executeInsertOperations'
  | 'executeUpdateOperations'
  | 'executeRemoveOperations'
  | 'executeSoftRemoveOperations'
  | 'executeRecoverOperations'
type List = 'insertSubjects' | 'updateSubjects' | 'removeSubjects' | 'softRemoveSubjects' | 'recoverSubjects'
type Operating = Executor & Record<Operation, () => Promise<void>>

const OPERATIONS: readonly (readonly [Operation, List, StepKind])[] = [
  ['executeInsertOperations', 'insertSubjects', 'insert'],
  ['executeUpdateOperations', 'updateSubjects', 'update'],
  ['executeRemoveOperations', 'removeSubjects', 'delete'],
  ['executeSoftRemoveOperations', 'softRemoveSubjects', 'softRemove'],
  ['executeRecoverOperations', 'recoverSubjects', 'recover'],
]

/** Has this run write by sets; `noteWritten` hears of each subject whose row was there. */
export function writeInSets(executor: Executor, noteWritten: (subject: Subject) => void): void {
  if (strategyOf(dataSourceOf(executor.queryRunner)!) === undefined) return
  const operating = executor as Operating
  if (OPERATIONS.some(([operation]) => typeof operating[operation] !== 'function')) return
  for (const [operation, list, kind] of OPERATIONS) {
    const original = operating[operation]
    const leave = async (subjects: Subject[]) => {
      const all = executor[list]
      executor[list] = subjects
      await original.call(executor).finally(() => (executor[list] = all))
    }
    operating[operation] = () => new SubjectWriter(executor, kind, noteWritten).write(executor[list], leave)
  }
}

class SubjectWriter {
  readonly #executor: Executor
  readonly #kind: StepKind
  readonly #noteWritten: (subject: Subject) => void

  constructor(executor: Executor, kind: StepKind, noteWritten: (subject: Subject) => void) {
    this.#executor = executor
    this.#kind = kind
    this.#noteWritten = noteWritten
  }

  /** Neighbours that are left to TypeORM go there together. */
  async write(subjects: readonly Subject[], leave: (subjects: Subject[]) => Promise<void>): Promise<void> {
    let left: Subject[] = []
    for (const group of groupsOf(subjects)) {
      if (!isForSets(this.#kind, group)) {
        left.push(...group)
        continue
      }
      if (left.length > 0) await leave(left)
      left = []
      await this.#writeGroup(group)
    }
    if (left.length > 0) await leave(left)
  }

  async #writeGroup(group: readonly Subject[]): Promise<void> {
    const map = entityMapOf(group[0]!.metadata)
    const sent = new Map(group.map((subject) => [this.#rowOf(subject, map), subject]))
    const rows = [...sent.keys()]
    if (this.#kind !== 'insert') rows.sort(orderOfKeys)
    const written = new WrittenRows()
    const step = { kind: this.#kind, map, relation: undefined, rows }
    const missed = new Set(await new StepWriter(this.#executor.queryRunner, written).writeWhatIsThere(step))
    for (const [row, subject] of sent) if (!missed.has(row)) this.#written(subject, row, written.made.get(row))
  }

  #rowOf(subject: Subject, map: EntityMap): WriteRow {
    const values = this.#kind === 'insert' || this.#kind === 'update' ? subject.createValueSetAndPopChangeMap() : {}
    if (this.#kind === 'insert') subject.insertedValueSet = values
    const key = this.#kind === 'insert' ? undefined : (subject.identifier as Image)
    return { map, entity: subject.entity!, key, values: byPath(map, values as Nested), version: undefined, isSupplement: false }
  }

  #written(subject: Subject, row: WriteRow, made: Image = {}): void {
    this.#noteWritten(subject)
    if (this.#kind === 'delete') return
    const generated: Nested = {}
    for (const [path, value] of Object.entries(made)) setPath(generated, path, value)
    subject.generatedMap = Object.assign(subject.generatedMap ?? {}, generated)
    if (this.#kind !== 'insert') return
    emptyDeleteDate(subject, row)
    const inserted = subject.insertedValueSet as Nested
    for (const [path, value] of Object.entries(made)) setPath(inserted, path, value)
    subject.identifier = row.map.keyOf(inserted)
  }
}

/** TypeORM reads it back, and null is what an entity holds afterwards. */
function emptyDeleteDate({ generatedMap, metadata }: Subject, { values }: WriteRow): void {
  const path = metadata.deleteDateColumn?.propertyPath
  if (path !== undefined && values[path] === undefined) setPath(generatedMap as Nested, path, null)
}

/** As TypeORM groups them: by class, in the order in which classes first appear. */
function groupsOf(subjects: readonly Subject[]): Iterable<Subject[]> {
  const groups = new Map<EntityMetadata, Subject[]>()
  for (const subject of subjects) {
    const group = groups.get(subject.metadata)
    if (group === undefined) groups.set(subject.metadata, [subject])
    else group.push(subject)
  }
  return groups.values()
}

/**
 * Rows of junctions and trees, rows named by a condition only, rows that refer to each other, two objects of one row, keys of one's own and changes of
 * unique values stay TypeORM's.
 */
function isForSets(kind: StepKind, group: readonly Subject[]): boolean {
  const [{ metadata }] = group as [Subject]
  const map = entityMapOf(metadata)
  if (group.length < 2 || metadata.isJunction || map.isTree) return false
  if (group.some((subject) => subject.entity === undefined)) return false
  if (kind === 'insert')
    return group.every((subject) => subject.changeMaps.length > 0 && !refersTo(subject, metadata) && !givesKey(subject))
  const keys = new Set(group.map(({ identifier }) => (identifier === undefined ? undefined : keyText(map.keyOf(identifier)))))
  return keys.size === group.length && !keys.has(undefined) && !keys.has('null') && !group.some((subject) => changesUnique(subject, map))
}

/** TypeORM leaves out a key that counts up, whatever was given. */
function givesKey({ changeMaps }: Subject): boolean {
  return changeMaps.some(({ column }) => column?.isGenerated === true && column.generationStrategy === 'increment')
}

/** A value that may be there once is free only after the row that has it was written, and the order of rows is the caller's. */
function changesUnique({ changeMaps }: Subject, { uniques }: EntityMap): boolean {
  const unique = new Set(uniques.flat())
  return changeMaps.some(({ column, relation }) => unique.has((relation ?? column)!.propertyPath))
}

function refersTo({ changeMaps }: Subject, metadata: EntityMetadata): boolean {
  return changeMaps.some(({ relation }) => relation?.inverseEntityMetadata.tablePath === metadata.tablePath)
}

function byPath(map: EntityMap, nested: Nested): Record<string, unknown> {
  const values: Record<string, unknown> = {}
  for (const { path } of [...map.columns, ...map.toOnes]) {
    const value = readPath(nested, path)
    if (value !== undefined) values[path] = value
  }
  return values
}
