/**
 * One entity class as this layer sees it: named properties, a key, a table. Part of the port to an ORM.
 *
 * Refuses to know TypeORM's metadata. Invariant: values that `read` returns are copies where they are mutable, so an image never changes
 * after it was taken.
 *
 * @module
 */
import type { EntityClass } from '../mapper/entity-types.js'

export type Image = Readonly<Record<string, unknown>>

export interface PropertyMap {
  /** `title`, `address.city`, or the name of an owning to-one relation. */
  readonly path: string
  /** Filled in by the ORM or the database on each write: version, update date, delete date. Alone it makes no change. */
  readonly isAutomatic: boolean
  /** The value as the entity has it, copied; a relation as its key object; undefined where it was not loaded or set. */
  read(entity: object): unknown
}

export interface EntityMap {
  readonly target: EntityClass | string
  readonly name: string
  readonly table: string
  readonly properties: readonly PropertyMap[]
  readonly paths: ReadonlySet<string>
  /** Paths of the properties that are automatic. */
  readonly automatic: readonly string[]
  /** True for the class itself and those above it. */
  isA(target: unknown): boolean
}

/** The present values of an entity, without those that are undefined. */
export function imageOf(map: EntityMap, entity: object): Image {
  const image: Record<string, unknown> = {}
  for (const property of map.properties) {
    const value = property.read(entity)
    if (value !== undefined) image[property.path] = value
  }
  return image
}
