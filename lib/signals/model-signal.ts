/**
 * One signal of one model: receivers connected to the class itself, to a class above it on request, or to every model.
 *
 * Knows no session. Invariant: whatever they were connected to, receivers are called in the order in which they were connected, each once.
 *
 * @module
 */
import { describeValue, isClass } from '../core/describe-value.js'
import { SignalDefinitionError } from '../core/errors.js'
import { checkConnectOptions } from '../core/connect-options.js'
import { callsTheSame, type Receiver, type Source } from '../core/receiver.js'
import { connectionTo, Signal, type Connected, type Connection } from '../core/signal.js'
import type { EntityClass } from '../mapper/entity-types.js'
import { anyModel, type ModelConnectOptions } from './payloads.js'
import { assertEntity, type Sender } from './senders.js'
import { warnIfUnlisted } from './unlisted.js'

export interface FromSender {
  readonly sender: EntityClass
}

const NOBODY: readonly never[] = Object.freeze([])

/** All signals of one name. */
export class SignalFamily<P extends FromSender = FromSender> {
  readonly name: string
  /** Nobody has to list an extension for it. */
  readonly isSentByHand: boolean
  readonly #signals = new Map<Sender, ModelSignal<P>>()
  /** By the class of an instance, until anything is connected or taken out. */
  #lists = new WeakMap<EntityClass, readonly Connected<P>[]>()
  #count = 0

  constructor(name: string, { isSentByHand = false }: { readonly isSentByHand?: boolean } = {}) {
    this.name = name
    this.isSentByHand = isSentByHand
  }

  of(sender: Sender): ModelSignal<P> {
    let signal = this.#signals.get(sender)
    if (signal === undefined) this.#signals.set(sender, (signal = new ModelSignal<P>(this, sender)))
    return signal
  }

  /** Whether nobody listens, whatever the model. */
  get isEmpty(): boolean {
    return this.#count === 0
  }

  changed(): void {
    this.#lists = new WeakMap()
    this.#count = 0
    for (const signal of this.#signals.values()) this.#count += signal.connected.length
  }

  /** Those that are to hear of an instance of this class, in the order they were connected. */
  receiversFor(target: EntityClass): readonly Connected<P>[] {
    if (this.#count === 0) return NOBODY
    let list = this.#lists.get(target)
    if (list === undefined) this.#lists.set(target, (list = this.#merged(target)))
    return list
  }

  #merged(target: EntityClass): readonly Connected<P>[] {
    const found = [...this.#connectedTo(target), ...this.#connectedTo(anyModel)]
    for (const base of basesOf(target)) {
      const signal = this.#signals.get(base)
      if (signal !== undefined) found.push(...signal.connected.filter((one) => signal.reachesSubclasses(one)))
    }
    found.sort((one, other) => one.order - other.order)
    const isSame = (one: Connected<P>, other: Connected<P>) => one.uid === other.uid && callsTheSame(one, other)
    return found.filter((one, index) => found.findIndex((other) => isSame(one, other)) === index)
  }

  #connectedTo(sender: Sender): readonly Connected<P>[] {
    return this.#signals.get(sender)?.connected ?? NOBODY
  }
}

/** The classes above this one, nearest first. */
export function basesOf(target: EntityClass): readonly EntityClass[] {
  const bases: EntityClass[] = []
  for (let base: unknown = Object.getPrototypeOf(target); isClass(base); base = Object.getPrototypeOf(base)) bases.push(base as EntityClass)
  return bases
}

/** What {@link Signal} says, for one model. */
export class ModelSignal<P extends FromSender = FromSender> extends Signal<P> {
  readonly #family: SignalFamily<P>
  readonly #sender: Sender
  readonly #withSubclasses = new WeakSet<Connected<P>>()

  constructor(family: SignalFamily<P>, sender: Sender) {
    super(`${family.name} of ${sender === anyModel ? 'any model' : describeValue(sender)}`)
    this.#family = family
    this.#sender = sender
  }

  reachesSubclasses(one: Connected<P>): boolean {
    return this.#withSubclasses.has(one)
  }

  /**
   * As {@link Signal.connect}.
   *
   * @throws {SignalDefinitionError} SIGNAL_RECEIVER_INVALID · SIGNAL_SENDER_INVALID for a class that TypeORM does not map and whose
   *   subclasses were not asked for.
   */
  override connect(receiver: Receiver<P>, options?: ModelConnectOptions): Connection
  override connect<K extends string>(owner: { readonly [M in K]: Receiver<P> }, method: K, options?: ModelConnectOptions): Connection
  override connect(...args: readonly unknown[]): Connection {
    return super.connect(...(args as [Receiver<P>, ModelConnectOptions?]))
  }

  override send(payload: P): Promise<void> {
    return this.#refused(payload) ?? super.send(payload)
  }

  override sendConcurrent(payload: P): Promise<void> {
    return this.#refused(payload) ?? super.sendConcurrent(payload)
  }

  override sendRobust(payload: P): ReturnType<Signal<P>['sendRobust']> {
    return this.#refused<never>(payload) ?? super.sendRobust(payload)
  }

  protected override applying({ sender }: P): readonly Connected<P>[] {
    return this.#family.receiversFor(sender)
  }

  protected override changed(): void {
    this.#family.changed()
  }

  /**
   * @param owner Whose method it is: a class may have receivers of itself, whose decorators are run before its own.
   * @throws {SignalDefinitionError} SIGNAL_SENDER_INVALID
   * @throws {ConfigurationError} OPTION_UNKNOWN · OPTION_INVALID
   */
  assertConnectable(options: ModelConnectOptions, owner?: object): void {
    checkModelOptions(this.#family.name, options)
    if (options.subclasses !== true && owner !== this.#sender) assertEntity(this.#family.name, this.#sender)
  }

  override connectSource(source: Source<P>, options: ModelConnectOptions): Connection {
    this.assertConnectable(options, source.owner)
    const { subclasses = false, ...others } = options
    const isKnown = this.find(source, others.uid) !== undefined
    const connection = super.connectSource(source, others)
    const narrow = subclasses ? this.#reachSubclasses(this.find(source, others.uid)) : undefined
    if (!this.#family.isSentByHand) warnIfUnlisted(this.#sender)
    return isKnown && narrow !== undefined ? connectionTo(narrow) : connection
  }

  /** @returns Takes that back, where it was not so already. */
  #reachSubclasses(one: Connected<P> | undefined): (() => void) | undefined {
    if (one === undefined || this.#withSubclasses.has(one)) return undefined
    this.#withSubclasses.add(one)
    this.#family.changed()
    return () => {
      this.#withSubclasses.delete(one)
      this.#family.changed()
    }
  }

  /** By hand a sender is easily forgotten, and nobody would be called. */
  #refused<R>(payload: P): Promise<R> | undefined {
    const given: unknown = (payload as Partial<P> | undefined)?.sender
    if (typeof given === 'function' && (given === this.#sender || isClass(given))) return undefined
    return Promise.reject(new SignalDefinitionError('SIGNAL_SENDER_INVALID', { signal: this.#family.name, given: describeValue(given) }))
  }
}

/** @throws {ConfigurationError} OPTION_UNKNOWN · OPTION_INVALID */
export function checkModelOptions(place: string, options: ModelConnectOptions): void {
  checkConnectOptions(place, options, { subclasses: 'boolean' })
}
