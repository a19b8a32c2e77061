/**
 * flushpoint on one DataSource: its options, its mappers, and the unit of each query runner.
 *
 * Patches nothing itself (see `data-source-patch.ts`). Invariant: options given by several installs are merged in the order they came,
 * and taking one back leaves the others as they were.
 *
 * @module
 */
import type { DataSource, QueryRunner } from 'typeorm'
import { classNameOf, describeValue, isClass } from '../core/describe-value.js'
import { ConfigurationError, messageOf } from '../core/errors.js'
import { warn } from '../core/warn.js'
import { isExtensionFactory } from '../mapper/extension-factory.js'
import { mayOverride } from '../mapper/extension-list.js'
import type { SessionExtensionInput } from '../mapper/session.js'
import type { Token } from '../mapper/token.js'
import type { HookFailure, InstallOptions } from '../session/install-options.js'
import { SESSION_LEVEL } from '../session/session-extension.js'
import { ConnectionQueue } from './connection-queue.js'
import { driverTypeOf, hasSingleConnection, internalsOf, type Internals } from './internals.js'
import { Mappers } from './mappers.js'

/** Every subscriber of ours. */
export const SPEAKERS = new WeakSet<object>()

export class Installation {
  readonly dataSource: DataSource
  readonly mappers: Mappers
  /** Undefined where TypeORM's insides are not ours to wrap: then the subscriber's own hooks are the flush boundary. */
  readonly internals: Internals | undefined
  /** Present on single-connection drivers only. */
  readonly queue: ConnectionQueue | undefined
  /** The metadata name behind plain objects that were saved, so that they can be saved again. */
  readonly targetsOfPlainObjects = new WeakMap<object, Parameters<DataSource['getMetadata']>[0]>()
  /** Statements a single-connection driver has prepared on its connection; gone when it connects anew. */
  preparedStatements: unknown
  /** A runner nobody but unobserved writes has ever seen, for the next of them. */
  spareRunner: QueryRunner | undefined
  /** The DataSource's own way to make a query runner, once it is patched. */
  makeRunner: DataSource['createQueryRunner'] | undefined
  readonly #layers: InstallOptions[] = []
  #mayListenToLoads: boolean | undefined
  #schemaListeners: readonly SessionExtensionInput[] | undefined
  #hasListeners: boolean | undefined

  constructor(dataSource: DataSource) {
    this.dataSource = dataSource
    this.internals = internalsOf(dataSource)
    this.queue = hasSingleConnection(dataSource) ? new ConnectionQueue() : undefined
    this.mappers = new Mappers(dataSource, (token) => this.resolve(token))
  }

  /** The DataSource has connected anew: what belonged to the former connection and metadata is forgotten. */
  reset(): void {
    this.mappers.reset()
    this.preparedStatements = undefined
    this.spareRunner = undefined
    this.#hasListeners = undefined
    this.#mayListenToLoads = undefined
  }

  /** True while its DataSource connects, each time: nobody is told of rows that migrations write, only of what becomes of the schema. */
  isConnecting = false

  get isActive(): boolean {
    return this.#layers.length > 0 && !this.isConnecting
  }

  /** Taken off, but units of work begun before still take turns on the connection. */
  get isDraining(): boolean {
    return this.#layers.length === 0 && this.queue?.isBusy === true
  }

  get hasLayers(): boolean {
    return this.#layers.length > 0
  }

  get extensions(): readonly SessionExtensionInput[] {
    if (this.#layers.length === 1) return this.#layers[0]!.extensions ?? []
    const all: SessionExtensionInput[] = []
    for (const { extensions = [] } of this.#layers) all.push(...extensions.filter((extension) => !all.includes(extension)))
    return all
  }

  /** Whether anything could listen to what is loaded. */
  get firesAfterLoad(): boolean {
    this.#mayListenToLoads ??= this.extensions.some((input) => mayOverride(input, 'afterLoad', SESSION_LEVEL))
    return this.#mayListenToLoads || this.mappers.hasAny
  }

  /** The extensions that could listen to operations on the schema. While connecting no factory is asked: what it needs may not be there yet. */
  get schemaListeners(): readonly SessionExtensionInput[] {
    this.#schemaListeners ??= this.extensions.filter((input) => mayOverride(input, 'afterSchemaChange', SESSION_LEVEL))
    return this.isConnecting ? this.#schemaListeners.filter((input) => isExtensionFactory(input) || isClass(input)) : this.#schemaListeners
  }

  /** Whether a write outside of a transaction of the caller's is TypeORM's alone: no extension, no listener, no other subscriber, no fastWrites. */
  get isUnobserved(): boolean {
    if (this.fastWrites || this.extensions.length > 0 || this.dataSource.subscribers.length > 1 || this.mappers.hasAny) return false
    this.#hasListeners ??= this.dataSource.entityMetadatas.some((metadata) => metadata.listeners.length > 0)
    return !this.#hasListeners
  }

  get savepoints(): boolean {
    return this.#last('savepoints') ?? false
  }

  get fastWrites(): boolean {
    return this.#last('fastWrites') ?? false
  }

  get globalManager(): NonNullable<InstallOptions['globalManager']> {
    return this.#last('globalManager') ?? 'native'
  }

  #last<K extends keyof InstallOptions>(option: K): InstallOptions[K] | undefined {
    return this.#layers.findLast((layer) => layer[option] !== undefined)?.[option]
  }

  /** @throws {ConfigurationError} SAVEPOINTS_UNSUPPORTED when the driver has none. */
  addLayer(options: InstallOptions): void {
    if (options.savepoints === true && this.dataSource.driver.transactionSupport !== 'nested') {
      throw new ConfigurationError('SAVEPOINTS_UNSUPPORTED', { driver: driverTypeOf(this.dataSource) })
    }
    this.#layers.push(options)
    this.#mayListenToLoads = undefined
    this.#schemaListeners = undefined
  }

  removeLayer(options: InstallOptions): void {
    const index = this.#layers.indexOf(options)
    if (index >= 0) this.#layers.splice(index, 1)
    this.#mayListenToLoads = undefined
    this.#schemaListeners = undefined
  }

  hasLayer(options: InstallOptions): boolean {
    return this.#layers.includes(options)
  }

  /** Of several subscribers on one DataSource only the first one listed speaks for it. */
  isSpeaker(subscriber: object): boolean {
    return this.dataSource.subscribers.find((one) => SPEAKERS.has(one)) === subscriber
  }

  /** @throws {ConfigurationError} RESOLVER_MISSING when nobody said where to look. */
  resolve<T>(token: Token<T>): T {
    const resolve = this.#last('resolve')
    if (resolve === undefined)
      throw new ConfigurationError('RESOLVER_MISSING', { token: typeof token === 'function' ? token.name : String(token) })
    return resolve(token)
  }

  /** Tells what a hook threw that could not change the outcome; never throws itself. */
  reportHookError(error: unknown, failure: HookFailure): void {
    const { extension, hook } = failure
    const name = typeof extension === 'function' ? extension.name || 'a callback' : classNameOf(extension)
    this.#report(error, failure, { code: 'HOOK_FAILED', subject: `${hook} of ${name}` })
  }

  /** As {@link reportHookError}, for a subscriber that is not ours. */
  reportListenerError(error: unknown, failure: HookFailure): void {
    this.#report(error, failure, { code: 'LISTENER_FAILED', subject: `A subscriber's ${failure.hook}` })
  }

  #report(error: unknown, failure: HookFailure, { code, subject }: { code: 'HOOK_FAILED' | 'LISTENER_FAILED'; subject: string }): void {
    const listener = this.#last('onHookError')
    if (listener !== undefined) {
      try {
        return listener(error, failure)
      } catch (another) {
        warn('HOOK_FAILED', `onHookError failed: ${messageOf(another)}`)
      }
    }
    const message = `${subject} failed after the outcome was decided: ${messageOf(error)}`
    warn(code, message)
    this.dataSource.logger.log('warn', message, failure.session.manager.queryRunner)
  }

  toString(): string {
    const names = this.extensions.map((input) => ('name' in input ? input.name : describeValue(input)))
    return `flushpoint on ${driverTypeOf(this.dataSource)} (${this.internals === undefined ? 'subscriber hooks' : 'flush boundary'}; session extensions: ${names.join(', ') || 'none'})`
  }
}

const INSTALLATIONS = Symbol.for('flushpoint.installations')
const shared = globalThis as unknown as Record<symbol, WeakMap<DataSource, Installation> | undefined>
const installations = (shared[INSTALLATIONS] ??= new WeakMap<DataSource, Installation>())

/** What is on this DataSource, while it is installed. */
export function installationOf(dataSource: DataSource | undefined): Installation | undefined {
  const installation = dataSource === undefined ? undefined : installations.get(dataSource)
  return installation?.isActive === true ? installation : undefined
}

/** As {@link installationOf}, made where there is none yet, and also while no layer is on it. */
export function installationFor(dataSource: DataSource): Installation {
  let installation = installations.get(dataSource)
  if (installation === undefined) installations.set(dataSource, (installation = new Installation(dataSource)))
  return installation
}
