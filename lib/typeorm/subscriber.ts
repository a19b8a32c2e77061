/**
 * The subscriber that TypeORM builds from the DataSource options, and everything that puts flushpoint on a DataSource.
 *
 * Decides between the flush boundary and the fallback; runs no hooks itself. Invariant: a DataSource may be armed any number of times and
 * by any way, and is patched once.
 *
 * @module
 */
import {
  DataSource,
  EventSubscriber,
  getMetadataArgsStorage,
  type EntityMetadata,
  type EntitySubscriberInterface,
  type QueryRunner,
} from 'typeorm'
import { describeValue } from '../core/describe-value.js'
import { ConfigurationError } from '../core/errors.js'
import { warnOnce } from '../core/warn.js'
import type { ChangeKind } from '../mapper/change.js'
import { isExtensionFactory } from '../mapper/extension-factory.js'
import { checkedInstallOptions, type InstallOptions } from '../session/install-options.js'
import { type SessionExtension } from '../session/session-extension.js'
import { answerEntityCheck, forgetInstalled, noteInstalled } from '../session/installed.js'
import { wrapWriteBuilders } from './bulk-boundary.js'
import { patchDataSource, unpatchDataSource } from './data-source-patch.js'
import { afterRow, beforeRow, NOT_GUARANTEED } from './fallback-boundary.js'
import { wrapPersistence } from './flush-boundary.js'
import { installationFor, installationOf, SPEAKERS, type Installation } from './installation.js'
import { dataSourceOf, onceBuilt } from './internals.js'
import { entityLoaded } from './load-hooks.js'
import { watchSchema } from './schema-boundary.js'

interface AnyEvent {
  readonly queryRunner: QueryRunner
  readonly metadata: EntityMetadata
  readonly entity?: object | undefined
  readonly databaseEntity?: object | undefined
}

const FALLBACK_HOOKS = [
  'beforeInsert',
  'beforeUpdate',
  'beforeRemove',
  'beforeSoftRemove',
  'beforeRecover',
  'afterInsert',
  'afterUpdate',
  'afterRemove',
  'afterSoftRemove',
  'afterRecover',
  'beforeTransactionStart',
] as const

/** Not for a program to use: `sessionSubscriber` makes classes of it, `install` instances. */
class SessionSubscriber implements EntitySubscriberInterface {
  readonly options: InstallOptions

  constructor(options: InstallOptions) {
    this.options = options
    SPEAKERS.add(this)
  }

  /** Where the executor is wrapped these events are of no use, and TypeORM skips what is not there. */
  retireFallback(): void {
    for (const hook of FALLBACK_HOOKS) Object.defineProperty(this, hook, { value: undefined, configurable: true })
  }

  afterLoad(entity: object, event?: { readonly metadata: EntityMetadata; readonly queryRunner: QueryRunner }): Promise<void> | undefined {
    const installation = event === undefined ? undefined : this.#armed(event.queryRunner)
    return installation?.isSpeaker(this) === true ? entityLoaded(installation, entity, event!) : undefined
  }

  beforeTransactionStart(event: { readonly queryRunner: QueryRunner }): void {
    this.#armed(event.queryRunner)
  }

  beforeInsert(event: AnyEvent): Promise<void> | undefined {
    return this.#before('insert', event)
  }

  beforeUpdate(event: AnyEvent): Promise<void> | undefined {
    return event.databaseEntity === undefined ? undefined : this.#before('update', event)
  }

  beforeRemove(event: AnyEvent): Promise<void> | undefined {
    return this.#before('delete', event)
  }

  beforeSoftRemove(event: AnyEvent): Promise<void> | undefined {
    return this.#before('softRemove', event)
  }

  beforeRecover(event: AnyEvent): Promise<void> | undefined {
    return this.#before('recover', event)
  }

  afterInsert(event: AnyEvent): Promise<void> | undefined {
    return this.#after(event)
  }

  afterUpdate(event: AnyEvent): Promise<void> | undefined {
    return this.#after(event)
  }

  afterRemove(event: AnyEvent): Promise<void> | undefined {
    return this.#after(event)
  }

  afterSoftRemove(event: AnyEvent): Promise<void> | undefined {
    return this.#after(event)
  }

  afterRecover(event: AnyEvent): Promise<void> | undefined {
    return this.#after(event)
  }

  #before(kind: ChangeKind, { queryRunner, metadata, entity, databaseEntity }: AnyEvent): Promise<void> | undefined {
    const installation = this.#armed(queryRunner)
    if (installation?.isSpeaker(this) !== true || entity === undefined || metadata.isJunction) return undefined
    return beforeRow(installation, queryRunner, { kind, entity, databaseEntity, metadata })
  }

  #after({ queryRunner, metadata, entity }: AnyEvent): Promise<void> | undefined {
    const installation = installationOf(dataSourceOf(queryRunner))
    if (installation?.isSpeaker(this) !== true || entity === undefined || metadata.isJunction) return undefined
    return afterRow(installation, queryRunner)
  }

  /** A subscriber that nobody announced (pushed by hand, or built by another copy of TypeORM) arms its DataSource at its first event. */
  #armed(runner: QueryRunner): Installation | undefined {
    const dataSource = dataSourceOf(runner)
    if (dataSource === undefined) return undefined
    const known = installationOf(dataSource)
    if (
      installationFor(dataSource).isConnecting ||
      known?.hasLayer(this.options) === true ||
      released.get(dataSource)?.has(this.options) === true
    )
      return known
    if (dataSource instanceof DataSource) {
      warnOnce(
        'SUBSCRIBER_PUSHED_LATE',
        'subscriber',
        'A sessionSubscriber was pushed on a DataSource that was initialised already: what ran before its first event was not followed. List it in the DataSource options, or call install(dataSource, options).',
      )
    }
    arm(dataSource, this)
    return installationOf(dataSource)
  }
}

answerEntityCheck((target) => getMetadataArgsStorage().tables.some((table) => table.target === target))

/** Options that were taken back by uninstall, whose subscriber may still be listed. */
const released = new WeakMap<DataSource, Set<InstallOptions>>()

const WRAPPED = Symbol.for('flushpoint.initialize')

/** Subscribers of the options are known once TypeORM has built them; those pushed too early would be lost by it. */
function wrapInitialize(): void {
  const prototype = DataSource.prototype as DataSource & Record<symbol, boolean | undefined>
  if (prototype[WRAPPED] === true) return
  prototype[WRAPPED] = true
  const { initialize } = prototype
  prototype.initialize = async function (this: DataSource) {
    const early = this.subscribers.filter((subscriber) => SPEAKERS.has(subscriber))
    const installation = installationFor(this)
    let isArmed = false
    const armAll = () => {
      isArmed = true
      for (const subscriber of early)
        if (!this.subscribers.some((one) => one === subscriber || isSameClass(one, subscriber))) this.subscribers.push(subscriber)
      for (const subscriber of this.subscribers) if (subscriber instanceof SessionSubscriber) arm(this, subscriber)
    }
    installation.isConnecting = true
    const restore = onceBuilt(this, armAll)
    const result = await initialize.call(this).finally(() => {
      restore()
      installation.isConnecting = false
    })
    if (!isArmed) armAll()
    return result
  }
}

function isSameClass(a: object, b: object): boolean {
  return SPEAKERS.has(a) && a.constructor === b.constructor && a.constructor !== SessionSubscriber
}

function arm(dataSource: DataSource, subscriber: SessionSubscriber): void {
  const installation = installationFor(dataSource)
  checkExtensions(dataSource, subscriber.options)
  if (!installation.hasLayer(subscriber.options)) installation.addLayer(subscriber.options)
  released.get(dataSource)?.delete(subscriber.options)
  installation.reset()
  patchDataSource(dataSource, watchSchema)
  noteInstalled(installation)
  if (installation.internals === undefined) return warnFallback(dataSource)
  wrapPersistence(installation.internals)
  wrapWriteBuilders(installation.internals)
  subscriber.retireFallback()
}

/** @throws What the extensions throw that do not fit the mappings. */
function checkExtensions(dataSource: DataSource, { extensions = [] }: InstallOptions): void {
  for (const input of extensions) {
    if (isExtensionFactory(input)) input.check?.(dataSource)
    else (input as Partial<typeof SessionExtension>).checkInstall?.(dataSource, undefined)
  }
}

function warnFallback(dataSource: DataSource): void {
  const reason =
    dataSource instanceof DataSource
      ? 'the layout of this TypeORM is not known'
      : 'it comes from another copy of TypeORM than flushpoint loads'
  warnOnce(
    'FALLBACK_BOUNDARY',
    reason,
    `flushpoint works on this DataSource through subscriber events only: ${reason}. Not guaranteed here: ${NOT_GUARANTEED.join('; ')}.`,
  )
}

/**
 * A subscriber class for `subscribers` of the DataSource options: from then on every save, remove, transaction and write by query goes
 * through the extension chains. A class, since TypeORM takes classes and paths there only.
 *
 * @throws {ConfigurationError} OPTION_UNKNOWN · OPTION_INVALID · EXTENSION_NOT_LISTABLE · EXTENSION_WRONG_LEVEL · EXTENSION_WITHOUT_HOOK ·
 * EXTENSION_HOOK_UNKNOWN · EXTENSION_OPTION_MISSING
 * @example
 * new DataSource({ type: 'sqlite', database: 'news.sqlite', entities: [Article], subscribers: [sessionSubscriber({ extensions: [ChangeLog] })] })
 */
export function sessionSubscriber(options: InstallOptions = {}): new () => EntitySubscriberInterface {
  const own = checkedInstallOptions('sessionSubscriber', options)
  wrapInitialize()
  class ListedSubscriber extends SessionSubscriber {
    constructor() {
      super(own)
    }
  }
  EventSubscriber()(ListedSubscriber)
  return ListedSubscriber
}

/**
 * Puts flushpoint on a DataSource, before or after it is initialised; for NestJS and wiring by hand. Options of several calls are merged
 * in their order; an extension listed by two of them runs once.
 *
 * @returns Takes this call back; the last one taken back restores the DataSource.
 * @throws {ConfigurationError} INSTALL_TARGET_INVALID · SAVEPOINTS_UNSUPPORTED, and those of {@link sessionSubscriber}.
 * @example
 * const uninstall = install(dataSource, { resolve: token => moduleRef.get(token, { strict: false }) })
 */
export function install(dataSource: DataSource, options: InstallOptions = {}): () => void {
  if (!isDataSource(dataSource)) throw new ConfigurationError('INSTALL_TARGET_INVALID', { given: describeValue(dataSource) })
  const subscriber = new SessionSubscriber(checkedInstallOptions('install', options))
  wrapInitialize()
  const installation = installationFor(dataSource)
  if (dataSource.isInitialized) arm(dataSource, subscriber)
  else installation.addLayer(subscriber.options)
  dataSource.subscribers.push(subscriber)
  return () => uninstall(installation, subscriber)
}

function isDataSource(value: unknown): value is DataSource {
  const candidate = value as Partial<DataSource> | null | undefined
  return (
    typeof candidate?.initialize === 'function' && typeof candidate.createQueryRunner === 'function' && Array.isArray(candidate.subscribers)
  )
}

function uninstall(installation: Installation, subscriber: SessionSubscriber): void {
  const { dataSource } = installation
  const index = dataSource.subscribers.indexOf(subscriber)
  if (index >= 0) dataSource.subscribers.splice(index, 1)
  installation.removeLayer(subscriber.options)
  const taken = released.get(dataSource) ?? new Set()
  released.set(dataSource, taken.add(subscriber.options))
  if (installation.hasLayers) return
  unpatchDataSource(dataSource)
  forgetInstalled(installation)
}
