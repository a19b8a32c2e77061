/**
 * Checks the package a user gets: packs it, asks publint and attw, installs it with TypeORM into an empty CommonJS and an empty
 * ES module project, imports every entry there and compares the classes of both worlds. Needs dist (`npm run build`).
 */
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { entries, specifierOf } from './entries.mjs'

const root = fileURLToPath(new URL('..', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'flushpoint-pack-'))
const run = (cwd, command, ...args) => execFileSync(command, args, { cwd, stdio: ['ignore', 'pipe', 'inherit'], encoding: 'utf8' })
const versionOf = (name) => JSON.parse(readFileSync(join(root, 'node_modules', name, 'package.json'), 'utf8')).version

const specifiers = JSON.stringify(entries.map(specifierOf))
const PROGRAMS = {
  'index.cjs': `
    require('reflect-metadata')
    for (const name of ${specifiers}) require(name)`,
  'index.mjs': `
    import 'reflect-metadata'
    import { createRequire } from 'node:module'
    const require = createRequire(import.meta.url)
    for (const name of ${specifiers}) {
      const [esm, cjs] = [await import(name), require(name)]
      const names = Object.keys(cjs)
      const different = names.filter((key) => esm[key] !== cjs[key])
      if (different.length > 0 || Object.keys(esm).length !== names.length) {
        throw new Error(\`\${name}: not the same in both worlds: \${different}\`)
      }
      console.log(\`\${name}: \${names.length} exports, the same in both worlds\`)
    }`,
}

try {
  const [{ filename, size, files }] = JSON.parse(run(root, 'npm', 'pack', '--json', '--ignore-scripts', '--pack-destination', folder))
  const tarball = join(folder, filename)
  console.log(`${filename}: ${files.length} files, ${(size / 1024).toFixed(0)} kB`)
  console.log(run(root, process.execPath, 'node_modules/publint/src/cli.js', tarball, '--strict').trim())
  console.log(run(root, process.execPath, 'node_modules/@arethetypeswrong/cli/dist/index.js', tarball, '--profile', 'node16').trim())
  for (const [type, program] of [
    ['commonjs', 'index.cjs'],
    ['module', 'index.mjs'],
  ]) {
    const project = join(folder, type)
    mkdirSync(project)
    writeFileSync(join(project, 'package.json'), JSON.stringify({ name: `empty-${type}`, private: true, type }))
    const peers = ['typeorm', 'reflect-metadata'].map((name) => `${name}@${versionOf(name)}`)
    run(project, 'npm', 'install', '--prefer-offline', '--no-audit', '--no-fund', '--ignore-scripts', tarball, ...peers)
    writeFileSync(join(project, program), PROGRAMS[program])
    console.log(`${type}: ${run(project, process.execPath, program).trim() || 'every entry loads'}`)
  }
} finally {
  rmSync(folder, { recursive: true, force: true })
}
