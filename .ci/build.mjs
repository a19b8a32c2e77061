/**
 * Builds dist: CommonJS with declarations by tsc, then for every entry of entries.json a thin ES module around the same file,
 * so that a class is one class for both kinds of importers. Keeps package.json#exports in step with entries.json.
 */
import { execFileSync } from 'node:child_process'
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { basename } from 'node:path'
import { fileURLToPath } from 'node:url'
import { entries, exportsMap } from './entries.mjs'

const root = fileURLToPath(new URL('..', import.meta.url))
const require = createRequire(import.meta.url)

process.chdir(root)
rmSync('dist', { recursive: true, force: true })
execFileSync(process.execPath, ['node_modules/@typescript/native/bin/tsc', '-p', 'tsconfig.build.json'], { stdio: 'inherit' })

for (const entry of entries) {
  const file = `./${basename(entry)}.js`
  const names = Object.keys(require(`${root}dist/${entry}.js`)).sort()
  const module = names.length > 0 ? `import entry from '${file}'\nexport const { ${names.join(', ')} } = entry\n` : `import '${file}'\n`
  writeFileSync(`dist/${entry}.mjs`, module)
  writeFileSync(`dist/${entry}.d.mts`, `export * from '${file}'\n`)
}

const manifest = JSON.parse(readFileSync('package.json', 'utf8'))
if (JSON.stringify(manifest.exports) !== JSON.stringify(exportsMap())) {
  writeFileSync('package.json', `${JSON.stringify({ ...manifest, exports: exportsMap() }, null, 2)}\n`)
  console.log('package.json#exports now follows .ci/entries.json')
}
