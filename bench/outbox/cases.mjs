/**
 * Which messages are delivered: keys that look random, and handlers that fail.
 *
 * Invariant: the same case and count make the same messages, whoever is measured.
 */

/** One of so many messages fails when it is handled first. */
const FAILING_OF = 20

export const CASES = {
  'keys-500': { title: '500 keys', keys: 500 },
  'hot-5': { title: '5 hot keys', keys: 5 },
  failing: { title: '500 keys, 5 % fail once', keys: 500, hasFailures: true },
}

/** `{ n, key }` in the order of `n`. */
export function messagesOf(name, count) {
  const { keys } = CASES[name]
  return Array.from({ length: count }, (_, n) => ({ n, key: scattered(n) % keys }))
}

export function failsOnce(name, n) {
  return CASES[name].hasFailures === true && scattered(n + 1_000_003) % FAILING_OF === 0
}

/** The finalizer of MurmurHash3. */
function scattered(number) {
  let hash = Math.imul(number ^ (number >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return (hash ^ (hash >>> 16)) >>> 0
}
