/**
 * The session extension that keeps events in the transaction that made them, and the way there for events.
 *
 * Uses public hooks alone. Invariant: what is committed is kept, and nothing else.
 *
 * @module
 */
import { reportEventFailure } from '../events/event-failures.js'
import { setEventKeeper, type EventKeeper, type KeptEvent } from '../events/event-keeper.js'
import type { OpenWork } from '../events/open-work.js'
import type { BulkStatement } from '../mapper/bulk-statement.js'
import type { ExtensionFactory } from '../mapper/extension-factory.js'
import type { Session } from '../mapper/session.js'
import { wantImagesWherePossible } from '../session/images-where-possible.js'
import { SessionExtension } from '../session/session-extension.js'
import { UntoldChanges } from '../session/untold-changes.js'
import { warnOnce } from '../core/warn.js'
import { changeEvents } from './change-events.js'
import { storeAlone } from './lone-messages.js'
import { pendingMessage, messageFor } from './message-maker.js'
import type { NewMessage } from './message.js'
import { checkOutboxOptions, OUTBOX_OPTION_NAMES, type OutboxOptions } from './outbox-options.js'
import { openOutboxes, OUTBOX_BRAND, rememberOptions, settingsOf, type OutboxSettings } from './outbox-settings.js'
import { SessionRecorder } from './session-recorder.js'

/**
 * Keeps events where a crash loses none: `track` and `triggerEvent` inside a transaction store a message in that same transaction, by one
 * statement just before its COMMIT, when keys made by INSERTs are known (see `ref`). Rolled back, to a savepoint or whole, it was never there.
 * Committed, a relay hands it to every subscription and plugin that wants it, at least once, in order for each key.
 *
 * Told outside of a transaction, an event is stored by a transaction of its own where one connected DataSource, and no second one, lists an
 * outbox; what fails then is told to `onEventError`. What `withoutExtensions` surrounds is not kept. Statements by query that are in no
 * transaction get one.
 *
 * The DataSource has to map the tables: `outboxEntities(type)`. The default relay runs in this process and begins by itself; see `worker`.
 * List the extension on the DataSource, once.
 *
 * @example
 * new DataSource({
 *   type: 'postgres',
 *   entities: [Film, ...outboxEntities('postgres')],
 *   subscribers: [sessionSubscriber({ extensions: [Outbox.with({ source: '/films', subscriptions: [search] })] })],
 * })
 */
export class Outbox extends SessionExtension {
  static override readonly optionNames = OUTBOX_OPTION_NAMES

  readonly #untold = new UntoldChanges()

  constructor(session: Session, options: OutboxOptions = {}) {
    super(session)
    checkOutboxOptions(options)
  }

  /**
   * This class together with its options, to be listed.
   *
   * @throws {ConfigurationError} EXTENSION_OPTION_UNKNOWN · OPTION_UNKNOWN · OPTION_INVALID
   * @throws {OutboxError} SUBSCRIPTION_INVALID · SUBSCRIPTION_NAME_TAKEN
   */
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- as in the class it extends
  static override with<C extends new (session: any, options: any) => SessionExtension>(
    this: C,
    options: ConstructorParameters<C>[1],
  ): ExtensionFactory<InstanceType<C>> {
    const factory = super.with.call(this, options) as ExtensionFactory<InstanceType<C>>
    checkOutboxOptions(options as OutboxOptions)
    rememberOptions(factory, options as OutboxOptions)
    return factory
  }

  /** What is told of a statement by query is to be committed together with it. */
  override beforeBulk(statement: BulkStatement): void {
    statement.wantTransaction()
    const settings = settingsOf(this.session.dataSource)
    if (settings?.changes.has(statement.target, this.session.dataSource) === true) wantImagesWherePossible(statement, 'both')
  }

  override beforeCommit(): void {
    const settings = settingsOf(this.session.dataSource)
    if (settings !== undefined && !settings.changes.isEmpty) this.session.onBeforeCommit(() => this.#recordChanges(settings))
  }

  /** When everything is written: what hooks of the commit add counts, too. */
  #recordChanges(settings: OutboxSettings): void {
    const recorder = SessionRecorder.of(this.session, settings)
    for (const event of changeEvents(this.#untold.take(this.session.journal), this.session, settings)) recorder.record(event)
  }
}
Object.defineProperty(Outbox.prototype, OUTBOX_BRAND, { value: true })

const keeper: EventKeeper = {
  keepWith(work: OpenWork, event: KeptEvent): boolean {
    const settings = settingsOfWork(work)
    return settings?.isKept(event.name) === true && SessionRecorder.of(work as Session, settings).record(event)
  },

  isKeeping: (work) => settingsOfWork(work) !== undefined,

  keepsNow: (name) => homeOf(name) !== undefined,

  check(event: KeptEvent): void {
    const settings = homeOf(event.name)
    if (settings !== undefined) pendingMessage(event, settings)
  },

  keepNow(events: readonly KeptEvent[]): Promise<void> {
    const settings = homeOf(events[0]!.name)!
    const messages = events.map((event) => messageOrReport(event, settings)).filter((message) => message !== undefined)
    return messages.length === 0 ? Promise.resolve() : storeAlone(messages, settings)
  },
}
setEventKeeper(keeper)

function settingsOfWork(work: OpenWork): OutboxSettings | undefined {
  const { dataSource } = work as Partial<Session>
  return dataSource === undefined ? undefined : settingsOf(dataSource)
}

function messageOrReport(event: KeptEvent, settings: OutboxSettings): NewMessage | undefined {
  try {
    return messageFor(pendingMessage(event, settings), settings)
  } catch (error) {
    reportEventFailure(error, { event, listener: 'outbox', kind: 'outbox' })
    return undefined
  }
}

/** Where events of this name go that are told outside of every transaction. */
function homeOf(name: string): OutboxSettings | undefined {
  const open = openOutboxes()
  if (!open.some((one) => one.isKept(name))) return undefined
  if (open.length > 1)
    warnOnce(
      'OUTBOX_AMBIGUOUS',
      '',
      'Events told outside of a transaction are not kept: several DataSources list an Outbox. Tell them inside one.',
    )
  return open.length === 1 ? open[0] : undefined
}
