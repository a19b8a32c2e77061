/**
 * Whether two values are the same, looking into objects.
 *
 * @module
 */
import { isDeepStrictEqual } from 'node:util'

/** As Node's own comparison, which is slow to tell apart what is no object. */
export function isEqual(one: unknown, other: unknown): boolean {
  if (Object.is(one, other)) return true
  return typeof one === 'object' && typeof other === 'object' && isDeepStrictEqual(one, other)
}
