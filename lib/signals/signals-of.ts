/**
 * The signals of one model: those that every model has, and those it was given.
 *
 * Sends nothing. Invariant: one object per class; a signal that was not defined is an error and never a new one.
 *
 * @module
 */
import { describeValue, isClass } from '../core/describe-value.js'
import { SignalDefinitionError } from '../core/errors.js'
import { nearestName } from '../core/nearest-name.js'
import type { EntityClass, EntityRef } from '../mapper/entity-types.js'
import { BUILT_IN_NAMES, builtInFamily, type BuiltInName, type OTHER_NAMES, type OtherName, type PayloadOf } from './families.js'
import { basesOf, SignalFamily, type FromSender, type ModelSignal } from './model-signal.js'
import { anyModel, type AnyModel } from './payloads.js'
import { isSchema, senderOf, type Sender } from './senders.js'

type BuiltIn<E extends object> = { readonly [N in BuiltInName]: ModelSignal<PayloadOf<N, E>> } & {
  readonly [N in OtherName]: ModelSignal<PayloadOf<(typeof OTHER_NAMES)[N], E>>
}

/** Nothing can be passed for it: it is read, in the error of the compiler. */
type ModelMistake = 'Signals are those of an entity class, an EntitySchema, an instance, or anyModel'

/** What a signal of your own carries: its sender, and what you say. */
export type CustomPayload<E extends object, P extends object> = P & { readonly sender: EntityClass<E> }

/** What a signal of your own carries where nothing is said of it. */
export type AnyPayload<E extends object> = Readonly<Record<string, unknown>> & { readonly instance?: E }

export interface SignalsOf<E extends object = object> extends BuiltIn<E> {
  /**
   * Makes a signal of this model, and of classes below it, that is sent by hand; what is defined already is returned.
   *
   * @throws {SignalDefinitionError} SIGNAL_NAME_TAKEN when every model has one of that name · SIGNAL_NAME_INVALID
   * @example
   * const released = signalsOf(Album).define<{ instance: Album }>('released')
   * await released.send({ sender: Album, instance: album })
   */
  define<P extends object = AnyPayload<E>>(name: string): ModelSignal<CustomPayload<E, P>>
  /**
   * A signal by its name: one that every model has, or one that was defined for this model, for a class above it, or for every model.
   *
   * @throws {SignalDefinitionError} SIGNAL_UNKNOWN, with the nearest name there is.
   */
  get<N extends BuiltInName>(name: N): ModelSignal<PayloadOf<N, E>>
  get<P extends object = AnyPayload<E>>(name: string): ModelSignal<CustomPayload<E, P>>
  readonly names: readonly string[]
  toString(): string
}

/** By name: a signal of one name is heard by classes, their subclasses and every model alike, whoever defined it. */
const customFamilies = new Map<string, SignalFamily>()
const sets = new Map<Sender, SignalSet>()

class SignalSet {
  readonly #sender: Sender
  readonly #label: string
  readonly #custom = new Set<string>()

  constructor(sender: Sender) {
    this.#sender = sender
    this.#label = sender === anyModel ? 'any model' : sender.name
    for (const name of BUILT_IN_NAMES)
      Object.defineProperty(this, name, {
        get: () => builtInFamily(name)!.of(sender),
        set: () => refuseAssignment(name),
        enumerable: true,
      })
  }

  get names(): readonly string[] {
    return [...new Set([...BUILT_IN_NAMES, ...this.#known().flatMap((set) => [...set.#custom])])]
  }

  define(name: string): ModelSignal {
    if (typeof name !== 'string' || name === '') throw new SignalDefinitionError('SIGNAL_NAME_INVALID', { given: describeName(name) })
    if (name in this) throw new SignalDefinitionError('SIGNAL_NAME_TAKEN', { name })
    this.#custom.add(name)
    let family = customFamilies.get(name)
    if (family === undefined) customFamilies.set(name, (family = new SignalFamily<FromSender>(name, { isSentByHand: true })))
    return family.of(this.#sender)
  }

  get(name: string): ModelSignal {
    const isDefined = this.#known().some((set) => set.#custom.has(name))
    const family = builtInFamily(name) ?? (isDefined ? customFamilies.get(name) : undefined)
    if (family === undefined) throw unknown(name, { model: this.#label, names: this.names })
    return family.of(this.#sender)
  }

  /** Those whose names count here: its own, those of classes above it, and of every model. */
  #known(): readonly SignalSet[] {
    const bases = this.#sender === anyModel ? [] : basesOf(this.#sender)
    return [this.#sender, ...bases, anyModel].flatMap((sender) => sets.get(sender as Sender) ?? [])
  }

  toString(): string {
    const used = [...new Set(this.names.map((name) => this.get(name)))].filter(({ connected }) => connected.length > 0)
    return `signals of ${this.#label} (${used.map((signal) => String(signal)).join('; ') || 'no receivers'})`
  }
}

/** Where JavaScript looks last: a name that is nearly one of a signal is an error, and so is putting anything there. */
Object.setPrototypeOf(
  SignalSet.prototype,
  new Proxy(Object.prototype, {
    get(target, name, set: object) {
      if (typeof name !== 'string' || name in target) return Reflect.get(target, name, set) as unknown
      if (nearestName(name, BUILT_IN_NAMES) === undefined) return undefined
      throw unknown(name, { model: 'a model', names: BUILT_IN_NAMES })
    },
    set: (_target, name) => refuseAssignment(String(name)),
  }),
)

function unknown(name: string, { model, names }: { readonly model: string; readonly names: readonly string[] }): SignalDefinitionError {
  return new SignalDefinitionError('SIGNAL_UNKNOWN', { name: String(name), model, nearest: nearestName(String(name), names) })
}

function refuseAssignment(name: string): never {
  throw new SignalDefinitionError('SIGNAL_NOT_ASSIGNABLE', { name })
}

function describeName(name: unknown): string {
  return name === '' ? 'an empty string' : describeValue(name)
}

/**
 * The signals of a model, of the class of an instance, or of every model.
 *
 * @throws {SignalDefinitionError} SIGNAL_SENDER_INVALID
 * @example
 * signalsOf(Album).preSave.connect(({ instance }) => { instance.title = instance.title.trim() })
 */
export function signalsOf<E extends object>(model: EntityRef<E> | E): SignalsOf<E>
export function signalsOf(model: AnyModel): SignalsOf
export function signalsOf(model: ModelMistake): never
export function signalsOf(model: unknown): SignalsOf {
  const sender = senderOf('signalsOf', isInstance(model) ? model.constructor : model)
  let set = sets.get(sender)
  if (set === undefined) sets.set(sender, (set = new SignalSet(sender)))
  return set as unknown as SignalsOf
}

function isInstance(model: unknown): model is object {
  if (typeof model !== 'object' || model === null || Array.isArray(model) || isSchema(model)) return false
  return model.constructor !== Object && isClass(model.constructor)
}
