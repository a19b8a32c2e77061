/**
 * The session extension that fills in ids and authors before rows are written.
 *
 * Uses public hooks alone. Invariant: what is there is kept, so that every step may run again; and nothing is written only because an author
 * was put into it.
 *
 * @module
 */
import type { DataSource } from 'typeorm'
import { hasErrorCode } from '../../core/errors.js'
import type { ExtensionFactory } from '../../mapper/extension-factory.js'
import type { EntityState, Session } from '../../mapper/session.js'
import type { Awaitable } from '../../mapper/token.js'
import { keyText } from '../../session/entity-map.js'
import { SessionExtension } from '../../session/session-extension.js'
import { authorText, isEmpty, isNullable, setAuthor, type AuthorPlan } from './author-field.js'
import { plansOf, type AutoFieldPlan, type AutoFieldPlans } from './auto-field-plans.js'
import { DEFAULTS, type AutoFieldsOf, type AutoFieldsOptions, type NamedFields } from './auto-fields-options.js'
import { giveIds, lacksId, takeBack, type GivenId, type NewEntity } from './free-ids.js'

interface Touched {
  readonly plan: AuthorPlan
  readonly undo: () => void
  /** Where it was to be written for a reason that its state tells; if that goes, the author goes as well. */
  readonly isTold: boolean
}

/** The latest author that was put on an entity, over what its row had: a flush that fails leaves it there. */
const put = new WeakMap<object, { readonly author: string | undefined; readonly row: string; readonly undo: () => void }>()

/**
 * Fills in, for the classes that say so by decorators or options:
 *
 * - an id, a text drawn before the row is inserted: in `beforeFlush`, so that children of the same flush and other hooks see it. Ids are asked
 *   for in the table by one SELECT for each table and flush (of 10,000 ids at most, and one more for what joins later), and are unique in the flush; one that is taken is
 *   drawn again. It causes no autoflush. Two transactions that draw the same id at the same time are told apart by the table's key alone.
 *   A rollback takes it off the entity again, unless somebody has set another one since.
 * - the original author, when a row is inserted and nobody is there.
 * - the latest author, whenever a row is changed, also when only its many-to-many members are, or when it is softly removed or recovered
 *   (in the ambient way that is an UPDATE beside); not where the same flush sets it to somebody else. It stays empty on insert.
 *
 * The author is `context.actor`, or what `authorOf` answers: a text or number, or the `id` of an object. A to-one relation is given the actor
 * where that is an entity of the session, and else an object with the key alone: one of the class, or a plain one where the relation cascades
 * inserts; nothing is loaded. What the column cannot hold is refused with AUTHOR_UNUSABLE. Nobody is null: on update the latest author is emptied then, where the column may be null, since the one
 * before has not made this change.
 *
 * A class whose key is made of the keys of others gets no id from a class above it. Rows written by queries, or inside of
 * `withoutExtensions`, are left alone.
 *
 * @example
 * class Deal {
 *   @AutoId() @PrimaryColumn({ length: 5 }) id: string
 *   @OriginalAuthor() @Column({ nullable: true }) createdBy?: string
 *   @LatestAuthor() @ManyToOne(() => User, { nullable: true }) updatedBy?: User | null
 * }
 * sessionSubscriber({ extensions: [AutoFields] })
 * await withContext({ actor: user }, () => deals.save(deal))
 */
export class AutoFields extends SessionExtension {
  static override readonly optionNames = {
    fields: 'optional',
    generate: 'optional',
    authorOf: 'optional',
    latestAuthor: 'optional',
  } as const

  /** @throws {ConfigurationError} OPTION_UNKNOWN · OPTION_INVALID when a declaration does not fit the mappings. */
  static override checkInstall(dataSource: DataSource, options: unknown): void {
    plansOf(dataSource, (options ?? DEFAULTS) as AutoFieldsOptions)
  }

  /**
   * This class together with its options. Properties that a class does not have are refused by the compiler; for private ones, name the class
   * by its name.
   *
   * @throws {ConfigurationError} EXTENSION_OPTION_UNKNOWN
   * @example
   * AutoFields.with({ fields: [{ entity: Deal, id: 'id', latestAuthor: 'updatedBy' }] })
   */
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- owner and options take the types of the subclass
  static override with<C extends new (session: any, options: any) => SessionExtension, const F extends readonly AutoFieldsOf[] = []>(
    this: C,
    options: ConstructorParameters<C>[1] & { readonly fields?: NamedFields<F> },
  ): ExtensionFactory<InstanceType<C>> {
    return super.with.call(this as never, options) as ExtensionFactory<InstanceType<C>>
  }

  readonly #options: AutoFieldsOptions
  /** Whose latest author this flush has set. */
  readonly #touched = new Map<object, Touched>()
  /** Ids that were given before a transaction began for them. */
  #loose: readonly GivenId[] = []

  constructor(session: Session, options: AutoFieldsOptions = DEFAULTS) {
    super(session)
    this.#options = options
  }

  get #plans(): AutoFieldPlans {
    return plansOf(this.session.dataSource, this.#options)
  }

  /** A flush that failed before its transaction began has left ids whose rows are not there. */
  override beforeFlush(): Awaitable {
    this.#touched.clear()
    this.#loose.forEach(takeBack)
    this.#loose = []
    return this.#giveIds()
  }

  override afterBegin(): void {
    this.#takeBackOnRollback(this.#loose)
    this.#loose = []
  }

  override beforeInsert(entity: object, { target }: EntityState): Awaitable {
    const plan = this.#plans.get(target)
    if (plan?.originalAuthor !== undefined) this.#setOriginalAuthor(plan.originalAuthor, entity)
    return plan?.id !== undefined && lacksId({ entity, plan: plan.id }) ? this.#giveIds(entity) : undefined
  }

  override beforeUpdate(entity: object, state: EntityState): void {
    this.#setLatestAuthor(entity, state, true)
  }

  override beforeSoftRemove(entity: object, state: EntityState): void {
    this.#setLatestAuthor(entity, state, false)
  }

  override beforeRecover(entity: object, state: EntityState): void {
    this.#setLatestAuthor(entity, state, false)
  }

  /** Hooks may have taken back what was changed. */
  override beforeWrite(): void {
    for (const [entity, { plan, undo, isTold }] of this.#touched) {
      if (!isTold || this.#isChangedBeside(plan, entity)) continue
      undo()
      put.delete(entity)
      this.#touched.delete(entity)
    }
  }

  // ---- ids

  /** @param joined One that came later than the others. */
  #giveIds(joined?: object): Awaitable {
    const plans = this.#plans
    if (![...plans.values()].some(({ id }) => id !== undefined)) return
    const entities = new Set(this.session.uow.new)
    if (joined !== undefined) entities.add(joined)
    const fresh = [...entities].flatMap((entity) => {
      const plan = this.#planOf(plans, entity)?.id
      return plan === undefined ? [] : [{ entity, plan }]
    })
    return fresh.some(lacksId) ? this.#giveFreeIds(fresh) : undefined
  }

  async #giveFreeIds(fresh: readonly NewEntity[]): Promise<void> {
    const given = await giveIds(this.session, fresh)
    if (this.session.scope !== null) this.#takeBackOnRollback(given)
    else this.#loose = [...this.#loose, ...given]
  }

  #takeBackOnRollback(given: readonly GivenId[]): void {
    if (given.length > 0) this.session.onRollback(() => given.forEach(takeBack))
  }

  /** A plain object has no class of its own; its state knows. */
  #planOf(plans: AutoFieldPlans, entity: object): AutoFieldPlan | undefined {
    const known = plans.get(entity.constructor as never)
    if (known !== undefined || this.session.dataSource.hasMetadata(entity.constructor)) return known
    const target = this.#stateOf(entity)?.target
    return target === undefined ? undefined : plans.get(target)
  }

  /** What another hook has just added is not planned yet; it is met again in `beforeInsert`. */
  #stateOf(entity: object): EntityState | undefined {
    try {
      return this.session.state(entity)
    } catch (error) {
      if (hasErrorCode(error, 'ENTITY_UNKNOWN')) return undefined
      throw error
    }
  }

  // ---- authors

  #author(): unknown {
    const { context } = this.session
    const { authorOf } = this.#options
    return authorOf === undefined ? (context.actor ?? null) : authorOf(context)
  }

  readonly #isKnown = (author: object): boolean => {
    const status = this.#stateOf(author)?.status
    return status !== undefined && status !== 'detached' && status !== 'deleted'
  }

  #setOriginalAuthor(plan: AuthorPlan, entity: object): void {
    if (!isEmpty(plan, entity)) return
    const author = this.#author()
    if (author !== undefined && author !== null) setAuthor(plan, entity, { author, isKnown: this.#isKnown })
  }

  #setLatestAuthor(entity: object, state: EntityState, isUpdate: boolean): void {
    const plan = this.#plans.get(state.target)?.latestAuthor
    if (plan === undefined || this.#touched.has(entity)) return
    const { changes } = state
    if (plan.paths.some((path) => Object.hasOwn(changes, path)) && !this.#takesBack(plan, entity, state)) return
    if (this.#options.latestAuthor === 'once' && isSomebodyThere(plan, entity, state)) return
    const author = this.#author()
    if (author === undefined || (author === null && !isNullable(plan))) return
    const undo = setAuthor(plan, entity, { author, isKnown: this.#isKnown })
    if (undo === undefined) return
    this.#touched.set(entity, { plan, undo, isTold: isUpdate && Object.keys(changes).length > 0 })
    put.set(entity, { author: authorText(plan, entity), row: rowOf(plan, state), undo })
  }

  /** @returns Whether it was an earlier try that has put the author there, and there is still something to be written without it. */
  #takesBack(plan: AuthorPlan, entity: object, state: EntityState): boolean {
    const earlier = put.get(entity)
    if (earlier === undefined || earlier.author !== authorText(plan, entity) || earlier.row !== rowOf(plan, state)) return false
    earlier.undo()
    return this.#isChangedBeside(plan, entity)
  }

  #isChangedBeside(plan: AuthorPlan, entity: object): boolean {
    const state = this.#stateOf(entity)
    if (state === undefined) return true
    if (Object.keys(state.changes).some((path) => !plan.paths.includes(path))) return true
    const { relations } = this.session.dataSource.getMetadata(state.target)
    return relations.some(({ isWithJoinColumn, propertyPath }) => !isWithJoinColumn && state.changed(propertyPath as never))
  }
}

/** The row may have an author that the entity has not loaded. */
function isSomebodyThere(plan: AuthorPlan, entity: object, { original }: EntityState): boolean {
  return !isEmpty(plan, entity) || plan.paths.some((path) => (valueIn(original, path) ?? null) !== null)
}

function rowOf(plan: AuthorPlan, { original }: EntityState): string {
  return keyText(plan.paths.map((path) => valueIn(original, path)))
}

function valueIn(image: EntityState['original'], path: string): unknown {
  return (image as Readonly<Record<string, unknown>>)[path]
}
