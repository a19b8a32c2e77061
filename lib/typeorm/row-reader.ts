/**
 * Reads rows by key the way TypeORM itself reads before a save.
 *
 * Invariant: no listener hears of it; soft-deleted rows are found too; to-one relations come as keys.
 *
 * @module
 */
import type { EntityMetadata, ObjectLiteral, QueryRunner, SelectQueryBuilder } from 'typeorm'

/** How many keys one query names; every database read takes that many parameters for keys of up to five parts. */
const KEYS_PER_QUERY = 150

/** The rows that are there, as instances of their concrete classes. */
export async function readRows(runner: QueryRunner, metadata: EntityMetadata, keys: readonly ObjectLiteral[]): Promise<object[]> {
  const rows: object[] = []
  for (const some of chunksOfKeys(keys)) rows.push(...(await rowQuery(runner, metadata).whereInIds(some).getMany()))
  return rows
}

export function rowQuery(runner: QueryRunner, metadata: EntityMetadata): SelectQueryBuilder<ObjectLiteral> {
  const relations = metadata.relationsWithJoinColumns.map((relation) => relation.propertyPath)
  return runner.manager
    .getRepository<ObjectLiteral>(metadata.target)
    .createQueryBuilder()
    .setFindOptions({ loadEagerRelations: false, loadRelationIds: { relations, disableMixedMap: true }, withDeleted: true })
    .callListeners(false)
}

export function chunksOfKeys<T>(keys: readonly T[]): T[][] {
  return Array.from({ length: Math.ceil(keys.length / KEYS_PER_QUERY) }, (_none, index) =>
    keys.slice(index * KEYS_PER_QUERY, (index + 1) * KEYS_PER_QUERY),
  )
}
