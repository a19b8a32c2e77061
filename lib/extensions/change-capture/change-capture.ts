/**
 * The session extension that tells which entities a transaction has created, updated and deleted, by `session.info.changes`.
 *
 * Uses public hooks alone. Invariant: nothing is folded before somebody reads it; what is read is the net of the transaction as it is at
 * that moment, and never changes afterwards.
 *
 * @module
 */
import type { Change, ChangeKind } from '../../mapper/change.js'
import type { Session } from '../../mapper/session.js'
import { SessionExtension } from '../../session/session-extension.js'

/** The entities of one transaction, each in one list at most, in the order in which their rows were first written. */
export interface CapturedChanges {
  readonly created: readonly object[]
  /** Also those that were soft-removed or recovered, and owners of a collection whose members changed. */
  readonly updated: readonly object[]
  readonly deleted: readonly object[]
}

declare module 'flushpoint' {
  interface SessionInfo {
    /** Where the session has the extension `ChangeCapture`: what its transaction has written. */
    readonly changes: CapturedChanges
  }
}

const LISTS: Readonly<Record<ChangeKind, keyof CapturedChanges>> = {
  insert: 'created',
  update: 'updated',
  softRemove: 'updated',
  recover: 'updated',
  delete: 'deleted',
}

const CAPTURE = Symbol('flushpoint.change-capture')

/** What one session has to tell, whichever of its extensions is asked. */
class Capture {
  readonly #session: Session
  #net: readonly Change[] | undefined
  #lists: CapturedChanges | undefined

  constructor(session: Session) {
    this.#session = session
  }

  /** On the session itself: a table of weak keys that die young would cost more at garbage collection than all the rest. */
  static of(session: Session): Capture {
    return (session.info[CAPTURE] ??= new Capture(session)) as Capture
  }

  get changes(): CapturedChanges {
    const { netChanges } = this.#session
    if (this.#lists === undefined || netChanges !== this.#net) {
      this.#net = netChanges
      this.#lists = this.#listsOf(netChanges)
    }
    return this.#lists
  }

  #listsOf(changes: readonly Change[]): CapturedChanges {
    const lists: Record<keyof CapturedChanges, object[]> = { created: [], updated: [], deleted: [] }
    for (const { kind, entity, target } of changes) if (!this.#isLink(target)) lists[LISTS[kind]].push(entity as object)
    for (const list of Object.values(lists)) Object.freeze(list)
    return Object.freeze(lists)
  }

  /** A row of a junction belongs to the entities it links. */
  #isLink(target: Change['target']): boolean {
    return typeof target === 'string' && this.#session.dataSource.getMetadata(target).isJunction
  }
}

/**
 * Puts `{ created, updated, deleted }` at `session.info.changes`: the entities that the present transaction has written so far, folded to the
 * net of it, so an entity that was created and updated is created, one that was created and deleted is nowhere, and so is one that ends
 * where it began. Right after each flush, when `session.uow` is empty, up to `afterCommit` and `onCommit`
 * callbacks; of a session that goes on, until its next transaction begins. It is not there before the first hook of a session. A savepoint that is rolled back takes its changes along.
 *
 * Each reading answers frozen lists of that moment. They are made when they are read and kept until something else is written, so listing the
 * extension costs a flush nothing that nobody asks for.
 *
 * Soft removal and recovery are updates. A change of a collection makes its owner updated, and rows of junction tables are not listed;
 * an association entity is, like any other. Statements by query are not listed, unless somebody has asked for images of their rows: those
 * are in the journal, with objects that stand for the rows. What `withoutExtensions` surrounds is not listed.
 *
 * @example
 * const dataSource = new DataSource({ …, subscribers: [sessionSubscriber({ extensions: [ChangeCapture, Newsletter] })] })
 * class Newsletter extends SessionExtension {
 *   override afterCommit() { for (const entity of this.session.info.changes!.created) announce(entity) }
 * }
 */
export class ChangeCapture extends SessionExtension {
  constructor(session: Session) {
    super(session)
    const capture = Capture.of(session)
    Object.defineProperty(session.info, 'changes', { get: () => capture.changes, enumerable: true, configurable: true })
  }

  /** Does nothing: an extension has a hook, and this one costs least. */
  override afterFlush(): void {}
}
