/**
 * Says what a value is, in messages.
 *
 * Never prints contents: values may be secret. Invariant: the result names kind and class only.
 *
 * @module
 */

/** `a Film`, `an array`, `the class Film`, `null`, `a string`. */
export function describeValue(value: unknown): string {
  if (value === null || value === undefined) return String(value)
  if (Array.isArray(value)) return 'an array'
  if (typeof value === 'function')
    return isClass(value) ? `the class ${value.name || '(anonymous)'}` : `the function ${value.name || '(anonymous)'}`
  if (typeof value !== 'object') return `a ${typeof value}`
  const name = classNameOf(value)
  return name === 'Object' ? 'a plain object' : `an instance of ${name}`
}

/** The name of the class of an object. */
export function classNameOf(value: object): string {
  return (value.constructor as { name?: string } | undefined)?.name ?? 'Object'
}

/** Whether a function was written as a class; arrow functions, plain functions, generators and mocks are not. */
export function isClass(value: unknown): value is abstract new (...args: never[]) => object {
  if (typeof value !== 'function' || isGenerator(value)) return false
  const prototype: unknown = value.prototype
  if (typeof prototype !== 'object' || prototype === null) return false
  return (
    Function.prototype.toString.call(value).startsWith('class') ||
    isBelowAnother(prototype) ||
    Object.getOwnPropertyNames(prototype).length > 1
  )
}

/** Below more than `Object.prototype`, be it that of another realm, as where functions are made by a test runner. */
function isBelowAnother(prototype: object): boolean {
  const base: unknown = Object.getPrototypeOf(prototype)
  return base === null || Object.getPrototypeOf(base) !== null
}

function isGenerator(value: object): boolean {
  return Object.prototype.toString.call(value).endsWith('GeneratorFunction]')
}
