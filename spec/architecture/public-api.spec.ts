/**
 * Compares what each entry exports, names, kinds and signatures, with the committed reports in `api/`.
 *
 * Works on the declarations a user gets, so inferred types count too; comments and private members do not.
 *
 * @module
 */
import { join } from 'node:path'
import ts from 'typescript'
import { expectCommitted } from './committed-file.js'
import { LIB, ROOT, entries } from './library.js'

jest.setTimeout(60_000)

const printer = ts.createPrinter({ removeComments: true })
const declarations = emitDeclarations()
const program = programOf(declarations)
const checker = program.getTypeChecker()

it.each(entries)('exports from %s exactly what the report says', (entry) => {
  const source = program.getSourceFile(join(LIB, `${entry}.d.ts`))!
  const module = checker.getSymbolAtLocation(source)
  const lines = module ? checker.getExportsOfModule(module).map(describeExport).sort() : []
  const name = entry.replace(/\/?index$/, '').replaceAll('/', '.')
  expectCommitted(`spec/architecture/api/flushpoint${name && `.${name}`}.txt`, `${lines.join('\n\n')}\n`)
})

/** The .d.ts files of the library by path, as `npm run build` would write them, but beside their sources. */
function emitDeclarations(): Map<string, string> {
  const { config } = ts.readConfigFile(join(ROOT, 'tsconfig.build.json'), (path) => ts.sys.readFile(path)) as { config: unknown }
  const { fileNames, options } = ts.parseJsonConfigFileContent(config, ts.sys, ROOT)
  const { outDir: _, ...rest } = options
  const emitted = new Map<string, string>()
  const sources = ts.createProgram(fileNames, {
    ...rest,
    noEmit: false,
    emitDeclarationOnly: true,
    declaration: true,
    sourceMap: false,
    inlineSources: false,
  })
  sources.emit(undefined, (path, text) => void emitted.set(path, text))
  return emitted
}

function programOf(texts: ReadonlyMap<string, string>): ts.Program {
  const options = { module: ts.ModuleKind.NodeNext, target: ts.ScriptTarget.ES2022, skipLibCheck: true, types: [] }
  const host = ts.createCompilerHost(options)
  const { fileExists, readFile, getSourceFile } = host
  // Only declarations exist below lib/, so that `./name.js` means them and never the source.
  const hidden = (path: string) => path.startsWith(`${LIB}/`) && !path.endsWith('.d.ts')
  host.fileExists = (path) => texts.has(path) || (!hidden(path) && fileExists.call(host, path))
  host.readFile = (path) => texts.get(path) ?? readFile.call(host, path)
  host.getSourceFile = (path, target, ...rest) => {
    const text = texts.get(path)
    if (text === undefined) return getSourceFile.call(host, path, target, ...rest)
    return ts.createSourceFile(path, text, target)
  }
  return ts.createProgram(
    entries.map((entry) => join(LIB, `${entry}.d.ts`)),
    options,
    host,
  )
}

function describeExport(symbol: ts.Symbol): string {
  const original = symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol
  const texts = (original.declarations ?? []).map((node) => textOf(node).replace(/^(export )?(declare )?/, ''))
  return `${symbol.name} (${kindOf(original)})\n${texts.join('\n').replace(/^/gm, '  ')}`
}

function textOf(declaration: ts.Declaration): string {
  const node = ts.isVariableDeclaration(declaration) ? declaration.parent.parent : declaration
  return printer.printNode(ts.EmitHint.Unspecified, node, declaration.getSourceFile()).replace(/^\s*(#private;|private .*)\n/gm, '')
}

function kindOf({ flags }: ts.Symbol): string {
  if (flags & ts.SymbolFlags.Class) return 'class'
  if (flags & ts.SymbolFlags.Function) return 'function'
  if (flags & ts.SymbolFlags.Interface) return 'interface'
  return flags & ts.SymbolFlags.Value ? 'const' : 'type'
}
