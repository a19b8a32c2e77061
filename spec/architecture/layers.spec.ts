/**
 * Proves that imports in `lib/` only look up the table in layers.ts.
 *
 * @module
 */
import { builtinModules } from 'node:module'
import { LAYERS, PACKAGES } from './layers.js'
import { type Import, entries, files, importsOf, read } from './library.js'

const layers: Record<string, readonly string[]> = LAYERS
const packages: Record<string, readonly string[]> = PACKAGES
const imports = files.flatMap(importsOf)

const folderOf = (file: string) => (file.includes('/') ? file.slice(0, file.indexOf('/')) : '')
const isLocal = (to: string) => to.endsWith('.ts')
const isBuiltin = (to: string) => to.startsWith('node:') || builtinModules.includes(to)
const packageOf = (to: string) =>
  to
    .split('/')
    .slice(0, to.startsWith('@') ? 2 : 1)
    .join('/')
const at = ({ from, line, to }: Import) => `lib/${from}:${line} -> ${to}`

describe('lib layers', () => {
  it('has a row for every folder, and a folder for every row', () => {
    const folders = new Set(files.map(folderOf).filter(Boolean))
    expect([...folders].sort()).toEqual(Object.keys(layers).sort())
  })

  it('lists layers so that every folder only looks up the table', () => {
    const names = Object.keys(layers)
    const downward = Object.entries(layers).filter(([folder, allowed]) =>
      allowed.some((name) => names.indexOf(name) >= names.indexOf(folder)),
    )
    expect(downward).toEqual([])
  })

  it('is shown in lib/README.md as it is', () => {
    const section =
      read('lib/README.md')
        .split(/^## /m)
        .find((part) => part.startsWith('Layers')) ?? ''
    const rows = section
      .split('\n')
      .filter((line) => line.startsWith('|'))
      .map((line) => line.split('|').map((cell) => cell.trim().replaceAll('`', '')))
      .map((cells) => `${cells[1]}: ${cells.at(-2)}`)
    const wanted = Object.entries(layers).map(([folder, allowed]) => `${folder}: ${allowed.join(', ') || '–'}`)
    expect(rows.filter((row) => folderRow.test(row))).toEqual(wanted)
  })

  // What to do: move the code to a higher folder, or declare an interface in the lower one.
  it('imports only from allowed layers, types included', () => {
    const wrong = imports.filter(({ from, to }) => {
      const [own, other] = [folderOf(from), folderOf(to)]
      return isLocal(to) && own && own !== other && !layers[own]?.includes(other)
    })
    expect(wrong.map(at)).toEqual([])
  })

  it('keeps internal/ private to its folder', () => {
    const wrong = imports.filter(({ from, to }) => isLocal(to) && to.includes('/internal/') && folderOf(from) !== folderOf(to))
    expect(wrong.map(at)).toEqual([])
  })

  it('never imports an entry of the package', () => {
    expect(imports.filter(({ to }) => entries.some((entry) => to === `${entry}.ts`)).map(at)).toEqual([])
  })

  it('loads third-party packages only where they are expected', () => {
    const wrong = imports.filter(({ from, to, typeOnly }) => {
      if (isLocal(to) || isBuiltin(to)) return false
      const allowed = packages[packageOf(to)]
      return !allowed || (!typeOnly && !allowed.some((place) => from === place || from.startsWith(`${place}/`)))
    })
    expect(wrong.map(at)).toEqual([])
  })

  it('has no import cycles, types included', () => {
    expect(cycles(imports.filter(({ to }) => isLocal(to)))).toEqual([])
  })
})

const folderRow = new RegExp(`^(${Object.keys(LAYERS).join('|')}): `)

function cycles(edges: readonly Import[]): string[] {
  const out = new Map<string, string[]>()
  for (const { from, to } of edges) out.set(from, [...(out.get(from) ?? []), to])
  const done = new Set<string>()
  const found: string[] = []
  const walk = (file: string, trail: readonly string[]): void => {
    if (trail.includes(file)) found.push([...trail.slice(trail.indexOf(file)), file].join(' -> '))
    else if (!done.has(file)) {
      for (const next of out.get(file) ?? []) walk(next, [...trail, file])
      done.add(file)
    }
  }
  for (const file of out.keys()) walk(file, [])
  return found
}
