/**
 * A search index of the films, in a file: one line for each film that came, changed or went. The last line of a film counts, so that a message
 * that is handled twice does no harm.
 *
 * @module
 */
import { existsSync, readFileSync } from 'node:fs'
import { appendFile } from 'node:fs/promises'
import { subscription, type ChangePayload, type Subscription } from 'flushpoint/outbox'

interface Line {
  readonly id: string
  readonly title: string | null
}

// #region search-index
/** As long as a search engine takes to answer. */
const ANSWER_MS = 4

export function searchIndex(file: string): Subscription {
  return subscription<ChangePayload>({
    name: 'search-index',
    events: 'film.*',
    concurrency: 20,
    handle: async ({ data: { id, after } }) => {
      await new Promise((resolve) => setTimeout(resolve, ANSWER_MS))
      const line: Line = { id, title: after === null ? null : String(after['title']) }
      await appendFile(file, `${JSON.stringify(line)}\n`)
    },
  })
}
// #endregion

/** What was written, and the titles that count, by id. */
export function readIndex(file: string): { readonly lines: number; readonly titles: ReadonlyMap<string, string> } {
  const written = existsSync(file) ? readFileSync(file, 'utf8') : ''
  const lines = written
    .slice(0, written.lastIndexOf('\n') + 1)
    .split('\n')
    .filter(Boolean) // a killed process may leave half a line
  const titles = new Map<string, string>()
  for (const { id, title } of lines.flatMap(lineOf)) {
    if (title === null) titles.delete(id)
    else titles.set(id, title)
  }
  return { lines: lines.length, titles }
}

/** Whoever goes on after half a line begins behind it. */
function lineOf(text: string): readonly Line[] {
  try {
    return [JSON.parse(text) as Line]
  } catch {
    const last = text.lastIndexOf('{"id"')
    return last > 0 ? lineOf(text.slice(last)) : []
  }
}
