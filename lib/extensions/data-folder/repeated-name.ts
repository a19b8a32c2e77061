/**
 * Names that an object in a JSON text has twice.
 *
 * `JSON.parse` keeps the last of them and says nothing. Invariant: it is given JSON that has been parsed, and walks it once, however long its
 * texts are.
 *
 * @module
 */
/** The first such name; undefined where there is none. */
export function repeatedNameIn(json: string): string | undefined {
  const token = /["{}[\],]/g // all else is of no interest here
  const open: (Set<string> | undefined)[] = []
  let isName = false
  for (let found = token.exec(json); found !== null; found = token.exec(json)) {
    const [sign] = found
    if (sign === '{') open.push(new Set())
    else if (sign === '[') open.push(undefined)
    else if (sign === '}' || sign === ']') open.pop()
    else if (sign === '"') {
      token.lastIndex = endOfString(json, found.index)
      const names = open.at(-1)
      if (isName && names !== undefined) {
        const name = JSON.parse(json.slice(found.index, token.lastIndex)) as string
        if (names.has(name)) return name
        names.add(name)
      }
    }
    isName = sign === '{' || (sign === ',' && open.at(-1) !== undefined)
  }
  return undefined
}

/** Behind the quote that ends it. By hand: an expression that knows escapes runs out of stack on millions of characters. */
function endOfString(json: string, begin: number): number {
  for (let at = json.indexOf('"', begin + 1); ; at = json.indexOf('"', at + 1)) {
    let slash = at
    while (json[slash - 1] === '\\') slash--
    if ((at - slash) % 2 === 0) return at + 1
  }
}
