/**
 * Tells TypeORM's own listeners and subscribers of rows that a session writes.
 *
 * Makes the events TypeORM makes of its subjects, out of plain rows. Invariant: when it returns or throws, no listener is running any more.
 *
 * @module
 */
import type { DataSource, QueryRunner } from 'typeorm'
import type { ChangeKind } from '../mapper/change.js'
import type { EntityMap, Image } from '../session/entity-map.js'
import type { ListenedRow } from '../session/persistence.js'
import { copyOf } from './column-values.js'
import { metadataOf } from './entity-maps.js'
import type { BroadcasterResult } from './internals.js'
import { broadcastAll, settleAll, type Listened } from './listeners.js'

/** Whether anyone but flushpoint's own subscriber would hear of rows of these classes. */
export function hasRowListeners(dataSource: DataSource, maps: Iterable<EntityMap>): boolean {
  if (dataSource.subscribers.length > 1) return true
  for (const map of maps) if (metadataOf(map).listeners.length > 0) return true
  return false
}

const KINDS: readonly ChangeKind[] = ['insert', 'update', 'delete', 'softRemove', 'recover']

/** Calls them in the order TypeORM does: by kind, then by row. @returns How many were called; their first error is thrown as it was. */
export async function notifyOfRows(runner: QueryRunner, when: 'before' | 'after', rows: readonly ListenedRow[]): Promise<number> {
  const kinds = KINDS.map((kind) => [kind, rows.filter((row) => row.kind === kind).map(listenedOf)] as const)
  const burst = { broadcaster: runner.broadcaster, when, kinds }
  return settleAll(newResult(), (result) => broadcastAll(burst, result))
}

/** What broadcasters fill; TypeORM's own class is not exported. */
function newResult(): BroadcasterResult {
  const result: BroadcasterResult = {
    count: 0,
    promises: [],
    wait: async () => {
      await Promise.all(result.promises)
      return result
    },
  }
  return result
}

function listenedOf({ map, entity, key, before, changed }: ListenedRow): Listened {
  const metadata = metadataOf(map)
  return {
    metadata,
    entity,
    databaseEntity: before === null ? undefined : entityOf(map, { ...key, ...before }),
    diffColumns: metadata.columns.filter((column) => changed.includes(column.propertyPath)),
    diffRelations: metadata.relations.filter((relation) => changed.includes(relation.propertyPath)),
    identifier: key,
  } as Listened
}

/** An entity as TypeORM would have read it before the write: to-one relations as keys. */
function entityOf(map: EntityMap, image: Image): object {
  const entity = map.create()
  for (const property of [...map.columns, ...map.toOnes]) {
    const value = image[property.path]
    if (value !== undefined) property.set(entity, copyOf(value))
  }
  return entity
}
