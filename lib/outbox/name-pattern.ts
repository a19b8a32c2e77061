/**
 * Names with `*` for any characters.
 *
 * Invariant: everything but `*` stands for itself.
 *
 * @module
 */

/** Whether a name fits any of these patterns. */
export function namesMatching(patterns: readonly string[]): (name: string) => boolean {
  if (patterns.includes('*')) return () => true
  const exact = new Set(patterns.filter((pattern) => !pattern.includes('*')))
  const open = patterns.filter((pattern) => pattern.includes('*')).map((pattern) => pattern.split('*'))
  return (name) => exact.has(name) || open.some((parts) => isMadeOf(parts, name))
}

/** Begins with the first part, ends with the last one, and has the others between them in their order. */
function isMadeOf(parts: readonly string[], name: string): boolean {
  const [first, last] = [parts[0]!, parts.at(-1)!]
  const end = name.length - last.length
  let from = first.length
  if (from > end || !name.startsWith(first) || !name.endsWith(last)) return false
  return parts.slice(1, -1).every((part) => {
    const at = name.indexOf(part, from)
    from = at + part.length
    return at >= 0 && from <= end
  })
}
