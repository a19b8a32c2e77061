/**
 * Copies what an event tells, so that a fact stays what it was.
 *
 * Knows no events. Invariant: lists and plain objects of a copy are frozen all the way down; functions and instances of classes are not copied,
 * since only their class knows how.
 *
 * @module
 */

type Seen = Map<object, unknown>

/** A copy of lists, plain objects, Date, Map, Set and binary data, at any depth; anything else is itself. */
export function copyOfData(value: unknown): unknown {
  return isObject(value) ? copyOf(value, new Map()) : value
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null
}

function copyOf(value: unknown, seen: Seen): unknown {
  if (!isObject(value)) return value
  if (seen.has(value)) return seen.get(value)
  if (Array.isArray(value)) return fill(value, [], seen)
  switch (Object.getPrototypeOf(value)) {
    case Object.prototype:
    case null:
      return fill(value, Object.create(Object.getPrototypeOf(value) as object | null) as object, seen)
    case Date.prototype:
      return new Date(value as Date)
    case Map.prototype:
      return copyOfMap(value as Map<unknown, unknown>, seen)
    case Set.prototype:
      return copyOfSet(value as Set<unknown>, seen)
  }
  // a Buffer's own `slice` would share its memory
  return isBytes(value) ? (Uint8Array.prototype.slice.call(value) as unknown) : value
}

function isBytes(value: object): value is Uint8Array {
  return ArrayBuffer.isView(value) && !(value instanceof DataView)
}

function fill(from: object, to: object, seen: Seen): unknown {
  seen.set(from, to)
  if (Array.isArray(from)) (to as unknown[]).length = from.length // lists may have gaps
  for (const [key, value] of Object.entries(from))
    Object.defineProperty(to, key, { value: copyOf(value, seen), enumerable: true, configurable: true, writable: true })
  return Object.freeze(to)
}

function copyOfMap(from: ReadonlyMap<unknown, unknown>, seen: Seen): unknown {
  const to = new Map<unknown, unknown>()
  seen.set(from, to)
  for (const [key, value] of from) to.set(copyOf(key, seen), copyOf(value, seen))
  return to
}

function copyOfSet(from: ReadonlySet<unknown>, seen: Seen): unknown {
  const to = new Set<unknown>()
  seen.set(from, to)
  for (const value of from) to.add(copyOf(value, seen))
  return to
}
