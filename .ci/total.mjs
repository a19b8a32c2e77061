/** Adds up the lines that .ci/specs.mjs left in the given file and prints `N passed, N failed` as a last line. */
import { existsSync, readFileSync } from 'node:fs'

const [file] = process.argv.slice(2)
const lines = existsSync(file)
  ? readFileSync(file, 'utf8')
      .trim()
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line))
  : []
const sum = (key) => lines.reduce((total, line) => total + line[key], 0)
console.log(`${sum('passed')} passed, ${sum('failed')} failed${sum('skipped') > 0 ? `, ${sum('skipped')} skipped` : ''}`)
