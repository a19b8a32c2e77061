/**
 * Hooks for one entity class.
 *
 * Knows nothing of how a flush runs. Invariant: every method here does nothing, so an extension overrides only what it needs, and only
 * overridden hooks are ever called.
 *
 * @module
 */
import type { DataSource, EntityMetadata } from 'typeorm'
import type { BulkStatement } from './bulk-statement.js'
import type { EntityClass } from './entity-types.js'
import { extensionFactory, type ExtensionFactory, type OptionNames } from './extension-factory.js'
import type { EntityState, Session } from './session.js'
import type { Awaitable, Token } from './token.js'

/** One mapped class of one DataSource, as its extensions see it. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- an extension takes the mapper of any entity it fits
export interface Mapper<E extends object = any> {
  readonly target: EntityClass<E> | string
  readonly metadata: EntityMetadata
  readonly dataSource: DataSource
  /** @throws {ConfigurationError} RESOLVER_MISSING when no `resolve` was given to install or sessionSubscriber. */
  resolve<T>(token: Token<T>): T
  readonly extensions: readonly MapperExtension<E>[]
}

declare const entityType: unique symbol

/**
 * Base class of hooks for one entity class; list subclasses with `@Extensions(A, B)` or `mapper(Entity, { extensions: [A, B] })`.
 *
 * Built once per DataSource and mapped class, before the first hook of that class runs. All hooks may be sync or async and run strictly
 * one after another in listed order; an error stops the flush and reaches the caller as thrown. Override as methods or as class fields.
 *
 * @example
 * class Slug extends MapperExtension<Article> {
 *   override beforeInsert(article: Article) { article.slug = article.title.toLowerCase() }
 * }
 */
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- the default of a contravariant parameter
export abstract class MapperExtension<E extends object = any> {
  /** Makes E contravariant: methods alone are bivariant and would let an extension of a subclass onto its base. */
  declare protected readonly [entityType]?: (entity: E) => void

  /** The options this class knows, when it wants them checked where it is listed: `{ from: 'required', to: 'optional' }`. */
  static readonly optionNames?: OptionNames

  /** Not Mapper<E>: that would make E invariant and refuse an extension of a wider type. */
  readonly mapper: Mapper

  constructor(mapper: Mapper<E>) {
    this.mapper = mapper
  }

  /**
   * This class together with its options, to be listed.
   *
   * @throws {ConfigurationError} EXTENSION_OPTION_UNKNOWN · EXTENSION_OPTION_MISSING when the class declares `optionNames` and they do not fit.
   * @example
   * @Extensions(SlugFrom.with({ from: 'title' }))
   */
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- owner and options take the types of the subclass
  static with<C extends new (mapper: any, options: any) => MapperExtension<any>>(
    this: C,
    options: ConstructorParameters<C>[1],
  ): ExtensionFactory<InstanceType<C>> {
    return extensionFactory<InstanceType<C>>(this as never, options)
  }

  /* eslint-disable @typescript-eslint/no-unused-vars -- the names are the documentation */

  /** Before the flush sends anything, once per new entity. Own columns and relations set here are written; throw to veto the flush. */
  beforeInsert(entity: E, state: EntityState<E>, session: Session): Awaitable {}
  /** After all statements of the flush, in the same transaction: generated keys and columns are known. Own changes made here go into a flush before the commit. */
  afterInsert(entity: E, state: EntityState<E>, session: Session): Awaitable {}
  /** Before the flush sends anything, once per changed entity; also when only a many-to-many changed. `state.changes` says what. */
  beforeUpdate(entity: E, state: EntityState<E>, session: Session): Awaitable {}
  /** After all statements of the flush, in the same transaction. `state.changes` says what was written. */
  afterUpdate(entity: E, state: EntityState<E>, session: Session): Awaitable {}
  /** Before the flush sends anything, once per entity to delete. Columns changed here are not written: the row goes. */
  beforeDelete(entity: E, state: EntityState<E>, session: Session): Awaitable {}
  /** After all statements of the flush, in the same transaction. TypeORM has cleared the key of the entity: read `state.key`. */
  afterDelete(entity: E, state: EntityState<E>, session: Session): Awaitable {}
  /** Before the flush sends anything, once per entity to soft-remove. Columns set here are written with it. */
  beforeSoftRemove(entity: E, state: EntityState<E>, session: Session): Awaitable {}
  /** After all statements of the flush, in the same transaction. */
  afterSoftRemove(entity: E, state: EntityState<E>, session: Session): Awaitable {}
  /** Before the flush sends anything, once per entity to recover. Columns set here are written with it. */
  beforeRecover(entity: E, state: EntityState<E>, session: Session): Awaitable {}
  /** After all statements of the flush, in the same transaction. */
  afterRecover(entity: E, state: EntityState<E>, session: Session): Awaitable {}
  /** After a query has loaded the entity with its relations, before the caller gets it. Not for the reads TypeORM makes inside save. Changes made here are not written by themselves. */
  afterLoad(entity: E, state: EntityState<E>, session: Session): Awaitable {}
  /** Before a statement that writes this class by query, after the session's beforeBulk. Throw to veto it. */
  beforeBulk(statement: BulkStatement<E>, session: Session): Awaitable {}
  /** After it has run, before the session's afterBulk; `statement.affected` is known. Not called when the statement fails. */
  afterBulk(statement: BulkStatement<E>, session: Session): Awaitable {}
  /* eslint-enable @typescript-eslint/no-unused-vars */
}
