/**
 * Holds the error catalogue to its style, and `docs/errors.md` to the catalogue.
 *
 * @module
 */
import type { ErrorEntry } from '../../lib/core/error-entry.js'
import { ERRORS } from '../../lib/core/errors.js'
import { expectCommitted } from './committed-file.js'

const catalogue = Object.entries(ERRORS) as unknown as readonly (readonly [string, ErrorEntry<unknown>])[]
const PAGE = `# Errors

Every error has a permanent \`code\`, a message that says what cannot be done, and a \`fix\`. Ask for one with \`hasErrorCode(error, code)\`.
This page is written from \`lib/core/errors.ts\` by \`npm run reports\`.
`

describe('error catalogue', () => {
  it.each(catalogue)('%s says what cannot be done, and what to do', (code, entry) => {
    expect(code).toMatch(/^[A-Z][A-Z0-9]*(_[A-Z0-9]+)*$/)
    const message = messageOf(entry)
    expect(message).toMatch(/^Cannot /)
    expect(message).not.toMatch(/\b\w+n't\b|\.$|undefined|\[object/)
    expect(entry.fix.trim()).not.toBe('')
    expect(entry.fix).not.toMatch(/\.$/)
  })

  it('is listed in docs/errors.md', () => {
    const sections = catalogue.map(([code, entry]) => `\n## ${code}\n\n${escape(messageOf(entry))}.\n\n**Fix:** ${escape(entry.fix)}.\n`)
    expectCommitted('docs/errors.md', PAGE + sections.join(''))
  })
})

/** The message with `<name>` for each datum, whether the entry treats it as a text or as a list. */
function messageOf(entry: ErrorEntry<unknown>): string {
  const placeholder = (sample: (name: string) => unknown) => new Proxy({}, { get: (_, name) => sample(`<${String(name)}>`) })
  try {
    return entry.message(placeholder((name) => name))
  } catch {
    return entry.message(placeholder((name) => [name]))
  }
}

/** Markdown takes `<name>` for HTML, and `*` or `_` around words for emphasis. */
function escape(text: string): string {
  return text.replace(/[<*_|\\`]/g, '\\$&')
}
