/**
 * Holds package.json to the entries, the layers and the promise that TypeORM is the user's own.
 *
 * @module
 */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { PACKAGES } from './layers.js'
import { LIB, ROOT, entries, read } from './library.js'

interface Manifest {
  readonly name: string
  readonly exports: Record<string, unknown>
  readonly dependencies: Record<string, string>
  readonly peerDependencies: Record<string, string>
  readonly peerDependenciesMeta: Record<string, { readonly optional?: boolean }>
}
const manifest = JSON.parse(read('package.json')) as Manifest

/** Clients of brokers are optional: who uses one builds and passes it. */
function neededPeers(): readonly string[] {
  const { peerDependencies, peerDependenciesMeta } = manifest
  return Object.keys(peerDependencies)
    .filter((name) => peerDependenciesMeta[name]?.optional !== true)
    .sort()
}

describe('package.json', () => {
  it('exports every entry of .ci/entries.json, each in both worlds', () => {
    const wanted = entries.map((entry) => [
      entry === 'index' ? '.' : `./${entry.replace(/\/index$/, '')}`,
      {
        import: { types: `./dist/${entry}.d.mts`, default: `./dist/${entry}.mjs` },
        require: { types: `./dist/${entry}.d.ts`, default: `./dist/${entry}.js` },
      },
    ])
    // What to do: `npm run build` writes them.
    expect(manifest.exports).toEqual({ ...Object.fromEntries(wanted), './package.json': './package.json' })
    expect(entries.filter((entry) => !existsSync(join(LIB, `${entry}.ts`)))).toEqual([])
  })

  it('depends on exactly the packages the layers load', () => {
    const declared = new Set([...Object.keys(manifest.dependencies), ...neededPeers()])
    declared.delete('reflect-metadata') // for TypeORM's decorators
    expect([...declared].sort()).toEqual(Object.keys(PACKAGES).sort())
  })

  it('leaves TypeORM and reflect-metadata to the user', () => {
    expect(neededPeers()).toEqual(['reflect-metadata', 'typeorm'])
    expect(Object.keys(manifest.dependencies)).not.toContain('typeorm')
  })

  it('names no registry in the lock file', () => {
    const lock = JSON.parse(read('package-lock.json')) as { packages: Record<string, { resolved?: string; link?: boolean }> }
    expect(Object.entries(lock.packages).filter(([, { resolved }]) => resolved !== undefined)).toEqual([])
    expect(existsSync(join(ROOT, '.npmrc'))).toBe(true)
  })
})
