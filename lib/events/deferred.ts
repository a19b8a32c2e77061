/**
 * Values that are not known yet: keys the database will generate.
 *
 * Knows no session. Invariant: a deferred value is read from its object when it is needed, never stored before it is known.
 *
 * @module
 */

/** Stands for a property of an object until that has a value. */
export class DeferredValue {
  readonly #owner: object
  readonly #property: string

  constructor(owner: object, property: string) {
    this.#owner = owner
    this.#property = property
  }

  /** The value; undefined while it is not known. */
  get value(): unknown {
    return (this.#owner as Record<string, unknown>)[this.#property] ?? undefined
  }

  toJSON(): unknown {
    const { value } = this
    const own = (value as { toJSON?: unknown } | undefined)?.toJSON
    return typeof own === 'function' ? (own.call(value) as unknown) : value
  }

  toString(): string {
    return `<${this.#property} of ${this.#owner.constructor?.name ?? 'an object'}>`
  }
}

/** Whether any was ever made: looking for them costs a walk through the data. */
let isUsed = false

/**
 * The properties of an entity for an event that is told before they are known: what has no value yet is filled in when the event is
 * recorded or delivered, which is after the INSERT. Known values are themselves.
 *
 * @example
 * const order = session.add(new Order(lines))
 * track(new OrderPlaced({ orderId: ref(order).id })) // the key comes with the INSERT
 */
export function ref<E extends object>(entity: E): E {
  return new Proxy(entity, {
    get(owner, property) {
      const value: unknown = Reflect.get(owner, property, owner)
      if (typeof property === 'symbol' || (value !== undefined && value !== null)) return value
      isUsed = true
      return new DeferredValue(owner, property)
    },
  })
}

/** Data with all deferred values in it replaced by what they stand for now; the data itself where there are none. */
export function resolved(data: unknown): unknown {
  return hasDeferred(data) ? filled(data, new Map()) : data
}

/** Whether a deferred value is in these data, at any depth of lists and plain objects. */
export function hasDeferred(data: unknown): boolean {
  return isUsed && hasAny(data, () => true, new Set())
}

/** Whether one of them has no value yet. */
export function hasUnknown(data: unknown): boolean {
  return isUsed && hasAny(data, ({ value }) => value === undefined, new Set())
}

function hasAny(data: unknown, test: (one: DeferredValue) => boolean, seen: Set<object>): boolean {
  if (data instanceof DeferredValue) return test(data)
  if (!isPlain(data) || seen.has(data)) return false
  seen.add(data)
  return Object.values(data).some((value) => hasAny(value, test, seen))
}

function filled(data: unknown, seen: Map<object, unknown>): unknown {
  if (data instanceof DeferredValue) return data.value
  if (!isPlain(data)) return data
  if (seen.has(data)) return seen.get(data)
  const copy = (Array.isArray(data) ? [] : {}) as Record<string, unknown>
  seen.set(data, copy)
  for (const [key, value] of Object.entries(data)) copy[key] = filled(value, seen)
  return Object.freeze(copy)
}

function isPlain(data: unknown): data is object {
  if (typeof data !== 'object' || data === null) return false
  if (Array.isArray(data)) return true
  const prototype: unknown = Object.getPrototypeOf(data)
  return prototype === Object.prototype || prototype === null
}
