/**
 * Writes nodes of trees through TypeORM's own persistence, which keeps closure rows, paths and nested sets.
 *
 * Used only where the shape of a tree changes: other values of a node are written like those of any row. Invariant: TypeORM gets a
 * stand-in made of the row's values, never the entity, and no listener or extension hears of its statements.
 *
 * @module
 */
import type { QueryRunner } from 'typeorm'
import { withoutExtensions } from '../core/silence.js'
import type { Image } from '../session/entity-map.js'
import type { StepKind, WriteRow, WriteStep } from '../session/persistence.js'
import { metadataOf } from './entity-maps.js'
import { dataSourceOf, internalsOf, type Executor, type Internals, type Subject } from './internals.js'
import { setPath } from './property-access.js'
import { readRows } from './row-reader.js'
import { readPath, type Nested, type RowValues } from './row-values.js'

type ExecutorClass = new (runner: QueryRunner, subjects: Subject[], options: { listeners: false }) => Executor

/** Whether this changes the shape of a tree. */
export function isKeptByTree({ kind, relation }: Pick<WriteStep, 'kind' | 'relation'>, row: WriteRow): boolean {
  if (!row.map.isTree || relation !== undefined) return false
  if (kind === 'insert' || kind === 'delete') return true
  const parent = metadataOf(row.map).treeParentRelation
  return kind === 'update' && parent !== undefined && row.values[parent.propertyPath] !== undefined
}

export class TreeWriter {
  readonly #runner: QueryRunner
  readonly #values: RowValues

  constructor(runner: QueryRunner, values: RowValues) {
    this.#runner = runner
    this.#values = values
  }

  /** @returns What the database made of the row. */
  async write(kind: StepKind, row: WriteRow): Promise<Image> {
    const subject = await this.#subject(kind, row)
    const SubjectExecutor = this.#internals.SubjectExecutor as unknown as ExecutorClass
    const executor = new SubjectExecutor(this.#runner, [subject], { listeners: false })
    await withoutExtensions({ journal: true }, () => executor.execute())
    return kind === 'delete' ? {} : madeOf(row, subject)
  }

  get #internals(): Internals {
    return internalsOf(dataSourceOf(this.#runner)!)!
  }

  async #subject(kind: StepKind, row: WriteRow): Promise<Subject> {
    const metadata = metadataOf(row.map)
    const { Subject } = this.#internals
    if (kind === 'insert') return new Subject({ metadata, entity: this.#standIn(row), canBeInserted: true })
    const key = this.#values.keyOf(row)
    if (kind === 'delete') {
      const subject = new Subject({ metadata, entity: copyOfKey(key), mustBeRemoved: true })
      subject.identifier = key
      return subject
    }
    const subject = new Subject({ metadata, entity: Object.assign(this.#standIn(row), key), canBeUpdated: true })
    subject.databaseEntity = (await readRows(this.#runner, metadata, [key]))[0]!
    subject.databaseEntityLoaded = true
    return subject
  }

  /** Relations are set where TypeORM looks for them, lazy ones too. */
  #standIn(row: WriteRow): Nested {
    const standIn = this.#values.nest(row)
    for (const relation of row.map.toOnes) {
      const target = readPath(standIn, relation.path)
      if (target !== undefined && relation.isLazy) relation.set(standIn, target)
    }
    return standIn
  }
}

function copyOfKey(key: Image): Nested {
  const copy: Nested = {}
  for (const [name, part] of Object.entries(key)) setPath(copy, name, part)
  return copy
}

function madeOf(row: WriteRow, subject: Subject): Image {
  const made: Record<string, unknown> = {}
  const { generatedMap } = subject
  if (generatedMap === undefined) return made
  for (const column of row.map.columns) {
    const value = column.get(generatedMap)
    // a generated key may replace one that was given
    if (value !== undefined && (row.values[column.path] === undefined || column.isKey)) made[column.path] = value
  }
  return made
}
