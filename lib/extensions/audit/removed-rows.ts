/**
 * The last values of rows that a save of TypeORM's deletes: it reads less of them than an audit trail tells.
 *
 * Reads, and never writes. Invariant: one query for each class and flush, and none where everything is known.
 *
 * @module
 */
import type { EntityMetadata, ObjectLiteral } from 'typeorm'
import { withoutExtensions } from '../../core/silence.js'
import type { EntityState, Session } from '../../mapper/session.js'
import { keyJsonOf } from './audit-key.js'
import type { AuditedClass } from './audited-class.js'

type Values = Readonly<Record<string, unknown>>

/** As many as TypeORM's own reads name in one query. */
const KEYS_PER_QUERY = 150

export class RemovedRows {
  readonly #images = new Map<string, Values>()
  readonly #asked = new WeakSet<object>()

  /** Reads the rows of this class that the flush deletes, where less is known of this one than is told. */
  async read(session: Session, state: EntityState, audited: AuditedClass): Promise<void> {
    if (this.#asked.has(state.entity) || !isPartial(state, audited)) return
    const all = [...session.uow.deleted].map((entity) => session.state(entity)).filter((one) => one.target === state.target)
    const wanted = all.filter((one) => !this.#asked.has(one.entity) && isPartial(one, audited))
    wanted.forEach(({ entity }) => this.#asked.add(entity))
    for (let from = 0; from < wanted.length; from += KEYS_PER_QUERY)
      await this.#readSome(session, audited, wanted.slice(from, from + KEYS_PER_QUERY))
  }

  async #readSome({ manager }: Session, audited: AuditedClass, states: readonly EntityState[]): Promise<void> {
    const { metadata } = audited
    const relations = metadata.relationsWithJoinColumns.map(({ propertyPath }) => propertyPath)
    const rows = await withoutExtensions(() =>
      manager
        .getRepository<ObjectLiteral>(metadata.target)
        .createQueryBuilder()
        .setFindOptions({ loadEagerRelations: false, loadRelationIds: { relations, disableMixedMap: true }, withDeleted: true })
        .callListeners(false)
        .whereInIds(states.map(({ key }) => key as ObjectLiteral))
        .getMany(),
    )
    for (const row of rows) this.#images.set(idOf(metadata, row)!, imageOf(audited, row))
  }

  /** What is known of a row besides. */
  imageOf(metadata: EntityMetadata, key: string): Values | undefined {
    return this.#images.size === 0 ? undefined : this.#images.get(`${metadata.tablePath} ${key}`)
  }

  clear(): void {
    this.#images.clear()
  }
}

function isPartial({ original }: EntityState, { parts }: AuditedClass): boolean {
  return parts.some((part) => part.read(original as Values) === undefined)
}

function idOf(metadata: EntityMetadata, row: object): string | undefined {
  const key = keyJsonOf(metadata, row)
  return key === undefined ? undefined : `${metadata.tablePath} ${key}`
}

/** The values of a row that was read, by path. */
function imageOf({ parts }: AuditedClass, row: object): Values {
  const entries = parts.map(({ path, part: { column, relation } }) => [path, (column ?? relation)!.getEntityValue(row as never) as unknown])
  return Object.fromEntries(entries) as Values
}
