/**
 * Which classes of a DataSource are roots, and how the others hang on them.
 *
 * Asks mappings alone. Invariant: a class is a root or hangs on roots, never both; tables that are left out are neither.
 *
 * @module
 */
import type { DataSource, EntityMetadata } from 'typeorm'
import type { RelationMetadata } from 'typeorm/metadata/RelationMetadata.js'
import { tableNameOf } from '../../core/table-name.js'
import type { EntityRef } from '../../mapper/entity-types.js'
import type { TableFilter } from '../table-filter.js'

export interface RootChoice {
  readonly roots: readonly EntityRef[] | undefined
  readonly isExcluded: TableFilter
}

export class RootClasses {
  readonly #dataSource: DataSource
  readonly #recorded: ReadonlySet<EntityMetadata>
  readonly #roots: ReadonlySet<EntityMetadata>
  readonly #owned = new Map<EntityMetadata, readonly RelationMetadata[]>()
  readonly #pointers = new Map<EntityMetadata, readonly RelationMetadata[]>()
  readonly #nested = new Map<EntityMetadata, readonly RelationMetadata[]>()

  constructor(dataSource: DataSource, { roots, isExcluded }: RootChoice) {
    this.#dataSource = dataSource
    this.#recorded = new Set(dataSource.entityMetadatas.filter((metadata) => isTable(metadata) && !isExcluded(tableOf(metadata))))
    const chosen = roots?.map((root) => dataSource.getMetadata(root as never))
    this.#roots = new Set([...this.#recorded].filter((metadata) => chosen?.some((root) => isKindOf(metadata, root)) ?? true))
  }

  get roots(): Iterable<EntityMetadata> {
    return this.#roots
  }

  /** The mapping of a class; undefined where nothing of it is recorded. */
  recorded(target: EntityMetadata['target']): EntityMetadata | undefined {
    const metadata = this.#dataSource.getMetadata(target)
    return this.#recorded.has(metadata) ? metadata : undefined
  }

  isRoot(metadata: EntityMetadata): boolean {
    return this.#roots.has(metadata)
  }

  /** The relations of a class whose other side is, or may be, a root. */
  toRoots(metadata: EntityMetadata): readonly RelationMetadata[] {
    return remembered(this.#owned, metadata, () =>
      metadata.relations.filter(({ joinColumns, isOwning, isManyToMany, inverseEntityMetadata: other }) => {
        return isOwning && !isManyToMany && joinColumns.length > 0 && this.#mayBeRoot(other)
      }),
    )
  }

  /** The relations of roots that hold keys of this class: to-ones, and many-to-manys on the side that owns them. */
  fromRoots(metadata: EntityMetadata): readonly RelationMetadata[] {
    return remembered(this.#pointers, metadata, () => {
      const found = new Map<string, RelationMetadata>()
      for (const root of this.#roots) {
        for (const relation of root.relations) {
          const { isOwning, isManyToMany, joinColumns, inverseEntityMetadata: other } = relation
          if (!isOwning || (!isManyToMany && joinColumns.length === 0) || !isSameRow(metadata, other)) continue
          const path = `${root.tablePath} ${relation.propertyPath}`
          const known = found.get(path)
          if (known === undefined || known.entityMetadata.inheritanceTree.length > root.inheritanceTree.length) found.set(path, relation)
        }
      }
      return [...found.values()]
    })
  }

  /** The relations of a root under whose names its document has rows that are no roots. */
  nestedIn(root: EntityMetadata): readonly RelationMetadata[] {
    return remembered(this.#nested, root, () =>
      root.relations.filter(({ isOneToMany, isOneToOneNotOwner, inverseRelation, inverseEntityMetadata: other }) => {
        const isBackReference = (isOneToMany || isOneToOneNotOwner) && (inverseRelation?.joinColumns.length ?? 0) > 0
        return isBackReference && this.#recorded.has(other) && !this.#mayBeRoot(other)
      }),
    )
  }

  /** Rows of a class may be of one below it. */
  #mayBeRoot(metadata: EntityMetadata): boolean {
    return [metadata, ...metadata.childEntityMetadatas].some((one) => this.#roots.has(one))
  }
}

/** The mapping of what a row was read as, which may be a class below the one that was asked for. */
export function metadataOfRow(asked: EntityMetadata, entity: object): EntityMetadata {
  return asked.childEntityMetadatas.find(({ target }) => target === entity.constructor) ?? asked
}

function isTable({ isJunction, tableType }: EntityMetadata): boolean {
  return !isJunction && tableType !== 'view' && tableType !== 'closure-junction'
}

export function tableOf(metadata: EntityMetadata): string {
  const { driver } = metadata.connection
  return tableNameOf(driver.parseTableName(metadata), driver).table
}

function isKindOf(metadata: EntityMetadata, other: EntityMetadata): boolean {
  return metadata === other || metadata.inheritanceTree.includes(other.target as never)
}

function isSameRow(metadata: EntityMetadata, other: EntityMetadata): boolean {
  return metadata.tablePath === other.tablePath && isKindOf(metadata, other)
}

function remembered<T>(known: Map<EntityMetadata, T>, metadata: EntityMetadata, find: () => T): T {
  let found = known.get(metadata)
  if (found === undefined) known.set(metadata, (found = find()))
  return found
}
