/**
 * The session extension that sends the signals of models.
 *
 * Uses public hooks alone. Invariant: a signal without receivers costs a look-up, and an error of a receiver goes where an error of the hook
 * goes that sends it.
 *
 * @module
 */
import type { BulkKind, BulkStatement } from '../mapper/bulk-statement.js'
import type { Change } from '../mapper/change.js'
import type { EntityState, Session } from '../mapper/session.js'
import type { Awaitable } from '../mapper/token.js'
import type { UnitSession } from '../session/session-base.js'
import { SessionExtension } from '../session/session-extension.js'
import { familyOf, type BulkSignalName, type EntitySignalName } from './families.js'
import { tellFields } from './on-change.js'
import { RelationSignals } from './relation-signals.js'
import { noteBuilt, watchListing } from './unlisted.js'

type BulkVerb = 'Insert' | 'Update' | 'Delete' | 'SoftRemove' | 'Recover'
const VERBS: Readonly<Record<BulkKind, BulkVerb>> = {
  insert: 'Insert',
  upsert: 'Insert',
  update: 'Update',
  delete: 'Delete',
  softDelete: 'SoftRemove',
  restore: 'Recover',
}

/**
 * Lists the signals of models: from then on every flush and every statement by query sends them to whoever is connected.
 *
 * They are sent inside the operation, in its transaction: `pre…` before the first statement of the flush, where changes to the instance are
 * written and an error stops the flush; `post…` after its row was written, where an error stops the commit. The same work is not allowed
 * as in hooks: no `session.flush()` in a receiver.
 *
 * @example
 * new DataSource({ …, subscribers: [sessionSubscriber({ extensions: [ModelSignals] })] })
 */
export class ModelSignals extends SessionExtension {
  readonly #relations: RelationSignals

  constructor(session: Session) {
    super(session)
    this.#relations = new RelationSignals(session)
    noteBuilt()
  }

  override beforeFlush(): Awaitable {
    if (this.#speaks) return this.#relations.before()
  }

  override afterFlush(): Awaitable {
    if (this.#speaks) return this.#relations.after()
  }

  override beforeInsert(instance: object, state: EntityState): Awaitable {
    return this.#send('preSave', instance, state)
  }

  override afterInsert(instance: object, state: EntityState): Awaitable {
    return this.#send('postSave', instance, state)
  }

  override beforeUpdate(instance: object, state: EntityState): Awaitable {
    return this.#send('preUpdate', instance, state)
  }

  override afterUpdate(instance: object, state: EntityState): Awaitable {
    return this.#send('postUpdate', instance, state)
  }

  override beforeDelete(instance: object, state: EntityState): Awaitable {
    return this.#send('preDelete', instance, state)
  }

  override afterDelete(instance: object, state: EntityState): Awaitable {
    return this.#send('postDelete', instance, state)
  }

  override beforeSoftRemove(instance: object, state: EntityState): Awaitable {
    return this.#send('preSoftRemove', instance, state)
  }

  override afterSoftRemove(instance: object, state: EntityState): Awaitable {
    return this.#send('postSoftRemove', instance, state)
  }

  override beforeRecover(instance: object, state: EntityState): Awaitable {
    return this.#send('preRecover', instance, state)
  }

  override afterRecover(instance: object, state: EntityState): Awaitable {
    return this.#send('postRecover', instance, state)
  }

  override beforeBulk(statement: BulkStatement): Awaitable {
    return this.#sendBulk(`preBulk${VERBS[statement.kind]}`, statement)
  }

  override afterBulk(statement: BulkStatement): Awaitable {
    return this.#sendBulk(`postBulk${VERBS[statement.kind]}`, statement)
  }

  override afterCommit(changes: readonly Change[]): Awaitable {
    if (this.#speaks) tellFields(changes, { session: this.session, extension: this })
  }

  /** Listed twice, or beside a class below it, the first one that is heard now speaks for all: each signal is sent once. */
  get #speaks(): boolean {
    const { instances } = (this.session as UnitSession).hooks
    return instances.length === 1 || instances.find((one) => one instanceof ModelSignals) === this
  }

  #send(name: EntitySignalName, instance: object, state: EntityState): Awaitable {
    const family = familyOf(name)
    const { target: sender } = state
    if (typeof sender === 'string') return
    if (family.receiversFor(sender).length === 0 || !this.#speaks) return
    return family.of(sender).dispatch({ sender, instance, state, session: this.session })
  }

  #sendBulk(name: BulkSignalName, statement: BulkStatement): Awaitable {
    const family = familyOf(name)
    const sender = statement.target
    if (typeof sender === 'string' || family.receiversFor(sender).length === 0 || !this.#speaks) return
    return family.of(sender).dispatch({ sender, statement, changes: statement.changes ?? [], session: this.session })
  }
}

watchListing(ModelSignals)
