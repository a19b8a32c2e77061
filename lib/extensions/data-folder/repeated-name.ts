/**
 * Names that an object in a JSON text has twice.
 *
 * `JSON.parse` keeps the last of them and says nothing. Invariant: it is given JSON that has been parsed, and walks it once.
 *
 * @module
 */
/** A string, or what opens, closes and parts objects and lists; all else is of no interest here. */
const TOKEN = /"(?:[^"\\]|\\.)*"|[{}[\],]/gs

/** The first such name; undefined where there is none. */
export function repeatedNameIn(json: string): string | undefined {
  const open: (Set<string> | undefined)[] = []
  let isName = false
  for (const [token] of json.matchAll(TOKEN)) {
    if (token === '{') open.push(new Set())
    else if (token === '[') open.push(undefined)
    else if (token === '}' || token === ']') open.pop()
    else if (token !== ',' && isName) {
      const name = JSON.parse(token) as string
      if (open.at(-1)!.has(name)) return name
      open.at(-1)!.add(name)
    }
    isName = token === '{' || (token === ',' && open.at(-1) !== undefined)
  }
  return undefined
}
