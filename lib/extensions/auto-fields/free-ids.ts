/**
 * Gives new entities ids that nobody has.
 *
 * Knows no hook. Invariant: an id is given only once the table was asked for it, and none is given to two entities of one flush; ids that
 * are there are kept.
 *
 * @module
 */
import type { EntityMetadata } from 'typeorm'
import type { ColumnMetadata } from 'typeorm/metadata/ColumnMetadata.js'
import { describeValue } from '../../core/describe-value.js'
import { DataError } from '../../core/errors.js'
import { groupBy } from '../../core/group-by.js'
import type { Session } from '../../mapper/session.js'
import type { AutoIdPlan } from './auto-field-plans.js'

/** How often an id is drawn for one entity. */
export const MAX_DRAWS = 50
/** What every supported database takes as parameters of one statement. */
const MAX_PARAMETERS = 10_000

export interface NewEntity {
  readonly entity: object
  readonly plan: AutoIdPlan
}

interface Draw extends NewEntity {
  readonly id: string
  /** As it goes into the table. */
  readonly stored: unknown
}

/** An id that was put on an entity, and what was there instead. */
export interface GivenId extends NewEntity {
  readonly id: string
  readonly before: unknown
}

/**
 * @param entities All new ones of the flush with their plans, also those that have an id.
 * @returns What was given.
 * @throws {DataError} AUTO_ID_EXHAUSTED · AUTO_ID_INVALID
 */
export async function giveIds(session: Session, entities: readonly NewEntity[]): Promise<readonly GivenId[]> {
  const tables = groupBy(entities, ({ plan }) => `${plan.root.tablePath} ${plan.column.databaseName}`)
  const draws: Draw[] = []
  for (const ofTable of tables.values()) if (ofTable.some(lacksId)) for (const one of await drawForTable(session, ofTable)) draws.push(one)
  return draws.filter(lacksId).map(give)
}

function give({ entity, plan, id }: Draw): GivenId {
  const before: unknown = plan.column.getEntityValue(entity)
  plan.column.setEntityValue(entity, id)
  return { entity, plan, id, before }
}

/** Its row is not there: another may have got the id by the time the entity is written again. An id that somebody has set since is kept. */
export function takeBack({ entity, plan: { column }, id, before }: GivenId): void {
  if (column.getEntityValue(entity) === id) column.setEntityValue(entity, before)
}

export function lacksId({ entity, plan }: NewEntity): boolean {
  const value: unknown = plan.column.getEntityValue(entity)
  return value === undefined || value === null || value === ''
}

async function drawForTable(session: Session, entities: readonly NewEntity[]): Promise<readonly Draw[]> {
  const used = new Set(entities.filter((one) => !lacksId(one)).map(({ entity, plan }) => comparable(plan.column.getEntityValue(entity))))
  const given: Draw[] = []
  let open = entities.filter(lacksId)
  for (let round = 1; open.length > 0; round++) {
    const draws = open.map((one) => draw(one, used, session))
    const taken = await takenOf(session, draws)
    for (const one of draws) if (!taken.has(one)) given.push(one)
    open = [...taken]
    if (open.length > 0 && round === MAX_DRAWS) throw exhausted(open[0]!.plan)
  }
  return given
}

/** One that was not drawn before in this flush, whether it was free or not. */
function draw({ entity, plan }: NewEntity, used: Set<string>, { dataSource }: Session): Draw {
  for (let draws = 0; draws < MAX_DRAWS; draws++) {
    const id: unknown = plan.generate()
    if (typeof id !== 'string' || id === '') throw invalid(plan, id)
    if (used.has(comparable(id))) continue
    used.add(comparable(id))
    return { entity, plan, id, stored: dataSource.driver.preparePersistentValue(id, plan.column) as unknown }
  }
  throw exhausted(plan)
}

/** The draws whose ids the table has. */
async function takenOf(session: Session, draws: readonly Draw[]): Promise<ReadonlySet<Draw>> {
  const taken = new Set<Draw>()
  for (let from = 0; from < draws.length; from += MAX_PARAMETERS) {
    const asked = draws.slice(from, from + MAX_PARAMETERS)
    const { root, column } = asked[0]!.plan
    const found = await idsThere(session, { root, column, stored: asked.map(({ stored }) => stored) })
    if (found.length === 0) continue
    const there = new Set(found.map(comparable))
    const clashes = asked.filter(({ stored }) => there.has(comparable(stored)))
    // A collation may take other texts for the same than we do: then nobody knows which of them it was.
    for (const one of clashes.length === 0 ? asked : clashes) taken.add(one)
  }
  return taken
}

interface Question {
  readonly root: EntityMetadata
  readonly column: ColumnMetadata
  readonly stored: readonly unknown[]
}

/** Softly removed rows have their ids still. */
async function idsThere({ manager }: Session, { root, column, stored }: Question): Promise<readonly unknown[]> {
  const rows = await manager
    .createQueryBuilder(root.target as never, 'row')
    .withDeleted()
    .select(`row.${column.propertyPath}`, 'id')
    .where(`row.${column.propertyPath} IN (:...ids)`, { ids: stored })
    .getRawMany<{ id: unknown }>()
  return rows.map(({ id }) => id)
}

/** Databases may fill up with blanks, and take capitals for small letters. */
function comparable(id: unknown): string {
  return String(id).trimEnd().toLowerCase()
}

function exhausted({ column }: AutoIdPlan): DataError {
  return new DataError('AUTO_ID_EXHAUSTED', { entity: column.entityMetadata.name, property: column.propertyPath, draws: MAX_DRAWS })
}

function invalid({ column }: AutoIdPlan, given: unknown): DataError {
  return new DataError('AUTO_ID_INVALID', {
    entity: column.entityMetadata.name,
    property: column.propertyPath,
    given: given === '' ? 'an empty text' : describeValue(given),
  })
}
