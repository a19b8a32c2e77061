/**
 * Where a reverted change goes: the entities of a session, or of the manager of a transaction.
 *
 * Knows sessions and managers, and no audit trail. Invariant: what is written runs the hooks that any other write would, and an own session
 * keeps one object for each row.
 *
 * @module
 */
import type { EntityMetadata, FindOptionsRelations, ObjectLiteral } from 'typeorm'
import type { OpenSession, Session } from '../../mapper/session.js'
import { putAt } from '../row-documents/row-document.js'

type Verb = 'save' | 'remove' | 'softRemove' | 'recover'

export interface RowDoor {
  /** Whether rows are inserted with generated keys that they bring. */
  readonly keepsKeys: boolean
  /** Writes what is pending. */
  settle(): Promise<void>
  /** The row, soft-removed ones too, with these relations; null where there is none. */
  load(metadata: EntityMetadata, key: ObjectLiteral, relations?: readonly string[]): Promise<object | null>
  insert(metadata: EntityMetadata, entity: object): Promise<void>
  /** What was loaded. */
  write(verb: Verb, metadata: EntityMetadata, entity: object): Promise<void>
}

export function rowDoorOf(session: Session): RowDoor {
  return isOwn(session) ? new SessionDoor(session) : new ManagerDoor(session)
}

/** Only a session that somebody has opened can load entities. */
function isOwn(session: Session): boolean {
  return typeof (session as Partial<OpenSession>).begin === 'function'
}

class ManagerDoor implements RowDoor {
  readonly keepsKeys: boolean = false
  protected readonly session: Session

  constructor(session: Session) {
    this.session = session
  }

  settle(): Promise<void> {
    return Promise.resolve()
  }

  load({ target }: EntityMetadata, key: ObjectLiteral, relations: readonly string[] = []): Promise<object | null> {
    const wanted: Record<string, unknown> = {}
    for (const path of relations) putAt(wanted, path, true)
    return this.session.manager.findOne<ObjectLiteral>(target, {
      where: key,
      relations: wanted as FindOptionsRelations<ObjectLiteral>,
      withDeleted: true,
      loadEagerRelations: false,
    })
  }

  insert(metadata: EntityMetadata, entity: object): Promise<void> {
    return this.write('save', metadata, entity)
  }

  async write(verb: Verb, { target }: EntityMetadata, entity: object): Promise<void> {
    const { manager } = this.session
    await (manager[verb] as (target: unknown, entity: object) => Promise<unknown>).call(manager, target, entity)
  }
}

class SessionDoor extends ManagerDoor {
  override readonly keepsKeys = true
  /** Objects of the session itself. */
  readonly #own = new WeakSet<object>()

  override async settle(): Promise<void> {
    await this.session.flush()
  }

  override async load(metadata: EntityMetadata, key: ObjectLiteral, relations: readonly string[] = []): Promise<object | null> {
    const cursor = this.session.find(metadata.target as never, key as never).with(...(relations as never[]))
    const own = await (cursor as { first(): Promise<object | null> }).first()
    if (own === null) return super.load(metadata, key, relations)
    this.#own.add(own)
    return own
  }

  override async insert(_metadata: EntityMetadata, entity: object): Promise<void> {
    this.session.add(entity)
    await this.session.flush()
  }

  /** A row that queries leave out, since it is soft-removed, came by the manager, and goes by it. */
  override async write(verb: Verb, metadata: EntityMetadata, entity: object): Promise<void> {
    if (!this.#own.has(entity)) return super.write(verb, metadata, entity)
    if (verb === 'remove') this.session.delete(entity)
    else if (verb !== 'save') this.session[verb](entity)
    await this.session.flush()
  }
}
