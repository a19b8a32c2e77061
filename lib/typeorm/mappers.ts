/**
 * The mappers of one DataSource, each with its extension instances.
 *
 * Invariant: one mapper per mapped class, built before its first hook runs and kept until the metadata are built anew; dispatch is by the
 * entity's concrete class.
 *
 * @module
 */
import type { DataSource, EntityMetadata } from 'typeorm'
import { HookChain } from '../core/hook-chain.js'
import type { EntityClass } from '../mapper/entity-types.js'
import { buildExtension } from '../mapper/extension-list.js'
import { MapperExtension, type Mapper } from '../mapper/mapper-extension.js'
import { declarationCount, extensionsOf, MAPPER_LEVEL, type MapperExtensionInput } from '../mapper/registry.js'
import type { Resolve } from '../mapper/token.js'

export type MapperHooks = HookChain<MapperExtension>

export const NO_MAPPER_HOOKS: MapperHooks = new HookChain<MapperExtension>([], MapperExtension.prototype)

interface Built {
  readonly declared: readonly MapperExtensionInput[]
  readonly hooks: MapperHooks
}

export class Mappers {
  readonly #dataSource: DataSource
  readonly #resolve: Resolve
  #built = new Map<EntityMetadata, Built>()
  #counted: { readonly declarations: number; readonly hasAny: boolean } | undefined

  constructor(dataSource: DataSource, resolve: Resolve) {
    this.#dataSource = dataSource
    this.#resolve = resolve
  }

  /** Forgets all instances: the metadata have been built anew. */
  reset(): void {
    this.#built = new Map()
    this.#counted = undefined
  }

  /** The metadata of an entity by its concrete class; `fallback` for plain objects and schemas without class. */
  metadataOf(entity: object, fallback?: EntityMetadata): EntityMetadata | undefined {
    const target = entity.constructor
    if (fallback !== undefined && (fallback.target === target || target === Object)) return fallback
    return this.#dataSource.hasMetadata(target) ? this.#dataSource.getMetadata(target) : fallback
  }

  /** Whether any mapped class has extensions at all; counted anew when a declaration was added. */
  get hasAny(): boolean {
    const declarations = declarationCount()
    if (this.#counted?.declarations !== declarations) {
      const hasAny = this.#dataSource.entityMetadatas.some((metadata) => extensionsOf(metadata.target as EntityClass | string).length > 0)
      this.#counted = { declarations, hasAny }
    }
    return this.#counted.hasAny
  }

  hooksOf(metadata: EntityMetadata): MapperHooks {
    const declared = extensionsOf(metadata.target as EntityClass | string)
    const built = this.#built.get(metadata)
    if (built?.declared === declared) return built.hooks
    const hooks = declared.length === 0 ? NO_MAPPER_HOOKS : this.#build(metadata, declared)
    this.#built.set(metadata, { declared, hooks })
    return hooks
  }

  #build(metadata: EntityMetadata, declared: readonly MapperExtensionInput[]): MapperHooks {
    const extensions: MapperExtension[] = []
    const resolve = this.#resolve
    const mapper: Mapper = {
      target: metadata.target as Mapper['target'],
      metadata,
      dataSource: this.#dataSource,
      resolve: (token) => resolve(token),
      extensions,
    }
    for (const input of declared) extensions.push(buildExtension<MapperExtension>(input, mapper, MAPPER_LEVEL))
    return new HookChain(extensions, MapperExtension.prototype)
  }
}
