/**
 * An audit trail as one DataSource has it: where it is, and what it keeps of which class.
 *
 * Made once for each DataSource and options. Invariant: an entity is audited as its own class says, whatever it was written through.
 *
 * @module
 */
import type { DataSource, EntityMetadata } from 'typeorm'
import type { Change } from '../../mapper/change.js'
import { AUDIT_ENTITY } from './audit-table.js'
import { AuditStore } from './audit-store.js'
import { AuditedClass } from './audited-class.js'
import { checkAuditOptions, namedClasses, namedPaths, type AuditOptions } from './audit-options.js'

const NO_PATHS: ReadonlySet<string> = new Set()
export const NO_OPTIONS: AuditOptions = Object.freeze({})

export class AuditPlan {
  readonly dataSource: DataSource
  readonly options: AuditOptions
  readonly store: AuditStore
  readonly #metadatas: readonly EntityMetadata[]
  readonly #only: ReadonlySet<EntityMetadata> | undefined
  readonly #except: ReadonlySet<EntityMetadata>
  readonly #excluded: ReadonlyMap<EntityMetadata, ReadonlySet<string>>
  readonly #hashed: ReadonlyMap<EntityMetadata, ReadonlySet<string>>
  readonly #classes = new Map<EntityMetadata, AuditedClass>()
  readonly #byTarget = new Map<unknown, AuditedClass | undefined>()

  /**
   * @throws {ConfigurationError} OPTION_UNKNOWN · OPTION_INVALID
   * @throws {DataError} AUDIT_DATABASE_UNSUPPORTED · AUDIT_TABLE_MISSING
   */
  constructor(dataSource: DataSource, options: AuditOptions) {
    checkAuditOptions(options)
    const { only, except = [], exclude = [], hash = [] } = options
    this.dataSource = dataSource
    this.options = options
    this.#metadatas = dataSource.entityMetadatas
    this.store = new AuditStore(dataSource)
    this.#only = only === undefined ? undefined : namedClasses(dataSource, 'only', only)
    this.#except = namedClasses(dataSource, 'except', except)
    this.#excluded = namedPaths(dataSource, 'exclude', exclude)
    this.#hashed = namedPaths(dataSource, 'hash', hash)
  }

  /** False once the DataSource was initialised again, with other mappings. */
  get isOfToday(): boolean {
    return this.dataSource.entityMetadatas === this.#metadatas
  }

  /** How rows of this class are audited; undefined where they are not. */
  audited(target: Change['target']): AuditedClass | undefined {
    if (this.#byTarget.has(target)) return this.#byTarget.get(target)
    const metadata = this.dataSource.getMetadata(target)
    const found = this.#isAudited(metadata) ? this.classOf(metadata) : undefined
    this.#byTarget.set(target, found)
    return found
  }

  /** Whether rows of a class, or of one below it, are audited. */
  audits(target: Change['target']): boolean {
    if (!this.dataSource.hasMetadata(target)) return false
    const metadata = this.dataSource.getMetadata(target)
    return [metadata, ...metadata.childEntityMetadatas].some((one) => this.#isAudited(one))
  }

  #isAudited(metadata: EntityMetadata): boolean {
    if (metadata.name === AUDIT_ENTITY || metadata.isJunction || metadata.isClosureJunction) return false
    return this.#only === undefined ? !this.#except.has(metadata) : this.#only.has(metadata)
  }

  /** What would be kept of a class. */
  classOf(metadata: EntityMetadata): AuditedClass {
    let found = this.#classes.get(metadata)
    if (found === undefined) {
      const excluded = this.#excluded.get(metadata) ?? NO_PATHS
      const hashed = this.#hashed.get(metadata) ?? NO_PATHS
      found = new AuditedClass(metadata, {
        isExcluded: (path) => excluded.has(path),
        isHashed: (path) => hashed.has(path),
        hashKey: this.options.hashKey,
      })
      this.#classes.set(metadata, found)
    }
    return found
  }
}

const plans = new WeakMap<DataSource, Map<AuditOptions, AuditPlan>>()

/**
 * The plan of these options; without any, the one that was made last, as whoever reads a trail wants it.
 *
 * @throws what the constructor of {@link AuditPlan} throws.
 */
export function auditPlanOf(dataSource: DataSource, options?: AuditOptions): AuditPlan {
  let known = plans.get(dataSource)
  if (known === undefined) plans.set(dataSource, (known = new Map()))
  const wanted = options ?? [...known.keys()].at(-1) ?? NO_OPTIONS
  let plan = known.get(wanted)
  if (plan?.isOfToday !== true) known.set(wanted, (plan = new AuditPlan(dataSource, wanted)))
  return plan
}
