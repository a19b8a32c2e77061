/**
 * Proves that code shown in Markdown is code that runs.
 *
 * A fenced block after `<!-- demo/file.ts#name -->` equals what stands in that file between `// #region name` and its `// #endregion`.
 *
 * @module
 */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { ROOT, pages, read } from './library.js'

const SNIPPET = /^<!-- *([\w./-]+)#([\w-]+) *-->\n+(?:```\w*\n([\s\S]*?)^```$)?/gm

const snippets = pages.flatMap((page) =>
  [...read(page).matchAll(SNIPPET)].map(([, file = '', region = '', code]) => ({ page, file, region, code })),
)

describe('snippets', () => {
  it('follow every reference to a region', () => {
    expect(snippets.filter(({ code }) => code === undefined).map(({ page, file, region }) => `${page}: ${file}#${region}`)).toEqual([])
  })

  for (const { page, file, region, code } of snippets) {
    it(`in ${page} equal ${file}#${region}`, () => {
      expect(existsSync(join(ROOT, file)) ? regionOf(read(file), region) : `missing: ${file}`).toBe(code)
    })
  }
})

/** The lines of a region without markers of regions inside it, and without their common indentation. */
function regionOf(text: string, name: string): string {
  const lines = text.split('\n')
  const start = lines.findIndex((line) => new RegExp(`^\\s*// #region ${name}\\s*$`).test(line))
  if (start < 0) return `no region ${name}`
  const found: string[] = []
  let depth = 1
  for (const line of lines.slice(start + 1)) {
    if (/^\s*\/\/ #region /.test(line)) depth++
    else if (/^\s*\/\/ #endregion/.test(line)) depth--
    else found.push(line)
    if (depth === 0) break
  }
  const indents = found.filter((line) => line.trim() !== '').map((line) => line.search(/\S/))
  const indent = indents.length > 0 ? Math.min(...indents) : 0
  return `${found.map((line) => line.slice(indent)).join('\n')}\n`
}
