/**
 * The parts of TypeORM that are not exported, found and checked by feature.
 *
 * The only file that names them, and the only one that bridges `connection` (0.3) and `dataSource` (1.x). Invariant: when anything is
 * missing or shaped differently, `internalsOf` answers undefined and the subscriber's own hooks take over.
 *
 * @module
 */
import { DataSource, type EntityMetadata, type QueryRunner } from 'typeorm'
import type { Broadcaster } from 'typeorm/subscriber/Broadcaster.js'
import type { BroadcasterResult } from 'typeorm/subscriber/BroadcasterResult.js'
import type { ColumnMetadata } from 'typeorm/metadata/ColumnMetadata.js'
import type { Subject } from 'typeorm/persistence/Subject.js'
import type { QueryExpressionMap } from 'typeorm/query-builder/QueryExpressionMap.js'

export type { Broadcaster, BroadcasterResult, ColumnMetadata, Subject }

/** SubjectExecutor with the members TypeORM declares protected. */
export interface Executor {
  allSubjects: Subject[]
  insertSubjects: Subject[]
  updateSubjects: Subject[]
  removeSubjects: Subject[]
  softRemoveSubjects: Subject[]
  recoverSubjects: Subject[]
  hasExecutableOperations: boolean
  readonly queryRunner: QueryRunner
  readonly options?: { readonly listeners?: boolean; readonly reload?: boolean }
  execute(): Promise<void>
  recompute(): void
  broadcastBeforeEventsForAll(): BroadcasterResult
  broadcastAfterEventsForAll(): BroadcasterResult
}

export interface PersistRun {
  entity: unknown
  queryRunner?: QueryRunner
  options?: { readonly listeners?: boolean; readonly transaction?: boolean; readonly [key: symbol]: unknown }
  readonly connection?: DataSource
  readonly dataSource?: DataSource
  execute(): Promise<void>
}

export interface WriteBuilder {
  readonly expressionMap: QueryExpressionMap
  queryRunner?: QueryRunner
  readonly connection?: DataSource
  readonly dataSource?: DataSource
  returning(columns: string[]): unknown
  execute(): Promise<{ raw?: unknown; affected?: number | null; generatedMaps?: object[]; identifiers?: object[] }>
}

type SubjectOptions = Partial<
  Pick<Subject, 'canBeInserted' | 'canBeUpdated' | 'mustBeRemoved' | 'canBeSoftRemoved' | 'canBeRecovered' | 'parentSubject'>
>
type Build = { build(): void }
export type PersistMode = 'save' | 'remove' | 'soft-remove' | 'recover'

export interface Internals {
  readonly Subject: new (options: { metadata: EntityMetadata; entity?: object; identifier?: object } & SubjectOptions) => Subject
  readonly SubjectExecutor: { readonly prototype: Executor }
  readonly EntityPersistExecutor: { readonly prototype: PersistRun }
  readonly SubjectDatabaseEntityLoader: new (runner: QueryRunner, subjects: Subject[]) => { load(mode: PersistMode): Promise<void> }
  readonly SubjectChangedColumnsComputer: new () => { computeDiffColumns(subject: object): void }
  readonly SubjectTopologicalSorter: new (subjects: Subject[]) => { sort(direction: 'insert' | 'delete'): Subject[] }
  readonly CascadesSubjectBuilder: new (subjects: Subject[]) => { build(subject: Subject, mode: PersistMode): void }
  readonly OneToManySubjectBuilder: new (subjects: Subject[]) => Build
  readonly OneToOneInverseSideSubjectBuilder: new (subjects: Subject[]) => Build
  readonly ManyToManySubjectBuilder: new (subjects: Subject[]) => Build & { buildForAllRemoval(subject: Subject): void }
  readonly BroadcasterResult: new () => BroadcasterResult
  readonly writeBuilders: readonly { readonly prototype: WriteBuilder }[]
}

const PERSISTENCE = [
  'Subject',
  'SubjectExecutor',
  'EntityPersistExecutor',
  'SubjectDatabaseEntityLoader',
  'SubjectChangedColumnsComputer',
  'SubjectTopologicalSorter',
] as const
const BUILDERS = [
  'CascadesSubjectBuilder',
  'OneToManySubjectBuilder',
  'OneToOneInverseSideSubjectBuilder',
  'ManyToManySubjectBuilder',
] as const
const WRITE_BUILDERS = ['InsertQueryBuilder', 'UpdateQueryBuilder', 'DeleteQueryBuilder', 'SoftDeleteQueryBuilder'] as const

let loaded: Internals | undefined | null = null

/** The internals of the TypeORM that made this DataSource, or undefined where they are not ours to use: a second copy, or an unknown layout. */
export function internalsOf(dataSource: DataSource): Internals | undefined {
  if (!(dataSource instanceof DataSource)) return undefined
  if (loaded === null) loaded = load()
  return loaded
}

function load(): Internals | undefined {
  try {
    const found: Record<string, unknown> = {}
    for (const name of PERSISTENCE) found[name] = part(`typeorm/persistence/${name}.js`, name)
    for (const name of BUILDERS) found[name] = part(`typeorm/persistence/subject-builder/${name}.js`, name)
    found['BroadcasterResult'] = part('typeorm/subscriber/BroadcasterResult.js', 'BroadcasterResult')
    found['writeBuilders'] = WRITE_BUILDERS.map((name) => part(`typeorm/query-builder/${name}.js`, name))
    return isKnown(found) ? found : undefined
  } catch {
    return undefined
  }
}

function part(path: string, name: string): unknown {
  // eslint-disable-next-line @typescript-eslint/no-require-imports -- a static import would make an unknown layout fail at load
  return (require(path) as Record<string, unknown>)[name]
}

function isKnown(found: Record<string, unknown>): found is Record<string, unknown> & Internals {
  const wanted: readonly [unknown, readonly string[]][] = [
    [found['SubjectExecutor'], ['execute', 'recompute', 'broadcastBeforeEventsForAll', 'broadcastAfterEventsForAll']],
    [found['EntityPersistExecutor'], ['execute']],
    [found['SubjectDatabaseEntityLoader'], ['load']],
    [found['SubjectChangedColumnsComputer'], ['computeDiffColumns']],
    ...(found['writeBuilders'] as unknown[]).map((builder): [unknown, readonly string[]] => [builder, ['execute']]),
  ]
  return wanted.every(([owner, methods]) =>
    methods.every((method) => typeof (owner as { prototype?: Record<string, unknown> } | undefined)?.prototype?.[method] === 'function'),
  )
}

/** `dataSource` in 1.x, `connection` in 0.3. */
export function dataSourceOf(part_: object): DataSource | undefined {
  const { dataSource, connection } = part_ as { dataSource?: DataSource; connection?: DataSource }
  return dataSource ?? connection
}

/** How deep in transactions a runner believes to be; protected in TypeORM, missing in no runner read. */
export function depthOf(runner: QueryRunner): number {
  return (runner as unknown as { transactionDepth?: number }).transactionDepth ?? (runner.isTransactionActive ? 1 : 0)
}

export function driverTypeOf(dataSource: DataSource): string {
  return dataSource.options.type
}

const SINGLE_CONNECTION = new Set(['sqlite', 'better-sqlite3', 'sqljs', 'expo', 'capacitor', 'cordova', 'react-native', 'nativescript'])

/** Whether all query runners of a driver share one connection. */
export function hasSingleConnection(dataSource: DataSource): boolean {
  return SINGLE_CONNECTION.has(driverTypeOf(dataSource))
}

/**
 * Calls `fn` once TypeORM has built metadata and subscribers of a DataSource that is being initialised, before it touches the schema.
 *
 * @returns Takes that back, where it has not come to it.
 */
export function onceBuilt(dataSource: DataSource, fn: () => void): () => void {
  const building = dataSource as unknown as { buildMetadatas?: () => Promise<void> }
  const { buildMetadatas } = building
  if (typeof buildMetadatas !== 'function') return () => undefined
  const isOwn = Object.hasOwn(building, 'buildMetadatas')
  const ours = async () => {
    await buildMetadatas.call(dataSource)
    restore()
    fn()
  }
  const restore = () => {
    if (building.buildMetadatas !== ours) return
    if (isOwn) building.buildMetadatas = buildMetadatas
    else delete building.buildMetadatas
  }
  building.buildMetadatas = ours
  return restore
}
