/**
 * Puts together what belongs together.
 *
 * Invariant: groups come in the order of their first members, members in the order they were given.
 *
 * @module
 */

/** As `Map.groupBy`, which Node has from 21 on. */
export function groupBy<T, K>(items: Iterable<T>, keyOf: (item: T) => K): Map<K, T[]> {
  const groups = new Map<K, T[]>()
  for (const item of items) {
    const key = keyOf(item)
    const group = groups.get(key)
    if (group === undefined) groups.set(key, [item])
    else group.push(item)
  }
  return groups
}
