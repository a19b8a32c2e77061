/** The entries of the package, as listed in entries.json: module paths in lib, without extension. A new sub-path is one line there. */
import { readFileSync } from 'node:fs'

export const entries = JSON.parse(readFileSync(new URL('entries.json', import.meta.url), 'utf8'))

/** `index` is `.`, `signals/index` is `./signals`. */
export const subpathOf = (entry) => (entry === 'index' ? '.' : `./${entry.replace(/\/index$/, '')}`)

/** What a user writes: `flushpoint`, `flushpoint/signals`. */
export const specifierOf = (entry) => `flushpoint${subpathOf(entry).slice(1)}`

export const exportsMap = () => ({
  ...Object.fromEntries(
    entries.map((entry) => [
      subpathOf(entry),
      {
        import: { types: `./dist/${entry}.d.mts`, default: `./dist/${entry}.mjs` },
        require: { types: `./dist/${entry}.d.ts`, default: `./dist/${entry}.js` },
      },
    ]),
  ),
  './package.json': './package.json',
})
